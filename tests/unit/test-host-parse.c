/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of the kernel: names of devices, tables of addresses. */
#include "host/scan.h"

#include <string.h>

static const struct {
    const char *line;
    bool good;
    DpBar bar;
} bars[] = {
    {"0x00000000fe000000 0x00000000fe01ffff 0x0000000000040200",
     true,
     {0xfe000000, 0x20000, 0x40200}},
    {"0x0 0xfffffffff 0x2014220c\nnext", true, {0, 0x1000000000, 0x2014220c}},
    {"0x0 0x0 0x0", true, {0, 0, 0}},
    {"0x1000 0xfff 0x200", true, {0, 0, 0}},           /* empty */
    {"0x0 0xffffffffffffffff 0x200", true, {0, 0, 0}}, /* empty, as -1 wraps to 0 */
    {"0x1 0xffffffffffffffff 0x200", true, {1, UINT64_MAX, 0x200}},
    {"0x1001 0xfff 0x200", false, {0}},
    {"0x1000 0x1fff", false, {0}},
    {"0x1000 0x1fff 0x200 ", false, {0}},
    {"1000 0x1fff 0x200", false, {0}},
    {"0x 0x1fff 0x200", false, {0}},
    {"0x10000000000000000 0x1 0x200", false, {0}},
    {"0x1000\t0x1fff 0x200", false, {0}},
    {"", false, {0}},
};

static void
test_bar(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(bars); i++) {
        DpBar bar;

        g_test_message("%s", bars[i].line);
        g_assert_cmpint(dp_parse_bar(bars[i].line, &bar), ==, bars[i].good);
        if (bars[i].good) {
            g_assert_cmpuint(bar.start, ==, bars[i].bar.start);
            g_assert_cmpuint(bar.size, ==, bars[i].bar.size);
            g_assert_cmpuint(bar.flags, ==, bars[i].bar.flags);
        }
    }
}

static const struct {
    const char *line;
    bool good;
    DpIds ids;
} modaliases[] = {
    {"pci:v00008086d00001572sv00001028sd00000000bc02sc00i00",
     true,
     {0x8086, 0x1572, 0x1028, 0, 0x020000}},
    {"pci:v0000FFFEd0000dddDsv00000BC0sd0000dbcdbc0Csc03i30\nnext",
     true,
     {0xfffe, 0xdddd, 0x0bc0, 0xdbcd, 0x0c0330}},
    {"pci:v00018086d00001572sv00001028sd00000000bc02sc00i00", false, {0}}, /* 17 bits */
    {"pci:v00008086d00001572sv00001028sd00000000bc02sc00i00 ", false, {0}},
    {"pci:v00008086d00001572sv00001028sd00000000bc02sc00i0", false, {0}},
    {"pci:v00008086d00001572sv00001028sd00000000bc02sc00i000", false, {0}},
    {"pci:v8086d1572sv1028sd0000bc02sc00i00", false, {0}},
    {"pci:v*d*sv*sd*bc02sc00i00", false, {0}}, /* a driver's, not a device's */
    {"usb:v00008086d00001572sv00001028sd00000000bc02sc00i00", false, {0}},
    {"pci:v", false, {0}},
    {"", false, {0}},
};

static void
test_modalias(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(modaliases); i++) {
        DpIds ids;

        g_test_message("%s", modaliases[i].line);
        g_assert_cmpint(dp_parse_modalias(modaliases[i].line, &ids), ==, modaliases[i].good);
        if (modaliases[i].good) {
            g_assert_cmphex(ids.vendor, ==, modaliases[i].ids.vendor);
            g_assert_cmphex(ids.device, ==, modaliases[i].ids.device);
            g_assert_cmphex(ids.subvendor, ==, modaliases[i].ids.subvendor);
            g_assert_cmphex(ids.subdevice, ==, modaliases[i].ids.subdevice);
            g_assert_cmphex(ids.class_code, ==, modaliases[i].ids.class_code);
        }
    }
}

static const struct {
    const char *line;
    bool good, direct, relaxable;
    uint64_t start, last;
} regions[] = {
    {"0x00000000df62f000 0x00000000df63efff direct", true, true, false, 0xdf62f000, 0xdf63efff},
    {"0x0 0xffffff direct-relaxable\n0x1", true, true, true, 0, 0xffffff},
    {"0xfee00000 0xfeefffff msi", true, false, false, 0xfee00000, 0xfeefffff},
    {"0xfd00000000 0xffffffffff reserved", true, false, false, 0xfd00000000, 0xffffffffff},
    {"0x0 0xffffffffffffffff direct", true, true, false, 0, UINT64_MAX},
    {"0x2 0x1 direct", false, false, false, 0, 0},
    {"0x1 0x2 directly", false, false, false, 0, 0},
    {"0x1 0x2 ", false, false, false, 0, 0},
    {"0x1 0x2", false, false, false, 0, 0},
    {"0x1 2 direct", false, false, false, 0, 0},
};

static void
test_region(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(regions); i++) {
        DpReserved region;
        bool direct;

        g_test_message("%s", regions[i].line);
        g_assert_cmpint(dp_parse_region(regions[i].line, &region, &direct), ==, regions[i].good);
        if (regions[i].good) {
            g_assert_cmpint(direct, ==, regions[i].direct);
            g_assert_cmpint(region.relaxable, ==, regions[i].relaxable);
            g_assert_cmpuint(region.start, ==, regions[i].start);
            g_assert_cmpuint(region.last, ==, regions[i].last);
        }
    }
}

static const struct {
    const char *line, *driver;
} pictures[] = {
    {"c1000000-c17e8fff : efifb", "efifb"},
    {"    c1000000-c17e8fff : BOOTFB\n", "BOOTFB"},
    {"00000000-00000000 : simple-framebuffer", "simple-framebuffer"},
    {"c1000000-c17e8fff : simplefb", "simplefb"},
    {"c1000000-c17e8fff : vesafb", "vesafb"},
    {"c1000000-c17e8fff : efifb2", NULL},
    {"c1000000-c0000000 : efifb", NULL},
    {"c1000000 - c17e8fff : efifb", NULL},
    {"c1000000-c17e8fff : 0000:03:00.0", NULL},
    {" : efifb", NULL},
    {"", NULL},
};

static void
test_framebuffer(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(pictures); i++) {
        DpFramebuffer found = {0};
        bool is_one = dp_parse_framebuffer(pictures[i].line, &found);

        g_test_message("%s", pictures[i].line);
        g_assert_cmpint(is_one, ==, pictures[i].driver != NULL);
        g_assert_cmpstr(found.driver, ==, pictures[i].driver);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/host-parse/modalias", test_modalias);
    g_test_add_func("/host-parse/bar", test_bar);
    g_test_add_func("/host-parse/region", test_region);
    g_test_add_func("/host-parse/framebuffer", test_framebuffer);
    return g_test_run();
}
