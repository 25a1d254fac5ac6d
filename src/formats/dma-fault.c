/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dma-fault.h"

#include <string.h>

#define AMD_WRITE 0x20u /* EVENT_FLAG_RW */

/* What is left of a line. */
typedef struct {
    const char *at;
    size_t len;
} Rest;

static bool
eat(Rest *rest, const char *word)
{
    size_t n = strlen(word);

    if (rest->len < n || memcmp(rest->at, word, n) != 0) {
        return false;
    }
    rest->at += n;
    rest->len -= n;
    return true;
}

/* Behind the next @word, wherever it is. */
static bool
seek(Rest *rest, const char *word)
{
    for (; rest->len > 0; rest->at++, rest->len--) {
        if (eat(rest, word)) {
            return true;
        }
    }
    return false;
}

/* One to @max digits of @base. */
static bool
eat_number(Rest *rest, int base, size_t max, uint64_t *ret_value)
{
    uint64_t value = 0;
    size_t n = 0;

    for (; n < rest->len && n < max; n++) {
        int digit = g_ascii_xdigit_value(rest->at[n]);

        if (digit < 0 || digit >= base) {
            break;
        }
        value = value * (unsigned)base + (unsigned)digit;
    }
    rest->at += n;
    rest->len -= n;
    *ret_value = value;
    return n > 0;
}

static bool
eat_hex(Rest *rest, size_t max, uint64_t *ret_value)
{
    (void)eat(rest, "0x");
    return eat_number(rest, 16, max, ret_value);
}

bool
dp_kmsg_parse(const char *bytes, size_t len, DpKmsg *ret_record)
{
    const char *end = memchr(bytes, '\n', len);
    Rest rest = {bytes, end != NULL ? (size_t)(end - bytes) : len};
    uint64_t prefix, number, time_us;

    /* 19 digits always fit. */
    if (!eat_number(&rest, 10, 19, &prefix) || !eat(&rest, ",") ||
        !eat_number(&rest, 10, 19, &number) || !eat(&rest, ",")) {
        return false;
    }
    (void)eat_number(&rest, 10, 19, &time_us);
    if (!seek(&rest, ";")) {
        return false;
    }
    *ret_record = (DpKmsg){.number = number,
                           .time_us = time_us,
                           .of_kernel = prefix >> 3 == 0,
                           .text = rest.at,
                           .len = rest.len};
    return true;
}

const char *
dp_dma_access_name(DpDmaAccess access)
{
    return access == DP_DMA_READ ? "DMA read" : access == DP_DMA_WRITE ? "DMA write" : "DMA";
}

/* "02:00.0"; one version of the kernel wrote "0x02:0x00.0". */
static bool
eat_requester(Rest *rest, DpAddr *addr)
{
    uint64_t bus, device, function;

    if (!eat_hex(rest, 2, &bus) || !eat(rest, ":") || !eat_hex(rest, 2, &device) ||
        !eat(rest, ".") || !eat_number(rest, 8, 1, &function) || device > 31) {
        return false;
    }
    addr->bus = (uint8_t)bus;
    addr->device = (uint8_t)device;
    addr->function = (uint8_t)function;
    return true;
}

/* "0000:02:00.0", or without the segment in older kernels. */
static bool
eat_device(Rest *rest, DpDmaFault *fault)
{
    Rest segment = *rest;
    uint64_t domain;

    fault->any_domain = true;
    if (eat_number(&segment, 16, 8, &domain) && eat(&segment, ":") &&
        eat_requester(&segment, &fault->requester)) {
        fault->any_domain = false;
        fault->requester.domain = (uint32_t)domain;
        *rest = segment;
        return true;
    }
    return eat_requester(rest, &fault->requester);
}

static bool
parse_vtd(Rest rest, DpDmaFault *fault)
{
    uint64_t reason;

    if (!eat(&rest, "DMAR: [DMA ") && !eat(&rest, "DMAR:[DMA ")) {
        return false;
    }
    fault->access = eat(&rest, "Write")  ? DP_DMA_WRITE
                    : eat(&rest, "Read") ? DP_DMA_READ
                                         : DP_DMA_UNKNOWN;
    fault->any_domain = true;
    if (!seek(&rest, "] Request device [") || !eat_requester(&rest, &fault->requester) ||
        !eat(&rest, "]") || !seek(&rest, " fault addr ") || !eat_hex(&rest, 16, &fault->address)) {
        return false;
    }
    if (seek(&rest, "[fault reason ") && (eat(&rest, "0x") ? eat_number(&rest, 16, 2, &reason)
                                                           : eat_number(&rest, 10, 3, &reason))) {
        fault->reason = (int)reason;
    }
    return true;
}

static bool
parse_amd(Rest rest, DpDmaFault *fault)
{
    static const char event[] = "AMD-Vi: Event logged [IO_PAGE_FAULT ";
    uint64_t flags = 0;
    bool named = false;

    if (!eat(&rest, event)) {
        /* "DRIVER ADDRESS: " of the device that the kernel has found for it. */
        if (!seek(&rest, " ") || !eat_device(&rest, fault) || !eat(&rest, ": ") ||
            !eat(&rest, event)) {
            return false;
        }
        named = true;
    }
    if (eat(&rest, "device=")) {
        named = eat_device(&rest, fault);
    }
    if (!named || !seek(&rest, "address=") || !eat_hex(&rest, 16, &fault->address)) {
        return false;
    }
    if (seek(&rest, "flags=") && eat_hex(&rest, 4, &flags)) {
        fault->access = (flags & AMD_WRITE) != 0 ? DP_DMA_WRITE : DP_DMA_READ;
    }
    return true;
}

bool
dp_dma_fault_parse(const char *text, size_t len, DpDmaFault *ret_fault)
{
    Rest rest = {text, len};
    DpDmaFault fault = {.reason = -1};

    if (!parse_vtd(rest, &fault)) {
        fault = (DpDmaFault){.reason = -1};
        if (!parse_amd(rest, &fault)) {
            return false;
        }
    }
    *ret_fault = fault;
    return true;
}
