/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * enable and disable: rules, intent, bindings, store. In this order, so that a command that is
 * killed has stored nothing that the bindings do not yet show, and the next one takes it back.
 */
#include "confirm.h"
#include "moves.h"
#include "ownership.h"
#include "select.h"

typedef struct {
    const char *command;
    DpOwner owner;
} Direction;

static const Direction to_passthru = {"enable", DP_OWNER_PASSTHRU};
static const Direction to_host = {"disable", DP_OWNER_HOST};

static bool
move_all(DpMoves *moves, const GPtrArray *functions, DpOwner owner, GError **error)
{
    for (guint i = 0; i < functions->len; i++) {
        if (dp_moves_one(moves, functions->pdata[i], owner == DP_OWNER_PASSTHRU, error) ==
            DP_MOVE_FAILED) {
            return false;
        }
    }
    return true;
}

static bool
move_and_store(const DpChange *change,
               const DpSelection *chosen,
               DpOwner owner,
               DpMoves *moves,
               DpOutcome *outcome,
               GError **error)
{
    g_autoptr(GError) failure = NULL;

    if (move_all(moves, chosen->functions, owner, &failure) &&
        dp_ownership_store(change, chosen->lines, owner, outcome, &failure)) {
        dp_moves_commit(moves);
        return true;
    }
    dp_moves_undo(moves);
    g_ptr_array_set_size(outcome->steps, 0);
    outcome->reboot_required = false;
    dp_fail(error, DP_ERROR_IO, "%s", failure->message);
    return false;
}

/* True if the next boot changes a driver. */
static bool
differs(const DpSelection *chosen, DpOwner owner)
{
    for (guint i = 0; i < chosen->functions->len; i++) {
        if (dp_policy_on_vfio(chosen->functions->pdata[i]) != (owner == DP_OWNER_PASSTHRU)) {
            return true;
        }
    }
    return false;
}

/* The kernel was not asked: that host is not running, or the change is to wait for its next boot.
 */
static void
note_stored_only(const DpChange *change,
                 const DpSelection *chosen,
                 DpOwner owner,
                 DpOutcome *outcome)
{
    char name[DP_ADDR_LEN];

    if (change->dry_run || chosen->lines->len == 0) {
        return;
    }
    dp_addr_format(&g_array_index(chosen->lines, DpAddr, 0), name);
    if (change->root->write != NULL) {
        if (change->store_only && differs(chosen, owner)) {
            dp_diag_set_cause(dp_diags_add(outcome->diags, DP_DIAG_STORED_ONLY, name,
                                           "stored; bindings are made when this host boots"),
                              dp_policy_claims_off(change->host)
                                  ? "the kernel was booted with directpath=off"
                                  : "the command was told to leave the running kernel alone");
            outcome->reboot_required = true;
        }
        return;
    }
    dp_diags_add(outcome->diags, DP_DIAG_STORED_ONLY, name,
                 "stored beneath %s; bindings are made when that host boots",
                 change->root->path == NULL ? "the root" : change->root->path);
    outcome->reboot_required = true;
}

static bool
carry_out(const DpChange *change,
          const DpSelection *chosen,
          const Direction *direction,
          DpOutcome *outcome,
          GError **error)
{
    g_autoptr(DpMoves) moves =
        dp_moves_begin(change, direction->command, chosen->functions, outcome, error);
    bool done;

    if (moves == NULL) {
        return false;
    }
    done = move_and_store(change, chosen, direction->owner, moves, outcome, error);
    if (!done) {
        (void)dp_moves_end(moves, NULL);
        return false;
    }
    outcome->changed = !change->dry_run && outcome->steps->len > 0;
    note_stored_only(change, chosen, direction->owner, outcome);
    /* The change is made and durable. An intent that cannot be removed names functions that agree
     * with the store already, which is all that the next command will find. */
    (void)dp_moves_end(moves, NULL);
    return true;
}

/* In a boot that claims nothing only the store changes. */
static bool
enable(const DpChange *change, const DpSelection *chosen, DpOutcome *outcome, GError **error)
{
    DpChange stored = *change;
    bool off = change->root->write != NULL && chosen->functions->len > 0 &&
               dp_report_claims_off(change, DP_WARNING, outcome);

    stored.store_only = change->store_only || off;
    if (!carry_out(&stored, chosen, &to_passthru, outcome, error)) {
        return false;
    }
    outcome->reboot_required |= off && !change->dry_run && differs(chosen, DP_OWNER_PASSTHRU);
    return true;
}

bool
dp_assign_enable(
    const DpChange *change, const DpAddr *addrs, size_t n, DpOutcome *outcome, GError **error)
{
    g_autoptr(DpSelection) chosen = dp_select_enable(change, addrs, n, outcome, error);

    if (chosen == NULL || !dp_confirm_allowed(change, chosen, outcome, error)) {
        return false;
    }
    if (change->confirm_within_s > 0 && chosen->functions->len > 0) {
        return dp_confirm_enable(change, chosen, outcome, error);
    }
    return enable(change, chosen, outcome, error);
}

bool
dp_assign_disable(
    const DpChange *change, const DpAddr *addrs, size_t n, DpOutcome *outcome, GError **error)
{
    g_autoptr(DpSelection) chosen = dp_select_disable(change, addrs, n, outcome, error);

    if (chosen == NULL || !carry_out(change, chosen, &to_host, outcome, error)) {
        return false;
    }
    if (!change->dry_run) {
        dp_confirm_disabled(change);
    }
    return true;
}
