/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An IVRS of any bytes: regions within their ranges, and few diagnostics. */
#include "formats/ivrs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
    if (!holds) {
        __builtin_trap();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A copy of exactly this size, so that the sanitizer sees a read past its end. */
    g_autofree uint8_t *bytes = g_memdup2(data, size);
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autoptr(DpIvrs) ivrs = dp_ivrs_parse(bytes, size, diags);

    must(diags->len <= 10);
    if (ivrs == NULL) {
        must(diags->len == 1);
        return 0;
    }
    must(ivrs->regions->len <= size / 32); /* each has a block of its own */
    for (guint i = 0; i < ivrs->regions->len; i++) {
        const DpIvrsRegion *region = &g_array_index(ivrs->regions, DpIvrsRegion, i);

        must(region->start <= region->last && region->first_id <= region->last_id);
    }
    return 0;
}
