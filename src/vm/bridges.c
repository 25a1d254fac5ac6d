/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pciBridgeN and pciSlotNumber: the guest's bridges, and who has a place in the file already. */
#include "base/text.h"
#include "build.h"
#include "lines.h"

#include <string.h>

/* Where ESX puts its bridges (62 of 62 files): 17 for the conventional one, 21 to 24 for 4 to 7. */
static int
usual_slot(unsigned index)
{
    return index == 0 ? 17 : index >= 4 && index <= 7 ? 17 + (int)index : -1;
}

static int
free_root_device(const DpBuild *build)
{
    for (int device = 0x12; device < 0x1f; device++) {
        if (dp_placement_holder(build->place, device) == NULL) {
            return device;
        }
    }
    return -1;
}

static int
bridge_slot(DpBuild *build, const char *prefix, unsigned index)
{
    int64_t slot = dp_build_int(build, prefix, "pciSlotNumber", -1, 8191, -1);

    if (slot < 0) {
        slot = usual_slot(index);
    }
    return slot >= 0 ? (int)slot : free_root_device(build);
}

static bool
bridge_kind(DpBuild *build, const char *prefix, bool *ret_express)
{
    const char *kind = dp_build_get(build, prefix, "virtualDev");

    *ret_express = kind != NULL && g_ascii_strcasecmp(kind, "pcieRootPort") == 0;
    if (kind == NULL || kind[0] == '\0' || *ret_express || g_ascii_strcasecmp(kind, "pci") == 0) {
        return true;
    }
    {
        g_autofree char *key = dp_build_key(prefix, "virtualDev");
        g_autofree char *shown = dp_text_visible(kind, -1);

        dp_build_diag(
            build, DP_DIAG_VMX_BRIDGE, key,
            "%s = \"%s\": the only kinds of bridge are pcieRootPort and, without this line, "
            "a conventional one",
            key, shown);
    }
    return false;
}

static void
add_root_ports(DpBuild *build, unsigned index, unsigned functions, int slot)
{
    for (unsigned f = 0; f < functions; f++) {
        DpSlot at = {.function = (uint8_t)f, .bus = (uint8_t)(index + 1), .device = 0};
        g_autofree char *id = g_strdup_printf("pciBridge%u.%u", index, f);
        g_autofree char *addr = g_strdup_printf("%x.%u", (unsigned)slot, f);

        dp_build_device(
            build,
            json_pack("{s:s, s:s, s:s, s:s, s:b, s:i, s:i, s:s}", "driver", "pcie-root-port", "id",
                      id, "bus", "pcie.0", "addr", addr, "multifunction", functions > 1 && f == 0,
                      "chassis", /* its own, lest slots equal in their low bits collide */
                      (int)(index * 8 + f + 1), "slot", dp_slot_encode(&at),
                      "x-speed", /* a reset of the bus behind a faster one fails */
                      "5"));
    }
}

static void
add_conventional(DpBuild *build, const char *id, int slot, int chassis)
{
    g_autofree char *addr = g_strdup_printf("%x", (unsigned)slot);

    dp_build_device(build, json_pack("{s:s, s:s, s:s, s:s, s:i, s:b}", "driver", "pci-bridge", "id",
                                     id, "bus", "pcie.0", "addr", addr, "chassis_nr", chassis,
                                     "shpc", /* would take device 0 */
                                     0));
}

static void
add_bridge(DpBuild *build, unsigned index)
{
    g_autofree char *prefix = g_strdup_printf("pciBridge%u", index);
    g_autofree char *key = dp_build_key(prefix, "pciSlotNumber");
    int functions, slot;
    bool express;

    if (!dp_build_bool(build, prefix, "present", false) || !bridge_kind(build, prefix, &express)) {
        return;
    }
    functions = (int)dp_build_int(build, prefix, "functions", 1, 8, 1);
    slot = bridge_slot(build, prefix, index);
    if (slot < 0 || slot > 31 ||
        !dp_placement_bridge(build->place, index, express, (unsigned)functions, (unsigned)slot)) {
        const char *holder =
            slot >= 0 && slot <= 31 ? dp_placement_holder(build->place, slot) : NULL;

        dp_build_diag(build, DP_DIAG_VMX_BRIDGE, key, "%s.pciSlotNumber %d: %s%s", prefix, slot,
                      holder != NULL ? "that place of the guest's root bus belongs to "
                                     : "bridges sit on the guest's root bus, at 0 to 31",
                      holder != NULL ? holder : "");
        return;
    }
    if (express) {
        add_root_ports(build, index, (unsigned)functions, slot);
    } else {
        add_conventional(build, prefix, slot, 128 + (int)index);
    }
}

void
dp_build_bridges(DpBuild *build)
{
    add_conventional(build, "agp", 1, 127);
    for (unsigned i = 0; i + 1 < DP_N_BRIDGES; i++) {
        add_bridge(build, i);
    }
}

/* Families of devices with a pciSlotNumber, and how many ESX knows of each. */
static const struct {
    const char *name;
    unsigned n; /* 0: the name has no number */
} placed[] = {
    {"scsi", 4}, {"sata", 4},  {"nvme", 4},     {"ethernet", 10}, {"usb", 0},
    {"ehci", 0}, {"sound", 0}, {"usb_xhci", 0}, {"vmci", 1},      {"pciPassthru", 128},
};

