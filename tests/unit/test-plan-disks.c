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
        /* 0x5000c29 and 36 bits more: Linux passes over a SAS disk whose address is 0. */
        g_assert_cmpint(strstr(argv, "\"wwn\":5764821") != NULL, ==,
                        strcmp(rows[i].driver, "mptsas1068") == 0);
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

static DpAliases *
aliases(DpAliasKind kind, const char *text)
{
    DpAliases *made = dp_aliases_new(kind);

    g_assert_true(dp_aliases_read(made, "f", text, strlen(text), NULL, NULL));
    return made;
}

static bool
has_argument(const DpPlan *plan, const char *option, const char *value)
{
    for (guint i = 0; i + 1 < plan->argv->len; i++) {
        if (strcmp(plan->argv->pdata[i], option) == 0 &&
            strcmp(plan->argv->pdata[i + 1], value) == 0) {
            return true;
        }
    }
    return false;
}

/* What each line of the list of networks makes of an interface. */
static void
test_networks(void)
{
    static const char text[] = "VM Network = bridge:br0\nnat = user\nlab = none\n";
    static const struct {
        const char *name, *option; /* NULL: nothing is behind the interface */
        guint taps;
    } rows[] = {
        {"ethernet0.networkName=VM Network", "tap,id=net-ethernet0,fd=8", 1},
        {"ethernet0.connectionType=nat", "user,id=net-ethernet0", 0},
        {"ethernet0.networkName=lab", NULL, 0},
    };
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpAliases) networks = aliases(DP_ALIAS_NETWORKS, text);

    fixture->input.networks = networks;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *changes[] = {"ethernet0.present=TRUE", "ethernet0.virtualDev=e1000",
                                 "ethernet0.generatedAddress=00:0c:29:00:00:01", rows[i].name,
                                 NULL};
        g_autoptr(DpPlan) plan = plan_fixture_changed(fixture, changes);
        g_autofree char *argv = plan_argv(plan);

        g_assert_false(dp_diags_have_error(plan->diags));
        g_assert_null(plan_check_argv(plan));
        g_assert_nonnull(strstr(argv, "\"driver\":\"e1000-82545em\",\"id\":\"ethernet0\""));
        g_assert_cmpint(strstr(argv, "\"netdev\":\"net-ethernet0\"") != NULL, ==,
                        rows[i].option != NULL);
        g_assert_true(rows[i].option == NULL || has_argument(plan, "-netdev", rows[i].option));
        g_assert_cmpuint(plan->taps->len, ==, rows[i].taps);
    }
}

/* The remedy is the very line, and with that line the plan is good. */
static void
test_proposed_network(void)
{
    static const char *const changes[] = {"ethernet0.present=TRUE", "ethernet0.virtualDev=vmxnet3",
                                          "ethernet0.generatedAddress=00:0c:29:00:00:01",
                                          "ethernet0.networkName=dv=Port \"1\"", NULL};
    static const char line[] = "\"dv=Port \"1\"\" = bridge:br0";
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpAliases) networks = aliases(DP_ALIAS_NETWORKS, line);
    g_autoptr(DpPlan) refused = plan_fixture_changed(fixture, changes);
    g_autoptr(DpPlan) plan = NULL;

    g_assert_nonnull(plan_diag(refused, DP_DIAG_VMX_NETWORK));
    g_assert_nonnull(strstr(plan_diag(refused, DP_DIAG_VMX_NETWORK)->remedy, line));
    fixture->input.networks = networks;
    plan = plan_fixture_changed(fixture, changes);
    g_assert_false(dp_diags_have_error(plan->diags));
    g_assert_cmpstr(g_array_index(plan->taps, DpVmTap, 0).bridge, ==, "br0");
}

static void
test_unplugged(void)
{
    static const char *const changes[] = {"ethernet0.present=TRUE", "ethernet0.virtualDev=e1000e",
                                          "ethernet0.startConnected=FALSE", NULL};
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) plan = plan_fixture_changed(fixture, changes);
    g_autofree char *argv = plan_argv(plan);

    g_assert_false(dp_diags_have_error(plan->diags));
    g_assert_null(strstr(argv, "netdev"));
}

static void
test_datastores(void)
{
    static const char text[] = "datastore1 = /srv/vms\nyour-path = /srv/seed\n";
    static const struct {
        const char *change, *path, *inside;
    } rows[] = {
        {"scsi0:0.fileName=/vmfs/volumes/datastore1/a/passthru.vmdk", "/srv/vms/a/passthru.vmdk",
         "/srv/vms"},
        {"scsi0:0.fileName=/volumes/your-path/passthru.vmdk", "/srv/seed/passthru.vmdk",
         "/srv/seed"},
        {"scsi0:0.fileName=/srv/vms/passthru.vmdk", "/srv/vms/passthru.vmdk", "/srv/vms"},
        {"scsi0:0.fileName=passthru.vmdk", "/nowhere/vms/passthru.vmdk", "/nowhere/vms"},
    };
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpAliases) datastores = aliases(DP_ALIAS_DATASTORES, text);

    fixture->input.datastores = datastores;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *changes[] = {rows[i].change, NULL};
        g_autoptr(DpPlan) plan = plan_fixture_changed(fixture, changes);
        const DpVmFile *file = &g_array_index(plan->files, DpVmFile, 0);

        g_assert_false(dp_diags_have_error(plan->diags));
        g_assert_cmpstr(file->path, ==, rows[i].path);
        g_assert_cmpstr(file->inside, ==, rows[i].inside);
    }
}

/* Each file of tests/data/vmx makes a plan that holds what every plan must, and each of its lines
 * is accounted for. */
static void
test_files(void)
{
    g_autofree char *folder = g_build_filename(g_getenv("DP_TEST_DATA"), "vmx", NULL);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    const char *name;

    g_assert_nonnull(dir);
    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_autofree char *bytes = NULL;
        g_autoptr(DpVmx) vmx = NULL;
        g_autoptr(DpPlan) plan = NULL;
        gsize len = 0;

        g_assert_true(g_file_get_contents(path, &bytes, &len, NULL));
        vmx = dp_vmx_parse(name, bytes, len, NULL, NULL);
        g_assert_nonnull(vmx);
        plan = plan_fixture_vmx(fixture, vmx);
        g_assert_cmpstr(plan_check_argv(plan), ==, NULL);
        g_assert_cmpuint(plan->keys->len, ==, dp_vmx_n_entries(vmx));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/plan-disks/stand-ins", test_stand_ins);
    g_test_add_func("/plan-disks/targets", test_targets);
    g_test_add_func("/plan-disks/solid-state", test_solid_state);
    g_test_add_func("/plan-disks/networks", test_networks);
    g_test_add_func("/plan-disks/files", test_files);
    g_test_add_func("/plan-disks/proposed-network", test_proposed_network);
    g_test_add_func("/plan-disks/unplugged", test_unplugged);
    g_test_add_func("/plan-disks/datastores", test_datastores);
    return g_test_run();
}
