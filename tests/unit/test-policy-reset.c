/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which reset, whom it hits, and who is linked by it. */
#include "fake-host.h"
#include "policy/policy.h"

#define BIT(method) (1u << (method))

/* What the seeds' sample of passthru.map says. */
static const char seed_map[] = "# passthrough attributes for devices\n"
                               "8086 10b6 d3d0 default\n"
                               "8086 10c6 d3d0 default\n"
                               "8086 10c7 d3d0 default\n"
                               "8086 10c8 d3d0 default\n"
                               "8086 10dd d3d0 default\n"
                               "14e4 164e default false\n"
                               "14e4 164f default false\n"
                               "14e4 1650 default false\n"
                               "1077 2532 default false\n"
                               "1000 0056 d3d0 default\n"
                               "1000 0058 d3d0 default\n";

/* One endpoint, alone behind a root port or on the root bus, against one line of a map. */
typedef struct {
    const char *name;
    bool behind_port;
    DpTri flr, af_flr, pm, no_soft_reset;
    const char *words; /* of reset_method; NULL: no such file */
    const char *map;
    DpResetMethod method;
    unsigned available;
    bool uncertain;
    DpDiagId diag; /* 0: none of a reset */
} ResetCase;

#define N DP_TRI_NO
#define Y DP_TRI_YES
#define U DP_TRI_UNKNOWN

static const ResetCase reset_cases[] = {
    {"flr-first", true, Y, N, Y, N, "flr pm bus", "", DP_RESET_FLR,
     BIT(DP_RESET_FLR) | BIT(DP_RESET_BUS) | BIT(DP_RESET_PM), false, 0},
    {"flr-without-hint", false, Y, N, N, N, NULL, "", DP_RESET_FLR, BIT(DP_RESET_FLR), false, 0},
    {"advanced-features", false, N, Y, N, N, "af_flr", "", DP_RESET_FLR, BIT(DP_RESET_FLR), false,
     0},
    {"bus-before-pm", true, N, N, Y, N, "pm bus", "", DP_RESET_BUS,
     BIT(DP_RESET_BUS) | BIT(DP_RESET_PM), false, 0},
    {"bus-without-hint", true, N, N, N, N, NULL, "", DP_RESET_BUS, BIT(DP_RESET_BUS), false, 0},
    {"bus-hint-not-believed", true, N, N, Y, N, "pm", "", DP_RESET_BUS,
     BIT(DP_RESET_BUS) | BIT(DP_RESET_PM), false, 0},
    {"quirk-first", true, Y, N, N, N, "device_specific flr bus", "", DP_RESET_DEVICE_SPECIFIC,
     BIT(DP_RESET_DEVICE_SPECIFIC) | BIT(DP_RESET_FLR) | BIT(DP_RESET_BUS), false, 0},
    {"acpi-first", true, Y, N, N, N, "acpi flr", "", DP_RESET_DEVICE_SPECIFIC,
     BIT(DP_RESET_DEVICE_SPECIFIC) | BIT(DP_RESET_FLR) | BIT(DP_RESET_BUS), false, 0},
    {"flr-ruled-out-by-kernel", true, Y, N, N, N, "bus", "", DP_RESET_BUS, BIT(DP_RESET_BUS), false,
     0},
    {"pm-only", false, N, N, Y, N, "pm", "", DP_RESET_NONE, BIT(DP_RESET_PM), false,
     DP_DIAG_RESET_PM_ONLY},
    {"none", false, N, N, N, N, NULL, "", DP_RESET_NONE, 0, false, DP_DIAG_RESET_NONE},
    {"pm-that-keeps-state", false, N, N, Y, Y, NULL, "", DP_RESET_NONE, 0, false,
     DP_DIAG_RESET_NONE},
    {"d3d0", false, N, N, Y, N, "pm", "8086 10fb d3d0 default\n", DP_RESET_PM, BIT(DP_RESET_PM),
     false, 0},
    {"d3d0-over-flr", true, Y, N, Y, N, "flr pm bus", "8086 10fb d3d0 default\n", DP_RESET_PM,
     BIT(DP_RESET_FLR) | BIT(DP_RESET_BUS) | BIT(DP_RESET_PM), false, 0},
    {"d3d0-impossible", true, N, N, Y, Y, "bus", "8086 10fb d3d0 default\n", DP_RESET_BUS,
     BIT(DP_RESET_BUS), false, DP_DIAG_RESET_MAP_IMPOSSIBLE},
    {"flr-impossible", true, N, N, N, N, "bus", "8086 ffff flr default\n", DP_RESET_BUS,
     BIT(DP_RESET_BUS), false, DP_DIAG_RESET_MAP_IMPOSSIBLE},
    {"link-over-flr", true, Y, N, N, N, "flr bus", "8086 10fb link default\n", DP_RESET_BUS,
     BIT(DP_RESET_FLR) | BIT(DP_RESET_BUS), false, 0},
    {"bridge-over-flr", true, Y, N, N, N, "flr bus", "ffff ffff bridge default\n", DP_RESET_BUS,
     BIT(DP_RESET_FLR) | BIT(DP_RESET_BUS), false, 0},
    {"bridge-on-root-bus", false, Y, N, N, N, "flr", "8086 10fb bridge default\n", DP_RESET_FLR,
     BIT(DP_RESET_FLR), false, DP_DIAG_RESET_MAP_IMPOSSIBLE},
    {"ordinary-user-hinted", false, U, U, U, U, "flr", "", DP_RESET_FLR, BIT(DP_RESET_FLR), false,
     0},
    {"ordinary-user-hinted-pm", false, U, U, U, U, "pm", "", DP_RESET_NONE, BIT(DP_RESET_PM), false,
     DP_DIAG_RESET_PM_ONLY},
    {"ordinary-user-unknown", false, U, U, U, U, NULL, "", DP_RESET_NONE, 0, true,
     DP_DIAG_RESET_UNKNOWN},
    {"ordinary-user-bus", true, U, U, U, U, NULL, "", DP_RESET_BUS, BIT(DP_RESET_BUS), true, 0},
    {"ordinary-user-d3d0", false, U, U, U, U, NULL, "8086 10fb d3d0 default\n", DP_RESET_PM, 0,
     true, 0},
};

