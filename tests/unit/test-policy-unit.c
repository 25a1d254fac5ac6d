/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who changes hands together, by which rule, and what an IOMMU group means for a function. */
#include "fake-host.h"
#include "policy/policy.h"

#include <string.h>

/* The unit of @fn as text: "0000:01:00.0 self, 0000:01:00.1 shared-reset 0000:01:00.0". */
static char *
describe(const DpPolicy *policy, const DpFunction *fn)
{
    const GArray *unit = dp_policy_verdict(policy, &fn->addr)->unit;
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < unit->len; i++) {
        const DpUnitMember *member = &g_array_index(unit, DpUnitMember, i);

        g_string_append_printf(text, "%s%s %s", i > 0 ? ", " : "", member->fn->name,
                               dp_unit_rule_name(member->rule));
        if (member->because_of != NULL) {
            g_string_append_printf(text, " %s", member->because_of->name);
        }
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void
assert_unit(const DpPolicy *policy, const DpFunction *fn, const char *expected)
{
    g_autofree char *text = describe(policy, fn);

    g_assert_cmpstr(text, ==, expected);
}

static const DpDiag *
find_diag(const DpVerdict *verdict, DpDiagId id)
{
    for (guint i = 0; i < verdict->diags->len; i++) {
        const DpDiag *diag = verdict->diags->pdata[i];

        if (diag->row->id == id) {
            return diag;
        }
    }
    return NULL;
}

static void
assert_message(const DpPolicy *policy, const DpFunction *fn, DpDiagId id, const char *part)
{
    const DpDiag *diag = find_diag(dp_policy_verdict(policy, &fn->addr), id);

    g_assert_nonnull(diag);
    g_test_message("%s", diag->message);
    g_assert_cmpstr(diag->subject, ==, fn->name);
    g_assert_nonnull(strstr(diag->message, part));
}

static void
assert_no(const DpPolicy *policy, const DpFunction *fn, DpDiagId id)
{
    g_assert_null(find_diag(dp_policy_verdict(policy, &fn->addr), id));
}

/* Two conventional devices behind a PCIe-to-PCI bridge: one group with it, one bus. */
static void
test_conventional_bus(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpMap) map = fake_map("");
    DpFunction *bridge = fake_bridge(fake, "0000:00:04.0", NULL, 5, DP_PCIE_TO_PCI_BRIDGE);
    DpFunction *one = fake_function(fake, "0000:02:01.0", bridge, 5);
    DpFunction *two = fake_function(fake, "0000:02:02.0", bridge, 5);
    g_autoptr(DpPolicy) policy = NULL;

    fake_reset_method(fake, one, "bus");
    policy = dp_policy_new(&fake->host, map);
    assert_unit(policy, one, "0000:02:01.0 self, 0000:02:02.0 iommu-group 0000:02:01.0");
    assert_unit(policy, two, "0000:02:01.0 iommu-group 0000:02:02.0, 0000:02:02.0 self");
    assert_unit(policy, bridge, "");
    assert_message(policy, one, DP_DIAG_GROUP_NOT_ISOLATED,
                   "0000:00:04.0 (a bridge to conventional PCI");
    g_assert_true(dp_policy_verdict(policy, &one->addr)->allowed);
    g_assert_false(dp_policy_verdict(policy, &bridge->addr)->assignable);
    g_assert_false(dp_policy_verdict(policy, &bridge->addr)->allowed);
}

/* Two functions of one slot in groups of their own; the first has FLR, the second only the bus. */
static void
test_shared_reset_binds_both_ways(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpMap) map = fake_map("");
    DpFunction *port = fake_bridge(fake, "0000:00:01.0", NULL, 1, DP_PCIE_ROOT_PORT);
    DpFunction *one = fake_function(fake, "0000:01:00.0", port, 2);
    DpFunction *two = fake_function(fake, "0000:01:00.1", port, 3);
    g_autoptr(DpPolicy) policy = NULL;

    one->caps.flr = DP_TRI_YES;
    two->caps.pm = DP_TRI_YES;
    policy = dp_policy_new(&fake->host, map);
    assert_unit(policy, one, "0000:01:00.0 self, 0000:01:00.1 shared-reset 0000:01:00.0");
    assert_unit(policy, two, "0000:01:00.0 shared-reset 0000:01:00.1, 0000:01:00.1 self");
}

