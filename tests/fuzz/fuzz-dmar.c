/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A DMAR of any bytes: regions within their ranges, and few diagnostics. */
#include "formats/dmar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
    if (!holds) {
        __builtin_trap();
    }
}

static void
check_region(const DpDmarRegion *region)
{
    must(region->start <= region->last);
    must(region->n_hops > 0 && region->n_hops <= DP_DMAR_HOPS_MAX);
    for (unsigned i = 0; i < region->n_hops; i++) {
        must(region->hops[i].device <= 31 && region->hops[i].function <= 7);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A copy of exactly this size, so that the sanitizer sees a read past its end. */
    g_autofree uint8_t *bytes = g_memdup2(data, size);
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autoptr(DpDmar) dmar = dp_dmar_parse(bytes, size, diags);

    must(diags->len <= 10);
    if (dmar == NULL) {
        must(diags->len == 1);
        return 0;
    }
    must(size >= DP_ACPI_HEADER && dmar->address_bits >= 1 && dmar->address_bits <= 256);
    must(dmar->regions->len <= size / 8); /* each has a scope of its own */
    for (guint i = 0; i < dmar->regions->len; i++) {
        check_region(&g_array_index(dmar->regions, DpDmarRegion, i));
    }
    return 0;
}
