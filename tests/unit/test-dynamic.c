/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dynamic DirectPath I/O: an entry that names models gets the first free function of them. */
#include "plan-fixture.h"
#include "vm/resolve.h"
#include "vm/run.h"

#include <string.h>

static void
test_lists(void)
{
    static const struct {
        const char *text;
        guint n; /* 0: none can be read */
    } cases[] = {
        {"0x10de:0x20f1", 1},
        {"0x10de:0x20f1,0x8086:0x10d3", 2},
        {" 10de:20f1 , 8086:10d3 ", 2},
        {"0x10de", 0},
        {"", 0},
        {"0x10de:0x20f1,", 0},
        {"0x10de:0x20f1:0x1", 0},
        {"0x10de:0x120f1", 0},
        {"-1:-1", 0},
        {"x:y", 0},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GArray) models = g_array_new(FALSE, FALSE, 2 * sizeof(uint16_t));

        g_assert_cmpint(dp_dynamic_parse(cases[i].text, models), ==, cases[i].n != 0);
        if (cases[i].n != 0) {
            g_assert_cmpuint(models->len, ==, cases[i].n);
        }
    }
}

/* As many models as an entry may name, and one more. */
static void
test_long_list(void)
{
    g_autoptr(GString) text = g_string_new("1b36:0010");
    g_autoptr(GArray) models = g_array_new(FALSE, FALSE, 2 * sizeof(uint16_t));
    g_autoptr(GArray) more = g_array_new(FALSE, FALSE, 2 * sizeof(uint16_t));

    for (unsigned i = 1; i < 64; i++) {
        g_string_append(text, ",1b36:0010");
    }
    g_assert_true(dp_dynamic_parse(text->str, models));
    g_string_append(text, ",1b36:0010");
    g_assert_false(dp_dynamic_parse(text->str, more));
}

#define ALLOWED                                                                                    \
    "pciPassthru0.id", "pciPassthru0.vendorId", "pciPassthru0.deviceId", "pciPassthru0.systemId",  \
        "pciPassthru0.allowedDevices=0x10de:0x20f1,0x1b36:0x0010"

static const DpVmDevice *
first_device(const DpPlan *plan)
{
    return g_ptr_array_index(plan->devices, 0);
}

static void
test_first_free(void)
{
    static const char *const changes[] = {ALLOWED, NULL};
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) plan = plan_fixture_changed(fixture, changes);
    const DpDiag *diag = plan_diag(plan, DP_DIAG_VMX_DYNAMIC_CHOSEN);
    g_autofree char *argv = plan_argv(plan);

    g_assert_false(dp_diags_have_error(plan->diags));
    g_assert_nonnull(diag);
    g_assert_cmpstr(diag->message, ==,
                    "pciPassthru0 gets 0000:03:00.0, the first free device of allowedDevices");
    g_assert_true(first_device(plan)->dynamic);
    g_assert_cmpstr(first_device(plan)->fn->name, ==, DISK);
    g_assert_nonnull(strstr(argv, "\"id\":\"pciPassthru0\",\"host\":\"0000:03:00.0\""));
}

static void
test_an_id_names_one(void)
{
    static const char *const changes[] = {"pciPassthru0.allowedDevices=0x10de:0x20f1", NULL};
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) plan = plan_fixture_changed(fixture, changes);

    g_assert_false(first_device(plan)->dynamic);
    g_assert_cmpint(plan_key(plan, "pciPassthru0.allowedDevices")->effect, ==, DP_EFFECT_IGNORED);
}

static const DpRun *
everything_is_used(const DpAddr *addr, void *user)
{
    (void)addr;
    return user;
}

