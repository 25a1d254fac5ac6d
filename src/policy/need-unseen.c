/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host needs over a network, by a way that is in no file: the other end of NBD and DRBD,
 * the peers of WireGuard. Any interface may be that way, so each is warned of and none refused.
 */
#include "need.h"

void
dp_need_unseen(const DpNeeds *needs, const char *fmt, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, fmt);
    text = g_strdup_vprintf(fmt, args);
    va_end(args);
    if (!g_ptr_array_find_with_equal_func(needs->unseen, text, g_str_equal, NULL)) {
        g_ptr_array_add(needs->unseen, g_steal_pointer(&text));
    }
}

void
dp_needs_of_unseen(const DpNeeds *needs)
{
    const GPtrArray *nets = needs->judge->host->nets;
    g_autoptr(GHashTable) told = g_hash_table_new(g_str_hash, g_str_equal);
    g_autofree char *joined = dp_need_join(needs->unseen);

    for (guint i = 0; needs->unseen->len > 0 && i < nets->len; i++) {
        const DpNet *net = nets->pdata[i];

        for (char **name = net->functions; name != NULL && *name != NULL; name++) {
            if (g_hash_table_add(told, *name)) {
                dp_need_add(needs, *name, DP_DIAG_WAY_UNKNOWN, "is %s, and may be the way to %s",
                            net->name, joined);
            }
        }
    }
}
