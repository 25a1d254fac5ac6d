/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of a VM: opened here, looked at, handed to QEMU as descriptors. */
#pragma once

#include "vm.h"

/* Opens @file for QEMU and looks at it again, so that what was planned is what is handed over: a
 * regular file, nothing that a link leads to outside @folder or the datastore, the kind that the
 * plan found. -1 with error. */
int dp_file_open_for_vm(const DpVmFile *file, const char *folder, GError **error);

/* True if @path lies beneath @folder, both without links. */
bool dp_file_inside(const char *path, const char *folder);

/* True if the first bytes are those of an ISO 9660 or UDF image. */
bool dp_file_is_iso(const char *bytes, size_t len);
