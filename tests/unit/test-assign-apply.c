/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A store that was edited by hand, and cards that moved meanwhile. */
#include "assign-bench.h"

#include <string.h>

#define NVME  "0000:03:00.0"
#define NIC   "0000:04:00.0"
#define E1000 "0000:05:01.0"
#define RTL   "0000:05:02.0"
#define ROOT  "0000:01:00.0"

static void
test_hand_edit(void)
{
    g_autoptr(Bench) bench = bench_new("lab");

    bench_store(bench, "/device/003:00.0/owner = \"passthru\"\n"
                       "/device/000:07.0/owner = \"passthru\"\n"
                       "/device/005:01.0/owner = \"vmkernel\"\n");
    g_assert_true(bench_apply(bench));
    g_assert_true(bench->outcome->changed);
    g_assert_cmpuint(bench->outcome->n_done, ==, 3);
    bench_expect(bench, NVME, "vfio-pci", "vfio-pci");
    bench_expect(bench, E1000, "vfio-pci", "vfio-pci");
    bench_expect(bench, RTL, "vfio-pci", "vfio-pci");
    g_assert_true(bench_apply(bench));
    g_assert_false(bench->outcome->changed);
    g_assert_cmpuint(bench->kernel->plan->n, ==, 0);

    bench_store(bench, "/device/003:00.0/owner = \"vmkernel\"\n");
    g_assert_true(bench_apply(bench));
    bench_expect(bench, NVME, "nvme", "none");
    bench_expect(bench, E1000, "e1000", "none");
}

/* What another program gave to vfio-pci without an override is left to it. */
static void
test_foreign_binding(void)
{
    g_autoptr(Bench) bench = bench_new("lab");

    g_assert_true(bench_enable(bench, NVME, NULL));
    fake_kernel_put(bench->kernel, "sys/bus/pci/devices/" NVME "/driver_override", "(null)\n");
    bench_store(bench, "");
    g_assert_true(bench_apply(bench));
    g_assert_false(bench->outcome->changed);
    bench_expect(bench, NVME, "vfio-pci", "none");
}

static void
test_in_use(void)
{
    g_autoptr(Bench) bench = bench_new("lab");

    g_assert_true(bench_enable(bench, NVME, NIC, NULL));
    bench_store(bench, "");
    bench->in_use = NVME;
    g_assert_true(bench_apply(bench));
    bench_expect(bench, NVME, "vfio-pci", "vfio-pci");
    bench_expect(bench, NIC, "e1000e", "none");
}

static void
test_gone(void)
{
    g_autoptr(Bench) bench = bench_new("lab");

    bench_store(bench, "/device/119:00.0/owner = \"passthru\"\n"
                       "/device/003:00.0/owner = \"passthru\"\n");
    g_assert_true(bench_apply(bench));
    bench_diag(bench, DP_DIAG_STORED_ABSENT, DP_WARNING);
    bench_expect(bench, NVME, "vfio-pci", "vfio-pci");
}

/* Another card in the place is not what was enabled. */
static void
test_other_model(void)
{
    g_autoptr(Bench) bench = bench_new("lab");

    g_assert_true(bench_enable(bench, NVME, NIC, NULL));
    /* A boot: the kernel has forgotten, the store has not. */
    fake_kernel_boot(bench->kernel);
    fake_kernel_put(bench->kernel, "sys/bus/pci/devices/" NVME "/device", "0x0011\n");
    g_assert_false(bench_apply(bench));
    g_assert_error(bench->error, DP_ERROR, DP_ERROR_REFUSED);
    bench_diag(bench, DP_DIAG_STORED_OTHER_MODEL, DP_ERROR_SEVERITY);
    bench_expect(bench, NVME, "nvme", "none");
    bench_expect(bench, NIC, "vfio-pci", "vfio-pci");
    g_assert_cmpuint(bench->outcome->n_done, ==, 1);
    g_assert_cmpuint(bench->outcome->n_failed, ==, 1);
}

