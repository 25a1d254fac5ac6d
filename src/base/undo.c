/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "undo.h"

#include <stdbool.h>

typedef struct {
    GDestroyNotify run;
    gpointer data;
    GDestroyNotify free_data;
} Step;

struct DpUndo {
    GArray *steps;
};

DpUndo *
dp_undo_new(void)
{
    DpUndo *undo = g_new0(DpUndo, 1);

    undo->steps = g_array_new(false, false, sizeof(Step));
    return undo;
}

void
dp_undo_push(DpUndo *undo, GDestroyNotify step, gpointer data, GDestroyNotify free_data)
{
    g_array_append_val(undo->steps, ((Step){step, data, free_data}));
}

static void
drop_steps(DpUndo *undo, bool run)
{
    for (guint i = undo->steps->len; i > 0; i--) {
        Step *step = &g_array_index(undo->steps, Step, i - 1);

        if (run) {
            step->run(step->data);
        }
        if (step->free_data != NULL) {
            step->free_data(step->data);
        }
    }
    g_array_set_size(undo->steps, 0);
}

void
dp_undo_commit(DpUndo *undo)
{
    drop_steps(undo, false);
}

void
dp_undo_free(DpUndo *undo)
{
    if (undo == NULL) {
        return;
    }
    drop_steps(undo, true);
    g_array_unref(undo->steps);
    g_free(undo);
}
