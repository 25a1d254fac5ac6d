/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interrupts: what a guest's configuration space and the host's /proc/interrupts say, what is
 * refused before power-on, and what the documents advise. */
#include "plan-fixture.h"
#include "vm/interrupts.h"

#include <string.h>

static void
test_line_users(void)
{
    static const char text[] =
        "            CPU0       CPU1\n"
        "  16:          0          5   IO-APIC  16-fasteoi   i801_smbus, vfio-intx(0000:00:1d.0), "
        "ehci_hcd:usb1\n"
        "  17:          0          5   IO-APIC  17-fasteoi   vfio-intx(0000:00:1a.0)\n"
        "  18:          1          0   IO-APIC  18-fasteoi   nvme0q0\n"
        "  45:        100         11   IR-PCI-MSIX-0000:03:00.0    0-edge      "
        "vfio-msix[0](0000:03:00.0)\n";
    json_t *shared = dp_status_line_users(text, "0000:00:1d.0");
    json_t *alone = dp_status_line_users(text, "0000:00:1a.0");
    json_t *messages = dp_status_line_users(text, "0000:03:00.0");

    g_assert_cmpuint(json_array_size(shared), ==, 2);
    g_assert_cmpstr(json_string_value(json_array_get(shared, 0)), ==, "i801_smbus");
    g_assert_cmpstr(json_string_value(json_array_get(shared, 1)), ==, "ehci_hcd:usb1");
    g_assert_cmpuint(json_array_size(alone), ==, 0);
    g_assert_cmpuint(json_array_size(messages), ==, 0);
    json_decref(shared);
    json_decref(alone);
    json_decref(messages);
}

static void
test_monitor_words(void)
{
    uint32_t word = 0;

    g_assert_true(dp_guest_word("00000000b0200000: 0x10d38086\r\n", &word));
    g_assert_cmphex(word, ==, 0x10d38086);
    g_assert_false(dp_guest_word("Cannot access memory\r\n", &word));
    g_assert_false(dp_guest_word("", &word));
    g_assert_false(dp_guest_word("00: 0x", &word));
    g_assert_false(dp_guest_word("00: 0x123456789\r\n", &word));
    g_assert_false(dp_guest_word("00: 0x12 0x13\r\n", &word));
    g_assert_cmphex(word, ==, 0x10d38086);
}

/* A configuration space of 256 bytes; what is not there fails. */
static bool
read_space(void *user, unsigned offset, uint32_t *ret_word)
{
    const uint32_t *space = user;

    if (offset >= 256) {
        return false;
    }
    *ret_word = space[offset / 4];
    return true;
}

static DpGuestInterrupts
judge(uint32_t command, uint32_t pin, uint32_t msi, uint32_t msix)
{
    uint32_t space[64] = {0};
    DpGuestInterrupts found = {0};

    space[1] = command | 0x100000;
    space[0x34 / 4] = 0x40;
    space[0x3c / 4] = pin << 8;
    space[0x40 / 4] = 0x5001;             /* power management */
    space[0x50 / 4] = msi << 16 | 0x6005; /* MSI */
    space[0x60 / 4] = msix << 16 | 0x0011;
    g_assert_true(dp_guest_judge(read_space, space, &found));
    return found;
}

static void
test_guest_modes(void)
{
    static const struct {
        uint32_t command, pin, msi, msix;
        const char *mode;
        unsigned vectors;
    } cases[] = {
        {0x406, 1, 0x0080, 0x8040, "msix", 65}, {0x406, 1, 0x0081, 0x0040, "msi", 1},
        {0x406, 1, 0x00b1, 0x0040, "msi", 8},   {0x006, 1, 0x0080, 0x0040, "intx", 1},
        {0x406, 1, 0x0080, 0x0040, "none", 0},  {0x006, 0, 0x0080, 0x0040, "none", 0},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        DpGuestInterrupts found =
            judge(cases[i].command, cases[i].pin, cases[i].msi, cases[i].msix);

        g_assert_cmpstr(found.mode, ==, cases[i].mode);
        g_assert_cmpuint(found.vectors, ==, cases[i].vectors);
    }
}