static const DpDiagId reset_diags[] = {DP_DIAG_RESET_NONE, DP_DIAG_RESET_PM_ONLY,
                                       DP_DIAG_RESET_UNKNOWN, DP_DIAG_RESET_MAP_IMPOSSIBLE};

static void
test_reset(gconstpointer data)
{
    const ResetCase *row = data;
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpMap) map = fake_map(row->map);
    DpFunction *port =
        row->behind_port ? fake_bridge(fake, "0000:00:01.0", NULL, 1, DP_PCIE_ROOT_PORT) : NULL;
    DpFunction *fn =
        fake_function(fake, row->behind_port ? "0000:01:00.0" : "0000:00:04.0", port, 2);
    g_autoptr(DpPolicy) policy = NULL;
    const DpVerdict *verdict;

    fn->caps.flr = row->flr;
    fn->caps.af_flr = row->af_flr;
    fn->caps.pm = row->pm;
    fn->caps.no_soft_reset = row->no_soft_reset;
    if (row->words != NULL) {
        fake_reset_method(fake, fn, row->words);
    }
    policy = dp_policy_new(&fake->host, map);
    verdict = dp_policy_verdict(policy, &fn->addr);
    g_assert_cmpstr(dp_reset_method_name(verdict->reset.method), ==,
                    dp_reset_method_name(row->method));
    g_assert_cmphex(verdict->reset.available, ==, row->available);
    g_assert_cmpint(verdict->reset.uncertain, ==, row->uncertain);
    g_assert_cmpstr(dp_reset_choice_name(&verdict->reset), ==,
                    row->diag == DP_DIAG_RESET_UNKNOWN ? NULL : dp_reset_method_name(row->method));
    g_assert_cmpuint(verdict->reset.affected->len, ==, 1);
    for (size_t i = 0; i < G_N_ELEMENTS(reset_diags); i++) {
        g_assert_cmpint(dp_diags_have(verdict->diags, reset_diags[i]), ==,
                        reset_diags[i] == row->diag);
    }
}

/* Each device that the documents of VMDirectPath name: method, shareability, support. Seen behind a
 * port, with PM, without FLR, as those cards are. */
