/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shut-down, power-off and reset: the engine is asked or told; when it ends, its supervisor gives
 * the devices back. */
#include "qmp.h"
#include "state.h"
#include "supervise.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#define COMMAND_TIMEOUT_MS 5000
#define QUIT_TIMEOUT_MS    10000
#define RESET_TIMEOUT_MS   30000
#define RELEASE_TIMEOUT_MS 120000
#define ENDING_TIMEOUT_MS  2000

static char *
qmp_path(DpRoot *root, const DpRun *run)
{
    return g_build_filename(root->path, "run/directpath/vm", run->id, DP_STATE_QMP, NULL);
}

static bool
command(DpRoot *root, const DpRun *run, const char *name, GError **error)
{
    g_autofree char *path = qmp_path(root, run);
    g_autoptr(DpQmp) qmp = dp_qmp_connect(path, NULL, NULL, error);
    json_t *answer;

    if (qmp == NULL || !dp_qmp_handshake(qmp, COMMAND_TIMEOUT_MS, NULL, error)) {
        return false;
    }
    answer = dp_qmp_execute(qmp, name, NULL, COMMAND_TIMEOUT_MS, error);
    json_decref(answer);
    return answer != NULL;
}

typedef bool (*Condition)(DpRoot *root, const DpRunState *state);

static bool
engine_gone(DpRoot *root, const DpRunState *state)
{
    (void)root;
    return !dp_process_alive(&state->engine);
}

/* The folder is the last thing that the supervisor removes before it ends. */
static bool
all_gone(DpRoot *root, const DpRunState *state)
{
    dp_autofd int folder = dp_run_folder(root, state->id);

    return folder < 0 && !dp_process_alive(&state->supervisor);
}

bool
dp_run_is_orphan(DpRoot *root, const char *id)
{
    dp_autofd int folder = dp_run_folder(root, id);
    dp_autofd int lock = folder >= 0 ? dp_supervisor_lock(folder) : -1;
    dp_autofd int still_there = lock >= 0 ? dp_run_folder(root, id) : -1;

    return still_there >= 0;
}

/* Or by nobody any more. */
static bool
given_back(DpRoot *root, const DpRunState *state)
{
    return all_gone(root, state) ||
           (!dp_process_alive(&state->supervisor) && dp_run_is_orphan(root, state->id));
}

static bool
wait_for(DpRoot *root, const DpRunState *state, Condition condition, int timeout_ms)
{
    gint64 deadline = g_get_monotonic_time() + (gint64)timeout_ms * 1000;

    while (!condition(root, state)) {
        if (g_get_monotonic_time() >= deadline) {
            return false;
        }
        g_usleep(20000);
    }
    return true;
}

