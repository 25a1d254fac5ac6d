/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a Linux guest calls its network interfaces. On ESX the firmware gave every place a slot
 * number, and systemd's naming (systemd.net-naming-scheme) made ensN of it. Here the slot numbers
 * of root ports are the same; a conventional bus has none, and a name is made of bus and device.
 */
#include "base/text.h"
#include "build.h"

#include <string.h>

void
dp_vm_interface_free(DpVmInterface *interface)
{
    g_free(interface->device);
    g_free(interface->mac);
    g_free(interface->esx_name);
    g_free(interface->name);
    g_free(interface->link_file);
    g_free(interface->link_text);
    g_free(interface);
}

static char *
name_here(const DpPlacement *placement, int slot)
{
    DpSlot at = {0};

    (void)dp_slot_decode(slot, &at);
    if (at.bus == 0) {
        return g_strdup_printf("enp0s%u", at.device);
    }
    if (placement->bridges[at.bus - 1].express) {
        return g_strdup_printf("ens%d", slot);
    }
    return g_strdup_printf("enp%us%u", dp_placement_bus(placement, at.bus - 1u, at.function),
                           at.device);
}

/* The address in the guest of what sits at @slot, as udev's ID_PATH has it. */
static char *
path_here(const DpPlacement *placement, int slot)
{
    DpSlot at = {0};

    (void)dp_slot_decode(slot, &at);
    return g_strdup_printf("pci-0000:%02x:%02x.0",
                           at.bus == 0 ? 0 : dp_placement_bus(placement, at.bus - 1u, at.function),
                           at.device);
}

static void
add_link(const DpPlacement *placement, int slot, DpVmInterface *interface)
{
    g_autofree char *path = path_here(placement, slot);

    interface->link_file = g_strdup_printf("/etc/systemd/network/10-%s.link", interface->esx_name);
    interface->link_text = g_strdup_printf(
        "[Match]\n%s=%s\n\n[Link]\nName=%s\n", interface->mac != NULL ? "MACAddress" : "Path",
        interface->mac != NULL ? interface->mac : path, interface->esx_name);
}

static void
report_renamed(DpBuild *build, const DpVmInterface *interface)
{
    g_autofree char *key = dp_build_key(interface->device, "pciSlotNumber");
    DpDiag *diag = dp_build_diag(build, DP_DIAG_VMX_NIC_NAME, key,
                                 "%s: a Linux guest called it %s on ESX and calls it %s here",
                                 interface->device, interface->esx_name, interface->name);

    dp_diag_set_remedy(diag,
                       "before the move write %s in the guest, as vm validate shows it below "
                       "\"Interfaces in the guest\"",
                       interface->link_file);
}

/* Windows names interfaces in its own way, whatever the place. */
static bool
named_by_place(const DpBuild *build)
{
    const char *os = dp_vmx_get(build->vmx, "guestOS");

    return os == NULL ||
           (g_ascii_strncasecmp(os, "win", 3) != 0 && g_ascii_strncasecmp(os, "longhorn", 8) != 0);
}

static void
add_interface(DpBuild *build, const char *prefix, const char *mac)
{
    int slot = dp_placement_slot_of(build->place, prefix);
    int64_t wanted = dp_build_int(build, prefix, "pciSlotNumber", -1, 8191, -1);
    DpVmInterface *interface;

    if (slot < 0) {
        return;
    }
    interface = g_new0(DpVmInterface, 1);
    interface->device = g_strdup(prefix);
    interface->mac = g_strdup(mac);
    interface->name = name_here(build->place, slot);
    interface->esx_name = wanted >= 0 ? g_strdup_printf("ens%d", (int)wanted) : NULL;
    g_ptr_array_add(build->plan->interfaces, interface);
    if (interface->esx_name != NULL && strcmp(interface->esx_name, interface->name) != 0) {
        add_link(build->place, slot, interface);
        report_renamed(build, interface);
    }
}

void
dp_build_interfaces(DpBuild *build)
{
    size_t i;
    json_t *device;

    if (!named_by_place(build)) {
        return;
    }
    json_array_foreach(build->devices, i, device)
    {
        const char *mac = json_string_value(json_object_get(device, "mac"));

        if (mac != NULL) {
            add_interface(build, json_string_value(json_object_get(device, "id")), mac);
        }
    }
    for (guint n = 0; n < build->plan->devices->len; n++) {
        const DpVmDevice *passed = g_ptr_array_index(build->plan->devices, n);
        g_autofree char *prefix = g_strdup_printf("pciPassthru%u", passed->index);

        if (passed->fn != NULL && passed->fn->class_code >> 16 == 0x02) {
            add_interface(build, prefix, passed->fn->mac);
        }
    }
}
