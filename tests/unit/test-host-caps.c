/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/caps.h"

#include <string.h>

/* A header with a list of capabilities, and nothing in it yet. */
static void
start(uint8_t *config, size_t len)
{
    memset(config, 0, len);
    config[0x00] = 0x86;
    config[0x01] = 0x80;
    config[0x06] = 0x10;
    config[0x34] = 0x40;
}

static void
put_extended(uint8_t *config, unsigned at, unsigned id, unsigned next)
{
    config[at] = (uint8_t)id;
    config[at + 1] = (uint8_t)(id >> 8);
    config[at + 2] = (uint8_t)(1 | (next & 0xf) << 4);
    config[at + 3] = (uint8_t)(next >> 4);
}

static void
test_lengths(void)
{
    uint8_t config[256];
    DpCaps caps;

    start(config, sizeof config);
    config[0x40] = 0x01;
    g_assert_cmpuint(dp_caps_parse(config, 0, &caps), ==, DP_CAPS_OK);
    g_assert_cmpint(caps.readable, ==, DP_TRI_UNKNOWN);
    g_assert_cmpuint(dp_caps_parse(config, 64, &caps), ==, DP_CAPS_OK);
    g_assert_cmpint(caps.readable, ==, DP_TRI_UNKNOWN);
    g_assert_cmpint(caps.pm, ==, DP_TRI_UNKNOWN);
    g_assert_cmpuint(dp_caps_parse(config, 256, &caps), ==, DP_CAPS_OK);
    g_assert_cmpint(caps.readable, ==, DP_TRI_YES);
    g_assert_cmpint(caps.pm, ==, DP_TRI_YES);
    g_assert_cmpint(caps.acs, ==, DP_TRI_NO); /* conventional: there is no more than this */
}

static void
test_all_ones(void)
{
    uint8_t config[256];
    DpCaps caps;

    memset(config, 0xff, sizeof config);
    g_assert_cmpuint(dp_caps_parse(config, sizeof config, &caps), ==, DP_CAPS_OK);
    g_assert_cmpint(caps.readable, ==, DP_TRI_NO);
    g_assert_true(dp_caps_all_ones(config, 64));
    g_assert_false(dp_caps_all_ones(config, 32));
    config[8] = 0; /* a VF has ids of ones, but a revision and a class */
    g_assert_false(dp_caps_all_ones(config, 64));
}

static void
test_loop(void)
{
    uint8_t config[256];
    DpCaps caps;

    start(config, sizeof config);
    config[0x40] = 0x01;
    config[0x41] = 0x50;
    config[0x50] = 0x05;
    config[0x51] = 0x40;
    g_assert_cmpuint(dp_caps_parse(config, sizeof config, &caps), ==, DP_CAPS_LOOP);
    g_assert_cmpint(caps.pm, ==, DP_TRI_YES);
    g_assert_cmpint(caps.msi, ==, DP_TRI_YES);
    g_assert_cmpuint(caps.msi_vectors, ==, 1);
}

static void
test_pointer(void)
{
    uint8_t config[256];
    DpCaps caps;

    start(config, sizeof config);
    config[0x34] = 0x10; /* into the header */
    g_assert_cmpuint(dp_caps_parse(config, sizeof config, &caps), ==, DP_CAPS_POINTER);
    g_assert_cmpint(caps.pm, ==, DP_TRI_NO);
}

static void
test_cut(void)
{
    uint8_t config[256];
    DpCaps caps;

    start(config, sizeof config);
    config[0x34] = 0xfc;
    config[0xfc] = 0x10; /* PCI Express with 4 of its bytes */
    g_assert_cmpuint(dp_caps_parse(config, sizeof config, &caps), ==, DP_CAPS_CUT);
    g_assert_cmpint(caps.pcie, ==, DP_TRI_NO);
}

static void
test_af(void)
{
    uint8_t config[256];
    DpCaps caps;

    start(config, sizeof config);
    config[0x40] = 0x13;
    config[0x43] = 0x02; /* FLR without transactions pending: the kernel does not use it */
    (void)dp_caps_parse(config, sizeof config, &caps);
    g_assert_cmpint(caps.af_flr, ==, DP_TRI_NO);
    config[0x43] = 0x03;
    (void)dp_caps_parse(config, sizeof config, &caps);
    g_assert_cmpint(caps.af_flr, ==, DP_TRI_YES);
}

