/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads that can block: one stuck function costs a second and hides nobody. */
#include "host/scan.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>

#define N 6

static const char *const names[N] = {"0000:00:01.0", "0000:00:02.0", "stuck",
                                     "0000:00:04.0", "dies",         "0000:00:06.0"};

/* A kernel that never answers for one name and kills the reader for another. */
static void
read_fake(int root_fd G_GNUC_UNUSED, const char *name, DpSlow *slow)
{
    while (strcmp(name, "stuck") == 0) {
        g_usleep(G_USEC_PER_SEC);
    }
    if (strcmp(name, "dies") == 0) {
        _exit(1);
    }
    slow->config_len = (int)strlen(name);
    memcpy(slow->text[DP_SLOW_OVERRIDE], name, strlen(name));
}

static void
test_stuck(void)
{
    g_autoptr(DpSlowTable) table = dp_slow_table_new(N, true);
    gint64 start = g_get_monotonic_time();

    dp_slow_table_read(table, -1, names, read_fake);
    g_assert_cmpint(g_get_monotonic_time() - start, <, 30 * G_USEC_PER_SEC);
    for (size_t i = 0; i < N; i++) {
        bool lost = i == 2 || i == 4;

        g_assert_cmpint(table->slots[i].state, ==, lost ? DP_SLOW_STUCK : DP_SLOW_READ);
        if (!lost) {
            g_assert_cmpstr(table->slots[i].text[DP_SLOW_OVERRIDE], ==, names[i]);
        }
    }
}

static void
read_slowly(int root_fd G_GNUC_UNUSED, const char *name G_GNUC_UNUSED, DpSlow *slow)
{
    g_usleep(20000);
    slow->config_len = 1;
}

/* The override is the last to be read and, of a function with a blocked unbind, the one that hangs.
 */
static void
read_but_override(int root_fd G_GNUC_UNUSED, const char *name G_GNUC_UNUSED, DpSlow *slow)
{
    slow->config[0] = 0x86;
    slow->config_len = 256;
    slow->have_config = true;
    memcpy(slow->text[DP_SLOW_RESET_METHOD], "flr\n", 4);
    slow->len[DP_SLOW_RESET_METHOD] = 4;
    slow->have[DP_SLOW_RESET_METHOD] = true;
    slow->len[DP_SLOW_NUMVFS] = -ENOENT;
    slow->have[DP_SLOW_NUMVFS] = true;
    g_usleep(60 * G_USEC_PER_SEC);
}

static void
test_partly_stuck(void)
{
    g_autoptr(DpSlowTable) table = dp_slow_table_new(1, true);
    DpAddr addr = {.bus = 3};
    DpFunction *fn = dp_function_new(&addr);

    table->slots[0].want_config = true;
    dp_slow_table_read(table, -1, names, read_but_override);
    dp_function_take_slow(fn, &table->slots[0]);
    g_assert_cmpint(table->slots[0].state, ==, DP_SLOW_STUCK);
    g_assert_cmpint(fn->caps.readable, ==, DP_TRI_YES);
    g_assert_cmpstr(fn->reset_methods[0], ==, "flr");
    g_assert_null(fn->driver_override);
    g_assert_cmpuint(fn->diags->len, ==, 1);
    g_assert_true(dp_diags_have(fn->diags, DP_DIAG_SYSFS_STUCK));
    g_assert_nonnull(strstr(((DpDiag *)fn->diags->pdata[0])->message, "are 'driver_override'"));
    dp_function_free(fn);
}

static int
sleep_on(void *data G_GNUC_UNUSED)
{
    g_usleep(3 * G_USEC_PER_SEC);
    _exit(0);
}

/* The parent of a vfork lies in a sleep that no signal of ours ends, as behind a lock. */
static void
read_behind_a_lock(int root_fd G_GNUC_UNUSED, const char *name, DpSlow *slow)
{
    if (strcmp(name, "stuck") == 0) {
        char *stack = g_malloc(65536);

        (void)clone(sleep_on, stack + 65536, CLONE_VFORK | CLONE_VM | SIGCHLD, NULL);
    }
    if (strcmp(name, "0000:00:04.0") == 0) {
        g_usleep(300000); /* slow, but no lock */
    }
    slow->config_len = 1;
}

/* How long it took. */
static gint64
read_blocked(void)
{
    g_autoptr(DpSlowTable) table = dp_slow_table_new(N, true);
    gint64 start = g_get_monotonic_time();
    gint64 end;

    table->blocked_ms = 30;
    dp_slow_table_read(table, -1, names, read_behind_a_lock);
    end = g_get_monotonic_time();
    for (size_t i = 0; i < N; i++) {
        g_assert_cmpint(table->slots[i].state, ==, i == 2 ? DP_SLOW_STUCK : DP_SLOW_READ);
    }
    return end - start;
}

