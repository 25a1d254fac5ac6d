/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "select.h"

#include "binding.h"
#include "identity.h"

/* False if another card than that of @fn is stored for its line: enabling it says that it is meant.
 */
static bool
is_stored_card(const DpChange *change, const DpFunction *fn)
{
    g_autoptr(DpIdentities) identities = dp_identities_load(change->root, NULL, NULL);

    return identities == NULL || dp_identities_compare(identities, fn, NULL, NULL) >= DP_CARD_ALIKE;
}

static void
add_line(const DpChange *change, const DpFunction *fn, DpSelection *chosen)
{
    const DpFunction *bridge = NULL;

    if (dp_policy_stored_owner(change->conf, fn, &bridge) != DP_OWNER_PASSTHRU ||
        (bridge == NULL && !is_stored_card(change, fn))) {
        dp_selection_add_line(chosen, &fn->addr);
    }
}

/* What a person named, bridges resolved to what lies below them. */
static void
name_enabled(const DpChange *change, const DpAddr *addr, DpSelection *chosen, DpOutcome *outcome)
{
    const DpFunction *fn = dp_host_find(change->host, addr);
    g_autoptr(GPtrArray) below = NULL;

    if (fn == NULL) {
        dp_report_absent(outcome, addr);
        return;
    }
    if (dp_is_assignable(change, fn)) {
        dp_selection_add(chosen, fn);
        add_line(change, fn, chosen);
        return;
    }
    below = fn->is_bridge ? dp_functions_below(change, fn) : g_ptr_array_new();
    if (below->len == 0) {
        dp_diags_add(outcome->diags, DP_DIAG_NOT_PASSED_THROUGH, fn->name,
                     "%s is part of the platform and never passed through itself", fn->name);
        return;
    }
    for (guint i = 0; i < below->len; i++) {
        dp_selection_add(chosen, below->pdata[i]);
    }
    if (dp_esxconf_owner(change->conf, &fn->addr, NULL) != DP_OWNER_PASSTHRU) {
        dp_selection_add_line(chosen, &fn->addr);
    }
}

static void
add_units(const DpChange *change, DpSelection *chosen)
{
    for (guint i = 0; i < chosen->functions->len; i++) {
        const DpFunction *fn = chosen->functions->pdata[i];
        const DpVerdict *verdict = dp_policy_verdict(change->policy, &fn->addr);

        for (guint m = 0; m < verdict->unit->len; m++) {
            const DpFunction *member = g_array_index(verdict->unit, DpUnitMember, m).fn;

            if (!g_ptr_array_find(chosen->functions, member, NULL)) {
                dp_selection_add(chosen, member);
                add_line(change, member, chosen);
            }
        }
    }
}

/* True if @fn is as enable would leave it. */
static bool
is_enabled(const DpChange *change, const DpFunction *fn)
{
    return dp_stored_passthru(change, fn) &&
           (change->root->write == NULL || g_strcmp0(fn->driver, DP_VFIO_DRIVER) == 0);
}

static bool
overridden(const DpChange *change, int id)
{
    for (size_t i = 0; i < change->n_overrides && !dp_policy_is_quarantine(id); i++) {
        if (change->overrides[i] == id) {
            return true;
        }
    }
    return false;
}

static void
check_verdict(const DpChange *change, const DpFunction *fn, DpOutcome *outcome)
{
    const DpVerdict *verdict = dp_policy_verdict(change->policy, &fn->addr);

    for (guint i = 0; i < verdict->diags->len; i++) {
        const DpDiag *diag = verdict->diags->pdata[i];

        if (diag->severity == DP_ERROR_SEVERITY && overridden(change, diag->row->id)) {
            dp_diag_set_remedy(dp_diags_add(outcome->diags, DP_DIAG_OVERRIDDEN, fn->name,
                                            "DP%d is overridden: %s", (int)diag->row->id,
                                            diag->message),
                               "to take it back: directpath device disable %s", fn->name);
        } else if (diag->severity >= DP_WARNING) {
            g_ptr_array_add(outcome->diags, dp_diag_copy(diag));
        }
    }
}

