/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of names of PCI devices, pci.ids: "8086  Intel Corporation", below it "\t10d3  82574L",
 * and "C 02  Network controller", below it "\t00  Ethernet controller" (the list's own head
 * describes it). Only what is asked for is looked at, because the list has more than a megabyte.
 * Lines of any other form are passed over; of two entries with one number the first counts.
 */
#pragma once

#include <glib.h>

typedef struct DpPciIds DpPciIds;

/* Keeps a reference to @bytes; NULL: an empty list. */
DpPciIds *dp_pci_ids_new(GBytes *bytes);
void dp_pci_ids_free(DpPciIds *ids);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpPciIds, dp_pci_ids_free)

/* Names as the list has them (any bytes), NULL: not listed. The caller frees them. @code is class
 * and subclass, 0x0200. */
char *dp_pci_ids_vendor(const DpPciIds *ids, unsigned vendor);
char *dp_pci_ids_device(const DpPciIds *ids, unsigned vendor, unsigned device);
char *dp_pci_ids_class(const DpPciIds *ids, unsigned code);
char *dp_pci_ids_subclass(const DpPciIds *ids, unsigned code);
