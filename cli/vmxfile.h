/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VMX file that the command line names. */
#pragma once

#include "formats/vmx.h"

typedef struct {
    char *path; /* absolute, without symbolic links */
    DpVmx *vmx;
} DpVmxFile;

/* Reads and parses the regular file @path, at most a byte more than the limit of the format. Its
 * problems go to @diags (may be NULL). */
DpVmxFile *dp_vmx_file_load(const char *path, DpDiagList *diags, GError **error);
void dp_vmx_file_free(DpVmxFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpVmxFile, dp_vmx_file_free)
