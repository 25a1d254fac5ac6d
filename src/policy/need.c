/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host would lose. Each use (a mount, a route, a login) is followed down to the functions
 * that it stands on; the way there is part of the message.
 */
#include "need.h"

#include <string.h>

void
dp_need_add(const DpNeeds *needs, const char *function, DpDiagId id, const char *fmt, ...)
{
    DpJudge *judge = needs->judge;
    DpFunction *fn = dp_host_find_name(judge->host, function);
    DpVerdict *verdict = fn == NULL ? NULL : dp_judge_verdict(judge, fn);
    g_autofree char *text = NULL;
    const DpDiag *diag;
    guint position;
    va_list args;

    if (verdict == NULL || !verdict->assignable) {
        return;
    }
    va_start(args, fmt);
    text = g_strdup_vprintf(fmt, args);
    va_end(args);
    diag = dp_diags_add(verdict->diags, id, fn->name, "%s %s", fn->name, text);
    position = dp_judge_position(judge, fn);
    if (judge->needs[position] == NULL && diag->severity == DP_ERROR_SEVERITY) {
        judge->needs[position] = diag;
    }
}

bool
dp_need_in_unit(const DpNeeds *needs, const char *name, const char *with)
{
    const DpFunction *fn = dp_host_find_name(needs->judge->host, with);
    const DpVerdict *verdict = fn == NULL ? NULL : dp_judge_verdict(needs->judge, fn);

    for (guint i = 0; verdict != NULL && verdict->unit != NULL && i < verdict->unit->len; i++) {
        if (strcmp(g_array_index(verdict->unit, DpUnitMember, i).fn->name, name) == 0) {
            return true;
        }
    }
    return false;
}

char *
dp_need_join(const GPtrArray *items)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < items->len && i < DP_NEED_MAX_NAMED; i++) {
        g_string_append_printf(text, "%s%s", i > 0 ? " and " : "", (const char *)items->pdata[i]);
    }
    if (items->len > DP_NEED_MAX_NAMED) {
        g_string_append_printf(text, " and %u more", items->len - DP_NEED_MAX_NAMED);
    }
    return g_string_free(text, FALSE);
}

/* By number; file systems without a block device of their own number (btrfs) by their source. */
static DpBlock *
block_of_mount(const DpNeeds *needs, const DpMount *mount)
{
    DpBlock *block =
        mount->device != NULL ? g_hash_table_lookup(needs->devnos, mount->device) : NULL;

    if (block == NULL && mount->source != NULL && g_str_has_prefix(mount->source, "/dev/")) {
        block = g_hash_table_lookup(needs->blocks, mount->source + strlen("/dev/"));
    }
    return block;
}

static void
index_mounts(const DpNeeds *needs)
{
    const GPtrArray *all = needs->judge->host->mounts;

    for (guint i = 0; i < all->len; i++) {
        DpMount *mount = all->pdata[i];
        DpBlock *block = block_of_mount(needs, mount);
        GPtrArray *mounts = block == NULL ? NULL : g_hash_table_lookup(needs->mounts, block);

        if (block != NULL && mounts == NULL) {
            mounts = g_ptr_array_new();
            g_hash_table_insert(needs->mounts, block, mounts);
        }
        if (block != NULL) {
            g_ptr_array_add(mounts, mount);
        }
    }
}

static void
add_all(GHashTable *set, char **names)
{
    for (char **name = names; name != NULL && *name != NULL; name++) {
        g_hash_table_add(set, *name);
    }
}

static void
index_host(const DpNeeds *needs)
{
    const DpHost *host = needs->judge->host;

    for (guint i = 0; i < host->blocks->len; i++) {
        DpBlock *block = host->blocks->pdata[i];

        g_hash_table_insert(needs->blocks, block->name, block);
        if (block->devno != NULL && block->devno[0] != '\0') {
            g_hash_table_insert(needs->devnos, block->devno, block);
        }
        add_all(needs->block_members, block->below);
    }
    for (guint i = 0; i < host->nets->len; i++) {
        DpNet *net = host->nets->pdata[i];

        g_hash_table_insert(needs->nets, net->name, net);
        add_all(needs->net_members, net->below);
    }
    index_mounts(needs);
}

void
dp_needs_judge(DpJudge *judge)
{
    g_autoptr(GHashTable) nets = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) net_members = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) blocks = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) devnos = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) block_members = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) mounts =
        g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_ptr_array_unref);
    g_autoptr(GPtrArray) unseen = g_ptr_array_new_with_free_func(g_free);
    const DpNeeds needs = {judge, nets, net_members, blocks, devnos, block_members, mounts, unseen};

    index_host(&needs);
    dp_needs_of_disks(&needs);
    dp_needs_of_awaited(&needs);
    dp_needs_of_places(&needs);
    dp_needs_of_nets(&needs);
    dp_needs_of_peers(&needs);
    dp_needs_of_seats(&needs);
    dp_needs_of_unseen(&needs);
}
