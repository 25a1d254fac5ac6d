/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An enabled function is kept awake, and sleeps again as it did before when it is released. */
#include "assign-bench.h"

#include <glib/gstdio.h>
#include <string.h>

#define NVME "0000:03:00.0"
#define NIC  "0000:04:00.0"
#define EDU  "0000:06:00.1" /* a function without a driver */

#define DEVICES "sys/bus/pci/devices/"
#define RECORD  "run/directpath/power"

static void
expect_power(Bench *bench, const char *name, const char *control, const char *d3cold)
{
    g_autofree char *control_path = g_strdup_printf(DEVICES "%s/power/control", name);
    g_autofree char *d3cold_path = g_strdup_printf(DEVICES "%s/d3cold_allowed", name);
    g_autofree char *control_now = fake_kernel_read(bench->kernel, control_path);
    g_autofree char *d3cold_now = fake_kernel_read(bench->kernel, d3cold_path);

    g_assert_cmpstr(g_strchomp(control_now), ==, control);
    g_assert_cmpstr(g_strchomp(d3cold_now), ==, d3cold);
}

static void
expect_no_record(Bench *bench)
{
    g_autofree char *record = fake_kernel_read(bench->kernel, RECORD);

    g_assert_null(record);
}

/* As a rule of udev leaves a disk that may sleep. */
static void
let_sleep(Bench *bench, const char *d3cold)
{
    fake_kernel_put(bench->kernel, DEVICES NVME "/power/control", "auto\n");
    fake_kernel_put(bench->kernel, DEVICES NVME "/d3cold_allowed", d3cold);
}

static void
test_held_and_restored(void)
{
    static const char *const d3cold[] = {"1", "0"};
    g_autoptr(Bench) bench = bench_new("lab");

    for (size_t i = 0; i < G_N_ELEMENTS(d3cold); i++) {
        g_autofree char *line = g_strconcat(d3cold[i], "\n", NULL);

        let_sleep(bench, line);
        g_assert_true(bench_enable(bench, NVME, NIC, NULL));
        g_assert_cmpuint(bench->outcome->diags->len, ==, 0);
        expect_power(bench, NVME, "on", "0");
        expect_power(bench, NIC, "on", "0");
        g_assert_true(bench_disable(bench, NVME, NIC, NULL));
        expect_power(bench, NVME, "auto", d3cold[i]);
        expect_power(bench, NIC, "on", "1");
        expect_no_record(bench);
    }
}

/* Enabling twice, or applying in between, does not take what is held for what was there before. */
static void
test_again(void)
{
    g_autoptr(Bench) bench = bench_new("lab");

    let_sleep(bench, "1\n");
    g_assert_true(bench_enable(bench, NVME, NULL));
    g_assert_true(bench_enable(bench, NVME, NULL));
    g_assert_true(bench_apply(bench));
    g_assert_false(bench->outcome->changed);
    g_assert_true(bench_disable(bench, NVME, NULL));
    expect_power(bench, NVME, "auto", "1");
}

/* Claimed before its driver came: what the driver will choose is its own. */
static void
test_claimed_at_boot(void)
{
    g_autoptr(Bench) bench = bench_new("lab");
    DpRoot *root = bench->kernel->root;

    bench_store(bench, "/device/003:00.0/owner = \"passthru\"\n");
    g_assert_cmpint(root->write(root, DEVICES NVME "/driver/unbind", NVME), ==, 0);
    g_assert_cmpint(root->write(root, DEVICES NVME "/driver_override", "vfio-pci"), ==, 0);
    g_assert_cmpint(root->write(root, "sys/bus/pci/drivers_probe", NVME), ==, 0);
    expect_power(bench, NVME, "auto", "1");
    g_assert_true(bench_apply(bench));
    expect_power(bench, NVME, "on", "0");
    g_assert_true(bench->outcome->changed);
    g_assert_true(bench_apply(bench));
    g_assert_false(bench->outcome->changed);
}

