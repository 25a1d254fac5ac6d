/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the firmware's tables say of the IOMMU, and which functions they reserve memory for. */
#include "base/file.h"
#include "formats/dmar.h"
#include "formats/ivrs.h"
#include "scan.h"

#include <linux/pci.h>
#include <string.h>

/* Regions of one function that are kept: far more than any firmware reserves. */
#define REGIONS_MAX 64u

/* Bridges lie within each other less deep than there are buses. */
#define DEPTH_MAX 256u

static void
add_region(DpFunction *fn, const DpReserved *region)
{
    if (fn->table_reserved == NULL) {
        fn->table_reserved = g_array_new(false, false, sizeof(DpReserved));
    }
    if (fn->table_reserved->len < REGIONS_MAX) {
        g_array_append_val(fn->table_reserved, *region);
    }
}

/* device_rmrr_is_relaxable of drivers/iommu/intel/iommu.c: firmware uses those of displays and of
 * USB controllers until the system has drivers, and then no more. */
static bool
lets_go(const DpFunction *fn)
{
    return fn->class_code >> 16 == 0x03 || fn->class_code >> 8 == 0x0c03;
}

/* A scope that names a bridge means everything behind it too. */
static void
reserve_below(DpFunction *fn, const DpDmarRegion *region, unsigned depth)
{
    DpReserved reserved = {region->start, region->last, lets_go(fn)};

    add_region(fn, &reserved);
    for (guint i = 0; i < fn->children->len && depth < DEPTH_MAX; i++) {
        reserve_below(fn->children->pdata[i], region, depth + 1);
    }
}

static DpFunction *
child_at(const DpFunction *bridge, const DpDmarHop *hop)
{
    for (guint i = 0; i < bridge->children->len; i++) {
        DpFunction *fn = bridge->children->pdata[i];

        if (fn->addr.device == hop->device && fn->addr.function == hop->function) {
            return fn;
        }
    }
    return NULL;
}

/* VT-d 8.3.1: from a bus over device and function of each bridge down to the device. */
static DpFunction *
resolve(const DpHost *host, const DpDmarRegion *region)
{
    const DpAddr first = {.domain = region->segment,
                          .bus = region->bus,
                          .device = region->hops[0].device,
                          .function = region->hops[0].function};
    DpFunction *fn = dp_host_find(host, &first);

    for (unsigned i = 1; fn != NULL && i < region->n_hops; i++) {
        fn = child_at(fn, &region->hops[i]);
    }
    return fn;
}

static void
take_dmar(DpHost *host, const uint8_t *bytes, size_t len)
{
    g_autoptr(DpDmar) dmar = dp_dmar_parse(bytes, len, host->diags);
    DpPlatform *platform = &host->platform;

    if (dmar == NULL) {
        return;
    }
    platform->intremap_in_firmware = dmar->intr_remap ? DP_TRI_YES : DP_TRI_NO;
    platform->x2apic_opt_out = dmar->x2apic_opt_out ? DP_TRI_YES : DP_TRI_NO;
    for (guint i = 0; i < dmar->regions->len; i++) {
        const DpDmarRegion *region = &g_array_index(dmar->regions, DpDmarRegion, i);
        DpFunction *fn = resolve(host, region);

        if (fn != NULL) { /* firmware lists devices that this machine was not built with */
            reserve_below(fn, region, 0);
        }
    }
}

static void
take_ivrs(DpHost *host, const uint8_t *bytes, size_t len)
{
    g_autoptr(DpIvrs) ivrs = dp_ivrs_parse(bytes, len, host->diags);

    for (guint i = 0; ivrs != NULL && i < ivrs->regions->len; i++) {
        const DpIvrsRegion *region = &g_array_index(ivrs->regions, DpIvrsRegion, i);
        const DpReserved reserved = {region->start, region->last, false};

        for (guint k = 0; k < host->functions->len; k++) {
            DpFunction *fn = host->functions->pdata[k];
            unsigned id =
                (unsigned)fn->addr.bus << 8 | PCI_DEVFN(fn->addr.device, fn->addr.function);

            if (fn->addr.domain == region->segment && id >= region->first_id &&
                id <= region->last_id) {
                add_region(fn, &reserved);
            }
        }
    }
}

static const struct {
    const char *name;
    void (*take)(DpHost *host, const uint8_t *bytes, size_t len);
} tables[] = {
    {"DMAR", take_dmar},
    {"IVRS", take_ivrs},
};

/* Only root may read them; the kernel's word in reserved_regions is for all. A capture of an
 * ordinary user has a table's name alone. */
static void
read_table(DpRoot *root, DpHost *host, size_t i)
{
    g_autofree char *path = g_strdup_printf(DP_ACPI_TABLES "/%s", tables[i].name);
    size_t len = 0;
    g_autofree char *bytes = dp_file_read(root->fd, path, DP_ACPI_MAX_BYTES, &len, NULL);

    if (bytes != NULL && len > 0) {
        tables[i].take(host, (const uint8_t *)bytes, len);
    }
}

void
dp_scan_firmware(DpRoot *root, DpHost *host)
{
    g_autoptr(GPtrArray) names = dp_file_list(root->fd, DP_ACPI_TABLES, NULL);
    DpPlatform *platform = &host->platform;

    platform->intremap_in_firmware = platform->x2apic_opt_out = DP_TRI_UNKNOWN;
    platform->iommu_in_firmware = names == NULL ? DP_TRI_UNKNOWN : DP_TRI_NO;
    platform->intel_in_firmware = platform->iommu_in_firmware;
    for (guint i = 0; names != NULL && i < names->len; i++) {
        const char *name = names->pdata[i];

        if (g_str_has_prefix(name, "DMAR")) {
            platform->intel_in_firmware = DP_TRI_YES;
        }
        if (g_str_has_prefix(name, "DMAR") || g_str_has_prefix(name, "IVRS")) {
            platform->iommu_in_firmware = DP_TRI_YES;
        }
    }
    for (size_t i = 0; platform->iommu_in_firmware == DP_TRI_YES && i < G_N_ELEMENTS(tables); i++) {
        read_table(root, host, i);
    }
}
