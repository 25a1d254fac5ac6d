/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/file.h"
#include "scan.h"

#include <string.h>

#define CLASS      "sys/class/block"
#define SUBSYSTEMS "sys/devices/virtual/nvme-subsystem"

static void
block_free(gpointer data)
{
    DpBlock *block = data;

    g_free(block->name);
    g_free(block->devno);
    g_strfreev(block->below);
    g_strfreev(block->functions);
    g_free(block->path);
    g_free(block);
}

/* What lies between function and disk, in the words people use. */
static char *
describe(char **parts)
{
    const char *first = parts[0];

    if (first == NULL || parts[1] == NULL) {
        return NULL;
    }
    if (g_str_has_prefix(first, "usb")) {
        const char *port = first;

        /* usb2/2-1/2-1.4/2-1.4:1.0/...: the device is the last one before its interface. */
        for (char **part = parts + 1; *part != NULL && strchr(*part, ':') == NULL; part++) {
            port = *part;
        }
        return g_strdup_printf("usb %s", port);
    }
    if (strcmp(first, "nvme") == 0 || strcmp(first, "mmc_host") == 0) {
        return g_strdup(parts[1]);
    }
    return g_strdup(first);
}

static char *
describe_link(const char *link)
{
    g_auto(GStrv) parts = g_strsplit(link, "/", -1);
    guint n = g_strv_length(parts), after = 0;
    DpAddr addr;

    for (guint i = 0; i < n; i++) {
        if (dp_addr_parse_sysfs(parts[i], &addr)) {
            after = i + 1;
        }
    }
    return after == 0 ? NULL : dp_scan_visible(describe(parts + after));
}

/* NVMe with multipath: the disk is virtual, and its subsystem links to the controllers. */
static char **
subsystem_functions(DpRoot *root, const DpHost *host, const char *link)
{
    g_auto(GStrv) tail = g_strsplit(strstr(link, "/nvme-subsystem/") + 16, "/", 2);
    g_autofree char *folder = g_strdup_printf(SUBSYSTEMS "/%s", tail[0]);
    g_autoptr(GPtrArray) entries = dp_file_list(root->fd, folder, NULL);
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (guint i = 0; entries != NULL && i < entries->len; i++) {
        g_autofree char *path = g_strdup_printf("%s/%s", folder, (char *)entries->pdata[i]);
        g_autofree char *target = dp_file_read_link(root->fd, path);
        g_auto(GStrv) found = target == NULL ? NULL : dp_scan_path_functions(host, target);

        for (char **name = found; name != NULL && *name != NULL; name++) {
            g_ptr_array_add(names, g_strdup(*name));
        }
    }
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_steal(names, NULL);
}

static char *
read_of(DpRoot *root, const char *folder, const char *attr)
{
    g_autofree char *path = g_strdup_printf("%s/%s", folder, attr);

    return dp_file_read_line(root->fd, path, NULL);
}

/* A partition is made of its disk; mapped and RAID devices of their slaves. */
static char **
read_below(DpRoot *root, const char *folder, const char *link)
{
    g_autofree char *slaves = g_strdup_printf("%s/slaves", folder);
    g_autofree char *partition = read_of(root, folder, "partition");
    g_autoptr(GPtrArray) entries = dp_file_list(root->fd, slaves, NULL);
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    if (partition != NULL && link != NULL) {
        g_autofree char *disk = g_path_get_dirname(link);

        g_ptr_array_add(names, dp_scan_visible(g_path_get_basename(disk)));
    }
    for (guint i = 0; entries != NULL && i < entries->len; i++) {
        g_ptr_array_add(names, dp_scan_visible(g_strdup(entries->pdata[i])));
    }
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_steal(names, NULL);
}

static char *
read_link(DpRoot *root, const char *folder)
{
    g_autofree char *device = g_strdup_printf("%s/device", folder);
    char *link = dp_file_read_link(root->fd, folder);

    return link != NULL ? link : dp_file_read_link(root->fd, device);
}

