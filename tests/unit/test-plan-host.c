/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a plan says of the host that it is made for: who has the device, which card it is, what the
 * host lacks; and what the guest sees otherwise than the file says. */
#include "plan-fixture.h"
#include "vm/keys.h"
#include "vm/run.h"

#include <string.h>

static void
test_in_use(void)
{
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) plan = NULL;
    const DpDiag *diag;

    plan_fixture_in_use(fixture, DISK);
    plan = plan_fixture_changed(fixture, NULL);
    diag = plan_diag(plan, DP_DIAG_VMX_PASSTHRU_IN_USE);
    g_assert_nonnull(diag);
    g_assert_nonnull(strstr(diag->message, "\"Other\""));
    g_assert_nonnull(strstr(diag->message, DISK));
}

/* Both functions of the sample. */
static const DpRun *
run_has_all(const DpAddr *addr, void *user)
{
    char buf[DP_ADDR_LEN];
    const char *name = dp_addr_format(addr, buf);

    return strcmp(name, DISK) == 0 || strcmp(name, NIC) == 0 ? user : NULL;
}

/* Which VM it is says the id: its file may have another name by now, and another VM the same. */
static void
test_in_use_by_id(void)
{
    static const struct {
        const char *id, *name; /* NULL: the VM's own */
        bool running, refused;
    } rows[] = {{NULL, NULL, true, false},
                {NULL, "before", true, false},
                {"0123456789abcdef", NULL, true, true},
                {"0123456789abcdef", NULL, false, true}};

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(PlanFixture) fixture = plan_fixture_new();
        g_autoptr(DpPlan) off = plan_fixture_changed(fixture, NULL), plan = NULL;
        DpRun run = {.id = (char *)(rows[i].id != NULL ? rows[i].id : off->id),
                     .name = (char *)(rows[i].name != NULL ? rows[i].name : off->name)};

        fixture->input.running = rows[i].running;
        fixture->input.used_by = run_has_all;
        fixture->input.used_by_user = &run;
        plan = plan_fixture_changed(fixture, NULL);
        g_assert_cmpint(plan_diag(plan, DP_DIAG_VMX_PASSTHRU_IN_USE) != NULL, ==, rows[i].refused);
        g_assert_cmpint(dp_diags_have_error(plan->diags), ==, rows[i].refused);
    }
}

/* A key that @pattern takes, and the key that makes its device present. */
static void
sample_of(const char *pattern, char **ret_key, char **ret_present)
{
    GString *key = g_string_new(NULL);
    const char *dot;

    for (; *pattern != '\0'; pattern++) {
        g_string_append(key, *pattern == '#' ? "0" : *pattern == '*' ? "zz" : "");
        if (*pattern != '#' && *pattern != '*') {
            g_string_append_c(key, *pattern);
        }
    }
    dot = strchr(key->str, '.');
    *ret_present = dot != NULL
                       ? g_strdup_printf("%.*s.present=TRUE", (int)(dot - key->str), key->str)
                       : g_strdup("annotation=none");
    *ret_key = g_string_free(key, FALSE);
}

