/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A boot in its true order: functions without drivers, the claim, and only then the drivers. */
#include "assign-bench.h"

#include "assign/early.h"
#include "base/file.h"

#include <string.h>

#define NVME  "0000:03:00.0"
#define TWIN  "0000:06:00.0" /* the same driver's */
#define NIC   "0000:04:00.0"
#define E1000 "0000:05:01.0"
#define RTL   "0000:05:02.0"

typedef struct {
    Bench *bench;
    DpOutcome *outcome;
    GError *error;
} Boot;

static void
each_function(Bench *bench, void (*act)(Bench *bench, const char *name))
{
    g_autoptr(GPtrArray) names = dp_file_list(bench->kernel->root->fd, "sys/bus/pci/devices", NULL);

    for (guint i = 0; i < names->len; i++) {
        act(bench, names->pdata[i]);
    }
}

static void
put_attribute(Bench *bench, const char *name, const char *attr, const char *value)
{
    g_autofree char *path = g_strdup_printf("sys/bus/pci/devices/%s/%s", name, attr);

    (void)bench->kernel->root->write(bench->kernel->root, path, value);
}

static void
unbind(Bench *bench, const char *name)
{
    put_attribute(bench, name, "driver/unbind", name);
    put_attribute(bench, name, "driver_override", "\n");
}

static void
probe(Bench *bench, const char *name)
{
    (void)bench->kernel->root->write(bench->kernel->root, "sys/bus/pci/drivers_probe", name);
}

/* The kernel has found its functions, and no module is there yet. */
static Boot *
boot_bare(Bench *bench)
{
    Boot *boot = g_new0(Boot, 1);

    fake_kernel_boot(bench->kernel);
    each_function(bench, unbind);
    boot->bench = bench;
    return boot;
}

static void
boot_free(Boot *boot)
{
    g_clear_pointer(&boot->outcome, dp_outcome_free);
    g_clear_error(&boot->error);
    g_free(boot);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Boot, boot_free)

static bool
early(Boot *boot)
{
    g_clear_pointer(&boot->outcome, dp_outcome_free);
    g_clear_error(&boot->error);
    boot->outcome = dp_outcome_new();
    memset(boot->bench->kernel->plan, 0, sizeof *boot->bench->kernel->plan);
    return dp_assign_early(boot->bench->kernel->root, 0, boot->outcome, &boot->error);
}

static void
expect_nothing_written(const Boot *boot)
{
    g_assert_cmpuint(boot->bench->kernel->plan->n, ==, 0);
    g_assert_false(boot->outcome->changed);
}

static void
test_before_the_twin(void)
{
    g_autoptr(Bench) bench = bench_new("lab");
    g_autoptr(Boot) boot = NULL;

    g_assert_true(bench_enable(bench, NVME, NIC, NULL));
    boot = boot_bare(bench);
    g_assert_true(early(boot));
    g_assert_true(boot->outcome->changed);
    g_assert_cmpuint(boot->outcome->n_done, ==, 2);
    bench_expect(bench, NVME, "none", "vfio-pci");
    bench_expect(bench, TWIN, "none", "none");
    each_function(bench, probe);
    bench_expect(bench, NVME, "vfio-pci", "vfio-pci");
    bench_expect(bench, TWIN, "nvme", "none");

    /* The end of the boot finds all as stored, but for the power. */
    g_assert_true(bench_apply(bench));
    g_assert_cmpuint(bench->outcome->n_done, ==, 0);
    g_assert_true(early(boot));
    expect_nothing_written(boot);
}

/* The kernel forgets the override with the function. */
static void
test_removed_and_rescanned(void)
{
    g_autoptr(Bench) bench = bench_new("lab");
    g_autoptr(Boot) boot = NULL;

    g_assert_true(bench_enable(bench, NVME, NULL));
    boot = boot_bare(bench);
    for (unsigned i = 0; i < 2; i++) {
        g_assert_true(early(boot));
        probe(bench, NVME);
        bench_expect(bench, NVME, "vfio-pci", "vfio-pci");
        unbind(bench, NVME);
    }
    /* A driver that is there already was first: that is for the other command. */
    probe(bench, NVME);
    bench_expect(bench, NVME, "nvme", "none");
    g_assert_true(early(boot));
    expect_nothing_written(boot);
    g_assert_true(bench_apply(bench));
    bench_expect(bench, NVME, "vfio-pci", "vfio-pci");
}

/* A line of hand is judged first, by the rules of the host that is up: the root controller in it
 * keeps nobody from booting. */
