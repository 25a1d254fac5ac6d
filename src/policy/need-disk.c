/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host would lose with a disk. From each block device that is in use (mounted, swapped on,
 * an active volume) down through partitions, device-mapper, bcache and md to the disks, and from
 * there to all functions in the disk's path: not only its controller, also a VMD above it. A disk
 * of another machine hangs from the interfaces over which it is reached.
 */
#include "need.h"

#include <string.h>

/* One use, on its way down. */
typedef struct {
    const DpNeeds *needs;
    DpDiagId id;
    const char *use;                         /* "holds / (ext4)" */
    const DpBlock *chain[DP_NEED_MAX_DEPTH]; /* from the used device down */
    GHashTable *seen;
} Descent;

/* "nvme0, nvme0n1, nvme0n1p1, " from the disk up. */
static char *
describe_chain(const Descent *descent, unsigned depth)
{
    const DpBlock *disk = descent->chain[depth];
    GString *chain = g_string_new(NULL);

    if (disk->path != NULL && g_strcmp0(disk->path, disk->name) != 0) {
        g_string_append_printf(chain, "%s, ", disk->path);
    }
    for (unsigned i = depth + 1; i-- > 0;) {
        g_string_append_printf(chain, "%s, ", descent->chain[i]->name);
    }
    return g_string_free(chain, FALSE);
}

/* Where the way down passes a device with several paths: the nearest one to the use, or NULL. */
static const DpBlock *
shared_by_paths(const Descent *descent, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++) {
        const DpBlock *block = descent->chain[i];

        if (block->multipath && block->below[0] != NULL && block->below[1] != NULL) {
            return block;
        }
    }
    return NULL;
}

/* True if nothing of @path goes together with @function. */
static bool
survives(const DpNeeds *needs, const DpBlock *path, const char *function)
{
    for (char **name = path->functions; name != NULL && *name != NULL; name++) {
        if (dp_need_in_unit(needs, *name, function)) {
            return false;
        }
    }
    return true;
}

/* Paths of @shared that would be left; @ret_n receives how many there are. @net: the way down ends
 * at that interface, and paths over it are lost with it. */
static unsigned
count_left(const DpNeeds *needs,
           const DpBlock *shared,
           const char *function,
           const char *net,
           unsigned *ret_n)
{
    unsigned left = 0;

    *ret_n = 0;
    for (char **name = shared->below; *name != NULL; name++) {
        const DpBlock *path = g_hash_table_lookup(needs->blocks, *name);

        if (path == NULL) {
            continue;
        }
        (*ret_n)++;
        if (net != NULL) {
            left +=
                path->peer == NULL || !g_strv_contains((const char *const *)path->peer->nets, net);
        } else {
            left += survives(needs, path, function);
        }
    }
    return left;
}

/* What losing one path of several means is said with it; the last one is the device itself. */
static char *
describe_paths(
    const Descent *descent, unsigned depth, const char *function, const char *net, DpDiagId *id)
{
    const DpBlock *shared = shared_by_paths(descent, depth);
    unsigned n = 0, left;

    if (shared == NULL) {
        return g_strdup("");
    }
    left = count_left(descent->needs, shared, function, net, &n);
    if (left == 0) {
        return g_strdup_printf("; no other path to %s would be left", shared->name);
    }
    *id = net != NULL ? DP_DIAG_HOST_NEEDS_REMOTE_PATH : DP_DIAG_HOST_NEEDS_PATH;
    return g_strdup_printf("; %u of %u paths to %s would be left", left, n, shared->name);
}

/* What refuses nothing refuses nothing over a network or one path of several either. */
static DpDiagId
stronger(const Descent *descent, DpDiagId id)
{
    DpDiagId own = descent->id;

    return own == DP_DIAG_FSTAB_NAMES || own == DP_DIAG_OTHER_ESP ? own : id;
}

static void
report(const Descent *descent, unsigned depth, const char *function)
{
    DpDiagId id = descent->id;
    g_autofree char *chain = describe_chain(descent, depth);
    g_autofree char *paths = describe_paths(descent, depth, function, NULL, &id);

    dp_need_add(descent->needs, function, stronger(descent, id), "carries %swhich %s%s", chain,
                descent->use, paths);
}

static void
report_peer(const Descent *descent, unsigned depth)
{
    const DpPeer *peer = descent->chain[depth]->peer;

    for (char **net = peer->nets; *net != NULL; net++) {
        DpDiagId id = DP_DIAG_HOST_NEEDS_REMOTE_DISK;
        g_autofree char *chain = describe_chain(descent, depth);
        g_autofree char *paths = describe_paths(descent, depth, NULL, *net, &id);
        g_autofree char *use =
            g_strdup_printf("over which the host reaches %s%s, %swhich %s%s",
                            descent->chain[depth]->remote != NULL ? "its cluster from " : "",
                            peer->address, chain, descent->use, paths);

        dp_need_net(descent->needs, *net, stronger(descent, id), use);
    }
}

