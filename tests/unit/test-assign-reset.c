/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resets through a fake device: the method that was chosen, what it reaches, and what comes back.
 */
#include "assign-bench.h"
#include "vfio/fake.h"

#include <errno.h>
#include <string.h>

#define NVME  "0000:03:00.0" /* "flr bus" */
#define NIC   "0000:04:00.0" /* "pm bus" */
#define E1000 "0000:05:01.0" /* shares its bus */
#define RTL   "0000:05:02.0"

typedef struct {
    Bench *bench;
    DpVfioFake *fake;
    DpHost *host;
    DpMap *map;
    DpPolicy *policy;
    DpDiagList *diags;
    DpResetMethod used;
    const char *late_list; /* what the kernel offers NVME once policy has chosen */
    GError *error;
} Fixture;

static void
set_up(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    f->bench = bench_new("lab");
    f->fake = dp_vfio_fake_new(0x1b36, 0x0010);
    f->fake->state->config[0x40] = 0x5a; /* what a guest left behind */
    f->map = dp_map_new();
    f->diags = dp_diags_new();
    f->used = DP_RESET_NONE;
}

static void
tear_down(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_clear_error(&f->error);
    g_clear_pointer(&f->policy, dp_policy_free);
    g_clear_pointer(&f->host, dp_host_free);
    dp_map_free(f->map);
    g_ptr_array_unref(f->diags);
    dp_vfio_fake_free(f->fake);
    bench_free(f->bench);
}

static bool
reset(Fixture *f, const char *name)
{
    DpAddr addr;

    g_assert_true(dp_addr_parse_sysfs(name, &addr));
    g_clear_error(&f->error);
    g_clear_pointer(&f->policy, dp_policy_free);
    g_clear_pointer(&f->host, dp_host_free);
    f->host = dp_host_scan(f->bench->kernel->root, NULL);
    f->policy = dp_policy_new(f->host, f->map);
    f->bench->kernel->plan->n = 0;
    if (f->late_list != NULL) {
        fake_kernel_put(f->bench->kernel, "sys/bus/pci/devices/" NVME "/reset_method",
                        f->late_list);
    }
    return dp_assign_reset(f->bench->kernel->root, &f->fake->ops,
                           dp_policy_verdict(f->policy, &addr), &f->used, f->diags, &f->error);
}

static void
choose(Fixture *f, const char *line)
{
    g_assert_true(dp_map_add(f->map, "map", line, strlen(line), NULL, NULL));
}

static void
expect_list(Fixture *f, const char *name, const char *words)
{
    g_autofree char *path = g_strdup_printf("sys/bus/pci/devices/%s/reset_method", name);
    g_autofree char *list = fake_kernel_read(f->bench->kernel, path);

    g_assert_cmpstr(g_strchomp(list), ==, words);
}

static void
test_flr(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_assert_true(bench_enable(f->bench, NVME, NULL));
    g_assert_true(reset(f, NVME));
    g_assert_no_error(f->error);
    g_assert_cmpint(f->used, ==, DP_RESET_FLR);
    g_assert_cmpuint(f->fake->state->n_resets, ==, 1);
    g_assert_cmpuint(f->fake->state->n_hot_resets, ==, 0);
    g_assert_cmpuint(f->fake->state->n_closes, ==, f->fake->state->n_opens);
    g_assert_cmphex(f->fake->state->config[0x40], ==, 0);
    /* Already the first of the kernel's list. */
    g_assert_cmpuint(f->bench->kernel->plan->n, ==, 0);
}

static void
test_needs_vfio(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_assert_false(reset(f, NVME));
    g_assert_error(f->error, DP_ERROR, DP_ERROR_REFUSED);
    g_assert_true(dp_diags_have(f->diags, DP_DIAG_RESET_NEEDS_VFIO));
    g_assert_cmpuint(f->fake->state->n_opens, ==, 0);
}

/* The kernel would take another: the list holds the chosen one meanwhile, and is put back. */
static void
test_list_is_reduced(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_assert_true(bench_enable(f->bench, NVME, NULL));
    fake_kernel_put(f->bench->kernel, "sys/bus/pci/devices/" NVME "/reset_method", "pm flr bus\n");
    g_assert_true(reset(f, NVME));
    g_assert_cmpuint(f->bench->kernel->plan->n, ==, 2);
    expect_list(f, NVME, "pm flr bus");

    f->fake->state->reset_error = -ENOTTY;
    g_assert_false(reset(f, NVME));
    g_assert_error(f->error, DP_ERROR, DP_ERROR_IO);
    g_assert_true(dp_diags_have(f->diags, DP_DIAG_RESET_FAILED));
    expect_list(f, NVME, "pm flr bus");
}

