/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a VMX to QEMU's arguments: the documented sample, line by line. */
#include "plan-fixture.h"
#include "vm/keys.h"

#include <string.h>

static void
test_sample_is_valid(void)
{
    static const char expected[] =
        "note DP3116 passthru.vmx:20: scsi0 gets slot 16: 00:10.0\n"
        "warning DP3110 passthru.vmx:21: scsi0: the guest sees an LSI 53C895A in place of "
        "lsilogic; "
        "its driver is sym53c8xx, which must be in the guest's initrd\n";
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) plan = plan_fixture_changed(fixture, NULL);
    g_autofree char *diags = plan_diags(plan);

    g_assert_cmpstr(diags, ==, expected);
}

static void
test_sample_arguments(void)
{
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) plan = plan_fixture_changed(fixture, NULL);
    g_autofree char *argv = plan_argv(plan);
    g_autofree char *expected = plan_fixture_text("passthru.argv");

    if (g_getenv("DP_UPDATE_GOLDEN") != NULL) {
        g_autofree char *path =
            g_build_filename(g_getenv("DP_TEST_DATA"), "vm", "passthru.argv", NULL);

        g_assert_true(g_file_set_contents(path, argv, -1, NULL));
    } else {
        g_assert_cmpstr(argv, ==, expected);
    }
}

static void
test_every_line_of_the_sample_is_accounted_for(void)
{
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) plan = plan_fixture_changed(fixture, NULL);

    g_assert_cmpuint(plan->keys->len, ==, 54);
    for (guint i = 0; i < plan->keys->len; i++) {
        const DpKeyReport *report = g_ptr_array_index(plan->keys, i);

        g_assert_cmpint(report->effect, !=, DP_EFFECT_UNKNOWN);
        g_assert_cmpint(report->effect == DP_EFFECT_HONOURED, ==, report->note == NULL);
    }
    g_assert_cmpint(plan_key(plan, "scsi0.virtualDev")->effect, ==, DP_EFFECT_SUBSTITUTED);
    g_assert_cmpint(plan_key(plan, "sched.swap.derivedName")->effect, ==, DP_EFFECT_IGNORED);
}

static void
test_devices_are_where_the_slots_say(void)
{
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) plan = plan_fixture_changed(fixture, NULL);
    const DpVmDevice *disk = g_ptr_array_index(plan->devices, 0);
    const DpVmDevice *nic = g_ptr_array_index(plan->devices, 1);

    g_assert_cmpuint(plan->devices->len, ==, 2);
    g_assert_cmpstr(disk->fn->name, ==, DISK);
    g_assert_cmpint(disk->slot, ==, 160);
    g_assert_cmpstr(disk->guest_address, ==, "pciBridge4 (00:15.0) device 00.0");
    g_assert_cmpstr(nic->fn->name, ==, NIC);
    g_assert_cmpstr(nic->guest_address, ==, "pciBridge5 (00:16.0) device 00.0");
    g_assert_cmpuint(plan->memory, ==, (uint64_t)512 << 20);
    g_assert_cmpuint(plan->memlock, >, plan->memory);
}

static void
test_steps_name_what_is_done(void)
{
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) plan = plan_fixture_changed(fixture, NULL);
    unsigned resets = 0;

    for (guint i = 0; i < plan->steps->len; i++) {
        const DpStep *step = g_ptr_array_index(plan->steps, i);

        resets += strcmp(step->action, "reset") == 0;
    }
    g_assert_cmpuint(resets, ==, 2);
    g_assert_cmpstr(g_ptr_array_index(plan->argv, 0), ==, "qemu-system-x86_64");
}

static void
test_hypervisor_is_hidden(void)
{
    static const struct {
        const char *line;
        bool hidden;
    } rows[] = {{NULL, false},
                {"hypervisor.cpuid.v0=TRUE", false},
                {"hypervisor.cpuid.v0=FALSE", true},
                {"hypervisor.cpuid.v0=false", true}};

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *const changes[] = {rows[i].line, NULL};
        g_autoptr(PlanFixture) fixture = plan_fixture_new();
        g_autoptr(DpPlan) plan = plan_fixture_changed(fixture, changes);
        g_autofree char *argv = plan_argv(plan);

        g_assert_false(dp_diags_have_error(plan->diags));
        g_assert_cmpint(strstr(argv, "hypervisor=off,kvm=off") != NULL, ==, rows[i].hidden);
    }
}

