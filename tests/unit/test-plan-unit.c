/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two VMs never share a unit, and a VM never shares one with the host. */
#include "plan-fixture.h"

#include <string.h>

/* The sample without its second device, the NIC. */
static const char *const disk_alone[] = {"pciPassthru1.present=FALSE", NULL};

static void
judge_again(PlanFixture *fixture)
{
    dp_policy_free(fixture->policy);
    fixture->policy = dp_policy_new(fixture->host, fixture->map);
    fixture->input.policy = fixture->policy;
}

/* Disk and NIC in one IOMMU group. */
static PlanFixture *
grouped(void)
{
    PlanFixture *fixture = plan_fixture_new();

    dp_host_find_name(fixture->host, NIC)->iommu_group =
        dp_host_find_name(fixture->host, DISK)->iommu_group;
    judge_again(fixture);
    return fixture;
}

static void
set_driver(PlanFixture *fixture, const char *name, const char *driver)
{
    DpFunction *fn = dp_host_find_name(fixture->host, name);

    g_free(fn->driver);
    fn->driver = g_strdup(driver);
}

static void
assert_refused(PlanFixture *fixture, const char *message, const char *remedy)
{
    g_autoptr(DpPlan) plan = plan_fixture_changed(fixture, disk_alone);
    const DpDiag *diag = plan_diag(plan, DP_DIAG_VMX_PASSTHRU_UNIT_IN_USE);

    g_assert_nonnull(diag);
    g_assert_cmpint(diag->severity, ==, DP_ERROR_SEVERITY);
    g_assert_cmpstr(diag->message, ==, message);
    g_assert_cmpstr(diag->remedy, ==, remedy);
}

static void
assert_accepted(PlanFixture *fixture, const char *const *changes)
{
    g_autoptr(DpPlan) plan = plan_fixture_changed(fixture, changes);
    g_autofree char *all = plan_diags(plan);

    if (dp_diags_have_error(plan->diags)) {
        g_error("refused: %s", all);
    }
}

static void
test_other_vm(void)
{
    g_autoptr(PlanFixture) fixture = grouped();

    assert_accepted(fixture, disk_alone); /* nobody has the NIC */
    plan_fixture_in_use(fixture, NIC);
    assert_refused(
        fixture,
        "pciPassthru0: 0000:03:00.0 goes together with 0000:02:00.0 (iommu-group 6), which "
        "the running VM \"Other\" has",
        "power off \"Other\" first, or give both functions to one VM");
}

static void
test_host(void)
{
    g_autoptr(PlanFixture) fixture = grouped();

    set_driver(fixture, NIC, "e1000e");
    assert_refused(
        fixture,
        "pciPassthru0: 0000:03:00.0 goes together with 0000:02:00.0 (iommu-group 6), which "
        "the host's driver e1000e has",
        "take it from the host too: directpath device enable 0000:02:00.0");
}

/* What nobody does anything with is in nobody's way. */
static void
test_idle_members(void)
{
    static const char *const drivers[] = {NULL, "vfio-pci", "mlx5_vfio_pci", "pci-stub"};

    for (size_t i = 0; i < G_N_ELEMENTS(drivers); i++) {
        g_autoptr(PlanFixture) fixture = grouped();

        set_driver(fixture, NIC, drivers[i]);
        assert_accepted(fixture, disk_alone);
    }
}

/* All members in one VM, in either order of the entries. */
static void
test_one_vm(void)
{
    static const char *const swapped[] = {"pciPassthru0.id=00000:002:00.0",
                                          "pciPassthru0.vendorId=8086",
                                          "pciPassthru0.deviceId=10d3",
                                          "pciPassthru1.id=00000:003:00.0",
                                          "pciPassthru1.vendorId=1b36",
                                          "pciPassthru1.deviceId=0010",
                                          NULL};
    g_autoptr(PlanFixture) fixture = grouped();

    assert_accepted(fixture, NULL);
    assert_accepted(fixture, swapped);
}

/* A member of this VM that another VM has is that member's own trouble, told once. */
static void
test_told_once(void)
{
    g_autoptr(PlanFixture) fixture = grouped();
    g_autoptr(DpPlan) plan = NULL;

    plan_fixture_in_use(fixture, NIC);
    plan = plan_fixture_changed(fixture, NULL);
    g_assert_nonnull(plan_diag(plan, DP_DIAG_VMX_PASSTHRU_IN_USE));
    g_assert_null(plan_diag(plan, DP_DIAG_VMX_PASSTHRU_UNIT_IN_USE));
}

static int
compare_addresses(gconstpointer a, gconstpointer b)
{
    return dp_addr_compare(&(*(DpFunction *const *)a)->addr, &(*(DpFunction *const *)b)->addr);
}

/* The NIC as a second function of the disk's slot: both reset alone, and the map ties them. */
static void
test_not_shareable(void)
{
    static const char text[] = "# mine\n1b36 0010 flr false\n";
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    DpFunction *disk = dp_host_find_name(fixture->host, DISK);
    DpFunction *nic = dp_host_find_name(fixture->host, NIC);

    nic->addr = disk->addr;
    nic->addr.function = 1;
    (void)dp_addr_format(&nic->addr, nic->name);
    g_ptr_array_sort(fixture->host->functions, compare_addresses);
    disk->caps.flr = nic->caps.flr = DP_TRI_YES;
    g_assert_true(dp_map_add(fixture->map, DP_MAP_OWN, text, strlen(text), NULL, NULL));
    judge_again(fixture);
    set_driver(fixture, "0000:03:00.1", "vfio-pci");
    assert_accepted(fixture, disk_alone);
    plan_fixture_in_use(fixture, "0000:03:00.1");
    assert_refused(
        fixture,
        "pciPassthru0: 0000:03:00.0 goes together with 0000:03:00.1 (not-shareable: line 2 "
        "of etc/directpath/passthru.map), which the running VM \"Other\" has",
        "power off \"Other\" first, or give both functions to one VM");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/plan/unit/other-vm", test_other_vm);
    g_test_add_func("/plan/unit/host", test_host);
    g_test_add_func("/plan/unit/idle-members", test_idle_members);
    g_test_add_func("/plan/unit/one-vm", test_one_vm);
    g_test_add_func("/plan/unit/told-once", test_told_once);
    g_test_add_func("/plan/unit/not-shareable", test_not_shareable);
    return g_test_run();
}