/* NULL: hidden paths of a multipath disk have no number, and nothing can stand on them. */
static DpBlock *
read_block(DpRoot *root, const DpHost *host, const char *name)
{
    g_autofree char *folder = g_strdup_printf(CLASS "/%s", name);
    g_autofree char *link = read_link(root, folder);
    g_autofree char *devno = read_of(root, folder, "dev");
    DpBlock *block;

    if (devno == NULL) {
        return NULL;
    }
    block = g_new0(DpBlock, 1);
    block->name = dp_scan_visible(g_strdup(name));
    block->devno = dp_scan_visible(g_steal_pointer(&devno));
    block->below = read_below(root, folder, link);
    block->path = link == NULL ? NULL : describe_link(link);
    if (link != NULL && strstr(link, "/nvme-subsystem/") != NULL) {
        block->functions = subsystem_functions(root, host, link);
    } else {
        block->functions = dp_scan_path_functions(host, link == NULL ? "" : link);
    }
    return block;
}

void
dp_host_name_add(DpFunction *fn, const char *name)
{
    guint n = g_strv_length(fn->host_names);

    if (!g_strv_contains((const char *const *)fn->host_names, name)) {
        fn->host_names = g_renew(char *, fn->host_names, n + 2);
        fn->host_names[n] = g_strdup(name);
        fn->host_names[n + 1] = NULL;
    }
}

/* Whole disks are the host's names for a function; a multipath disk for each of its controllers. */
static void
name_functions(DpHost *host, const DpBlock *block)
{
    bool many = block->path == NULL;

    for (char **name = block->functions; block->below[0] == NULL && *name != NULL; name++) {
        DpFunction *fn = dp_host_find_name(host, *name);

        if (!fn->is_bridge) {
            dp_host_name_add(fn, block->name);
            if (!many) {
                return;
            }
        }
    }
}

/* "/dev/mapper/vg-root" is known to sysfs by its number only. */
static char *
mapped_name(DpRoot *root, DpHost *host, const char *mapper)
{
    for (guint i = 0; i < host->blocks->len; i++) {
        DpBlock *block = host->blocks->pdata[i];
        g_autofree char *folder = g_strdup_printf(CLASS "/%s", block->name);
        g_autofree char *name = dp_scan_visible(read_of(root, folder, "dm/name"));

        if (g_strcmp0(name, mapper) == 0) {
            return g_strdup(block->name);
        }
    }
    return NULL;
}

DpBlock *
dp_blocks_find_source(DpRoot *root, DpHost *host, const char *source)
{
    g_autofree char *name = NULL;

    if (g_str_has_prefix(source, "/dev/mapper/")) {
        name = mapped_name(root, host, source + strlen("/dev/mapper/"));
    } else if (g_str_has_prefix(source, "/dev/")) {
        name = g_strdelimit(g_strdup(source + strlen("/dev/")), "/", '!'); /* cciss/c0d0 */
    }
    for (guint i = 0; name != NULL && i < host->blocks->len; i++) {
        DpBlock *block = host->blocks->pdata[i];

        if (strcmp(block->name, name) == 0) {
            return block;
        }
    }
    return NULL;
}

static void
mark_swaps(DpRoot *root, DpHost *host)
{
    g_auto(GStrv) lines = dp_scan_lines(root, host, "proc/swaps");

    for (char **line = lines; line != NULL && *line != NULL; line++) {
        g_auto(GStrv) words = g_strsplit_set(*line, " \t", 2);
        g_autofree char *path = words[0] == NULL ? NULL : dp_scan_unescape(words[0]);
        DpBlock *block = path == NULL ? NULL : dp_blocks_find_source(root, host, path);

        if (block != NULL) {
            block->swap = true;
        }
    }
}

void
dp_scan_blocks(DpRoot *root, DpHost *host)
{
    g_autoptr(GPtrArray) names = dp_file_list(root->fd, CLASS, NULL);

    g_ptr_array_set_free_func(host->blocks, block_free);
    for (guint i = 0; names != NULL && i < names->len; i++) {
        DpBlock *block = read_block(root, host, names->pdata[i]);

        if (block != NULL) {
            g_ptr_array_add(host->blocks, block);
            name_functions(host, block);
        }
    }
    mark_swaps(root, host);
}
