/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host would lose with a network interface: the default route, or a member of a bridge,
 * bond or VLAN. An interface that nothing is built on and no default route leads out of is no
 * reason to refuse: network devices are what is passed through most.
 */
#include "private.h"

#define MAX_DEPTH 32

typedef struct {
    DpJudge *judge;
    GHashTable *by_name; /* DpNet.name -> DpNet */
    DpDiagId id;
    const char *use;               /* "which carries the default route" */
    const DpNet *chain[MAX_DEPTH]; /* from the used interface down */
    GHashTable *seen;
} Descent;

static void
report(Descent *descent, unsigned depth, const char *function)
{
    DpFunction *fn = dp_host_find_name(descent->judge->host, function);
    g_autoptr(GString) chain = g_string_new(NULL);
    const DpDiag *diag;
    guint position;

    if (fn == NULL || !dp_judge_verdict(descent->judge, fn)->assignable) {
        return;
    }
    for (unsigned i = depth + 1; i-- > 0;) {
        g_string_append_printf(chain, "%s%s, ", i + 1 == depth ? "beneath " : "",
                               descent->chain[i]->name);
    }
    diag = dp_diags_add(dp_judge_verdict(descent->judge, fn)->diags, descent->id, fn->name,
                        "%s is %s%s", fn->name, chain->str, descent->use);
    position = dp_judge_position(descent->judge, fn);
    if (descent->judge->needs[position] == NULL) {
        descent->judge->needs[position] = diag;
    }
}

static void
descend(Descent *descent, unsigned depth)
{
    const DpNet *net = descent->chain[depth];
    bool leaf = true;

    for (char **name = net->below; name != NULL && *name != NULL; name++) {
        DpNet *below = g_hash_table_lookup(descent->by_name, *name);

        if (below == NULL || depth + 1 == MAX_DEPTH) {
            continue;
        }
        leaf = false;
        if (g_hash_table_add(descent->seen, below)) {
            descent->chain[depth + 1] = below;
            descend(descent, depth + 1);
        }
    }
    for (char **name = net->functions; leaf && name != NULL && *name != NULL; name++) {
        report(descent, depth, *name);
    }
}

/* @members: interfaces of which another one is made; what stands on top speaks for them. */
static void
trace(DpJudge *judge, GHashTable *by_name, GHashTable *members, DpNet *net)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    Descent descent = {.judge = judge, .by_name = by_name, .chain = {net}, .seen = seen};

    if (net->default_route) {
        descent.id = DP_DIAG_HOST_NEEDS_DEFAULT_ROUTE;
        descent.use = "which carries the default route";
    } else if (net->below != NULL && net->below[0] != NULL &&
               !g_hash_table_contains(members, net->name)) {
        descent.id = DP_DIAG_HOST_NEEDS_INTERFACE;
        descent.use = "which the host has set up";
    } else {
        return;
    }
    g_hash_table_add(seen, net);
    descend(&descent, 0);
}

void
dp_needs_of_nets(DpJudge *judge)
{
    g_autoptr(GHashTable) by_name = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) members = g_hash_table_new(g_str_hash, g_str_equal);
    const GPtrArray *nets = judge->host->nets;

    for (guint i = 0; i < nets->len; i++) {
        DpNet *net = nets->pdata[i];

        g_hash_table_insert(by_name, net->name, net);
        for (char **name = net->below; name != NULL && *name != NULL; name++) {
            g_hash_table_add(members, *name);
        }
    }
    for (guint i = 0; i < nets->len; i++) {
        trace(judge, by_name, members, nets->pdata[i]);
    }
}
