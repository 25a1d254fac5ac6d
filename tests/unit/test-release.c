/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of functions that share a reset when their VM has ended. */
#include "assign-bench.h"
#include "assign/quarantine.h"
#include "vfio/fake.h"
#include "vm/release.h"

#include <errno.h>
#include <string.h>

#define E1000 "0000:05:01.0" /* shares its bus */
#define RTL   "0000:05:02.0"

typedef struct {
    Bench *bench;
    DpVfioFake *fake;
    DpHost *host;
    DpMap *map;
    DpPolicy *policy;
    DpDiagList *diags;
    DpRunState *state;
    DpRelease release;
} Fixture;

static void
add_function(Fixture *f, const char *name)
{
    DpRunFunction fn = {.group = 11};

    g_strlcpy(fn.name, name, sizeof fn.name);
    g_strlcpy(fn.reset, "bus", sizeof fn.reset); /* at power-on */
    g_array_append_val(f->state->functions, fn);
}

static void
set_up(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    f->bench = bench_new("lab");
    f->fake = dp_vfio_fake_new(0x8086, 0x100e);
    f->map = dp_map_new();
    f->diags = dp_diags_new();
    g_assert_true(bench_enable(f->bench, E1000, RTL, NULL));
    f->host = dp_host_scan(f->bench->kernel->root, NULL);
    f->policy = dp_policy_new(f->host, f->map);
    f->state = dp_run_state_new();
    f->state->name = g_strdup("vm");
    add_function(f, E1000);
    add_function(f, RTL);
    f->release = (DpRelease){.root = f->bench->kernel->root,
                             .vfio = &f->fake->ops,
                             .policy = f->policy,
                             .state = f->state};
}

static void
tear_down(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    dp_run_state_free(f->state);
    dp_policy_free(f->policy);
    dp_host_free(f->host);
    dp_map_free(f->map);
    g_ptr_array_unref(f->diags);
    dp_vfio_fake_free(f->fake);
    bench_free(f->bench);
}

static void
test_one_reset_for_both(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(DpEsxconf) conf = dp_store_load(f->bench->kernel->root, NULL, NULL);

    dp_release_all(&f->release, conf, f->diags);
    g_assert_cmpuint(f->fake->state->n_hot_resets, ==, 1);
    g_assert_cmpuint(f->diags->len, ==, 0);
    bench_expect(f->bench, E1000, "vfio-pci", "vfio-pci");
    bench_expect(f->bench, RTL, "vfio-pci", "vfio-pci");
}

/* The host must not get what a guest left in a device, though the store says that it is the
 * host's. */
static void
test_a_failed_reset_counts_for_nobody(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(DpEsxconf) conf = dp_esxconf_new();

    f->fake->state->hot_reset_error = -EIO;
    dp_release_all(&f->release, conf, f->diags);
    g_assert_true(dp_diags_have(f->diags, DP_DIAG_VM_NOT_RESET));
    g_assert_true(dp_quarantine_has(f->bench->kernel->root, E1000));
    g_assert_true(dp_quarantine_has(f->bench->kernel->root, RTL));
    bench_expect(f->bench, E1000, "vfio-pci", "vfio-pci");
    bench_expect(f->bench, RTL, "vfio-pci", "vfio-pci");
}

/* One that could not even be opened is as dirty. */
static void
test_a_reset_that_cannot_be_tried(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(DpEsxconf) conf = dp_esxconf_new();

    f->fake->state->open_error = -EBUSY;
    dp_release_all(&f->release, conf, f->diags);
    g_assert_true(dp_quarantine_has(f->bench->kernel->root, E1000));
    bench_expect(f->bench, E1000, "vfio-pci", "vfio-pci");
}

static void
test_an_unreadable_store_is_told(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    dp_release_all(&f->release, NULL, f->diags);
    g_assert_true(dp_diags_have(f->diags, DP_DIAG_VM_GIVE_BACK));
    bench_expect(f->bench, E1000, "vfio-pci", "vfio-pci");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/release/shared", Fixture, NULL, set_up, test_one_reset_for_both, tear_down);
    g_test_add("/release/failed", Fixture, NULL, set_up, test_a_failed_reset_counts_for_nobody,
               tear_down);
    g_test_add("/release/not-tried", Fixture, NULL, set_up, test_a_reset_that_cannot_be_tried,
               tear_down);
    g_test_add("/release/store", Fixture, NULL, set_up, test_an_unreadable_store_is_told,
               tear_down);
    return g_test_run();
}
