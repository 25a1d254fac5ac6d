/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "formats/address.h"

#include <string.h>

static bool
same(const DpAddr *addr, uint32_t domain, unsigned bus, unsigned device, unsigned function)
{
    return addr->domain == domain && addr->bus == bus && addr->device == device &&
           addr->function == function;
}

static void
test_format(void)
{
    static const struct {
        DpAddr addr;
        const char *sysfs, *esx, *vmx;
    } rows[] = {
        {{0, 3, 0, 0}, "0000:03:00.0", "003:00.0", "00000:003:00.0"},
        {{0, 0x65, 0, 0}, "0000:65:00.0", "101:00.0", "00000:101:00.0"},
        {{0, 0, 0x1b, 0}, "0000:00:1b.0", "000:27.0", "00000:000:27.0"},
        {{0, 255, 31, 7}, "0000:ff:1f.7", "255:31.7", "00000:255:31.7"},
        {{0x10000, 0xe1, 0, 0}, "10000:e1:00.0", "10000:e1:00.0", "65536:225:00.0"},
        {{0x62, 2, 2, 0}, "0062:02:02.0", "0062:02:02.0", "00098:002:02.0"},
        {{UINT32_MAX, 1, 2, 3}, "ffffffff:01:02.3", "ffffffff:01:02.3", "4294967295:001:02.3"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const DpAddr *want = &rows[i].addr;
        char buf[DP_ADDR_LEN];
        DpAddr back;
        DpVmxId id;

        g_assert_cmpstr(dp_addr_format(want, buf), ==, rows[i].sysfs);
        g_assert_true(dp_addr_parse_sysfs(buf, &back));
        g_assert_cmpint(dp_addr_compare(&back, want), ==, 0);
        g_assert_cmpstr(dp_addr_format_esx(want, buf), ==, rows[i].esx);
        g_assert_true(dp_addr_parse_esxconf(buf, strlen(buf), &back));
        g_assert_cmpint(dp_addr_compare(&back, want), ==, 0);
        g_assert_cmpstr(dp_addr_format_vmx(want, buf), ==, rows[i].vmx);
        g_assert_true(dp_addr_parse(buf, &back, NULL));
        g_assert_cmpint(dp_addr_compare(&back, want), ==, 0);
        g_assert_true(dp_addr_parse_vmx_id(buf, &id));
        g_assert_cmpint(id.form, ==, DP_VMX_ID_DECIMAL);
        g_assert_cmpint(dp_addr_compare(&id.decimal, want), ==, 0);
    }
}

static void
test_compare(void)
{
    static const DpAddr rising[] = {{0, 0, 0, 0},         {0, 0, 0, 7},    {0, 0, 1, 0},
                                    {0, 1, 0, 0},         {0, 255, 31, 7}, {1, 0, 0, 0},
                                    {UINT32_MAX, 0, 0, 0}};

    for (size_t i = 0; i < G_N_ELEMENTS(rising); i++) {
        for (size_t k = 0; k < G_N_ELEMENTS(rising); k++) {
            int want = (i > k) - (i < k);

            g_assert_cmpint(dp_addr_compare(&rising[i], &rising[k]), ==, want);
        }
    }
}

static void
test_sysfs(void)
{
    static const char *const wrong[] = {"",
                                        "03:00.0",
                                        "000:03:00.0",
                                        "0000:003:00.0",
                                        "0000:03:0.0",
                                        "0000:03:00.00",
                                        "0000:03:00.8",
                                        "0000:03:20.0",
                                        "0000:03:00.0 ",
                                        " 0000:03:00.0",
                                        "0000:03:00",
                                        "0000:03:00:0",
                                        "0000.03.00.0",
                                        "00000:03:00.0",
                                        "100000000:03:00.0",
                                        "000g:03:00.0",
                                        "pci0000:00"};
    DpAddr addr = {1, 2, 3, 4};

    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_assert_false(dp_addr_parse_sysfs(wrong[i], &addr));
    }
    g_assert_true(same(&addr, 1, 2, 3, 4));
    g_assert_true(dp_addr_parse_sysfs("10000:e1:00.0", &addr));
    g_assert_true(same(&addr, 0x10000, 0xe1, 0, 0));
}

