/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "root.h"

#include "base/child.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* Any name of the machine's own root counts ("//", "/.", a link): acting must not be tricked into
 * looking like a capture. */
static bool
is_machine(int fd)
{
    struct stat here, root;

    return fstat(fd, &here) == 0 && stat("/", &root) == 0 && here.st_dev == root.st_dev &&
           here.st_ino == root.st_ino;
}

DpRoot *
dp_root_open(const char *path, GError **error)
{
    dp_autofd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DpRoot *root;

    if (fd < 0 && errno == ENOTDIR) {
        (void)dp_fail(error, DP_ERROR_NOT_FOUND,
                      "%s is a file: unpack the capture (tar -xf) and name the folder", path);
        return NULL;
    }
    if (fd < 0) {
        dp_fail_errno(error, errno, "cannot open the root %s", path);
        return NULL;
    }
    root = g_new0(DpRoot, 1);
    root->live = is_machine(fd);
    root->fd = dp_steal_fd(&fd);
    root->path = root->live ? g_strdup("/") : g_strdup(path);
    root->write = root->live ? dp_root_write_kernel : NULL;
    return root;
}

void
dp_root_free(DpRoot *root)
{
    if (root == NULL) {
        return;
    }
    dp_close_fd(&root->fd);
    g_free(root->path);
    g_free(root);
}

typedef struct {
    int root_fd;
    const char *path;
    const char *value;
} Write;

/* One attribute takes its value in one write, or not at all. */
static int
write_attribute(void *data)
{
    const Write *job = data;
    dp_autofd int fd = dp_file_open(job->root_fd, job->path, O_WRONLY | O_NOFOLLOW | O_NOCTTY);
    size_t len = strlen(job->value);
    ssize_t n;

    if (fd < 0) {
        return fd;
    }
    do {
        n = write(fd, job->value, len);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return -errno;
    }
    return (size_t)n == len ? 0 : -EIO;
}

int
dp_root_write_kernel(DpRoot *root, const char *path, const char *value)
{
    Write job = {.root_fd = root->fd, .path = path, .value = value};

    return dp_child_run_apart(write_attribute, &job, DP_SYSFS_TIMEOUT_MS, root->fd, NULL);
}
