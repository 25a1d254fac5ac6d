/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table IVRS: what the firmware says about AMD's IOMMU (AMD I/O Virtualization Technology
 * Specification, chapter 5). Of interest here: the memory that it wants mapped one to one or left
 * alone (IVMD).
 */
#pragma once

#include "acpi.h"

/* One region for the functions first_id to last_id of one segment (5.2.5); an id is bus << 8 |
 * device << 3 | function. */
typedef struct {
    uint64_t start, last; /* addresses, both included */
    uint16_t segment;
    uint16_t first_id, last_id;
} DpIvrsRegion;

typedef struct {
    GArray *regions; /* DpIvrsRegion, in the order of the table */
} DpIvrs;

/* NULL: not such a table. What is malformed within one is left out and becomes diagnostics. */
DpIvrs *dp_ivrs_parse(const uint8_t *bytes, size_t len, DpDiagList *diags);
void dp_ivrs_free(DpIvrs *ivrs);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpIvrs, dp_ivrs_free)