static void
test_by_hand(void)
{
    g_autoptr(Bench) bench = bench_new("lab");
    g_autoptr(Boot) boot = NULL;

    bench_store(bench, "/device/001:00.0/owner = \"passthru\"\n"
                       "/device/003:00.0/owner = \"passthru\"\n");
    boot = boot_bare(bench);
    g_assert_true(early(boot));
    expect_nothing_written(boot);
    each_function(bench, probe);
    g_assert_false(bench_apply(bench));
    bench_diag(bench, DP_DIAG_APPLY_REFUSED, DP_ERROR_SEVERITY);

    boot_free(g_steal_pointer(&boot));
    boot = boot_bare(bench);
    g_assert_true(early(boot));
    bench_expect(bench, NVME, "none", "vfio-pci");
    bench_expect(bench, "0000:01:00.0", "none", "none");
}

static void
test_bridge(void)
{
    g_autoptr(Bench) bench = bench_new("lab");
    g_autoptr(Boot) boot = NULL;

    g_assert_true(bench_enable(bench, "0000:00:07.0", NULL));
    boot = boot_bare(bench);
    g_assert_true(early(boot));
    bench_expect(bench, E1000, "none", "vfio-pci");
    bench_expect(bench, RTL, "none", "vfio-pci");
    bench_expect(bench, "0000:00:07.0", "none", "none");
}

static void
test_other_card(void)
{
    g_autoptr(Bench) bench = bench_new("lab");
    g_autoptr(Boot) boot = NULL;

    g_assert_true(bench_enable(bench, NVME, NULL));
    boot = boot_bare(bench);
    fake_kernel_put(bench->kernel, "sys/bus/pci/devices/" NVME "/device", "0x0011\n");
    g_assert_true(early(boot));
    expect_nothing_written(boot);
}

static void
test_off(void)
{
    g_autoptr(Bench) bench = bench_new("lab");
    g_autoptr(Boot) boot = NULL;

    g_assert_true(bench_enable(bench, NVME, NULL));
    boot = boot_bare(bench);
    fake_kernel_put(bench->kernel, "proc/cmdline", "directpath=off\n");
    g_assert_true(early(boot));
    g_assert_true(dp_diags_have(boot->outcome->diags, DP_DIAG_CLAIMS_OFF));
    expect_nothing_written(boot);
}

static void
test_quarantined(void)
{
    g_autoptr(Bench) bench = bench_new("lab");
    g_autoptr(Boot) boot = boot_bare(bench);

    fake_kernel_put(bench->kernel, "etc/directpath/quarantine.json",
                    "{\"version\": 1, \"functions\": {\"" NVME "\": {\"since\": \"then\","
                    " \"reason\": \"no\", \"boot_id\": \"other\"}}}");
    g_assert_true(early(boot));
    bench_expect(bench, NVME, "none", "vfio-pci");
}

/* No store, and stores that nobody can read. */
static void
test_broken(void)
{
    static const char *const texts[] = {"", "\x01\x02\xff garbage \n= \"passthru\"",
                                        "/device/003:00.0/owner = \"passthru", "{}"};
    g_autoptr(Bench) bench = bench_new("lab");
    g_autoptr(Boot) boot = NULL;
    g_autofree char *large = g_strnfill(10u << 20, 'x');
    g_autofree char *path = g_build_filename(bench->kernel->path, "etc/directpath/esx.conf", NULL);

    g_assert_true(bench_enable(bench, NVME, NULL));
    boot = boot_bare(bench);
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        bench_store(bench, texts[i]);
        g_assert_true(early(boot));
        expect_nothing_written(boot);
    }
    bench_store(bench, large);
    g_assert_false(early(boot));
    expect_nothing_written(boot);
    g_assert_true(g_file_set_contents(path, "a\0b", 3, NULL));
    g_assert_false(early(boot));
    g_assert_error(boot->error, DP_ERROR, DP_ERROR_PARSE);
    expect_nothing_written(boot);
    g_assert_cmpint(unlink(path), ==, 0);
    g_assert_true(early(boot));
    expect_nothing_written(boot);
}