static const struct {
    uint16_t vendor, device;
    DpResetMethod method;
    bool shareable;
    const char *support;
} named_devices[] = {
    {0x8086, 0x10b6, DP_RESET_PM, true, "supported"},
    {0x8086, 0x10c6, DP_RESET_PM, true, "supported"},
    {0x8086, 0x10c7, DP_RESET_PM, true, "supported"},
    {0x8086, 0x10c8, DP_RESET_PM, true, "supported"},
    {0x8086, 0x10dd, DP_RESET_PM, true, "supported"},
    {0x8086, 0x10e1, DP_RESET_BUS, true, "supported"},
    {0x8086, 0x10ec, DP_RESET_BUS, true, "supported"},
    {0x8086, 0x10f1, DP_RESET_BUS, true, "supported"},
    {0x8086, 0x10f4, DP_RESET_BUS, true, "supported"},
    {0x8086, 0x10db, DP_RESET_BUS, true, "supported"},
    {0x8086, 0x1508, DP_RESET_BUS, true, "supported"},
    {0x8086, 0x150b, DP_RESET_BUS, true, "supported"},
    {0x14e4, 0x164e, DP_RESET_BUS, false, "supported"},
    {0x14e4, 0x164f, DP_RESET_BUS, false, "supported"},
    {0x14e4, 0x1650, DP_RESET_BUS, false, "supported"},
    {0x1077, 0x2532, DP_RESET_BUS, false, "experimental"},
    {0x10df, 0xf100, DP_RESET_BUS, true, "experimental"},
    {0x1000, 0x0054, DP_RESET_BUS, true, "experimental"},
    {0x1000, 0x0055, DP_RESET_BUS, true, "experimental"},
    {0x1000, 0x0056, DP_RESET_PM, true, "experimental"},
    {0x1000, 0x0058, DP_RESET_PM, true, "experimental"},
    {0x1af4, 0x1000, DP_RESET_BUS, true, "unlisted"},
};

static void
test_named_devices(void)
{
    g_autoptr(DpMap) map = fake_map(seed_map);

    for (size_t i = 0; i < G_N_ELEMENTS(named_devices); i++) {
        g_autoptr(FakeHost) fake = fake_host_new();
        g_autoptr(DpPolicy) policy = NULL;
        DpFunction *port = fake_bridge(fake, "0000:00:01.0", NULL, 1, DP_PCIE_ROOT_PORT);
        DpFunction *one = fake_function(fake, "0000:01:00.0", port, 2);
        DpFunction *two = fake_function(fake, "0000:01:00.1", port, 3);
        const DpVerdict *verdict;

        fake_ids(one, named_devices[i].vendor, named_devices[i].device);
        fake_ids(two, named_devices[i].vendor, named_devices[i].device);
        one->caps.pm = two->caps.pm = DP_TRI_YES;
        policy = dp_policy_new(&fake->host, map);
        verdict = dp_policy_verdict(policy, &one->addr);
        g_test_message("%04x:%04x", one->vendor, one->device);
        g_assert_cmpint(verdict->reset.method, ==, named_devices[i].method);
        g_assert_cmpint(verdict->reset.shareable, ==, named_devices[i].shareable);
        g_assert_cmpstr(dp_support_name(verdict->support), ==, named_devices[i].support);
        g_assert_cmpuint(verdict->unit->len, ==,
                         named_devices[i].method == DP_RESET_PM && named_devices[i].shareable ? 1
                                                                                              : 2);
    }
}

