/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "release.h"

#include "assign/binding.h"
#include "assign/quarantine.h"
#include "nodes.h"

#include <string.h>

static const DpVerdict *
verdict_of(const DpRelease *release, const DpRunFunction *fn)
{
    DpAddr addr;

    return release->policy != NULL && dp_addr_parse_sysfs(fn->name, &addr)
               ? dp_policy_verdict(release->policy, &addr)
               : NULL;
}

/* What was done before counts no more: `reset` holds what has been done now. */
static void
forget_resets(const DpRelease *release)
{
    for (guint i = 0; i < release->state->functions->len; i++) {
        g_array_index(release->state->functions, DpRunFunction, i).reset[0] = '\0';
    }
}

/* True if the reset of an earlier function, which was done, reached this one too. */
static bool
reset_already(const DpRelease *release, guint index)
{
    const DpRunFunction *fn = &g_array_index(release->state->functions, DpRunFunction, index);
    const DpVerdict *verdict = verdict_of(release, fn);

    for (guint i = 0; verdict != NULL && verdict->reset.method == DP_RESET_BUS && i < index; i++) {
        const DpRunFunction *earlier = &g_array_index(release->state->functions, DpRunFunction, i);
        const DpVerdict *other = earlier->reset[0] != '\0' ? verdict_of(release, earlier) : NULL;

        if (other != NULL && other->reset.method == DP_RESET_BUS && other->reset.affected != NULL &&
            g_ptr_array_find(other->reset.affected, verdict->fn, NULL)) {
            return true;
        }
    }
    return false;
}

/* An engine that was killed holds its devices until the kernel has unpinned its memory. */
#define BUSY_TRIES   30
#define BUSY_WAIT_US 100000

static bool
reset_patiently(const DpRelease *release,
                const DpVerdict *verdict,
                DpResetMethod *ret_used,
                DpDiagList *diags,
                GError **error)
{
    for (unsigned try = 1;; try++) {
        g_autoptr(DpDiagList) said = dp_diags_new();
        g_autoptr(GError) failure = NULL;
        bool ok = dp_assign_reset(release->root, release->vfio, verdict, ret_used, said, &failure);

        if (ok || try == BUSY_TRIES || !dp_diags_have(said, DP_DIAG_RESET_BUSY)) {
            dp_diags_extend(diags, said);
            if (!ok) {
                g_propagate_error(error, g_steal_pointer(&failure));
            }
            return ok;
        }
        g_usleep(BUSY_WAIT_US);
    }
}

static bool
reset_one(const DpRelease *release, guint index, DpDiagList *diags, GError **error)
{
    DpRunFunction *fn = &g_array_index(release->state->functions, DpRunFunction, index);
    const DpVerdict *verdict = verdict_of(release, fn);
    DpResetMethod used = DP_RESET_NONE;

    if (verdict == NULL) {
        return dp_fail(error, DP_ERROR_NOT_FOUND, "%s is not in this host any more", fn->name);
    }
    if (verdict->reset.method == DP_RESET_NONE) {
        /* Accepted when the function was enabled; otherwise the plan was refused. */
        dp_log_line(release->log, "%s: no reset can be done", fn->name);
    } else if (reset_already(release, index)) {
        used = DP_RESET_BUS;
        dp_log_line(release->log, "%s: reset with the others of its bus", fn->name);
    } else if (!reset_patiently(release, verdict, &used, diags, error)) {
        dp_log_line(release->log, "%s: the reset failed: %s", fn->name, (*error)->message);
        return false;
    } else {
        dp_log_line(release->log, "%s: reset by %s", fn->name, dp_reset_method_name(used));
    }
    g_strlcpy(fn->reset, dp_reset_method_name(used), sizeof fn->reset);
    return true;
}

bool
dp_release_reset(const DpRelease *release, DpDiagList *diags, GError **error)
{
    forget_resets(release);
    for (guint i = 0; i < release->state->functions->len; i++) {
        g_autoptr(GError) failure = NULL;

        if (!reset_one(release, i, diags, &failure)) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return false;
        }
    }
    return true;
}

/* To the driver that the kernel chooses, if the store says so. */
static void
bind_as_stored(const DpRelease *release,
               const DpRunFunction *fn,
               const DpEsxconf *conf,
               DpDiagList *diags)
{
    const DpVerdict *verdict = verdict_of(release, fn);
    g_autoptr(DpOutcome) outcome = dp_outcome_new();
    g_autoptr(GError) error = NULL;

    if (conf == NULL) {
        dp_diags_add(diags, DP_DIAG_VM_GIVE_BACK, fn->name,
                     "%s stays with vfio-pci: what is stored about it cannot be read", fn->name);
        return;
    }
    if (verdict == NULL || dp_policy_stored_owner(conf, verdict->fn, NULL) == DP_OWNER_PASSTHRU) {
        return;
    }
    if (!dp_assign_bind(release->root, fn->name, false, outcome, &error)) {
        dp_diags_add(diags, DP_DIAG_VM_GIVE_BACK, fn->name,
                     "%s could not be given back to the host: %s", fn->name,
                     error != NULL ? error->message : "its driver does not let go");
        dp_log_line(release->log, "%s: not given back to the host", fn->name);
        return;
    }
    dp_log_line(release->log, "%s: given back to the host", fn->name);
}

/* What a guest has left in it is no better for a reset that could not even be tried. */
static void
quarantine(const DpRelease *release,
           const DpRunFunction *fn,
           const GError *failure,
           DpDiagList *diags)
{
    const DpVerdict *verdict = verdict_of(release, fn);
    g_autoptr(DpBinding) binding = dp_binding_read(release->root, fn->name, NULL);

    if (verdict == NULL || binding == NULL || !dp_binding_is_vfio(binding)) {
        return; /* gone, or taken by another from under the VM */
    }
    if (!dp_quarantine_has(release->root, fn->name)) {
        dp_quarantine_begin(release->root, verdict->fn, failure->message, diags);
    }
    dp_log_line(release->log, "%s: quarantined; it stays with vfio-pci", fn->name);
}

void
dp_release_all(const DpRelease *release, const DpEsxconf *conf, DpDiagList *diags)
{
    g_autoptr(GError) error = NULL;

    if (!dp_nodes_take_back(release->root, release->state, &error)) {
        dp_diags_add(diags, DP_DIAG_VM_GIVE_BACK, release->state->name, "%s", error->message);
    }
    forget_resets(release);
    for (guint i = 0; i < release->state->functions->len; i++) {
        const DpRunFunction *fn = &g_array_index(release->state->functions, DpRunFunction, i);
        g_autoptr(GError) failure = NULL;

        if (reset_one(release, i, diags, &failure)) {
            bind_as_stored(release, fn, conf, diags);
        } else {
            dp_diags_add(diags, DP_DIAG_VM_NOT_RESET, fn->name,
                         "%s was not reset after \"%s\" and stays with vfio-pci: %s", fn->name,
                         release->state->name, failure->message);
            quarantine(release, fn, failure, diags);
        }
    }
}