/* Refused with the reason of each candidate: not enabled, used, in this VM, not here at all. */
static void
test_none_is_free(void)
{
    static const char *const changes[] = {ALLOWED, NULL};
    static const char *const other[] = {"pciPassthru0.id",
                                        "pciPassthru0.vendorId",
                                        "pciPassthru0.deviceId",
                                        "pciPassthru0.systemId",
                                        "pciPassthru0.allowedDevices=0x8086:0x10d3",
                                        NULL};
    static const char *const absent[] = {"pciPassthru0.id",
                                         "pciPassthru0.vendorId",
                                         "pciPassthru0.deviceId",
                                         "pciPassthru0.systemId",
                                         "pciPassthru0.allowedDevices=0x10de:0x20f1",
                                         NULL};
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) taken = plan_fixture_changed(fixture, other);
    g_autoptr(DpPlan) gone = plan_fixture_changed(fixture, absent);
    g_autoptr(DpPlan) used = NULL;
    DpRun web = {.id = (char *)"0123456789abcdef", .name = (char *)"web"};

    fixture->input.used_by = everything_is_used;
    fixture->input.used_by_user = &web;
    used = plan_fixture_changed(fixture, changes);
    g_assert_nonnull(strstr(plan_diag(taken, DP_DIAG_VMX_DYNAMIC_NONE)->message,
                            "0000:02:00.0 (already in this VM)"));
    g_assert_nonnull(strstr(plan_diag(taken, DP_DIAG_VMX_DYNAMIC_NONE)->message, "(not enabled)"));
    g_assert_nonnull(strstr(plan_diag(gone, DP_DIAG_VMX_DYNAMIC_NONE)->message,
                            "this host has none of the devices"));
    g_assert_nonnull(strstr(plan_diag(used, DP_DIAG_VMX_DYNAMIC_NONE)->message,
                            "the running VM \"web\" has it"));
    g_assert_true(dp_diags_have_error(taken->diags));
}

static const DpRun *
run_has_disk(const DpAddr *addr, void *user)
{
    char name[DP_ADDR_LEN];

    return strcmp(dp_addr_format(addr, name), DISK) == 0 ? user : NULL;
}

/* Of a VM that runs, what it has is shown, not what would be first now; whatever its file calls it
 * by now. What another VM of that name has is not its own. */
static void
test_running_vm_keeps_its_own(void)
{
    static const char *const changes[] = {"pciPassthru1.present=FALSE",
                                          "pciPassthru0.id",
                                          "pciPassthru0.vendorId",
                                          "pciPassthru0.deviceId",
                                          "pciPassthru0.systemId",
                                          "pciPassthru0.allowedDevices=0x1b36:0x0010,0x8086:0x10d3",
                                          NULL};
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) off = plan_fixture_changed(fixture, changes);
    g_autoptr(DpPlan) on = NULL, other = NULL;
    DpRun run = {.id = off->id, .name = (char *)"before"};

    g_assert_cmpstr(first_device(off)->fn->name, ==, NIC);
    fixture->input.running = true;
    fixture->input.used_by = run_has_disk;
    fixture->input.used_by_user = &run;
    on = plan_fixture_changed(fixture, changes);
    g_assert_cmpstr(first_device(on)->fn->name, ==, DISK);
    run = (DpRun){.id = (char *)"0123456789abcdef", .name = off->name};
    other = plan_fixture_changed(fixture, changes);
    g_assert_cmpstr(first_device(other)->fn->name, ==, NIC);
}

static void
test_label(void)
{
    static const char *const changes[] = {ALLOWED, "pciPassthru0.customLabel=Training", NULL};
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) plan = plan_fixture_changed(fixture, changes);

    g_assert_nonnull(plan_diag(plan, DP_DIAG_VMX_DYNAMIC_LABEL));
    g_assert_cmpint(plan_key(plan, "pciPassthru0.customLabel")->effect, ==, DP_EFFECT_SUBSTITUTED);
    g_assert_false(dp_diags_have_error(plan->diags));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dynamic/lists", test_lists);
    g_test_add_func("/dynamic/long-list", test_long_list);
    g_test_add_func("/dynamic/first-free", test_first_free);
    g_test_add_func("/dynamic/id", test_an_id_names_one);
    g_test_add_func("/dynamic/none", test_none_is_free);
    g_test_add_func("/dynamic/running", test_running_vm_keeps_its_own);
    g_test_add_func("/dynamic/label", test_label);
    return g_test_run();
}
