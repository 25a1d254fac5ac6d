/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/root.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

static void
test_machine(void)
{
    const char *names[] = {"/", "//", "/."};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(DpRoot) root = dp_root_open(names[i], &error);

        g_assert_no_error(error);
        g_assert_true(root->live);
        g_assert_cmpstr(root->path, ==, "/");
        g_assert_true(root->write == dp_root_write_kernel);
    }
}

static void
test_missing(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(dp_root_open("/nonexistent/directpath", &error));
    g_assert_error(error, DP_ERROR, DP_ERROR_NOT_FOUND);
}

static void
test_write(void)
{
    g_autofree char *dir = g_dir_make_tmp("directpath-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "attribute", NULL);
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(DpRoot) root = dp_root_open(dir, &error);

    g_assert_no_error(error);
    g_assert_false(root->live);
    g_assert_null(root->write);
    g_assert_true(g_file_set_contents(path, "", -1, NULL));
    g_assert_cmpint(dp_root_write_kernel(root, "attribute", "vfio-pci\n"), ==, 0);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "vfio-pci\n");
    g_assert_cmpint(dp_root_write_kernel(root, "absent", "x"), ==, -ENOENT);
    g_assert_cmpint(dp_root_write_kernel(root, ".", "x"), ==, -EISDIR);
    (void)g_unlink(path);
    g_assert_cmpint(g_rmdir(dir), ==, 0);
}

/* Opening a FIFO that nobody reads blocks for ever: the deadline must end it. */
static void
test_write_stuck(void)
{
    g_autofree char *dir = g_dir_make_tmp("directpath-XXXXXX", NULL);
    g_autofree char *fifo = g_build_filename(dir, "stuck", NULL);
    g_autoptr(DpRoot) root = dp_root_open(dir, NULL);
    gint64 start = g_get_monotonic_time();

    g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
    g_assert_cmpint(dp_root_write_kernel(root, "stuck", "x"), ==, -ETIMEDOUT);
    g_assert_cmpint(g_get_monotonic_time() - start, <, (DP_SYSFS_TIMEOUT_MS + 30000) * 1000);
    (void)g_unlink(fifo);
    g_assert_cmpint(g_rmdir(dir), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/host-root/machine", test_machine);
    g_test_add_func("/host-root/missing", test_missing);
    g_test_add_func("/host-root/write", test_write);
    g_test_add_func("/host-root/write-stuck", test_write_stuck);
    return g_test_run();
}
