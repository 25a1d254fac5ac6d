/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "log.h"

#include "base/file.h"
#include "base/text.h"
#include "host/tar.h"
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LINE_MAX_BYTES  (64u << 10)
#define TAIL_BYTES      (256u << 10)
#define READ_TIMEOUT_MS 2000
#define LOG_MAX_BYTES   ((goffset)16 << 20) /* a guest must not fill the disk through its engine */

struct DpLog {
    int fd;
    bool full;
};

char *
dp_log_path(const char *vmx_path)
{
    g_autofree char *folder = g_path_get_dirname(vmx_path);

    return g_build_filename(folder, DP_LOG_NAME, NULL);
}

char *
dp_log_name(unsigned n)
{
    return n == 0 ? g_strdup(DP_LOG_NAME) : g_strdup_printf("directpath-%u.log", n);
}

/* False where the newest cannot be moved, with errno: nothing is written over it. */
static bool
rotate(int folder)
{
    bool moved = true;

    for (unsigned n = DP_LOG_KEPT - 1; n > 0; n--) {
        g_autofree char *from = dp_log_name(n - 1), *to = dp_log_name(n);

        moved = renameat(folder, from, folder, to) == 0 || errno == ENOENT;
    }
    return moved;
}

/* The folder of the file that is meant, whatever link names it. */
static int
open_folder(const char *vmx_path, GError **error)
{
    char *real = realpath(vmx_path, NULL);
    g_autofree char *folder = g_path_get_dirname(real != NULL ? real : vmx_path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    free(real);
    if (fd < 0) {
        dp_fail_errno(error, errno, "cannot open the folder %s", folder);
    }
    return fd;
}

DpLog *
dp_log_take(int fd)
{
    DpLog *log = g_new0(DpLog, 1);

    log->fd = fd;
    return log;
}

static DpLog *
log_open(const char *vmx_path, int flags, GError **error)
{
    dp_autofd int folder = open_folder(vmx_path, error);
    dp_autofd int fd = -1;
    struct stat st;

    if (folder < 0) {
        return NULL;
    }
    if ((flags & O_EXCL) != 0 && !rotate(folder)) {
        return dp_fail_errno(error, errno, "cannot move %s beside the VMX", DP_LOG_NAME), NULL;
    }
    fd = openat(folder, DP_LOG_NAME,
                flags | O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
    if (fd < 0) {
        return dp_fail_errno(error, errno, "cannot write %s beside the VMX", DP_LOG_NAME), NULL;
    }
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1) {
        return dp_fail(error, DP_ERROR_REFUSED, "%s beside the VMX is no file of its own",
                       DP_LOG_NAME),
               NULL;
    }
    return dp_log_take(dp_steal_fd(&fd));
}

DpLog *
dp_log_start(const char *vmx_path, GError **error)
{
    return log_open(vmx_path, O_EXCL, error);
}

DpLog *
dp_log_continue(const char *vmx_path, GError **error)
{
    return log_open(vmx_path, 0, error);
}

void
dp_log_free(DpLog *log)
{
    if (log == NULL) {
        return;
    }
    dp_close_fd(&log->fd);
    g_free(log);
}

int
dp_log_fd(const DpLog *log)
{
    return log != NULL ? log->fd : -1;
}

static bool
has_room(DpLog *log)
{
    struct stat st;

    if (log->full) {
        return false;
    }
    if (fstat(log->fd, &st) == 0 && st.st_size > LOG_MAX_BYTES) {
        log->full = true;
        (void)dprintf(log->fd, "the log is full: nothing more is written\n");
        return false;
    }
    return true;
}

void
dp_log_line(DpLog *log, const char *fmt, ...)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *time = g_date_time_format(now, "%Y-%m-%dT%H:%M:%S");
    g_autofree char *text = NULL, *shown = NULL;
    va_list args;

    if (log == NULL || !has_room(log)) {
        return;
    }
    va_start(args, fmt);
    text = g_strdup_vprintf(fmt, args);
    va_end(args);
    shown = dp_text_visible_max(text, -1, LINE_MAX_BYTES);
    (void)dprintf(log->fd, "%s.%03dZ %s\n", time, g_date_time_get_microsecond(now) / 1000, shown);
}

char *
dp_vm_log_read(const char *vmx_path, size_t max, GError **error)
{
    dp_autofd int folder = open_folder(vmx_path, error);
    dp_autofd int fd = -1;
    g_autofree char *text = NULL;
    struct stat st;
    ssize_t n;
    off_t start;

    if (folder < 0) {
        return NULL;
    }
    fd = openat(folder, DP_LOG_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) {
        return dp_fail(error, DP_ERROR_NOT_FOUND,
                       "there is no %s beside the VMX: the VM has not run here", DP_LOG_NAME),
               NULL;
    }
    if (fd < 0 || fstat(fd, &st) < 0) {
        return dp_fail_errno(error, errno, "cannot read %s", DP_LOG_NAME), NULL;
    }
    if (!S_ISREG(st.st_mode)) {
        return dp_fail(error, DP_ERROR_REFUSED, "%s beside the VMX is no regular file",
                       DP_LOG_NAME),
               NULL;
    }
    start = st.st_size > (off_t)max ? st.st_size - (off_t)max : 0;
    text = g_malloc(max + 1);
    n = pread(fd, text, max, start);
    if (n < 0) {
        return dp_fail_errno(error, errno, "cannot read %s", DP_LOG_NAME), NULL;
    }
    text[n] = '\0';
    return g_steal_pointer(&text);
}

/* Its end. A link, or a file that lies elsewhere too, is no log of ours. */
static char *
read_tail(int root_fd, const char *path, size_t *ret_len)
{
    dp_autofd int fd = dp_file_open(root_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    g_autofree char *text = NULL;
    struct stat st;
    int n;

    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1) {
        return NULL;
    }
    text = g_malloc(TAIL_BYTES + 1);
    n = dp_file_read_at(fd, text, TAIL_BYTES, MAX(st.st_size - (off_t)TAIL_BYTES, 0));
    if (n < 0) {
        return NULL;
    }
    text[n] = '\0';
    *ret_len = (size_t)n;
    return g_steal_pointer(&text);
}

/* Where the file that @vmx_path means lies beneath @root. */
static char *
log_folder(const DpRoot *root, const char *vmx_path)
{
    g_autofree char *target = dp_file_read_link(root->fd, vmx_path);
    g_autofree char *real = target == NULL ? NULL : dp_tar_resolve(vmx_path + 1, target);

    return g_path_get_dirname(real != NULL ? real : vmx_path);
}

void
dp_log_read_all(const DpRoot *root, const char *vmx_path, DpApartTake take, void *data)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *folder = log_folder(root, vmx_path);

    for (unsigned n = 0; n < DP_LOG_KEPT; n++) {
        g_autofree char *name = dp_log_name(n);

        g_ptr_array_add(paths, g_build_filename(folder, name, NULL));
    }
    dp_apart_read(root->fd, paths, READ_TIMEOUT_MS, read_tail, take, data);
}
