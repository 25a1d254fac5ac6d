/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How to take back what a multi-step change has done so far. */
#pragma once

#include <glib.h>

/* Steps that run newest first when dropped; committing forgets them. */
typedef struct DpUndo DpUndo;

DpUndo *dp_undo_new(void);

/* @step is called with @data when the list is dropped uncommitted; @free_data (or NULL) releases
 * @data either way. */
void dp_undo_push(DpUndo *undo, GDestroyNotify step, gpointer data, GDestroyNotify free_data);
void dp_undo_commit(DpUndo *undo);
void dp_undo_free(DpUndo *undo);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpUndo, dp_undo_free)
