/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "confirm.h"

#include "moves.h"
#include "outcome.h"
#include "ownership.h"
#include "rollback.h"

static bool
is_overridden(const DpChange *change, DpDiagId id)
{
    for (size_t i = 0; i < change->n_overrides; i++) {
        if (change->overrides[i] == (int)id) {
            return true;
        }
    }
    return false;
}

/* What the host's network hangs on may be overridden only so that it comes back by itself. */
static void
check_network(const DpChange *change, const DpFunction *fn, DpOutcome *outcome)
{
    const DpVerdict *verdict = dp_policy_verdict(change->policy, &fn->addr);

    for (guint i = 0; i < verdict->diags->len; i++) {
        const DpDiag *diag = verdict->diags->pdata[i];
        DpDiag *refusal;

        if (!dp_policy_is_network_need(diag->row->id) || !is_overridden(change, diag->row->id)) {
            continue;
        }
        refusal = dp_diags_add(outcome->diags, DP_DIAG_CONFIRM_NEEDED, fn->name,
                               "%s: DP%d can only be overridden for a time: %s", fn->name,
                               (int)diag->row->id, diag->message);
        if (change->root->write == NULL) {
            dp_diag_set_remedy(refusal, "run it on that host itself, with --confirm-within");
        }
    }
}

static void
check_armed(const DpChange *change, DpOutcome *outcome)
{
    g_autoptr(DpArmed) armed = dp_armed_read(change->root, NULL, NULL);
    g_autofree char *names = NULL;
    const DpBinding *first;

    if (armed == NULL || armed->phase == DP_ARMED_TAKEN_BACK) {
        return;
    }
    first = armed->bindings->pdata[0];
    names = dp_armed_names(armed);
    dp_diags_add(outcome->diags, DP_DIAG_ARMED_ALREADY, first->name,
                 "the enable of %s waits for its confirmation, for %d s more", names,
                 dp_armed_left_s(armed));
}

bool
dp_confirm_allowed(const DpChange *change,
                   const DpSelection *chosen,
                   DpOutcome *outcome,
                   GError **error)
{
    guint before = outcome->diags->len;

    for (guint i = 0; change->confirm_within_s == 0 && i < chosen->functions->len; i++) {
        check_network(change, chosen->functions->pdata[i], outcome);
    }
    if (change->root->write != NULL) {
        check_armed(change, outcome);
    } else if (change->confirm_within_s > 0 && !change->dry_run) {
        dp_diags_add(outcome->diags, DP_DIAG_LIVE_ONLY, "--confirm-within",
                     "a folder's devices are moved by nobody, so there is nothing to take back");
    }
    if (change->confirm_within_s > 0) {
        (void)dp_report_claims_off(change, DP_ERROR_SEVERITY, outcome);
    }
    return !dp_selection_refused(outcome, before, error);
}

/* Judged now: when the change is confirmed, the function carries no route any more. */
static void
add_overrides(const DpChange *change, const DpSelection *chosen, DpArmed *armed)
{
    for (guint i = 0; i < chosen->lines->len; i++) {
        const DpAddr *addr = &g_array_index(chosen->lines, DpAddr, i);
        const DpFunction *fn = dp_host_find(change->host, addr);
        g_autoptr(GArray) ids = fn == NULL ? NULL : dp_ownership_overrides(change, fn);

        for (guint k = 0; ids != NULL && k < ids->len; k++) {
            DpOverride override = {.addr = *addr, .id = g_array_index(ids, int, k)};

            g_array_append_val(armed->overrides, override);
        }
    }
}

static DpArmed *
make_record(const DpChange *change, const DpSelection *chosen, GError **error)
{
    g_autoptr(DpArmed) armed = dp_armed_new(change->root, change->confirm_within_s);

    g_array_append_vals(armed->lines, chosen->lines->data, chosen->lines->len);
    add_overrides(change, chosen, armed);
    for (guint i = 0; i < chosen->functions->len; i++) {
        const DpFunction *fn = chosen->functions->pdata[i];
        DpBinding *binding = dp_binding_read(change->root, fn->name, error);

        if (binding == NULL) {
            return NULL;
        }
        g_ptr_array_add(armed->bindings, binding);
    }
    return g_steal_pointer(&armed);
}

static void
record_arming(const DpChange *change, const DpSelection *chosen, DpOutcome *outcome)
{
    g_autofree char *detail =
        g_strdup_printf("taken back after %d s unless it is confirmed", change->confirm_within_s);

    for (guint i = 0; i < chosen->functions->len; i++) {
        const DpFunction *fn = chosen->functions->pdata[i];

        dp_outcome_step(outcome, "arm", fn->name, detail, NULL);
    }
}

/* A driver that does not let go now would let go when nobody expects it any more. */
static bool
move_one(DpMoves *moves, const DpFunction *fn, DpOutcome *outcome, GError **error)
{
    g_autoptr(GError) failure = NULL;
    DpMove move = dp_moves_one(moves, fn, true, &failure);

    if (move == DP_MOVE_STUCK) {
        dp_diags_add(outcome->diags, DP_DIAG_CONFIRM_STUCK, fn->name,
                     "%s: its driver does not let go within the deadline", fn->name);
        return dp_fail(error, DP_ERROR_IO, "%s: its driver does not let go", fn->name);
    }
    if (move == DP_MOVE_FAILED) {
        return dp_fail(error, DP_ERROR_IO, "%s", failure->message);
    }
    return true;
}

