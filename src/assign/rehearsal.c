/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rehearsal.h"

#include "intent.h"
#include "moves.h"
#include "outcome.h"
#include "quarantine.h"
#include "select.h"

#include <errno.h>
#include <string.h>

#define COMMAND "test"

DpRehearsal *
dp_rehearsal_new(void)
{
    DpRehearsal *rehearsal = g_new0(DpRehearsal, 1);

    rehearsal->moved = g_ptr_array_new();
    rehearsal->kept = g_ptr_array_new();
    return rehearsal;
}

void
dp_rehearsal_free(DpRehearsal *rehearsal)
{
    if (rehearsal == NULL) {
        return;
    }
    g_ptr_array_unref(rehearsal->moved);
    g_ptr_array_unref(rehearsal->kept);
    g_free(rehearsal);
}

/* What `enable` does not ask of a function that is enabled already. */
static bool
check_free(const DpChange *change, const DpVerdict *verdict, DpOutcome *outcome, GError **error)
{
    guint before = outcome->diags->len;

    if (!verdict->assignable) {
        dp_diags_add(outcome->diags, DP_DIAG_NOT_PASSED_THROUGH, verdict->fn->name,
                     "%s is never passed through itself: a rehearsal is of one function",
                     verdict->fn->name);
    }
    for (guint i = 0; verdict->unit != NULL && i < verdict->unit->len; i++) {
        const DpFunction *fn = g_array_index(verdict->unit, DpUnitMember, i).fn;
        const char *vm = dp_used_by(change, fn);

        if (vm != NULL) {
            dp_report_used(outcome, fn, vm);
        }
    }
    (void)dp_report_claims_off(change, DP_ERROR_SEVERITY, outcome);
    return !dp_selection_refused(outcome, before, error);
}

static bool
waits_already(DpRoot *root, const DpIntent *intent, const char *name)
{
    g_autoptr(DpBinding) now = NULL;

    for (guint i = 0; intent != NULL && i < intent->bindings->len; i++) {
        const DpBinding *binding = intent->bindings->pdata[i];

        if (strcmp(binding->name, name) == 0 && binding->stuck) {
            return true;
        }
    }
    now = dp_binding_read(root, name, NULL);
    return now != NULL && now->stuck;
}

/* A function whose driver is stuck in an earlier change is left to that. */
static bool
check_not_stuck(const DpChange *change,
                const DpVerdict *verdict,
                DpOutcome *outcome,
                GError **error)
{
    g_autoptr(DpIntent) intent = dp_intent_read(change->root, NULL, NULL);
    guint before = outcome->diags->len;

    for (guint i = 0; i < verdict->unit->len; i++) {
        const DpFunction *fn = g_array_index(verdict->unit, DpUnitMember, i).fn;

        if (waits_already(change->root, intent, fn->name)) {
            dp_diags_add(outcome->diags, DP_DIAG_TEST_BUSY, fn->name,
                         "%s: an earlier change of its driver is still stuck in the kernel",
                         fn->name);
        }
    }
    return !dp_selection_refused(outcome, before, error);
}

static void
step(DpOutcome *outcome, const char *action, const DpFunction *fn, const char *detail)
{
    dp_outcome_step(outcome, action, fn->name, detail, NULL);
}

static void
tell_steps(const DpVerdict *verdict, const GPtrArray *functions, DpOutcome *outcome)
{
    for (guint i = 0; i < functions->len; i++) {
        const DpFunction *fn = functions->pdata[i];
        g_autofree char *undo =
            g_strdup_printf("give back to %s", fn->driver == NULL ? "no driver" : fn->driver);

        dp_outcome_step(outcome, "bind", fn->name, DP_VFIO_DRIVER, undo);
    }
    step(outcome, "open", verdict->fn, "through VFIO");
    step(outcome, "reset", verdict->fn, dp_reset_method_name(verdict->reset.method));
    step(outcome, "map", verdict->fn, "every BAR");
    step(outcome, "close", verdict->fn, NULL);
    for (guint i = 0; i < functions->len; i++) {
        const DpFunction *fn = functions->pdata[i];

        step(outcome, "give back", fn, fn->driver == NULL ? "no driver" : fn->driver);
    }
}

