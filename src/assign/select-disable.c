/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "select.h"

#include "binding.h"

/* Still on vfio-pci by an override of ours: the store says host, the kernel does not yet. */
static bool
held_by_us(const DpFunction *fn)
{
    return g_strcmp0(fn->driver_override, DP_VFIO_DRIVER) == 0;
}

static void
name_disabled_bridge(const DpChange *change, const DpFunction *bridge, DpSelection *chosen)
{
    g_autoptr(GPtrArray) below = dp_functions_below(change, bridge);

    for (guint i = 0; i < below->len; i++) {
        const DpFunction *fn = below->pdata[i];

        if (dp_esxconf_owner(change->conf, &fn->addr, NULL) != DP_OWNER_PASSTHRU) {
            dp_selection_add(chosen, fn);
        }
    }
    dp_selection_add_line(chosen, &bridge->addr);
}

static void
name_disabled_function(const DpChange *change,
                       const DpFunction *fn,
                       DpSelection *chosen,
                       DpOutcome *outcome)
{
    const DpFunction *bridge = NULL;
    DpOwner owner = dp_policy_stored_owner(change->conf, fn, &bridge);

    if (owner == DP_OWNER_PASSTHRU && bridge != NULL && bridge != fn) {
        DpDiag *diag = dp_diags_add(outcome->diags, DP_DIAG_BRIDGE_OWNS, fn->name,
                                    "%s is passthru because the bridge %s above it is", fn->name,
                                    bridge->name);

        dp_diag_set_remedy(diag, "directpath device disable %s", bridge->name);
        return;
    }
    if (owner == DP_OWNER_PASSTHRU) {
        dp_selection_add_line(chosen, &fn->addr);
    }
    if (owner == DP_OWNER_PASSTHRU || held_by_us(fn)) {
        dp_selection_add(chosen, fn);
    }
}

/* Of a system that does not run there is the store alone: what it does not give away is the host's.
 * Whether a bridge gives it away cannot be seen, so all that is given away is named. */
static void
note_not_stored(const DpChange *change, const DpAddr *addr, DpOutcome *outcome)
{
    g_autoptr(GArray) stored = dp_esxconf_passthru(change->conf);
    g_autoptr(GString) names = g_string_new(NULL);
    char name[DP_ADDR_LEN], other[DP_ADDR_LEN];

    for (guint i = 0; i < stored->len; i++) {
        g_string_append_printf(names, "%s%s", i > 0 ? ", " : "",
                               dp_addr_format(&g_array_index(stored, DpAddr, i), other));
    }
    dp_diags_add(outcome->diags, DP_DIAG_NOT_STORED, dp_addr_format(addr, name),
                 "no line of the store says passthru for %s; lines that say it: %s", name,
                 names->len > 0 ? names->str : "none");
}

/* One that is gone can still be disabled: its line is all there is of it. */
static void
name_disabled(const DpChange *change, const DpAddr *addr, DpSelection *chosen, DpOutcome *outcome)
{
    const DpFunction *fn = dp_host_find(change->host, addr);
    bool own_line = dp_esxconf_owner(change->conf, addr, NULL) == DP_OWNER_PASSTHRU;

    if (fn != NULL && !fn->is_bridge) {
        name_disabled_function(change, fn, chosen, outcome);
    } else if (fn != NULL && own_line) {
        name_disabled_bridge(change, fn, chosen);
    } else if (own_line) {
        dp_selection_add_line(chosen, addr);
    } else if (fn == NULL && change->host->functions->len == 0) {
        note_not_stored(change, addr, outcome);
    } else if (fn == NULL) {
        dp_report_absent(outcome, addr);
    }
}

