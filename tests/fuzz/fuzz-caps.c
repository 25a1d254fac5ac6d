/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Capabilities out of any bytes: no crash, no endless loop, and results within their ranges. */
#include "host/caps.h"
#include "host/scan.h"
#include "host/scrub.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a capture keeps of the bytes says the same about capabilities. */
static void
check_scrubbed(const uint8_t *config, size_t size, const DpCaps *caps)
{
    g_autofree uint8_t *kept = g_malloc(DP_CONFIG_EXTENDED);
    size_t len = dp_scrub_config(config, size, kept);
    DpCaps again;

    g_assert_true(len <= size);
    if (size > DP_CONFIG_STANDARD && size < DP_CONFIG_EXTENDED) {
        return; /* the kernel gives no such sizes */
    }
    (void)dp_caps_parse(kept, size > DP_CONFIG_STANDARD ? DP_CONFIG_EXTENDED : len, &again);
    /* The serial number is what a capture leaves out; up to it there is no padding. */
    g_assert_true(memcmp(&again, caps, offsetof(DpCaps, serial)) == 0);
    g_assert_true(again.serial == 0 && again.intx_disable == caps->intx_disable);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A copy of exactly this size, so that the sanitizer sees a read past its end. */
    g_autofree uint8_t *config = g_memdup2(data, size);
    DpCaps caps;
    unsigned faults = dp_caps_parse(config, size, &caps);

    g_assert_true(faults <= (DP_CAPS_LOOP | DP_CAPS_POINTER | DP_CAPS_CUT));
    g_assert_true(caps.msi_vectors <= 32 && caps.msix_vectors <= 2048);
    g_assert_true((caps.msi == DP_TRI_YES) == (caps.msi_vectors > 0));
    g_assert_true((caps.msix == DP_TRI_YES) == (caps.msix_vectors > 0));
    g_assert_true(size >= 256 || caps.readable != DP_TRI_YES);
    g_assert_true(caps.readable == DP_TRI_YES || caps.pcie == DP_TRI_UNKNOWN);
    g_assert_true(caps.pcie == DP_TRI_YES || caps.pcie_type == DP_PCIE_NONE);
    check_scrubbed(config, size, &caps);
    return 0;
}
