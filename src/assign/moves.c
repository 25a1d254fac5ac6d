/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "moves.h"

#include "base/undo.h"
#include "finish.h"
#include "holders.h"
#include "intent.h"
#include "sysfs.h"

#include <string.h>

struct DpMoves {
    const DpChange *change;
    DpOutcome *outcome;
    char *command;
    GPtrArray *before;  /* DpBinding of the functions to move */
    GPtrArray *pending; /* DpBinding that the next command has to finish */
    GPtrArray *kept;    /* names of functions that are not taken back, borrowed */
    DpUndo *undo;
    bool borrowed; /* nothing is stored, and all goes back in any case */
    unsigned n_kept;
};

static bool
writes(const DpMoves *moves)
{
    return moves->change->root->write != NULL && !moves->change->dry_run;
}

static DpBinding *
find(const GPtrArray *bindings, const char *name)
{
    for (guint i = 0; i < bindings->len; i++) {
        DpBinding *binding = bindings->pdata[i];

        if (strcmp(binding->name, name) == 0) {
            return binding;
        }
    }
    return NULL;
}

static GPtrArray *
bindings_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)dp_binding_free);
}

void
dp_moves_free(DpMoves *moves)
{
    if (moves == NULL) {
        return;
    }
    if (moves->undo != NULL) {
        dp_undo_commit(moves->undo);
        dp_undo_free(moves->undo);
    }
    g_ptr_array_unref(moves->before);
    g_ptr_array_unref(moves->pending);
    g_ptr_array_unref(moves->kept);
    g_free(moves->command);
    g_free(moves);
}

static bool
write_intent(const DpMoves *moves, const GPtrArray *bindings, const GPtrArray *more, GError **error)
{
    g_autoptr(DpIntent) intent = dp_intent_new(moves->change->root, moves->command, bindings);

    for (guint i = 0; more != NULL && i < more->len; i++) {
        g_ptr_array_add(intent->bindings, dp_binding_copy(more->pdata[i]));
    }
    intent->pending = more == NULL;
    return dp_intent_write(moves->change->root, intent, error);
}

/* One that is known to be stuck is not asked again: each question would leave a process waiting. */
static bool
read_before(DpMoves *moves, const GPtrArray *functions, const DpIntent *earlier, GError **error)
{
    for (guint i = 0; i < functions->len; i++) {
        const DpFunction *fn = functions->pdata[i];
        const DpBinding *known = earlier == NULL ? NULL : find(earlier->bindings, fn->name);
        DpBinding *binding = known != NULL && known->stuck
                                 ? dp_binding_copy(known)
                                 : dp_binding_read(moves->change->root, fn->name, error);

        if (binding == NULL) {
            return false;
        }
        g_ptr_array_add(moves->before, binding);
    }
    return true;
}

static void
take_over(DpMoves *moves, const DpIntent *earlier)
{
    for (guint i = 0; earlier != NULL && i < earlier->bindings->len; i++) {
        const DpBinding *binding = earlier->bindings->pdata[i];

        if (find(moves->before, binding->name) == NULL) {
            g_ptr_array_add(moves->pending, dp_binding_copy(binding));
        }
    }
}

