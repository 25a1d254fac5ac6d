/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bindings in the records of run/directpath, which hold for one boot of the kernel. */
#pragma once

#include "binding.h"

/* {"address","driver","override","vendor","device"}, and the process that waits for its lock. */
json_t *dp_binding_to_json(DpRoot *root, const DpBinding *binding);
/* NULL if @object is not of that form. */
DpBinding *dp_binding_from_json(DpRoot *root, const json_t *object);

/* The id of the running kernel's boot; "" if unknown. The caller frees it. */
char *dp_boot_id(DpRoot *root);
