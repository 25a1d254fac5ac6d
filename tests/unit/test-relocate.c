/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which device of this host an entry of another one would mean. */
#include "vm/relocate.h"

#include "plan-fixture.h"
#include "vmx-text.h"

#define FIRST     "0000:00:06.0" /* the first function of the model of NIC */
#define ALL       "*"
#define SYSTEM_ID "48c4619b-6d58-18db-2a0e-000423d1e6f6"
#define OTHER     "11111111-2222-3333-4444-555555555555"

typedef struct {
    const char *disabled, *refused; /* names of functions; all others will do */
} Judge;

static DpCandidate
judge(const DpFunction *fn, void *user)
{
    const Judge *wish = user;

    return g_strcmp0(fn->name, wish->disabled) == 0 ? DP_CANDIDATE_DISABLED
           : g_strcmp0(fn->name, wish->refused) == 0 || g_strcmp0(wish->refused, ALL) == 0
               ? DP_CANDIDATE_NO
               : DP_CANDIDATE_YES;
}

static char *
entry(unsigned n, const char *id, const char *vendor, const char *device, const char *system_id)
{
    return g_strdup_printf("pciPassthru%u.present = \"TRUE\"\npciPassthru%u.id = \"%s\"\n"
                           "pciPassthru%u.vendorId = \"%s\"\npciPassthru%u.deviceId = \"%s\"\n"
                           "pciPassthru%u.systemId = \"%s\"\n",
                           n, n, id, n, vendor, n, device, n, system_id);
}

/* Functions of the host with the ids of @name, in the order of the scan. */
static GPtrArray *
models(const DpHost *host, const char *name)
{
    GPtrArray *found = g_ptr_array_new();
    DpAddr addr;
    const DpFunction *like;

    g_assert_true(dp_addr_parse(name, &addr, NULL));
    like = dp_host_find(host, &addr);
    for (guint i = 0; i < host->functions->len; i++) {
        const DpFunction *fn = host->functions->pdata[i];

        if (fn->vendor == like->vendor && fn->device == like->device) {
            g_ptr_array_add(found, (gpointer)fn);
        }
    }
    return found;
}

typedef struct {
    PlanFixture *fixture;
    DpVmx *vmx;
    DpPlan *plan;
    GPtrArray *gone, *moves;
} Case;

static void
case_run_with(
    Case *c, PlanFixture *fixture, const DpIdentities *identities, char *text, const Judge *wish)
{
    c->fixture = fixture;
    c->vmx = parse(text, NULL);
    c->plan = plan_fixture_plan(c->fixture, text);
    c->gone = dp_stored_gone(c->fixture->host, c->fixture->conf, identities);
    c->moves =
        dp_relocate_propose(c->vmx, c->plan, c->fixture->host,
                            dp_esxconf_system_uuid(c->fixture->conf), c->gone, judge, (void *)wish);
    g_free(text);
}

static void
case_run(Case *c, char *text, const Judge *wish)
{
    PlanFixture *fixture = plan_fixture_new();
    g_autoptr(DpIdentities) identities = dp_identities_load(fixture->root, NULL, NULL);

    case_run_with(c, fixture, identities, text, wish);
}

static void
case_clear(Case *c)
{
    g_ptr_array_unref(c->moves);
    g_ptr_array_unref(c->gone);
    dp_plan_free(c->plan);
    dp_vmx_free(c->vmx);
    plan_fixture_free(c->fixture);
}

