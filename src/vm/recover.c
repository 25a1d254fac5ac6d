/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a killed supervisor, engine or command has left behind. */
#include "engine.h"
#include "log.h"
#include "on-fault.h"
#include "release.h"
#include "scope.h"
#include "successor.h"
#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/file.h"

#define KILL_TIMEOUT_MS 5000
#define KILL_STEP_MS    10

typedef struct {
    const DpVmEnv *env;
    DpOutcome *outcome;
    DpRunState *state;
    int folder, lock;
} Recovery;

static bool
end_engine(const Recovery *recovery)
{
    const DpProcess *engine = &recovery->state->engine;
    int timeout = KILL_TIMEOUT_MS + dp_run_pinning_ms(recovery->state->memlock);

    for (int waited = 0; dp_process_alive(engine); waited += KILL_STEP_MS) {
        if (waited >= timeout) {
            return false;
        }
        (void)kill(engine->pid, SIGKILL);
        g_usleep(KILL_STEP_MS * 1000);
    }
    return true;
}

static bool
give_back(Recovery *recovery, GError **error)
{
    g_autoptr(DpLog) log = dp_log_continue(recovery->state->vmx_path, NULL);
    DpRelease release = {
        .root = recovery->env->root,
        .vfio = recovery->env->vfio,
        .policy = recovery->env->policy,
        .state = recovery->state,
        .log = log,
    };

    if (!end_engine(recovery)) {
        return dp_fail(error, DP_ERROR_TIMEOUT, "%s: the engine does not end",
                       recovery->state->name);
    }
    recovery->state->phase = DP_VM_STOPPING;
    (void)dp_run_state_save(recovery->state, recovery->folder, NULL);
    dp_log_line(log, "engine and supervisor are gone; the devices are given back");
    dp_release_all(&release, recovery->env->conf, recovery->outcome->diags);
    dp_log_line(log, "the VM is off");
    recovery->outcome->changed = true;
    return dp_run_folder_remove(recovery->env->root, recovery->state->id, error);
}

G_NORETURN static void
adopt_main(Recovery *recovery)
{
    DpSupervisor supervisor = {
        .root = recovery->env->root,
        .vfio = recovery->env->vfio,
        .policy = recovery->env->policy,
        .state = recovery->state,
        .log = dp_log_continue(recovery->state->vmx_path, NULL),
        .folder = recovery->folder,
        .lock = recovery->lock,
        .output = -1,
        .kmsg = -1,
        .successor = -1,
        .tail = g_string_new(NULL),
    };

    dp_supervisor_detach(&supervisor, NULL, 0);
    dp_scope_join(recovery->env->root, recovery->state->engine.pid);
    dp_on_fault_begin(&supervisor);
    dp_successor_offer(&supervisor);
    recovery->state->supervisor = (DpProcess){.pid = getpid(), .start = dp_process_start(getpid())};
    (void)dp_run_state_save(recovery->state, recovery->folder, NULL);
    if (!dp_supervisor_connect(&supervisor, 5000, NULL, NULL)) {
        g_clear_pointer(&supervisor.events, dp_qmp_free);
    }
    dp_log_line(supervisor.log, "a new supervisor, %d, has taken over", (int)getpid());
    dp_supervisor_run(&supervisor);
    _exit(0);
}

/* Waits until the new supervisor is on record, so that the next look sees it: long enough for a
 * host that is busy. */
static bool
wait_adopted(const Recovery *recovery)
{
    for (int i = 0; i < 1000; i++) {
        g_autoptr(DpRunState) state = dp_run_state_load(recovery->folder, NULL);

        if (state != NULL && dp_process_alive(&state->supervisor)) {
            return true;
        }
        g_usleep(10000);
    }
    return false;
}

static bool
adopt(Recovery *recovery, GError **error)
{
    pid_t pid = fork();

    if (pid == 0) {
        if (fork() == 0) {
            adopt_main(recovery);
        }
        _exit(0);
    }
    if (pid < 0) {
        return dp_fail_errno(error, errno, "cannot make a process");
    }
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
    recovery->outcome->changed = true;
    if (!wait_adopted(recovery)) {
        return dp_fail(error, DP_ERROR_TIMEOUT, "%s: no new supervisor", recovery->state->name);
    }
    (void)dp_scope_succeed(recovery->env->root, recovery->state->id, NULL);
    return true;
}

static bool
recover_state(Recovery *recovery, GError **error)
{
    const DpRunState *state = recovery->state;

    if (dp_process_alive(&state->engine) && state->phase == DP_VM_RUNNING) {
        dp_diags_add(
            recovery->outcome->diags, DP_DIAG_VM_SUPERVISOR_DIED, state->name,
            "the supervisor of \"%s\" was gone; the guest runs on, and a new supervisor watches it",
            state->name);
        return adopt(recovery, error);
    }
    dp_diags_add(recovery->outcome->diags, DP_DIAG_VM_DIED, state->name,
                 "\"%s\" had died %s; its devices are given back", state->name,
                 state->phase == DP_VM_STARTING ? "while it was powered on"
                                                : "together with its supervisor");
    return give_back(recovery, error);
}

/* A folder without a state that can be read: nothing was done yet, or nobody knows what. */
static bool
recover_broken(const DpVmEnv *env, const char *id, DpOutcome *outcome, GError **error)
{
    dp_diags_add(outcome->diags, DP_DIAG_VM_STATE_BROKEN, id,
                 "the record of a VM (run/directpath/vm/%s) cannot be read and is removed", id);
    outcome->changed = true;
    return dp_run_folder_remove(env->root, id, error);
}

static bool
recover_one(const DpVmEnv *env, const char *id, DpOutcome *outcome, GError **error)
{
    dp_autofd int folder = dp_run_folder(env->root, id);
    dp_autofd int lock = folder >= 0 ? dp_supervisor_lock(folder) : -1;
    g_autoptr(DpRunState) state = lock >= 0 ? dp_run_state_load(folder, NULL) : NULL;
    Recovery recovery = {
        .env = env, .outcome = outcome, .state = state, .folder = folder, .lock = lock};

    if (lock < 0) {
        return true; /* a supervisor lives */
    }
    if (state == NULL || strcmp(state->id, id) != 0) {
        return recover_broken(env, id, outcome, error);
    }
    return recover_state(&recovery, error);
}

bool
dp_vm_recover(const DpVmEnv *env, DpOutcome *outcome, GError **error)
{
    dp_autofd int all = dp_run_folder_all(env->root);
    g_autoptr(GPtrArray) names = all >= 0 ? dp_file_list(all, ".", NULL) : NULL;
    bool ok = true;

    for (guint i = 0; names != NULL && i < names->len; i++) {
        const char *id = g_ptr_array_index(names, i);
        g_autoptr(GError) failure = NULL;

        if (dp_run_id_valid(id) && !recover_one(env, id, outcome, &failure)) {
            dp_diags_add(outcome->diags, DP_DIAG_VM_GIVE_BACK, id, "%s", failure->message);
            if (ok) {
                g_propagate_error(error, g_steal_pointer(&failure));
            }
            ok = false;
        }
    }
    return ok;
}
