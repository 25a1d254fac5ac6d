/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Units: which functions must change hands together. Three rules link functions: one IOMMU group,
 * a bus reset that hits others, and fptShareable=false over the functions of a slot. Links hold
 * both ways (who would be hit by another's reset must go with it), so a unit is a connected set; it
 * is walked from each function on its own, so that the reason of each member is told from there.
 */
#include "private.h"

#define MAX_DEPTH 256 /* buses of a domain */

/* One walk from one function. Each link set (a group, a reset domain) is followed once. */
typedef struct {
    const DpJudge *judge;
    GArray *members;   /* DpUnitMember, in the order found: also the queue */
    GHashTable *seen;  /* DpFunction */
    GHashTable *links; /* groups and domains already followed: the arrays that stand for them */
} Walk;

const char *
dp_unit_rule_name(DpUnitRule rule)
{
    static const char *const names[] = {
        [DP_RULE_SELF] = "self",
        [DP_RULE_IOMMU_GROUP] = "iommu-group",
        [DP_RULE_SHARED_RESET] = "shared-reset",
        [DP_RULE_NOT_SHAREABLE] = "not-shareable",
    };

    return names[rule];
}

static void
include(Walk *walk, DpFunction *fn, DpUnitRule rule, DpFunction *because_of)
{
    DpUnitMember member = {.fn = fn, .rule = rule, .because_of = because_of};

    if (dp_judge_verdict(walk->judge, fn)->assignable && g_hash_table_add(walk->seen, fn)) {
        g_array_append_val(walk->members, member);
    }
}

static void
include_all(Walk *walk, GPtrArray *functions, DpUnitRule rule, DpFunction *because_of)
{
    if (functions == NULL || !g_hash_table_add(walk->links, functions)) {
        return;
    }
    for (guint i = 0; i < functions->len; i++) {
        include(walk, functions->pdata[i], rule, because_of);
    }
}

static void
follow_group(Walk *walk, DpFunction *fn)
{
    if (fn->iommu_group >= 0) {
        include_all(walk,
                    g_hash_table_lookup(walk->judge->groups, GINT_TO_POINTER(fn->iommu_group)),
                    DP_RULE_IOMMU_GROUP, fn);
    }
}

/* Whom the bus reset of @fn hits, and whose bus reset hits @fn. */
static void
follow_reset(Walk *walk, DpFunction *fn)
{
    const DpResetChoice *reset = &dp_judge_verdict(walk->judge, fn)->reset;
    unsigned depth = 0;

    /* All that are reset by one bridge have the same domain: the bridge's children stand for it. */
    if (reset->method == DP_RESET_BUS && g_hash_table_add(walk->links, fn->parent)) {
        for (guint i = 0; i < reset->affected->len; i++) {
            include(walk, reset->affected->pdata[i], DP_RULE_SHARED_RESET, fn);
        }
    }
    for (const DpFunction *bridge = fn->parent; bridge != NULL && depth < MAX_DEPTH;
         bridge = bridge->parent, depth++) {
        include_all(walk, g_hash_table_lookup(walk->judge->bus_resets, bridge),
                    DP_RULE_SHARED_RESET, fn);
    }
}

static bool
same_slot(const DpFunction *a, const DpFunction *b)
{
    return a->addr.domain == b->addr.domain && a->addr.bus == b->addr.bus &&
           a->addr.device == b->addr.device;
}

/* Virtual functions are made to be shared out, and only look like functions of a slot. */
static void
follow_slot(Walk *walk, DpFunction *fn)
{
    const GPtrArray *functions = walk->judge->host->functions;
    bool shareable = dp_judge_verdict(walk->judge, fn)->reset.shareable;
    guint first = dp_judge_position(walk->judge, fn);

    if (fn->physfn != NULL) {
        return;
    }
    while (first > 0 && same_slot(functions->pdata[first - 1], fn)) {
        first--;
    }
    for (guint i = first; i < functions->len && same_slot(functions->pdata[i], fn); i++) {
        DpFunction *other = functions->pdata[i];

        if (other->physfn == NULL &&
            !(shareable && dp_judge_verdict(walk->judge, other)->reset.shareable)) {
            include(walk, other, DP_RULE_NOT_SHAREABLE, fn);
        }
    }
}

static int
compare_members(gconstpointer a, gconstpointer b)
{
    return dp_addr_compare(&((const DpUnitMember *)a)->fn->addr,
                           &((const DpUnitMember *)b)->fn->addr);
}

static GArray *
find_unit(const DpJudge *judge, DpFunction *fn)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    g_autoptr(GHashTable) links = g_hash_table_new(NULL, NULL);
    Walk walk = {judge, g_array_new(FALSE, FALSE, sizeof(DpUnitMember)), seen, links};

    include(&walk, fn, DP_RULE_SELF, NULL);
    for (guint i = 0; i < walk.members->len; i++) {
        DpFunction *member = g_array_index(walk.members, DpUnitMember, i).fn;

        follow_group(&walk, member);
        follow_reset(&walk, member);
        follow_slot(&walk, member);
    }
    g_array_sort(walk.members, compare_members);
    return walk.members;
}

static void
index_bus_resets(DpJudge *judge)
{
    for (guint i = 0; i < judge->host->functions->len; i++) {
        DpFunction *fn = judge->host->functions->pdata[i];
        const DpVerdict *verdict = dp_judge_verdict(judge, fn);
        GPtrArray *users;

        if (!verdict->assignable || verdict->reset.method != DP_RESET_BUS) {
            continue;
        }
        users = g_hash_table_lookup(judge->bus_resets, fn->parent);
        if (users == NULL) {
            users = g_ptr_array_new();
            g_hash_table_insert(judge->bus_resets, fn->parent, users);
        }
        g_ptr_array_add(users, fn);
    }
}

void
dp_units_find(DpJudge *judge)
{
    index_bus_resets(judge);
    for (guint i = 0; i < judge->host->functions->len; i++) {
        DpVerdict *verdict = judge->policy->verdicts->pdata[i];

        verdict->unit = find_unit(judge, verdict->fn);
    }
}
