/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What would make a unit smaller. Each change that an administrator could make is tried on paper:
 * the links that it would take away are left out, the unit is walked again among its members (a
 * change here only takes links away, so nobody new can join), and what is said is said only if
 * fewer are left. Asked for one function at a time, by who shows or refuses it.
 */
#include "private.h"

#define MAX_DEPTH     256 /* buses of a domain */
#define NAMED_AT_MOST 4

typedef enum {
    CHANGE_RESET, /* a line with d3d0 for those that are reset by their bus and could do it */
    CHANGE_SLOT,  /* the card in a slot that it shares with nobody */
    CHANGE_MAP,   /* the administrator's own `false` taken back */
    N_CHANGES
} Change;

typedef struct {
    const DpPolicy *policy;
    const DpFunction *fn;
    Change change;
    GPtrArray *unit;   /* DpVerdict of the members as they are now */
    GPtrArray *left;   /* those that would be left, in the order found */
    GHashTable *is_in; /* the same as a set */
} Trial;

static bool
same_slot(const DpFunction *a, const DpFunction *b)
{
    return a->addr.domain == b->addr.domain && a->addr.bus == b->addr.bus &&
           a->addr.device == b->addr.device;
}

/* The function that a card is plugged in with: a virtual function moves with its physical one. */
static const DpFunction *
base_of(const DpFunction *fn)
{
    return fn->physfn != NULL ? fn->physfn : fn;
}

static bool
on_card(const Trial *trial, const DpVerdict *verdict)
{
    return same_slot(base_of(verdict->fn), base_of(trial->fn));
}

static bool
could_use_d3d0(const DpVerdict *verdict)
{
    return verdict->reset.method == DP_RESET_BUS && verdict->fn->ids_known != DP_TRI_NO &&
           (verdict->reset.available & (1u << DP_RESET_PM)) != 0;
}

/* `false` by the administrator, who can take it back; what is shipped is the vendors' rule. */
static bool
is_own_false(const DpVerdict *verdict)
{
    return !verdict->reset.shareable && !dp_map_entry_is_shipped(verdict->reset.entry);
}

static bool
is_below(const DpFunction *fn, const DpFunction *bridge)
{
    unsigned depth = 0;

    for (const DpFunction *at = fn->parent; at != NULL && depth < MAX_DEPTH;
         at = at->parent, depth++) {
        if (at == bridge) {
            return true;
        }
    }
    return false;
}

/* The bus reset of @a hits @b. */
static bool
hits(const DpVerdict *a, const DpVerdict *b)
{
    return a->reset.method == DP_RESET_BUS && is_below(b->fn, a->fn->parent);
}

static bool
hits_still(const Trial *trial, const DpVerdict *a, const DpVerdict *b)
{
    return hits(a, b) && !(trial->change == CHANGE_RESET && could_use_d3d0(a));
}

static bool
shareable_then(const Trial *trial, const DpVerdict *verdict)
{
    return verdict->reset.shareable || (trial->change == CHANGE_MAP && is_own_false(verdict));
}

static bool
tied_by_slot(const DpVerdict *a, const DpVerdict *b)
{
    return a->fn->physfn == NULL && b->fn->physfn == NULL && same_slot(a->fn, b->fn);
}

/* A link of unit.c that the change would leave. */
static bool
linked(const Trial *trial, const DpVerdict *a, const DpVerdict *b)
{
    if (trial->change == CHANGE_SLOT && on_card(trial, a) != on_card(trial, b)) {
        return false;
    }
    if (a->fn->iommu_group >= 0 && a->fn->iommu_group == b->fn->iommu_group) {
        return true;
    }
    if (hits_still(trial, a, b) || hits_still(trial, b, a)) {
        return true;
    }
    return tied_by_slot(a, b) && !(shareable_then(trial, a) && shareable_then(trial, b));
}

static void
walk(Trial *trial, const DpVerdict *from)
{
    g_hash_table_add(trial->is_in, (gpointer)from);
    g_ptr_array_add(trial->left, (gpointer)from);
    for (guint i = 0; i < trial->left->len; i++) {
        for (guint k = 0; k < trial->unit->len; k++) {
            gpointer other = trial->unit->pdata[k];

            if (!g_hash_table_contains(trial->is_in, other) &&
                linked(trial, trial->left->pdata[i], other)) {
                g_hash_table_add(trial->is_in, other);
                g_ptr_array_add(trial->left, other);
            }
        }
    }
}

/* True if taking @a's part in a link away is what parts @a from some member. */
static bool
parts(const Trial *trial, const DpVerdict *a)
{
    for (guint i = 0; i < trial->unit->len; i++) {
        const DpVerdict *b = trial->unit->pdata[i];

        if (g_hash_table_contains(trial->is_in, a) != g_hash_table_contains(trial->is_in, b) &&
            (trial->change == CHANGE_RESET ? hits(a, b) && could_use_d3d0(a)
                                           : tied_by_slot(a, b) && is_own_false(a))) {
            return true;
        }
    }
    return false;
}

