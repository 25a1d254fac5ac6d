/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scratch-root.h"

#include "assign/store.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

static unsigned
mode_of(Fixture *f, const char *path)
{
    g_autofree char *file = g_build_filename(f->path, path, NULL);
    struct stat st;

    g_assert_cmpint(stat(file, &st), ==, 0);
    return st.st_mode & 07777;
}

/* Readable by all, whatever the umask: systemId and owners are no secrets. */
static void
test_first_write(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(DpEsxconf) conf = dp_store_load(f->root, NULL, NULL);
    g_autoptr(DpEsxconf) again = NULL;
    mode_t mask = umask(077);
    g_autofree char *uuid = NULL;

    g_assert_nonnull(conf);
    g_assert_null(dp_esxconf_system_uuid(conf));
    g_assert_true(dp_store_ensure_system_uuid(conf));
    g_assert_false(dp_store_ensure_system_uuid(conf));
    uuid = g_strdup(dp_esxconf_system_uuid(conf));
    g_assert_true(dp_store_save(f->root, conf, NULL));
    (void)umask(mask);
    g_assert_cmpuint(mode_of(f, "etc/directpath"), ==, 0755);
    g_assert_cmpuint(mode_of(f, "etc/directpath/esx.conf"), ==, 0644);
    again = dp_store_load(f->root, NULL, NULL);
    g_assert_cmpstr(dp_esxconf_system_uuid(again), ==, uuid);
}

static void
test_load_refuses_what_is_no_file(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL;

    put(f, "etc/directpath/esx.conf/x", "");
    g_assert_null(dp_store_load(f->root, NULL, &error));
    g_assert_nonnull(error);
}

/* A captured tree cannot lead the store out of itself. */
static void
test_stays_beneath(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *outside = g_dir_make_tmp("directpath-test-XXXXXX", NULL);
    g_autofree char *link = g_build_filename(f->path, "etc", NULL);
    g_autofree char *escaped = g_build_filename(outside, "directpath", NULL);
    g_autoptr(DpEsxconf) conf = dp_esxconf_new();

    g_assert_cmpint(symlink(outside, link), ==, 0);
    (void)dp_store_save(f->root, conf, NULL);
    g_assert_false(g_file_test(escaped, G_FILE_TEST_EXISTS));
    g_assert_cmpint(g_rmdir(outside), ==, 0);
}

static void
test_lock(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *pid = g_strdup_printf("(pid %d)", (int)getpid());
    int fd = dp_store_lock(f->root, 0, &error);
    int again;

    g_assert_no_error(error);
    g_assert_cmpint(fd, >=, 0);
    again = dp_store_lock(f->root, 50, &error);
    g_assert_cmpint(again, ==, -1);
    g_assert_error(error, DP_ERROR, DP_ERROR_BUSY);
    g_assert_nonnull(strstr(error->message, pid));
    g_clear_error(&error);
    (void)close(fd);
    fd = dp_store_lock(f->root, 0, &error);
    g_assert_no_error(error);
    (void)close(fd);
}

static void
test_lock_ends_with_its_holder(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL;
    int status, fd;
    pid_t pid = fork();

    if (pid == 0) {
        _exit(dp_store_lock(f->root, 0, NULL) >= 0 ? 0 : 1);
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_cmpint(status, ==, 0);
    fd = dp_store_lock(f->root, 0, &error);
    g_assert_no_error(error);
    (void)close(fd);
}

static void
test_maps(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(DpMap) none = dp_store_load_map(f->root, NULL, NULL);
    g_autoptr(DpMap) both = NULL;

    g_assert_nonnull(none);
    g_assert_null(dp_map_lookup(none, 0x8086, 0x10fb));
    put(f, "usr/share/directpath/passthru.map", "8086 10fb link default\n10de ffff bridge false\n");
    put(f, "etc/directpath/passthru.map", "8086 10fb flr true\n");
    both = dp_store_load_map(f->root, NULL, NULL);
    g_assert_cmpint(dp_map_lookup(both, 0x8086, 0x10fb)->method, ==, DP_MAP_FLR);
    g_assert_cmpint(dp_map_lookup(both, 0x10de, 0x0001)->method, ==, DP_MAP_BRIDGE);
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
    add("/store/first-write", test_first_write);
    add("/store/no-file", test_load_refuses_what_is_no_file);
    add("/store/stays-beneath", test_stays_beneath);
    add("/store/lock", test_lock);
    add("/store/lock-ends", test_lock_ends_with_its_holder);
    add("/store/maps", test_maps);
    return g_test_run();
}
