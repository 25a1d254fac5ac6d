/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Enabling and disabling on the made host "lab", whose kernel is fake-kernel.c. */
#include "assign-bench.h"

#include <string.h>

#define NVME   "0000:03:00.0" /* alone in its unit, FLR */
#define NIC    "0000:04:00.0"
#define E1000  "0000:05:01.0" /* one group with the next, behind a PCIe-to-PCI bridge */
#define RTL    "0000:05:02.0"
#define ROOT   "0000:01:00.0" /* holds / */
#define EDU    "0000:00:05.0" /* no driver, no reset */
#define BRIDGE "0000:00:07.0"

static void
test_enable(void)
{
    g_autoptr(Bench) bench = bench_new("lab");
    g_autofree char *conf = NULL;

    g_assert_true(bench_enable(bench, NVME, NULL));
    bench_expect(bench, NVME, "vfio-pci", "vfio-pci");
    g_assert_true(bench->outcome->changed);
    g_assert_false(bench->outcome->reboot_required);
    conf = fake_kernel_read(bench->kernel, "etc/directpath/esx.conf");
    g_assert_nonnull(strstr(conf, "/device/003:00.0/owner = \"passthru\"\n"));
    g_assert_nonnull(strstr(conf, "/system/uuid = \""));
    g_assert_null(fake_kernel_read(bench->kernel, "run/directpath/intent"));

    g_assert_true(bench_enable(bench, NVME, NULL));
    g_assert_false(bench->outcome->changed);
    g_assert_cmpuint(bench->kernel->plan->n, ==, 0);
}

static void
test_disable(void)
{
    g_autoptr(Bench) bench = bench_new("lab");

    g_assert_true(bench_disable(bench, NVME, NULL));
    g_assert_false(bench->outcome->changed);
    g_assert_true(bench_enable(bench, NVME, NIC, NULL));
    g_assert_true(bench_disable(bench, NVME, NULL));
    g_assert_true(bench->outcome->changed);
    bench_expect(bench, NVME, "nvme", "none");
    bench_expect(bench, NIC, "vfio-pci", "vfio-pci");
    g_assert_true(bench_disable(bench, NIC, NULL));
    bench_expect(bench, NIC, "e1000e", "none");
}

/* Whatever stood in the file stands in it again, in whatever order things are taken back. */
static void
test_bytes_return(void)
{
    static const char store[] = "/system/uuid = \"473027ac-5705f21d-6d09-000c2918f3dd\"\n"
                                "  /device/004:00.0/owner = \"vmkernel\"\n"
                                "/devcie/008:01.0/owner = \"passthru\"\n"
                                "/device/004:00.0/owner = \"vmkernel\"\n"
                                "/vmkdevmgr/pci = \"x\"\n";
    g_autoptr(Bench) bench = bench_new("lab");
    g_autofree char *after = NULL;

    bench_store(bench, store);
    g_assert_true(bench_enable(bench, NIC, NULL));
    g_assert_true(bench_enable(bench, NVME, NULL));
    g_assert_true(bench_enable(bench, "0000:06:00.1", NULL));
    g_assert_true(bench_disable(bench, NVME, NULL));
    g_assert_true(bench_disable(bench, NIC, NULL));
    g_assert_true(bench_disable(bench, "0000:06:00.1", NULL));
    after = fake_kernel_read(bench->kernel, "etc/directpath/esx.conf");
    g_assert_cmpstr(after, ==, store);
}

/* A last line without an end has none again. */
static void
test_bare_end_returns(void)
{
    static const char *const stores[] = {
        "/system/uuid = \"473027ac-5705f21d-6d09-000c2918f3dd\"",
        "/system/uuid = \"473027ac-5705f21d-6d09-000c2918f3dd\"\r\n# x",
        "/system/uuid = \"473027ac-5705f21d-6d09-000c2918f3dd\"\r\n",
        ("/device/003:00.0/owner = \"vmkernel\"\n"
         "/system/uuid = \"473027ac-5705f21d-6d09-000c2918f3dd\""),
    };

    for (size_t i = 0; i < G_N_ELEMENTS(stores); i++) {
        g_autoptr(Bench) bench = bench_new("lab");
        g_autofree char *after = NULL;

        bench_store(bench, stores[i]);
        g_assert_true(bench_enable(bench, NVME, NULL));
        g_assert_true(bench_enable(bench, NIC, NULL));
        g_assert_true(bench_disable(bench, NVME, NULL));
        g_assert_true(bench_disable(bench, NIC, NULL));
        after = fake_kernel_read(bench->kernel, "etc/directpath/esx.conf");
        g_assert_cmpstr(after, ==, stores[i]);
    }
}

