/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture.h"

#include "base/file.h"
#include "capture-parts.h"
#include "scan.h"
#include "scrub.h"
#include "tar.h"

#include <string.h>

typedef void (*Copy)(const DpCapture *capture, const char *from, const char *to);

/* What dp_function_read and dp_topology_* look at. */
static const struct {
    const char *name;
    Copy copy;
} function_parts[] = {
    {"modalias", dp_capture_line},
    {"vendor", dp_capture_line},
    {"device", dp_capture_line},
    {"subsystem_vendor", dp_capture_line},
    {"subsystem_device", dp_capture_line},
    {"class", dp_capture_line},
    {"revision", dp_capture_line},
    {"numa_node", dp_capture_line},
    {"irq", dp_capture_line},
    {"sriov_totalvfs", dp_capture_line},
    {"resource", dp_capture_line},
    {"power_state", dp_capture_line},
    {"power/runtime_status", dp_capture_line},
    {"boot_vga", dp_capture_line},
    {"reset", dp_capture_presence},
    {"msi_irqs", dp_capture_names},
    {"driver", dp_capture_link},
    {"iommu_group", dp_capture_link},
    {"physfn", dp_capture_link},
};

static void
add_slow(const DpCapture *capture, const char *place, const DpSlow *slow)
{
    g_autofree uint8_t *kept = g_malloc(DP_CONFIG_EXTENDED);
    g_autofree char *config = g_strdup_printf("%s/config", place);

    for (size_t i = 0; i < DP_N_SLOW; i++) {
        g_autofree char *name = g_strdup_printf("%s/%s", place, dp_slow_attrs[i]);

        if (slow->have[i] && slow->len[i] >= 0) {
            dp_tar_add_file(capture->tar, name, slow->text[i], (size_t)slow->len[i]);
        }
    }
    if (slow->have_config && slow->want_config && slow->config_len > 0) {
        size_t len = dp_scrub_config(slow->config, (size_t)slow->config_len, kept);

        dp_tar_add_file(capture->tar, config, kept, len);
    }
}

static void
add_function(const DpCapture *capture, const DpFunction *fn, const DpSlow *slow)
{
    g_autofree char *path = g_strdup_printf(DP_PCI_DEVICES "/%s", fn->name);
    g_autofree char *place = dp_capture_place(capture, path);

    if (place == NULL) { /* its link leads out of the root: nothing there can be read */
        return;
    }
    dp_capture_link(capture, path, path);
    if (!dp_scan_exists(capture->root->fd, path)) {
        return;
    }
    dp_tar_add_folder(capture->tar, place);
    for (size_t i = 0; i < G_N_ELEMENTS(function_parts); i++) {
        g_autofree char *from = g_strdup_printf("%s/%s", path, function_parts[i].name);
        g_autofree char *to = g_strdup_printf("%s/%s", place, function_parts[i].name);

        function_parts[i].copy(capture, from, to);
    }
    add_slow(capture, place, slow);
}

static void
add_groups(const DpCapture *capture)
{
    for (guint i = 0; i < capture->host->group_ids->len; i++) {
        int group = g_array_index(capture->host->group_ids, int, i);
        g_autofree char *folder = g_strdup_printf("sys/kernel/iommu_groups/%d/devices", group);
        g_autofree char *regions =
            g_strdup_printf("sys/kernel/iommu_groups/%d/reserved_regions", group);
        g_autoptr(GPtrArray) names = dp_file_list(capture->root->fd, folder, NULL);

        if (names != NULL) {
            dp_tar_add_folder(capture->tar, folder);
            dp_capture_lines(capture, regions);
        }
        for (guint k = 0; names != NULL && k < names->len; k++) {
            g_autofree char *name = g_strdup_printf("%s/%s", folder, (char *)names->pdata[k]);

            if (dp_host_find_name(capture->host, names->pdata[k]) != NULL) {
                dp_capture_text(capture, name, "");
            }
        }
    }
}

static void
add_volume_name(const DpCapture *capture, const char *from, const char *to)
{
    g_autofree char *path = g_strdup_printf("%s/dm/name", from);
    g_autofree char *place = g_strdup_printf("%s/dm/name", to);
    g_autofree char *name = dp_file_read_line(capture->root->fd, path, NULL);
    g_autofree char *clean = name == NULL ? NULL : dp_scrub_volume(name);

    if (clean != NULL) {
        dp_capture_text(capture, place, clean);
    }
}

