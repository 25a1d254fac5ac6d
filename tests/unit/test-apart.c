/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that are read in a child: what comes of them, and what the child has of its parent. */
#include "scratch-root.h"

#include "base/apart.h"
#include "base/file.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Which file is open at @fd. */
static char *
identity(int fd)
{
    struct stat st;

    return fstat(fd, &st) < 0
               ? g_strdup("closed")
               : g_strdup_printf("%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
}

/* In the child: @path is the number of a descriptor of the parent's. */
static char *
read_identity(int root_fd G_GNUC_UNUSED, const char *path, size_t *ret_len)
{
    char *text = identity(atoi(path));

    *ret_len = strlen(text);
    return text;
}

static char *
read_file(int root_fd, const char *path, size_t *ret_len)
{
    return dp_file_read(root_fd, path, DP_FILE_MAX, ret_len, NULL);
}

static void
take(void *data, const char *path, const char *bytes, size_t len)
{
    g_hash_table_insert(data, g_strdup(path), g_strndup(bytes, len));
}

static GHashTable *
read_all(int root_fd, const GPtrArray *paths, DpApartRead read)
{
    GHashTable *found = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

    dp_apart_read(root_fd, paths, 5000, read, take, found);
    return found;
}

static void
test_files(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new();
    g_autoptr(GHashTable) found = NULL;

    put(f, "one", "1");
    put(f, "folder/two", "22");
    g_ptr_array_add(paths, (gpointer) "one");
    g_ptr_array_add(paths, (gpointer) "none");
    g_ptr_array_add(paths, (gpointer) "folder/two");
    found = read_all(f->root->fd, paths, read_file);
    g_assert_cmpuint(g_hash_table_size(found), ==, 2);
    g_assert_cmpstr(g_hash_table_lookup(found, "one"), ==, "1");
    g_assert_cmpstr(g_hash_table_lookup(found, "folder/two"), ==, "22");
}

/* One that hangs on a server for ever would keep the store's lock, and the pipe that somebody reads
 * the command's output from. */
static void
test_descriptors(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    dp_autofd int lock = dp_file_lock(f->root->fd, "lock", 0, NULL);
    dp_autofd int saved = dup(STDOUT_FILENO);
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GHashTable) found = NULL;
    g_autofree char *output = NULL, *root = identity(f->root->fd);
    int fds[2];

    g_assert_cmpint(lock, >=, 0);
    g_assert_cmpint(pipe(fds), ==, 0);
    g_assert_cmpint(dup2(fds[1], STDOUT_FILENO), ==, STDOUT_FILENO);
    output = identity(STDOUT_FILENO);
    g_ptr_array_add(paths, g_strdup_printf("%d", f->root->fd));
    g_ptr_array_add(paths, g_strdup_printf("%d", STDOUT_FILENO));
    g_ptr_array_add(paths, g_strdup_printf("%d", lock));
    g_ptr_array_add(paths, g_strdup_printf("%d", fds[1]));
    found = read_all(f->root->fd, paths, read_identity);
    g_assert_cmpint(dup2(saved, STDOUT_FILENO), ==, STDOUT_FILENO);
    (void)close(fds[0]);
    (void)close(fds[1]);
    g_assert_cmpuint(g_hash_table_size(found), ==, 4);
    g_assert_cmpstr(g_hash_table_lookup(found, paths->pdata[0]), ==, root);
    g_assert_cmpstr(g_hash_table_lookup(found, paths->pdata[1]), !=, output);
    g_assert_cmpstr(g_hash_table_lookup(found, paths->pdata[2]), ==, "closed");
    g_assert_cmpstr(g_hash_table_lookup(found, paths->pdata[3]), ==, "closed");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/apart/files", Fixture, NULL, set_up, test_files, tear_down);
    g_test_add("/apart/descriptors", Fixture, NULL, set_up, test_descriptors, tear_down);
    return g_test_run();
}