/* "name the others too", where the command takes others, and what would make them fewer. */
static void
set_unit_remedy(const DpChange *change, const DpVerdict *verdict, const char *names, DpDiag *diag)
{
    g_autoptr(DpDiagList) advice = dp_diags_new();
    g_autoptr(GString) text = g_string_new(NULL);

    if (change->one_function) {
        g_string_append_printf(text,
                               "add --with-unit: then these leave the host for the rehearsal, too, "
                               "and come back after it:%s",
                               names);
    } else {
        g_string_append_printf(text, "add --with-unit, or name the others too:%s", names);
    }
    dp_unit_advise(change->policy, verdict, advice);
    for (guint i = 0; i < advice->len; i++) {
        g_string_append_printf(text, "; or, for a smaller unit: %s",
                               ((const DpDiag *)advice->pdata[i])->remedy);
    }
    dp_diag_set_remedy(diag, "%s", text->str);
}

static void
check_unit(const DpChange *change,
           const DpSelection *chosen,
           const DpFunction *fn,
           DpOutcome *outcome)
{
    const DpVerdict *verdict = dp_policy_verdict(change->policy, &fn->addr);
    g_autoptr(GString) missing = g_string_new(NULL);
    g_autoptr(GString) names = g_string_new(NULL);
    DpDiag *diag;

    for (guint i = 0; i < verdict->unit->len; i++) {
        const DpUnitMember *member = &g_array_index(verdict->unit, DpUnitMember, i);

        if (!g_ptr_array_find(chosen->functions, member->fn, NULL) &&
            !dp_stored_passthru(change, member->fn)) {
            g_string_append_printf(missing, "%s%s (%s)", missing->len == 0 ? "" : ", ",
                                   member->fn->name, dp_unit_rule_name(member->rule));
            g_string_append_printf(names, " %s", member->fn->name);
        }
    }
    if (missing->len == 0) {
        return;
    }
    diag = dp_diags_add(outcome->diags, DP_DIAG_UNIT_INCOMPLETE, fn->name,
                        "%s goes only together with %s", fn->name, missing->str);
    set_unit_remedy(change, verdict, names->str, diag);
}

/* An override that fits nothing is a slip of the hand. */
static void
check_overrides(const DpChange *change, const GPtrArray *functions, DpOutcome *outcome)
{
    for (size_t i = 0; i < change->n_overrides; i++) {
        bool found = false;

        for (guint k = 0; k < functions->len && !found; k++) {
            const DpFunction *fn = functions->pdata[k];

            found = dp_diags_have(dp_policy_verdict(change->policy, &fn->addr)->diags,
                                  (DpDiagId)change->overrides[i]);
        }
        if (!found && functions->len > 0) {
            dp_diags_add(outcome->diags, DP_DIAG_OVERRIDE_UNUSED, "--override",
                         "DP%d was not in the way of any of these functions", change->overrides[i]);
        }
    }
}

DpSelection *
dp_select_enable(
    const DpChange *change, const DpAddr *addrs, size_t n, DpOutcome *outcome, GError **error)
{
    g_autoptr(DpSelection) chosen = dp_selection_new();
    g_autoptr(GPtrArray) todo = g_ptr_array_new();
    guint before = outcome->diags->len;

    for (size_t i = 0; i < n; i++) {
        name_enabled(change, &addrs[i], chosen, outcome);
    }
    if (change->with_unit) {
        add_units(change, chosen);
    }
    dp_selection_sort(chosen);
    for (guint i = 0; i < chosen->functions->len; i++) {
        const DpFunction *fn = chosen->functions->pdata[i];
        const char *vm = dp_used_by(change, fn);

        if (is_enabled(change, fn)) {
            continue;
        }
        g_ptr_array_add(todo, (gpointer)fn);
        if (vm != NULL) {
            dp_report_used(outcome, fn, vm);
        }
        check_verdict(change, fn, outcome);
        check_unit(change, chosen, fn, outcome);
    }
    check_overrides(change, todo, outcome);
    if (dp_selection_refused(outcome, before, error)) {
        return NULL;
    }
    g_ptr_array_unref(chosen->functions);
    chosen->functions = g_steal_pointer(&todo);
    return g_steal_pointer(&chosen);
}
