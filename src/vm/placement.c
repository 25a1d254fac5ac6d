/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "placement.h"

#include <string.h>

#define AGP_DEVICE 1 /* of the empty bridge in place of ESX's */

/* Devices of the root bus that the machine itself has; the rest as ESX lays it out. */
static const struct {
    unsigned device;
    const char *name;
} root_bus_fixed[] = {
    {0x00, "the host bridge"},    {0x01, "the AGP bridge"}, /* 440BX: keeps the numbers of the buses
                                                               behind it as on ESX */
    {0x07, "the IDE controller"}, {0x0f, "the display"},    {0x1f, "the chipset"},
};

DpPlacement *
dp_placement_new(void)
{
    DpPlacement *placement = g_new0(DpPlacement, 1);

    placement->used = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
    placement->root_bus = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
    for (size_t i = 0; i < G_N_ELEMENTS(root_bus_fixed); i++) {
        g_hash_table_insert(placement->root_bus, GUINT_TO_POINTER(root_bus_fixed[i].device),
                            g_strdup(root_bus_fixed[i].name));
    }
    return placement;
}

void
dp_placement_free(DpPlacement *placement)
{
    if (placement == NULL) {
        return;
    }
    g_hash_table_unref(placement->used);
    g_hash_table_unref(placement->root_bus);
    g_free(placement);
}

bool
dp_placement_bridge(
    DpPlacement *placement, unsigned index, bool express, unsigned functions, unsigned device)
{
    DpBridge *bridge;

    g_assert(index < DP_N_BRIDGES && functions >= 1 && functions <= 8);
    if (device > 0x1f || g_hash_table_contains(placement->root_bus, GUINT_TO_POINTER(device))) {
        return false;
    }
    bridge = &placement->bridges[index];
    bridge->present = true;
    bridge->express = express;
    bridge->functions = functions;
    bridge->slot = (int)device;
    g_hash_table_insert(placement->root_bus, GUINT_TO_POINTER(device),
                        g_strdup_printf("pciBridge%u", index));
    return true;
}

const char *
dp_placement_holder(const DpPlacement *placement, int slot)
{
    DpSlot at;

    if (!dp_slot_decode(slot, &at)) {
        return NULL;
    }
    if (at.bus == 0) {
        return g_hash_table_lookup(placement->root_bus, GUINT_TO_POINTER((unsigned)at.device));
    }
    return g_hash_table_lookup(placement->used, GINT_TO_POINTER(slot));
}

int
dp_placement_slot_of(const DpPlacement *placement, const char *name)
{
    GHashTable *const tables[] = {placement->root_bus, placement->used};
    gpointer slot, holder;
    GHashTableIter iter;

    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
        g_hash_table_iter_init(&iter, tables[i]);
        while (g_hash_table_iter_next(&iter, &slot, &holder)) {
            if (strcmp(holder, name) == 0) {
                return GPOINTER_TO_INT(slot);
            }
        }
    }
    return -1;
}

/* Firmware numbers buses in the order in which it finds their bridges: by device, then function. */
unsigned
dp_placement_bus(const DpPlacement *placement, unsigned index, unsigned function)
{
    const DpBridge *bridge = &placement->bridges[index];
    unsigned bus = 1 + (bridge->express ? function : 0);

    bus += bridge->slot > AGP_DEVICE;
    for (unsigned i = 0; i + 1 < DP_N_BRIDGES; i++) {
        const DpBridge *other = &placement->bridges[i];

        if (other->present && other->slot < bridge->slot) {
            bus += other->express ? other->functions : 1;
        }
    }
    return bus;
}

bool
dp_placement_exists(const DpPlacement *placement, int slot, DpPlaceKind kind)
{
    const DpBridge *bridge;
    DpSlot at;

    if (!dp_slot_decode(slot, &at)) {
        return false;
    }
    if (at.bus == 0) {
        return at.function == 0 && kind != DP_PLACE_PCIE;
    }
    bridge = &placement->bridges[at.bus - 1];
    if (!bridge->present || at.function >= bridge->functions) {
        return false;
    }
    if (bridge->express) {
        return at.device == 0 && kind != DP_PLACE_PCI;
    }
    return kind != DP_PLACE_PCIE;
}

void
dp_placement_fill(const DpPlacement *placement, int slot, DpPlace *ret_place)
{
    DpSlot at = {0};
    const DpBridge *bridge;

    (void)dp_slot_decode(slot, &at);
    ret_place->slot = slot;
    g_snprintf(ret_place->addr, sizeof ret_place->addr, "%x", at.device);
    if (at.bus == 0) {
        g_snprintf(ret_place->bus, sizeof ret_place->bus, "pcie.0");
        return;
    }
    bridge = &placement->bridges[at.bus - 1];
    if (bridge->express) {
        g_snprintf(ret_place->bus, sizeof ret_place->bus, "pciBridge%u.%u", at.bus - 1u,
                   at.function);
    } else {
        g_snprintf(ret_place->bus, sizeof ret_place->bus, "pciBridge%u", at.bus - 1u);
    }
}