/* Nobody gets it, the host least of all. */
static void
check_quarantine(const DpChange *change, const DpFunction *fn, DpOutcome *outcome)
{
    const DpVerdict *verdict = dp_policy_verdict(change->policy, &fn->addr);
    DpDiag *diag;

    if (verdict == NULL || verdict->quarantined == NULL) {
        return;
    }
    diag = dp_diags_add(outcome->diags, DP_DIAG_QUARANTINE_KEEPS, fn->name,
                        "%s stays with vfio-pci: it has been quarantined since %s: %s", fn->name,
                        verdict->quarantined->since, verdict->quarantined->reason);
    for (guint i = 0; i < verdict->diags->len; i++) {
        const DpDiag *reason = verdict->diags->pdata[i];

        if (reason->row->id == DP_DIAG_QUARANTINED) {
            dp_diag_set_remedy(diag, "%s", reason->remedy);
        }
    }
}

static void
check_unit_used(const DpChange *change, const DpFunction *fn, DpOutcome *outcome)
{
    const DpVerdict *verdict = dp_policy_verdict(change->policy, &fn->addr);
    const char *vm = dp_used_by(change, fn);

    if (vm != NULL) {
        dp_report_used(outcome, fn, vm);
        return;
    }
    for (guint i = 0; verdict != NULL && i < verdict->unit->len; i++) {
        const DpUnitMember *member = &g_array_index(verdict->unit, DpUnitMember, i);

        vm = member->fn == fn ? NULL : dp_used_by(change, member->fn);
        if (vm != NULL) {
            dp_report_used(outcome, member->fn, vm);
            return;
        }
    }
}

/* The rest of a unit stays enabled, but no VM can use it until the whole is together again. */
static void
note_rest(const DpChange *change,
          const DpSelection *chosen,
          const DpFunction *fn,
          DpOutcome *outcome)
{
    const DpVerdict *verdict = dp_policy_verdict(change->policy, &fn->addr);

    for (guint i = 0; verdict != NULL && i < verdict->unit->len; i++) {
        const DpFunction *member = g_array_index(verdict->unit, DpUnitMember, i).fn;

        if (!g_ptr_array_find(chosen->functions, member, NULL) &&
            dp_stored_passthru(change, member)) {
            dp_diags_add(outcome->diags, DP_DIAG_UNIT_SPLIT, member->name,
                         "%s stays passthru, but cannot be used while %s is the host's",
                         member->name, fn->name);
        }
    }
}

static void
add_stored_units(const DpChange *change, DpSelection *chosen, DpOutcome *outcome)
{
    for (guint i = 0; i < chosen->functions->len; i++) {
        const DpFunction *fn = chosen->functions->pdata[i];
        const DpVerdict *verdict = dp_policy_verdict(change->policy, &fn->addr);

        for (guint m = 0; verdict != NULL && m < verdict->unit->len; m++) {
            const DpFunction *member = g_array_index(verdict->unit, DpUnitMember, m).fn;

            if (!g_ptr_array_find(chosen->functions, member, NULL)) {
                name_disabled_function(change, member, chosen, outcome);
            }
        }
    }
}

DpSelection *
dp_select_disable(
    const DpChange *change, const DpAddr *addrs, size_t n, DpOutcome *outcome, GError **error)
{
    g_autoptr(DpSelection) chosen = dp_selection_new();
    guint before = outcome->diags->len;

    for (size_t i = 0; i < n; i++) {
        name_disabled(change, &addrs[i], chosen, outcome);
    }
    if (change->with_unit) {
        add_stored_units(change, chosen, outcome);
    }
    dp_selection_sort(chosen);
    for (guint i = 0; i < chosen->functions->len; i++) {
        check_quarantine(change, chosen->functions->pdata[i], outcome);
        check_unit_used(change, chosen->functions->pdata[i], outcome);
    }
    if (dp_selection_refused(outcome, before, error)) {
        return NULL;
    }
    for (guint i = 0; i < chosen->functions->len; i++) {
        note_rest(change, chosen, chosen->functions->pdata[i], outcome);
    }
    return g_steal_pointer(&chosen);
}