/* It is not waited for as long as one that may only be slow; of some tries the best counts, the
 * others say how busy the machine is. */
static void
test_blocked(void)
{
    gint64 best = G_MAXINT64;

    for (int i = 0; i < 5 && best >= 1500000; i++) {
        best = MIN(best, read_blocked());
    }
    g_assert_cmpint(best, <, 1500000);
}

/* What is known to be locked is not asked, and the rest of it is read. */
static void
test_locked(void)
{
    DpSlow slow = {.locked = true};
    DpAddr addr = {.bus = 3};
    DpFunction *fn = dp_function_new(&addr);

    dp_slow_read_one(-1, "0000:03:00.0", &slow);
    g_assert_true(slow.have_config);
    g_assert_true(slow.have[DP_SLOW_RESET_METHOD]);
    g_assert_false(slow.have[DP_SLOW_NUMVFS]);
    g_assert_false(slow.have[DP_SLOW_OVERRIDE]);
    slow.state = DP_SLOW_STUCK;
    dp_function_take_slow(fn, &slow);
    g_assert_true(dp_diags_have(fn->diags, DP_DIAG_SYSFS_STUCK));
    dp_function_free(fn);
}

/* Many slow but living functions take several children; none is given up. */
static void
test_many(void)
{
    enum { MANY = 100 };
    g_autoptr(DpSlowTable) table = dp_slow_table_new(MANY, true);
    const char *many[MANY];

    for (size_t i = 0; i < MANY; i++) {
        many[i] = names[0];
    }
    table->slots[7].state = DP_SLOW_SKIP;
    dp_slow_table_read(table, -1, many, read_slowly);
    for (size_t i = 0; i < MANY; i++) {
        g_assert_cmpint(table->slots[i].state, ==, i == 7 ? DP_SLOW_SKIP : DP_SLOW_READ);
        g_assert_cmpint(table->slots[i].config_len, ==, i == 7 ? 0 : 1);
    }
}

static void
read_never(int root_fd G_GNUC_UNUSED, const char *name G_GNUC_UNUSED, DpSlow *slow G_GNUC_UNUSED)
{
    g_usleep(60 * G_USEC_PER_SEC);
}

/* When everything hangs the command still ends. */
static void
test_all_stuck(void)
{
    enum { MANY = 50 };
    g_autoptr(DpSlowTable) table = dp_slow_table_new(MANY, true);
    const char *many[MANY];
    gint64 start = g_get_monotonic_time();

    for (size_t i = 0; i < MANY; i++) {
        many[i] = names[0];
    }
    dp_slow_table_read(table, -1, many, read_never);
    g_assert_cmpint(g_get_monotonic_time() - start, <, 40 * G_USEC_PER_SEC);
    g_assert_cmpint(table->slots[0].state, ==, DP_SLOW_STUCK);
    g_assert_cmpint(table->slots[MANY - 1].state, ==, DP_SLOW_UNREAD);
}

static void
test_empty(void)
{
    g_autoptr(DpSlowTable) table = dp_slow_table_new(0, true);

    dp_slow_table_read(table, -1, names, read_fake);
    g_assert_cmpuint(table->n, ==, 0);
}

/* The machine that runs the test: children and this process see the same. */
static void
test_live(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DpRoot) root = dp_root_open("/", &error);
    g_autoptr(DpHost) host = dp_host_scan(root, &error);

    if (host == NULL) { /* no PCI at all here */
        g_assert_nonnull(error);
        return;
    }
    for (guint i = 0; i < host->functions->len; i++) {
        const DpFunction *fn = host->functions->pdata[i];

        g_assert_cmpint(fn->ids_known, ==, DP_TRI_YES);
        g_assert_false(dp_diags_have(fn->diags, DP_DIAG_SYSFS_STUCK));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/host-slow/blocked", test_blocked);
    g_test_add_func("/host-slow/locked", test_locked);
    g_test_add_func("/host-slow/stuck", test_stuck);
    g_test_add_func("/host-slow/partly-stuck", test_partly_stuck);
    g_test_add_func("/host-slow/many", test_many);
    g_test_add_func("/host-slow/all-stuck", test_all_stuck);
    g_test_add_func("/host-slow/empty", test_empty);
    g_test_add_func("/host-slow/live", test_live);
    return g_test_run();
}
