/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Controllers, disks and networks of a plan. */
#include "plan-check.h"
#include "plan-fixture.h"

#include <string.h>

/* guestOS decides what stands for lsilogic, and the warning names the driver. */
static void
test_stand_ins(void)
{
    static const struct {
        const char *guest, *driver, *says;
    } rows[] = {
        {"guestOS=winXPPro", "lsi53c895a", "symc8xx.sys"},
        {"guestOS=winNetStandard", "lsi53c895a", "Server 2003"},
        {"guestOS=winLonghorn", "lsi53c895a", "53C8xx"},
        {"guestOS=longhorn-64", "mptsas1068", "lsi_sas.sys"},
        {"guestOS=windows7srv-64", "mptsas1068", "lsi_sas.sys"},
        {"guestOS=winvista", "mptsas1068", "lsi_sas.sys"},
        {"guestOS=Debian6-64", "mptsas1068", "mptsas, which"},
        {"guestOS=rhel3", "lsi53c895a", "sym53c8xx"},
        {"guestOS=rhel6-64", "mptsas1068", "mptsas, which"},
        {"guestOS=other26xlinux-64", "mptsas1068", "mptsas, which"},
        {"guestOS=freebsd-64", "mptsas1068", "mpt(4)"},
        {"guestOS=other", "lsi53c895a", "53C8xx"},
        {"guestOS", "lsi53c895a", "53C8xx"},
    };
    g_autoptr(PlanFixture) fixture = plan_fixture_new();

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *changes[] = {rows[i].guest, NULL};
        g_autoptr(DpPlan) plan = plan_fixture_changed(fixture, changes);
        g_autofree char *argv = plan_argv(plan);
        g_autofree char *want =
            g_strdup_printf("{\"driver\":\"%s\",\"id\":\"scsi0\"", rows[i].driver);

        g_assert_nonnull(strstr(argv, want));
        g_assert_nonnull(plan_diag(plan, DP_DIAG_VMX_SUBSTITUTED));
        g_assert_nonnull(strstr(plan_diag(plan, DP_DIAG_VMX_SUBSTITUTED)->message, rows[i].says));
        g_assert_cmpint(plan_key(plan, "scsi0.virtualDev")->effect, ==, DP_EFFECT_SUBSTITUTED);
    }
}

/* QEMU's controllers have fewer targets than VMware's; what they lack is refused here. */
static void
test_targets(void)
{
    static const struct {
        const char *controller;
        bool fits;
    } rows[] = {{"scsi0.virtualDev=lsisas1068", false},
                {"scsi0.virtualDev=lsilogic", false},
                {"scsi0.virtualDev=pvscsi", true}};
    g_autoptr(PlanFixture) fixture = plan_fixture_new();

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *changes[] = {rows[i].controller, "scsi0:8.present=TRUE",
                                 "scsi0:8.fileName=passthru.vmdk", NULL};
        g_autoptr(DpPlan) plan = plan_fixture_changed(fixture, changes);

        g_assert_cmpint(plan_diag(plan, DP_DIAG_VMX_DISK_PLACE) == NULL, ==, rows[i].fits);
    }
}

static void
test_solid_state(void)
{
    static const char *const changes[] = {"scsi0:0.virtualSSD=1", NULL};
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) plan = plan_fixture_changed(fixture, changes);
    g_autofree char *argv = plan_argv(plan);

    g_assert_nonnull(strstr(argv, "\"rotation_rate\":1"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/plan-disks/stand-ins", test_stand_ins);
    g_test_add_func("/plan-disks/targets", test_targets);
    g_test_add_func("/plan-disks/solid-state", test_solid_state);
    return g_test_run();
}