bool
dp_placement_take(DpPlacement *placement, int slot, const char *name, DpPlace *ret_place)
{
    DpSlot at;

    if (!dp_placement_exists(placement, slot, DP_PLACE_ANY) ||
        dp_placement_holder(placement, slot) != NULL || !dp_slot_decode(slot, &at)) {
        return false;
    }
    if (at.bus == 0) {
        g_hash_table_insert(placement->root_bus, GUINT_TO_POINTER((unsigned)at.device),
                            g_strdup(name));
    } else {
        g_hash_table_insert(placement->used, GINT_TO_POINTER(slot), g_strdup(name));
    }
    dp_placement_fill(placement, slot, ret_place);
    return true;
}

/* QEMU's default routing of q35 (hw/isa/lpc_ich9.c, and the same in the guest's ACPI table):
 * devices 25 to 29 and 31 of the root bus have PIRQA to PIRQD, device 30 PIRQE to PIRQH, all others
 * PIRQE to PIRQH, one further with each device. Behind a bridge a pin moves by the device's number
 * (PCI-to-PCI Bridge Architecture Specification 9.1). */
unsigned
dp_placement_line(const DpPlacement *placement, int slot, unsigned pin)
{
    unsigned at_pin = pin - 1, device;
    DpSlot at = {0};

    (void)dp_slot_decode(slot, &at);
    device = at.device;
    if (at.bus != 0) {
        at_pin = (at_pin + at.device) % 4;
        device = (unsigned)placement->bridges[at.bus - 1].slot;
    }
    if ((device >= 25 && device <= 29) || device == 31) {
        return at_pin % 4;
    }
    return 4 + (device == 30 ? at_pin : device + at_pin) % 4;
}

static bool
take_encoded(DpPlacement *placement,
             unsigned function,
             unsigned bus,
             unsigned device,
             const DpWish *wish,
             DpPlace *ret_place)
{
    DpSlot at = {.function = (uint8_t)function, .bus = (uint8_t)bus, .device = (uint8_t)device};
    int slot = dp_slot_encode(&at);

    if (wish->pin != 0 && dp_placement_exists(placement, slot, DP_PLACE_ANY) &&
        (wish->avoid & 1u << dp_placement_line(placement, slot, wish->pin)) != 0) {
        return false;
    }
    return dp_placement_take(placement, slot, wish->name, ret_place);
}

static bool
next_port(DpPlacement *placement, const DpWish *wish, DpPlace *ret_place)
{
    for (unsigned function = 0; function < 8; function++) {
        for (unsigned i = 0; i + 1 < DP_N_BRIDGES; i++) {
            const DpBridge *bridge = &placement->bridges[i];

            if (bridge->present && bridge->express &&
                take_encoded(placement, function, i + 1, 0, wish, ret_place)) {
                return true;
            }
        }
    }
    return false;
}

static bool
next_conventional(DpPlacement *placement, const DpWish *wish, DpPlace *ret_place)
{
    for (unsigned i = 0; i + 1 < DP_N_BRIDGES; i++) {
        if (!placement->bridges[i].present || placement->bridges[i].express) {
            continue;
        }
        for (unsigned device = 0; device < 32; device++) {
            if (take_encoded(placement, 0, i + 1, device, wish, ret_place)) {
                return true;
            }
        }
    }
    return false;
}

/* From 16 on, where ESX puts its SCSI controllers; then what lies below. */
static bool
next_root(DpPlacement *placement, const DpWish *wish, DpPlace *ret_place)
{
    for (unsigned i = 0; i < 32; i++) {
        if (take_encoded(placement, 0, 0, (i + 16) % 32, wish, ret_place)) {
            return true;
        }
    }
    return false;
}

bool
dp_placement_next(DpPlacement *placement, DpPlaceKind kind, const DpWish *wish, DpPlace *ret_place)
{
    switch (kind) {
    case DP_PLACE_PCIE:
        return next_port(placement, wish, ret_place);
    case DP_PLACE_PCI:
        return next_conventional(placement, wish, ret_place) ||
               next_root(placement, wish, ret_place);
    case DP_PLACE_ANY:
        return next_root(placement, wish, ret_place);
    }
    return false;
}

unsigned
dp_placement_ports(const DpPlacement *placement, unsigned *ret_free)
{
    unsigned ports = 0, n_free = 0;

    for (unsigned i = 0; i + 1 < DP_N_BRIDGES; i++) {
        const DpBridge *bridge = &placement->bridges[i];

        for (unsigned f = 0; bridge->present && bridge->express && f < bridge->functions; f++) {
            DpSlot at = {.function = (uint8_t)f, .bus = (uint8_t)(i + 1), .device = 0};

            ports++;
            n_free += dp_placement_holder(placement, dp_slot_encode(&at)) == NULL;
        }
    }
    if (ret_free != NULL) {
        *ret_free = n_free;
    }
    return ports;
}

char *
dp_placement_describe(const DpPlacement *placement, int slot)
{
    const DpBridge *bridge;
    DpSlot at;

    if (!dp_slot_decode(slot, &at)) {
        return g_strdup("no place");
    }
    if (at.bus == 0) {
        return g_strdup_printf("00:%02x.0", at.device);
    }
    bridge = &placement->bridges[at.bus - 1];
    return g_strdup_printf("pciBridge%u (00:%02x.%u) device %02x.0", at.bus - 1u,
                           (unsigned)bridge->slot, bridge->express ? at.function : 0u, at.device);
}