/* Of a disk and its partition one speaks; what refuses nothing is no reason to warn either. */
static bool
is_end_of_way(const Descent *descent, const DpBlock *block)
{
    bool made_of = block->below != NULL && block->below[0] != NULL;
    const DpBlock *below =
        made_of ? g_hash_table_lookup(descent->needs->blocks, block->below[0]) : NULL;

    return block->remote != NULL && block->peer == NULL &&
           (below == NULL || g_strcmp0(below->remote, block->remote) != 0) &&
           descent->id != DP_DIAG_FSTAB_NAMES && descent->id != DP_DIAG_OTHER_ESP;
}

static void
note_unseen(const Descent *descent, unsigned depth)
{
    const DpBlock *block = descent->chain[depth];

    if (is_end_of_way(descent, block)) {
        g_autofree char *chain = describe_chain(descent, depth);

        dp_need_unseen(descent->needs, "the other end of %s (%.*s), which %s", block->remote,
                       (int)(strlen(chain) - strlen(", ")), chain, descent->use);
    }
}

static void
descend(Descent *descent, unsigned depth)
{
    const DpBlock *block = descent->chain[depth];
    bool leaf = true;

    for (char **name = block->below; name != NULL && *name != NULL; name++) {
        DpBlock *below = g_hash_table_lookup(descent->needs->blocks, *name);

        if (below == NULL || depth + 1 == DP_NEED_MAX_DEPTH) {
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
    if (leaf && block->peer != NULL) {
        report_peer(descent, depth);
    }
    note_unseen(descent, depth);
}

void
dp_need_block(const DpNeeds *needs, const DpBlock *block, DpDiagId id, const char *use)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    Descent descent = {.needs = needs, .id = id, .use = use, .chain = {block}, .seen = seen};

    g_hash_table_add(seen, (gpointer)block);
    descend(&descent, 0);
}

/* Mounts without which a host does not start or run are named before others. */
static const char *const system_mounts[] = {"/",    "/usr", "/boot", "/boot/efi",
                                            "/efi", "/etc", "/var"};

bool
dp_need_is_system(const char *mountpoint)
{
    for (size_t i = 0; i < G_N_ELEMENTS(system_mounts); i++) {
        if (strcmp(mountpoint, system_mounts[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* "holds / (ext4) and /var/lib/docker (ext4)" */
static char *
describe_mounts(const GPtrArray *mounts)
{
    g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *joined = NULL;
    int n_system = 0;

    for (guint i = 0; i < mounts->len; i++) {
        const DpMount *mount = mounts->pdata[i];

        g_ptr_array_insert(items, dp_need_is_system(mount->mountpoint) ? n_system++ : -1,
                           g_strdup_printf("%s (%s)", mount->mountpoint, mount->fstype));
    }
    joined = dp_need_join(items);
    return g_strdup_printf("holds %s", joined);
}

/* Made of other devices and not itself in the path of a function: device-mapper, md, bcache, not a
 * partition. */
static bool
is_volume(const DpBlock *block)
{
    return block->below != NULL && block->below[0] != NULL &&
           (block->functions == NULL || block->functions[0] == NULL) && block->devno[0] != '\0';
}

static void
trace_uses(const DpNeeds *needs, const DpBlock *block)
{
    const GPtrArray *mounts = g_hash_table_lookup(needs->mounts, block);

    if (mounts != NULL) {
        g_autofree char *use = describe_mounts(mounts);

        dp_need_block(needs, block, DP_DIAG_HOST_NEEDS_FILESYSTEM, use);
    }
    if (block->swap) {
        dp_need_block(needs, block, DP_DIAG_HOST_NEEDS_SWAP, "is swap space in use");
    }
    if (mounts != NULL || block->swap) {
        return;
    }
    if (block->pool != NULL) {
        g_autofree char *use = g_strdup_printf("is a member of the ZFS pool %s", block->pool);

        dp_need_block(needs, block, DP_DIAG_HOST_NEEDS_VOLUME, use);
    } else if (is_volume(block) && !g_hash_table_contains(needs->block_members, block->name)) {
        dp_need_block(needs, block, DP_DIAG_HOST_NEEDS_VOLUME, "is an active volume");
    }
}

void
dp_needs_of_disks(const DpNeeds *needs)
{
    const GPtrArray *blocks = needs->judge->host->blocks;

    for (guint i = 0; i < blocks->len; i++) {
        trace_uses(needs, blocks->pdata[i]);
    }
}
