/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The passed-through functions as devices of the guest. */
#include "base/text.h"
#include "build.h"

#include <string.h>

static bool
behind_express(const DpBuild *build, const DpVmDevice *device)
{
    g_autofree char *key = g_strdup_printf("pciPassthru%u.virtualDev", device->index);

    return device->fn->caps.pcie != DP_TRI_NO || dp_vmx_lookup(build->vmx, key) != NULL;
}

/* ESX's own lines, searched for by administrators; decimal address. */
static char *
esx_lines(const DpFunction *fn)
{
    GString *text = g_string_new(NULL);
    char esx[DP_ADDR_LEN];

    dp_addr_format_esx(&fn->addr, esx);
    for (unsigned i = 0; i < 6; i++) {
        const DpBar *bar = &fn->bars[i];

        if (bar->size != 0) {
            g_string_append_printf(
                text,
                "PCIPassthru: Device %s barIndex %u type %s realaddr 0x%" G_GINT64_MODIFIER
                "x size %" G_GUINT64_FORMAT "; ",
                esx, i, (bar->flags & DP_BAR_IO) != 0 ? "IO" : "Mem", bar->start, bar->size);
            break; /* ESX gave up at the first */
        }
    }
    g_string_append_printf(text,
                           "PCIPassthru: PCI device %s is marked wrong PCIe; "
                           "PCIPassthru: Failed to register PCI slot %s",
                           esx, esx);
    return g_string_free(text, FALSE);
}

/* A conventional function: refused where the file says pcie, on a conventional bus where it is
 * silent. */
static bool
settle_kind(DpBuild *build, DpVmDevice *device)
{
    g_autofree char *prefix = g_strdup_printf("pciPassthru%u", device->index);
    g_autofree char *key = dp_build_key(prefix, "virtualDev");
    g_autofree char *lines = NULL;
    DpDiag *diag;

    if (!device->pcie || device->fn == NULL || device->fn->caps.pcie != DP_TRI_NO) {
        return true;
    }
    lines = esx_lines(device->fn);
    if (behind_express(build, device)) {
        diag = dp_build_diag(build, DP_DIAG_VMX_PASSTHRU_WRONG_PCIE, key,
                             "%s: %s has no PCI Express capability, and the file says pcie. %s",
                             prefix, device->fn->name, lines);
        dp_diag_set_remedy(diag, "directpath vm set FILE.vmx %s=pci", key);
        return false;
    }
    device->pcie = false;
    diag =
        dp_build_diag(build, DP_DIAG_VMX_PASSTHRU_CONVENTIONAL, key,
                      "%s: %s has no PCI Express capability and is placed on a conventional bus; "
                      "ESX would have refused it: %s",
                      prefix, device->fn->name, lines);
    dp_diag_set_remedy(diag, "say so in the file: directpath vm set FILE.vmx %s=pci", key);
    return true;
}

static void
explain_msi(DpBuild *build, const DpVmDevice *device)
{
    g_autofree char *key = g_strdup_printf("pciPassthru%u.msiEnabled", device->index);

    if (device->msi_enabled) {
        return;
    }
    dp_build_effect(
        build, key, DP_EFFECT_SUBSTITUTED,
        "the host's interrupt follows the guest's: INTx where the guest uses INTx, as promised; "
        "MSI or MSI-X where the guest uses them");
    dp_build_diag(
        build, DP_DIAG_VMX_PASSTHRU_MSI, key,
        "%s = \"FALSE\": with kernel VFIO the host's interrupt follows the guest's, as on ESXi 6 "
        "and "
        "later: INTx where the guest uses INTx, as promised; MSI or MSI-X where it uses those",
        key);
}

static json_t *
vfio_device(DpBuild *build, const DpVmDevice *device, const char *prefix, const DpPlace *place)
{
    char host[DP_ADDR_LEN];
    json_t *object =
        json_pack("{s:s, s:s, s:s, s:s, s:s}", "driver", "vfio-pci", "id", prefix, "host",
                  dp_addr_format(&device->addr, host), "bus", place->bus, "addr", place->addr);

    if (!dp_build_bool(build, prefix, "opromEnabled", true)) {
        (void)json_object_set_new(object, "rombar", json_integer(0));
    }
    return object;
}

static void
add_device(DpBuild *build, DpVmDevice *device)
{
    g_autofree char *prefix = g_strdup_printf("pciPassthru%u", device->index);
    DpPlace place;

    if (!settle_kind(build, device) ||
        !dp_build_place(build, prefix, device->pcie ? DP_PLACE_PCIE : DP_PLACE_PCI, true, &place)) {
        return;
    }
    device->slot = place.slot;
    device->guest_address = dp_placement_describe(build->place, place.slot);
    explain_msi(build, device);
    if (device->resolved) {
        for (unsigned i = 0; i < DP_N_BARS; i++) {
            build->bar_bytes +=
                (device->fn->bars[i].flags & DP_BAR_MEM) != 0 ? device->fn->bars[i].size : 0;
        }
        dp_build_device(build, vfio_device(build, device, prefix, &place));
    }
}

/* BARs that SeaBIOS cannot place: it leaves 64-bit ones of this size and more unassigned or dies.
 */
static void
check_windows(DpBuild *build)
{
    static const char *const misspelt = "pciPassthru.use64bitMMIOSizeGB";
    uint64_t largest = 0;
    int64_t gb;

    if (dp_vmx_lookup(build->vmx, misspelt) != NULL) {
        dp_build_diag(build, DP_DIAG_VMX_MMIO_MISSPELT, misspelt,
                      "%s is no key of ESX, which ignores it; meant is pciPassthru.64bitMMIOSizeGB",
                      misspelt);
    }
    for (guint i = 0; i < build->plan->devices->len; i++) {
        const DpVmDevice *device = g_ptr_array_index(build->plan->devices, i);

        for (unsigned b = 0; device->fn != NULL && b < DP_N_BARS; b++) {
            largest = MAX(largest, device->fn->bars[b].size);
        }
    }
    gb = dp_build_int(build, "pciPassthru", "64bitMMIOSizeGB", 0, 1 << 20, -1);
    if (gb >= 0 && (uint64_t)gb << 30 < build->bar_bytes) {
        dp_build_diag(build, DP_DIAG_VMX_MMIO_WINDOW, "pciPassthru.64bitMMIOSizeGB",
                      "the BARs of the passed-through devices need %" G_GUINT64_FORMAT
                      " bytes, more than the %" G_GINT64_FORMAT
                      " GB asked for; the window follows the BARs",
                      build->bar_bytes, gb);
    }
    if (largest >= (uint64_t)4 << 30 && !build->plan->efi) {
        dp_build_diag(build, DP_DIAG_VMX_MMIO_BIOS, "firmware",
                      "a BAR of %" G_GUINT64_FORMAT
                      " GiB, and BIOS firmware: guests and ESX want EFI for it",
                      largest >> 30);
    }
}

void
dp_build_passthru(DpBuild *build)
{
    for (guint i = 0; i < build->plan->devices->len; i++) {
        add_device(build, g_ptr_array_index(build->plan->devices, i));
    }
    check_windows(build);
    build->plan->runs_on_at_fault = !dp_build_bool(build, "directpath", "dmaFaultPowersOff", true);
}
