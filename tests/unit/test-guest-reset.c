/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What QEMU does to a device at a reboot of its guest, and where passthru.map says otherwise. */
#include "plan-fixture.h"

#include <string.h>

/* One row of vfio_pci_reset: what the NIC can do, and what comes of it. */
static const struct {
    const char *what;
    DpTri flr, pm, no_soft_reset;
    const char *kernel[3]; /* reset_method */
    bool alone;            /* nothing else below its bridge */
    const char *method;    /* NULL: unknown */
} rows[] = {
    {"FLR", DP_TRI_YES, DP_TRI_NO, DP_TRI_NO, {"flr", "bus"}, true, "flr"},
    {"FLR before PM", DP_TRI_YES, DP_TRI_YES, DP_TRI_NO, {"flr", "pm"}, true, "flr"},
    {"a quirk first",
     DP_TRI_YES,
     DP_TRI_NO,
     DP_TRI_NO,
     {"device_specific", "flr"},
     true,
     "device-specific"},
    {"bus before PM", DP_TRI_NO, DP_TRI_YES, DP_TRI_NO, {"pm", "bus"}, true, "bus"},
    {"PM where the bus is shared", DP_TRI_NO, DP_TRI_YES, DP_TRI_NO, {"pm", NULL}, false, "pm"},
    {"the kernel's bus reset", DP_TRI_NO, DP_TRI_YES, DP_TRI_YES, {"bus", NULL}, true, "bus"},
    {"no reset at all", DP_TRI_NO, DP_TRI_NO, DP_TRI_NO, {NULL, NULL}, false, "none"},
    {"capabilities unread", DP_TRI_UNKNOWN, DP_TRI_UNKNOWN, DP_TRI_UNKNOWN, {"bus"}, true, NULL},
};

static void
set_reset(DpFunction *fn, size_t row)
{
    fn->caps.flr = rows[row].flr;
    fn->caps.af_flr = rows[row].flr == DP_TRI_UNKNOWN ? DP_TRI_UNKNOWN : DP_TRI_NO;
    fn->caps.pm = rows[row].pm;
    fn->caps.no_soft_reset = rows[row].no_soft_reset;
    g_strfreev(fn->reset_methods);
    fn->reset_methods = g_strdupv((char **)(void *)rows[row].kernel);
}

static void
test_rows(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(PlanFixture) fixture = plan_fixture_new();
        DpFunction *nic = dp_host_find_name(fixture->host, NIC);
        g_autoptr(DpPlan) plan = NULL;
        const DpVmDevice *device;

        set_reset(nic, i);
        if (!rows[i].alone) {
            /* A sibling in a group that the VM has not. */
            g_ptr_array_add(nic->parent->children,
                            dp_host_find_name(fixture->host, "0000:01:00.0"));
        }
        dp_policy_free(fixture->policy);
        fixture->policy = dp_policy_new(fixture->host, fixture->map);
        fixture->input.policy = fixture->policy;
        plan = plan_fixture_changed(fixture, (const char *const[]){NULL});
        device = plan->devices->pdata[1];
        g_assert_true(device->fn == nic);
        g_test_message("%s", rows[i].what);
        g_assert_cmpstr(device->guest_reset, ==, rows[i].method);
        if (!rows[i].alone) {
            g_ptr_array_remove_index(nic->parent->children, nic->parent->children->len - 1);
        }
    }
}

static DpDiag *
diag_for(const char *line)
{
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) plan = NULL;
    const DpDiag *diag;

    g_assert_true(
        dp_map_add(fixture->map, "etc/directpath/passthru.map", line, strlen(line), NULL, NULL));
    dp_policy_free(fixture->policy);
    fixture->policy = dp_policy_new(fixture->host, fixture->map);
    fixture->input.policy = fixture->policy;
    plan = plan_fixture_changed(fixture, (const char *const[]){NULL});
    diag = plan_diag(plan, DP_DIAG_VMX_PASSTHRU_GUEST_RESET);
    return diag != NULL ? dp_diag_copy(diag) : NULL;
}

/* The map's method is not what QEMU chooses. */
static void
test_contradicted(void)
{
    g_autoptr(DpDiag) diag = diag_for("8086 10d3 d3d0 default\n");

    g_assert_nonnull(diag);
    g_assert_cmpint(diag->severity, ==, DP_WARNING);
    g_assert_true(g_str_has_prefix(diag->subject, "passthru.vmx:"));
    g_assert_nonnull(strstr(diag->message,
                            "pciPassthru1: when the guest reboots, QEMU's reset of " NIC
                            " is bus; line 1 of etc/directpath/passthru.map says d3d0"));
    g_assert_nonnull(strstr(diag->remedy, "power the VM off and on"));
}

/* It is the same, or the function cannot do what the map says, which is told elsewhere. */
static void
test_agrees(void)
{
    static const char *const lines[] = {"8086 10d3 link default\n", "1b36 0010 flr default\n",
                                        "8086 10d3 flr default\n", "8086 10d3 default false\n"};

    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autoptr(DpDiag) diag = diag_for(lines[i]);

        g_assert_null(diag);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/guest-reset/rows", test_rows);
    g_test_add_func("/guest-reset/contradicted", test_contradicted);
    g_test_add_func("/guest-reset/agrees", test_agrees);
    return g_test_run();
}
