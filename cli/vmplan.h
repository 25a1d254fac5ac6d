/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands about one VM share. */
#pragma once

#include "document.h"
#include "vm/vm.h"
#include "vmxfile.h"

/* The plan of @file over this host, with the options of @cli. */
DpPlan *dp_cli_plan(const DpCli *cli, const DpContext *context, const DpVmxFile *file);

/* "passthrough": an array, and the same for people. */
json_t *dp_plan_devices_report(const DpCli *cli, const DpPlan *plan);

/* "interfaces": an array, and for people the names that a guest gives them, with what brings an old
 * name back. */
json_t *dp_plan_interfaces_report(const DpCli *cli, const DpPlan *plan);
