/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Other machines that the host needs: servers of network file systems and of crash dumps, and the
 * machines from where administrators are logged in. What leads to them are interfaces; each is
 * refused once for all that goes over it.
 */
#include "need.h"

/* What is said of one interface. */
typedef struct {
    GHashTable *by_net; /* name -> GPtrArray of strings */
    GPtrArray *order;   /* names, as they came */
} Uses;

static void
add_use(const Uses *uses, const DpPeer *peer, const char *text)
{
    for (char **net = peer->nets; *net != NULL; net++) {
        GPtrArray *items = g_hash_table_lookup(uses->by_net, *net);

        if (items == NULL) {
            items = g_ptr_array_new_with_free_func(g_free);
            g_hash_table_insert(uses->by_net, *net, items);
            g_ptr_array_add(uses->order, *net);
        }
        g_ptr_array_add(items, g_strdup(text));
    }
}

static void
collect_mounts(const DpHost *host, const Uses *uses)
{
    for (guint i = 0; i < host->mounts->len; i++) {
        const DpMount *mount = host->mounts->pdata[i];

        if (mount->peer != NULL) {
            g_autofree char *text = g_strdup_printf("%s (%s from %s)", mount->mountpoint,
                                                    mount->fstype, mount->peer->address);

            add_use(uses, mount->peer, text);
        }
    }
}

static void
collect_logins(const DpHost *host, const Uses *uses)
{
    for (guint i = 0; i < host->logins->len; i++) {
        const DpPeer *login = host->logins->pdata[i];

        add_use(uses, login, login->address);
    }
}

static void
collect_crash(const DpHost *host, const Uses *uses)
{
    if (host->crash.armed && host->crash.peer != NULL) {
        add_use(uses, host->crash.peer, host->crash.peer->address);
    }
}

static const struct {
    DpDiagId id;
    void (*collect)(const DpHost *host, const Uses *uses);
    const char *before, *one, *several;
} kinds[] = {
    {DP_DIAG_HOST_NEEDS_REMOTE_FILESYSTEM, collect_mounts, "over which ", " is mounted",
     " are mounted"},
    {DP_DIAG_HOST_NEEDS_LOGIN, collect_logins, "over which somebody is logged in from ", "", ""},
    {DP_DIAG_HOST_NEEDS_CRASH_SERVER, collect_crash,
     "over which the dump of a crash is to be sent to ", "", ""},
};

void
dp_needs_of_peers(const DpNeeds *needs)
{
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autoptr(GHashTable) by_net =
            g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_ptr_array_unref);
        g_autoptr(GPtrArray) order = g_ptr_array_new();
        const Uses uses = {by_net, order};

        kinds[i].collect(needs->judge->host, &uses);
        for (guint k = 0; k < order->len; k++) {
            const GPtrArray *items = g_hash_table_lookup(by_net, order->pdata[k]);
            g_autofree char *joined = dp_need_join(items);
            g_autofree char *use = g_strconcat(
                kinds[i].before, joined, items->len > 1 ? kinds[i].several : kinds[i].one, NULL);

            dp_need_net(needs, order->pdata[k], kinds[i].id, use);
        }
    }
}
