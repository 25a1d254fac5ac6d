/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the guest sees things: names of its network interfaces, and its interrupt lines. */
#include "plan-fixture.h"
#include "vm/placement.h"

#include <string.h>

static const DpVmInterface *
interface_of(const DpPlan *plan, const char *device)
{
    for (guint i = 0; i < plan->interfaces->len; i++) {
        const DpVmInterface *interface = g_ptr_array_index(plan->interfaces, i);

        if (strcmp(interface->device, device) == 0) {
            return interface;
        }
    }
    return NULL;
}

/* Slot, and the name that a Linux guest gives it; bridges as in most files of ESX: pciBridge0 at
 * 17, its bus is 2. */
static void
test_interface_names(void)
{
    static const struct {
        const char *model, *slot, *name;
        bool kept;
    } cases[] = {
        {"vmxnet3", "ethernet0.pciSlotNumber=224", "ens224", true},
        {"e1000e", "ethernet0.pciSlotNumber=1216", "ens1216", true},
        {"e1000", "ethernet0.pciSlotNumber=33", "enp2s1", false},
        {"e1000", "ethernet0.pciSlotNumber=32", "enp2s0", false},
        {"e1000", "ethernet0.pciSlotNumber=36", "enp2s4", false},
        {"e1000", "ethernet0.pciSlotNumber=26", "enp0s26", false},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *model = g_strdup_printf("ethernet0.virtualDev=%s", cases[i].model);
        const char *const changes[] = {"ethernet0.present=TRUE",
                                       "pciBridge0.pciSlotNumber=17",
                                       "ethernet0.addressType=static",
                                       "ethernet0.address=00:50:56:01:02:03",
                                       model,
                                       cases[i].slot,
                                       NULL};
        g_autoptr(PlanFixture) fixture = plan_fixture_new();
        g_autoptr(DpPlan) plan = plan_fixture_changed(fixture, changes);
        const DpVmInterface *interface = interface_of(plan, "ethernet0");
        g_autofree char *esx = g_strdup_printf("ens%s", strchr(cases[i].slot, '=') + 1);

        g_assert_nonnull(interface);
        g_assert_cmpstr(interface->name, ==, cases[i].name);
        g_assert_cmpstr(interface->esx_name, ==, esx);
        g_assert_cmpint(interface->link_text == NULL, ==, cases[i].kept);
        g_assert_cmpint(plan_diag(plan, DP_DIAG_VMX_NIC_NAME) == NULL, ==, cases[i].kept);
    }
}

static void
test_link_file(void)
{
    static const char *const changes[] = {"ethernet0.present=TRUE",
                                          "pciBridge0.pciSlotNumber=17",
                                          "ethernet0.addressType=static",
                                          "ethernet0.address=00:50:56:01:02:03",
                                          "ethernet0.virtualDev=e1000",
                                          "ethernet0.pciSlotNumber=33",
                                          NULL};
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) plan = plan_fixture_changed(fixture, changes);
    const DpVmInterface *interface = interface_of(plan, "ethernet0");

    g_assert_nonnull(interface);
    g_assert_cmpstr(interface->link_file, ==, "/etc/systemd/network/10-ens33.link");
    g_assert_cmpstr(interface->link_text, ==,
                    "[Match]\nMACAddress=00:50:56:01:02:03\n\n[Link]\nName=ens33\n");
}

/* A passed-through card whose address nobody knows is found by its place. */
static void
test_moved_card(void)
{
    static const char *const changes[] = {"pciBridge0.pciSlotNumber=17",
                                          "pciPassthru1.virtualDev=pci", NULL};
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) kept = plan_fixture_changed(fixture, NULL);
    g_autoptr(DpPlan) plan = NULL;

    g_assert_cmpstr(interface_of(kept, "pciPassthru1")->name, ==, "ens192");
    g_assert_null(interface_of(kept, "pciPassthru1")->link_text);
    g_clear_pointer(&dp_host_find_name(fixture->host, NIC)->mac, g_free);
    plan = plan_fixture_changed(fixture, changes);
    g_assert_cmpstr(interface_of(plan, "pciPassthru1")->name, ==, "enp2s0");
    g_assert_cmpstr(interface_of(plan, "pciPassthru1")->link_text, ==,
                    "[Match]\nPath=pci-0000:02:00.0\n\n[Link]\nName=ens192\n");
}

static void
test_windows_names_by_itself(void)
{
    static const char *const changes[] = {"guestOS=winnetenterprise", NULL};
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) plan = plan_fixture_changed(fixture, changes);

    g_assert_cmpuint(plan->interfaces->len, ==, 0);
}

