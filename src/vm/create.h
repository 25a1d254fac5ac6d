/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A new VMX. */
#pragma once

#include "vm.h"

/* The file @name (for subjects) of a VM called @title (UTF-8): what ESX writes for a new VM without
 * disks and networks, of hardware version 11, with an SMBIOS UUID of its own and no bridges yet
 * (dp_edit_bridges). NULL where @title is no text. */
DpVmx *dp_vmx_create(const char *name, const char *title, GError **error);