static bool
move_all(const DpChange *change, const DpSelection *chosen, DpOutcome *outcome, GError **error)
{
    g_autoptr(DpMoves) moves = dp_moves_begin(change, "enable", chosen->functions, outcome, error);
    bool done = moves != NULL;

    for (guint i = 0; done && i < chosen->functions->len; i++) {
        done = move_one(moves, chosen->functions->pdata[i], outcome, error);
    }
    if (moves == NULL) {
        return false;
    }
    if (done) {
        dp_moves_commit(moves);
    } else {
        dp_moves_undo(moves);
        g_ptr_array_set_size(outcome->steps, 0);
        outcome->reboot_required = false;
    }
    return dp_moves_end(moves, done ? error : NULL) && done;
}

/* The time counts from now on. */
static bool
begin_waiting(const DpChange *change, DpArmed *armed, GError **error)
{
    armed->phase = DP_ARMED_ARMED;
    armed->until_ms = dp_boottime_ms() + (gint64)armed->seconds * 1000;
    return dp_armed_write(change->root, armed, error);
}

/* Record and process first: what follows may cut off whoever gave the command. */
static bool
arm_and_move(const DpChange *change,
             const DpSelection *chosen,
             DpArmed *armed,
             DpOutcome *outcome,
             GError **error)
{
    if (!dp_armed_write(change->root, armed, error)) {
        return false;
    }
    if (!dp_rollback_start(change->root, error) || !move_all(change, chosen, outcome, error)) {
        (void)dp_rollback_settle(change->root, NULL);
        return false;
    }
    if (!begin_waiting(change, armed, error)) {
        (void)dp_rollback_now(change, armed, outcome, NULL);
        (void)dp_rollback_settle(change->root, NULL);
        return false;
    }
    return true;
}

bool
dp_confirm_enable(const DpChange *change,
                  const DpSelection *chosen,
                  DpOutcome *outcome,
                  GError **error)
{
    g_autoptr(DpArmed) armed = make_record(change, chosen, error);

    if (armed == NULL) {
        return false;
    }
    record_arming(change, chosen, outcome);
    if (change->dry_run) {
        return move_all(change, chosen, outcome, error);
    }
    if (!arm_and_move(change, chosen, armed, outcome, error)) {
        return false;
    }
    outcome->changed = true;
    outcome->armed_s = armed->seconds;
    return true;
}

void
dp_confirm_disabled(const DpChange *change)
{
    g_autoptr(DpArmed) armed =
        change->root->write == NULL ? NULL : dp_armed_read(change->root, NULL, NULL);

    if (armed == NULL) {
        return;
    }
    for (guint i = 0; i < armed->bindings->len; i++) {
        const DpBinding *before = armed->bindings->pdata[i];
        g_autoptr(DpBinding) now = dp_binding_read(change->root, before->name, NULL);

        if (now != NULL && (now->stuck || dp_binding_is_vfio(now))) {
            return;
        }
    }
    (void)dp_rollback_settle(change->root, NULL);
}

/* It must still be what was armed: bound, and the same model. */
static void
check_held(const DpChange *change, const DpBinding *before, DpOutcome *outcome)
{
    g_autoptr(DpBinding) now = dp_binding_read(change->root, before->name, NULL);

    if (now != NULL && dp_binding_is_vfio(now) && g_strcmp0(now->vendor, before->vendor) == 0 &&
        g_strcmp0(now->device, before->device) == 0) {
        return;
    }
    dp_diags_add(outcome->diags, DP_DIAG_CONFIRM_LOST, before->name,
                 "%s is not with vfio-pci any more (%s), so there is nothing to keep", before->name,
                 now == NULL           ? "it is gone"
                 : now->stuck          ? "its driver is stuck"
                 : now->driver == NULL ? "it has no driver"
                                       : now->driver);
}

static bool
check_confirm(const DpChange *change, const DpArmed *armed, DpOutcome *outcome, GError **error)
{
    const DpBinding *first = armed->bindings->pdata[0];
    guint before = outcome->diags->len;

    if (armed->phase != DP_ARMED_ARMED || dp_armed_left_s(armed) == 0) {
        dp_diags_add(outcome->diags, DP_DIAG_CONFIRM_LATE, first->name,
                     "the %d s for the enable of %s are over", armed->seconds, first->name);
    }
    for (guint i = 0; i < armed->bindings->len; i++) {
        check_held(change, armed->bindings->pdata[i], outcome);
    }
    return !dp_selection_refused(outcome, before, error);
}

bool
dp_assign_confirm(const DpChange *change, DpOutcome *outcome, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(DpArmed) armed = dp_armed_read(change->root, outcome->diags, &failure);
    DpChange with = *change;

    if (failure != NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
    }
    if (armed == NULL) {
        dp_diags_add(outcome->diags, DP_DIAG_NOTHING_ARMED, "directpath",
                     "no change waits for a confirmation");
        return true;
    }
    if (!check_confirm(change, armed, outcome, error)) {
        return false;
    }
    with.judged = armed->overrides;
    if (!dp_ownership_store(&with, armed->lines, DP_OWNER_PASSTHRU, outcome, error)) {
        return false;
    }
    if (change->dry_run) {
        return true;
    }
    outcome->changed = true;
    /* It is stored: whoever finds the record from here on drops it. */
    (void)dp_rollback_settle(change->root, NULL);
    return true;
}
