/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of the kernel: names of devices, tables of addresses. */
#include "scan.h"

#include <string.h>

static int
hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Takes hexadecimal digits, at least one and no more than 64 bits of value. */
static bool
take_hex(const char **at, uint64_t *ret_value)
{
    const char *c = *at;
    uint64_t value = 0;

    for (int digit; (digit = hex_value(*c)) >= 0; c++) {
        if (value >> 60 != 0) {
            return false;
        }
        value = value << 4 | (unsigned)digit;
    }
    if (c == *at) {
        return false;
    }
    *at = c;
    *ret_value = value;
    return true;
}

static bool
take_text(const char **at, const char *text)
{
    size_t len = strlen(text);

    if (strncmp(*at, text, len) != 0) {
        return false;
    }
    *at += len;
    return true;
}

static bool
at_end(const char *at)
{
    return *at == '\0' || *at == '\n';
}

/* pci_uevent and modalias_show of the kernel: numbers of fixed width, each behind its letters. */
static const struct {
    const char *letters;
    size_t digits;
    uint32_t max;
} modalias_parts[] = {
    {"pci:v", 8, 0xffff}, {"d", 8, 0xffff}, {"sv", 8, 0xffff}, {"sd", 8, 0xffff},
    {"bc", 2, 0xff},      {"sc", 2, 0xff},  {"i", 2, 0xff},
};

/* Exactly @n hexadecimal digits, at most eight: the letters between numbers are digits too. */
static bool
take_digits(const char **at, size_t n, uint32_t *ret_value)
{
    uint32_t value = 0;

    for (size_t i = 0; i < n; i++, (*at)++) {
        int digit = hex_value(**at);

        if (digit < 0) {
            return false;
        }
        value = value << 4 | (unsigned)digit;
    }
    *ret_value = value;
    return true;
}

bool
dp_parse_modalias(const char *line, DpIds *ret_ids)
{
    uint32_t value[G_N_ELEMENTS(modalias_parts)];

    for (size_t i = 0; i < G_N_ELEMENTS(modalias_parts); i++) {
        if (!take_text(&line, modalias_parts[i].letters) ||
            !take_digits(&line, modalias_parts[i].digits, &value[i]) ||
            value[i] > modalias_parts[i].max) {
            return false;
        }
    }
    *ret_ids = (DpIds){.vendor = (uint16_t)value[0],
                       .device = (uint16_t)value[1],
                       .subvendor = (uint16_t)value[2],
                       .subdevice = (uint16_t)value[3],
                       .class_code = value[4] << 16 | value[5] << 8 | value[6]};
    return at_end(line);
}

bool
dp_parse_bar(const char *line, DpBar *ret_bar)
{
    uint64_t start, end, flags;

    if (!take_text(&line, "0x") || !take_hex(&line, &start) || !take_text(&line, " 0x") ||
        !take_hex(&line, &end) || !take_text(&line, " 0x") || !take_hex(&line, &flags) ||
        !at_end(line)) {
        return false;
    }
    *ret_bar = (DpBar){0};
    if (flags == 0 && start == 0 && end == 0) {
        return true;
    }
    if (end < start || end - start == UINT64_MAX) {
        return end + 1 == start; /* an empty range: not there */
    }
    *ret_bar = (DpBar){start, end - start + 1, flags};
    return true;
}

/* iommu_group_resv_type_string of drivers/iommu/iommu.c. */
static const struct {
    const char *word;
    bool direct, relaxable;
} region_types[] = {
    {"direct", true, false},
    {"direct-relaxable", true, true},
    {"reserved", false, false}, /* never translated, on any machine */
    {"msi", false, false},      /* where devices write to interrupt */
};

bool
dp_parse_region(const char *line, DpReserved *ret_region, bool *ret_direct)
{
    DpReserved region = {0};

    if (!take_text(&line, "0x") || !take_hex(&line, &region.start) || !take_text(&line, " 0x") ||
        !take_hex(&line, &region.last) || !take_text(&line, " ") || region.last < region.start) {
        return false;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(region_types); i++) {
        const char *rest = line;

        if (take_text(&rest, region_types[i].word) && at_end(rest)) {
            region.relaxable = region_types[i].relaxable;
            *ret_region = region;
            *ret_direct = region_types[i].direct;
            return true;
        }
    }
    return false;
}

/* What the kernel calls the memory of a picture that the firmware set up: the drivers' names, and
 * that of drivers/firmware/sysfb_simplefb.c. */
static const char *const picture_names[] = {
    "BOOTFB", "efifb", "simple-framebuffer", "simplefb", "vesafb",
};

bool
dp_parse_framebuffer(const char *line, DpFramebuffer *ret_framebuffer)
{
    DpFramebuffer found = {0};

    line += strspn(line, " ");
    if (!take_hex(&line, &found.start) || !take_text(&line, "-") || !take_hex(&line, &found.last) ||
        !take_text(&line, " : ") || found.last < found.start) {
        return false;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(picture_names); i++) {
        const char *rest = line;

        if (take_text(&rest, picture_names[i]) && at_end(rest)) {
            found.driver = picture_names[i];
            *ret_framebuffer = found;
            return true;
        }
    }
    return false;
}