/* Where the supervisor will say what it could not give back. */
static int
open_report(DpRoot *root, const DpRun *run)
{
    dp_autofd int folder = dp_run_folder(root, run->id);

    return folder >= 0 ? openat(folder, DP_STATE_SUPERVISOR, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
                       : -1;
}

static DpRunState *
load(DpRoot *root, const DpRun *run, GError **error)
{
    dp_autofd int folder = dp_run_folder(root, run->id);

    if (folder < 0) {
        return dp_fail(error, DP_ERROR_NOT_FOUND, "%s is off", run->name), NULL;
    }
    return dp_run_state_load(folder, error);
}

/* The supervisor gives back under the store's lock, for which it has to wait as long as other VMs
 * are being powered on, also one that has begun to be meanwhile. */
static bool
wait_given_back(DpRoot *root, const DpRunState *state)
{
    int more_ms = dp_run_starting_ms(root);

    if (wait_for(root, state, given_back, RELEASE_TIMEOUT_MS + more_ms)) {
        return true;
    }
    more_ms = dp_run_starting_ms(root);
    return more_ms > 0 && wait_for(root, state, given_back, RELEASE_TIMEOUT_MS + more_ms);
}

/* The engine is gone: whatever comes of its devices, the VM is off. */
static bool
wait_released(DpRoot *root, const DpRunState *state, int report, DpOutcome *outcome, GError **error)
{
    bool ended = wait_given_back(root, state);

    if (ended && dp_run_is_orphan(root, state->id)) {
        return dp_fail(error, DP_ERROR_BUSY, "%s: its supervisor died before all was given back",
                       state->name);
    }
    outcome->changed = true;
    if (ended) {
        return report < 0 || dp_supervisor_read_report(report, outcome->diags) ||
               dp_fail(error, DP_ERROR_IO, "%s is off, but not all of its devices are back",
                       state->name);
    }
    dp_diags_add(outcome->diags, DP_DIAG_VM_GIVE_BACK, state->name,
                 "%s has ended, but its devices are not back yet", state->name);
    return dp_fail(error, DP_ERROR_TIMEOUT, "%s: the devices are not back yet", state->name);
}

/* While a VM is being powered on there may be no engine yet: nobody to ask, and none that has
 * ended. */
static bool
has_engine(const DpRunState *state, GError **error)
{
    return state->phase != DP_VM_STARTING || state->engine.pid != 0 ||
           dp_fail(error, DP_ERROR_BUSY, "%s is being powered on; try again", state->name);
}

struct DpVmStop {
    DpRunState *state;
    int report;
    gint64 asked_us;
};

void
dp_vm_stop_free(DpVmStop *stop)
{
    if (stop == NULL) {
        return;
    }
    dp_close_fd(&stop->report);
    dp_run_state_free(stop->state);
    g_free(stop);
}

/* By itself: such an engine closes its monitor first, and is gone soon after. One that does not
 * answer, or refuses, is there. */
static bool
has_ended(DpRoot *root, const DpRunState *state, const GError *failure)
{
    bool listens = g_error_matches(failure, DP_ERROR, DP_ERROR_TIMEOUT) ||
                   g_error_matches(failure, DP_ERROR, DP_ERROR_REFUSED);

    return wait_for(root, state, engine_gone, listens ? 0 : ENDING_TIMEOUT_MS);
}

/* True also of a guest that was quicker: it has done what it would have been asked. */
static bool
ask_guest(DpRoot *root, const DpRun *run, const DpRunState *state, GError **error)
{
    g_autoptr(GError) failure = NULL;

    if (command(root, run, "system_powerdown", &failure) || has_ended(root, state, failure)) {
        return true;
    }
    if (g_error_matches(failure, DP_ERROR, DP_ERROR_NOT_FOUND)) {
        /* The monitor is, and the VM is not off, which is what that code says of a VM. */
        return dp_fail(error, DP_ERROR_IO, "%s", failure->message);
    }
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
}

DpVmStop *
dp_vm_stop_ask(DpRoot *root, const DpRun *run, GError **error)
{
    g_autoptr(DpVmStop) stop = g_new0(DpVmStop, 1);

    stop->report = open_report(root, run);
    stop->state = load(root, run, error);
    if (stop->state == NULL || !has_engine(stop->state, error) ||
        !ask_guest(root, run, stop->state, error)) {
        return NULL;
    }
    stop->asked_us = g_get_monotonic_time();
    return g_steal_pointer(&stop);
}

bool
dp_vm_stop_wait(
    DpRoot *root, const DpVmStop *stop, int timeout_s, DpOutcome *outcome, GError **error)
{
    gint64 passed_ms = (g_get_monotonic_time() - stop->asked_us) / 1000;
    int left_ms = (int)MAX((gint64)timeout_s * 1000 - passed_ms, 0);

    if (!wait_for(root, stop->state, engine_gone, left_ms)) {
        dp_diags_add(outcome->diags, DP_DIAG_VM_GUEST_DEAF, stop->state->name,
                     "the guest of \"%s\" has not shut down within %d s", stop->state->name,
                     timeout_s);
        return dp_fail(error, DP_ERROR_TIMEOUT, "%s: the guest did not shut down",
                       stop->state->name);
    }
    return wait_released(root, stop->state, stop->report, outcome, error);
}

bool
dp_vm_shut_down(DpRoot *root, const DpRun *run, int timeout_s, DpOutcome *outcome, GError **error)
{
    g_autoptr(DpVmStop) stop = dp_vm_stop_ask(root, run, error);

    return stop != NULL && dp_vm_stop_wait(root, stop, timeout_s, outcome, error);
}

static void
note_reset(const char *name, const json_t *data G_GNUC_UNUSED, void *user)
{
    *(bool *)user |= g_strcmp0(name, "RESET") == 0;
}

/* QEMU says so when every device has been reset. */
static bool
wait_reset(DpQmp *qmp, const bool *done, GError **error)
{
    gint64 deadline = g_get_monotonic_time() + (gint64)RESET_TIMEOUT_MS * 1000;

    while (!*done) {
        struct pollfd fd = {.fd = dp_qmp_fd(qmp), .events = POLLIN};
        gint64 left_ms = (deadline - g_get_monotonic_time()) / 1000;

        if (left_ms <= 0) {
            return dp_fail(error, DP_ERROR_TIMEOUT, "the engine has not reset it within %d s",
                           RESET_TIMEOUT_MS / 1000);
        }
        if (poll(&fd, 1, (int)left_ms) > 0 && !dp_qmp_drain(qmp, error)) {
            return false;
        }
    }
    return true;
}

bool
dp_vm_reset(DpRoot *root, const DpRun *run, GError **error)
{
    g_autofree char *path = qmp_path(root, run);
    bool done = false;
    g_autoptr(DpQmp) qmp = dp_qmp_connect(path, note_reset, &done, error);
    json_t *answer;

    if (qmp == NULL || !dp_qmp_handshake(qmp, COMMAND_TIMEOUT_MS, NULL, error)) {
        return false;
    }
    answer = dp_qmp_execute(qmp, "system_reset", NULL, COMMAND_TIMEOUT_MS, error);
    json_decref(answer);
    return answer != NULL && wait_reset(qmp, &done, error);
}

bool
dp_vm_power_off(DpRoot *root, const DpRun *run, DpOutcome *outcome, GError **error)
{
    g_autoptr(DpRunState) state = load(root, run, error);
    dp_autofd int report = open_report(root, run);

    if (state == NULL || !has_engine(state, error)) {
        return false;
    }
    if (!command(root, run, "quit", NULL) || !wait_for(root, state, engine_gone, QUIT_TIMEOUT_MS)) {
        if (dp_process_alive(&state->engine)) {
            (void)kill(state->engine.pid, SIGKILL);
        }
        if (!wait_for(root, state, engine_gone,
                      QUIT_TIMEOUT_MS + dp_run_pinning_ms(state->memlock))) {
            return dp_fail(error, DP_ERROR_TIMEOUT, "%s: the engine does not end", state->name);
        }
    }
    return wait_released(root, state, report, outcome, error);
}