static void
add_block(const DpCapture *capture, const DpBlock *block)
{
    static const char *const lines[] = {"dev", "partition"};
    g_autofree char *path = g_strdup_printf("sys/class/block/%s", block->name);
    g_autofree char *slaves = g_strdup_printf("%s/slaves", path);
    g_autofree char *place = dp_capture_place(capture, path);
    g_autofree char *to = place == NULL ? NULL : g_strdup_printf("%s/slaves", place);

    if (place == NULL) {
        return;
    }
    dp_capture_link(capture, path, path);
    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autofree char *from = g_strdup_printf("%s/%s", path, lines[i]);
        g_autofree char *name = g_strdup_printf("%s/%s", place, lines[i]);

        dp_capture_line(capture, from, name);
    }
    dp_capture_names(capture, slaves, to);
    add_volume_name(capture, path, place);
}

/* Links of virtual NVMe subsystems to their controllers. */
static void
add_subsystems(const DpCapture *capture)
{
    static const char folder[] = "sys/devices/virtual/nvme-subsystem";
    g_autoptr(GPtrArray) names = dp_file_list(capture->root->fd, folder, NULL);

    for (guint i = 0; names != NULL && i < names->len; i++) {
        g_autofree char *subsystem = g_strdup_printf("%s/%s", folder, (char *)names->pdata[i]);
        g_autoptr(GPtrArray) links = dp_file_list(capture->root->fd, subsystem, NULL);

        for (guint k = 0; links != NULL && k < links->len; k++) {
            g_autofree char *link = g_strdup_printf("%s/%s", subsystem, (char *)links->pdata[k]);

            if (!g_str_equal(links->pdata[k], "subsystem")) {
                dp_capture_link(capture, link, link);
            }
        }
    }
}

/* Shares of a hypervisor: which virtio device has which tag. */
static void
add_shares(const DpCapture *capture)
{
    static const char *const drivers[] = {"9pnet_virtio", "virtiofs"};

    for (size_t i = 0; i < G_N_ELEMENTS(drivers); i++) {
        g_autofree char *folder = g_strdup_printf("sys/bus/virtio/drivers/%s", drivers[i]);
        g_autoptr(GPtrArray) names = dp_file_list(capture->root->fd, folder, NULL);

        for (guint k = 0; names != NULL && k < names->len; k++) {
            g_autofree char *path = g_strdup_printf("%s/%s", folder, (char *)names->pdata[k]);
            g_autofree char *place = g_str_has_prefix(names->pdata[k], "virtio")
                                         ? dp_capture_place(capture, path)
                                         : NULL;
            g_autofree char *from = g_strdup_printf("%s/mount_tag", path);
            g_autofree char *to = place == NULL ? NULL : g_strdup_printf("%s/mount_tag", place);

            if (place != NULL) {
                dp_capture_link(capture, path, path);
                dp_capture_line(capture, from, to);
            }
        }
    }
}

/* The server by another address, which the made-up routes lead to. */
static char *
clean_source(const DpCapture *capture, const DpMount *mount)
{
    g_autofree char *address =
        mount->peer == NULL ? NULL : dp_scrub_address(capture->addresses, mount->peer->address);

    return address == NULL ? dp_scrub_source(mount->source) : g_strdup_printf("%s:/", address);
}

/* From the snapshot: options of mounts can hold passwords, the snapshot has none; and a btrfs of
 * several disks is resolved in it. */
static void
add_mounts(const DpCapture *capture)
{
    g_autoptr(GString) table = g_string_new(NULL);
    g_autoptr(GString) swaps = g_string_new("Filename\tType\tSize\tUsed\tPriority\n");

    for (guint i = 0; i < capture->host->mounts->len; i++) {
        const DpMount *mount = capture->host->mounts->pdata[i];
        g_autofree char *clean = clean_source(capture, mount);
        g_autofree char *source = dp_scan_escape(clean), *point = dp_scan_escape(mount->mountpoint);

        g_string_append_printf(table, "%u 1 %s / %s rw - %s %s rw\n", i + 1, mount->device, point,
                               mount->fstype, source);
    }
    for (guint i = 0; i < capture->host->blocks->len; i++) {
        const DpBlock *block = capture->host->blocks->pdata[i];

        if (block->swap) {
            g_string_append_printf(swaps, "/dev/%s\tpartition\t0\t0\t0\n", block->name);
        }
    }
    for (guint i = 0; i < capture->host->swap_files->len; i++) {
        g_autofree char *path = dp_scan_escape(capture->host->swap_files->pdata[i]);

        g_string_append_printf(swaps, "%s\tfile\t0\t0\t0\n", path);
    }
    if (table->len > 0 || dp_scan_exists(capture->root->fd, "proc/self/mountinfo")) {
        dp_capture_text(capture, "proc/self/mountinfo", table->str);
    }
    dp_capture_text(capture, "proc/swaps", swaps->str);
}

