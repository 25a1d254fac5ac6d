/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands about registered VMs share. */
#pragma once

#include "context.h"
#include "vm/registry.h"

/* One entry of "vms" or "registered": {"vmx","name","present","state","autostart","order",
 * "timeout"}. @known: dp_known_read of the registered files, or NULL: not looked at. */
json_t *
dp_registered_json(const DpContext *context, const DpRegistered *vm, const GPtrArray *known);

/* The running VM of the file @vmx, a path beneath the context's root; NULL: it is off. */
const DpRun *dp_registered_run(const DpContext *context, const char *vmx);

/* "registered" of `vm list`, and for people a table of them; a file that is not there is a warning.
 * Nothing but a diagnostic where the registry cannot be used. */
void dp_registered_show(DpCli *cli, const DpContext *context);
