/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/file.h"
#include "scan.h"

#include <fcntl.h>
#include <string.h>

#define CLASS      "sys/class/block"
#define SUBSYSTEMS "sys/devices/virtual/nvme-subsystem"
/* In the link of a disk that belongs to one. */
#define NVME_SUBSYSTEM "/nvme-subsystem/"

typedef struct {
    DpRoot *root;
    DpHost *host;
    const GPtrArray *routes;
    int class_fd; /* CLASS */
} Blocks;

static void
block_free(gpointer data)
{
    DpBlock *block = data;

    g_free(block->name);
    g_free(block->devno);
    g_strfreev(block->below);
    g_strfreev(block->functions);
    g_free(block->path);
    g_free(block->pool);
    g_free(block->controller);
    dp_peer_free(block->peer);
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

char *
dp_scan_describe_link(const char *link)
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

/* A partition is made of its disk; mapped and RAID devices of their slaves. */
static char **
read_below(int folder, const char *link)
{
    g_autofree char *partition = dp_file_read_line(folder, "partition", NULL);
    g_autoptr(GPtrArray) entries = dp_file_list(folder, "slaves", NULL);
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
read_link(const Blocks *blocks, int folder, const char *name)
{
    char *link = dp_file_read_link(blocks->class_fd, name);

    return link != NULL ? link : dp_file_read_link(folder, "device");
}

static DpBlock *
find_block(const DpHost *host, const char *name)
{
    for (guint i = 0; i < host->blocks->len; i++) {
        DpBlock *block = host->blocks->pdata[i];

        if (strcmp(block->name, name) == 0) {
            return block;
        }
    }
    return NULL;
}

/* A controller of a multipath NVMe stands for the hidden disk that is its way to the shared one. */
static DpBlock *
read_controller(const Blocks *blocks, const char *folder, const char *name)
{
    g_autofree char *path = g_strdup_printf("%s/%s", folder, name);
    g_autofree char *target = dp_file_read_link(blocks->root->fd, path);
    DpBlock *block = g_new0(DpBlock, 1);

    block->name = dp_scan_visible(g_strdup(name));
    block->devno = g_strdup("");
    block->below = g_new0(char *, 1);
    block->functions = dp_scan_path_functions(blocks->host, target == NULL ? "" : target);
    block->peer = dp_peer_of_controller(blocks->root, blocks->routes, path);
    block->controller = g_steal_pointer(&path);
    g_ptr_array_add(blocks->host->blocks, block);
    return block;
}

/* "nvme3", not "nvme3n1" */
static bool
is_controller(const char *name)
{
    return g_str_has_prefix(name, "nvme") && name[4] != '\0' &&
           strspn(name + 4, "0123456789") == strlen(name + 4);
}

/* The disk of an NVMe with multipath is virtual, and its subsystem links to the controllers. */
static void
read_subsystem(const Blocks *blocks, const char *link, DpBlock *disk)
{
    g_auto(GStrv) tail = g_strsplit(strstr(link, NVME_SUBSYSTEM) + strlen(NVME_SUBSYSTEM), "/", 2);
    g_autofree char *folder = g_strdup_printf(SUBSYSTEMS "/%s", tail[0]);
    g_autoptr(GPtrArray) entries = dp_file_list(blocks->root->fd, folder, NULL);
    g_autoptr(GPtrArray) names = g_ptr_array_new(), functions = g_ptr_array_new();

    for (guint i = 0; entries != NULL && i < entries->len; i++) {
        DpBlock *controller;

        if (!is_controller(entries->pdata[i])) {
            continue;
        }
        controller = find_block(blocks->host, entries->pdata[i]);
        if (controller == NULL) {
            controller = read_controller(blocks, folder, entries->pdata[i]);
        }
        g_ptr_array_add(names, g_strdup(controller->name));
        for (char **name = controller->functions; *name != NULL; name++) {
            g_ptr_array_add(functions, g_strdup(*name));
        }
    }
    g_ptr_array_add(names, NULL);
    g_ptr_array_add(functions, NULL);
    disk->functions = (char **)g_ptr_array_steal(functions, NULL);
    if (disk->below[0] == NULL) { /* no partition */
        g_strfreev(disk->below);
        disk->below = (char **)g_ptr_array_steal(names, NULL);
        disk->multipath = true;
    } else {
        g_ptr_array_set_free_func(names, g_free);
    }
}

/* "mpath-3600508b400105e210000900000490000" */
static bool
is_multipath_map(int folder)
{
    g_autofree char *uuid = dp_file_read_line(folder, "dm/uuid", NULL);

    return uuid != NULL && g_str_has_prefix(uuid, "mpath-");
}

/* NULL: hidden paths of a multipath disk have no number, and nothing can stand on them. */
static DpBlock *
read_block(const Blocks *blocks, const char *name)
{
    g_autofree char *path = g_strdup_printf(CLASS "/%s", name);
    dp_autofd int folder = dp_file_open(blocks->root->fd, path, O_PATH | O_DIRECTORY);
    g_autofree char *link = read_link(blocks, folder, name);
    g_autofree char *devno = dp_file_read_line(folder, "dev", NULL);
    DpBlock *block;

    if (devno == NULL) {
        return NULL;
    }
    block = g_new0(DpBlock, 1);
    block->name = dp_scan_visible(g_strdup(name));
    block->devno = dp_scan_visible(g_steal_pointer(&devno));
    block->below = read_below(folder, link);
    block->multipath = is_multipath_map(folder);
    if (link != NULL && strstr(link, NVME_SUBSYSTEM) != NULL) {
        read_subsystem(blocks, link, block);
        return block;
    }
    block->path = link == NULL ? NULL : dp_scan_describe_link(link);
    block->functions = dp_scan_path_functions(blocks->host, link == NULL ? "" : link);
    if (link != NULL && block->functions[0] == NULL) {
        block->peer = dp_peer_of_session(blocks->root, blocks->routes, link);
    }
    dp_scan_remote_disk(blocks->root, blocks->routes, block);
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
    bool whole = block->below[0] == NULL || block->multipath;

    for (char **name = block->functions; whole && *name != NULL; name++) {
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
        g_autofree char *path = g_strdup_printf(CLASS "/%s/dm/name", block->name);
        g_autofree char *name = dp_scan_visible(dp_file_read_line(root->fd, path, NULL));

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
    return name == NULL ? NULL : find_block(host, name);
}

/* "/swapfile file 1048572 0 -2": what was unlinked since is still in use. */
static void
mark_swap(DpRoot *root, DpHost *host, const char *path, bool is_file)
{
    DpBlock *block = dp_blocks_find_source(root, host, path);

    if (is_file) {
        g_ptr_array_add(host->swap_files, g_strdup(path));
    } else if (block != NULL) {
        block->swap = true;
    }
}

static void
mark_swaps(DpRoot *root, DpHost *host)
{
    g_auto(GStrv) lines = dp_scan_lines(root, host, "proc/swaps");

    for (char **line = lines; line != NULL && *line != NULL; line++) {
        g_auto(GStrv) words = dp_scan_words(*line);
        g_autofree char *path = words[0] == NULL ? NULL : dp_scan_unescape(words[0]);

        if (path != NULL) {
            mark_swap(root, host, path, g_strcmp0(words[1], "file") == 0);
        }
    }
}

void
dp_scan_blocks(DpRoot *root, DpHost *host, const GPtrArray *routes)
{
    dp_autofd int class_fd = dp_file_open(root->fd, CLASS, O_RDONLY | O_DIRECTORY);
    const Blocks blocks = {root, host, routes, class_fd};
    g_autoptr(GPtrArray) names = dp_file_list(class_fd, ".", NULL);

    g_ptr_array_set_free_func(host->blocks, block_free);
    for (guint i = 0; names != NULL && i < names->len; i++) {
        DpBlock *block = read_block(&blocks, names->pdata[i]);

        if (block != NULL) {
            g_ptr_array_add(host->blocks, block);
            name_functions(host, block);
        }
    }
    mark_swaps(root, host);
}