/* The rules count for the store too, and overrides are remembered. */
static void
test_needed_by_host(void)
{
    static const int ids[] = {DP_DIAG_HOST_NEEDS_FILESYSTEM};
    g_autoptr(Bench) bench = bench_new("lab");

    bench_store(bench, "/device/001:00.0/owner = \"passthru\"\n"
                       "/device/003:00.0/owner = \"passthru\"\n");
    g_assert_false(bench_apply(bench));
    g_assert_error(bench->error, DP_ERROR, DP_ERROR_REFUSED);
    bench_diag(bench, DP_DIAG_APPLY_REFUSED, DP_ERROR_SEVERITY);
    bench_expect(bench, ROOT, "nvme", "none");
    bench_expect(bench, NVME, "vfio-pci", "vfio-pci");

    bench->overrides = ids;
    bench->n_overrides = 1;
    bench_store(bench, "");
    g_assert_true(bench_enable(bench, ROOT, NULL));
    bench->n_overrides = 0;
    fake_kernel_boot(bench->kernel);
    g_assert_true(bench_apply(bench));
    bench_expect(bench, ROOT, "vfio-pci", "vfio-pci");
}

static void
test_broken_identities(void)
{
    static const char *const texts[] = {"", "[]", "{\"version\": 9}", "{\"version\": 1}", "\xff"};

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(Bench) bench = bench_new("lab");

        bench_store(bench, "/device/003:00.0/owner = \"passthru\"\n");
        fake_kernel_put(bench->kernel, "etc/directpath/devices.json", texts[i]);
        g_assert_true(bench_apply(bench));
        bench_diag(bench, DP_DIAG_IDENTITIES_BROKEN, DP_WARNING);
        bench_expect(bench, NVME, "vfio-pci", "vfio-pci");
    }
}

/* The time is over before the first: each is left, and the next command does them all. */
static void
test_late(void)
{
    g_autoptr(Bench) bench = bench_new("lab");

    bench_store(bench, "/device/003:00.0/owner = \"passthru\"\n"
                       "/device/004:00.0/owner = \"passthru\"\n");
    bench->until_us = g_get_monotonic_time();
    g_assert_false(bench_apply(bench));
    g_assert_error(bench->error, DP_ERROR, DP_ERROR_IO);
    bench_diag(bench, DP_DIAG_APPLY_LATE, DP_ERROR_SEVERITY);
    g_assert_cmpuint(bench->outcome->n_failed, ==, 2);
    bench_expect(bench, NVME, "nvme", "none");
    bench_expect(bench, NIC, "e1000e", "none");
    g_assert_null(fake_kernel_read(bench->kernel, "run/directpath/intent"));
    bench->until_us = g_get_monotonic_time() + G_USEC_PER_SEC * 600;
    g_assert_true(bench_apply(bench));
    bench_expect(bench, NVME, "vfio-pci", "vfio-pci");
    bench_expect(bench, NIC, "vfio-pci", "vfio-pci");
}

/* All to the host, as when the program is removed; the store holds again from the next apply on. */
static void
test_release(void)
{
    g_autoptr(Bench) bench = bench_new("lab");
    g_autofree char *before = fake_kernel_state(bench->kernel);
    g_autofree char *stored = NULL, *conf = NULL, *released = NULL;

    g_assert_true(bench_enable(bench, NVME, NIC, NULL));
    stored = fake_kernel_read(bench->kernel, "etc/directpath/esx.conf");
    bench->in_use = NIC;
    bench->release = true;
    g_assert_true(bench_apply(bench));
    bench_expect(bench, NVME, "nvme", "none");
    bench_expect(bench, NIC, "vfio-pci", "vfio-pci");
    bench->in_use = NULL;
    g_assert_true(bench_apply(bench));
    bench_expect(bench, NIC, "e1000e", "none");
    conf = fake_kernel_read(bench->kernel, "etc/directpath/esx.conf");
    g_assert_cmpstr(conf, ==, stored);
    bench_store(bench, "");
    released = fake_kernel_state(bench->kernel);
    g_assert_true(g_str_has_prefix(before, released)); /* but for the store, as it was */

    bench_store(bench, stored);
    bench->release = false;
    g_assert_true(bench_apply(bench));
    bench_expect(bench, NVME, "vfio-pci", "vfio-pci");
    bench_expect(bench, NIC, "vfio-pci", "vfio-pci");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/assign-apply/hand-edit", test_hand_edit);
    g_test_add_func("/assign-apply/foreign-binding", test_foreign_binding);
    g_test_add_func("/assign-apply/in-use", test_in_use);
    g_test_add_func("/assign-apply/gone", test_gone);
    g_test_add_func("/assign-apply/other-model", test_other_model);
    g_test_add_func("/assign-apply/needed-by-host", test_needed_by_host);
    g_test_add_func("/assign-apply/broken-identities", test_broken_identities);
    g_test_add_func("/assign-apply/late", test_late);
    g_test_add_func("/assign-apply/release", test_release);
    return g_test_run();
}