static void
test_driverless(void)
{
    g_autoptr(Bench) bench = bench_new("lab");

    g_assert_true(bench_enable(bench, EDU, NULL));
    expect_power(bench, EDU, "on", "0");
    g_assert_true(bench_disable(bench, EDU, NULL));
    expect_power(bench, EDU, "on", "1");
    expect_no_record(bench);
}

/* A kernel without the files is left alone. */
static void
test_no_files(void)
{
    g_autoptr(Bench) bench = bench_new("lab");
    g_autofree char *control =
        g_build_filename(bench->kernel->path, DEVICES NVME "/power/control", NULL);
    g_autofree char *d3cold =
        g_build_filename(bench->kernel->path, DEVICES NVME "/d3cold_allowed", NULL);

    g_assert_cmpint(g_unlink(d3cold), ==, 0);
    g_assert_true(bench_enable(bench, NVME, NULL));
    g_assert_false(g_file_test(d3cold, G_FILE_TEST_EXISTS));
    g_assert_true(bench_disable(bench, NVME, NULL));
    g_assert_cmpint(g_unlink(control), ==, 0);
    g_assert_true(bench_disable(bench, NVME, NULL));
    expect_no_record(bench);
}

/* Override, unbind, probe, control, d3cold_allowed: what the kernel refuses is told, and is no
 * reason to refuse the device. */
static void
test_refused(void)
{
    g_autoptr(Bench) bench = bench_new("lab");

    for (unsigned at = 4; at <= 5; at++) {
        let_sleep(bench, "1\n");
        fake_kernel_plan(bench->kernel, FAKE_REFUSE, at);
        g_assert_true(bench_enable(bench, NVME, NULL));
        bench_diag(bench, DP_DIAG_POWER_NOT_HELD, DP_WARNING);
        bench_expect(bench, NVME, "vfio-pci", "vfio-pci");
        fake_kernel_plan(bench->kernel, FAKE_OBEY, 0);
        g_assert_true(bench_apply(bench));
        expect_power(bench, NVME, "on", "0");
        fake_kernel_plan(bench->kernel, FAKE_REFUSE, at);
        g_assert_true(bench_disable(bench, NVME, NULL));
        bench_diag(bench, DP_DIAG_POWER_NOT_RESTORED, DP_WARNING);
        fake_kernel_plan(bench->kernel, FAKE_OBEY, 0);
        g_assert_true(bench_recover(bench));
        expect_power(bench, NVME, "auto", "1");
        expect_no_record(bench);
    }
}

/* A record that was tampered with puts nothing into sysfs but the kernel's own words. */
static void
test_odd_record(void)
{
    static const char *const records[] = {
        "no json",
        "{\"version\": 1, \"functions\": []}",
        "{\"version\": 1, \"functions\": {\"" NVME "\": {\"power/control\": \"x\"}}}",
        "{\"version\": 1, \"functions\": {\"" NVME "\": {\"d3cold_allowed\": 7}}}",
        "{\"version\": 1, \"functions\": {\"" NVME "\": \"auto\"}}",
    };
    g_autoptr(Bench) bench = bench_new("lab");

    for (size_t i = 0; i < G_N_ELEMENTS(records); i++) {
        g_assert_true(bench_enable(bench, NVME, NULL));
        fake_kernel_put(bench->kernel, RECORD, records[i]);
        g_assert_true(bench_disable(bench, NVME, NULL));
        bench_expect(bench, NVME, "nvme", "none");
        expect_power(bench, NVME, "on", "0");
        fake_kernel_restart(bench->kernel);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/device-power/held-and-restored", test_held_and_restored);
    g_test_add_func("/device-power/again", test_again);
    g_test_add_func("/device-power/claimed-at-boot", test_claimed_at_boot);
    g_test_add_func("/device-power/driverless", test_driverless);
    g_test_add_func("/device-power/no-files", test_no_files);
    g_test_add_func("/device-power/refused", test_refused);
    g_test_add_func("/device-power/odd-record", test_odd_record);
    return g_test_run();
}