/* Every line of which the table says that the guest sees it otherwise is told, with its number. */
static void
test_what_the_guest_sees_is_told(void)
{
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    size_t n, marked = 0;
    const DpKeyRow *rows = dp_key_rows(&n);

    for (size_t i = 0; i < n; i++) {
        g_autofree char *key = NULL, *present = NULL, *line = NULL, *text = NULL, *all = NULL;
        g_autofree char *here = NULL;
        g_autoptr(DpVmx) vmx = NULL;
        g_autoptr(DpPlan) plan = NULL;
        bool told = false;

        if (rows[i].seen == DP_SEEN_NEVER) {
            continue;
        }
        marked++;
        g_assert_cmpint(rows[i].effect, ==, DP_EFFECT_SUBSTITUTED);
        sample_of(rows[i].pattern, &key, &present);
        g_assert_true(dp_key_lookup(key) == &rows[i]);
        line = g_strdup_printf("%s=TRUE", key);
        text = plan_fixture_sample((const char *const[]){present, line, NULL});
        vmx = dp_vmx_parse("passthru.vmx", text, strlen(text), NULL, NULL);
        plan = plan_fixture_plan(fixture, text);
        here = g_strdup_printf("%s (line %u)", key, dp_vmx_lookup(vmx, key)->line);
        g_free(line);
        line = g_strdup_printf("passthru.vmx:%u", dp_vmx_lookup(vmx, key)->line);
        for (guint k = 0; k < plan->diags->len; k++) {
            const DpDiag *diag = g_ptr_array_index(plan->diags, k);

            told = told || (diag->severity != DP_NOTE && (strcmp(diag->subject, line) == 0 ||
                                                          strstr(diag->message, here) != NULL));
        }
        all = plan_diags(plan);
        if (!told) {
            g_error("%s is not told:\n%s", key, all);
        }
    }
    g_assert_cmpuint(marked, >, 40);
}

/* One warning for all of them; none for a value that says how it is here anyway. */
static void
test_one_warning_for_all(void)
{
    static const char *const several[] = {"disk.EnableUUID=TRUE",
                                          "bios.hddOrder=scsi0:0",
                                          "featMask.vm.cpuid.Intel=Val:1",
                                          "vm.genid=1",
                                          "guestinfo.x=1",
                                          "smbios.assetTag=a",
                                          "pciPassthru0.macAddress=00:50:56:00:00:01",
                                          NULL};
    static const char *const off[] = {"disk.EnableUUID=FALSE", "guestinfo.x=", "vmci0.present=0",
                                      NULL};
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) plan = plan_fixture_changed(fixture, several);
    g_autoptr(DpPlan) before = plan_fixture_changed(fixture, NULL);
    g_autoptr(DpPlan) same = plan_fixture_changed(fixture, off);
    const DpDiag *diag = plan_diag(plan, DP_DIAG_VMX_GUEST_DIFFERS);
    unsigned n = 0;

    for (guint i = 0; i < plan->diags->len; i++) {
        n += ((DpDiag *)plan->diags->pdata[i])->row->id == DP_DIAG_VMX_GUEST_DIFFERS;
    }
    g_assert_cmpuint(n, ==, 1);
    g_assert_cmpint(diag->severity, ==, DP_WARNING);
    g_assert_false(dp_diags_have_error(plan->diags));
    for (size_t i = 0; several[i] != NULL; i++) {
        g_auto(GStrv) pair = g_strsplit(several[i], "=", 2);

        g_assert_nonnull(strstr(diag->message, pair[0]));
    }
    g_assert_nonnull(strstr(diag->remedy, "vm validate"));
    g_assert_null(plan_diag(before, DP_DIAG_VMX_GUEST_DIFFERS));
    g_assert_null(plan_diag(same, DP_DIAG_VMX_GUEST_DIFFERS));
}

