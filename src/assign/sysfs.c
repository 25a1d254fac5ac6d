/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sysfs.h"

#include "base/child.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#define VALUE_MAX_BYTES 4096u
/* A reader that is not blocked but gets no turn has this many times as long: on a busy machine a
 * change must not fail for that. */
#define BUSY_FACTOR 20

bool
dp_sysfs_exists(DpRoot *root, const char *path)
{
    dp_autofd int fd = dp_file_open(root->fd, path, O_PATH);

    return fd >= 0;
}

typedef struct {
    int root_fd;
    const char *path;
    char *value; /* shared with the child; VALUE_MAX_BYTES */
} Read;

static int
read_value(void *data)
{
    const Read *job = data;
    int r = 0;
    g_autofree char *line = dp_file_read_line(job->root_fd, job->path, &r);

    if (line == NULL) {
        return -r;
    }
    (void)g_strlcpy(job->value, line, VALUE_MAX_BYTES);
    return 0;
}

int
dp_sysfs_read_patiently(
    DpRoot *root, const char *path, int blocked_ms, char **ret_value, pid_t *ret_waiting)
{
    void *shared =
        mmap(NULL, VALUE_MAX_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    Read job = {.root_fd = root->fd, .path = path, .value = shared};
    int r;

    if (shared == MAP_FAILED) {
        return -errno;
    }
    r = dp_child_run_unblocked(read_value, &job, BUSY_FACTOR * blocked_ms, blocked_ms, root->fd,
                               ret_waiting);
    if (r == 0) {
        *ret_value = g_strndup(shared, VALUE_MAX_BYTES - 1);
    }
    (void)munmap(shared, VALUE_MAX_BYTES);
    return r;
}

unsigned long long
dp_sysfs_process_start(DpRoot *root, pid_t pid)
{
    g_autofree char *path = g_strdup_printf("proc/%d/stat", (int)pid);
    g_autofree char *line = dp_file_read_line(root->fd, path, NULL);
    /* The name, in parentheses, may hold anything; 19 fields lie between it and the one wanted. */
    const char *at = line == NULL ? NULL : strrchr(line, ')');

    for (int field = 2; at != NULL && field < 22; field++) {
        at = strchr(at + 1, ' ');
    }
    return at == NULL ? 0 : g_ascii_strtoull(at + 1, NULL, 10);
}
