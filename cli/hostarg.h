/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --host CAPTURE: another host, as `host capture` has written it down there. */
#pragma once

#include "context.h"
#include "vmplan.h"

/* A folder is taken as it is. An archive is unpacked into a private folder, which the options'
 * root then names; it is removed with @cli. False with a diagnostic. */
bool dp_cli_open_host(DpCli *cli, GError **error);

/* "host": could that host power @plan on? Device by device, memory, addresses, firmware,
 * processor; and for people. What no diagnostic of the plan says goes to cli->diags. */
json_t *dp_plan_host_report(DpCli *cli, DpContext *context, const DpPlan *plan);