/* A list that leads back to itself ends; a function that is gone has no mode. */
static void
test_strange_spaces(void)
{
    uint32_t space[64] = {[1] = 0x100006, [0x34 / 4] = 0x40, [0x40 / 4] = 0x4001};
    uint32_t gone[64];
    DpGuestInterrupts found = {0};

    g_assert_true(dp_guest_judge(read_space, space, &found));
    g_assert_cmpstr(found.mode, ==, "none");
    memset(gone, 0xff, sizeof gone);
    g_assert_false(dp_guest_judge(read_space, gone, &found));
}

/* The card of the management network has MSI-X in the made host; here it uses its line. */
static void
share_line(PlanFixture *fixture)
{
    DpFunction *fn = dp_host_find_name(fixture->host, DISK);
    DpFunction *other = dp_host_find_name(fixture->host, "0000:04:00.0");

    fn->irq = other->irq = 17;
    fn->irq_pin = other->irq_pin = 1;
    other->n_msi_irqs = 0;
    g_assert_nonnull(other->driver);
}

static void
test_unmaskable_is_refused(void)
{
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    DpFunction *fn = dp_host_find_name(fixture->host, DISK);
    g_autoptr(DpPlan) maskable = NULL;
    g_autoptr(DpPlan) alone = NULL;
    g_autoptr(DpPlan) refused = NULL;
    const DpDiag *diag;

    fixture->host->platform.no_intx_masking = DP_TRI_YES;
    fn->irq_pin = 1;
    fn->irq = 99;
    alone = plan_fixture_changed(fixture, NULL);
    g_assert_null(plan_diag(alone, DP_DIAG_VMX_INTX_UNMASKABLE));
    share_line(fixture);
    refused = plan_fixture_changed(fixture, NULL);
    diag = plan_diag(refused, DP_DIAG_VMX_INTX_UNMASKABLE);
    g_assert_nonnull(diag);
    g_assert_cmpint(diag->severity, ==, DP_ERROR_SEVERITY);
    g_assert_nonnull(strstr(diag->message, "IRQ 17, is also that of 0000:04:00.0 (e1000e)"));
    g_assert_nonnull(strstr(diag->remedy, "remove nointxmask"));
    fixture->host->platform.no_intx_masking = DP_TRI_NO;
    maskable = plan_fixture_changed(fixture, NULL);
    g_assert_null(plan_diag(maskable, DP_DIAG_VMX_INTX_UNMASKABLE));
}

/* A model of the kernel's list; a driver with messages is not on the line. */
static void
test_models_that_cannot_mask(void)
{
    static const char *const changes[] = {"pciPassthru0.vendorId=10ec",
                                          "pciPassthru0.deviceId=8169", NULL};
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    DpFunction *fn = dp_host_find_name(fixture->host, DISK);
    g_autoptr(DpPlan) refused = NULL;
    g_autoptr(DpPlan) messages = NULL;
    const DpDiag *diag;

    fn->vendor = 0x10ec;
    fn->device = 0x8169;
    share_line(fixture);
    refused = plan_fixture_changed(fixture, changes);
    diag = plan_diag(refused, DP_DIAG_VMX_INTX_UNMASKABLE);
    g_assert_nonnull(diag);
    g_assert_nonnull(strstr(diag->message, "Realtek RTL8169"));
    g_assert_nonnull(strstr(diag->remedy, "directpath device enable 0000:04:00.0"));
    dp_host_find_name(fixture->host, "0000:04:00.0")->n_msi_irqs = 3;
    messages = plan_fixture_changed(fixture, changes);
    g_assert_null(plan_diag(messages, DP_DIAG_VMX_INTX_UNMASKABLE));
}