/* What is asked for and cannot be had is not called honoured. */
static void
test_effects_follow_values(void)
{
    static const struct {
        const char *key, *changes[4];
        DpEffect effect;
    } rows[] = {
        {"bios.bootOrder", {"bios.bootOrder=cdrom,hdd"}, DP_EFFECT_HONOURED},
        {"bios.bootOrder", {"bios.bootOrder=HDD, floppy,"}, DP_EFFECT_HONOURED},
        {"bios.bootOrder", {"bios.bootOrder=ethernet0"}, DP_EFFECT_SUBSTITUTED},
        {"sched.mem.pin", {"sched.mem.pin=TRUE"}, DP_EFFECT_HONOURED},
        {"sched.mem.pin",
         {"sched.mem.pin=FALSE", "pciPassthru0.present=FALSE", "pciPassthru1.present=FALSE"},
         DP_EFFECT_HONOURED},
        {"sched.mem.pin",
         {"sched.mem.pin=TRUE", "pciPassthru0.present=FALSE", "pciPassthru1.present=FALSE"},
         DP_EFFECT_SUBSTITUTED},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(PlanFixture) fixture = plan_fixture_new();
        g_autoptr(DpPlan) plan = plan_fixture_changed(fixture, rows[i].changes);
        const DpKeyReport *report = plan_key(plan, rows[i].key);

        g_assert_false(dp_diags_have_error(plan->diags));
        g_assert_cmpint(report->effect, ==, rows[i].effect);
        g_assert_cmpint(report->note != NULL, ==, rows[i].effect != DP_EFFECT_HONOURED);
    }
}

static void
test_keys_match_without_case_and_with_digits(void)
{
    g_assert_true(dp_key_match("scsi#:#.filename", "SCSI0:15.fileName"));
    g_assert_false(dp_key_match("scsi#:#.filename", "scsi0.fileName"));
    g_assert_false(dp_key_match("memsize", "memsizes"));
    g_assert_true(dp_key_match("gui.*", "gui.anything.at.all"));
    g_assert_true(dp_key_match("pcipassthru\\*.present", "pciPassthru*.present"));
    g_assert_false(dp_key_match("pcipassthru\\*.present", "pciPassthru0.present"));
    g_assert_null(dp_key_lookup("no.such.key"));
}

/* A row that an earlier one hides would never be seen. */
static void
test_no_row_is_hidden(void)
{
    size_t n;
    const DpKeyRow *rows = dp_key_rows(&n);

    for (size_t i = 0; i < n; i++) {
        g_autofree char *key = g_strdup(rows[i].pattern);

        for (char *c = key; *c != '\0'; c++) {
            *c = *c == '#' ? '7' : *c;
        }
        if (g_str_has_suffix(key, "*")) {
            memcpy(key + strlen(key) - 1, "~", 1);
        }
        g_assert_nonnull(rows[i].note);
        if (strchr(key, '\\') == NULL) {
            g_assert_cmpstr(dp_key_lookup(key)->pattern, ==, rows[i].pattern);
        }
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/plan/sample/valid", test_sample_is_valid);
    g_test_add_func("/plan/sample/arguments", test_sample_arguments);
    g_test_add_func("/plan/sample/keys", test_every_line_of_the_sample_is_accounted_for);
    g_test_add_func("/plan/sample/places", test_devices_are_where_the_slots_say);
    g_test_add_func("/plan/effects", test_effects_follow_values);
    g_test_add_func("/plan/hypervisor-hidden", test_hypervisor_is_hidden);
    g_test_add_func("/plan/sample/steps", test_steps_name_what_is_done);
    g_test_add_func("/plan/keys/match", test_keys_match_without_case_and_with_digits);
    g_test_add_func("/plan/keys/hidden", test_no_row_is_hidden);
    return g_test_run();
}
