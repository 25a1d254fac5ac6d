/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/child.h"
#include "base/file.h"
#include "scan.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <sys/mman.h>

/* A child ends by itself after this much work, so that its deadline measures one stuck read and not
 * the number of functions. */
#define CHILD_WORK_MS 200
/* Far beyond any read that only has to wait for its turn. */
#define CHILD_DEADLINE_MS 2000
/* What the functions after the first stuck one get of DpRoot.blocked_ms: what holds one lock for
 * ever often holds several. */
#define LATER_SHARE 3
/* After so many stuck functions the slow facts of the rest stay unknown: a command must end. */
#define STUCK_MAX 4

const char *const dp_slow_attrs[DP_N_SLOW] = {
    [DP_SLOW_RESET_METHOD] = "reset_method",
    [DP_SLOW_NUMVFS] = "sriov_numvfs",
    [DP_SLOW_OVERRIDE] = "driver_override",
};

/* Of a Device Serial Number (PCIe 7.9.3) the upper half, too. */
static void
read_rest(int fd, uint8_t *config, size_t at)
{
    unsigned id = config[at] | (unsigned)config[at + 1] << 8;

    if (id == PCI_EXT_CAP_ID_DSN && at + 12 <= DP_CONFIG_EXTENDED) {
        (void)dp_file_read_at(fd, config + at + 8, 4, (off_t)at + 8);
    }
}

/*
 * The extended chain, and of each capability only the registers that are parsed: 4096 bytes are
 * 1024 slow reads of the bus, and some registers are better left alone.
 */
static int
read_extended(int fd, uint8_t *config)
{
    size_t at = DP_CONFIG_STANDARD;

    for (unsigned n = 0; n < DP_CONFIG_EXTENDED / 8; n++) {
        int got = dp_file_read_at(fd, config + at, 8, (off_t)at);
        size_t next;

        if (got < 8) {
            return n == 0 ? (int)DP_CONFIG_STANDARD : (int)at;
        }
        read_rest(fd, config, at);
        next = ((size_t)config[at + 2] | (size_t)config[at + 3] << 8) >> 4 & 0xffc;
        if (next < DP_CONFIG_STANDARD || next > DP_CONFIG_EXTENDED - 8) {
            break;
        }
        at = next;
    }
    return DP_CONFIG_EXTENDED;
}

/* All of a capture's configuration space, but only the standard part of a device's. */
static int
read_config(int fd, uint8_t *config, bool captured)
{
    int len = 0, got = 1, most = (int)(captured ? DP_CONFIG_EXTENDED : DP_CONFIG_STANDARD);

    while (got > 0 && len < most) {
        got = dp_file_read_at(fd, config + len, (size_t)(most - len), len);
        len += MAX(got, 0);
    }
    if (len < (int)DP_CONFIG_STANDARD) {
        return len == 0 && got < 0 ? got : len;
    }
    return captured ? len : read_extended(fd, config);
}

/* Before the attributes, so that their paths are short: a scan opens many. */
static int
open_folder(int root_fd, const char *name)
{
    char path[128];

    (void)snprintf(path, sizeof path, DP_PCI_DEVICES "/%s", name);
    return dp_file_open(root_fd, path, O_PATH | O_DIRECTORY);
}

static int
open_attr(int dir_fd, const char *attr)
{
    return dir_fd < 0 ? dir_fd : dp_file_open(dir_fd, attr, O_RDONLY | O_NONBLOCK | O_NOCTTY);
}

/* Shown under the device's lock (kernel: drivers/pci/pci-sysfs.c, iov.c). */
static bool
needs_lock(size_t attr)
{
    return attr == DP_SLOW_NUMVFS || attr == DP_SLOW_OVERRIDE;
}

