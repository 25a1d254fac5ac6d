/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "file.h"

#include "text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Longest one-line attribute; reset_method, uevent and the like are far shorter. */
#define LINE_MAX_BYTES 65536u
/* More names than any folder of sysfs has. */
#define LIST_MAX 200000u

/* EAGAIN: something was renamed or mounted anywhere on the machine while ".." was followed, so the
 * kernel cannot tell that the path stayed beneath the root (openat2(2)). Nearly always gone at the
 * next attempt. */
#define OPEN_ATTEMPTS 1000

static int
open_beneath(int root_fd, const char *path, int flags)
{
    struct open_how how = {.flags = (unsigned)flags | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
    int fd;

    for (int attempt = 0; attempt < OPEN_ATTEMPTS; attempt++) {
        fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof how);
        if (fd >= 0 || errno != EAGAIN) {
            return fd;
        }
    }
    return fd;
}

/* A single name that is no link stays where it is, and is opened with less ado. */
static bool
is_name(const char *path)
{
    return strchr(path, '/') == NULL && strcmp(path, "..") != 0;
}

int
dp_file_open(int root_fd, const char *path, int flags)
{
    int fd = -1;

    if (is_name(path) && (flags & O_PATH) == 0) {
        fd = openat(root_fd, path, flags | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0 || (errno != ELOOP && errno != ENOTDIR)) {
            return fd < 0 ? -errno : fd;
        }
    }
    fd = open_beneath(root_fd, path, flags);

    if (fd < 0 && (errno == ENOSYS || errno == EPERM)) {
        /* Old kernels, and containers whose filter does not know the call: resolved as usual. */
        fd = openat(root_fd, path[0] == '/' ? path + strspn(path, "/") : path, flags | O_CLOEXEC);
    }
    return fd < 0 ? -errno : fd;
}