static void
test_d3d0_shrinks_the_unit(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpMap) map = fake_map("8086 10fb d3d0 default\n");
    DpFunction *port = fake_bridge(fake, "0000:00:01.0", NULL, 1, DP_PCIE_ROOT_PORT);
    DpFunction *one = fake_function(fake, "0000:01:00.0", port, 2);
    DpFunction *two = fake_function(fake, "0000:01:00.1", port, 3);
    g_autoptr(DpPolicy) policy = NULL;

    one->caps.pm = two->caps.pm = DP_TRI_YES;
    policy = dp_policy_new(&fake->host, map);
    assert_unit(policy, one, "0000:01:00.0 self");
    assert_unit(policy, two, "0000:01:00.1 self");
}

/* The line is about one id; the other function of the slot must go along all the same. */
static void
test_not_shareable(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpMap) map = fake_map("1077 2532 default false\n");
    DpFunction *other_slot = fake_function(fake, "0000:00:03.0", NULL, 1);
    DpFunction *one = fake_function(fake, "0000:00:04.0", NULL, 2);
    DpFunction *two = fake_function(fake, "0000:00:04.1", NULL, 3);
    DpFunction *three = fake_function(fake, "0000:00:04.2", NULL, 4);
    g_autoptr(DpPolicy) policy = NULL;

    fake_ids(two, 0x1077, 0x2532);
    other_slot->caps.flr = one->caps.flr = two->caps.flr = three->caps.flr = DP_TRI_YES;
    policy = dp_policy_new(&fake->host, map);
    assert_unit(policy, two,
                "0000:00:04.0 not-shareable 0000:00:04.1, 0000:00:04.1 self, "
                "0000:00:04.2 not-shareable 0000:00:04.1");
    assert_unit(policy, one,
                "0000:00:04.0 self, 0000:00:04.1 not-shareable 0000:00:04.0, "
                "0000:00:04.2 not-shareable 0000:00:04.1");
    assert_unit(policy, other_slot, "0000:00:03.0 self");
}

/* Group leads to a slot, the slot to a bus: all three rules in one unit. */
static void
test_closure_over_all_rules(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpMap) map = fake_map("1077 2532 flr false\n");
    DpFunction *start = fake_function(fake, "0000:00:02.0", NULL, 9);
    DpFunction *port = fake_bridge(fake, "0000:00:03.0", NULL, 9, DP_PCIE_ROOT_PORT);
    DpFunction *one = fake_function(fake, "0000:01:00.0", port, 9);
    DpFunction *two = fake_function(fake, "0000:01:00.1", port, 10);
    DpFunction *three = fake_function(fake, "0000:01:01.0", port, 11);
    g_autoptr(DpPolicy) policy = NULL;

    fake_ids(one, 0x1077, 0x2532);
    start->caps.flr = one->caps.flr = three->caps.flr = DP_TRI_YES;
    policy = dp_policy_new(&fake->host, map);
    g_assert_cmpint(dp_policy_verdict(policy, &two->addr)->reset.method, ==, DP_RESET_BUS);
    assert_unit(policy, start,
                "0000:00:02.0 self, 0000:01:00.0 iommu-group 0000:00:02.0, "
                "0000:01:00.1 shared-reset 0000:01:00.0, 0000:01:01.0 shared-reset 0000:01:00.1");
    assert_unit(policy, three,
                "0000:00:02.0 iommu-group 0000:01:00.0, 0000:01:00.0 shared-reset 0000:01:00.1, "
                "0000:01:00.1 shared-reset 0000:01:01.0, 0000:01:01.0 self");
}

