/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rollback.h"

#include "base/child.h"
#include "base/file.h"
#include "moves.h"
#include "quarantine.h"
#include "select.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#define RUN_FOLDER   "run/directpath"
#define PROCESS_LOCK "armed.lock"

#define TICK_MS       300
#define STORE_LOCK_MS 2000
/* Attempts that fail as a whole (no scan, no store) before it is left to the next command. */
#define ATTEMPTS_MAX 100u

/* The lock of the waiting process: -1 if there is one. */
static int
take_process_lock(DpRoot *root, int timeout_ms, GError **error)
{
    dp_autofd int folder = dp_store_folder(root, RUN_FOLDER, error);

    return folder < 0 ? -1 : dp_file_lock(folder, PROCESS_LOCK, timeout_ms, error);
}

/* The function is bound as it was, as far as can be seen. */
static bool
is_as_before(DpRoot *root, const DpBinding *before)
{
    g_autoptr(DpBinding) now = dp_binding_read(root, before->name, NULL);

    return now == NULL || (!now->stuck && g_strcmp0(now->driver, before->driver) == 0 &&
                           g_strcmp0(now->override, before->override) == 0);
}

static GPtrArray *
functions_to_give_back(const DpChange *change, const DpArmed *armed)
{
    GPtrArray *functions = g_ptr_array_new();

    for (guint i = 0; i < armed->bindings->len; i++) {
        const DpBinding *before = armed->bindings->pdata[i];
        DpFunction *fn = dp_host_find_name(change->host, before->name);

        if (fn != NULL && !dp_stored_passthru(change, fn) && !is_as_before(change->root, before) &&
            !dp_quarantine_has(change->root, fn->name)) {
            g_ptr_array_add(functions, fn);
        }
    }
    return functions;
}

/* To the kernel's choice first, which leaves a function alone that somebody holds; then whatever
 * else it was before. */
static void
give_back(DpMoves *moves, const DpFunction *fn, DpRoot *root, DpArmed *armed)
{
    g_autoptr(GError) error = NULL;
    DpMove move = dp_moves_one(moves, fn, false, &error);

    dp_moves_commit(moves);
    if (move == DP_MOVE_STUCK) {
        g_ptr_array_add(armed->left, g_strdup_printf("%s: its driver does not let go yet; it goes "
                                                     "back when it does",
                                                     fn->name));
    } else if (move == DP_MOVE_FAILED ||
               !dp_binding_restore(root, dp_armed_find(armed, fn->name), &error)) {
        g_ptr_array_add(armed->left, g_strdup(error->message));
    }
}

bool
dp_rollback_now(const DpChange *change, DpArmed *armed, DpOutcome *outcome, GError **error)
{
    g_autoptr(GPtrArray) functions = functions_to_give_back(change, armed);
    g_autoptr(DpMoves) moves = dp_moves_begin(change, "disable", functions, outcome, error);

    if (moves == NULL) {
        return false;
    }
    for (guint i = 0; i < functions->len; i++) {
        give_back(moves, functions->pdata[i], change->root, armed);
    }
    outcome->changed |= functions->len > 0;
    armed->phase = DP_ARMED_TAKEN_BACK;
    return dp_moves_end(moves, error) && dp_armed_write(change->root, armed, error);
}

/* A record that is broken counts as it was when it could be read. */
static DpArmed *
read_record(DpRoot *root, const DpArmed *last, bool *ret_broken)
{
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autoptr(GError) error = NULL;
    DpArmed *armed = dp_armed_read(root, diags, &error);

    *ret_broken = armed == NULL && last != NULL && (error != NULL || diags->len > 0);
    return armed;
}

static bool
is_due(const DpArmed *armed)
{
    return armed->phase != DP_ARMED_TAKEN_BACK && dp_armed_left_s(armed) == 0;
}

/* Under the lock, so that no command is at work: what one that died has left comes first. */
static bool
take_back(DpRoot *root, DpArmed *armed)
{
    g_autoptr(DpHost) host = dp_host_scan(root, NULL);
    g_autoptr(DpEsxconf) conf = host == NULL ? NULL : dp_store_load(root, NULL, NULL);
    g_autoptr(DpOutcome) outcome = dp_outcome_new();
    DpChange change = {.root = root, .host = host, .conf = conf};

    return conf != NULL && dp_assign_recover(&change, outcome, NULL) &&
           dp_rollback_now(&change, armed, outcome, NULL);
}

/* True when there is nothing left to do. */
static bool
attempt(DpRoot *root, DpArmed **armed)
{
    dp_autofd int lock = dp_store_lock(root, STORE_LOCK_MS, NULL);
    DpArmed *now;
    bool broken;

    if (lock < 0) {
        return false;
    }
    now = read_record(root, *armed, &broken); /* it may have been confirmed meanwhile */
    if (now != NULL) {
        dp_armed_free(*armed);
        *armed = now;
    } else if (!broken) {
        return true;
    }
    return !is_due(*armed) ? (*armed)->phase == DP_ARMED_TAKEN_BACK : take_back(root, *armed);
}

int
dp_rollback_wait(DpRoot *root, int tick_ms)
{
    g_autoptr(DpArmed) armed = NULL;
    unsigned attempts = 0;

    for (;;) {
        bool broken;
        DpArmed *now = read_record(root, armed, &broken);

        if (now != NULL) {
            dp_armed_free(armed);
            armed = now;
        } else if (!broken) {
            return 0;
        }
        if (armed->phase == DP_ARMED_TAKEN_BACK || (is_due(armed) && attempt(root, &armed))) {
            return 0;
        }
        if (is_due(armed) && ++attempts == ATTEMPTS_MAX) {
            return -ETIMEDOUT;
        }
        g_usleep((gulong)tick_ms * 1000);
    }
}

