/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory of VMs: what is promised and not taken yet, who is named when there is too little, which
 * pages hold it, and how far it and the BARs may reach. */
#include "plan-check.h"
#include "plan-fixture.h"
#include "scratch-root.h"
#include "vm/export.h"
#include "vm/ledger.h"

#include <string.h>

#define MIB      ((uint64_t)1 << 20)
#define GIB      ((uint64_t)1 << 30)
#define NEED_MIB 624 /* 512 of the sample, 96 of the engine, 16 of the display */

static GArray *
promise(const char *name, uint64_t bytes, uint64_t missing, uint64_t page)
{
    GArray *promises = g_array_new(FALSE, FALSE, sizeof(DpPromise));
    DpPromise one = {.name = name, .bytes = bytes, .missing = missing, .page = page};

    g_array_append_val(promises, one);
    return promises;
}

/* Two that fit alone and not together: the first has been accepted and has pinned nothing yet. */
static void
test_second_is_refused(void)
{
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(GArray) promises = promise("Build, farm", NEED_MIB * MIB, NEED_MIB * MIB, 0);
    g_autoptr(DpPlan) alone = NULL, second = NULL;
    const DpDiag *diag;

    fixture->host->platform.mem_available = (2 * NEED_MIB - 1) * MIB;
    alone = plan_fixture_changed(fixture, NULL);
    g_assert_null(plan_diag(alone, DP_DIAG_VM_MEMORY_SHORT));
    g_assert_cmpuint(alone->reserved, ==, NEED_MIB * MIB);
    fixture->input.promises = promises;
    second = plan_fixture_changed(fixture, NULL);
    diag = plan_diag(second, DP_DIAG_VM_MEMORY_SHORT);
    g_assert_nonnull(diag);
    g_assert_cmpint(diag->severity, ==, DP_ERROR_SEVERITY);
    g_assert_nonnull(strstr(diag->subject, "passthru.vmx:"));
    g_assert_cmpstr(diag->message, ==,
                    "624 MiB must be pinned for the VM and its engine, and 623 MiB of this host's "
                    "memory are available; the VM \"Build, farm\" has 624 MiB");
    g_assert_nonnull(strstr(diag->remedy, "Build, farm"));
}

/* What it has pinned the kernel does not show as available any more: it is not counted twice. */
static void
test_what_is_pinned_counts_once(void)
{
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(GArray) pinned = promise("one", 2 * GIB, 0, 0);
    g_autoptr(DpPlan) fits = NULL, running = NULL;

    fixture->input.promises = pinned;
    fixture->host->platform.mem_available = NEED_MIB * MIB;
    fits = plan_fixture_changed(fixture, NULL);
    g_assert_null(plan_diag(fits, DP_DIAG_VM_MEMORY_SHORT));
    fixture->host->platform.mem_available = 1 * MIB;
    fixture->input.running = true;
    running = plan_fixture_changed(fixture, NULL);
    g_assert_null(plan_diag(running, DP_DIAG_VM_MEMORY_SHORT));
}

static void
test_reservation_of_others(void)
{
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    const char *none[] = {"pciPassthru0.present=FALSE", "pciPassthru1.present=FALSE",
                          "sched.mem.minsize", NULL};
    const char *some[] = {"pciPassthru0.present=FALSE", "pciPassthru1.present=FALSE",
                          "sched.mem.minsize=300", NULL};
    const char *more[] = {"pciPassthru0.present=FALSE", "pciPassthru1.present=FALSE",
                          "sched.mem.minsize=99999", NULL};
    g_autoptr(DpPlan) nothing = NULL, short_of = NULL, capped = NULL;
    const DpDiag *diag;

    fixture->host->platform.mem_available = 200 * MIB;
    nothing = plan_fixture_changed(fixture, none);
    g_assert_cmpuint(nothing->reserved, ==, 0);
    g_assert_null(plan_diag(nothing, DP_DIAG_VM_MEMORY_SHORT));
    short_of = plan_fixture_changed(fixture, some);
    diag = plan_diag(short_of, DP_DIAG_VM_MEMORY_SHORT);
    g_assert_nonnull(diag);
    g_assert_cmpstr(diag->message, ==,
                    "300 MiB must be reserved for the VM, and 200 MiB of this host's memory are "
                    "available");
    g_assert_cmpuint(short_of->memlock, ==, 0);
    capped = plan_fixture_changed(fixture, more);
    g_assert_cmpuint(capped->reserved, ==, 512 * MIB);
}

static void
set_pools(PlanFixture *fixture, uint64_t large, uint64_t small)
{
    DpHugePool *huge = fixture->host->platform.huge;

    huge[0] = (DpHugePool){.page = GIB, .free = large};
    huge[1] = (DpHugePool){.page = 2 * MIB, .free = small};
}

