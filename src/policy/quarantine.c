/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A function whose reset failed is handed to nobody, and neither is what goes with it. */
#include "private.h"

static void
quarantined_free(gpointer data)
{
    DpQuarantined *one = data;

    g_free(one->since);
    g_free(one->reason);
    g_free(one);
}

GPtrArray *
dp_quarantine_new(void)
{
    return g_ptr_array_new_with_free_func(quarantined_free);
}

bool
dp_policy_is_quarantine(DpDiagId id)
{
    return id == DP_DIAG_QUARANTINED || id == DP_DIAG_UNIT_QUARANTINED;
}

/* What ends it. A host that was booted may have been without power, which only a person knows. */
static void
set_remedy(DpDiag *diag, const DpFunction *fn, const DpQuarantined *one)
{
    const char *first = dp_policy_on_vfio(fn) ? "" : "directpath device apply, then ";

    if (one->earlier_boot) {
        dp_diag_set_remedy(
            diag,
            "%sdirectpath device reset %s; if the host was without power since then: "
            "directpath device reset %s --power-cycled",
            first, fn->name, fn->name);
    } else {
        dp_diag_set_remedy(
            diag,
            "%sdirectpath device reset %s, which ends it if the function comes back; "
            "or take the host's power away, and say so afterwards: directpath device "
            "reset %s --power-cycled",
            first, fn->name, fn->name);
    }
}

static void
judge_function(DpVerdict *verdict, const DpQuarantined *one)
{
    DpDiag *diag = dp_diags_add(verdict->diags, DP_DIAG_QUARANTINED, verdict->fn->name,
                                "%s has been quarantined since %s: %s", verdict->fn->name,
                                one->since, one->reason);

    verdict->quarantined = one;
    set_remedy(diag, verdict->fn, one);
}

static void
judge_unit(const DpJudge *judge, DpVerdict *verdict)
{
    for (guint i = 0; i < verdict->unit->len; i++) {
        const DpUnitMember *member = &g_array_index(verdict->unit, DpUnitMember, i);
        const DpVerdict *other = dp_judge_verdict(judge, member->fn);
        DpDiag *diag;

        if (member->fn == verdict->fn || other->quarantined == NULL) {
            continue;
        }
        diag = dp_diags_add(verdict->diags, DP_DIAG_UNIT_QUARANTINED, verdict->fn->name,
                            "%s goes together with %s (%s), which has been quarantined since %s",
                            verdict->fn->name, member->fn->name, dp_unit_rule_name(member->rule),
                            other->quarantined->since);
        set_remedy(diag, member->fn, other->quarantined);
    }
}

void
dp_quarantine_judge(DpJudge *judge)
{
    const GPtrArray *quarantine = judge->policy->quarantine;
    GPtrArray *verdicts = judge->policy->verdicts;

    if (quarantine == NULL || quarantine->len == 0) {
        return;
    }
    for (guint i = 0; i < verdicts->len; i++) {
        DpVerdict *verdict = verdicts->pdata[i];
        const DpQuarantined *one = dp_addr_search(quarantine, &verdict->fn->addr);

        if (one != NULL && verdict->assignable) {
            judge_function(verdict, one);
        }
    }
    for (guint i = 0; i < verdicts->len; i++) {
        DpVerdict *verdict = verdicts->pdata[i];

        if (verdict->assignable && verdict->quarantined == NULL) {
            judge_unit(judge, verdict);
        }
    }
}
