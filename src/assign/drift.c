/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drift.h"

#include "binding.h"

typedef struct {
    const DpBoot *then;
    const DpHost *now;
    const DpEsxconf *conf;
    const DpFunction **to;       /* where each function of `then` is now; NULL: gone */
    const DpBootFunction **from; /* what each function of `now` was then; NULL: new */
    GHashTable *index;           /* DpFunction to its place in `now`, plus one */
    GPtrArray *found;
} Drift;

const char *
dp_drift_kind_name(DpDriftKind kind)
{
    static const char *const names[] = {
        [DP_DRIFT_ADDED] = "added",       [DP_DRIFT_GONE] = "gone",   [DP_DRIFT_MOVED] = "moved",
        [DP_DRIFT_REPLACED] = "replaced", [DP_DRIFT_GROUP] = "group", [DP_DRIFT_DRIVER] = "driver",
    };

    return names[kind];
}

static void
drift_free(gpointer data)
{
    DpDrift *one = data;

    g_free(one->was);
    g_free(one->is);
    g_free(one);
}

/* Takes @was and @is. */
static void
add(const Drift *drift,
    DpDriftKind kind,
    const DpBootFunction *then,
    const DpFunction *now,
    char *was,
    char *is)
{
    DpDrift *one = g_new0(DpDrift, 1);

    one->kind = kind;
    one->then = then;
    one->now = now;
    one->was = was;
    one->is = is;
    g_strlcpy(one->name, now != NULL ? now->name : then->name, sizeof one->name);
    g_ptr_array_add(drift->found, one);
}

static void
pair(const Drift *drift, guint then, guint now)
{
    drift->to[then] = drift->now->functions->pdata[now];
    drift->from[now] = drift->then->functions->pdata[then];
}

/* Who is where it was. */
static void
pair_in_place(const Drift *drift)
{
    for (guint i = 0; i < drift->then->functions->len; i++) {
        const DpBootFunction *then = drift->then->functions->pdata[i];
        const DpFunction *fn = dp_host_find(drift->now, &then->addr);
        g_autoptr(DpCard) card = fn == NULL ? NULL : dp_card_of(fn);

        if (fn != NULL && dp_card_compare(then->card, card) >= DP_CARD_ALIKE) {
            pair(drift, i, GPOINTER_TO_UINT(g_hash_table_lookup(drift->index, fn)) - 1);
        }
    }
}

/* The one function without a past that is the card of @then; -1: none, or more than one. */
static int
find_moved(const Drift *drift, const DpBootFunction *then)
{
    DpCardMatch best = DP_CARD_ELSEWHERE;
    int at = -1;

    for (guint k = 0; k < drift->now->functions->len; k++) {
        const DpFunction *fn = drift->now->functions->pdata[k];
        g_autoptr(DpCard) card = NULL;
        DpCardMatch match;

        if (drift->from[k] != NULL || fn->addr.function != then->addr.function ||
            fn->is_bridge != then->bridge) {
            continue;
        }
        card = dp_card_of(fn);
        match = card->ids_known && then->card->ids_known ? dp_card_compare(then->card, card)
                                                         : DP_CARD_OTHER;
        if (match > best) {
            at = (int)k;
            best = match;
        } else if (match == best) {
            at = -1;
        }
    }
    return at;
}

static void
pair_moved(const Drift *drift)
{
    for (guint i = 0; i < drift->then->functions->len; i++) {
        const DpBootFunction *then = drift->then->functions->pdata[i];
        int at = drift->to[i] != NULL ? -1 : find_moved(drift, then);

        if (at >= 0) {
            pair(drift, i, (guint)at);
            add(drift, DP_DRIFT_MOVED, then, drift->to[i], g_strdup(then->name),
                g_strdup(drift->to[i]->name));
        }
    }
}

static void
find_gone(const Drift *drift)
{
    for (guint i = 0; i < drift->then->functions->len; i++) {
        const DpBootFunction *then = drift->then->functions->pdata[i];
        const DpFunction *fn = dp_host_find(drift->now, &then->addr);
        guint at = GPOINTER_TO_UINT(g_hash_table_lookup(drift->index, fn));

        if (drift->to[i] != NULL) {
            continue;
        }
        if (fn != NULL && drift->from[at - 1] == NULL) {
            add(drift, DP_DRIFT_REPLACED, then, fn, NULL, NULL);
        } else {
            add(drift, DP_DRIFT_GONE, then, NULL, NULL, NULL);
        }
    }
}

/* Who is new, and not in the place of one that is gone. */
static void
find_added(const Drift *drift)
{
    for (guint k = 0; k < drift->now->functions->len; k++) {
        const DpFunction *fn = drift->now->functions->pdata[k];
        const DpBootFunction *then = dp_boot_find(drift->then, &fn->addr);
        bool replaces = false;

        for (guint i = 0; then != NULL && i < drift->found->len; i++) {
            const DpDrift *one = drift->found->pdata[i];

            replaces = replaces || (one->kind == DP_DRIFT_REPLACED && one->now == fn);
        }
        if (drift->from[k] == NULL && !replaces) {
            add(drift, DP_DRIFT_ADDED, NULL, fn, NULL, NULL);
        }
    }
}

