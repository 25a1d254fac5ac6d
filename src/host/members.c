/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File systems whose device number is not a disk's: of several disks (btrfs, ZFS, bcachefs) or
 * shared by a hypervisor (9p, virtiofs). For each thing they stand on the snapshot gets a mount or
 * a block device more, so that the way from a function to its file systems is the same for all.
 */
#include "awaited.h"
#include "base/file.h"
#include "scan.h"

#include <string.h>

#define BTRFS "sys/fs/btrfs"

static bool
is_mounted(const DpHost *host, const char *device, const char *mountpoint)
{
    for (guint i = 0; i < host->mounts->len; i++) {
        const DpMount *mount = host->mounts->pdata[i];

        if (strcmp(mount->device, device) == 0 && strcmp(mount->mountpoint, mountpoint) == 0) {
            return true;
        }
    }
    return false;
}

/* Once: a captured host has the members in its table already. */
static void
add_member(DpHost *host, guint index, const DpBlock *block)
{
    const DpMount *mount = host->mounts->pdata[index];
    DpMount *member;

    if (is_mounted(host, block->devno, mount->mountpoint)) {
        return;
    }
    member = g_new0(DpMount, 1);
    member->device = g_strdup(block->devno);
    member->mountpoint = g_strdup(mount->mountpoint);
    member->fstype = g_strdup(mount->fstype);
    member->source = g_strdup_printf("/dev/%s", block->name);
    g_ptr_array_add(host->mounts, member);
}

static bool
lists(GPtrArray *names, const char *name)
{
    return g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL);
}

static bool
lists_device(const DpHost *host, GPtrArray *names, const char *devno)
{
    for (guint i = 0; i < host->blocks->len; i++) {
        const DpBlock *block = host->blocks->pdata[i];

        if (strcmp(block->devno, devno) == 0 && lists(names, block->name)) {
            return true;
        }
    }
    return false;
}

/* Mounted from one of its disks, and lost with any. */
static void
expand_btrfs(DpRoot *root, DpHost *host, guint index)
{
    const DpMount *mount = host->mounts->pdata[index];
    g_autoptr(GPtrArray) systems = dp_file_list(root->fd, BTRFS, NULL);

    for (guint i = 0; systems != NULL && i < systems->len; i++) {
        g_autofree char *path = g_strdup_printf(BTRFS "/%s/devices", (char *)systems->pdata[i]);
        g_autoptr(GPtrArray) names = dp_file_list(root->fd, path, NULL);

        if (names == NULL || !lists_device(host, names, mount->device)) {
            continue;
        }
        for (guint k = 0; k < host->blocks->len; k++) {
            const DpBlock *block = host->blocks->pdata[k];

            if (lists(names, block->name)) {
                add_member(host, index, block);
            }
        }
    }
}

/* udev knows what lies on a block device: "E:ID_FS_TYPE=zfs_member", "E:ID_FS_LABEL=rpool". */
static char *
pool_of(DpRoot *root, const DpBlock *block)
{
    g_auto(GStrv) lines = dp_udev_lines(root, block);
    const char *label = NULL;

    for (char **line = lines; line != NULL && *line != NULL; line++) {
        label = g_str_has_prefix(*line, "E:ID_FS_LABEL=") ? *line + 14 : label;
    }
    return label != NULL && g_strv_contains((const char *const *)lines, "E:ID_FS_TYPE=zfs_member")
               ? dp_scan_visible(g_strdup(label))
               : NULL;
}

/* Of "rpool/ROOT/debian" the pool. */
static char *
pool_of_dataset(const char *source)
{
    return g_strndup(source, strcspn(source, "/"));
}

/* Those with a mounted dataset are in use even where proc/spl tells nothing. */
static void
add_mounted_pools(const DpHost *host, GPtrArray *pools)
{
    for (guint i = 0; i < host->mounts->len; i++) {
        const DpMount *mount = host->mounts->pdata[i];

        if (strcmp(mount->fstype, "zfs") == 0) {
            g_ptr_array_add(pools, pool_of_dataset(mount->source));
        }
    }
}

