/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A plan told in another tool's words: libvirt's domain XML. */
#pragma once

#include "vm.h"

#include <jansson.h>

/* The domain XML of @plan, for libvirt 8.2 or later; what it has no words for, or other ones, goes
 * to
 * @diags. NULL with DP_ERROR_REFUSED if a name or path of the VM cannot stand in XML. The caller
 * frees it. */
char *dp_export_libvirt(const DpPlan *plan, DpDiagList *diags, GError **error);

/* Private to the two files of the export. */
typedef struct {
    const DpPlan *plan;
    DpDiagList *diags;
    GString *xml;
    GPtrArray *devices;   /* json_t: QEMU's devices, in order */
    GPtrArray *blockdevs; /* json_t */
    GPtrArray *bridges;   /* borrowed json_t, as firmware numbers their buses: 1, 2, ... */
    unsigned n_disks, n_usb;
} DpExport;

/* export-devices.c: the element of one of QEMU's devices. */
void dp_export_device(DpExport *export, const json_t *device);

/* The text of @key of @object; "" where it is none. */
const char *dp_export_text(const json_t *object, const char *key);

/* Appends, with two spaces an @indent; what the arguments hold is escaped. */
void dp_export_line(DpExport *export, unsigned indent, const char *fmt, ...) G_GNUC_PRINTF(3, 4);

/* "<address type='pci' .../>" of where @device sits. */
void dp_export_address(DpExport *export, unsigned indent, const json_t *device);

/* The value of option @name whose text begins with @start, or NULL. */
const char *dp_export_option(const DpPlan *plan, const char *name, const char *start);