static void
reserve(DpBuild *build, const char *prefix, bool offered)
{
    g_autofree char *key = NULL;
    const char *holder;
    DpPlace place;
    int slot;

    if (!dp_build_bool(build, prefix, "present", false)) {
        return;
    }
    key = dp_build_key(prefix, "pciSlotNumber");
    slot = (int)dp_build_int(build, prefix, "pciSlotNumber", -1, 8191, -1);
    if (slot < 0 || dp_placement_take(build->place, slot, prefix, &place)) {
        return;
    }
    holder = dp_placement_holder(build->place, slot);
    if (!offered) {
        return;
    }
    if (holder != NULL) {
        dp_build_diag(build, DP_DIAG_VMX_SLOT_TAKEN, key, "%s = \"%d\" is already the place of %s",
                      key, slot, holder);
    } else {
        dp_build_diag(build, DP_DIAG_VMX_SLOT_INVALID, key,
                      "%s = \"%d\" asks for a bridge that this file does not have", key, slot);
    }
}

void
dp_build_reserve(DpBuild *build)
{
    for (size_t i = 0; i < G_N_ELEMENTS(placed); i++) {
        if (placed[i].n == 0) {
            reserve(build, placed[i].name, true);
        }
        for (unsigned n = 0; n < placed[i].n; n++) {
            g_autofree char *prefix = g_strdup_printf("%s%u", placed[i].name, n);

            reserve(build, prefix, strcmp(placed[i].name, "vmci") != 0);
        }
    }
}

static void
report_no_slot(DpBuild *build, const char *prefix, DpPlaceKind kind)
{
    g_autofree char *key = dp_build_key(prefix, "present");
    unsigned n_free = 0;
    unsigned ports = dp_placement_ports(build->place, &n_free);

    if (ports == 0 && kind == DP_PLACE_PCIE && build->wants_passthru) {
        return; /* said of the VM as a whole */
    }
    dp_build_diag(
        build, DP_DIAG_VMX_NO_SLOT, key,
        "%s: no free %s for it: this VM has %u PCI Express ports, %u of them free", prefix,
        kind == DP_PLACE_PCIE ? "PCI Express port" : "place on a conventional bus", ports, n_free);
}

/* A line that is free of others where there is one, for functions that are passed through; a
 * virtual device keeps off the lines of those. */
static bool
take_next(DpBuild *build, const char *prefix, DpPlaceKind kind, DpPlace *ret_place)
{
    bool passthru = g_str_has_prefix(prefix, "pciPassthru");
    DpWish wish = {.name = prefix, .pin = dp_line_pin(build, prefix)};

    if (wish.pin != 0) {
        wish.avoid = dp_lines_used(build, true, passthru, prefix);
        if (dp_placement_next(build->place, kind, &wish, ret_place)) {
            return true;
        }
        wish.avoid = 0;
    }
    return dp_placement_next(build->place, kind, &wish, ret_place);
}

static bool
choose(DpBuild *build, const char *prefix, DpPlaceKind kind, bool strict, DpPlace *ret_place)
{
    g_autofree char *where = NULL;
    g_autofree char *key = dp_build_key(prefix, "present");

    if (!take_next(build, prefix, kind, ret_place) &&
        (strict || !take_next(build, prefix, DP_PLACE_PCI, ret_place))) {
        report_no_slot(build, prefix, kind);
        return false;
    }
    where = dp_placement_describe(build->place, ret_place->slot);
    dp_build_diag(build, DP_DIAG_VMX_SLOT_CHOSEN, key, "%s gets slot %d: %s", prefix,
                  ret_place->slot, where);
    return true;
}

/* As ESX does, the choice is written into the file at power-on. */
static bool
choose_first(DpBuild *build, const char *prefix, DpPlaceKind kind, bool strict, DpPlace *ret_place)
{
    DpChosenSlot chosen = {.slot = -1};

    if (!choose(build, prefix, kind, strict, ret_place)) {
        return false;
    }
    g_strlcpy(chosen.prefix, prefix, sizeof chosen.prefix);
    chosen.slot = ret_place->slot;
    g_array_append_val(build->plan->chosen, chosen);
    return true;
}

bool
dp_build_place(
    DpBuild *build, const char *prefix, DpPlaceKind kind, bool strict, DpPlace *ret_place)
{
    int64_t slot = -1;
    g_autofree char *key = dp_build_key(prefix, "pciSlotNumber");
    const char *holder;

    (void)dp_vmx_get_int(build->vmx, key, -1, 8191, &slot, NULL);
    holder = slot >= 0 ? dp_placement_holder(build->place, (int)slot) : NULL;
    if (holder == NULL || strcmp(holder, prefix) != 0) {
        return slot < 0 && choose_first(build, prefix, kind, strict, ret_place); /* else reported */
    }
    if (strict && !dp_placement_exists(build->place, (int)slot, kind)) {
        dp_build_diag(build, DP_DIAG_VMX_SLOT_MOVED, key,
                      "%s = \"%d\" is no %s; another place is chosen", key, (int)slot,
                      kind == DP_PLACE_PCIE ? "PCI Express port" : "place on a conventional bus");
        return choose(build, prefix, kind, strict, ret_place);
    }
    dp_placement_fill(build->place, (int)slot, ret_place);
    return true;
}