static void
test_huge_pages(void)
{
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(GArray) others = promise("one", 512 * MIB, 2 * MIB, 2 * MIB);
    const char *without[] = {"pciPassthru0.present=FALSE", "pciPassthru1.present=FALSE", NULL};
    const char *two_gib[] = {"memsize=2048", "sched.mem.max=unlimited", NULL};
    g_autoptr(DpPlan) enough = NULL, few = NULL, taken = NULL, virtual = NULL, large = NULL;
    g_autofree char *argv = NULL, *plain = NULL, *large_argv = NULL;

    set_pools(fixture, 4 * GIB, 512 * MIB);
    fixture->host->platform.mem_available = 112 * MIB; /* the pool is not part of it */
    enough = plan_fixture_changed(fixture, NULL);
    argv = plan_argv(enough);
    g_assert_cmpuint(enough->page, ==, 2 * MIB);
    g_assert_cmpuint(enough->reserved, ==, 512 * MIB);
    g_assert_nonnull(strstr(argv,
                            "-object\n{\"qom-type\":\"memory-backend-memfd\",\"id\":\"memory\","
                            "\"size\":536870912,\"hugetlb\":true,\"hugetlbsize\":2097152,"
                            "\"merge\":false,\"dump\":false}\n"
                            "-machine\nmemory-backend=memory\n"));
    g_assert_null(plan_diag(enough, DP_DIAG_VM_MEMORY_SHORT));
    g_assert_null(plan_check_argv(enough));
    virtual = plan_fixture_changed(fixture, without);
    g_assert_cmpuint(virtual->page, ==, 0);
    large = plan_fixture_changed(fixture, two_gib);
    large_argv = plan_argv(large);
    g_assert_cmpuint(large->page, ==, GIB);
    g_assert_nonnull(strstr(large_argv, "\"hugetlbsize\":1073741824"));
    fixture->host->platform.mem_available = 4 * GIB;
    set_pools(fixture, 0, 510 * MIB);
    few = plan_fixture_changed(fixture, NULL);
    plain = plan_argv(few);
    g_assert_cmpuint(few->page, ==, 0);
    g_assert_null(strstr(plain, "-object"));
    set_pools(fixture, 0, 512 * MIB);
    fixture->input.promises = others;
    taken = plan_fixture_changed(fixture, NULL);
    g_assert_cmpuint(taken->page, ==, 0);
    g_assert_null(plan_diag(taken, DP_DIAG_VM_MEMORY_SHORT));
}

/* VFIO pins what the display shows, too: counted in what must be there and in the lock limit. */
static void
test_display_memory(void)
{
    static const char *const without[] = {"svga.present=FALSE", NULL};
    static const char *const large[] = {"svga.vramSize=268435456", NULL};
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) none = plan_fixture_changed(fixture, without);
    g_autoptr(DpPlan) usual = plan_fixture_changed(fixture, NULL);
    g_autoptr(DpPlan) most = plan_fixture_changed(fixture, large);
    g_autoptr(DpPlan) refused = NULL, paged = NULL;

    g_assert_cmpuint(usual->reserved - none->reserved, ==, 16 * MIB);
    g_assert_cmpuint(usual->memlock - none->memlock, ==, 16 * MIB);
    g_assert_cmpuint(most->reserved - none->reserved, ==, 256 * MIB);
    g_assert_cmpuint(most->memlock - none->memlock, ==, 256 * MIB);
    fixture->host->platform.mem_available = most->reserved - 1;
    refused = plan_fixture_changed(fixture, large);
    g_assert_nonnull(plan_diag(refused, DP_DIAG_VM_MEMORY_SHORT));
    /* Of huge pages are the guest's memory only. */
    set_pools(fixture, 0, 512 * MIB);
    fixture->host->platform.mem_available = 351 * MIB;
    paged = plan_fixture_changed(fixture, large);
    g_assert_cmpuint(paged->page, ==, 2 * MIB);
    g_assert_nonnull(plan_diag(paged, DP_DIAG_VM_MEMORY_SHORT));
}

/* Neither kind of huge pages: said, for power-on takes longer; with one of them nothing is. */
static void
test_small_pages(void)
{
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) unknown = plan_fixture_changed(fixture, NULL);
    g_autoptr(DpPlan) small = NULL, transparent = NULL, reserved = NULL;
    const DpDiag *diag;

    g_assert_null(plan_diag(unknown, DP_DIAG_VMX_SMALL_PAGES));
    fixture->host->platform.transparent = DP_TRI_YES;
    transparent = plan_fixture_changed(fixture, NULL);
    g_assert_null(plan_diag(transparent, DP_DIAG_VMX_SMALL_PAGES));
    fixture->host->platform.transparent = DP_TRI_NO;
    small = plan_fixture_changed(fixture, NULL);
    diag = plan_diag(small, DP_DIAG_VMX_SMALL_PAGES);
    g_assert_nonnull(diag);
    g_assert_cmpint(diag->severity, ==, DP_NOTE);
    g_assert_nonnull(strstr(diag->subject, "passthru.vmx:"));
    g_assert_nonnull(strstr(diag->message, "512 MiB"));
    g_assert_nonnull(strstr(diag->remedy, "transparent_hugepage/enabled"));
    set_pools(fixture, 0, 512 * MIB);
    reserved = plan_fixture_changed(fixture, NULL);
    g_assert_null(plan_diag(reserved, DP_DIAG_VMX_SMALL_PAGES));
}