static void
test_refusals(void)
{
    g_autoptr(Bench) bench = bench_new("lab");
    g_autofree char *before = fake_kernel_state(bench->kernel);
    g_autofree char *after = NULL;

    bench_refused(bench, bench_enable(bench, "0000:77:00.0", NULL), DP_DIAG_NO_SUCH_FUNCTION);
    bench_refused(bench, bench_enable(bench, ROOT, NULL), DP_DIAG_HOST_NEEDS_FILESYSTEM);
    bench_refused(bench, bench_enable(bench, "0000:00:00.0", NULL), DP_DIAG_NOT_PASSED_THROUGH);
    bench_refused(bench, bench_enable(bench, E1000, NULL), DP_DIAG_UNIT_INCOMPLETE);
    bench_refused(bench, bench_enable(bench, NVME, E1000, NULL), DP_DIAG_UNIT_INCOMPLETE);
    bench_refused(bench, bench_disable(bench, "0000:77:00.0", NULL), DP_DIAG_NO_SUCH_FUNCTION);
    after = fake_kernel_state(bench->kernel);
    g_assert_cmpstr(after, ==, before);
    g_assert_cmpuint(bench->kernel->plan->n, ==, 0);
}

static void
test_unit(void)
{
    g_autoptr(Bench) bench = bench_new("lab");

    g_assert_true(bench_enable(bench, E1000, RTL, NULL));
    bench_expect(bench, E1000, "vfio-pci", "vfio-pci");
    bench_expect(bench, RTL, "vfio-pci", "vfio-pci");
    g_assert_true(bench_disable(bench, RTL, NULL));
    bench_expect(bench, RTL, "8139cp", "none");
    bench_diag(bench, DP_DIAG_UNIT_SPLIT, DP_WARNING);
    /* The other is passthru by the store, so the unit is whole again. */
    g_assert_true(bench_enable(bench, RTL, NULL));

    bench->with_unit = true;
    g_assert_true(bench_disable(bench, E1000, NULL));
    bench_expect(bench, RTL, "8139cp", "none");
    g_assert_true(bench_enable(bench, E1000, NULL));
    bench_expect(bench, RTL, "vfio-pci", "vfio-pci");
}

/* ESX's way: the bridge is named, and all behind it goes along. */
static void
test_bridge(void)
{
    g_autoptr(Bench) bench = bench_new("lab");
    g_autofree char *conf = NULL;

    g_assert_true(bench_enable(bench, BRIDGE, NULL));
    bench_expect(bench, E1000, "vfio-pci", "vfio-pci");
    bench_expect(bench, RTL, "vfio-pci", "vfio-pci");
    conf = fake_kernel_read(bench->kernel, "etc/directpath/esx.conf");
    g_assert_nonnull(strstr(conf, "/device/000:07.0/owner = \"passthru\"\n"));
    bench_refused(bench, bench_disable(bench, RTL, NULL), DP_DIAG_BRIDGE_OWNS);
    g_assert_true(bench_disable(bench, BRIDGE, NULL));
    bench_expect(bench, E1000, "e1000", "none");
    bench_expect(bench, RTL, "8139cp", "none");
}

static void
test_override(void)
{
    static const int ids[] = {DP_DIAG_HOST_NEEDS_FILESYSTEM, DP_DIAG_FUNCTION_IN_USE};
    g_autoptr(Bench) bench = bench_new("lab");

    bench->overrides = ids;
    bench->n_overrides = 1;
    g_assert_true(bench_enable(bench, ROOT, NULL));
    bench_diag(bench, DP_DIAG_OVERRIDDEN, DP_WARNING);
    bench_expect(bench, ROOT, "vfio-pci", "vfio-pci");

    bench->n_overrides = 2;
    g_assert_true(bench_enable(bench, NVME, NULL));
    bench_diag(bench, DP_DIAG_OVERRIDE_UNUSED, DP_NOTE);
}

static void
test_in_use(void)
{
    g_autoptr(Bench) bench = bench_new("lab");

    g_assert_true(bench_enable(bench, NVME, E1000, RTL, NULL));
    bench->in_use = NVME;
    g_assert_true(bench_enable(bench, NVME, NULL));
    g_assert_false(bench->outcome->changed);
    bench_refused(bench, bench_disable(bench, NVME, NULL), DP_DIAG_FUNCTION_IN_USE);
    bench->in_use = E1000;
    bench_refused(bench, bench_disable(bench, RTL, NULL), DP_DIAG_FUNCTION_IN_USE);
    g_assert_cmpuint(bench->kernel->plan->n, ==, 0);
}

static void
test_dry_run(void)
{
    g_autoptr(Bench) bench = bench_new("lab");
    g_autofree char *before = fake_kernel_state(bench->kernel);
    g_autofree char *after = NULL;
    const DpStep *step;

    bench->dry_run = true;
    g_assert_true(bench_enable(bench, NVME, NULL));
    g_assert_false(bench->outcome->changed);
    g_assert_cmpuint(bench->outcome->steps->len, ==, 4);
    step = bench->outcome->steps->pdata[0];
    g_assert_cmpstr(step->action, ==, "set driver_override");
    g_assert_cmpstr(step->subject, ==, NVME);
    g_assert_cmpstr(step->detail, ==, "vfio-pci");
    step = bench->outcome->steps->pdata[3];
    g_assert_cmpstr(step->action, ==, "store owner");
    after = fake_kernel_state(bench->kernel);
    g_assert_cmpstr(after, ==, before);
    g_assert_null(fake_kernel_read(bench->kernel, "run/directpath/intent"));
    g_assert_cmpuint(bench->kernel->plan->n, ==, 0);
}

