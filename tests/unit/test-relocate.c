/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which device of this host an entry of another one would mean. */
#include "vm/relocate.h"

#include "plan-fixture.h"
#include "vmx-text.h"

#define FIRST "0000:00:06.0" /* the first function of the model of NIC */
#define ALL   "*"
#define OTHER "11111111-2222-3333-4444-555555555555"

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
    GPtrArray *moves;
} Case;

static void
case_run(Case *c, char *text, const Judge *wish)
{
    c->fixture = plan_fixture_new();
    c->vmx = parse(text, NULL);
    c->plan = plan_fixture_plan(c->fixture, text);
    c->moves = dp_relocate_propose(c->vmx, c->plan, c->fixture->host,
                                   dp_esxconf_system_uuid(c->fixture->conf), judge, (void *)wish);
    g_free(text);
}

static void
case_clear(Case *c)
{
    g_ptr_array_unref(c->moves);
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

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/relocate/no-function-twice", test_no_function_twice);
    g_test_add_func("/relocate/same-address", test_same_address);
    g_test_add_func("/relocate/not-available", test_not_available);
    g_test_add_func("/relocate/kept", test_kept);
    g_test_add_func("/relocate/no-ids", test_no_ids);
    return g_test_run();
}
