/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's PCI topology: the root bus, conventional bridges and PCI Express root ports of the
 * VMX, and who sits where. pciSlotNumber is function<<10 | bus<<5 | device (Broadcom KB 2047927):
 * bus 0 is the root bus, otherwise it is pciBridge(bus-1), of which `function` is a function.
 */
#pragma once

#include "formats/address.h"

#include <glib.h>

#define DP_N_BRIDGES 32 /* five bits of the slot number, bus 0 being the root bus */

typedef enum {
    DP_PLACE_PCIE, /* behind a root port */
    DP_PLACE_PCI,  /* on a conventional bus */
    DP_PLACE_ANY,  /* where the slot number says; the root bus by choice */
} DpPlaceKind;

typedef struct {
    bool present;
    bool express;       /* a PCI Express root port: nothing but device 0 behind each function */
    unsigned functions; /* 1 to 8 */
    int slot;           /* device number on the root bus */
} DpBridge;

typedef struct {
    DpBridge bridges[DP_N_BRIDGES];
    GHashTable *used;     /* slot number -> name of what sits there */
    GHashTable *root_bus; /* device number on the root bus -> name */
} DpPlacement;

/* Where something sits: QEMU's bus and address, and for people. */
typedef struct {
    int slot; /* slot number */
    char bus[24];
    char addr[8];
} DpPlace;

/* What wants a place. */
typedef struct {
    const char *name;
    unsigned pin;   /* 1 to 4: it interrupts by INTA to INTD; 0: lines do not matter to it */
    unsigned avoid; /* bit N: line N is not for it */
} DpWish;

DpPlacement *dp_placement_new(void);
void dp_placement_free(DpPlacement *placement);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpPlacement, dp_placement_free)

/* Adds pciBridge@index at device @device of the root bus; false if something sits there. */
bool dp_placement_bridge(
    DpPlacement *placement, unsigned index, bool express, unsigned functions, unsigned device);

/* What sits at @slot, or NULL. */
const char *dp_placement_holder(const DpPlacement *placement, int slot);

/* The slot number of what is called @name, or -1. */
int dp_placement_slot_of(const DpPlacement *placement, const char *name);

/* The number that firmware gives to the bus behind function @function of pciBridge@index. */
unsigned dp_placement_bus(const DpPlacement *placement, unsigned index, unsigned function);

/* True if slot number @slot exists in this topology and suits @kind. */
bool dp_placement_exists(const DpPlacement *placement, int slot, DpPlaceKind kind);

/* QEMU's words for @slot, which exists. */
void dp_placement_fill(const DpPlacement *placement, int slot, DpPlace *ret_place);

/* Takes @slot for @name; false if it is taken or does not exist. */
bool dp_placement_take(DpPlacement *placement, int slot, const char *name, DpPlace *ret_place);

/* The guest's interrupt line, 0 to 7, of pin @pin (1: INTA) of what sits at @slot, which exists. */
unsigned dp_placement_line(const DpPlacement *placement, int slot, unsigned pin);

/* Takes the next free slot: for PCIe the bridges' functions 0 first, then their functions 1 (the
 * order that ESXi was seen to use); for PCI the lowest free device behind the conventional bridge,
 * else of the root bus. False if nothing is free. */
bool
dp_placement_next(DpPlacement *placement, DpPlaceKind kind, const DpWish *wish, DpPlace *ret_place);

/* Number of root ports, and how many of them are free. */
unsigned dp_placement_ports(const DpPlacement *placement, unsigned *ret_free);

/* "pciBridge4 (00:15.0) device 00.0", or "00:10.0" on the root bus; the caller frees it. */
char *dp_placement_describe(const DpPlacement *placement, int slot);
