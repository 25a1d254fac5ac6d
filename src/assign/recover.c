/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "intent.h"
#include "power.h"
#include "quarantine.h"
#include "reset-list.h"
#include "select.h"

#include <string.h>

typedef struct {
    const DpChange *change;
    DpOutcome *outcome;
    const DpIntent *intent;
    GPtrArray *left; /* DpBinding that could not be put right, borrowed */
} Recovery;

static bool
wanted_passthru(const DpChange *change, const DpBinding *binding)
{
    const DpFunction *fn = dp_host_find_name(change->host, binding->name);
    DpAddr addr;

    if (fn != NULL) {
        return dp_stored_passthru(change, fn);
    }
    return dp_addr_parse_sysfs(binding->name, &addr) &&
           dp_esxconf_owner(change->conf, &addr, NULL) == DP_OWNER_PASSTHRU;
}

/* Back to the driver that had it, or, if that was vfio-pci by our own override, to the kernel's
 * choice. So is a change that waited: it was stored, and what had the function before could not be
 * read while its unbind was stuck. */
static DpMove
give_back(const Recovery *recovery, const DpBinding *before, const DpBinding *now, GError **error)
{
    DpRoot *root = recovery->change->root;
    bool ours = g_strcmp0(before->override, DP_VFIO_DRIVER) == 0;

    if (recovery->intent->pending || ours || dp_binding_is_vfio(before)) {
        return dp_binding_to_host(root, now, false, recovery->outcome, error);
    }
    return dp_binding_restore(root, before, error) ? DP_MOVE_DONE : DP_MOVE_FAILED;
}

/* A change that still waits for a driver is no news of an interruption. */
static void
report_waiting(const Recovery *recovery, const DpBinding *before)
{
    DpDiag *diag =
        dp_diags_add(recovery->outcome->diags, DP_DIAG_DRIVER_STUCK, before->name,
                     "%s: the change of its driver to what is stored still waits", before->name);

    diag->severity = DP_NOTE;
    recovery->outcome->reboot_required = true;
    g_ptr_array_add(recovery->left, (gpointer)before);
}

static void
agree(const Recovery *recovery, const DpBinding *before)
{
    const DpChange *change = recovery->change;
    bool passthru =
        wanted_passthru(change, before) || dp_quarantine_has(change->root, before->name);
    g_autoptr(GError) error = NULL;
    g_autoptr(DpBinding) now = NULL;
    DpMove move;

    if (before->stuck) {
        report_waiting(recovery, before);
        return;
    }
    if (dp_policy_claims_off(change->host) && !dp_binding_is_vfio(before)) {
        passthru = false; /* nothing is claimed in this boot: back to what it was */
    }
    now = dp_binding_read(change->root, before->name, NULL);
    if (now == NULL) {
        return; /* the function is gone, and its binding with it */
    }
    move = passthru ? dp_binding_to_vfio(change->root, now, false, recovery->outcome, &error)
                    : give_back(recovery, before, now, &error);
    if (move == DP_MOVE_DONE) {
        recovery->outcome->n_done++;
    } else if (move == DP_MOVE_STUCK) {
        report_waiting(recovery, before);
    } else {
        recovery->outcome->n_failed++;
        g_ptr_array_add(recovery->left, (gpointer)before);
        dp_diags_add(recovery->outcome->diags, DP_DIAG_RECOVERY_FAILED, before->name, "%s",
                     error->message);
    }
}

static char *
names_of(const GPtrArray *bindings)
{
    g_autoptr(GString) names = g_string_new(NULL);

    for (guint i = 0; i < bindings->len; i++) {
        const DpBinding *binding = bindings->pdata[i];

        g_string_append_printf(names, "%s%s", i == 0 ? "" : ", ", binding->name);
    }
    return g_string_free(g_steal_pointer(&names), false);
}

/* Says in which direction it went. */
static void
report(const Recovery *recovery)
{
    const DpIntent *intent = recovery->intent;
    const DpBinding *first = intent->bindings->pdata[0];
    g_autofree char *names = names_of(intent->bindings);
    bool enable = strcmp(intent->command, "disable") != 0;
    bool finished = wanted_passthru(recovery->change, first) == enable;
    DpDiag *diag;

    if (intent->pending) {
        if (recovery->left->len == 0 && !recovery->change->dry_run) {
            diag = dp_diags_add(recovery->outcome->diags, DP_DIAG_INTERRUPTED, first->name,
                                "the change of driver of %s had waited; it is done now", names);
            diag->severity = DP_NOTE;
        }
        return;
    }
    dp_diags_add(recovery->outcome->diags, DP_DIAG_INTERRUPTED, first->name,
                 "the %s of %s (pid %d) was interrupted; %s", intent->command, names,
                 (int)intent->pid,
                 recovery->change->dry_run ? "the next command puts it right"
                 : finished                ? "it is finished now"
                                           : "it is taken back now");
}

/* What is left is kept for the next command, with the processes that wait now. */
static bool
close_intent(const Recovery *recovery, GError **error)
{
    DpRoot *root = recovery->change->root;
    g_autoptr(DpIntent) rest = NULL;

    if (recovery->left->len == 0) {
        return dp_intent_remove(root, error);
    }
    rest = dp_intent_new(root, recovery->intent->command, recovery->left);
    rest->pending = true;
    for (guint i = 0; i < rest->bindings->len; i++) {
        DpBinding *binding = rest->bindings->pdata[i];

        if (!binding->stuck) {
            g_autoptr(DpBinding) now = dp_binding_read(root, binding->name, NULL);

            binding->waiting = now == NULL ? 0 : now->waiting;
        }
    }
    return dp_intent_write(root, rest, error);
}

static bool
recover(const DpChange *change, const DpIntent *intent, DpOutcome *outcome, GError **error)
{
    g_autoptr(GPtrArray) left = g_ptr_array_new();
    Recovery recovery = {change, outcome, intent, left};

    if (intent->bindings->len == 0) {
        return change->dry_run || dp_intent_remove(change->root, error);
    }
    if (!change->dry_run) {
        if (!dp_store_sync(change->root, error)) {
            return false;
        }
        for (guint i = 0; i < intent->bindings->len; i++) {
            agree(&recovery, intent->bindings->pdata[i]);
        }
    }
    report(&recovery);
    outcome->changed |= outcome->steps->len > 0;
    return change->dry_run || close_intent(&recovery, error);
}

bool
dp_assign_recover(const DpChange *change, DpOutcome *outcome, GError **error)
{
    g_autoptr(DpIntent) intent = NULL;
    g_autoptr(GError) failure = NULL;

    if (change->root->write == NULL) {
        return true; /* nothing is ever under way in a folder */
    }
    if (!change->dry_run && !dp_reset_list_recover(change->root, outcome, error)) {
        return false;
    }
    intent = dp_intent_read(change->root, outcome->diags, &failure);
    if (failure != NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
    }
    if (intent == NULL) {
        if (!change->dry_run) {
            dp_power_recover(change->root, outcome);
        }
        /* Of an earlier boot, or broken. */
        return change->dry_run || dp_intent_remove(change->root, error);
    }
    return recover(change, intent, outcome, error);
}
