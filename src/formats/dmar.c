/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dmar.h"

/* 8.1: host address width, flags, ten bytes reserved. */
#define WIDTH      36u
#define FLAGS      37u
#define BODY       48u
#define FLAG_IR    0x01u
#define FLAG_XAPIC 0x02u

/* 8.2, 8.4: each structure has a type and a length of two bytes; RMRR is type 1. */
#define STRUCTURE    4u
#define TYPE_RMRR    1u
#define RMRR_SEGMENT 6u
#define RMRR_BASE    8u
#define RMRR_LIMIT   16u
#define RMRR_SCOPES  24u

/* 8.3.1: type, length, two bytes, enumeration id, bus, path. Of the types 1 is an endpoint and 2 a
 * bridge; interrupt controllers, timers and ACPI's own devices are no functions. */
#define SCOPE_BUS    5u
#define SCOPE_PATH   6u
#define SCOPE_DEVICE 1u
#define SCOPE_BRIDGE 2u

static void
add_region(DpDmar *dmar, DpAcpi *acpi, size_t rmrr, size_t scope, size_t len)
{
    DpDmarRegion region = {.start = dp_acpi_get64(acpi, rmrr + RMRR_BASE),
                           .last = dp_acpi_get64(acpi, rmrr + RMRR_LIMIT),
                           .segment = (uint16_t)dp_acpi_get16(acpi, rmrr + RMRR_SEGMENT),
                           .bus = acpi->bytes[scope + SCOPE_BUS],
                           .n_hops = (uint8_t)((len - SCOPE_PATH) / 2)};

    for (unsigned i = 0; i < region.n_hops; i++) {
        region.hops[i].device = acpi->bytes[scope + SCOPE_PATH + 2 * (size_t)i];
        region.hops[i].function = acpi->bytes[scope + SCOPE_PATH + 2 * (size_t)i + 1];
        if (region.hops[i].device > 31 || region.hops[i].function > 7) {
            dp_acpi_fault(acpi, scope, "a path that leads to no PCI function");
            return;
        }
    }
    if (dmar->regions->len >= DP_ACPI_REGIONS_MAX) {
        dp_acpi_fault(acpi, scope, "more reserved regions than are looked at");
        return;
    }
    g_array_append_val(dmar->regions, region);
}

static void
take_rmrr(DpDmar *dmar, DpAcpi *acpi, size_t at, size_t len)
{
    size_t end = at + len, scope = at + RMRR_SCOPES;

    if (len < RMRR_SCOPES) {
        dp_acpi_fault(acpi, at, "a reserved region that is cut off");
        return;
    }
    if (dp_acpi_get64(acpi, at + RMRR_LIMIT) < dp_acpi_get64(acpi, at + RMRR_BASE)) {
        dp_acpi_fault(acpi, at, "a reserved region that ends before it begins");
        return;
    }
    while (scope < end) {
        size_t scope_len = end - scope > 1 ? acpi->bytes[scope + 1] : 0;
        unsigned type = acpi->bytes[scope];

        if (scope_len < SCOPE_PATH + 2 || scope_len % 2 != 0 || scope_len > end - scope) {
            dp_acpi_fault(acpi, scope, "a device scope of a wrong length");
            return;
        }
        if (type == SCOPE_DEVICE || type == SCOPE_BRIDGE) {
            add_region(dmar, acpi, at, scope, scope_len);
        }
        scope += scope_len;
    }
}

static void
take_structures(DpDmar *dmar, DpAcpi *acpi)
{
    static const char wrong[] = "a structure of a wrong length";
    size_t len;

    for (size_t at = BODY; (len = dp_acpi_structure(acpi, at, 2, STRUCTURE, wrong)) > 0;
         at += len) {
        if (dp_acpi_get16(acpi, at) == TYPE_RMRR) {
            take_rmrr(dmar, acpi, at, len);
        }
    }
}

DpDmar *
dp_dmar_parse(const uint8_t *bytes, size_t len, DpDiagList *diags)
{
    DpAcpi acpi;
    DpDmar *dmar;

    if (!dp_acpi_open(bytes, len, "DMAR", BODY, diags, &acpi)) {
        return NULL;
    }
    dmar = g_new0(DpDmar, 1);
    dmar->regions = g_array_new(false, false, sizeof(DpDmarRegion));
    dmar->address_bits = bytes[WIDTH] + 1u;
    dmar->intr_remap = (bytes[FLAGS] & FLAG_IR) != 0;
    dmar->x2apic_opt_out = (bytes[FLAGS] & FLAG_XAPIC) != 0;
    take_structures(dmar, &acpi);
    dp_acpi_close(&acpi);
    return dmar;
}

void
dp_dmar_free(DpDmar *dmar)
{
    if (dmar == NULL) {
        return;
    }
    g_array_unref(dmar->regions);
    g_free(dmar);
}
