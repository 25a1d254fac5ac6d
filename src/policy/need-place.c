/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files and folders that the host needs, wherever they lie: this project's store, swap files, the
 * folder of crash dumps. The nearest mount above each is the file system that holds it.
 */
#include "need.h"

#include <string.h>

#define STORE "/etc/directpath"

/* True if @path is @point or beneath it. */
static bool
lies_in(const char *path, const char *point)
{
    size_t len = strlen(point);

    if (strcmp(point, "/") == 0) {
        return true;
    }
    return strncmp(path, point, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* The mountpoint that holds @path, or NULL. */
static const char *
mountpoint_of(const DpHost *host, const char *path)
{
    const char *best = NULL;

    for (guint i = 0; i < host->mounts->len; i++) {
        const DpMount *mount = host->mounts->pdata[i];

        if (lies_in(path, mount->mountpoint) &&
            (best == NULL || strlen(mount->mountpoint) > strlen(best))) {
            best = mount->mountpoint;
        }
    }
    return best;
}

static bool
has_mountpoint(const GPtrArray *mounts, const char *point)
{
    for (guint i = 0; i < mounts->len; i++) {
        if (strcmp(((const DpMount *)mounts->pdata[i])->mountpoint, point) == 0) {
            return true;
        }
    }
    return false;
}

/* A file system of several disks is mounted once for each; which of two mounts lies over the other
 * is not asked: both are in use. */
static void
need_place(const DpNeeds *needs, const char *path, const char *point, DpDiagId id, const char *what)
{
    const GPtrArray *blocks = needs->judge->host->blocks;
    g_autofree char *use = g_strdup_printf("holds %s, %s", path, what);

    for (guint i = 0; i < blocks->len; i++) {
        const GPtrArray *mounts = g_hash_table_lookup(needs->mounts, blocks->pdata[i]);

        if (mounts != NULL && has_mountpoint(mounts, point)) {
            dp_need_block(needs, blocks->pdata[i], id, use);
        }
    }
}

/* What lies on the root file system is said with it. */
static void
need_beside_root(const DpNeeds *needs, const char *path, DpDiagId id, const char *what)
{
    const char *point = mountpoint_of(needs->judge->host, path);

    if (point != NULL && strcmp(point, "/") != 0) {
        need_place(needs, path, point, id, what);
    }
}

static void
need_swap_files(const DpNeeds *needs)
{
    const DpHost *host = needs->judge->host;

    for (guint i = 0; i < host->swap_files->len; i++) {
        const char *path = host->swap_files->pdata[i], *point = mountpoint_of(host, path);

        if (point != NULL) {
            need_place(needs, path, point, DP_DIAG_HOST_NEEDS_SWAP_FILE,
                       "which is swap space in use");
        }
    }
}

static void
need_crash(const DpNeeds *needs)
{
    static const char what[] = "where the dump of a crash is to be written";
    const DpCrash *crash = &needs->judge->host->crash;
    const DpBlock *block =
        crash->device == NULL ? NULL : g_hash_table_lookup(needs->blocks, crash->device);

    if (!crash->armed) {
        return;
    }
    if (crash->folder != NULL) {
        need_beside_root(needs, crash->folder, DP_DIAG_HOST_NEEDS_CRASH_DUMP, what);
    }
    if (block != NULL) {
        dp_need_block(needs, block, DP_DIAG_HOST_NEEDS_CRASH_DUMP,
                      "is where the dump of a crash is to be written");
    }
}

void
dp_needs_of_places(const DpNeeds *needs)
{
    need_beside_root(needs, STORE, DP_DIAG_HOST_NEEDS_STORE,
                     "where the owners of devices are stored");
    need_swap_files(needs);
    need_crash(needs);
}