static void
test_port_without_acs_is_named(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpMap) map = fake_map("");
    DpFunction *root = fake_bridge(fake, "0000:00:01.0", NULL, 1, DP_PCIE_ROOT_PORT);
    DpFunction *up = fake_bridge(fake, "0000:01:00.0", root, 1, DP_PCIE_UPSTREAM);
    DpFunction *first = fake_bridge(fake, "0000:02:00.0", up, 1, DP_PCIE_DOWNSTREAM);
    DpFunction *second = fake_bridge(fake, "0000:02:01.0", up, 1, DP_PCIE_DOWNSTREAM);
    DpFunction *one = fake_function(fake, "0000:03:00.0", first, 1);
    DpFunction *two = fake_function(fake, "0000:04:00.0", second, 1);
    g_autoptr(DpPolicy) policy = NULL;

    first->caps.acs = DP_TRI_NO;
    second->caps.acs_ctrl = 0;
    one->caps.flr = two->caps.flr = DP_TRI_YES;
    policy = dp_policy_new(&fake->host, map);
    assert_message(policy, one, DP_DIAG_GROUP_NOT_ISOLATED, ": 0000:02:00.0 (no ACS capability)");
    assert_message(policy, two, DP_DIAG_GROUP_NOT_ISOLATED, ": 0000:02:01.0 (ACS not switched on)");
    first->caps.acs = DP_TRI_UNKNOWN;
    g_clear_pointer(&policy, dp_policy_free);
    policy = dp_policy_new(&fake->host, map);
    assert_message(policy, one, DP_DIAG_GROUP_NOT_ISOLATED, "could not be read");
}

/* An endpoint that shares its group with its own ports only is alone. */
static void
test_group_with_own_port(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpMap) map = fake_map("");
    DpFunction *port = fake_bridge(fake, "0000:00:01.0", NULL, 1, DP_PCIE_ROOT_PORT);
    DpFunction *one = fake_function(fake, "0000:03:00.0", port, 1);
    g_autoptr(DpPolicy) policy = NULL;

    port->caps.acs = DP_TRI_NO;
    policy = dp_policy_new(&fake->host, map);
    assert_unit(policy, one, "0000:03:00.0 self");
    assert_no(policy, one, DP_DIAG_GROUP_NOT_ISOLATED);
    assert_no(policy, one, DP_DIAG_GROUP_NOT_VIABLE);
    g_assert_true(dp_policy_verdict(policy, &one->addr)->allowed);
}

/* q35's 00:1f: the ISA bridge stays, and while a driver of the host has it the group cannot go. */
static void
test_group_with_isa_bridge(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpMap) map = fake_map("");
    DpFunction *isa = fake_function(fake, "0000:00:1f.0", NULL, 7);
    DpFunction *sata = fake_function(fake, "0000:00:1f.2", NULL, 7);
    DpFunction *smbus = fake_function(fake, "0000:00:1f.3", NULL, 7);
    g_autoptr(DpPolicy) policy = NULL;

    isa->class_code = 0x060100;
    sata->class_code = 0x010601;
    smbus->class_code = 0x0c0500;
    policy = dp_policy_new(&fake->host, map);
    assert_unit(policy, sata, "0000:00:1f.2 self, 0000:00:1f.3 iommu-group 0000:00:1f.2");
    assert_no(policy, sata, DP_DIAG_GROUP_NOT_VIABLE);
    assert_message(policy, sata, DP_DIAG_GROUP_NOT_ISOLATED,
                   "functions of one device, 0000:00:1f, without ACS");
    fake_driver(fake, isa, "lpc_ich");
    g_clear_pointer(&policy, dp_policy_free);
    policy = dp_policy_new(&fake->host, map);
    assert_message(policy, sata, DP_DIAG_GROUP_NOT_VIABLE,
                   "with 0000:00:1f.0, which is never passed through and is driven by lpc_ich");
    g_assert_false(dp_policy_verdict(policy, &sata->addr)->allowed);
}

/* The host needs one member: the others are refused with its name, the rule and the reason. */
/* yenta_cardbus is no driver of a port: it holds the group. */
static void
test_driven_bridge_in_group(void)
{
    static const struct {
        const char *driver;
        bool viable;
    } cases[] = {{"yenta_cardbus", false}, {"pcieport", true}, {"shpchp", true}};

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(FakeHost) fake = fake_host_new();
        g_autoptr(DpMap) map = fake_map("");
        g_autoptr(DpPolicy) policy = NULL;
        DpFunction *bridge = fake_bridge(fake, "0000:00:1e.0", NULL, 1, DP_PCIE_NONE);
        DpFunction *fn = fake_function(fake, "0000:02:00.0", bridge, 1);

        fn->caps.flr = DP_TRI_YES;
        fake_driver(fake, bridge, cases[i].driver);
        policy = dp_policy_new(&fake->host, map);
        g_assert_cmpint(
            dp_diags_have(dp_policy_verdict(policy, &fn->addr)->diags, DP_DIAG_GROUP_NOT_VIABLE),
            ==, !cases[i].viable);
    }
}