static ssize_t
read_some(int fd, char *buf, size_t len)
{
    ssize_t n;

    do {
        n = read(fd, buf, len);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

/* What is asked for at once. */
#define READ_BYTES 16384

/* 0 with the bytes in @out; -EFBIG if there are more than @max; another -errno. */
static int
read_all(int fd, size_t max, GString *out)
{
    size_t have = 0;
    ssize_t n;

    do {
        g_string_set_size(out, have + MAX(READ_BYTES, have));
        n = read_some(fd, out->str + have, out->len - have);
        have += (size_t)MAX(n, 0);
        g_string_truncate(out, have);
        if (have > max) {
            return -EFBIG;
        }
    } while (n > 0);
    return (int)n;
}

/* A regular file or attribute, open to be read, or -errno; a FIFO or a device in its place is
 * refused, since it could block. */
static int
open_regular(int root_fd, const char *path)
{
    dp_autofd int fd = dp_file_open(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    struct stat st;

    if (fd < 0) {
        return fd;
    }
    if (fstat(fd, &st) < 0) {
        return -errno;
    }
    if (S_ISDIR(st.st_mode)) {
        return -EISDIR;
    }
    return S_ISREG(st.st_mode) ? dp_steal_fd(&fd) : -EINVAL;
}

char *
dp_file_read(int root_fd, const char *path, size_t max, size_t *ret_len, GError **error)
{
    GString *out = g_string_new(NULL);
    dp_autofd int fd = open_regular(root_fd, path);
    int r = fd < 0 ? fd : read_all(fd, max, out);

    if (r < 0) {
        g_string_free(out, true);
        if (r == -EFBIG) {
            dp_fail(error, DP_ERROR_PARSE, "%s: larger than %zu bytes", path, max);
        } else {
            dp_fail_errno(error, -r, "cannot read %s", path);
        }
        return NULL;
    }
    if (ret_len != NULL) {
        *ret_len = out->len;
    }
    return g_string_free(out, false);
}

GBytes *
dp_file_map(int root_fd, const char *path)
{
    dp_autofd int fd = open_regular(root_fd, path);
    g_autoptr(GMappedFile) mapped = fd < 0 ? NULL : g_mapped_file_new_from_fd(fd, false, NULL);

    return mapped == NULL ? NULL : g_mapped_file_get_bytes(mapped);
}

int
dp_file_read_at(int fd, void *buf, size_t len, off_t offset)
{
    ssize_t n;

    do {
        n = pread(fd, buf, len, offset);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : (int)n;
}

/* An attribute comes whole with the first read, which is the only one: a scan reads many. */
static int
read_line(int root_fd, const char *path, char **ret_text)
{
    dp_autofd int fd = dp_file_open(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    char buf[LINE_MAX_BYTES + 1];
    int n = fd < 0 ? fd : dp_file_read_at(fd, buf, sizeof buf, 0);

    if (n < 0 || n > (int)LINE_MAX_BYTES) {
        return n < 0 ? n : -EFBIG;
    }
    *ret_text = g_strchomp(g_strndup(buf, (gsize)n));
    return 0;
}

char *
dp_file_read_line(int root_fd, const char *path, int *ret_errno)
{
    char *text = NULL;
    int r = read_line(root_fd, path, &text);

    if (ret_errno != NULL) {
        *ret_errno = -r;
    }
    return text;
}

char *
dp_file_read_link(int root_fd, const char *path)
{
    /* A single name leads nowhere, so that it needs no descriptor. */
    bool single = is_name(path);
    dp_autofd int fd = single ? -1 : dp_file_open(root_fd, path, O_PATH | O_NOFOLLOW);
    char buf[PATH_MAX];
    ssize_t n = single   ? readlinkat(root_fd, path, buf, sizeof buf - 1)
                : fd < 0 ? -1
                         : readlinkat(fd, "", buf, sizeof buf - 1);

    return n < 0 ? NULL : g_strndup(buf, (gsize)n);
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
add_names(GPtrArray *names, const char *entries, size_t len)
{
    const struct dirent64 *entry;

    for (size_t at = 0; at < len && names->len < LIST_MAX; at += entry->d_reclen) {
        entry = (const struct dirent64 *)(const void *)(entries + at);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            g_ptr_array_add(names, g_strdup(entry->d_name));
        }
    }
}

GPtrArray *
dp_file_list(int root_fd, const char *path, int *ret_errno)
{
    dp_autofd int fd = dp_file_open(root_fd, path, O_RDONLY | O_DIRECTORY);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    _Alignas(struct dirent64) char entries[16384];
    ssize_t n = fd;

    while (n >= 0 && names->len < LIST_MAX && (n = getdents64(fd, entries, sizeof entries)) > 0) {
        add_names(names, entries, (size_t)n);
    }
    if (n < 0) {
        if (ret_errno != NULL) {
            *ret_errno = fd < 0 ? -fd : errno;
        }
        return NULL;
    }
    g_ptr_array_sort(names, compare_names);
    return g_steal_pointer(&names);
}

int
dp_file_write_all(int fd, const void *data, size_t len)
{
    const char *bytes = data;

    while (len > 0) {
        ssize_t n = write(fd, bytes, len);

        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

static bool
same_content(int dir_fd, const char *name, const void *bytes, size_t len)
{
    size_t old_len = 0;
    g_autofree char *old = dp_file_read(dir_fd, name, len, &old_len, NULL);

    return old != NULL && old_len == len && memcmp(old, bytes, len) == 0;
}

/* Gives the new file the owner and mode of the one it replaces. */
static int
inherit_mode(int dir_fd, const char *name, int fd, mode_t mode)
{
    struct stat st;

    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode)) {
        mode = st.st_mode & 07777;
        if ((st.st_uid != geteuid() || st.st_gid != getegid()) &&
            fchown(fd, st.st_uid, st.st_gid) < 0) {
            return -errno;
        }
    }
    return fchmod(fd, mode) < 0 ? -errno : 0;
}

static int
fill(int dir_fd, const char *name, int fd, const void *bytes, size_t len, mode_t mode)
{
    int r = inherit_mode(dir_fd, name, fd, mode);

    if (r == 0) {
        r = dp_file_write_all(fd, bytes, len);
    }
    if (r == 0 && fsync(fd) < 0) {
        r = -errno;
    }
    return r;
}

static int
replace(
    int dir_fd, const char *name, const char *temporary, const void *bytes, size_t len, mode_t mode)
{
    dp_autofd int fd = -1;
    int r;

    /* One left by a killed command is nobody's: the caller holds the lock. */
    (void)unlinkat(dir_fd, temporary, 0);
    fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return -errno;
    }
    r = fill(dir_fd, name, fd, bytes, len, mode);
    if (r == 0 && renameat(dir_fd, temporary, dir_fd, name) < 0) {
        r = -errno;
    }
    if (r < 0) {
        (void)unlinkat(dir_fd, temporary, 0);
        return r;
    }
    return fsync(dir_fd) < 0 ? -errno : 0;
}

int
dp_file_sync(int dir_fd, const char *name)
{
    dp_autofd int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0) {
        return errno == ENOENT ? 0 : -errno;
    }
    return fsync(fd) < 0 || fsync(dir_fd) < 0 ? -errno : 0;
}

bool
dp_file_replace(
    int dir_fd, const char *name, const void *bytes, size_t len, mode_t mode, GError **error)
{
    g_autofree char *temporary = g_strdup_printf(".%s.new", name);
    int r;

    r = same_content(dir_fd, name, bytes, len) ? dp_file_sync(dir_fd, name)
                                               : replace(dir_fd, name, temporary, bytes, len, mode);
    if (r < 0) {
        return dp_fail_errno(error, -r, "cannot write %s", name);
    }
    return true;
}

/* 0, or -errno: -EWOULDBLOCK when another has held it for the whole time. */
static int
wait_lock(int fd, int timeout_ms)
{
    for (int waited = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; waited += 20) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return -errno;
        }
        if (waited >= timeout_ms) {
            return -EWOULDBLOCK;
        }
        g_usleep(20000);
    }
    return 0;
}

int
dp_file_lock(int dir_fd, const char *name, int timeout_ms, GError **error)
{
    dp_autofd int fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    int r;

    if (fd < 0) {
        dp_fail_errno(error, errno, "cannot open the lock %s", name);
        return -1;
    }
    r = wait_lock(fd, timeout_ms);
    if (r == -EWOULDBLOCK) {
        dp_fail(error, DP_ERROR_BUSY, "%s: another command holds the lock", name);
        return -1;
    }
    if (r < 0) {
        dp_fail_errno(error, -r, "cannot lock %s", name);
        return -1;
    }
    return dp_steal_fd(&fd);
}

int
dp_file_lock_folder(const char *path, int timeout_ms, GError **error)
{
    dp_autofd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) {
        int failure = errno;
        g_autofree char *shown = dp_text_visible(path, -1);

        dp_fail_errno(error, failure, "%s", shown);
        return -1;
    }
    if (wait_lock(fd, timeout_ms) == -EWOULDBLOCK) {
        dp_fail(error, DP_ERROR_BUSY, "another command changes a file of this folder");
        return -1;
    }
    return dp_steal_fd(&fd);
}
