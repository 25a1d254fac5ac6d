/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table DMAR: what the firmware says about VT-d (Intel Virtualization Technology for Directed
 * I/O, chapter 8). Of interest here: whether interrupts can be remapped, and the reserved memory
 * regions (RMRR), which a device goes on using by itself.
 */
#pragma once

#include "acpi.h"

/* A path has two bytes a hop, within a scope of at most 255 bytes. */
#define DP_DMAR_HOPS_MAX 124u

typedef struct {
    uint8_t device, function;
} DpDmarHop;

/* One region for one device (8.4, 8.3.1). */
typedef struct {
    uint64_t start, last; /* addresses, both included */
    uint16_t segment;
    uint8_t bus;    /* where the path begins */
    uint8_t n_hops; /* at least 1: bridge after bridge, and at last the device */
    DpDmarHop hops[DP_DMAR_HOPS_MAX];
} DpDmarRegion;

typedef struct {
    unsigned address_bits; /* of DMA that the platform can do; 1 to 256 */
    bool intr_remap;       /* 8.1: the platform can remap interrupts */
    bool x2apic_opt_out;   /* the firmware asks that x2APIC mode be left off */
    GArray *regions;       /* DpDmarRegion, in the order of the table */
} DpDmar;

/* NULL: not such a table. What is malformed within one is left out and becomes diagnostics. */
DpDmar *dp_dmar_parse(const uint8_t *bytes, size_t len, DpDiagList *diags);
void dp_dmar_free(DpDmar *dmar);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpDmar, dp_dmar_free)
