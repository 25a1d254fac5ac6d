/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ledger.h"

#include "base/file.h"

#include <string.h>

#define STATUS_MAX 65536u

/* "VmRSS:\t  1234 kB" of /proc/PID/status, in bytes. */
static uint64_t
held(const char *status, const char *name)
{
    g_autofree char *start = g_strdup_printf("\n%s:", name);
    const char *line = strstr(status, start);

    return line != NULL ? g_ascii_strtoull(line + strlen(start), NULL, 10) << 10 : 0;
}

uint64_t
dp_ledger_missing(DpRoot *root, const DpRunState *state)
{
    g_autofree char *path = g_strdup_printf("proc/%d/status", (int)state->engine.pid);
    g_autofree char *status = NULL;
    uint64_t has;

    if (state->engine.pid == 0) {
        return state->phase == DP_VM_STARTING ? state->reserved : 0;
    }
    status = dp_file_read(root->fd, path, STATUS_MAX, NULL, NULL);
    if (status == NULL || strstr(status, "\nState:\tZ") != NULL) {
        return 0;
    }
    /* VFIO pins what is there, so that what is pinned is resident; huge pages count apart. */
    has = held(status, state->page != 0 ? "HugetlbPages" : "VmRSS");
    return state->reserved > has ? state->reserved - has : 0;
}

GArray *
dp_ledger_promises(const GPtrArray *runs, const char *vmx_path)
{
    GArray *promises = g_array_new(FALSE, FALSE, sizeof(DpPromise));
    g_autofree char *own = dp_vm_id(vmx_path);

    for (guint i = 0; runs != NULL && i < runs->len; i++) {
        const DpRun *run = g_ptr_array_index(runs, i);
        DpPromise promise = {
            .name = run->name, .bytes = run->reserved, .missing = run->missing, .page = run->page};

        if (run->reserved != 0 && strcmp(run->id, own) != 0) {
            g_array_append_val(promises, promise);
        }
    }
    return promises;
}
