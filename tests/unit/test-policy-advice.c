/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What would make a unit smaller: said where it is true, and only there. */
#include "fake-host.h"
#include "policy/policy.h"

/* "DP1304 REMEDY" of each piece of advice, one a line. */
static char *
advice_of(const DpPolicy *policy, const DpFunction *fn)
{
    g_autoptr(DpDiagList) advice = dp_diags_new();
    g_autoptr(GString) text = g_string_new(NULL);

    dp_unit_advise(policy, dp_policy_verdict(policy, &fn->addr), advice);
    for (guint i = 0; i < advice->len; i++) {
        const DpDiag *diag = advice->pdata[i];

        g_assert_cmpint(diag->severity, ==, DP_NOTE);
        g_assert_cmpstr(diag->subject, ==, fn->name);
        g_string_append_printf(text, "DP%d %s / %s\n", (int)diag->row->id, diag->message,
                               diag->remedy);
    }
    return g_strdup(text->str);
}

static void
assert_advice(const DpPolicy *policy, const DpFunction *fn, const char *want)
{
    g_autofree char *advice = advice_of(policy, fn);

    g_assert_cmpstr(advice, ==, want);
}

/* The two functions of a card behind a port, in groups of their own, that reset by their bus. */
typedef struct {
    FakeHost *fake;
    DpFunction *one, *two;
    DpMap *map;
    DpPolicy *policy;
} Card;

static void
card_clear(Card *card)
{
    g_clear_pointer(&card->policy, dp_policy_free);
    g_clear_pointer(&card->map, dp_map_free);
    g_clear_pointer(&card->fake, fake_host_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Card, card_clear)

static Card
card_new(void)
{
    Card card = {.fake = fake_host_new()};
    DpFunction *port = fake_bridge(card.fake, "0000:00:01.0", NULL, 1, DP_PCIE_ROOT_PORT);

    card.one = fake_function(card.fake, "0000:01:00.0", port, 2);
    card.two = fake_function(card.fake, "0000:01:00.1", port, 3);
    return card;
}

/* With what the shipped and the administrator's map say. */
static void
card_judge(Card *card, const char *shipped, const char *own)
{
    card->map = dp_map_new();
    g_assert_true(dp_map_add(card->map, DP_MAP_SHIPPED, shipped, strlen(shipped), NULL, NULL));
    g_assert_true(dp_map_add(card->map, DP_MAP_OWN, own, strlen(own), NULL, NULL));
    card->policy = dp_policy_new(&card->fake->host, card->map);
}

static void
test_alone(void)
{
    g_auto(Card) card = card_new();

    card.one->caps.flr = card.two->caps.flr = DP_TRI_YES;
    card_judge(&card, "", "");
    assert_advice(card.policy, card.one, "");
}

static void
test_d3d0(void)
{
    g_auto(Card) card = card_new();

    card.one->caps.pm = card.two->caps.pm = DP_TRI_YES;
    card_judge(&card, "", "");
    assert_advice(
        card.policy, card.one,
        "DP1304 0000:01:00.0 goes with 1 other because a bus reset hits all of them; with a "
        "reset by power state (D3 to D0) it would go alone / if D3 to D0 is known to reset "
        "the device, add to /etc/directpath/passthru.map: \"8086 10fb d3d0 default\"\n");
}

/* Each needs a line, and the function that is only hit needs the other's. */
static void
test_d3d0_of_others(void)
{
    g_auto(Card) card = card_new();
    g_autofree char *advice = NULL;

    fake_ids(card.two, 0x10de, 0x0001);
    card.one->caps.pm = card.two->caps.pm = DP_TRI_YES;
    card_judge(&card, "10de ffff bridge default\n", "");
    advice = advice_of(card.policy, card.one);
    g_assert_nonnull(strstr(advice, "\"8086 10fb d3d0 default\" and \"10de 0001 d3d0 default\""));
}

/* One that resets itself by FLR is hit by its neighbour, whose line it is then. */
static void
test_d3d0_of_the_neighbour(void)
{
    g_auto(Card) card = card_new();
    g_autofree char *advice = NULL;

    fake_ids(card.two, 0x8086, 0x1533);
    card.one->caps.flr = DP_TRI_YES;
    card.two->caps.pm = DP_TRI_YES;
    card_judge(&card, "", "");
    advice = advice_of(card.policy, card.one);
    g_assert_nonnull(strstr(advice, "map: \"8086 1533 d3d0 default\"\n"));
}

/* No_Soft_Reset set, or one of the two without PM: no line would help. */
static void
test_no_d3d0(void)
{
    g_auto(Card) kept = card_new();
    g_auto(Card) half = card_new();

    kept.one->caps.pm = kept.two->caps.pm = DP_TRI_YES;
    kept.one->caps.no_soft_reset = kept.two->caps.no_soft_reset = DP_TRI_YES;
    card_judge(&kept, "", "");
    assert_advice(kept.policy, kept.one, "");
    half.one->caps.pm = DP_TRI_YES;
    card_judge(&half, "", "");
    assert_advice(half.policy, half.one, "");
}

/* Where the group ties them too, another reset would not help, and neither would another slot. */
static void
test_no_vain_advice(void)
{
    g_auto(Card) card = card_new();

    card.one->caps.pm = card.two->caps.pm = DP_TRI_YES;
    card.two->iommu_group = card.one->iommu_group;
    card_judge(&card, "", "");
    g_assert_cmpuint(dp_policy_verdict(card.policy, &card.one->addr)->unit->len, ==, 2);
    assert_advice(card.policy, card.one, "");
}

static void
test_own_false(void)
{
    g_auto(Card) card = card_new();

    card.one->caps.flr = card.two->caps.flr = DP_TRI_YES;
    card_judge(&card, "", "# mine\n8086 10fb flr false\n");
    assert_advice(
        card.policy, card.one,
        "DP1321 0000:01:00.0 goes with 1 other because line 2 of etc/directpath/passthru.map "
        "says false; without that it would go alone / if its functions may have different "
        "owners, write default for false on line 2 of etc/directpath/passthru.map\n");
}

/* The vendors' rule is not questioned; and where the bus reset ties them too, the word is not it.
 */
static void
test_false_that_stays(void)
{
    g_auto(Card) vendor = card_new();
    g_auto(Card) bus = card_new();

    vendor.one->caps.flr = vendor.two->caps.flr = DP_TRI_YES;
    card_judge(&vendor, "8086 ffff flr false\n", "");
    assert_advice(vendor.policy, vendor.one, "");
    card_judge(&bus, "", "8086 10fb default false\n");
    assert_advice(bus.policy, bus.one, "");
}

/* Two cards behind a bridge without ACS: each would be alone elsewhere, with its own functions. */
static void
test_other_slot(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpMap) map = fake_map("");
    DpFunction *bridge = fake_bridge(fake, "0000:00:04.0", NULL, 5, DP_PCIE_TO_PCI_BRIDGE);
    DpFunction *one = fake_function(fake, "0000:02:01.0", bridge, 5);
    DpFunction *pair = fake_function(fake, "0000:02:02.0", bridge, 5);
    g_autoptr(DpPolicy) policy = NULL;
    g_autofree char *advice = NULL;

    (void)fake_function(fake, "0000:02:02.1", bridge, 5);
    policy = dp_policy_new(&fake->host, map);
    assert_advice(
        policy, one,
        "DP1320 0000:02:01.0 goes with 2 others because of the slot it is in; behind a port "
        "of its own, with ACS, it would go alone / if the card can be moved, put it into a "
        "slot behind a port with ACS that it shares with no other card\n");
    advice = advice_of(policy, pair);
    g_assert_nonnull(strstr(advice, "it would go with 0000:02:02.1 only"));
}

