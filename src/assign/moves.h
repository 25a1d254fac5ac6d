/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A set of functions on its way to other drivers: the intent on disk first, then one move after the
 * other, each with its undo; what a driver does not let go of stays in the intent, so that the next
 * command finishes it.
 */
#pragma once

#include "binding.h"

typedef struct DpMoves DpMoves;

/* Reads the bindings of @functions (DpFunction, borrowed) and writes the intent of @command. Moves
 * nothing, and writes nothing, for a dry run, for a root that cannot be written, and where only the
 * store is to change. What an earlier
 * intent still waits for is taken over. */
DpMoves *dp_moves_begin(const DpChange *change,
                        const char *command,
                        const GPtrArray *functions,
                        DpOutcome *outcome,
                        GError **error);
void dp_moves_free(DpMoves *moves);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpMoves, dp_moves_free)

/* Moves @fn, one of those given to dp_moves_begin. A driver that does not let go is reported and
 * counts as pending; FAILED is reported with @error set. */
DpMove dp_moves_one(DpMoves *moves, const DpFunction *fn, bool to_vfio, GError **error);

/* Forgets how to take back what was moved so far. */
void dp_moves_commit(DpMoves *moves);

/* Takes back what was moved since the last commit and reports it. */
void dp_moves_undo(DpMoves *moves);

/* For a rehearsal, which stores nothing: says so where a driver does not let go. */
void dp_moves_borrow(DpMoves *moves);

/* For a rehearsal: leaves @fn with vfio-pci when the others are given back. */
void dp_moves_keep(DpMoves *moves, const DpFunction *fn);

/* Puts back what was moved, as dp_moves_undo, but as what was meant from the start; false if a
 * function could not be, which is reported, stays pending, and is given back when its user ends. */
bool dp_moves_give_back(DpMoves *moves);

/* Removes the intent, or leaves in it what is pending. */
bool dp_moves_end(DpMoves *moves, GError **error);
