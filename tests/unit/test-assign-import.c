/* SPDX-License-Identifier: GPL-2.0-or-later */
/* import esx-conf --yes on a kernel that follows, and on one that does not. */
#include "assign-bench.h"

#include <string.h>

#define NVME "0000:03:00.0"
#define NIC  "0000:04:00.0"
#define ROOT "0000:01:00.0"
#define RTL  "0000:05:02.0"

#define UUID_LINE "/system/uuid = \"473027ac-5705f21d-6d09-000c2918f3dd\"\n"

static const char file[] = "/device/003:00.0/owner = \"passthru\"\n"
                           "/device/004:00.0/owner = \"passthru\"\n"
                           "/device/001:00.0/owner = \"passthru\"\n"
                           "/device/119:00.0/owner = \"passthru\"\n"
                           "/device/004:00.0/vmkname = \"vmnic1\"\n"
                           "/device/119:00.0/vmkname = \"vmnic9\"\n" UUID_LINE;

static const char after[] = UUID_LINE "/device/004:00.0/vmkname = \"vmnic1\"\n"
                                      "/device/003:00.0/owner = \"passthru\"\n"
                                      "/device/004:00.0/owner = \"passthru\"\n";

static void
expect_store(const Bench *bench, const char *want)
{
    g_autofree char *conf = fake_kernel_read(bench->kernel, "etc/directpath/esx.conf");

    g_assert_cmpstr(conf, ==, want);
}

static void
test_import(void)
{
    g_autoptr(Bench) bench = bench_new("lab");

    bench->dry_run = true;
    g_assert_true(bench_import(bench, file));
    g_assert_false(bench->outcome->changed);
    g_assert_cmpuint(bench->outcome->steps->len, >, 0);
    expect_store(bench, NULL);
    bench_expect(bench, NVME, "nvme", "none");

    bench->dry_run = false;
    g_assert_true(bench_import(bench, file));
    g_assert_true(bench->outcome->changed);
    expect_store(bench, after);
    bench_expect(bench, NVME, "vfio-pci", "vfio-pci");
    bench_expect(bench, NIC, "vfio-pci", "vfio-pci");
    bench_expect(bench, ROOT, "nvme", "none");

    g_assert_true(bench_import(bench, file));
    g_assert_false(bench->outcome->changed);
    expect_store(bench, after);

    /* What was taken over is given back as if it had been enabled here. */
    g_assert_true(bench_disable(bench, NVME, NIC, NULL));
    expect_store(bench, UUID_LINE "/device/004:00.0/vmkname = \"vmnic1\"\n");
}

/* A kernel that refuses: owners are taken back, systemId and names stay. */
static void
test_kernel_refuses(void)
{
    g_autoptr(Bench) bench = bench_new("lab");

    fake_kernel_plan(bench->kernel, FAKE_REFUSE, 6);
    g_assert_false(bench_import(bench, file));
    g_assert_error(bench->error, DP_ERROR, DP_ERROR_IO);
    fake_kernel_plan(bench->kernel, FAKE_OBEY, 0);
    expect_store(bench, UUID_LINE "/device/004:00.0/vmkname = \"vmnic1\"\n");
    bench_expect(bench, NVME, "nvme", "none");
    bench_expect(bench, NIC, "e1000e", "none");
}

/* Half of a unit is refused, and with it the other line that needs it. */
static void
test_units(void)
{
    g_autoptr(Bench) bench = bench_new("lab");

    g_assert_true(bench_import(bench, "/device/005:02.0/owner = \"passthru\"\n"));
    g_assert_false(bench->outcome->changed);
    bench_expect(bench, RTL, "8139cp", "none");
    g_assert_true(bench_import(bench, "/device/005:01.0/owner = \"passthru\"\n"
                                      "/device/005:02.0/owner = \"passthru\"\n"));
    bench_expect(bench, RTL, "vfio-pci", "vfio-pci");
}

/* VMX files that were made here name the systemId of this host: it goes only when that is said. */
static void
test_own_system_id(void)
{
    static const char own[] = "/system/uuid = \"0a3027ac-5705f21d-6d09-000c2918f3dd\"\n";
    g_autoptr(Bench) bench = bench_new("lab");
    g_autofree char *kept = NULL;

    fake_kernel_put(bench->kernel, "etc/directpath/esx.conf", own);
    g_assert_true(bench_import(bench, UUID_LINE "/device/003:00.0/owner = \"passthru\"\n"));
    kept = g_strconcat(own, "/device/003:00.0/owner = \"passthru\"\n", NULL);
    expect_store(bench, kept);
    bench->take_system_id = true;
    g_assert_true(bench_import(bench, UUID_LINE "/device/003:00.0/owner = \"passthru\"\n"));
    expect_store(bench, UUID_LINE "/device/003:00.0/owner = \"passthru\"\n");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/assign-import/import", test_import);
    g_test_add_func("/assign-import/kernel-refuses", test_kernel_refuses);
    g_test_add_func("/assign-import/units", test_units);
    g_test_add_func("/assign-import/own-system-id", test_own_system_id);
    return g_test_run();
}