/* The administrator's list against the built-in one. */
static void
test_compatibility(void)
{
    static const char list[] = "8086 10b6 unlisted\n8086 ffff experimental\n1af4 1000 supported\n";
    static const struct {
        uint16_t vendor, device;
        DpSupport support;
    } rows[] = {
        {0x8086, 0x10b6, DP_SUPPORT_UNLISTED},     /* taken away by name */
        {0x8086, 0x10c6, DP_SUPPORT_SUPPORTED},    /* a wildcard takes nothing away */
        {0x8086, 0x1533, DP_SUPPORT_EXPERIMENTAL}, /* but adds */
        {0x1af4, 0x1000, DP_SUPPORT_SUPPORTED},    {0x1af4, 0x1001, DP_SUPPORT_UNLISTED},
        {0x1077, 0x2532, DP_SUPPORT_EXPERIMENTAL},
    };
    g_autoptr(DpMap) map = dp_map_new();
    g_autoptr(DpCompat) compat = dp_compat_new();

    g_assert_true(dp_compat_add(compat, "list", list, strlen(list), NULL, NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(FakeHost) fake = fake_host_new();
        g_autoptr(DpPolicy) policy = NULL;
        DpFunction *fn = fake_function(fake, "0000:00:03.0", NULL, 1);

        fake_ids(fn, rows[i].vendor, rows[i].device);
        policy = dp_policy_new_listed(&fake->host, map, compat);
        g_assert_cmpint(dp_policy_verdict(policy, &fn->addr)->support, ==, rows[i].support);
    }
}

static void
test_domain_of_bus_reset(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpMap) map = fake_map("");
    DpFunction *port = fake_bridge(fake, "0000:00:1c.0", NULL, 1, DP_PCIE_ROOT_PORT);
    DpFunction *outside = fake_function(fake, "0000:00:1f.2", NULL, 2);
    DpFunction *card = fake_function(fake, "0000:01:00.0", port, 3);
    DpFunction *bridge = fake_bridge(fake, "0000:01:00.1", port, 4, DP_PCIE_TO_PCI_BRIDGE);
    DpFunction *below = fake_function(fake, "0000:02:01.0", bridge, 4);
    g_autoptr(DpPolicy) policy = NULL;
    const GPtrArray *affected;

    below->caps.flr = DP_TRI_YES;
    outside->caps.flr = DP_TRI_YES;
    policy = dp_policy_new(&fake->host, map);
    affected = dp_policy_verdict(policy, &card->addr)->reset.affected;
    g_assert_cmpuint(affected->len, ==, 3);
    g_assert_true(affected->pdata[0] == card);
    g_assert_true(affected->pdata[1] == bridge);
    g_assert_true(affected->pdata[2] == below);
    g_assert_true(
        dp_diags_have(dp_policy_verdict(policy, &card->addr)->diags, DP_DIAG_RESET_HITS_BRIDGE));
    g_assert_true(dp_policy_verdict(policy, &card->addr)->allowed);
    g_assert_false(
        dp_diags_have(dp_policy_verdict(policy, &below->addr)->diags, DP_DIAG_RESET_HITS_BRIDGE));
    /* FLR touches one; but it would be hit by its neighbour's reset. */
    g_assert_cmpuint(dp_policy_verdict(policy, &below->addr)->reset.affected->len, ==, 1);
    g_assert_cmpuint(dp_policy_verdict(policy, &below->addr)->unit->len, ==, 2);
    g_assert_cmpuint(dp_policy_verdict(policy, &outside->addr)->unit->len, ==, 1);
}

static void
test_virtual_function_has_flr_only(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpMap) map = fake_map("8086 ffff bridge false\n");
    DpFunction *port = fake_bridge(fake, "0000:00:01.0", NULL, 1, DP_PCIE_ROOT_PORT);
    DpFunction *pf = fake_function(fake, "0000:01:00.0", port, 2);
    DpFunction *vf = fake_function(fake, "0000:01:00.1", port, 3);
    DpFunction *odd = fake_function(fake, "0000:01:00.2", port, 4);
    g_autoptr(DpPolicy) policy = NULL;

    pf->caps.flr = vf->caps.flr = DP_TRI_YES;
    fake_ids(pf, 0x15b3, 0x1017);
    vf->physfn = odd->physfn = pf;
    policy = dp_policy_new(&fake->host, map);
    g_assert_cmpint(dp_policy_verdict(policy, &vf->addr)->reset.method, ==, DP_RESET_FLR);
    g_assert_cmpuint(dp_policy_verdict(policy, &vf->addr)->unit->len, ==, 1);
    g_assert_cmpint(dp_policy_verdict(policy, &odd->addr)->reset.method, ==, DP_RESET_NONE);
    g_assert_true(dp_diags_have(dp_policy_verdict(policy, &odd->addr)->diags, DP_DIAG_RESET_NONE));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(reset_cases); i++) {
        g_autofree char *path = g_strdup_printf("/policy/reset/%s", reset_cases[i].name);

        g_test_add_data_func(path, &reset_cases[i], test_reset);
    }
    g_test_add_func("/policy/reset/named-devices", test_named_devices);
    g_test_add_func("/policy/reset/compatibility", test_compatibility);
    g_test_add_func("/policy/reset/domain", test_domain_of_bus_reset);
    g_test_add_func("/policy/reset/virtual-function", test_virtual_function_has_flr_only);
    return g_test_run();
}
