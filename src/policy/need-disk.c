/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host would lose with a disk. From each block device that is in use (mounted, swapped on,
 * an active volume) down through partitions, device-mapper and md to the disks, and from there to
 * all functions in the disk's path: not only its controller, also a VMD above it.
 */
#include "private.h"

#include <string.h>

#define MAX_DEPTH  32 /* of volumes on volumes */
#define MAX_MOUNTS 3  /* named; the rest is counted */

typedef struct {
    DpJudge *judge;
    GHashTable *by_name;  /* DpBlock.name -> DpBlock */
    GHashTable *by_devno; /* DpBlock.devno -> DpBlock */
    GHashTable *mounts;   /* DpBlock -> GPtrArray of DpMount */
    GHashTable *members;  /* names of devices that another one is made of */
} Disks;

/* One use, on its way down. */
typedef struct {
    const Disks *disks;
    DpDiagId id;
    const char *use;                 /* "holds / (ext4)" */
    const DpBlock *chain[MAX_DEPTH]; /* from the used device down */
    GHashTable *seen;
} Descent;

static void
report(Descent *descent, unsigned depth, const char *function)
{
    const DpBlock *disk = descent->chain[depth];
    DpFunction *fn = dp_host_find_name(descent->disks->judge->host, function);
    g_autoptr(GString) chain = g_string_new(NULL);
    DpVerdict *verdict;
    const DpDiag *diag;
    guint position;

    if (fn == NULL || !dp_judge_verdict(descent->disks->judge, fn)->assignable) {
        return;
    }
    if (disk->path != NULL && g_strcmp0(disk->path, disk->name) != 0) {
        g_string_append_printf(chain, "%s, ", disk->path);
    }
    for (unsigned i = depth + 1; i-- > 0;) {
        g_string_append_printf(chain, "%s, ", descent->chain[i]->name);
    }
    verdict = dp_judge_verdict(descent->disks->judge, fn);
    diag = dp_diags_add(verdict->diags, descent->id, fn->name, "%s carries %swhich %s", fn->name,
                        chain->str, descent->use);
    position = dp_judge_position(descent->disks->judge, fn);
    if (descent->disks->judge->needs[position] == NULL) {
        descent->disks->judge->needs[position] = diag;
    }
}

static void
descend(Descent *descent, unsigned depth)
{
    const DpBlock *block = descent->chain[depth];
    bool leaf = true;

    for (char **name = block->below; name != NULL && *name != NULL; name++) {
        DpBlock *below = g_hash_table_lookup(descent->disks->by_name, *name);

        if (below == NULL || depth + 1 == MAX_DEPTH) {
            continue;
        }
        leaf = false;
        if (g_hash_table_add(descent->seen, below)) {
            descent->chain[depth + 1] = below;
            descend(descent, depth + 1);
        }
    }
    for (char **name = block->functions; leaf && name != NULL && *name != NULL; name++) {
        report(descent, depth, *name);
    }
}

static void
trace(const Disks *disks, DpBlock *block, DpDiagId id, const char *use)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    Descent descent = {.disks = disks, .id = id, .use = use, .chain = {block}, .seen = seen};

    g_hash_table_add(seen, block);
    descend(&descent, 0);
}

/* By number; file systems without a block device of their own number (btrfs) by their source. */
static DpBlock *
block_of_mount(const Disks *disks, const DpMount *mount)
{
    DpBlock *block =
        mount->device != NULL ? g_hash_table_lookup(disks->by_devno, mount->device) : NULL;

    if (block == NULL && mount->source != NULL && g_str_has_prefix(mount->source, "/dev/")) {
        block = g_hash_table_lookup(disks->by_name, mount->source + strlen("/dev/"));
    }
    return block;
}

static void
index_blocks(Disks *disks, const DpHost *host)
{
    for (guint i = 0; i < host->blocks->len; i++) {
        DpBlock *block = host->blocks->pdata[i];

        g_hash_table_insert(disks->by_name, block->name, block);
        if (block->devno != NULL) {
            g_hash_table_insert(disks->by_devno, block->devno, block);
        }
        for (char **name = block->below; name != NULL && *name != NULL; name++) {
            g_hash_table_add(disks->members, *name);
        }
    }
    for (guint i = 0; i < host->mounts->len; i++) {
        DpMount *mount = host->mounts->pdata[i];
        DpBlock *block = block_of_mount(disks, mount);
        GPtrArray *mounts;

        if (block == NULL) {
            continue;
        }
        mounts = g_hash_table_lookup(disks->mounts, block);
        if (mounts == NULL) {
            mounts = g_ptr_array_new();
            g_hash_table_insert(disks->mounts, block, mounts);
        }
        g_ptr_array_add(mounts, mount);
    }
}

/* "holds / (ext4) and /var/lib/docker (ext4)" */
static char *
describe_mounts(const GPtrArray *mounts)
{
    g_autoptr(GString) text = g_string_new("holds ");

    for (guint i = 0; i < mounts->len && i < MAX_MOUNTS; i++) {
        const DpMount *mount = mounts->pdata[i];

        g_string_append_printf(text, "%s%s (%s)", i > 0 ? " and " : "", mount->mountpoint,
                               mount->fstype);
    }
    if (mounts->len > MAX_MOUNTS) {
        g_string_append_printf(text, " and %u more", mounts->len - MAX_MOUNTS);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* Made of other devices and not itself in the path of a function: device-mapper, md, not a
 * partition. */
static bool
is_volume(const DpBlock *block)
{
    return block->below != NULL && block->below[0] != NULL &&
           (block->functions == NULL || block->functions[0] == NULL);
}

static void
trace_uses(const Disks *disks, DpBlock *block)
{
    const GPtrArray *mounts = g_hash_table_lookup(disks->mounts, block);

    if (mounts != NULL) {
        g_autofree char *use = describe_mounts(mounts);

        trace(disks, block, DP_DIAG_HOST_NEEDS_FILESYSTEM, use);
    }
    if (block->swap) {
        trace(disks, block, DP_DIAG_HOST_NEEDS_SWAP, "is swap space in use");
    }
    if (mounts == NULL && !block->swap && is_volume(block) &&
        !g_hash_table_contains(disks->members, block->name)) {
        trace(disks, block, DP_DIAG_HOST_NEEDS_VOLUME, "is an active volume");
    }
}

void
dp_needs_of_disks(DpJudge *judge)
{
    g_autoptr(GHashTable) by_name = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) by_devno = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) mounts =
        g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_ptr_array_unref);
    g_autoptr(GHashTable) members = g_hash_table_new(g_str_hash, g_str_equal);
    Disks disks = {judge, by_name, by_devno, mounts, members};

    index_blocks(&disks, judge->host);
    for (guint i = 0; i < judge->host->blocks->len; i++) {
        trace_uses(&disks, judge->host->blocks->pdata[i]);
    }
}