static void
test_builtin(void)
{
    g_autoptr(Bench) bench = bench_new("lab");
    g_autoptr(Boot) boot = NULL;
    g_autofree char *kernel = fake_kernel_read(bench->kernel, "proc/sys/kernel/osrelease");
    g_autofree char *list = g_strdup_printf("lib/modules/%s/modules.builtin", g_strstrip(kernel));

    g_assert_true(bench_enable(bench, NVME, NULL));
    boot = boot_bare(bench);
    each_function(bench, probe);
    fake_kernel_put(bench->kernel, list,
                    "kernel/drivers/nvme/host/nvme-core.ko\n"
                    "kernel/drivers/ata/ahci.ko\n");
    g_assert_true(early(boot));
    g_assert_false(dp_diags_have(boot->outcome->diags, DP_DIAG_DRIVER_BUILTIN));
    fake_kernel_put(bench->kernel, list,
                    "kernel/drivers/ata/ahci.ko\n"
                    "kernel/drivers/nvme/host/nvme.ko");
    g_assert_true(early(boot));
    g_assert_true(dp_diags_have(boot->outcome->diags, DP_DIAG_DRIVER_BUILTIN));
    expect_nothing_written(boot);
    g_assert_true(bench_apply(bench));
    bench_diag(bench, DP_DIAG_DRIVER_BUILTIN, DP_NOTE);
    bench_expect(bench, NVME, "vfio-pci", "vfio-pci");
}

/* Another command is at work: what is to be done is left to who comes after it. */
static void
test_busy(void)
{
    g_autoptr(Bench) bench = bench_new("lab");
    g_autoptr(Boot) boot = NULL;
    dp_autofd int lock = -1;

    g_assert_true(bench_enable(bench, NVME, NULL));
    boot = boot_bare(bench);
    lock = dp_store_lock(bench->kernel->root, 0, NULL);
    g_assert_cmpint(lock, >=, 0);
    g_assert_true(early(boot));
    expect_nothing_written(boot);
}

/* One that comes later in the boot: who asks must not believe that all is claimed. */
static void
test_absent(void)
{
    g_autoptr(Bench) bench = bench_new("lab");
    g_autoptr(Boot) boot = NULL;
    g_autofree char *link =
        g_build_filename(bench->kernel->path, "sys/bus/pci/devices", NVME, NULL);

    g_assert_true(bench_enable(bench, NVME, NIC, NULL));
    boot = boot_bare(bench);
    g_assert_cmpint(unlink(link), ==, 0);
    g_assert_true(early(boot));
    g_assert_cmpuint(boot->outcome->n_absent, ==, 1);
    g_assert_cmpuint(boot->outcome->n_done, ==, 1);
    g_assert_true(dp_diags_have(boot->outcome->diags, DP_DIAG_STORED_ABSENT));
    bench_expect(bench, NIC, "none", "vfio-pci");
}

/* One that the kernel refuses is told, and the others are claimed. */
static void
test_refused(void)
{
    g_autoptr(Bench) bench = bench_new("lab");
    g_autoptr(Boot) boot = NULL;

    g_assert_true(bench_enable(bench, NVME, NIC, NULL));
    boot = boot_bare(bench);
    boot->outcome = dp_outcome_new();
    fake_kernel_plan(bench->kernel, FAKE_REFUSE, 1);
    g_assert_false(dp_assign_early(bench->kernel->root, 0, boot->outcome, &boot->error));
    g_assert_error(boot->error, DP_ERROR, DP_ERROR_IO);
    g_assert_true(dp_diags_have(boot->outcome->diags, DP_DIAG_MOVE_FAILED));
    bench_expect(bench, NVME, "none", "none");
    bench_expect(bench, NIC, "none", "vfio-pci");
    g_clear_error(&boot->error);

    /* Its time is over. */
    g_assert_false(
        dp_assign_early(bench->kernel->root, g_get_monotonic_time(), boot->outcome, &boot->error));
    g_assert_true(dp_diags_have(boot->outcome->diags, DP_DIAG_APPLY_LATE));
    bench_expect(bench, NVME, "none", "none");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/assign-early/before-the-twin", test_before_the_twin);
    g_test_add_func("/assign-early/removed-and-rescanned", test_removed_and_rescanned);
    g_test_add_func("/assign-early/by-hand", test_by_hand);
    g_test_add_func("/assign-early/bridge", test_bridge);
    g_test_add_func("/assign-early/other-card", test_other_card);
    g_test_add_func("/assign-early/off", test_off);
    g_test_add_func("/assign-early/quarantined", test_quarantined);
    g_test_add_func("/assign-early/broken", test_broken);
    g_test_add_func("/assign-early/builtin", test_builtin);
    g_test_add_func("/assign-early/busy", test_busy);
    g_test_add_func("/assign-early/absent", test_absent);
    g_test_add_func("/assign-early/refused", test_refused);
    return g_test_run();
}