static void
test_typed(void)
{
    static const struct {
        const char *text;
        unsigned domain, bus, device, function;
    } rows[] = {
        {"03:00.0", 0, 3, 0, 0},         {"AF:1f.7", 0, 0xaf, 0x1f, 7},
        {"10:10.0", 0, 0x10, 0x10, 0},   {"0000:03:00.0", 0, 3, 0, 0},
        {"0000:65:00.0", 0, 0x65, 0, 0}, {"10000:10:00.0", 0x10000, 0x10, 0, 0},
        {"003:00.0", 0, 3, 0, 0},        {"101:31.0", 0, 101, 31, 0},
        {"00000:003:00.0", 0, 3, 0, 0},  {"00001:101:00.1", 1, 101, 0, 1},
    };
    /* A segment of five digits with a bus of two could be either; "0000:101:00.0" mixes both. */
    static const char *const wrong[] = {"",
                                        "3:00.0",
                                        "03:0.0",
                                        "00000:03:00.0",
                                        "0000:101:00.0",
                                        "256:00.0",
                                        "00000:003:32.0",
                                        "03:00",
                                        "03:00.0\n",
                                        "03:20.0",
                                        "0af:00.0",
                                        "eth0",
                                        "::.",
                                        "99999999999999999999:00:00.0"};
    g_autoptr(GError) error = NULL;
    DpAddr addr;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_assert_true(dp_addr_parse(rows[i].text, &addr, &error));
        g_assert_true(same(&addr, rows[i].domain, rows[i].bus, rows[i].device, rows[i].function));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_assert_false(dp_addr_parse(wrong[i], &addr, &error));
        g_assert_error(error, DP_ERROR, DP_ERROR_USAGE);
        g_assert_nonnull(strstr(error->message, "00000:003:00.0"));
        g_assert_true(g_str_has_prefix(
            error->message + 1, strcmp(wrong[i], "03:00.0\n") == 0 ? "03:00.0\\x0a'" : wrong[i]));
        g_clear_error(&error);
    }
}

static void
test_esxconf(void)
{
    static const struct {
        const char *text;
        bool valid;
        unsigned domain, bus, device, function;
    } rows[] = {
        {"000:27.0", true, 0, 0, 27, 0},
        {"008:03.1", true, 0, 8, 3, 1},
        {"255:31.7", true, 0, 255, 31, 7},
        {"0000:01:00.0", true, 0, 1, 0, 0},
        {"0000:af:1F.2", true, 0, 0xaf, 0x1f, 2},
        {"0001:10:00.0", true, 1, 0x10, 0, 0},
        {"0000:00:31.2", false}, /* hex 31 is no device number */
        {"00:27.0", false},
        {"0000:27.0", false},
        {"000:1b.0", false},
        {"256:00.0", false},
        {"00000:000:27.0", false},
        {"", false},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        DpAddr addr;
        bool valid = dp_addr_parse_esxconf(rows[i].text, strlen(rows[i].text), &addr);

        g_assert_cmpint(valid, ==, rows[i].valid);
        if (valid) {
            g_assert_true(
                same(&addr, rows[i].domain, rows[i].bus, rows[i].device, rows[i].function));
        }
    }
}

/* The length counts, not a NUL: the address is a part of a line. */
static void
test_esxconf_length(void)
{
    DpAddr addr;

    g_assert_true(dp_addr_parse_esxconf("000:27.0/owner", 8, &addr));
    g_assert_true(same(&addr, 0, 0, 27, 0));
    g_assert_false(dp_addr_parse_esxconf("000:27.0/owner", 9, &addr));
    g_assert_false(dp_addr_parse_esxconf("000:27.0", 7, &addr));
    g_assert_false(dp_addr_parse_esxconf("000:27.0", 0, &addr));
}