/* Names by group number: a new table of GPtrArray of names, sorted as they come. */
static GHashTable *
groups_new(void)
{
    return g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL,
                                 (GDestroyNotify)g_ptr_array_unref);
}

static void
group_add(GHashTable *groups, int group, const char *name)
{
    GPtrArray *names = g_hash_table_lookup(groups, GINT_TO_POINTER(group));

    if (group < 0) {
        return;
    }
    if (names == NULL) {
        names = g_ptr_array_new();
        g_hash_table_insert(groups, GINT_TO_POINTER(group), names);
    }
    g_ptr_array_add(names, (gpointer)name);
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
    return g_strcmp0(*(char *const *)a, *(char *const *)b);
}

static char *
group_text(GHashTable *groups, int group)
{
    GPtrArray *names = group < 0 ? NULL : g_hash_table_lookup(groups, GINT_TO_POINTER(group));
    GString *text = g_string_new(NULL);

    if (names == NULL) {
        g_string_append(text, DP_DRIFT_NO_GROUP);
    } else {
        g_ptr_array_sort(names, compare_names);
    }
    for (guint i = 0; names != NULL && i < names->len; i++) {
        g_string_append_printf(text, "%s%s", i > 0 ? " " : "", (const char *)names->pdata[i]);
    }
    return g_string_free(text, false);
}

/* Members of before under the names that they have now. */
static void
find_groups(const Drift *drift)
{
    g_autoptr(GHashTable) before = groups_new(), after = groups_new();

    for (guint i = 0; i < drift->then->functions->len; i++) {
        const DpBootFunction *then = drift->then->functions->pdata[i];

        group_add(before, then->group, drift->to[i] != NULL ? drift->to[i]->name : then->name);
    }
    for (guint k = 0; k < drift->now->functions->len; k++) {
        const DpFunction *fn = drift->now->functions->pdata[k];

        group_add(after, fn->iommu_group, fn->name);
    }
    for (guint i = 0; i < drift->then->functions->len; i++) {
        const DpBootFunction *then = drift->then->functions->pdata[i];
        const DpFunction *fn = drift->to[i];
        g_autofree char *was = NULL, *is = NULL;

        if (fn == NULL || fn->is_bridge) {
            continue;
        }
        was = group_text(before, then->group);
        is = group_text(after, fn->iommu_group);
        if (g_strcmp0(was, is) != 0) {
            add(drift, DP_DRIFT_GROUP, then, fn, g_steal_pointer(&was), g_steal_pointer(&is));
        }
    }
}

/* By `device enable` or `device disable` since. */
static bool
is_explained(const Drift *drift, const DpBootFunction *then, const DpFunction *fn)
{
    bool stored = dp_policy_stored_owner(drift->conf, fn, NULL) == DP_OWNER_PASSTHRU;
    bool had = g_strcmp0(then->driver, DP_VFIO_DRIVER) == 0;

    return stored ? dp_policy_on_vfio(fn) : had && !dp_policy_on_vfio(fn);
}

static void
find_drivers(const Drift *drift)
{
    for (guint i = 0; i < drift->then->functions->len; i++) {
        const DpBootFunction *then = drift->then->functions->pdata[i];
        const DpFunction *fn = drift->to[i];

        if (fn != NULL && g_strcmp0(then->driver, fn->driver) != 0 &&
            !is_explained(drift, then, fn)) {
            add(drift, DP_DRIFT_DRIVER, then, fn, g_strdup(then->driver), g_strdup(fn->driver));
        }
    }
}

static int
compare_drifts(gconstpointer a, gconstpointer b)
{
    const DpDrift *x = *(DpDrift *const *)a, *y = *(DpDrift *const *)b;
    int order = g_strcmp0(x->name, y->name);

    return order != 0 ? order : (int)x->kind - (int)y->kind;
}

GPtrArray *
dp_drift_find(const DpBoot *then, const DpHost *now, const DpEsxconf *conf)
{
    GPtrArray *found = g_ptr_array_new_with_free_func(drift_free);
    g_autoptr(GHashTable) index = g_hash_table_new(g_direct_hash, g_direct_equal);
    g_autofree const DpFunction **to = g_new0(const DpFunction *, then->functions->len + 1);
    g_autofree const DpBootFunction **from =
        g_new0(const DpBootFunction *, now->functions->len + 1);
    Drift drift = {then, now, conf, to, from, index, found};

    for (guint k = 0; k < now->functions->len; k++) {
        g_hash_table_insert(index, now->functions->pdata[k], GUINT_TO_POINTER(k + 1));
    }
    pair_in_place(&drift);
    pair_moved(&drift);
    find_gone(&drift);
    find_added(&drift);
    find_groups(&drift);
    find_drivers(&drift);
    g_ptr_array_sort(found, compare_drifts);
    return found;
}