static void
add_net(const DpCapture *capture, const DpNet *net)
{
    g_autofree char *from = g_strdup_printf("sys/class/net/%s", net->name);
    g_autofree char *name = dp_scrub_net(capture->nets, net->name);
    g_autofree char *to = g_strdup_printf("sys/class/net/%s", name);
    g_autofree char *target = dp_file_read_link(capture->root->fd, from);
    g_autofree char *above = target == NULL ? NULL : g_path_get_dirname(target);
    g_autofree char *link = target == NULL ? NULL : g_strdup_printf("%s/%s", above, name);
    g_autofree char *place = link == NULL ? g_strdup(to) : dp_tar_resolve(to, link);

    if (place == NULL) {
        return;
    }
    if (link != NULL) {
        dp_tar_add_link(capture->tar, to, link);
    }
    dp_tar_add_folder(capture->tar, place);
    if (net->tunnel != NULL) {
        dp_capture_tunnel(capture, net->name, place);
    }
    for (char **below = net->below; *below != NULL; below++) {
        g_autofree char *lower = dp_scrub_net(capture->nets, *below);
        g_autofree char *entry = g_strdup_printf("%s/lower_%s", place, lower);

        dp_capture_text(capture, entry, "");
    }
}

/* Only that there is a default route, not through which gateway; and the interfaces that lead to
 * the machines that are needed, not where those are. */
static void
add_routes(const DpCapture *capture)
{
    g_autoptr(GString) table = g_string_new("Iface\tDestination\tGateway\tFlags\n");
    g_autofree char *peers = dp_capture_peer_routes(capture);

    for (guint i = 0; i < capture->host->nets->len; i++) {
        const DpNet *net = capture->host->nets->pdata[i];
        g_autofree char *name = dp_scrub_net(capture->nets, net->name);

        if (net->default_route) {
            g_string_append_printf(
                table, "%s\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n", name);
        }
    }
    g_string_append(table, peers);
    dp_capture_text(capture, "proc/net/route", table->str);
}

static void
add_all(const DpCapture *capture, const DpSlowTable *slow)
{
    const DpHost *host = capture->host;

    dp_tar_add_folder(capture->tar, DP_PCI_DEVICES);
    for (guint i = 0; i < host->functions->len; i++) {
        add_function(capture, host->functions->pdata[i], &slow->slots[i]);
    }
    add_groups(capture);
    for (guint i = 0; i < host->blocks->len; i++) {
        add_block(capture, host->blocks->pdata[i]);
    }
    add_subsystems(capture);
    add_shares(capture);
    add_mounts(capture);
    for (guint i = 0; i < host->nets->len; i++) {
        add_net(capture, host->nets->pdata[i]);
    }
    add_routes(capture);
    dp_capture_needs(capture);
    dp_capture_platform(capture);
    dp_capture_store(capture);
}

bool
dp_host_capture_add(DpRoot *root, DpTar *tar, GError **error)
{
    g_autoptr(DpSlowTable) slow = NULL;
    g_autoptr(DpHost) host = dp_scan_with_slow(root, &slow, error);
    g_autoptr(GHashTable) numbers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) addresses = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    DpCapture capture = {
        .root = root, .host = host, .tar = tar, .nets = numbers, .addresses = addresses};

    if (host == NULL) {
        return false;
    }
    add_all(&capture, slow);
    return true;
}

bool
dp_host_capture(DpRoot *root, int fd, GError **error)
{
    g_autoptr(DpTar) tar = dp_tar_new(fd, DP_CAPTURE_MAX);

    return dp_host_capture_add(root, tar, error) && dp_tar_finish(tar, error);
}