/* What each form of pciPassthruN.id means; readings as sysfs writes them, NULL for none. */
static void
test_vmx_id(void)
{
    static const struct {
        const char *text;
        DpVmxIdForm form;
        const char *decimal, *hex;
    } rows[] = {
        {"00000:101:00.0", DP_VMX_ID_DECIMAL, "0000:65:00.0", NULL},
        {"00000:003:16.1", DP_VMX_ID_DECIMAL, "0000:03:10.1", NULL},
        {"00001:10:00.0", DP_VMX_ID_DECIMAL, "0001:0a:00.0", NULL},
        {"016:00.0", DP_VMX_ID_DECIMAL, "0000:10:00.0", NULL},
        {"0000:101:00.0", DP_VMX_ID_DECIMAL, "0000:65:00.0", NULL},
        {"0101:00.02", DP_VMX_ID_DECIMAL, "0000:65:00.2", NULL},
        {"0000:65:00.0", DP_VMX_ID_HEX, NULL, "0000:65:00.0"},
        {"0000:AF:00.0", DP_VMX_ID_HEX, NULL, "0000:af:00.0"},
        {"03:00.0", DP_VMX_ID_AMBIGUOUS, "0000:03:00.0", "0000:03:00.0"},
        {"12:00.0", DP_VMX_ID_AMBIGUOUS, "0000:0c:00.0", "0000:12:00.0"},
        {"3:0.0", DP_VMX_ID_AMBIGUOUS, "0000:03:00.0", "0000:03:00.0"},
        {"0c:00.0", DP_VMX_ID_AMBIGUOUS, NULL, "0000:0c:00.0"},
        {"00:25.0", DP_VMX_ID_AMBIGUOUS, "0000:00:19.0", NULL},
        {"10:1f.3", DP_VMX_ID_AMBIGUOUS, NULL, "0000:10:1f.3"},
        {"0:66:0.0", DP_VMX_ID_AMBIGUOUS, "0000:42:00.0", "0000:66:00.0"},
    };
    static const char *const wrong[] = {"",
                                        "00000:0a:00.0",
                                        "130:1f.0",
                                        "256:00.0",
                                        "00000:003:00.8",
                                        "0000:65:20.0",
                                        "03:00",
                                        "03:00.0 ",
                                        "00101:00.0",
                                        "0x03:00.0",
                                        "03:000.0",
                                        "99999999999:003:00.0",
                                        "9999999999:003:00.0"};

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        char buf[DP_ADDR_LEN];
        DpVmxId id;

        g_assert_true(dp_addr_parse_vmx_id(rows[i].text, &id));
        g_assert_cmpint(id.form, ==, rows[i].form);
        g_assert_cmpint(id.decimal_valid, ==, rows[i].decimal != NULL);
        g_assert_cmpint(id.hex_valid, ==, rows[i].hex != NULL);
        if (id.decimal_valid) {
            g_assert_cmpstr(dp_addr_format(&id.decimal, buf), ==, rows[i].decimal);
        }
        if (id.hex_valid) {
            g_assert_cmpstr(dp_addr_format(&id.hex, buf), ==, rows[i].hex);
        }
    }
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        DpVmxId id;

        g_assert_false(dp_addr_parse_vmx_id(wrong[i], &id));
    }
}

/* The numbers of Broadcom's KB 2047927 and of real files. */
static void
test_slot(void)
{
    static const struct {
        int number;
        DpSlot slot;
    } rows[] = {
        {16, {0, 0, 16}},  {17, {0, 0, 17}},    {19, {0, 0, 19}},  {21, {0, 0, 21}},
        {32, {0, 1, 0}},   {34, {0, 1, 2}},     {160, {0, 5, 0}},  {192, {0, 6, 0}},
        {224, {0, 7, 0}},  {256, {0, 8, 0}},    {1184, {1, 5, 0}}, {1216, {1, 6, 0}},
        {2208, {2, 5, 0}}, {8191, {7, 31, 31}}, {0, {0, 0, 0}},
    };
    DpSlot slot;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_assert_true(dp_slot_decode(rows[i].number, &slot));
        g_assert_cmpuint(slot.function, ==, rows[i].slot.function);
        g_assert_cmpuint(slot.bus, ==, rows[i].slot.bus);
        g_assert_cmpuint(slot.device, ==, rows[i].slot.device);
    }
    for (int n = 0; n < 8192; n++) {
        g_assert_true(dp_slot_decode(n, &slot));
        g_assert_cmpint(dp_slot_encode(&slot), ==, n);
    }
    g_assert_false(dp_slot_decode(-1, &slot));
    g_assert_false(dp_slot_decode(8192, &slot));
    g_assert_false(dp_slot_decode(G_MAXINT, &slot));
    g_assert_false(dp_slot_decode(G_MININT, &slot));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/address/format", test_format);
    g_test_add_func("/address/compare", test_compare);
    g_test_add_func("/address/sysfs", test_sysfs);
    g_test_add_func("/address/typed", test_typed);
    g_test_add_func("/address/esxconf", test_esxconf);
    g_test_add_func("/address/esxconf-length", test_esxconf_length);
    g_test_add_func("/address/vmx-id", test_vmx_id);
    g_test_add_func("/address/slot", test_slot);
    return g_test_run();
}