static void
mark(DpStepMark *mark, bool passed, gint64 since)
{
    mark->result = passed ? DP_STEP_PASSED : DP_STEP_FAILED;
    mark->us = g_get_monotonic_time() - since;
}

static bool
bind_all(DpMoves *moves, DpRehearsal *ret, GError **error)
{
    gint64 since = g_get_monotonic_time();
    bool bound = true;

    for (guint i = 0; bound && i < ret->moved->len; i++) {
        const DpFunction *fn = ret->moved->pdata[i];

        switch (dp_moves_one(moves, fn, true, error)) {
        case DP_MOVE_DONE:
            break;
        case DP_MOVE_STUCK:
            (void)dp_fail(error, DP_ERROR_TIMEOUT, "%s: its driver does not let go", fn->name);
            bound = false;
            break;
        case DP_MOVE_FAILED:
            bound = false;
            break;
        }
    }
    mark(&ret->bind, bound, since);
    return bound;
}

/* What its reset left in a state that nobody knows is not given back. */
static void
keep_quarantined(DpMoves *moves, DpRehearsal *ret)
{
    for (guint i = 0; i < ret->moved->len; i++) {
        DpFunction *fn = ret->moved->pdata[i];

        if (dp_quarantine_covers(ret->verdict, &ret->visit, fn)) {
            dp_moves_keep(moves, fn);
            g_ptr_array_add(ret->kept, fn);
        }
    }
}

static bool
give_back(DpMoves *moves, DpRehearsal *ret)
{
    gint64 since = g_get_monotonic_time();
    bool back = dp_moves_give_back(moves);

    /* An intent that cannot be removed names functions that are as they were. */
    (void)dp_moves_end(moves, NULL);
    mark(&ret->give_back, back, since);
    return back;
}

static bool
rehearse(const DpChange *change,
         const DpVfioOps *ops,
         DpRehearsal *ret,
         DpOutcome *outcome,
         GError **error)
{
    g_autoptr(DpMoves) moves = dp_moves_begin(change, COMMAND, ret->moved, outcome, error);
    g_autoptr(GError) failure = NULL;
    const char *name = ret->verdict->fn->name;

    if (moves == NULL) {
        return false;
    }
    dp_moves_borrow(moves);
    ret->passed =
        bind_all(moves, ret, &failure) && dp_assign_visit(change->root, ops, ret->verdict, true,
                                                          &ret->visit, outcome->diags, &failure);
    keep_quarantined(moves, ret);
    outcome->changed = ret->kept->len > 0;
    if (!give_back(moves, ret)) {
        ret->passed = false;
        outcome->changed = true;
        return dp_fail(error, DP_ERROR_IO, "%s: not everything could be given back", name);
    }
    return ret->passed ||
           dp_fail(error, DP_ERROR_REFUSED, "%s: the rehearsal failed: %s", name, failure->message);
}

bool
dp_assign_rehearse(const DpChange *change,
                   const DpVfioOps *ops,
                   const DpAddr *addr,
                   DpRehearsal *ret,
                   DpOutcome *outcome,
                   GError **error)
{
    g_autoptr(DpSelection) chosen = NULL;

    ret->verdict = dp_policy_verdict(change->policy, addr);
    if (ret->verdict == NULL) {
        return dp_fail(error, DP_ERROR_NOT_FOUND, "there is no such function on this host");
    }
    if (!check_free(change, ret->verdict, outcome, error)) {
        return false;
    }
    chosen = dp_select_enable(change, addr, 1, outcome, error);
    if (chosen == NULL) {
        return false;
    }
    g_ptr_array_unref(ret->moved);
    ret->moved = g_ptr_array_ref(chosen->functions);
    if (change->dry_run) {
        tell_steps(ret->verdict, ret->moved, outcome);
        return true;
    }
    return check_not_stuck(change, ret->verdict, outcome, error) &&
           rehearse(change, ops, ret, outcome, error);
}
