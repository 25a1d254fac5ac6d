/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file of a VM looked at from outside: how long, which one by whatever name, and who has it. */
#include "base/file.h"
#include "run.h"

#include <fcntl.h>
#include <sys/stat.h>

/* QEMU marks what it does with an image by a lock on one byte each, and what it lets nobody else do
 * on another (block/file-posix.c). */
#define LOCKS_DONE    100
#define LOCKS_REFUSED 200
#define PERM_READ     0
#define PERM_WRITE    1

static bool
byte_locked(int fd, off_t byte)
{
    struct flock lock = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1, .l_pid = 0};

    return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* A guest's drive reads, writes if it may, and lets nobody else write. */
static bool
is_held(int fd, bool writable)
{
    return byte_locked(fd, LOCKS_REFUSED + PERM_READ) || byte_locked(fd, LOCKS_DONE + PERM_WRITE) ||
           (writable && byte_locked(fd, LOCKS_REFUSED + PERM_WRITE));
}

bool
dp_vm_file_look(const char *path, bool writable, DpVmFileFacts *ret_facts)
{
    dp_autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        return false;
    }
    *ret_facts = (DpVmFileFacts){
        .size = (uint64_t)st.st_size,
        .device = (uint64_t)st.st_dev,
        .inode = (uint64_t)st.st_ino,
        .links = (uint64_t)st.st_nlink,
        .held = is_held(fd, writable),
    };
    return true;
}

static bool
has_open(const DpRun *run, const DpVmFileFacts *facts)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/fd", (int)run->qemu_pid);
    g_autoptr(GDir) dir = run->qemu_pid > 0 ? g_dir_open(path, 0, NULL) : NULL;
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *link = g_build_filename(path, name, NULL);
        struct stat st;

        if (stat(link, &st) == 0 && (uint64_t)st.st_dev == facts->device &&
            (uint64_t)st.st_ino == facts->inode) {
            return true;
        }
    }
    return false;
}

char *
dp_run_holder(const DpVmFileFacts *facts, void *user)
{
    const GPtrArray *runs = user;

    for (guint i = 0; runs != NULL && i < runs->len; i++) {
        const DpRun *run = g_ptr_array_index(runs, i);

        if (has_open(run, facts)) {
            return g_strdup(run->name);
        }
    }
    return NULL;
}