/* What is built into the board has no other slot. */
static void
test_no_other_slot(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpMap) map = fake_map("");
    DpFunction *one = fake_function(fake, "0000:00:1f.2", NULL, 5);
    g_autoptr(DpPolicy) policy = NULL;

    (void)fake_function(fake, "0000:00:1f.3", NULL, 5);
    policy = dp_policy_new(&fake->host, map);
    g_assert_cmpuint(dp_policy_verdict(policy, &one->addr)->unit->len, ==, 2);
    assert_advice(policy, one, "");
}

/* Virtual functions move with their physical one. */
static void
test_virtual_functions(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpMap) map = fake_map("");
    DpFunction *port = fake_bridge(fake, "0000:00:01.0", NULL, 1, DP_PCIE_ROOT_PORT);
    DpFunction *pf = fake_function(fake, "0000:01:00.0", port, 2);
    DpFunction *vf = fake_function(fake, "0000:01:10.0", port, 2);
    g_autoptr(DpPolicy) policy = NULL;

    vf->physfn = pf;
    pf->caps.flr = vf->caps.flr = DP_TRI_YES;
    policy = dp_policy_new(&fake->host, map);
    g_assert_cmpuint(dp_policy_verdict(policy, &vf->addr)->unit->len, ==, 2);
    assert_advice(policy, vf, "");
    assert_advice(policy, pf, "");
}

/* A whole bus in one group: advice is asked for one function at a time and must not take long. */
static void
test_large_unit(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpMap) map = fake_map("8086 ffff default false\n");
    g_autoptr(DpPolicy) policy = NULL;
    g_autofree char *advice = NULL;
    DpFunction *bridge = fake_bridge(fake, "0000:00:01.0", NULL, 1, DP_PCIE_ROOT_PORT);
    DpFunction *first = NULL;
    double seconds;

    for (int i = 0; i < 256; i++) {
        g_autofree char *name = g_strdup_printf("0000:01:%02x.%d", i / 8, i % 8);
        DpFunction *fn = fake_function(fake, name, bridge, 2);

        fn->caps.pm = DP_TRI_YES;
        first = first == NULL ? fn : first;
    }
    policy = dp_policy_new(&fake->host, map);
    g_test_timer_start();
    advice = advice_of(policy, first);
    seconds = g_test_timer_elapsed();
    g_assert_nonnull(strstr(advice, "0000:01:00.4 and 3 more only"));
    g_test_minimized_result(seconds, "advice in a unit of 256: %.3f s", seconds);
    g_assert_cmpfloat(seconds, <, 2.0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/policy/advice/alone", test_alone);
    g_test_add_func("/policy/advice/d3d0", test_d3d0);
    g_test_add_func("/policy/advice/d3d0-of-others", test_d3d0_of_others);
    g_test_add_func("/policy/advice/d3d0-of-the-neighbour", test_d3d0_of_the_neighbour);
    g_test_add_func("/policy/advice/no-d3d0", test_no_d3d0);
    g_test_add_func("/policy/advice/no-vain-advice", test_no_vain_advice);
    g_test_add_func("/policy/advice/own-false", test_own_false);
    g_test_add_func("/policy/advice/false-that-stays", test_false_that_stays);
    g_test_add_func("/policy/advice/other-slot", test_other_slot);
    g_test_add_func("/policy/advice/no-other-slot", test_no_other_slot);
    g_test_add_func("/policy/advice/virtual-functions", test_virtual_functions);
    g_test_add_func("/policy/advice/large-unit", test_large_unit);
    return g_test_run();
}