/* A folder: the store alone is edited. */
static void
test_captured(void)
{
    g_autoptr(Bench) bench = bench_new("lab");

    bench->kernel->root->write = NULL;
    g_assert_true(bench_enable(bench, NVME, NULL));
    g_assert_true(bench->outcome->changed);
    g_assert_true(bench->outcome->reboot_required);
    bench_diag(bench, DP_DIAG_STORED_ONLY, DP_NOTE);
    bench_expect(bench, NVME, "nvme", "none");
    g_assert_null(fake_kernel_read(bench->kernel, "run/directpath/intent"));
    g_assert_true(bench_enable(bench, NVME, NULL));
    g_assert_false(bench->outcome->changed);
    g_assert_true(bench_disable(bench, NVME, NULL));
    g_assert_true(bench->outcome->changed);
}

/* The store now, the bindings at the next boot. */
static void
test_store_only(void)
{
    g_autoptr(Bench) bench = bench_new("lab");
    g_autofree char *conf = NULL;

    bench->store_only = true;
    g_assert_true(bench_enable(bench, NVME, NULL));
    g_assert_true(bench->outcome->changed);
    g_assert_true(bench->outcome->reboot_required);
    bench_diag(bench, DP_DIAG_STORED_ONLY, DP_NOTE);
    bench_expect(bench, NVME, "nvme", "none");
    conf = fake_kernel_read(bench->kernel, "etc/directpath/esx.conf");
    g_assert_nonnull(strstr(conf, "/device/003:00.0/owner = \"passthru\"\n"));
    g_assert_null(fake_kernel_read(bench->kernel, "run/directpath/intent"));
    bench->store_only = false;
    g_assert_true(bench_recover(bench));
    bench_expect(bench, NVME, "nvme", "none");
    g_assert_true(bench_apply(bench));
    bench_expect(bench, NVME, "vfio-pci", "vfio-pci");

    bench->store_only = true;
    g_assert_true(bench_disable(bench, NVME, NULL));
    g_assert_true(bench->outcome->reboot_required);
    bench_expect(bench, NVME, "vfio-pci", "vfio-pci");
    g_assert_true(bench_enable(bench, NVME, NULL));
    g_assert_true(bench->outcome->changed);
    g_assert_false(bench->outcome->reboot_required); /* it is there already */

    bench->in_use = NVME;
    bench_refused(bench, bench_disable(bench, NVME, NULL), DP_DIAG_FUNCTION_IN_USE);
}

static void
test_foreign_override_returns(void)
{
    g_autoptr(Bench) bench = bench_new("lab");

    fake_kernel_put(bench->kernel, "sys/bus/pci/devices/" NVME "/driver_override", "special\n");
    fake_kernel_plan(bench->kernel, FAKE_REFUSE, 3);
    g_assert_false(bench_enable(bench, NVME, NULL));
    g_assert_error(bench->error, DP_ERROR, DP_ERROR_IO);
    bench_expect(bench, NVME, "nvme", "special");
}

static void
test_gone_device_is_disabled(void)
{
    g_autoptr(Bench) bench = bench_new("lab");
    g_autofree char *conf = NULL;

    bench_store(bench, "/device/119:00.0/owner = \"passthru\"\n");
    g_assert_true(bench_disable(bench, "0000:77:00.0", NULL));
    g_assert_true(bench->outcome->changed);
    conf = fake_kernel_read(bench->kernel, "etc/directpath/esx.conf");
    g_assert_nonnull(strstr(conf, "/device/119:00.0/owner = \"vmkernel\"\n"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/assign/enable", test_enable);
    g_test_add_func("/assign/disable", test_disable);
    g_test_add_func("/assign/bytes-return", test_bytes_return);
    g_test_add_func("/assign/bare-end-returns", test_bare_end_returns);
    g_test_add_func("/assign/refusals", test_refusals);
    g_test_add_func("/assign/unit", test_unit);
    g_test_add_func("/assign/bridge", test_bridge);
    g_test_add_func("/assign/override", test_override);
    g_test_add_func("/assign/in-use", test_in_use);
    g_test_add_func("/assign/dry-run", test_dry_run);
    g_test_add_func("/assign/captured", test_captured);
    g_test_add_func("/assign/store-only", test_store_only);
    g_test_add_func("/assign/foreign-override", test_foreign_override_returns);
    g_test_add_func("/assign/gone-device", test_gone_device_is_disabled);
    return g_test_run();
}