static void
test_not_offered(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_assert_true(bench_enable(f->bench, NVME, NULL));
    f->late_list = "bus\n";
    g_assert_false(reset(f, NVME));
    g_assert_error(f->error, DP_ERROR, DP_ERROR_REFUSED);
    g_assert_true(dp_diags_have(f->diags, DP_DIAG_RESET_NOT_OFFERED));
    g_assert_cmpint(f->used, ==, DP_RESET_NONE);
    g_assert_cmpuint(f->fake->state->n_opens, ==, 0);
}

static void
test_pm(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    choose(f, "8086 10d3 d3d0 true\n");
    g_assert_true(bench_enable(f->bench, NIC, NULL));
    g_assert_true(reset(f, NIC));
    g_assert_cmpint(f->used, ==, DP_RESET_PM);
    g_assert_cmpuint(f->fake->state->n_resets, ==, 1);
}

static void
test_bus_alone(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_assert_true(bench_enable(f->bench, NIC, NULL));
    g_assert_true(reset(f, NIC));
    g_assert_cmpint(f->used, ==, DP_RESET_BUS);
    g_assert_cmpuint(f->fake->state->n_hot_resets, ==, 1);
    g_assert_cmpuint(f->fake->state->n_groups, ==, 1);
    g_assert_cmpint(f->fake->state->groups[0], ==, 8);
}

static void
test_bus_shared(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_assert_true(bench_enable(f->bench, E1000, RTL, NULL));
    g_assert_true(reset(f, E1000));
    g_assert_cmpuint(f->fake->state->n_hot_resets, ==, 1);
    g_assert_cmpuint(f->fake->state->n_groups, ==, 1);
    g_assert_cmpint(f->fake->state->groups[0], ==, 11);

    g_assert_true(bench_disable(f->bench, RTL, NULL));
    g_assert_false(reset(f, E1000));
    g_assert_error(f->error, DP_ERROR, DP_ERROR_REFUSED);
    g_assert_true(dp_diags_have(f->diags, DP_DIAG_RESET_SHARED));
    g_assert_cmpuint(f->fake->state->n_hot_resets, ==, 1);
}

static void
test_slow_device(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_assert_true(bench_enable(f->bench, NVME, NULL));
    f->fake->state->reads_dead = 5;
    g_assert_true(reset(f, NVME));
}

static void
test_does_not_come_back(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_assert_true(bench_enable(f->bench, NVME, NULL));
    f->fake->state->reads_dead = G_MAXUINT;
    g_assert_false(reset(f, NVME));
    g_assert_error(f->error, DP_ERROR, DP_ERROR_IO);
    g_assert_true(dp_diags_have(f->diags, DP_DIAG_RESET_NOT_BACK));
}

static void
test_busy(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_assert_true(bench_enable(f->bench, NVME, NULL));
    f->fake->state->open_error = -EBUSY;
    g_assert_false(reset(f, NVME));
    g_assert_true(dp_diags_have(f->diags, DP_DIAG_RESET_BUSY));
}

static void
test_never_ends(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    gint64 start = g_get_monotonic_time();

    g_assert_true(bench_enable(f->bench, NVME, NULL));
    f->fake->state->hang_in_reset = true;
    g_assert_false(reset(f, NVME));
    g_assert_error(f->error, DP_ERROR, DP_ERROR_TIMEOUT);
    g_assert_true(dp_diags_have(f->diags, DP_DIAG_RESET_STUCK));
    g_assert_cmpint((g_get_monotonic_time() - start) / G_USEC_PER_SEC, <, 60);
}

static void
add(const char *path, void (*test)(Fixture *, gconstpointer))
{
    g_test_add(path, Fixture, NULL, set_up, test, tear_down);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/assign-reset/flr", test_flr);
    add("/assign-reset/needs-vfio", test_needs_vfio);
    add("/assign-reset/list-is-reduced", test_list_is_reduced);
    add("/assign-reset/not-offered", test_not_offered);
    add("/assign-reset/pm", test_pm);
    add("/assign-reset/bus-alone", test_bus_alone);
    add("/assign-reset/bus-shared", test_bus_shared);
    add("/assign-reset/slow-device", test_slow_device);
    add("/assign-reset/does-not-come-back", test_does_not_come_back);
    add("/assign-reset/busy", test_busy);
    add("/assign-reset/never-ends", test_never_ends);
    return g_test_run();
}