void
dp_slow_read_folder(int dir_fd, DpSlow *slow)
{
    if (slow->want_config) {
        dp_autofd int fd = open_attr(dir_fd, "config");

        slow->config_len = fd < 0 ? fd : read_config(fd, slow->config, slow->captured);
    }
    slow->have_config = true;
    for (size_t i = 0; i < DP_N_SLOW; i++) {
        bool wanted = i != DP_SLOW_NUMVFS || slow->want_numvfs;
        dp_autofd int fd = -ENOENT; /* what nobody wants is not there */

        if (slow->locked && needs_lock(i)) {
            continue;
        }
        fd = wanted ? open_attr(dir_fd, dp_slow_attrs[i]) : fd;

        slow->len[i] = fd < 0 ? fd : dp_file_read_at(fd, slow->text[i], DP_SLOW_TEXT - 1, 0);
        slow->have[i] = true;
    }
}

void
dp_slow_read_one(int root_fd, const char *name, DpSlow *slow)
{
    dp_autofd int dir_fd = open_folder(root_fd, name);

    dp_slow_read_folder(dir_fd, slow);
}

DpSlowTable *
dp_slow_table_new(size_t n, bool shared)
{
    DpSlowTable *table;
    size_t size = MAX(n, 1) * sizeof(DpSlow);
    void *slots = mmap(NULL, size, PROT_READ | PROT_WRITE,
                       (shared ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (slots == MAP_FAILED) {
        return NULL;
    }
    (void)madvise(slots, size, MADV_HUGEPAGE); /* twenty megabytes for 4,096 functions */
    table = g_new0(DpSlowTable, 1);
    table->n = n;
    table->slots = slots;
    return table;
}

void
dp_slow_table_free(DpSlowTable *table)
{
    if (table == NULL) {
        return;
    }
    (void)munmap(table->slots, MAX(table->n, 1) * sizeof(DpSlow));
    g_free(table);
}

typedef struct {
    DpSlowTable *table;
    int root_fd;
    const char *const *names;
    DpSlowReader reader;
    size_t first;
} Job;

/* Fills the slots from the first unread one on; -EAGAIN when its time is used up. */
static int
read_slots(void *data)
{
    Job *job = data;
    gint64 start = g_get_monotonic_time();

    for (size_t i = job->first; i < job->table->n; i++) {
        DpSlow *slow = &job->table->slots[i];

        if (g_get_monotonic_time() - start > CHILD_WORK_MS * 1000) {
            return -EAGAIN;
        }
        if (slow->state == DP_SLOW_SKIP) {
            continue;
        }
        slow->state = DP_SLOW_READING;
        job->reader(job->root_fd, job->names[i], slow);
        slow->state = slow->locked ? DP_SLOW_STUCK : DP_SLOW_READ;
    }
    return 0;
}

static bool
is_settled(const DpSlow *slow)
{
    return slow->state == DP_SLOW_READ || slow->state == DP_SLOW_SKIP ||
           slow->state == DP_SLOW_STUCK;
}

/* The first slot that is not read; one that was being read when its child was given up is stuck. */
static size_t
next_slot(Job *job, bool given_up)
{
    size_t i = job->first;

    while (i < job->table->n && is_settled(&job->table->slots[i])) {
        i++;
    }
    if (given_up && i < job->table->n) {
        job->table->slots[i].state = DP_SLOW_STUCK;
        i++;
    }
    return i;
}

void
dp_slow_table_read(DpSlowTable *table, int root_fd, const char *const *names, DpSlowReader reader)
{
    Job job = {.table = table, .root_fd = root_fd, .names = names, .reader = reader};

    for (unsigned stuck = 0; job.first < table->n && stuck < STUCK_MAX;) {
        int blocked_ms = stuck == 0 ? table->blocked_ms : table->blocked_ms / LATER_SHARE;
        int r =
            dp_child_run_unblocked(read_slots, &job, CHILD_DEADLINE_MS, blocked_ms, root_fd, NULL);
        bool given_up = r < 0 && r != -EAGAIN;

        job.first = next_slot(&job, given_up);
        stuck += given_up;
    }
}
