/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "address.h"

#include "base/text.h"

#include <string.h>

/* "SEGMENT:BUS:DEVICE.FUNCTION" or "BUS:DEVICE.FUNCTION" as spans of digits, not yet read in a
 * base. */
typedef enum { SEGMENT, BUS, DEVICE, FUNCTION, N_FIELDS } Field;

typedef struct {
    const char *text[N_FIELDS];
    size_t len[N_FIELDS]; /* SEGMENT: 0 if there is none */
} Spans;

/* Largest value of each field. */
static const uint32_t field_max[N_FIELDS] = {
    [SEGMENT] = UINT32_MAX,
    [BUS] = 255,
    [DEVICE] = 31,
    [FUNCTION] = 7,
};

/* Longest run of digits: a segment of 32 bits in decimal. */
#define DIGITS_MAX 10

static size_t
count_digits(const char *text, size_t len)
{
    size_t n = 0;

    while (n < len && n <= DIGITS_MAX && g_ascii_isxdigit(text[n])) {
        n++;
    }
    return n;
}

static bool
split(const char *text, size_t len, Spans *ret_spans)
{
    Spans spans = {{NULL}, {0}};
    const char *end = text + len, *segment_end;
    size_t first = count_digits(text, len), second;
    Field field = BUS;

    if (first < len && text[first] == ':') {
        segment_end = text + first + 1;
        second = count_digits(segment_end, (size_t)(end - segment_end));
        if (segment_end + second < end && segment_end[second] == ':') {
            field = SEGMENT;
        }
    }
    for (; field < N_FIELDS; field++) {
        size_t n = count_digits(text, (size_t)(end - text));

        if (n == 0 || n > DIGITS_MAX) {
            return false;
        }
        spans.text[field] = text;
        spans.len[field] = n;
        text += n;
        if (field < FUNCTION) {
            if (text == end || *text != (field == DEVICE ? '.' : ':')) {
                return false;
            }
            text++;
        }
    }
    if (text != end) {
        return false;
    }
    *ret_spans = spans;
    return true;
}

static bool
read_field(const Spans *spans, Field field, unsigned base, uint32_t *ret_value)
{
    uint64_t value = 0;

    for (size_t i = 0; i < spans->len[field]; i++) {
        int digit = g_ascii_xdigit_value(spans->text[field][i]);

        if (digit < 0 || (unsigned)digit >= base) {
            return false;
        }
        value = value * base + (unsigned)digit; /* at most DIGITS_MAX digits: no overflow */
    }
    if (value > field_max[field]) {
        return false;
    }
    *ret_value = (uint32_t)value;
    return true;
}

static bool
read_spans(const Spans *spans, unsigned base, DpAddr *ret_addr)
{
    uint32_t value[N_FIELDS] = {0};

    for (Field field = SEGMENT; field < N_FIELDS; field++) {
        if (!read_field(spans, field, base, &value[field])) {
            return false;
        }
    }
    *ret_addr = (DpAddr){.domain = value[SEGMENT],
                         .bus = (uint8_t)value[BUS],
                         .device = (uint8_t)value[DEVICE],
                         .function = (uint8_t)value[FUNCTION]};
    return true;
}

/* Exactly @bus, two and one digits; the segment as the kernel prints it with %04x, if there is one.
 */
static bool
padded(const Spans *spans, size_t bus)
{
    size_t n = spans->len[SEGMENT];

    if (n != 0 && (n < 4 || n > 8 || (n > 4 && spans->text[SEGMENT][0] == '0'))) {
        return false;
    }
    return spans->len[BUS] == bus && spans->len[DEVICE] == 2 && spans->len[FUNCTION] == 1;
}

int
dp_addr_compare(const DpAddr *a, const DpAddr *b)
{
    if (a->domain != b->domain) {
        return a->domain < b->domain ? -1 : 1;
    }
    if (a->bus != b->bus) {
        return a->bus < b->bus ? -1 : 1;
    }
    if (a->device != b->device) {
        return a->device < b->device ? -1 : 1;
    }
    return (a->function > b->function) - (a->function < b->function);
}

