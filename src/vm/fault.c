/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fault.h"

#include "base/file.h"
#include "host/kernel-log.h"

#include <string.h>

/* Records read in a row: others of the host fill the log, too. */
#define BATCH 512
/* More than any log holds: one that grows faster than it is read is watched from where it is. */
#define SKIP_MAX (1u << 20)

struct DpFaultWatch {
    DpRoot *root;
    DpRunState *state;
    DpKmsgReader *log;
    unsigned batch; /* records since the caller waited */
};

/* What is in the log belongs to the past. */
static void
skip(DpFaultWatch *watch)
{
    watch->state->kmsg_number = 0;
    for (unsigned i = 0; i < SKIP_MAX; i++) {
        DpKmsg record;
        DpKmsgRead got = dp_kmsg_next(watch->log, &record);

        if (got == DP_KMSG_RECORD) {
            watch->state->kmsg_number = (int64_t)record.number;
        } else if (got != DP_KMSG_LOST) {
            return;
        }
    }
}

static DpFaultWatch *
watch_new(DpRoot *root, DpRunState *state, DpKmsgReader *log)
{
    DpFaultWatch *watch = g_new0(DpFaultWatch, 1);

    watch->root = root;
    watch->state = state;
    watch->log = log;
    if (state->kmsg_number < 0) {
        skip(watch);
    }
    return watch;
}

DpFaultWatch *
dp_fault_watch_new(DpRoot *root, DpRunState *state, GError **error)
{
    int err = 0;
    DpKmsgReader *log = dp_kmsg_open(root, UINT64_MAX, &err);

    if (log == NULL) {
        return dp_fail_errno(error, err, "cannot read the kernel's log (/" DP_KMSG ")"), NULL;
    }
    return watch_new(root, state, log);
}

DpFaultWatch *
dp_fault_watch_take(DpRoot *root, DpRunState *state, int fd)
{
    return watch_new(root, state, dp_kmsg_take(fd));
}

void
dp_fault_watch_free(DpFaultWatch *watch)
{
    if (watch != NULL) {
        dp_kmsg_close(watch->log);
        g_free(watch);
    }
}

int
dp_fault_watch_fd(const DpFaultWatch *watch)
{
    return dp_kmsg_fd(watch->log);
}

static bool
same_place(const DpAddr *a, const DpDmaFault *fault)
{
    return a->bus == fault->requester.bus && a->device == fault->requester.device &&
           a->function == fault->requester.function &&
           (fault->any_domain || a->domain == fault->requester.domain);
}

/* How many functions of the host the id may be of. */
static unsigned
count_functions(const DpFaultWatch *watch, const DpDmaFault *fault)
{
    g_autoptr(GPtrArray) names = dp_file_list(watch->root->fd, "sys/bus/pci/devices", NULL);
    unsigned n = 0;

    for (guint i = 0; names != NULL && i < names->len; i++) {
        DpAddr addr;

        n += dp_addr_parse_sysfs(names->pdata[i], &addr) && same_place(&addr, fault);
    }
    return n;
}

/* An id that no function has, but that requests of @member may bear: a bridge takes them over as
 * device 0 of the bus below it, and some devices make them as another function of theirs. */
static bool
stands_for(const DpAddr *member, const DpDmaFault *fault)
{
    const DpAddr *id = &fault->requester;

    return id->bus == member->bus && (fault->any_domain || id->domain == member->domain) &&
           (id->device == member->device || (id->device == 0 && id->function == 0));
}

static bool
in_group(const DpFaultWatch *watch, int group, const DpDmaFault *fault, bool of_nobody)
{
    g_autofree char *path = g_strdup_printf("sys/kernel/iommu_groups/%d/devices", group);
    g_autoptr(GPtrArray) names = dp_file_list(watch->root->fd, path, NULL);

    for (guint i = 0; names != NULL && i < names->len; i++) {
        DpAddr addr;

        if (dp_addr_parse_sysfs(names->pdata[i], &addr) &&
            (same_place(&addr, fault) || (of_nobody && stands_for(&addr, fault)))) {
            return true;
        }
    }
    return false;
}

/* True if the fault is of one of the VM's functions. */
static bool
find_owner(const DpFaultWatch *watch, DpVmFault *found)
{
    const GArray *functions = watch->state->functions;
    unsigned n = count_functions(watch, &found->fault);

    found->certain = n <= 1;
    for (unsigned round = 0; round < 2; round++) {
        for (guint i = 0; i < functions->len; i++) {
            const DpRunFunction *fn = &g_array_index(functions, DpRunFunction, i);
            DpAddr addr;

            found->by_group = round == 1;
            if (found->by_group
                    ? in_group(watch, fn->group, &found->fault, n == 0)
                    : dp_addr_parse_sysfs(fn->name, &addr) && same_place(&addr, &found->fault)) {
                g_strlcpy(found->name, fn->name, sizeof found->name);
                return true;
            }
        }
    }
    return false;
}

bool
dp_fault_watch_next(DpFaultWatch *watch, DpVmFault *ret_fault, bool *ret_more, bool *ret_ended)
{
    *ret_more = *ret_ended = false;
    for (; watch->batch < BATCH; watch->batch++) {
        DpVmFault found = {0};
        DpKmsg record;
        DpKmsgRead got = dp_kmsg_next(watch->log, &record);

        if (got == DP_KMSG_AT_END || got == DP_KMSG_ENDED) {
            watch->batch = 0;
            *ret_ended = got == DP_KMSG_ENDED;
            return false;
        }
        if (got == DP_KMSG_LOST || (int64_t)record.number <= watch->state->kmsg_number) {
            continue;
        }
        watch->state->kmsg_number = (int64_t)record.number;
        if (record.of_kernel && dp_dma_fault_parse(record.text, record.len, &found.fault) &&
            find_owner(watch, &found)) {
            watch->batch++;
            *ret_fault = found;
            return true;
        }
    }
    watch->batch = 0;
    *ret_more = true;
    return false;
}
