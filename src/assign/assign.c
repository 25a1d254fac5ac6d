/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binding.h"

/* A function that could not be moved is put back as it was. */
static bool
take_back(DpRoot *root, const DpBinding *before, DpOutcome *outcome)
{
    g_autoptr(GError) failure = NULL;

    if (!dp_binding_restore(root, before, &failure)) {
        dp_diags_add(outcome->diags, DP_DIAG_UNDO_FAILED, before->name, "%s", failure->message);
    }
    return false;
}

bool
dp_assign_bind(DpRoot *root, const char *name, bool to_vfio, DpOutcome *outcome, GError **error)
{
    g_autoptr(DpBinding) before = NULL;
    guint steps = outcome->steps->len;

    if (root->write == NULL) {
        return dp_fail(error, DP_ERROR_IO, "%s: this root cannot be written", name);
    }
    before = dp_binding_read(root, name, error);
    if (before == NULL) {
        return false;
    }
    switch (to_vfio ? dp_binding_to_vfio(root, before, false, outcome, error)
                    : dp_binding_to_host(root, before, false, outcome, error)) {
    case DP_MOVE_DONE:
        outcome->changed |= outcome->steps->len > steps;
        return true;
    case DP_MOVE_STUCK:
        outcome->reboot_required = true;
        return false;
    case DP_MOVE_FAILED:
        break;
    }
    return take_back(root, before, outcome);
}
