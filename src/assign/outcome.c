/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "outcome.h"

void
dp_step_free(DpStep *step)
{
    if (step == NULL) {
        return;
    }
    g_free(step->action);
    g_free(step->subject);
    g_free(step->detail);
    g_free(step->undo);
    g_free(step);
}

DpOutcome *
dp_outcome_new(void)
{
    DpOutcome *outcome = g_new0(DpOutcome, 1);

    outcome->steps = g_ptr_array_new_with_free_func((GDestroyNotify)dp_step_free);
    outcome->diags = dp_diags_new();
    return outcome;
}

void
dp_outcome_free(DpOutcome *outcome)
{
    if (outcome == NULL) {
        return;
    }
    g_ptr_array_unref(outcome->steps);
    g_ptr_array_unref(outcome->diags);
    g_free(outcome);
}

void
dp_outcome_step(DpOutcome *outcome,
                const char *action,
                const char *subject,
                const char *detail,
                const char *undo)
{
    DpStep *step = g_new0(DpStep, 1);

    step->action = g_strdup(action);
    step->subject = g_strdup(subject);
    step->detail = g_strdup(detail);
    step->undo = g_strdup(undo);
    g_ptr_array_add(outcome->steps, step);
}