/* What QEMU's q35 wires where: its ich9_cc_init and ich9_cc_reset. */
static void
test_lines(void)
{
    static const struct {
        int slot;
        unsigned pin, line;
    } cases[] = {
        {16, 1, 4}, {16, 4, 7}, {17, 1, 5},  {24, 1, 4},   {25, 1, 0},  {29, 2, 1},
        {30, 1, 4}, {31, 1, 0}, {160, 1, 5}, {192, 1, 6},  {224, 1, 7}, {256, 1, 4},
        {32, 1, 5}, {33, 1, 6}, {33, 2, 7},  {1184, 1, 5},
    };
    g_autoptr(DpPlacement) placement = dp_placement_new();

    g_assert_true(dp_placement_bridge(placement, 0, false, 1, 17));
    for (unsigned i = 4; i <= 7; i++) {
        g_assert_true(dp_placement_bridge(placement, i, true, 8, 17 + i));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_assert_cmpuint(dp_placement_line(placement, cases[i].slot, cases[i].pin), ==,
                         cases[i].line);
    }
}

/* The disk as a conventional function that has nothing but INTA. */
static void
make_intx(PlanFixture *fixture)
{
    DpFunction *fn = dp_host_find_name(fixture->host, DISK);

    fn->caps.pcie = fn->caps.msi = fn->caps.msix = DP_TRI_NO;
    fn->irq_pin = 1;
}

static DpPlan *
plan_intx(PlanFixture *fixture, const char *slot, const char *nic, const char *nic_slot)
{
    const char *const changes[] = {"pciPassthru0.virtualDev=pci",
                                   "pciBridge0.pciSlotNumber=17",
                                   "ethernet0.virtualDev=e1000",
                                   "ethernet0.addressType=static",
                                   "ethernet0.address=00:50:56:01:02:03",
                                   slot,
                                   nic,
                                   nic_slot,
                                   NULL};

    make_intx(fixture);
    return plan_fixture_changed(fixture, changes);
}

/* Devices 32 and 36 behind one bridge have one line; each of the two workarounds ends it. */
static void
test_shared_line_is_named(void)
{
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) shared = plan_intx(fixture, "pciPassthru0.pciSlotNumber=32",
                                         "ethernet0.present=TRUE", "ethernet0.pciSlotNumber=36");
    g_autoptr(DpPlan) moved =
        plan_intx(fixture, "pciPassthru0.pciSlotNumber=32", "ethernet0.present=TRUE", NULL);
    g_autoptr(DpPlan) off = plan_intx(fixture, "pciPassthru0.pciSlotNumber=32",
                                      "ethernet0.present=FALSE", "ethernet0.pciSlotNumber=36");
    const DpDiag *diag = plan_diag(shared, DP_DIAG_VMX_LINE_SHARED);

    g_assert_nonnull(diag);
    g_assert_cmpstr(diag->message, ==,
                    "pciPassthru0 (0000:03:00.0) and ethernet0 interrupt on one line of the "
                    "guest, 21");
    g_assert_nonnull(strstr(diag->remedy, "disable and re-enable ethernet0 in the guest"));
    g_assert_nonnull(strstr(diag->remedy, "ethernet0.present = \"FALSE\""));
    g_assert_null(plan_diag(moved, DP_DIAG_VMX_LINE_SHARED));
    g_assert_null(plan_diag(off, DP_DIAG_VMX_LINE_SHARED));
}

/* Without a place of its own the function gets one whose line nobody has. */
static void
test_placement_keeps_off_lines(void)
{
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) plan = plan_intx(fixture, "pciPassthru0.pciSlotNumber=-1",
                                       "ethernet0.present=TRUE", "ethernet0.pciSlotNumber=36");
    const DpVmDevice *device = g_ptr_array_index(plan->devices, 0);

    g_assert_cmpint(device->slot, ==, 33); /* 32 has the line of 36 */
    g_assert_null(plan_diag(plan, DP_DIAG_VMX_LINE_SHARED));
}

/* A function with messages shares nothing, unless the file promises INTx. */
static void
test_messages_share_no_line(void)
{
    static const char *const promised[] = {"scsi0.pciSlotNumber=16",
                                           "pciPassthru0.pciSlotNumber=256",
                                           "pciPassthru0.msiEnabled=FALSE", NULL};
    static const char *const no_messages[] = {"scsi0.pciSlotNumber=16",
                                              "pciPassthru0.pciSlotNumber=256", NULL};
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) a = plan_fixture_changed(fixture, no_messages);
    g_autoptr(DpPlan) b = NULL;

    dp_host_find_name(fixture->host, DISK)->irq_pin = 1;
    b = plan_fixture_changed(fixture, promised);
    g_assert_null(plan_diag(a, DP_DIAG_VMX_LINE_SHARED));
    g_assert_nonnull(plan_diag(b, DP_DIAG_VMX_LINE_SHARED));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/places/interface-names", test_interface_names);
    g_test_add_func("/places/link-file", test_link_file);
    g_test_add_func("/places/moved-card", test_moved_card);
    g_test_add_func("/places/windows", test_windows_names_by_itself);
    g_test_add_func("/places/lines", test_lines);
    g_test_add_func("/places/shared-line", test_shared_line_is_named);
    g_test_add_func("/places/keeps-off-lines", test_placement_keeps_off_lines);
    g_test_add_func("/places/messages", test_messages_share_no_line);
    return g_test_run();
}