/* The kernel does not tell which disks make a pool; of those that it has, proc/spl has a folder. */
static void
find_pools(DpRoot *root, DpHost *host)
{
    g_autoptr(GPtrArray) listed = dp_file_list(root->fd, DP_ZFS_POOLS, NULL);
    g_autoptr(GPtrArray) pools =
        listed != NULL ? g_steal_pointer(&listed) : g_ptr_array_new_with_free_func(g_free);

    add_mounted_pools(host, pools);
    for (guint i = 0; pools->len > 0 && i < host->blocks->len; i++) {
        DpBlock *block = host->blocks->pdata[i];
        g_autofree char *pool = pool_of(root, block);

        if (pool != NULL && lists(pools, pool)) {
            block->pool = g_steal_pointer(&pool);
        }
    }
}

static void
expand_zfs(DpRoot *root G_GNUC_UNUSED, DpHost *host, guint index)
{
    const DpMount *mount = host->mounts->pdata[index];
    g_autofree char *pool = pool_of_dataset(mount->source);

    for (guint i = 0; i < host->blocks->len; i++) {
        const DpBlock *block = host->blocks->pdata[i];

        if (g_strcmp0(block->pool, pool) == 0) {
            add_member(host, index, block);
        }
    }
}

/* "/dev/sda:/dev/sdb" */
static void
expand_bcachefs(DpRoot *root, DpHost *host, guint index)
{
    const DpMount *mount = host->mounts->pdata[index];
    g_auto(GStrv) sources = g_strsplit(mount->source, ":", -1);

    for (char **source = sources; *source != NULL; source++) {
        DpBlock *block = dp_blocks_find_source(root, host, *source);

        if (block != NULL) {
            add_member(host, index, block);
        }
    }
}

/* A share stands on a function as a disk does; where its tag can be read it must be the mount's. */
static void
add_share(DpRoot *root, DpHost *host, const DpMount *mount, const char *driver, const char *name)
{
    g_autofree char *path = g_strdup_printf("sys/bus/virtio/drivers/%s/%s", driver, name);
    g_autofree char *tag_path = g_strdup_printf("%s/mount_tag", path);
    g_autofree char *tag = dp_scan_visible(dp_file_read_line(root->fd, tag_path, NULL));
    g_autofree char *link = dp_file_read_link(root->fd, path);
    DpBlock *block;

    if (link == NULL || (tag != NULL && strcmp(tag, mount->source) != 0)) {
        return;
    }
    block = g_new0(DpBlock, 1);
    block->name = dp_scan_visible(g_strdup(name));
    block->devno = g_strdup(mount->device);
    block->below = g_new0(char *, 1);
    block->functions = dp_scan_path_functions(host, link);
    block->path = g_strdup(mount->fstype);
    g_ptr_array_add(host->blocks, block);
}

static void
expand_share(DpRoot *root, DpHost *host, guint index, const char *driver)
{
    const DpMount *mount = host->mounts->pdata[index];
    g_autofree char *path = g_strdup_printf("sys/bus/virtio/drivers/%s", driver);
    g_autoptr(GPtrArray) names = dp_file_list(root->fd, path, NULL);

    for (guint i = 0; names != NULL && i < names->len; i++) {
        if (g_str_has_prefix(names->pdata[i], "virtio")) {
            add_share(root, host, mount, driver, names->pdata[i]);
        }
    }
}

static void
expand_9p(DpRoot *root, DpHost *host, guint index)
{
    expand_share(root, host, index, "9pnet_virtio");
}

static void
expand_virtiofs(DpRoot *root, DpHost *host, guint index)
{
    expand_share(root, host, index, "virtiofs");
}

static const struct {
    const char *fstype;
    void (*expand)(DpRoot *root, DpHost *host, guint index);
} kinds[] = {
    {"btrfs", expand_btrfs}, {"zfs", expand_zfs},           {"bcachefs", expand_bcachefs},
    {"9p", expand_9p},       {"virtiofs", expand_virtiofs},
};

void
dp_scan_members(DpRoot *root, DpHost *host)
{
    guint n = host->mounts->len;

    find_pools(root, host);
    for (guint i = 0; i < n; i++) {
        const DpMount *mount = host->mounts->pdata[i];

        for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++) {
            if (strcmp(mount->fstype, kinds[k].fstype) == 0) {
                kinds[k].expand(root, host, i);
            }
        }
    }
}