static DpRunState *
state_of(pid_t engine, DpVmState phase, uint64_t page)
{
    DpRunState *state = dp_run_state_new();

    state->phase = phase;
    state->reserved = 608 * MIB;
    state->page = page;
    state->engine.pid = engine;
    return state;
}

static void
test_missing(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    static const struct {
        pid_t engine;
        DpVmState phase;
        uint64_t page, missing_mib;
    } rows[] = {
        {0, DP_VM_STARTING, 0, 608},       /* accepted, nothing started */
        {77, DP_VM_STARTING, 0, 508},      /* it pins */
        {77, DP_VM_RUNNING, 2 * MIB, 592}, /* huge pages count apart */
        {78, DP_VM_RUNNING, 0, 0},         /* it has all, and more */
        {79, DP_VM_RUNNING, 0, 0},         /* it has ended */
        {80, DP_VM_STARTING, 0, 0},        /* there is none */
        {0, DP_VM_STOPPING, 0, 0},
    };

    put(f, "proc/77/status",
        "Name:\tqemu\nState:\tS (sleeping)\nVmRSS:\t  102400 kB\nHugetlbPages:\t   16384 kB\n");
    put(f, "proc/78/status", "Name:\tqemu\nState:\tS (sleeping)\nVmRSS:\t  999999 kB\n");
    put(f, "proc/79/status", "Name:\tqemu\nState:\tZ (zombie)\n");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(DpRunState) state = state_of(rows[i].engine, rows[i].phase, rows[i].page);

        g_assert_cmpuint(dp_ledger_missing(f->root, state), ==, rows[i].missing_mib * MIB);
    }
}

/* From the record on disk to the plan's input; the VM itself is none of the others. */
static void
test_promises(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *id = dp_vm_id("/vms/one.vmx");
    g_autofree char *path = g_strdup_printf("run/directpath/vm/%s/state.json", id);
    g_autoptr(DpRunState) state = state_of(0, DP_VM_STARTING, 2 * MIB);
    g_autoptr(GPtrArray) runs = NULL;
    g_autoptr(GArray) others = NULL, own = NULL;
    const DpPromise *first;
    dp_autofd int folder = -1;

    state->id = g_strdup(id);
    state->name = g_strdup("one");
    state->vmx_path = g_strdup("/vms/one.vmx");
    state->accel = g_strdup("kvm");
    state->started = g_strdup("2026-01-01T00:00:00Z");
    put(f, path, "");
    folder = dp_run_folder(f->root, id);
    g_assert_true(dp_run_state_save(state, folder, NULL));
    runs = dp_run_list(f->root);
    others = dp_ledger_promises(runs, "/vms/two.vmx");
    own = dp_ledger_promises(runs, "/vms/one.vmx");
    g_assert_cmpuint(own->len, ==, 0);
    g_assert_cmpuint(others->len, ==, 1);
    first = &g_array_index(others, DpPromise, 0);
    g_assert_cmpstr(first->name, ==, "one");
    g_assert_cmpuint(first->bytes, ==, 608 * MIB);
    g_assert_cmpuint(first->missing, ==, 608 * MIB);
    g_assert_cmpuint(first->page, ==, 2 * MIB);
}

static void
set_bar(PlanFixture *fixture, const char *name, uint64_t size)
{
    DpFunction *fn = dp_host_find_name(fixture->host, name);

    fn->bars[2] = (DpBar){.start = (uint64_t)1 << 38,
                          .size = size,
                          .flags = DP_BAR_MEM | DP_BAR_64 | DP_BAR_PREFETCH};
}

/* The window follows the BARs, the file may widen it, and where the usual one is too much for the
 * processor it is as small as the BARs allow. */