static void
test_extended(void)
{
    g_autofree uint8_t *config = g_malloc(4096);
    DpCaps caps;

    start(config, 4096);
    config[0x40] = 0x10;
    config[0x42] = 0x42; /* version 2, root port */
    put_extended(config, 0x100, 0x000d, 0xff8);
    config[0x104] = 0x1f;
    config[0x106] = 0x0d;
    put_extended(config, 0xff8, 0x0010, 0);
    g_assert_cmpuint(dp_caps_parse(config, 4096, &caps), ==, DP_CAPS_OK);
    g_assert_cmpint(caps.acs, ==, DP_TRI_YES);
    g_assert_cmphex(caps.acs_caps, ==, 0x1f);
    g_assert_cmphex(caps.acs_ctrl, ==, 0x0d);
    g_assert_cmpint(caps.sriov, ==, DP_TRI_YES);
    g_assert_cmpint(caps.ari, ==, DP_TRI_NO);

    /* The same function without its extended space: unknown, not absent. */
    (void)dp_caps_parse(config, 256, &caps);
    g_assert_cmpint(caps.pcie_type, ==, DP_PCIE_ROOT_PORT);
    g_assert_cmpint(caps.acs, ==, DP_TRI_UNKNOWN);
    g_assert_cmpint(caps.extended_readable, ==, DP_TRI_UNKNOWN);
}

static void
test_extended_broken(void)
{
    g_autofree uint8_t *config = g_malloc(4096);
    DpCaps caps;

    start(config, 4096);
    config[0x34] = 0;
    put_extended(config, 0x100, 0x000e, 0x200);
    put_extended(config, 0x200, 0x000f, 0x100);
    g_assert_cmpuint(dp_caps_parse(config, 4096, &caps), ==, DP_CAPS_LOOP);
    g_assert_cmpint(caps.ari, ==, DP_TRI_YES);
    g_assert_cmpint(caps.ats, ==, DP_TRI_YES);
    put_extended(config, 0x200, 0x000f, 0x040);
    g_assert_cmpuint(dp_caps_parse(config, 4096, &caps), ==, DP_CAPS_POINTER);
    put_extended(config, 0x100, 0x000d, 0xffc);
    put_extended(config, 0xffc, 0x000d, 0); /* 4 of its 8 bytes */
    g_assert_cmpuint(dp_caps_parse(config, 4096, &caps), ==, DP_CAPS_CUT);
}

/* Seen on real host bridges: the extended space repeats the first 256 bytes. */
static void
test_aliased(void)
{
    g_autofree uint8_t *config = g_malloc(4096);
    DpCaps caps;

    start(config, 256);
    config[0x40] = 0x01;
    for (size_t at = 256; at < 4096; at += 256) {
        memcpy(config + at, config, 256);
    }
    g_assert_cmpuint(dp_caps_parse(config, 4096, &caps), ==, DP_CAPS_OK);
    g_assert_cmpint(caps.acs, ==, DP_TRI_NO);
    g_assert_cmpint(caps.pm, ==, DP_TRI_YES);
}

/* Every length and every single wrong byte: nothing but the sanitizer to satisfy. */
static void
test_every_byte(void)
{
    g_autofree uint8_t *config = g_malloc(4096);
    DpCaps caps;

    for (size_t at = 0; at < 0x140; at++) {
        for (unsigned value = 0; value < 256; value += 5) {
            g_autofree uint8_t *cut = NULL;
            size_t len = 0x110 + at % 0x40;

            start(config, 4096);
            config[0x40] = 0x10;
            config[0x41] = 0xf0;
            config[0xf0] = 0x11;
            put_extended(config, 0x100, 0x000d, 0x10c);
            put_extended(config, 0x10c, 0x000e, 0);
            config[at] = (uint8_t)value;
            cut = g_memdup2(config, len);
            (void)dp_caps_parse(cut, len, &caps);
            g_assert_cmpuint(caps.msix_vectors, <=, 2048);
        }
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/host-caps/lengths", test_lengths);
    g_test_add_func("/host-caps/all-ones", test_all_ones);
    g_test_add_func("/host-caps/loop", test_loop);
    g_test_add_func("/host-caps/pointer", test_pointer);
    g_test_add_func("/host-caps/cut", test_cut);
    g_test_add_func("/host-caps/af", test_af);
    g_test_add_func("/host-caps/extended", test_extended);
    g_test_add_func("/host-caps/extended-broken", test_extended_broken);
    g_test_add_func("/host-caps/aliased", test_aliased);
    g_test_add_func("/host-caps/every-byte", test_every_byte);
    return g_test_run();
}