DpMoves *
dp_moves_begin(const DpChange *change,
               const char *command,
               const GPtrArray *functions,
               DpOutcome *outcome,
               GError **error)
{
    g_autoptr(DpMoves) moves = g_new0(DpMoves, 1);
    g_autoptr(DpIntent) earlier = NULL;
    g_autoptr(GError) failure = NULL;

    moves->change = change;
    moves->outcome = outcome;
    moves->command = g_strdup(command);
    moves->before = bindings_new();
    moves->pending = bindings_new();
    moves->kept = g_ptr_array_new();
    moves->undo = dp_undo_new();
    if (change->root->write == NULL || change->store_only || functions->len == 0) {
        return g_steal_pointer(&moves);
    }
    earlier = change->dry_run ? NULL : dp_intent_read(change->root, NULL, &failure);
    if (failure != NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    if (!read_before(moves, functions, earlier, error)) {
        return NULL;
    }
    take_over(moves, earlier);
    if (!change->dry_run && !write_intent(moves, moves->before, moves->pending, error)) {
        return NULL;
    }
    return g_steal_pointer(&moves);
}

typedef struct {
    DpMoves *moves;
    const DpBinding *before;
} Step;

static void
take_back(gpointer data)
{
    const Step *step = data;
    DpMoves *moves = step->moves;
    const DpBinding *before = step->before;
    g_autoptr(GError) error = NULL;

    if (g_ptr_array_find_with_equal_func(moves->kept, before->name, g_str_equal, NULL)) {
        return;
    }
    if (dp_binding_restore(moves->change->root, before, &error)) {
        if (!moves->borrowed) {
            dp_diags_add(moves->outcome->diags, DP_DIAG_MOVE_UNDONE, before->name,
                         "taken back: the function is with %s as before",
                         before->driver == NULL ? "no driver" : before->driver);
        }
        return;
    }
    moves->n_kept++;
    dp_diags_add(moves->outcome->diags,
                 moves->borrowed ? DP_DIAG_NOT_GIVEN_BACK : DP_DIAG_UNDO_FAILED, before->name, "%s",
                 error->message);
    if (find(moves->pending, before->name) == NULL) {
        g_ptr_array_add(moves->pending, dp_binding_copy(before));
    }
}

static void
push_undo(DpMoves *moves, const DpBinding *before)
{
    Step *step = g_new0(Step, 1);

    step->moves = moves;
    step->before = before;
    dp_undo_push(moves->undo, take_back, step, g_free);
}

static void
report_stuck(DpMoves *moves, const DpFunction *fn, bool to_vfio, const GError *error)
{
    g_autofree char *holders = dp_holders_of_function(moves->change->root, fn);
    const char *stored = moves->borrowed ? "nothing is stored"
                         : to_vfio       ? "stored as passthru"
                                         : "stored as vmkernel";
    DpDiag *diag = dp_diags_add(moves->outcome->diags, DP_DIAG_DRIVER_STUCK, fn->name,
                                "%s; %s, and the change of driver waits", error->message, stored);

    if (holders != NULL) {
        dp_diag_set_cause(diag, "the device is open in %s", holders);
        dp_diag_set_remedy(
            diag, "end %s: the change is finished by itself then; or reboot the host", holders);
    }
    moves->outcome->reboot_required = true;
}

static void
keep_pending(DpMoves *moves, const DpBinding *before)
{
    DpBinding *binding = dp_binding_copy(before);

    if (!binding->stuck) {
        g_autoptr(DpBinding) now = dp_binding_read(moves->change->root, before->name, NULL);

        binding->waiting = now == NULL ? 0 : now->waiting;
    }
    g_ptr_array_add(moves->pending, binding);
}

static void
report_failed(DpMoves *moves, const DpFunction *fn, bool to_vfio, const GError *error)
{
    bool missing =
        to_vfio && !dp_sysfs_exists(moves->change->root, "sys/bus/pci/drivers/" DP_VFIO_DRIVER);

    dp_diags_add(moves->outcome->diags, missing ? DP_DIAG_VFIO_DRIVER_MISSING : DP_DIAG_MOVE_FAILED,
                 fn->name, "%s", error->message);
}

DpMove
dp_moves_one(DpMoves *moves, const DpFunction *fn, bool to_vfio, GError **error)
{
    const DpBinding *before = find(moves->before, fn->name);
    DpRoot *root = moves->change->root;
    bool dry = moves->change->dry_run;
    g_autoptr(GError) failure = NULL;
    DpMove move;

    if (before == NULL) {
        return DP_MOVE_DONE; /* only the store is to change */
    }
    if (writes(moves)) {
        push_undo(moves, before);
    }
    move = to_vfio ? dp_binding_to_vfio(root, before, dry, moves->outcome, &failure)
                   : dp_binding_to_host(root, before, dry, moves->outcome, &failure);
    if (move == DP_MOVE_STUCK) {
        report_stuck(moves, fn, to_vfio, failure);
        keep_pending(moves, before);
    }
    if (move == DP_MOVE_FAILED) {
        report_failed(moves, fn, to_vfio, failure);
        (void)dp_fail(error, DP_ERROR_IO, "%s", failure->message);
    }
    return move;
}

void
dp_moves_commit(DpMoves *moves)
{
    dp_undo_commit(moves->undo);
}

void
dp_moves_undo(DpMoves *moves)
{
    dp_undo_free(g_steal_pointer(&moves->undo));
    moves->undo = dp_undo_new();
}

void
dp_moves_borrow(DpMoves *moves)
{
    moves->borrowed = true;
}

void
dp_moves_keep(DpMoves *moves, const DpFunction *fn)
{
    g_ptr_array_add(moves->kept, (gpointer)fn->name);
}

bool
dp_moves_give_back(DpMoves *moves)
{
    moves->n_kept = 0;
    dp_moves_undo(moves);
    return moves->n_kept == 0;
}

bool
dp_moves_end(DpMoves *moves, GError **error)
{
    if (!writes(moves) || moves->before->len == 0) {
        return true;
    }
    if (moves->pending->len > 0) {
        if (!write_intent(moves, moves->pending, NULL, error)) {
            return false;
        }
        dp_finish_later(moves->change->root);
        return true;
    }
    return dp_intent_remove(moves->change->root, error);
}
