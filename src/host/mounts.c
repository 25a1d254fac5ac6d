/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/file.h"
#include "scan.h"

#include <string.h>

static void
mount_free(gpointer data)
{
    DpMount *mount = data;

    g_free(mount->device);
    g_free(mount->mountpoint);
    g_free(mount->fstype);
    g_free(mount->source);
    dp_peer_free(mount->peer);
    g_free(mount);
}

static DpMount *
new_mount(const char *device, const char *point, const char *fstype, const char *source)
{
    DpMount *mount = g_new0(DpMount, 1);

    mount->device = dp_scan_visible(g_strdup(device));
    mount->mountpoint = dp_scan_unescape(point);
    mount->fstype = dp_scan_visible(g_strdup(fstype));
    mount->source = dp_scan_unescape(source);
    return mount;
}

/* A file system without a disk's number may be another machine's. */
static DpMount *
with_peer(DpMount *mount, const GPtrArray *routes, const char *options)
{
    if (g_str_has_prefix(mount->device, "0:")) {
        mount->peer = dp_peer_of_mount(routes, mount->source, options);
    }
    return mount;
}

/* "36 35 98:0 /root /mnt rw,noatime master:1 - ext3 /dev/root rw": proc(5) */
static DpMount *
parse_mountinfo(const char *line, const GPtrArray *routes)
{
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    guint n = g_strv_length(words), dash = 6;

    while (dash < n && strcmp(words[dash], "-") != 0) {
        dash++;
    }
    if (dash + 2 >= n) {
        return NULL;
    }
    return with_peer(new_mount(words[2], words[4], words[dash + 1], words[dash + 2]), routes,
                     dash + 3 < n ? words[dash + 3] : "");
}

/* "/dev/sda1 / ext4 rw 0 0": without numbers */
static DpMount *
parse_mounts(const char *line, const GPtrArray *routes)
{
    g_auto(GStrv) words = g_strsplit(line, " ", -1);

    if (g_strv_length(words) < 3) {
        return NULL;
    }
    return with_peer(new_mount("0:0", words[1], words[2], words[0]), routes,
                     words[3] != NULL ? words[3] : "");
}

/* "/dev/root" in an old table is what the command line says. */
static char *
real_source(const DpHost *host, const char *source)
{
    g_auto(GStrv) words = NULL;

    if (strcmp(source, "/dev/root") != 0 || host->platform.cmdline == NULL) {
        return g_strdup(source);
    }
    words = g_strsplit(host->platform.cmdline, " ", -1);
    for (char **word = words; *word != NULL; word++) {
        if (g_str_has_prefix(*word, "root=/dev/")) {
            return g_strdup(*word + strlen("root="));
        }
    }
    return g_strdup(source);
}

/* btrfs and others give a mount an anonymous number; the source still names the disk. */
static void
resolve(DpRoot *root, DpHost *host, DpMount *mount)
{
    g_autofree char *source = real_source(host, mount->source);
    DpBlock *block =
        g_str_has_prefix(mount->device, "0:") ? dp_blocks_find_source(root, host, source) : NULL;

    if (block != NULL) {
        g_free(mount->device);
        mount->device = g_strdup(block->devno);
    }
}

typedef DpMount *(*Parse)(const char *line, const GPtrArray *routes);

static void
read_table(DpRoot *root, DpHost *host, const GPtrArray *routes, char **lines, Parse parse)
{
    unsigned broken = 0;

    for (char **line = lines; *line != NULL; line++) {
        DpMount *mount = **line == '\0' ? NULL : parse(*line, routes);

        if (mount != NULL) {
            resolve(root, host, mount);
            g_ptr_array_add(host->mounts, mount);
        } else if (**line != '\0') {
            broken++;
        }
    }
    if (broken > 0) {
        dp_diags_add(host->diags, DP_DIAG_HOST_FILE_STRANGE, "host",
                     "the table of mounts has %u lines that are not mounts", broken);
    }
}

void
dp_scan_mounts(DpRoot *root, DpHost *host, const GPtrArray *routes)
{
    g_auto(GStrv) info = dp_scan_lines(root, host, "proc/self/mountinfo");
    g_auto(GStrv) mounts = info != NULL ? NULL : dp_scan_lines(root, host, "proc/mounts");

    g_ptr_array_set_free_func(host->mounts, mount_free);
    if (info != NULL) {
        read_table(root, host, routes, info, parse_mountinfo);
    } else if (mounts != NULL) {
        read_table(root, host, routes, mounts, parse_mounts);
    } else {
        dp_diags_add(host->diags, DP_DIAG_HOST_FILE_UNREADABLE, "host",
                     "there is no proc/self/mountinfo: what the host has mounted is unknown");
    }
    dp_scan_members(root, host);
}
