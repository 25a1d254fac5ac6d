/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A boot with directpath=off: nothing is claimed, whatever is stored, and nothing is lost. */
#include "assign-bench.h"

#include "assign/rehearsal.h"
#include "vfio/fake.h"

#include <string.h>

#define NVME "0000:03:00.0"
#define NIC  "0000:04:00.0"

#define STORED        "/system/uuid = \"473027ac-5705f21d-6d09-000c2918f3dd\"\n"
#define NVME_PASSTHRU STORED "/device/003:00.0/owner = \"passthru\"\n"

static Bench *
booted_off(const char *conf)
{
    Bench *bench = bench_new("lab");

    fake_kernel_put(bench->kernel, "proc/cmdline", "root=/dev/sda1 directpath=off\n");
    bench_store(bench, conf);
    return bench;
}

static void
expect_untouched(Bench *bench, const char *conf)
{
    g_autofree char *now = fake_kernel_read(bench->kernel, "etc/directpath/esx.conf");

    g_assert_cmpstr(now, ==, conf);
    bench_expect(bench, NVME, "nvme", "none");
    g_assert_cmpuint(bench->kernel->plan->n, ==, 0);
}

static void
test_words(void)
{
    static const struct {
        const char *cmdline;
        bool off;
    } rows[] = {
        {"directpath=off", true},
        {"quiet directpath=off ro", true},
        {"directpath=on", false},
        {"directpath=off directpath=on", false},
        {"directpath=on directpath=off", true},
        {"directpath=offline", false},
        {"nodirectpath=off", false},
        {"quiet -- directpath=off", false},
        {"", false},
        {NULL, false},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        DpHost host = {.platform = {.cmdline = (char *)rows[i].cmdline}};

        g_test_message("%s", rows[i].cmdline);
        g_assert_cmpint(dp_policy_claims_off(&host), ==, rows[i].off);
    }
}

static void
test_apply(void)
{
    g_autoptr(Bench) bench = booted_off(NVME_PASSTHRU);

    g_assert_true(bench_apply(bench));
    g_assert_false(bench->outcome->changed);
    g_assert_true(bench->outcome->reboot_required);
    bench_diag(bench, DP_DIAG_CLAIMS_OFF, DP_WARNING);
    expect_untouched(bench, NVME_PASSTHRU);

    /* The next boot has no such word. */
    fake_kernel_put(bench->kernel, "proc/cmdline", "root=/dev/sda1\n");
    g_assert_true(bench_apply(bench));
    bench_expect(bench, NVME, "vfio-pci", "vfio-pci");
}

/* What is stored is still changed by who says so. */
static void
test_enable_and_disable(void)
{
    g_autoptr(Bench) bench = booted_off(STORED);
    g_autofree char *conf = NULL;

    g_assert_true(bench_enable(bench, NVME, NULL));
    g_assert_true(bench->outcome->changed);
    g_assert_true(bench->outcome->reboot_required);
    bench_diag(bench, DP_DIAG_CLAIMS_OFF, DP_WARNING);
    expect_untouched(bench, NVME_PASSTHRU);

    g_assert_true(bench_enable(bench, NVME, NULL));
    g_assert_false(bench->outcome->changed);
    g_assert_true(bench->outcome->reboot_required);

    g_assert_true(bench_disable(bench, NVME, NULL));
    g_assert_false(bench->outcome->reboot_required);
    conf = fake_kernel_read(bench->kernel, "etc/directpath/esx.conf");
    g_assert_cmpstr(conf, ==, STORED);
    bench_expect(bench, NVME, "nvme", "none");
}

static void
test_armed(void)
{
    g_autoptr(Bench) bench = booted_off(STORED);

    bench->confirm_within_s = 60;
    bench_refused(bench, bench_enable(bench, NIC, NULL), DP_DIAG_CLAIMS_OFF);
    expect_untouched(bench, STORED);
}

static bool
rehearse(const DpChange *change, void *user, DpOutcome *outcome, GError **error)
{
    g_autoptr(DpRehearsal) rehearsal = dp_rehearsal_new();
    const DpVfioFake *fake = user;
    DpAddr addr;

    g_assert_true(dp_addr_parse_sysfs(NVME, &addr));
    return dp_assign_rehearse(change, &fake->ops, &addr, rehearsal, outcome, error);
}

static void
test_rehearsal(void)
{
    g_autoptr(Bench) bench = booted_off(STORED);
    g_autoptr(DpVfioFake) fake = dp_vfio_fake_new(0x1b36, 0x0010);

    bench_refused(bench, bench_do(bench, rehearse, fake), DP_DIAG_CLAIMS_OFF);
    expect_untouched(bench, STORED);
}

/* A disable that was killed before it stored is taken back to what was, not to what is stored. */
static void
test_recovery(void)
{
    g_autoptr(Bench) bench = booted_off(NVME_PASSTHRU);

    fake_kernel_put(bench->kernel, "run/directpath/intent",
                    "{\"version\": 1, \"command\": \"disable\", \"pid\": 1, \"pending\": false,"
                    " \"boot_id\": \"one-boot\", \"functions\": [{\"address\": \"" NVME "\","
                    " \"driver\": \"nvme\", \"override\": null, \"vendor\": null,"
                    " \"device\": null}]}");
    g_assert_true(bench_recover(bench));
    bench_diag(bench, DP_DIAG_INTERRUPTED, DP_WARNING);
    expect_untouched(bench, NVME_PASSTHRU);
}

/* One that waits for a reset is not claimed either. */
static void
test_quarantined(void)
{
    g_autoptr(Bench) bench = booted_off(STORED);

    fake_kernel_put(bench->kernel, "etc/directpath/quarantine.json",
                    "{\"version\": 1, \"functions\": {\"" NVME "\": {\"since\": \"then\","
                    " \"reason\": \"no\", \"boot_id\": \"other\"}}}");
    g_assert_true(bench_apply(bench));
    expect_untouched(bench, STORED);
    fake_kernel_put(bench->kernel, "proc/cmdline", "root=/dev/sda1\n");
    g_assert_true(bench_apply(bench));
    bench_expect(bench, NVME, "vfio-pci", "vfio-pci");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/claims-off/words", test_words);
    g_test_add_func("/claims-off/apply", test_apply);
    g_test_add_func("/claims-off/enable-and-disable", test_enable_and_disable);
    g_test_add_func("/claims-off/armed", test_armed);
    g_test_add_func("/claims-off/rehearsal", test_rehearsal);
    g_test_add_func("/claims-off/recovery", test_recovery);
    g_test_add_func("/claims-off/quarantined", test_quarantined);
    return g_test_run();
}