/* Two of one VM on one line: the second cannot be started. */
static void
test_unmaskable_in_one_vm(void)
{
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    DpFunction *disk = dp_host_find_name(fixture->host, DISK);
    DpFunction *nic = dp_host_find_name(fixture->host, NIC);
    g_autoptr(DpPlan) plan = NULL;
    const DpDiag *diag;

    fixture->host->platform.no_intx_masking = DP_TRI_YES;
    disk->irq = nic->irq = 18;
    disk->irq_pin = nic->irq_pin = 1;
    plan = plan_fixture_changed(fixture, NULL);
    diag = plan_diag(plan, DP_DIAG_VMX_INTX_UNMASKABLE);
    g_assert_nonnull(diag);
    g_assert_nonnull(strstr(diag->message, "this VM"));
}

/* guestOS, ids of the disk's place, and what is said. */
static void
test_advice(void)
{
    static const struct {
        const char *guest;
        uint16_t vendor, device;
        const char *msi;
        DpDiagId id; /* 0: nothing */
    } cases[] = {
        {"rhel3", 0x1b36, 0x0010, NULL, DP_DIAG_VMX_ADVICE_LINUX},
        {"rhel4-64", 0x1b36, 0x0010, NULL, DP_DIAG_VMX_ADVICE_LINUX},
        {"debian10-64", 0x1b36, 0x0010, NULL, 0},
        {"linux", 0x1b36, 0x0010, NULL, 0},
        {"winNetEnterprise", 0x14e4, 0x164e, NULL, DP_DIAG_VMX_ADVICE_IOAPIC},
        {"longhorn-64", 0x14e4, 0x164f, NULL, DP_DIAG_VMX_ADVICE_IOAPIC},
        {"longhorn-64", 0x14e4, 0x164f, "pciPassthru0.msiEnabled=FALSE", 0},
        {"windows9-64", 0x14e4, 0x164f, NULL, 0},
        {"winnetstandard-64", 0x1077, 0x2532, NULL, DP_DIAG_VMX_ADVICE_GOOD},
        {"winnetstandard", 0x1000, 0x0058, NULL, DP_DIAG_VMX_ADVICE_GOOD},
        {"winnetstandard", 0x8086, 0x10c6, NULL, DP_DIAG_VMX_ADVICE_GOOD},
        {"longhorn", 0x8086, 0x10c6, NULL, 0},
    };
    static const DpDiagId all[] = {DP_DIAG_VMX_ADVICE_LINUX, DP_DIAG_VMX_ADVICE_IOAPIC,
                                   DP_DIAG_VMX_ADVICE_GOOD};

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(PlanFixture) fixture = plan_fixture_new();
        DpFunction *fn = dp_host_find_name(fixture->host, DISK);
        g_autofree char *guest = g_strdup_printf("guestOS=%s", cases[i].guest);
        g_autofree char *vendor = g_strdup_printf("pciPassthru0.vendorId=%04x", cases[i].vendor);
        g_autofree char *device = g_strdup_printf("pciPassthru0.deviceId=%04x", cases[i].device);
        const char *const changes[] = {guest, vendor, device, cases[i].msi, NULL};
        g_autoptr(DpPlan) plan = NULL;

        fn->vendor = cases[i].vendor;
        fn->device = cases[i].device;
        plan = plan_fixture_changed(fixture, changes);
        for (size_t k = 0; k < G_N_ELEMENTS(all); k++) {
            g_assert_cmpint(plan_diag(plan, all[k]) != NULL, ==, all[k] == cases[i].id);
        }
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/interrupts/line-users", test_line_users);
    g_test_add_func("/interrupts/monitor-words", test_monitor_words);
    g_test_add_func("/interrupts/guest-modes", test_guest_modes);
    g_test_add_func("/interrupts/strange-spaces", test_strange_spaces);
    g_test_add_func("/interrupts/unmaskable", test_unmaskable_is_refused);
    g_test_add_func("/interrupts/models", test_models_that_cannot_mask);
    g_test_add_func("/interrupts/unmaskable-in-one-vm", test_unmaskable_in_one_vm);
    g_test_add_func("/interrupts/advice", test_advice);
    return g_test_run();
}
