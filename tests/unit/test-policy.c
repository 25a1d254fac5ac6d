/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the host can do, the verdict on one function, and the states. */
#include "fake-host.h"
#include "policy/policy.h"

#include <string.h>

static DpPolicy *
judge(FakeHost *fake)
{
    g_autoptr(DpMap) map = fake_map("");

    return dp_policy_new(&fake->host, map);
}

/* Ids of @diags, ascending, in words: "1101 1109". */
static char *
ids_of(const DpDiagList *diags)
{
    g_autoptr(GString) text = g_string_new(NULL);
    size_t n;
    const DpDiagRow *rows = dp_diag_rows(&n);

    for (size_t i = 0; i < n; i++) {
        if (dp_diags_have(diags, rows[i].id)) {
            g_string_append_printf(text, "%s%d", text->len > 0 ? " " : "", (int)rows[i].id);
        }
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* Which facts of the platform differ from a capable host. */
typedef struct {
    const char *name;
    DpIommuKind iommu;
    DpTri firmware, remapping, virtualization, kvm, vfio, unsafe;
    const char *lockdown, *cmdline;
    bool groups;
    bool capable;
    const char *ids;          /* of the host */
    const char *function_ids; /* of an endpoint with FLR */
} HostCase;

#define N DP_TRI_NO
#define Y DP_TRI_YES
#define U DP_TRI_UNKNOWN

#define VTD  DP_IOMMU_VTD
#define AMD  DP_IOMMU_AMDVI
#define NONE DP_IOMMU_NONE

static const HostCase host_cases[] = {
    {"capable", VTD, Y, Y, Y, Y, Y, N, NULL, NULL, true, true, "", ""},
    {"amd", AMD, Y, Y, Y, Y, Y, N, NULL, NULL, true, true, "1104", ""},
    {"absent", NONE, N, N, N, Y, Y, N, NULL, NULL, false, false, "1101 1110", "1101"},
    {"unknown", NONE, U, U, Y, Y, Y, U, NULL, NULL, false, false, "1101", "1101"},
    {"off-in-firmware", NONE, N, N, Y, Y, Y, N, NULL, NULL, false, false, "1102", "1102"},
    {"off-in-kernel", NONE, Y, N, Y, Y, Y, N, NULL, "quiet", false, false, "1103", "1103"},
    {"no-remapping", VTD, Y, N, Y, Y, Y, N, NULL, NULL, true, false, "1105", "1105"},
    {"unsafe", VTD, Y, N, Y, Y, Y, Y, NULL, NULL, true, false, "1105 1111", "1105"},
    {"remapping-unknown", VTD, Y, U, Y, Y, Y, U, NULL, NULL, true, true, "1106", ""},
    {"no-vfio", VTD, Y, Y, Y, Y, N, N, NULL, NULL, true, false, "1107 1108", "1107 1108"},
    {"no-kvm", VTD, Y, Y, Y, N, Y, N, NULL, NULL, true, false, "1109", ""},
    {"no-virtualization", VTD, Y, Y, N, N, Y, N, NULL, NULL, true, false, "1109 1110", ""},
    {"all-unknown", VTD, U, U, U, U, U, U, NULL, NULL, true, true, "1106", ""},
    {"locked-down", VTD, Y, Y, Y, Y, Y, N, "integrity", NULL, true, true, "1112", ""},
    {"not-locked-down", VTD, Y, Y, Y, Y, Y, N, "none", NULL, true, true, "", ""},
    {"acs-override", VTD, Y, Y, Y, Y, Y, N, NULL, "quiet pcie_acs_override=downstream", true, true,
     "1113", ""},
    {"groups-without-unit", NONE, U, Y, Y, Y, Y, N, NULL, NULL, true, true, "", ""},
    {"unit-without-groups", VTD, Y, Y, Y, Y, Y, N, NULL, NULL, false, true, "", "1202"},
};

static DpPlatform
platform_of(const HostCase *row)
{
    return (DpPlatform){.iommu = row->iommu,
                        .iommu_in_firmware = row->firmware,
                        .interrupt_remapping = row->remapping,
                        .cpu_virtualization = row->virtualization,
                        .kvm = row->kvm,
                        .vfio = row->vfio,
                        .vfio_iommu_type1 = row->vfio,
                        .unsafe_interrupts = row->unsafe,
                        .lockdown = (char *)row->lockdown,
                        .cmdline = (char *)row->cmdline};
}

static void
test_host(gconstpointer data)
{
    const HostCase *row = data;
    g_autoptr(FakeHost) fake = fake_host_new();
    DpFunction *fn = fake_function(fake, "0000:01:00.0", NULL, row->groups ? 1 : -1);
    g_autoptr(DpPolicy) policy = NULL;
    g_autofree char *ids = NULL;
    g_autofree char *function_ids = NULL;

    fn->caps.flr = DP_TRI_YES;
    fake->host.platform = platform_of(row);
    policy = judge(fake);
    ids = ids_of(policy->diags);
    function_ids = ids_of(dp_policy_verdict(policy, &fn->addr)->diags);
    g_assert_cmpstr(ids, ==, row->ids);
    g_assert_cmpstr(function_ids, ==, row->function_ids);
    g_assert_cmpint(policy->capable, ==, row->capable);
    g_assert_cmpint(dp_policy_verdict(policy, &fn->addr)->allowed, ==,
                    row->function_ids[0] == '\0');
}

/* The remedy names the word that keeps the IOMMU off, or the one that is missing. */
static void
test_iommu_remedy(void)
{
    static const struct {
        const char *cmdline;
        bool intel;
        const char *remedy;
    } rows[] = {
        {"quiet intel_iommu=off", true, "take intel_iommu=off off"},
        {"intel_iommu=on,off quiet", true, "take \"off\" out of intel_iommu=on,off"},
        {"amd_iommu=off", false, "take amd_iommu=off off"},
        {"iommu=off quiet", true, "take iommu=off off"},
        {"iommu=pt,off", false, "take \"off\" out of iommu=pt,off"},
        {"quiet", true, "put intel_iommu=on on"},
        {"amd_iommu=off", true, "put intel_iommu=on on"}, /* of the other maker: no effect */
        {"quiet intel_iommu=on", true, "lines with DMAR"},
        {"quiet noiommu=offset intel_iommu=off", false, "lines with AMD-Vi"},
        {NULL, true, "put intel_iommu=on on"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(FakeHost) fake = fake_host_new();
        g_autoptr(DpPolicy) policy = NULL;
        const DpDiag *diag;

        fake->host.platform.iommu = DP_IOMMU_NONE;
        fake->host.platform.cmdline = (char *)rows[i].cmdline;
        fake->host.platform.intel_in_firmware = rows[i].intel ? DP_TRI_YES : DP_TRI_NO;
        policy = judge(fake);
        diag = policy->diags->pdata[0];
        g_assert_cmpint(diag->row->id, ==, DP_DIAG_IOMMU_OFF_KERNEL);
        g_test_message("row %zu: %s", i, diag->remedy);
        g_assert_nonnull(strstr(diag->remedy, rows[i].remedy));
    }
}

/* Who keeps interrupts from being remapped. */
static void
test_remapping_cause(void)
{
    static const struct {
        const char *cmdline;
        DpTri firmware, opt_out;
        const char *cause;
    } rows[] = {
        {"quiet intremap=off", N, N, "intremap=off is on the kernel's command line"},
        {"intremap=nosid,off", Y, N, "intremap=nosid,off is on"},
        {"nointremap", Y, Y, "nointremap is on"},
        {"quiet", N, Y, "INTR_REMAP is clear"},
        {"quiet", Y, Y, "X2APIC_OPT_OUT"},
        {"intremap=on", Y, N, "without interrupt remapping a device"},
        {NULL, U, U, "without interrupt remapping a device"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(FakeHost) fake = fake_host_new();
        g_autoptr(DpPolicy) policy = NULL;
        const DpDiag *diag;

        fake_function(fake, "0000:01:00.0", NULL, 1);
        fake->host.platform.interrupt_remapping = DP_TRI_NO;
        fake->host.platform.cmdline = (char *)rows[i].cmdline;
        fake->host.platform.intremap_in_firmware = rows[i].firmware;
        fake->host.platform.x2apic_opt_out = rows[i].opt_out;
        policy = judge(fake);
        diag = policy->diags->pdata[0];
        g_assert_cmpint(diag->row->id, ==, DP_DIAG_INTREMAP_MISSING);
        g_test_message("row %zu: %s", i, diag->cause);
        g_assert_nonnull(strstr(diag->cause, rows[i].cause));
    }
}

/* A VM without a virtual IOMMU has nothing to be switched on in its firmware. */
static void
test_virtual_machine(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) policy = NULL;
    const DpDiag *diag;

    fake->host.platform.iommu = DP_IOMMU_NONE;
    fake->host.platform.iommu_in_firmware = DP_TRI_NO;
    fake->host.platform.hypervisor = DP_TRI_YES;
    policy = judge(fake);
    diag = policy->diags->pdata[0];
    g_assert_cmpint(diag->row->id, ==, DP_DIAG_IOMMU_ABSENT);
    g_assert_nonnull(strstr(diag->remedy, "virtual IOMMU"));
}

static void
test_assignable(void)
{
    static const struct {
        uint32_t class_code;
        int header_type;
        bool assignable;
    } rows[] = {
        {0x020000, 0, true},  {0x010802, 0, true},  {0x030000, 0, true},  {0x00ff00, 0, true},
        {0x068000, 0, true},  {0x080501, 0, true},  {0x060000, 0, false}, {0x060100, 0, false},
        {0x060400, 1, false}, {0x060700, 2, false}, {0x060940, 1, false}, {0x080020, 0, false},
        {0x080600, 0, false}, {0x080700, 0, false}, {0x068000, 1, false},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(FakeHost) fake = fake_host_new();
        g_autoptr(DpPolicy) policy = NULL;
        DpFunction *fn = fake_function(fake, "0000:00:02.0", NULL, 1);
        const DpVerdict *verdict;

        fn->class_code = rows[i].class_code;
        fn->header_type = rows[i].header_type;
        fn->caps.flr = DP_TRI_YES;
        policy = judge(fake);
        verdict = dp_policy_verdict(policy, &fn->addr);
        g_assert_cmpint(verdict->assignable, ==, rows[i].assignable);
        g_assert_cmpint(verdict->allowed, ==, rows[i].assignable);
        g_assert_cmpint(dp_diags_have(verdict->diags, DP_DIAG_NOT_ASSIGNABLE), ==,
                        !rows[i].assignable);
        g_assert_cmpuint(verdict->unit->len, ==, rows[i].assignable ? 1 : 0);
    }
}

/* One fact of a function that changes its verdict. */
typedef enum { DEAD, ASLEEP, NO_IDS, WITH_VFS, USB, NO_GROUP } Fact;

static const struct {
    const char *name;
    Fact fact;
    const char *ids;
    bool allowed;
} fact_cases[] = {
    {"dead", DEAD, "1220", false},         {"asleep", ASLEEP, "1221", true},
    {"no-ids", NO_IDS, "1223", false},     {"virtual-functions", WITH_VFS, "1224", false},
    {"usb-controller", USB, "1225", true}, {"no-group", NO_GROUP, "1202", false},
};

static void
set_fact(DpFunction *fn, Fact fact)
{
    switch (fact) {
    case DEAD:
        fn->dead = DP_TRI_YES;
        break;
    case ASLEEP:
        fn->power_state = DP_POWER_D3COLD;
        break;
    case NO_IDS:
        fn->ids_known = DP_TRI_NO;
        break;
    case WITH_VFS:
        fn->sriov_numvfs = 2;
        break;
    case USB:
        fn->class_code = 0x0c0330;
        break;
    case NO_GROUP:
        fn->iommu_group = -1;
        break;
    }
}

static void
test_facts(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(fact_cases); i++) {
        g_autoptr(FakeHost) fake = fake_host_new();
        g_autoptr(DpPolicy) policy = NULL;
        g_autofree char *ids = NULL;
        DpFunction *fn = fake_function(fake, "0000:00:02.0", NULL, 1);

        fn->caps.flr = DP_TRI_YES;
        set_fact(fn, fact_cases[i].fact);
        policy = judge(fake);
        ids = ids_of(dp_policy_verdict(policy, &fn->addr)->diags);
        g_test_message("%s", fact_cases[i].name);
        g_assert_cmpstr(ids, ==, fact_cases[i].ids);
        g_assert_cmpint(dp_policy_verdict(policy, &fn->addr)->allowed, ==, fact_cases[i].allowed);
    }
}

/* One of the function's diagnostics has this id, and says @text. */
static void
assert_says(const DpPolicy *policy, const DpFunction *fn, DpDiagId id, const char *text)
{
    const DpDiagList *diags = dp_policy_verdict(policy, &fn->addr)->diags;

    for (guint i = 0; i < diags->len; i++) {
        const DpDiag *diag = diags->pdata[i];

        if (diag->row->id == id) {
            g_test_message("%s", diag->message);
            g_assert_nonnull(strstr(diag->message, text));
            return;
        }
    }
    g_assert_not_reached();
}

static void
test_shared_interrupt_line(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) policy = NULL;
    DpFunction *fn = fake_function(fake, "0000:00:02.0", NULL, 1);
    DpFunction *mate = fake_function(fake, "0000:00:02.1", NULL, 1);
    DpFunction *other = fake_function(fake, "0000:00:03.0", NULL, 2);

    fn->caps.flr = mate->caps.flr = other->caps.flr = DP_TRI_YES;
    fn->caps.msix = DP_TRI_NO;
    fn->irq = mate->irq = 11;
    fn->irq_pin = mate->irq_pin = other->irq_pin = 1;
    fake_driver(fake, mate, "ehci-pci");
    fake_driver(fake, other, "snd_hda_intel");
    policy = judge(fake); /* what goes along does not count */
    g_assert_false(dp_diags_have(dp_policy_verdict(policy, &fn->addr)->diags, DP_DIAG_INTX_SHARED));
    other->irq = 11;
    g_clear_pointer(&policy, dp_policy_free);
    policy = judge(fake);
    g_assert_true(dp_diags_have(dp_policy_verdict(policy, &fn->addr)->diags, DP_DIAG_INTX_SHARED));
    g_assert_true(dp_policy_verdict(policy, &fn->addr)->allowed);
    g_assert_false(
        dp_diags_have(dp_policy_verdict(policy, &other->addr)->diags, DP_DIAG_INTX_SHARED));
    for (int i = 1; i < 9; i++) { /* each is named, up to a number */
        g_autofree char *name = g_strdup_printf("0000:01:0%d.0", i);
        DpFunction *more = fake_function(fake, name, NULL, 10 + i);

        more->irq = 11;
        more->irq_pin = 1;
        fake_driver(fake, more, "uhci_hcd");
        if (i < 2 || i == 8) {
            g_clear_pointer(&policy, dp_policy_free);
            policy = judge(fake);
            assert_says(policy, fn, DP_DIAG_INTX_SHARED,
                        i < 2 ? "0000:00:03.0 (snd_hda_intel), 0000:01:01.0 (uhci_hcd)"
                              : "0000:01:07.0 (uhci_hcd) and others");
        }
        more->n_msi_irqs = i == 8;
    }
    for (guint i = 3; i < fake->host.functions->len; i++) {
        ((DpFunction *)fake->host.functions->pdata[i])->n_msi_irqs = 1;
    }
    other->n_msi_irqs = 1; /* its driver uses MSI: the line is free */
    g_clear_pointer(&policy, dp_policy_free);
    policy = judge(fake);
    g_assert_false(dp_diags_have(dp_policy_verdict(policy, &fn->addr)->diags, DP_DIAG_INTX_SHARED));
}

/* A refused function names itself in each diagnostic, and each has cause and remedy. */
static void
test_every_refusal_is_complete(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) policy = NULL;
    DpFunction *fn = fake_function(fake, "0000:00:02.0", NULL, -1);
    DpSeverity severity = DP_ERROR_SEVERITY;
    const DpVerdict *verdict;

    fake->host.platform.iommu = DP_IOMMU_NONE;
    fake->host.platform.vfio = DP_TRI_NO;
    fn->dead = DP_TRI_YES;
    fn->boot_vga = DP_TRI_YES;
    fn->power_state = DP_POWER_D3COLD;
    policy = judge(fake);
    verdict = dp_policy_verdict(policy, &fn->addr);
    g_assert_cmpuint(verdict->diags->len, ==, 6);
    for (guint i = 0; i < verdict->diags->len; i++) {
        const DpDiag *diag = verdict->diags->pdata[i];

        g_assert_cmpstr(diag->subject, ==, "0000:00:02.0");
        g_assert_nonnull(strstr(diag->message, "0000:00:02.0"));
        g_assert_cmpuint(strlen(diag->cause), >, 0);
        g_assert_cmpuint(strlen(diag->remedy), >, 0);
        g_assert_cmpint(diag->severity, <=, severity); /* errors first */
        severity = diag->severity;
    }
}

