/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An archive into a folder: nothing that it names is followed, replaced or made outside. */
#include "untar.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    char *name, *target;
} Link;

typedef struct {
    int dir_fd;
    GArray *links; /* Link: made when no file is written any more */
} Unpack;

static void
link_clear(gpointer data)
{
    Link *link = data;

    g_free(link->name);
    g_free(link->target);
}

static bool
failed(GError **error, int err, const char *name)
{
    g_autofree char *shown = g_strescape(name, NULL);

    if (err == EEXIST || err == ENOTDIR || err == ELOOP) {
        return dp_fail(error, DP_ERROR_PARSE, "no capture of a host: %s stands in it twice", shown);
    }
    return dp_fail_errno(error, err, "cannot unpack %s", shown);
}

/* The folder of @name, made where it is not there, by real folders only; -1 with errno. */
static int
parent_of(int dir_fd, const char *name, const char **ret_last)
{
    dp_autofd int at = fcntl(dir_fd, F_DUPFD_CLOEXEC, 3);
    const char *slash;

    while (at >= 0 && (slash = strchr(name, '/')) != NULL) {
        g_autofree char *part = g_strndup(name, (gsize)(slash - name));
        int next;

        if (mkdirat(at, part, 0700) < 0 && errno != EEXIST) {
            return -1;
        }
        next = openat(at, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        dp_close_fd(&at);
        at = next;
        name = slash + 1;
    }
    *ret_last = name;
    return dp_steal_fd(&at);
}

static bool
add_file(void *user, const char *name, const void *bytes, size_t len, GError **error)
{
    const Unpack *unpack = user;
    const char *last = NULL;
    dp_autofd int dir = parent_of(unpack->dir_fd, name, &last);
    dp_autofd int fd = -1;
    int r;

    if (dir >= 0) {
        fd = openat(dir, last, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    }
    r = fd >= 0 ? dp_file_write_all(fd, bytes, len) : -errno;
    return r == 0 || failed(error, -r, name);
}

static bool
add_folder(void *user, const char *name, GError **error)
{
    const Unpack *unpack = user;
    const char *last = NULL;
    dp_autofd int dir = parent_of(unpack->dir_fd, name, &last);

    return (dir >= 0 && (mkdirat(dir, last, 0700) == 0 || errno == EEXIST)) ||
           failed(error, errno, name);
}

static bool
add_link(void *user, const char *name, const char *target, GError **error)
{
    Unpack *unpack = user;
    Link link = {g_strdup(name), g_strdup(target)};

    (void)error;
    g_array_append_val(unpack->links, link);
    return true;
}

static bool
make_links(const Unpack *unpack, GError **error)
{
    for (guint i = 0; i < unpack->links->len; i++) {
        const Link *link = &g_array_index(unpack->links, Link, i);
        const char *last = NULL;
        dp_autofd int dir = parent_of(unpack->dir_fd, link->name, &last);

        if (dir < 0 || symlinkat(link->target, dir, last) < 0) {
            return failed(error, errno, link->name);
        }
    }
    return true;
}

static ssize_t
read_fd(void *source, void *buf, size_t len)
{
    ssize_t n;

    do {
        n = read(*(const int *)source, buf, len);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

bool
dp_untar_into(int fd, int dir_fd, GError **error)
{
    g_autoptr(GArray) links = g_array_new(FALSE, FALSE, sizeof(Link));
    Unpack unpack = {.dir_fd = dir_fd, .links = links};
    DpUntarSink sink = {.file = add_file, .folder = add_folder, .link = add_link, .user = &unpack};

    g_array_set_clear_func(links, link_clear);
    return dp_untar(read_fd, &fd, &sink, error) && make_links(&unpack, error);
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    (void)remove(path);
    return 0;
}

void
dp_untar_remove(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