/* The manager of services ends a session by its control group, with all that was started in it;
 * every process may stand in the root of the tree (kernel: admin-guide/cgroup-v2). */
static void
leave_session(DpRoot *root)
{
    static const char *const roots[] = {"sys/fs/cgroup/cgroup.procs",
                                        "sys/fs/cgroup/systemd/cgroup.procs"};
    char pid[16];

    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);
    (void)g_snprintf(pid, sizeof pid, "%d", (int)getpid());
    for (size_t i = 0; i < G_N_ELEMENTS(roots); i++) {
        (void)root->write(root, roots[i], pid);
    }
}

/* @data: NULL. The lock is the one descriptor that is left open, and is released by the end. */
static int
wait_detached(void *data G_GNUC_UNUSED)
{
    g_autoptr(DpRoot) root = dp_root_open("/", NULL);

    if (root == NULL) {
        return -EIO;
    }
    leave_session(root);
    return dp_rollback_wait(root, TICK_MS);
}

bool
dp_rollback_start(DpRoot *root, GError **error)
{
    dp_autofd int lock = -1;
    int r;

    if (!root->live) {
        return true;
    }
    lock = take_process_lock(root, STORE_LOCK_MS, error);
    if (lock < 0) {
        return false;
    }
    r = dp_child_detach(wait_detached, NULL, lock);
    return r == 0 || dp_fail_errno(error, -r, "cannot make the process that takes the change back");
}

bool
dp_rollback_settle(DpRoot *root, GError **error)
{
    dp_autofd int lock = -1;

    if (!dp_armed_remove(root, error)) {
        return false;
    }
    if (root->live) {
        lock = take_process_lock(root, STORE_LOCK_MS, NULL); /* it looks every TICK_MS */
    }
    return true;
}

static void
report_taken_back(const DpArmed *armed, DpOutcome *outcome)
{
    const DpBinding *first = armed->bindings->pdata[0];
    g_autofree char *names = dp_armed_names(armed);

    dp_diags_add(outcome->diags, DP_DIAG_ARMED_TAKEN_BACK, first->name,
                 "the enable of %s was not confirmed within %d s and was taken back", names,
                 armed->seconds);
    for (guint i = 0; i < armed->left->len; i++) {
        dp_diags_add(outcome->diags, DP_DIAG_ARMED_LEFT, first->name, "%s",
                     (const char *)armed->left->pdata[i]);
    }
}

/* Takes it back at once, says why, and forgets it. */
static bool
end_now(const DpChange *change, DpArmed *armed, DpOutcome *outcome, GError **error)
{
    bool interrupted = armed->phase == DP_ARMED_ARMING;

    if (armed->phase != DP_ARMED_TAKEN_BACK && !dp_rollback_now(change, armed, outcome, error)) {
        return false;
    }
    if (interrupted) {
        const DpBinding *first = armed->bindings->pdata[0];

        dp_diags_add(outcome->diags, DP_DIAG_INTERRUPTED, first->name,
                     "the enable of %s, to be confirmed within %d s, was interrupted; it is taken "
                     "back now",
                     first->name, armed->seconds);
    } else {
        report_taken_back(armed, outcome);
    }
    return dp_rollback_settle(change->root, error);
}

static bool
all_stored(const DpChange *change, const DpArmed *armed)
{
    for (guint i = 0; i < armed->bindings->len; i++) {
        const DpBinding *before = armed->bindings->pdata[i];
        const DpFunction *fn = dp_host_find_name(change->host, before->name);

        if (fn != NULL && !dp_stored_passthru(change, fn)) {
            return false;
        }
    }
    return true;
}

/* The process that waits may have been killed: whoever comes next starts another. */
static bool
keep_waiting(const DpChange *change, const DpArmed *armed, DpOutcome *outcome, GError **error)
{
    const DpBinding *first = armed->bindings->pdata[0];
    dp_autofd int lock = change->root->live ? take_process_lock(change->root, 0, NULL) : -1;

    if (lock < 0) {
        return true;
    }
    dp_close_fd(&lock);
    lock = -1;
    dp_diags_add(outcome->diags, DP_DIAG_ARMED_RESTARTED, first->name,
                 "the process that takes the enable of %s back was gone; another one waits now",
                 first->name);
    return dp_rollback_start(change->root, error);
}

bool
dp_assign_tend(const DpChange *change, DpOutcome *outcome, GError **error)
{
    g_autoptr(DpArmed) armed = NULL;
    g_autoptr(GError) failure = NULL;

    if (change->root->write == NULL || change->dry_run) {
        return true;
    }
    armed = dp_armed_read(change->root, outcome->diags, &failure);
    if (failure != NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
    }
    if (armed == NULL) {
        return true;
    }
    if (armed->phase == DP_ARMED_ARMED && all_stored(change, armed)) {
        return dp_rollback_settle(change->root, error); /* a confirm that died behind the store */
    }
    if (armed->phase != DP_ARMED_ARMED || is_due(armed)) {
        return end_now(change, armed, outcome, error);
    }
    return keep_waiting(change, armed, outcome, error);
}