/* Two entries of one model get two functions, in the order of addresses; the third none. */
static void
test_no_function_twice(void)
{
    g_autofree char *a = entry(0, "00000:077:00.0", "1b36", "0010", OTHER);
    g_autofree char *b = entry(1, "00000:078:00.0", "0x1B36", "10", OTHER);
    Judge wish = {NULL, NULL};
    g_autoptr(GPtrArray) same = NULL;
    const DpRelocation *first, *second;
    Case c;

    case_run(&c, g_strconcat(a, b, NULL), &wish);
    same = models(c.fixture->host, DISK);
    g_assert_cmpuint(same->len, >=, 3);
    first = c.moves->pdata[0];
    second = c.moves->pdata[1];
    g_assert_true(first->fn == same->pdata[0] && second->fn == same->pdata[1]);
    g_assert_cmpuint(first->n_others, ==, same->len - 1);
    g_assert_cmpuint(second->n_others, ==, same->len - 2);
    g_assert_true(dp_relocate_write(c.vmx, first, "s-1", NULL));
    g_assert_cmpstr(dp_vmx_get(c.vmx, "pciPassthru0.systemId"), ==, "s-1");
    g_assert_cmpstr(dp_vmx_get(c.vmx, "pciPassthru0.id"), !=, "00000:077:00.0");
    g_assert_cmpstr(dp_vmx_get(c.vmx, "pciPassthru1.id"), ==, "00000:078:00.0");
    case_clear(&c);
}

/* The model at the entry's own address comes first, and then only systemId is another. */
static void
test_same_address(void)
{
    Judge wish = {NULL, NULL};
    const DpRelocation *move;
    Case c;

    case_run(&c, entry(0, "03:00.0", "1b36", "0010", OTHER), &wish);
    move = c.moves->pdata[0];
    g_assert_cmpint(move->result, ==, DP_RELOCATE_MOVE);
    g_assert_cmpstr(move->fn->name, ==, DISK);
    g_assert_true(move->same_address);
    g_assert_true(dp_relocate_write(c.vmx, move, "s-1", NULL));
    g_assert_cmpstr(dp_vmx_get(c.vmx, "pciPassthru0.id"), ==, "03:00.0");
    case_clear(&c);
}

/* What will not do is passed over, and named where nothing else is there. */
static void
test_not_available(void)
{
    static const struct {
        const char *disabled, *refused;
    } rows[] = {{FIRST, NULL}, {NULL, FIRST}, {FIRST, ALL}};

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        Judge wish = {rows[i].disabled, rows[i].refused};
        g_autoptr(GPtrArray) same = NULL;
        const DpRelocation *move;
        Case c;

        case_run(&c, entry(0, "00000:077:00.0", "8086", "10d3", OTHER), &wish);
        same = models(c.fixture->host, NIC);
        g_assert_cmpuint(same->len, >=, 2);
        g_assert_cmpstr(((const DpFunction *)same->pdata[0])->name, ==, FIRST);
        move = c.moves->pdata[0];
        g_assert_true(move->to_enable == (wish.disabled != NULL ? same->pdata[0] : NULL));
        g_assert_cmpint(move->refused != NULL, ==, wish.refused != NULL);
        g_assert_cmpint(move->result, ==,
                        g_strcmp0(wish.refused, ALL) == 0 ? DP_RELOCATE_NONE : DP_RELOCATE_MOVE);
        g_assert_true(move->fn != same->pdata[0]);
        case_clear(&c);
    }
}

static void
test_kept(void)
{
    g_autofree char *a = entry(0, "00000:077:00.0", "1b36", "0010", "BYPASS");
    g_autofree char *b = g_strdup("pciPassthru1.present = \"TRUE\"\n"
                                  "pciPassthru1.allowedDevices = \"0x10de:0x20f1\"\n");
    Judge wish = {NULL, NULL};
    Case c;

    case_run(&c, g_strconcat(a, b, NULL), &wish);
    for (guint i = 0; i < c.moves->len; i++) {
        const DpRelocation *move = c.moves->pdata[i];

        g_assert_cmpint(move->result, ==, DP_RELOCATE_KEPT);
        g_assert_null(move->fn);
    }
    g_assert_cmpuint(c.moves->len, ==, 2);
    case_clear(&c);
}

static void
test_no_ids(void)
{
    Judge wish = {NULL, NULL};
    const DpRelocation *move;
    Case c;

    case_run(&c, entry(0, "00000:003:00.0", "xyzzy", "0010", OTHER), &wish);
    move = c.moves->pdata[0];
    g_assert_cmpint(move->result, ==, DP_RELOCATE_NONE);
    g_assert_cmpuint(move->vendor, ==, 0);
    case_clear(&c);
}