static void
test_member_needed_by_host(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpMap) map = fake_map("");
    DpFunction *port = fake_bridge(fake, "0000:00:01.0", NULL, 1, DP_PCIE_ROOT_PORT);
    DpFunction *nic = fake_function(fake, "0000:01:00.0", port, 2);
    DpFunction *other = fake_function(fake, "0000:01:00.1", port, 3);
    DpFunction *elsewhere = fake_function(fake, "0000:02:00.0", NULL, 4);
    g_autoptr(DpPolicy) policy = NULL;
    DpNet *net = fake_net(fake, "eth0", "", "0000:01:00.0");

    net->default_route = true;
    elsewhere->caps.flr = DP_TRI_YES;
    policy = dp_policy_new(&fake->host, map);
    assert_message(policy, other, DP_DIAG_UNIT_HOST_NEEDS,
                   "together with 0000:01:00.0 (shared-reset through 0000:01:00.1), which the host "
                   "needs: 0000:01:00.0 is eth0, which carries the default route");
    assert_no(policy, nic, DP_DIAG_UNIT_HOST_NEEDS);
    g_assert_false(dp_policy_verdict(policy, &nic->addr)->allowed);
    g_assert_false(dp_policy_verdict(policy, &other->addr)->allowed);
    g_assert_true(dp_policy_verdict(policy, &elsewhere->addr)->allowed);
}

static int
compare_addresses(gconstpointer a, gconstpointer b)
{
    return dp_addr_compare(&(*(DpFunction *const *)a)->addr, &(*(DpFunction *const *)b)->addr);
}

/* Two functions a slot, 500 slots behind 500 ports; and 256 functions on one bus. */
static void
test_thousand_functions(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpMap) map = fake_map("8086 ffff default false\n");
    g_autoptr(DpPolicy) policy = NULL;
    double seconds;

    for (int i = 0; i < 500; i++) {
        g_autofree char *bridge = g_strdup_printf("%04x:00:%02x.%d", i / 200, i % 200 / 8, i % 8);
        g_autofree char *one = g_strdup_printf("%04x:%02x:00.0", i / 200, 1 + i % 200);
        g_autofree char *two = g_strdup_printf("%04x:%02x:00.1", i / 200, 1 + i % 200);
        DpFunction *port = fake_bridge(fake, bridge, NULL, 3 * i, DP_PCIE_ROOT_PORT);

        fake_function(fake, one, port, 3 * i + 1);
        fake_function(fake, two, port, 3 * i + 2);
    }
    for (int i = 0; i < 256; i++) {
        g_autofree char *name = g_strdup_printf("0003:00:%02x.%d", i / 8, i % 8);

        fake_function(fake, name, NULL, 2000);
    }
    g_ptr_array_sort(fake->host.functions, compare_addresses);
    g_test_timer_start();
    policy = dp_policy_new(&fake->host, map);
    seconds = g_test_timer_elapsed();
    g_test_minimized_result(seconds, "policy for 1756 functions: %.3f s", seconds);
    g_assert_cmpuint(policy->verdicts->len, ==, 1756);
    g_assert_cmpfloat(seconds, <, 2.0); /* 0.2 s and less without sanitizers on an idle machine */
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/policy/unit/conventional-bus", test_conventional_bus);
    g_test_add_func("/policy/unit/shared-reset", test_shared_reset_binds_both_ways);
    g_test_add_func("/policy/unit/d3d0", test_d3d0_shrinks_the_unit);
    g_test_add_func("/policy/unit/not-shareable", test_not_shareable);
    g_test_add_func("/policy/unit/closure", test_closure_over_all_rules);
    g_test_add_func("/policy/unit/port-without-acs", test_port_without_acs_is_named);
    g_test_add_func("/policy/unit/own-port", test_group_with_own_port);
    g_test_add_func("/policy/unit/isa-bridge", test_group_with_isa_bridge);
    g_test_add_func("/policy/unit/driven-bridge", test_driven_bridge_in_group);
    g_test_add_func("/policy/unit/member-needed", test_member_needed_by_host);
    g_test_add_func("/policy/unit/thousand-functions", test_thousand_functions);
    return g_test_run();
}