/* What has to be written for @a: a line of the map, or where the word `false` is. */
static char *
edit_of(const Trial *trial, const DpVerdict *a)
{
    if (trial->change == CHANGE_RESET) {
        return g_strdup_printf("\"%04x %04x d3d0 %s\"", a->fn->vendor, a->fn->device,
                               a->reset.shareable ? "default" : "false");
    }
    return g_strdup_printf("line %u of %s", a->reset.entry->line, a->reset.entry->file);
}

/* Every edit that the change needs, each once. */
static char *
describe_edits(const Trial *trial)
{
    g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < trial->unit->len; i++) {
        const DpVerdict *a = trial->unit->pdata[i];
        char *edit = parts(trial, a) ? edit_of(trial, a) : NULL;

        if (edit != NULL && g_hash_table_add(known, edit)) {
            g_string_append_printf(text, "%s%s", text->len > 0 ? " and " : "", edit);
        }
    }
    return g_strdup(text->str);
}

/* "alone", or "with 0000:03:00.1 only". */
static char *
describe_left(const Trial *trial)
{
    g_autoptr(GString) text = g_string_new("with ");

    if (trial->left->len == 1) {
        return g_strdup("alone");
    }
    for (guint i = 1; i < trial->left->len && i <= NAMED_AT_MOST; i++) {
        const DpVerdict *member = trial->left->pdata[i];

        g_string_append_printf(text, "%s%s", i > 1 ? ", " : "", member->fn->name);
    }
    if (trial->left->len - 1 > NAMED_AT_MOST) {
        g_string_append_printf(text, " and %u more", trial->left->len - 1 - NAMED_AT_MOST);
    }
    g_string_append(text, " only");
    return g_strdup(text->str);
}

/* "1 other", "3 others". */
static char *
describe_others(const Trial *trial)
{
    guint n = trial->unit->len - 1;

    return g_strdup_printf("%u other%s", n, n == 1 ? "" : "s");
}

static void
advise_reset(const Trial *trial, const char *left, DpDiagList *diags)
{
    g_autofree char *lines = describe_edits(trial), *others = describe_others(trial);
    DpDiag *diag =
        dp_diags_add(diags, DP_DIAG_UNIT_COULD_SHRINK, trial->fn->name,
                     "%s goes with %s because a bus reset hits all of them; with a reset by "
                     "power state (D3 to D0) it would go %s",
                     trial->fn->name, others, left);

    dp_diag_set_remedy(diag,
                       "if D3 to D0 is known to reset the device, add to "
                       "/etc/directpath/passthru.map: %s",
                       lines);
}

static void
advise_slot(const Trial *trial, const char *left, DpDiagList *diags)
{
    g_autofree char *others = describe_others(trial);

    dp_diags_add(diags, DP_DIAG_UNIT_OTHER_SLOT, trial->fn->name,
                 "%s goes with %s because of the slot it is in; behind a port of its own, "
                 "with ACS, it would go %s",
                 trial->fn->name, others, left);
}

static void
advise_map(const Trial *trial, const char *left, DpDiagList *diags)
{
    g_autofree char *lines = describe_edits(trial), *others = describe_others(trial);
    DpDiag *diag =
        dp_diags_add(diags, DP_DIAG_UNIT_OWN_FALSE, trial->fn->name,
                     "%s goes with %s because %s says false; without that it would go %s",
                     trial->fn->name, others, lines, left);

    dp_diag_set_remedy(
        diag, "if its functions may have different owners, write default for false on %s", lines);
}

static void
try_change(Trial *trial, const DpVerdict *verdict, DpDiagList *diags)
{
    static void (*const advise[N_CHANGES])(const Trial *, const char *, DpDiagList *) = {
        [CHANGE_RESET] = advise_reset,
        [CHANGE_SLOT] = advise_slot,
        [CHANGE_MAP] = advise_map,
    };
    g_autoptr(GPtrArray) left = g_ptr_array_new();
    g_autoptr(GHashTable) is_in = g_hash_table_new(NULL, NULL);
    g_autofree char *shown = NULL;

    if (trial->change == CHANGE_SLOT && base_of(trial->fn)->parent == NULL) {
        return; /* built into the board */
    }
    trial->left = left;
    trial->is_in = is_in;
    walk(trial, verdict);
    if (left->len < trial->unit->len) {
        shown = describe_left(trial);
        advise[trial->change](trial, shown, diags);
    }
}

void
dp_unit_advise(const DpPolicy *policy, const DpVerdict *verdict, DpDiagList *diags)
{
    g_autoptr(GPtrArray) unit = g_ptr_array_new();
    Trial trial = {.policy = policy, .fn = verdict->fn, .unit = unit};

    if (verdict->unit->len < 2) {
        return;
    }
    for (guint i = 0; i < verdict->unit->len; i++) {
        const DpFunction *member = g_array_index(verdict->unit, DpUnitMember, i).fn;

        g_ptr_array_add(unit, (gpointer)dp_policy_verdict(policy, &member->addr));
    }
    for (trial.change = 0; trial.change < N_CHANGES; trial.change++) {
        try_change(&trial, verdict, diags);
    }
}