/* Another card of the model is at the entry's address, on this host: DP3156 sends here. The card
 * that was enabled is proposed where it is now, whether or not that is enabled yet, and no other
 * one. */
static void
test_other_card(void)
{
    static const struct {
        uint64_t serial; /* of the first other function of the model; the stored one's is 1 */
        const char *disabled;
        DpRelocateResult result;
    } rows[] = {{1, NULL, DP_RELOCATE_MOVE},
                {1, ALL, DP_RELOCATE_NONE},
                {3, NULL, DP_RELOCATE_NONE},
                {0, NULL, DP_RELOCATE_MOVE}};

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        PlanFixture *fixture = plan_fixture_new();
        g_autoptr(DpIdentities) identities = dp_identities_load(fixture->root, NULL, NULL);
        g_autoptr(GPtrArray) same = models(fixture->host, DISK);
        DpFunction *fn = dp_host_find_name(fixture->host, DISK), *other = NULL;
        const DpRelocation *move;
        Judge wish = {NULL, NULL};
        guint n_alike = 0; /* functions of a card keep their numbers */
        Case c;

        fn->caps.serial = 1;
        dp_identities_record(identities, fn, true, NULL, 0);
        fn->caps.serial = 2;
        for (guint n = 0; n < same->len; n++) {
            DpFunction *one = same->pdata[n];

            if (one != fn && one->addr.function == fn->addr.function) {
                n_alike++;
                one->caps.serial = other == NULL ? rows[i].serial : rows[i].serial != 0 ? 4 : 0;
                other = other == NULL ? one : other;
            }
        }
        g_assert_nonnull(other);
        wish.disabled = rows[i].disabled != NULL ? other->name : NULL;
        fixture->input.identities = identities;
        case_run_with(&c, fixture, identities,
                      entry(0, "00000:003:00.0", "1b36", "0010", SYSTEM_ID), &wish);
        g_assert_nonnull(plan_diag(c.plan, DP_DIAG_VMX_PASSTHRU_OTHER_CARD));
        move = c.moves->pdata[0];
        g_assert_cmpint(move->result, ==, rows[i].result);
        g_assert_nonnull(move->exchanged);
        g_assert_true(move->fn == (rows[i].result == DP_RELOCATE_MOVE ? other : NULL));
        g_assert_true(move->to_enable == (wish.disabled != NULL ? other : NULL));
        g_assert_false(move->same_address);
        g_assert_cmpint(move->n_others, ==, rows[i].serial == 0 ? (int)n_alike - 1 : 0);
        case_clear(&c);
    }
}

/* An entry of another host does not get a function that power-on would refuse for its card. */
static void
test_exchanged_is_no_candidate(void)
{
    PlanFixture *fixture = plan_fixture_new();
    g_autoptr(DpIdentities) identities = dp_identities_load(fixture->root, NULL, NULL);
    DpFunction *fn = dp_host_find_name(fixture->host, DISK);
    Judge wish = {NULL, NULL};
    const DpRelocation *move;
    Case c;

    fn->caps.serial = 1;
    dp_identities_record(identities, fn, true, NULL, 0);
    fn->caps.serial = 2;
    case_run_with(&c, fixture, identities, entry(0, "00000:003:00.0", "1b36", "0010", OTHER),
                  &wish);
    move = c.moves->pdata[0];
    g_assert_cmpint(move->result, ==, DP_RELOCATE_MOVE);
    g_assert_true(move->fn != fn && move->to_enable == fn);
    g_assert_false(move->same_address);
    g_assert_null(move->exchanged);
    case_clear(&c);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/relocate/no-function-twice", test_no_function_twice);
    g_test_add_func("/relocate/same-address", test_same_address);
    g_test_add_func("/relocate/not-available", test_not_available);
    g_test_add_func("/relocate/kept", test_kept);
    g_test_add_func("/relocate/no-ids", test_no_ids);
    g_test_add_func("/relocate/other-card", test_other_card);
    g_test_add_func("/relocate/exchanged-is-no-candidate", test_exchanged_is_no_candidate);
    return g_test_run();
}