/* Another card of the same model, by its serial number: the VMX cannot tell, the store does. */
static void
test_other_card(void)
{
    static const char *const dynamic[] = {"pciPassthru0.id",
                                          "pciPassthru0.allowedDevices=0x1b36:0x0010", NULL};
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpIdentities) identities = dp_identities_load(fixture->root, NULL, NULL);
    g_autoptr(DpPlan) same = NULL, refused = NULL, chosen = NULL, back = NULL;
    DpFunction *fn = dp_host_find_name(fixture->host, DISK);
    const DpDiag *diag;

    fn->caps.serial = 0x1122334455667788;
    dp_identities_record(identities, fn, true, NULL, 0);
    fixture->input.identities = identities;
    same = plan_fixture_changed(fixture, NULL);
    g_assert_false(dp_diags_have_error(same->diags));
    fn->caps.serial = 0x1122334455667799;
    refused = plan_fixture_changed(fixture, NULL);
    diag = plan_diag(refused, DP_DIAG_VMX_PASSTHRU_OTHER_CARD);
    g_assert_nonnull(diag);
    g_assert_true(g_str_has_prefix(diag->subject, "passthru.vmx:"));
    g_assert_nonnull(strstr(diag->message, "11-22-33-44-55-66-77-88"));
    g_assert_nonnull(strstr(diag->message, "11-22-33-44-55-66-77-99"));
    g_assert_nonnull(strstr(diag->remedy, "device enable " DISK));
    g_assert_nonnull(strstr(diag->remedy, "vm relocate"));
    chosen = plan_fixture_changed(fixture, dynamic);
    diag = plan_diag(chosen, DP_DIAG_VMX_DYNAMIC_NONE);
    g_assert_nonnull(diag);
    g_assert_nonnull(strstr(diag->message, DISK " (another card than was enabled)"));
    /* Enabled again: that is the one now. */
    dp_identities_record(identities, fn, true, NULL, 0);
    back = plan_fixture_changed(fixture, NULL);
    g_assert_false(dp_diags_have_error(back->diags));
}

static void
test_pending(void)
{
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) plan = NULL;
    DpFunction *fn = dp_host_find_name(fixture->host, DISK);

    g_free(fn->driver);
    fn->driver = g_strdup("nvme");
    plan = plan_fixture_changed(fixture, NULL);
    g_assert_nonnull(strstr(plan_diag(plan, DP_DIAG_VMX_PASSTHRU_PENDING)->message, "nvme"));
}

/* SeaBIOS cannot place it. */
static void
test_bar_too_large_for_bios(void)
{
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) plan = NULL;
    const DpDiag *diag;

    dp_host_find_name(fixture->host, DISK)->bars[0].size = (uint64_t)8 << 30;
    plan = plan_fixture_changed(fixture, NULL);
    diag = plan_diag(plan, DP_DIAG_VMX_MMIO_BIOS);
    g_assert_nonnull(diag);
    g_assert_nonnull(strstr(diag->message, "8 GiB"));
    g_assert_nonnull(strstr(diag->remedy, "EFI"));
}

static void
test_host_without_a_system_id(void)
{
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) plan = NULL;

    dp_esxconf_free(fixture->conf);
    fixture->conf = dp_esxconf_new();
    fixture->input.conf = fixture->conf;
    plan = plan_fixture_changed(fixture, NULL);
    g_assert_nonnull(plan_diag(plan, DP_DIAG_VMX_PASSTHRU_SYSTEM));
    g_assert_nonnull(plan_diag(plan, DP_DIAG_VMX_PASSTHRU_NOT_ENABLED));
}

static void
test_no_bridges(void)
{
    static const char *const changes[] = {"pciBridge0.present=FALSE", "pciBridge4.present=FALSE",
                                          "pciBridge5.present=FALSE", "pciBridge6.present=FALSE",
                                          "pciBridge7.present=FALSE", NULL};
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) plan = plan_fixture_changed(fixture, changes);

    g_assert_nonnull(plan_diag(plan, DP_DIAG_VMX_NO_BRIDGES));
}

/* A conventional function: refused in ESX's words where the file says pcie, placed with a warning
 * where it is silent, placed where it says pci. */