static void
test_window(void)
{
    static const struct {
        unsigned cpu_bits, iommu_bits;
        uint64_t first, second, gb, memory;
        const char *vendor, *window;
        DpDiagId id;
    } rows[] = {
        {46, 48, 0, 0, 0, 512, "GenuineIntel", NULL, 0},
        {46, 48, 16 * GIB, 0, 0, 512, "GenuineIntel", NULL, 0},
        /* from 4 GiB on; aligned to 32 GiB */
        {46, 48, 32 * GIB, 0, 0, 512, "GenuineIntel", "60G", 0},
        {46, 48, 64 * GIB, 16 * GIB, 0, 512, "GenuineIntel", "140G", 0},
        {46, 48, 32 * GIB, 0, 256, 512, "GenuineIntel", "256G", 0},
        {36, 48, 1 * GIB, 0, 0, 40960, "GenuineIntel", "1G", 0},
        {36, 48, 32 * GIB, 0, 0, 40960, "GenuineIntel", "54G", DP_DIAG_VMX_WINDOW_CPU},
        {39, 48, 512 * GIB, 0, 0, 512, "GenuineIntel", "1020G", DP_DIAG_VMX_WINDOW_CPU},
        {46, 36, 1 * GIB, 0, 0, 65536, "GenuineIntel", NULL, DP_DIAG_VMX_MEMORY_IOMMU},
        {46, 39, 512 * GIB, 0, 0, 512, "GenuineIntel", "1020G", DP_DIAG_VMX_WINDOW_IOMMU},
        /* what does not end below AMD's own addresses begins behind them: at 1 TiB */
        {48, 0, 512 * GIB, 0, 0, 512, "AuthenticAMD", "512G", 0},
        {48, 0, 16 * GIB, 0, 0, 512, "AuthenticAMD", NULL, 0},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(PlanFixture) fixture = plan_fixture_new();
        g_autofree char *memsize = g_strdup_printf("memsize=%" G_GUINT64_FORMAT, rows[i].memory);
        g_autofree char *gb =
            g_strdup_printf("pciPassthru.64bitMMIOSizeGB=%" G_GUINT64_FORMAT, rows[i].gb);
        const char *changes[] = {memsize, "sched.mem.max=unlimited", rows[i].gb != 0 ? gb : NULL,
                                 NULL};
        g_autofree char *wanted =
            g_strdup_printf("q35-pcihost.pci-hole64-size=%s\n", rows[i].window);
        g_autofree char *argv = NULL, *diags = NULL;
        g_autoptr(DpPlan) plan = NULL;

        fixture->host->platform.mem_available = 128 * GIB;
        fixture->host->platform.address_bits = rows[i].cpu_bits;
        fixture->host->platform.iommu_bits = rows[i].iommu_bits;
        g_free(fixture->host->platform.cpu_vendor);
        fixture->host->platform.cpu_vendor = g_strdup(rows[i].vendor);
        set_bar(fixture, DISK, rows[i].first);
        set_bar(fixture, NIC, rows[i].second);
        plan = plan_fixture_changed(fixture, changes);
        argv = plan_argv(plan);
        diags = plan_diags(plan);
        g_test_message("row %zu: %s%s", i, diags, argv);
        g_assert_cmpint(strstr(argv, rows[i].window != NULL ? wanted : "hole64") != NULL, ==,
                        rows[i].window != NULL);
        for (DpDiagId id = DP_DIAG_VMX_WINDOW_CPU; id <= DP_DIAG_VMX_WINDOW_IOMMU; id++) {
            const DpDiag *diag = plan_diag(plan, id);

            g_assert_cmpint(diag != NULL, ==, id == rows[i].id);
            g_assert_true(diag == NULL || diag->remedy[0] != '\0');
        }
    }
}

/* libvirt is told of the window where it is not the usual one. */
static void
test_window_exported(void)
{
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autoptr(DpPlan) usual = plan_fixture_changed(fixture, NULL), large = NULL;
    g_autofree char *without = dp_export_libvirt(usual, diags, NULL), *with = NULL;

    set_bar(fixture, DISK, 32 * GIB);
    large = plan_fixture_changed(fixture, NULL);
    g_assert_cmpuint(large->window, ==, 60 * GIB);
    with = dp_export_libvirt(large, diags, NULL);
    g_assert_null(strstr(without, "pcihole64"));
    g_assert_nonnull(strstr(with, "<pcihole64 unit='KiB'>62914560</pcihole64>"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/memory/second-is-refused", test_second_is_refused);
    g_test_add_func("/memory/pinned-counts-once", test_what_is_pinned_counts_once);
    g_test_add_func("/memory/reservation-of-others", test_reservation_of_others);
    g_test_add_func("/memory/huge-pages", test_huge_pages);
    g_test_add_func("/memory/small-pages", test_small_pages);
    g_test_add_func("/memory/display", test_display_memory);
    g_test_add("/memory/missing", Fixture, NULL, set_up, test_missing, tear_down);
    g_test_add("/memory/promises", Fixture, NULL, set_up, test_promises, tear_down);
    g_test_add_func("/memory/window", test_window);
    g_test_add_func("/memory/window-exported", test_window_exported);
    return g_test_run();
}