void *
dp_addr_search(const GPtrArray *sorted, const DpAddr *addr)
{
    for (guint low = 0, high = sorted->len; low < high;) {
        guint middle = low + (high - low) / 2;
        const DpAddr *there = sorted->pdata[middle];
        int order = dp_addr_compare(addr, there);

        if (order == 0) {
            return sorted->pdata[middle];
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

const char *
dp_addr_format(const DpAddr *addr, char *buf)
{
    g_snprintf(buf, DP_ADDR_LEN, "%04x:%02x:%02x.%u", addr->domain, addr->bus, addr->device,
               addr->function);
    return buf;
}

const char *
dp_addr_format_esx(const DpAddr *addr, char *buf)
{
    if (addr->domain != 0) {
        return dp_addr_format(addr, buf);
    }
    g_snprintf(buf, DP_ADDR_LEN, "%03u:%02u.%u", addr->bus, addr->device, addr->function);
    return buf;
}

const char *
dp_addr_format_vmx(const DpAddr *addr, char *buf)
{
    g_snprintf(buf, DP_ADDR_LEN, "%05u:%03u:%02u.%u", addr->domain, addr->bus, addr->device,
               addr->function);
    return buf;
}

bool
dp_addr_parse_sysfs(const char *text, DpAddr *ret_addr)
{
    Spans spans;

    return split(text, strlen(text), &spans) && spans.len[SEGMENT] != 0 && padded(&spans, 2) &&
           read_spans(&spans, 16, ret_addr);
}

/* A bus of three digits is ESX's: decimal, the segment in five digits or more, if there is one. */
static bool
read_decimal(const Spans *spans, DpAddr *ret_addr)
{
    return (spans->len[SEGMENT] == 0 || spans->len[SEGMENT] >= 5) && spans->len[BUS] == 3 &&
           spans->len[DEVICE] == 2 && spans->len[FUNCTION] == 1 && read_spans(spans, 10, ret_addr);
}

bool
dp_addr_parse(const char *text, DpAddr *ret_addr, GError **error)
{
    g_autofree char *shown = NULL;
    Spans spans;

    if (split(text, strlen(text), &spans) &&
        ((padded(&spans, 2) && read_spans(&spans, 16, ret_addr)) ||
         read_decimal(&spans, ret_addr))) {
        return true;
    }
    shown = dp_text_visible_max(text, -1, 64);
    return dp_fail(error, DP_ERROR_USAGE,
                   "'%s' is not the address of a PCI function; write 03:00.0 or 0000:03:00.0 "
                   "(hexadecimal, as lspci does), or 003:00.0 or 00000:003:00.0 (decimal, as ESX "
                   "does)",
                   shown);
}

bool
dp_addr_parse_esxconf(const char *text, size_t len, DpAddr *ret_addr)
{
    Spans spans;

    if (!split(text, len, &spans)) {
        return false;
    }
    if (spans.len[SEGMENT] == 0) {
        return padded(&spans, 3) && read_spans(&spans, 10, ret_addr);
    }
    return padded(&spans, 2) && read_spans(&spans, 16, ret_addr);
}

static DpVmxIdForm
form_of(const Spans *spans)
{
    if (spans->len[SEGMENT] >= 5 || spans->len[BUS] >= 3) {
        return DP_VMX_ID_DECIMAL;
    }
    return spans->len[SEGMENT] == 4 ? DP_VMX_ID_HEX : DP_VMX_ID_AMBIGUOUS;
}

bool
dp_addr_parse_vmx_id(const char *text, DpVmxId *ret_id)
{
    DpVmxId id = {.form = DP_VMX_ID_AMBIGUOUS};
    Spans spans;

    /* Two digits of function and four of bus are what a tool of Intel's writes ("0101:00.00"). */
    if (!split(text, strlen(text), &spans) || spans.len[BUS] > 4 || spans.len[DEVICE] > 2 ||
        spans.len[FUNCTION] > 2) {
        return false;
    }
    id.form = form_of(&spans);
    id.decimal_valid = id.form != DP_VMX_ID_HEX && read_spans(&spans, 10, &id.decimal);
    id.hex_valid = id.form != DP_VMX_ID_DECIMAL && read_spans(&spans, 16, &id.hex);
    if (!id.decimal_valid && !id.hex_valid) {
        return false;
    }
    *ret_id = id;
    return true;
}

bool
dp_slot_decode(int number, DpSlot *ret_slot)
{
    if (number < 0 || number > 0x1fff) {
        return false;
    }
    ret_slot->function = (uint8_t)(number >> 10 & 0x7);
    ret_slot->bus = (uint8_t)(number >> 5 & 0x1f);
    ret_slot->device = (uint8_t)(number & 0x1f);
    return true;
}

int
dp_slot_encode(const DpSlot *slot)
{
    return (slot->function & 0x7) << 10 | (slot->bus & 0x1f) << 5 | (slot->device & 0x1f);
}
