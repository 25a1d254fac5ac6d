/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run.h"

#include "base/file.h"
#include "ledger.h"
#include "log.h"
#include "state.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

/* What a power-on may take beside the pinning of memory. */
#define START_TIMEOUT_MS 90000

void
dp_run_free(DpRun *run)
{
    if (run == NULL) {
        return;
    }
    g_free(run->id);
    g_free(run->name);
    g_free(run->vmx_path);
    g_free(run->log_path);
    g_strfreev(run->functions);
    g_free(run->accel);
    g_free(run->started);
    g_free(run->vmx_sum);
    g_free(run);
}

static DpRun *
run_from_state(DpRoot *root, const DpRunState *state)
{
    DpRun *run = g_new0(DpRun, 1);

    run->id = g_strdup(state->id);
    run->name = g_strdup(state->name);
    run->vmx_path = g_strdup(state->vmx_path);
    run->log_path = dp_log_path(state->vmx_path);
    run->qemu_pid = dp_process_alive(&state->engine) ? state->engine.pid : 0;
    run->supervisor_pid = dp_process_alive(&state->supervisor) ? state->supervisor.pid : 0;
    run->uid = state->uid;
    run->functions = g_new0(char *, state->functions->len + 1);
    for (guint i = 0; i < state->functions->len; i++) {
        run->functions[i] = g_strdup(g_array_index(state->functions, DpRunFunction, i).name);
    }
    run->accel = g_strdup(state->accel);
    run->started = g_strdup(state->started);
    run->vmx_sum = g_strdup(state->vmx_sum);
    run->reserved = state->reserved;
    run->missing = dp_ledger_missing(root, state);
    run->page = state->page;
    run->state = state->phase;
    return run;
}

static DpRun *
run_load(DpRoot *root, int all, const char *id)
{
    dp_autofd int folder =
        dp_run_id_valid(id) ? dp_file_open(all, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) : -1;
    g_autoptr(DpRunState) state = folder >= 0 ? dp_run_state_load(folder, NULL) : NULL;

    if (state == NULL || strcmp(state->id, id) != 0) {
        return NULL;
    }
    return run_from_state(root, state);
}

GPtrArray *
dp_run_list(DpRoot *root)
{
    GPtrArray *runs = g_ptr_array_new_with_free_func((GDestroyNotify)dp_run_free);
    dp_autofd int all = dp_run_folder_all(root);
    g_autoptr(GPtrArray) names = all >= 0 ? dp_file_list(all, ".", NULL) : NULL;

    for (guint i = 0; names != NULL && i < names->len; i++) {
        DpRun *run = run_load(root, all, g_ptr_array_index(names, i));

        if (run != NULL) {
            g_ptr_array_add(runs, run);
        }
    }
    return runs;
}

int
dp_run_starting_ms(DpRoot *root)
{
    g_autoptr(GPtrArray) runs = dp_run_list(root);
    int64_t ms = 0;

    for (guint i = 0; i < runs->len; i++) {
        const DpRun *run = runs->pdata[i];

        ms +=
            run->state == DP_VM_STARTING ? START_TIMEOUT_MS + dp_run_pinning_ms(run->reserved) : 0;
    }
    return (int)MIN(ms, INT_MAX / 2);
}

DpRun *
dp_run_find(DpRoot *root, const char *vmx_path)
{
    g_autofree char *id = dp_vm_id(vmx_path);
    dp_autofd int all = dp_run_folder_all(root);

    return all >= 0 ? run_load(root, all, id) : NULL;
}

bool
dp_run_is_on(const DpRun *run, GError **error)
{
    if (run->state == DP_VM_STARTING) {
        return dp_fail(error, DP_ERROR_BUSY, "%s is being powered on", run->name);
    }
    return (run->state == DP_VM_RUNNING && run->qemu_pid > 0) ||
           dp_fail(error, DP_ERROR_BUSY, "%s has ended, and its devices are not back yet",
                   run->name);
}

const DpRun *
dp_run_using(const DpAddr *addr, void *user)
{
    const GPtrArray *runs = user;
    char name[DP_ADDR_LEN];

    if (runs == NULL || runs->len == 0) { /* asked for each function of a list */
        return NULL;
    }
    dp_addr_format(addr, name);
    for (guint i = 0; i < runs->len; i++) {
        const DpRun *run = g_ptr_array_index(runs, i);

        if (g_strv_contains((const char *const *)run->functions, name)) {
            return run;
        }
    }
    return NULL;
}

const char *
dp_run_used_by(const DpAddr *addr, void *user)
{
    const DpRun *run = dp_run_using(addr, user);

    return run != NULL ? run->name : NULL;
}