static void
test_conventional(void)
{
    static const char *const kinds[] = {"pciPassthru0.virtualDev=pcie", NULL,
                                        "pciPassthru0.virtualDev=pci"};
    static const DpDiagId ids[] = {DP_DIAG_VMX_PASSTHRU_WRONG_PCIE,
                                   DP_DIAG_VMX_PASSTHRU_CONVENTIONAL, DP_DIAG_VMX_SLOT_CHOSEN};

    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        const char *const changes[] = {"pciPassthru0.pciSlotNumber=-1", kinds[i], NULL};
        g_autoptr(PlanFixture) fixture = plan_fixture_new();
        g_autoptr(DpPlan) plan = NULL;
        const DpVmDevice *device;

        dp_host_find_name(fixture->host, DISK)->caps.pcie = DP_TRI_NO;
        plan = plan_fixture_changed(fixture, changes);
        device = g_ptr_array_index(plan->devices, 0);
        g_assert_nonnull(plan_diag(plan, ids[i]));
        g_assert_cmpint(dp_diags_have_error(plan->diags), ==, i == 0);
        if (i == 0) {
            g_assert_nonnull(
                strstr(plan_diag(plan, ids[i])->message,
                       "PCIPassthru: Device 003:00.0 barIndex 0 type Mem realaddr 0x"));
        } else {
            g_assert_cmpint(device->slot, ==, 32);
            g_assert_cmpstr(device->guest_address, ==, "pciBridge0 (00:13.0) device 00.0");
        }
    }
}

/* Two-digit buses: the reading under which the ids fit. */
static void
test_ambiguous_ids(void)
{
    static const char *const fits[] = {"pciPassthru0.id=03:00.0", NULL};
    static const char *const neither[] = {"pciPassthru0.id=13:00.0", NULL};
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) good = plan_fixture_changed(fixture, fits);
    g_autoptr(DpPlan) bad = plan_fixture_changed(fixture, neither);

    g_assert_false(dp_diags_have_error(good->diags));
    g_assert_nonnull(
        strstr(plan_diag(bad, DP_DIAG_VMX_PASSTHRU_AMBIGUOUS)->message, "0000:0d:00.0"));
    g_assert_nonnull(
        strstr(plan_diag(bad, DP_DIAG_VMX_PASSTHRU_AMBIGUOUS)->message, "0000:13:00.0"));
}

static void
test_no_host_compares_nothing(void)
{
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) plan = NULL;

    fixture->input = (DpPlanInput){.file_head = fixture->input.file_head};
    plan = plan_fixture_changed(fixture, NULL);
    g_assert_false(dp_diags_have_error(plan->diags));
    g_assert_cmpuint(plan->devices->len, ==, 2);
    g_assert_false(((DpVmDevice *)g_ptr_array_index(plan->devices, 0))->resolved);
}

/* A host that lacks something: its own diagnostic comes along, except what only KVM needs under
 * TCG. */
static void
test_incapable_host(void)
{
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) kvm = NULL;
    g_autoptr(DpPlan) tcg = NULL;

    fixture->host->platform.kvm = DP_TRI_NO;
    dp_policy_free(fixture->policy);
    fixture->policy = dp_policy_new(fixture->host, fixture->map);
    fixture->input.policy = fixture->policy;
    kvm = plan_fixture_changed(fixture, NULL);
    g_assert_nonnull(plan_diag(kvm, DP_DIAG_KVM_MISSING));
    fixture->input.tcg = true;
    tcg = plan_fixture_changed(fixture, NULL);
    g_assert_null(plan_diag(tcg, DP_DIAG_KVM_MISSING));
    g_assert_false(dp_diags_have_error(tcg->diags));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/plan/in-use", test_in_use);
    g_test_add_func("/plan/in-use-by-id", test_in_use_by_id);
    g_test_add_func("/plan/told", test_what_the_guest_sees_is_told);
    g_test_add_func("/plan/told-at-once", test_one_warning_for_all);
    g_test_add_func("/plan/other-card", test_other_card);
    g_test_add_func("/plan/pending", test_pending);
    g_test_add_func("/plan/bar-too-large-for-bios", test_bar_too_large_for_bios);
    g_test_add_func("/plan/no-system-id", test_host_without_a_system_id);
    g_test_add_func("/plan/no-bridges", test_no_bridges);
    g_test_add_func("/plan/conventional", test_conventional);
    g_test_add_func("/plan/ambiguous", test_ambiguous_ids);
    g_test_add_func("/plan/no-host", test_no_host_compares_nothing);
    g_test_add_func("/plan/incapable", test_incapable_host);
    return g_test_run();
}