static void
test_lookup(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) policy = NULL;
    DpAddr absent = {.bus = 9};

    policy = judge(fake);
    g_assert_null(dp_policy_verdict(policy, &absent));
    for (int i = 0; i < 5; i++) {
        g_autofree char *name = g_strdup_printf("0000:0%d:00.0", i);

        fake_function(fake, name, NULL, i);
    }
    g_clear_pointer(&policy, dp_policy_free);
    policy = judge(fake);
    g_assert_null(dp_policy_verdict(policy, &absent));
    for (guint i = 0; i < 5; i++) {
        DpFunction *fn = fake->host.functions->pdata[i];

        g_assert_true(dp_policy_verdict(policy, &fn->addr)->fn == fn);
        g_assert_true(dp_policy_verdict(policy, &fn->addr) == policy->verdicts->pdata[i]);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(host_cases); i++) {
        g_autofree char *path = g_strdup_printf("/policy/host/%s", host_cases[i].name);

        g_test_add_data_func(path, &host_cases[i], test_host);
    }
    g_test_add_func("/policy/host/iommu-remedy", test_iommu_remedy);
    g_test_add_func("/policy/host/remapping-cause", test_remapping_cause);
    g_test_add_func("/policy/host/virtual-machine", test_virtual_machine);
    g_test_add_func("/policy/verdict/assignable", test_assignable);
    g_test_add_func("/policy/verdict/facts", test_facts);
    g_test_add_func("/policy/verdict/interrupt-line", test_shared_interrupt_line);
    g_test_add_func("/policy/verdict/complete", test_every_refusal_is_complete);
    g_test_add_func("/policy/verdict/lookup", test_lookup);
    return g_test_run();
}
