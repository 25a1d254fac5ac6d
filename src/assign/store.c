/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define STORE_FOLDER "etc/directpath"
#define STORE_NAME   "esx.conf"
#define RUN_FOLDER   "run/directpath"
#define LOCK_NAME    "lock"

/* Where map files lie, in the order in which they count. */
static const char *const map_paths[] = {
    DP_MAP_SHIPPED,
    DP_MAP_OWN,
};

DpEsxconf *
dp_store_load(DpRoot *root, DpDiagList *diags, GError **error)
{
    const char *path = STORE_FOLDER "/" STORE_NAME;
    g_autoptr(GError) failure = NULL;
    size_t len = 0;
    g_autofree char *bytes = dp_file_read(root->fd, path, DP_ESXCONF_MAX_BYTES, &len, &failure);

    if (bytes != NULL) {
        return dp_esxconf_parse(path, bytes, len, diags, error);
    }
    if (g_error_matches(failure, DP_ERROR, DP_ERROR_NOT_FOUND)) {
        return dp_esxconf_new();
    }
    g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
}

/* Makes @name in @parent, readable by all whatever the umask says. 0 or -errno. */
static int
make_folder(int parent, const char *name)
{
    dp_autofd int fd = -1;

    if (mkdirat(parent, name, 0755) < 0) {
        return errno == EEXIST ? 0 : -errno;
    }
    fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fchmod(fd, 0755) < 0 || fsync(parent) < 0) {
        return -errno;
    }
    return 0;
}

/* The descriptor or -errno. */
static int
open_folder(int root_fd, const char *path)
{
    g_autofree char *parent = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(path);
    dp_autofd int parent_fd = -1;
    int r = dp_file_open(root_fd, path, O_RDONLY | O_DIRECTORY);

    if (r != -ENOENT || strcmp(path, parent) == 0) {
        return r;
    }
    parent_fd = strcmp(parent, ".") == 0 ? dup(root_fd) : open_folder(root_fd, parent);
    if (parent_fd < 0) {
        return strcmp(parent, ".") == 0 ? -errno : parent_fd;
    }
    r = make_folder(parent_fd, name);
    return r < 0 ? r : dp_file_open(root_fd, path, O_RDONLY | O_DIRECTORY);
}

int
dp_store_folder(DpRoot *root, const char *path, GError **error)
{
    int fd = open_folder(root->fd, path);

    if (fd < 0) {
        dp_fail_errno(error, -fd, "cannot open or make the folder %s", path);
        return -1;
    }
    return fd;
}

bool
dp_store_save_json(DpRoot *root,
                   const char *path,
                   const char *name,
                   json_t *document,
                   size_t flags,
                   GError **error)
{
    dp_autofd int folder = dp_store_folder(root, path, error);
    char *text = json_dumps(document, flags);
    bool done = folder >= 0 && text != NULL &&
                dp_file_replace(folder, name, text, strlen(text), 0644, error);

    free(text);
    json_decref(document);
    return done;
}

bool
dp_store_save(DpRoot *root, const DpEsxconf *conf, GError **error)
{
    g_autoptr(GBytes) bytes = dp_esxconf_bytes(conf);
    dp_autofd int folder = dp_store_folder(root, STORE_FOLDER, error);
    gsize len = 0;
    const void *data = g_bytes_get_data(bytes, &len);

    if (folder < 0) {
        return false;
    }
    if (!dp_file_replace(folder, STORE_NAME, data, len, 0644, error)) {
        g_prefix_error(error, "%s: ", STORE_FOLDER);
        return false;
    }
    return true;
}

bool
dp_store_sync(DpRoot *root, GError **error)
{
    dp_autofd int folder = dp_file_open(root->fd, STORE_FOLDER, O_RDONLY | O_DIRECTORY);
    int r = folder < 0 ? folder : dp_file_sync(folder, STORE_NAME);

    return r == 0 || r == -ENOENT ||
           dp_fail_errno(error, -r, "cannot sync %s/%s", STORE_FOLDER, STORE_NAME);
}

bool
dp_store_ensure_system_uuid(DpEsxconf *conf)
{
    g_autofree char *uuid = NULL;

    if (dp_esxconf_system_uuid(conf) != NULL) {
        return false;
    }
    uuid = dp_esxconf_make_system_uuid();
    return dp_esxconf_set_system_uuid(conf, uuid);
}

/* The lock file tells who holds it; only ever read to word a message. */
static void
write_holder(int fd)
{
    char pid[16];
    int len = snprintf(pid, sizeof pid, "%d\n", (int)getpid());

    if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, (size_t)len, 0) < 0) {
        return;
    }
}

int
dp_store_lock(DpRoot *root, int timeout_ms, GError **error)
{
    const char *path = root->live ? RUN_FOLDER : STORE_FOLDER;
    dp_autofd int folder = dp_store_folder(root, path, error);
    g_autoptr(GError) failure = NULL;
    g_autofree char *holder = NULL;
    int fd;

    if (folder < 0) {
        return -1;
    }
    fd = dp_file_lock(folder, LOCK_NAME, timeout_ms, &failure);
    if (fd >= 0) {
        write_holder(fd);
        return fd;
    }
    if (g_error_matches(failure, DP_ERROR, DP_ERROR_BUSY)) {
        holder = dp_file_read_line(folder, LOCK_NAME, NULL);
        dp_fail(error, DP_ERROR_BUSY, "another command (pid %d) holds the lock %s/%s",
                holder == NULL ? 0 : atoi(holder), path, LOCK_NAME);
    } else {
        g_propagate_prefixed_error(error, g_steal_pointer(&failure), "%s: ", path);
    }
    return -1;
}

/* A file that may be missing: *ret_bytes is then NULL. */
static bool
read_optional(DpRoot *root, const char *path, char **ret_bytes, size_t *ret_len, GError **error)
{
    g_autoptr(GError) failure = NULL;

    *ret_bytes = dp_file_read(root->fd, path, DP_MAP_MAX_BYTES, ret_len, &failure);
    if (*ret_bytes == NULL && !g_error_matches(failure, DP_ERROR, DP_ERROR_NOT_FOUND)) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
    }
    return true;
}

bool
dp_store_add_map(DpRoot *root, DpMap *map, const char *path, DpDiagList *diags, GError **error)
{
    g_autofree char *bytes = NULL;
    size_t len = 0;

    return read_optional(root, path, &bytes, &len, error) &&
           (bytes == NULL || dp_map_add(map, path, bytes, len, diags, error));
}

DpMap *
dp_store_load_map(DpRoot *root, DpDiagList *diags, GError **error)
{
    g_autoptr(DpMap) map = dp_map_new();

    for (size_t i = 0; i < G_N_ELEMENTS(map_paths); i++) {
        if (!dp_store_add_map(root, map, map_paths[i], diags, error)) {
            return NULL;
        }
    }
    return g_steal_pointer(&map);
}

DpCompat *
dp_store_load_compat(DpRoot *root, DpDiagList *diags, GError **error)
{
    g_autoptr(DpCompat) compat = dp_compat_new();
    g_autofree char *bytes = NULL;
    size_t len = 0;

    if (!read_optional(root, DP_COMPAT_PATH, &bytes, &len, error) ||
        (bytes != NULL && !dp_compat_add(compat, DP_COMPAT_PATH, bytes, len, diags, error))) {
        return NULL;
    }
    return g_steal_pointer(&compat);
}
