/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host would miss later: file systems and swap space that /etc/fstab names and that are
 * not in use now, and the EFI system partition that the firmware starts the host from.
 */
#include "need.h"

#include <string.h>

static void
need_line(const DpNeeds *needs, const DpAwaited *awaited)
{
    bool mine = !awaited->by_hand || dp_need_is_system(awaited->mountpoint);
    bool swap = strcmp(awaited->fstype, "swap") == 0;
    const DpBlock *block = g_hash_table_lookup(needs->blocks, awaited->device);
    g_autofree char *use = swap ? g_strdup("/etc/fstab names as swap space")
                                : g_strdup_printf("/etc/fstab names for %s (%s)",
                                                  awaited->mountpoint, awaited->fstype);

    if (block != NULL) {
        dp_need_block(needs, block, mine ? DP_DIAG_HOST_NEEDS_FSTAB : DP_DIAG_FSTAB_NAMES, use);
    }
}

static bool
is_awaited(const DpHost *host, const DpBlock *block)
{
    for (guint i = 0; i < host->awaited->len; i++) {
        if (strcmp(((const DpAwaited *)host->awaited->pdata[i])->device, block->name) == 0) {
            return true;
        }
    }
    return false;
}

/* Mounted, named by fstab, or a half of a mirror: it is said with that. */
static bool
is_known(const DpNeeds *needs, const DpBlock *block)
{
    return g_hash_table_contains(needs->mounts, block) ||
           g_hash_table_contains(needs->block_members, block->name) ||
           is_awaited(needs->judge->host, block);
}

/* A disk that a guest was installed on has one too. Where the host has its own in its tables, or
 * was not started by EFI, that is what another one is taken for; else it can be any of them. */
static void
need_esps(const DpNeeds *needs)
{
    const DpHost *host = needs->judge->host;
    bool found = !host->platform.efi;

    for (guint i = 0; i < host->blocks->len; i++) {
        const DpBlock *block = host->blocks->pdata[i];

        found = found || (block->esp && is_known(needs, block));
    }
    for (guint i = 0; i < host->blocks->len; i++) {
        const DpBlock *block = host->blocks->pdata[i];

        if (!block->esp || is_known(needs, block)) {
            continue;
        }
        if (found) {
            dp_need_block(needs, block, DP_DIAG_OTHER_ESP, "is an EFI system partition");
        } else {
            dp_need_block(needs, block, DP_DIAG_HOST_NEEDS_ESP,
                          "is an EFI system partition, and the host has mounted none");
        }
    }
}

void
dp_needs_of_awaited(const DpNeeds *needs)
{
    const GPtrArray *awaited = needs->judge->host->awaited;

    for (guint i = 0; i < awaited->len; i++) {
        need_line(needs, awaited->pdata[i]);
    }
    need_esps(needs);
}
