/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host would lose with a network interface: the default route, or a member of a bridge,
 * bond or VLAN. An interface that nothing is built on and no default route leads out of is no
 * reason to refuse: network devices are what is passed through most.
 */
#include "need.h"

typedef struct {
    const DpNeeds *needs;
    DpDiagId id;
    const char *use;                       /* "which carries the default route" */
    const DpNet *chain[DP_NEED_MAX_DEPTH]; /* from the used interface down */
    GHashTable *seen;
} Descent;

static void
report(const Descent *descent, unsigned depth, const char *function)
{
    g_autoptr(GString) chain = g_string_new(NULL);

    for (unsigned i = depth + 1; i-- > 0;) {
        g_string_append_printf(chain, "%s%s, ", i + 1 == depth ? "beneath " : "",
                               descent->chain[i]->name);
    }
    dp_need_add(descent->needs, function, descent->id, "is %s%s", chain->str, descent->use);
}

static void
descend(Descent *descent, unsigned depth)
{
    const DpNet *net = descent->chain[depth];
    bool leaf = true;

    for (char **name = net->below; name != NULL && *name != NULL; name++) {
        DpNet *below = g_hash_table_lookup(descent->needs->nets, *name);

        if (below == NULL || depth + 1 == DP_NEED_MAX_DEPTH) {
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
    if (leaf && net->tunnel != NULL) {
        dp_need_unseen(descent->needs, "the other end of %s (%s), %s", net->name, net->tunnel,
                       descent->use);
    }
}

void
dp_need_net(const DpNeeds *needs, const char *net, DpDiagId id, const char *use)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    Descent descent = {.needs = needs, .id = id, .use = use, .seen = seen};

    descent.chain[0] = g_hash_table_lookup(needs->nets, net);
    if (descent.chain[0] != NULL) {
        g_hash_table_add(seen, (gpointer)descent.chain[0]);
        descend(&descent, 0);
    }
}

/* Of interfaces that stand on each other the topmost speaks. */
void
dp_needs_of_nets(const DpNeeds *needs)
{
    const GPtrArray *nets = needs->judge->host->nets;

    for (guint i = 0; i < nets->len; i++) {
        const DpNet *net = nets->pdata[i];

        if (net->default_route) {
            dp_need_net(needs, net->name, DP_DIAG_HOST_NEEDS_DEFAULT_ROUTE,
                        "which carries the default route");
        } else if (net->below != NULL && net->below[0] != NULL &&
                   !g_hash_table_contains(needs->net_members, net->name)) {
            dp_need_net(needs, net->name, DP_DIAG_HOST_NEEDS_INTERFACE,
                        "which the host has set up");
        }
    }
}
