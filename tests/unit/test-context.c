/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When a command that changes something begins: it has waited for the store's lock before. */
#include "scratch-root.h"

#include "assign/store.h"
#include "context.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define HELD_US 300000

/* Says when it has the lock, and when it lets go. */
static void
hold_lock(DpRoot *root, int said)
{
    int lock = dp_store_lock(root, 0, NULL);
    int64_t now_us = lock >= 0 ? g_get_monotonic_time() : 0;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (write(said, &now_us, sizeof now_us) != sizeof now_us) {
        _exit(1);
    }
    g_usleep(HELD_US);
    now_us = g_get_monotonic_time();
    _exit(write(said, &now_us, sizeof now_us) == sizeof now_us ? 0 : 1);
}

/* What it may do in a time of its own counts from then on, however long another one had the lock.
 */
static void
test_begun(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    const char *argv[] = {"directpath", "--json", "--root", f->path, "device", "apply"};
    g_autofree char *devices = g_build_filename(f->path, "sys/bus/pci/devices", NULL);
    g_autoptr(DpCli) cli = dp_cli_new(dp_options_parse(G_N_ELEMENTS(argv), (char **)argv, NULL));
    g_autoptr(DpContext) context = NULL;
    g_autoptr(GError) error = NULL;
    int64_t taken_us = 0, let_go_us = 0;
    int said[2], status;
    pid_t pid;

    g_assert_cmpint(g_mkdir_with_parents(devices, 0755), ==, 0);
    g_assert_cmpint(pipe(said), ==, 0);
    pid = fork();
    if (pid == 0) {
        hold_lock(f->root, said[1]);
    }
    g_assert_cmpint(read(said[0], &taken_us, sizeof taken_us), ==, sizeof taken_us);
    g_assert_cmpint(taken_us, >, 0);
    context = dp_context_new(cli, DP_CHANGE, &error);
    g_assert_no_error(error);
    g_assert_cmpint(read(said[0], &let_go_us, sizeof let_go_us), ==, sizeof let_go_us);
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_cmpint(status, ==, 0);
    (void)close(said[0]);
    (void)close(said[1]);
    g_assert_cmpint(let_go_us, >=, taken_us + HELD_US);
    g_assert_cmpint(context->begun_us, >=, let_go_us);
    g_assert_cmpint(context->begun_us, <=, g_get_monotonic_time());
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/context/begun", Fixture, NULL, set_up, test_begun, tear_down);
    return g_test_run();
}
