/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A record of the kernel's log, of any bytes: what is believed lies within it and is an address. */
#include "formats/dma-fault.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
    if (!holds) {
        __builtin_trap();
    }
}

static void
check(const char *text, size_t len)
{
    char name[DP_ADDR_LEN];
    DpDmaFault fault;
    DpAddr again;

    if (!dp_dma_fault_parse(text, len, &fault)) {
        return;
    }
    must(fault.requester.device <= 31 && fault.requester.function <= 7);
    must(fault.reason >= -1 && fault.reason <= 999);
    must(dp_addr_parse_sysfs(dp_addr_format(&fault.requester, name), &again));
    must(dp_addr_compare(&again, &fault.requester) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Of its own size, so that a byte too much is seen. */
    g_autofree char *bytes = g_memdup2(data, size);
    DpKmsg record;

    check(bytes != NULL ? bytes : "", size);
    if (dp_kmsg_parse(bytes != NULL ? bytes : "", size, &record)) {
        must(record.text >= bytes && record.text + record.len <= bytes + size);
        check(record.text, record.len);
    }
    return 0;
}
