/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture.h"

#include "base/file.h"
#include "capture-needs.h"
#include "formats/acpi.h"
#include "scan.h"
#include "scrub.h"
#include "tar.h"

#include <string.h>

#define TEXT_MAX    (1u << 20)
#define CPUINFO_MAX (64u << 20)
#define IOMEM_MAX   (16u << 20)

typedef struct {
    DpRoot *root;
    DpHost *host;
    DpTar *tar;
    GHashTable *numbers; /* of network interfaces whose names hold a MAC */
    DpCaptureNeeds needs;
} Capture;

static void
add_text(Capture *capture, const char *name, const char *text)
{
    dp_tar_add_file(capture->tar, name, text, strlen(text));
}

/* One attribute at @from, if it can be read, as @to. */
static void
copy_line(Capture *capture, const char *from, const char *to)
{
    g_autofree char *text = dp_file_read_line(capture->root->fd, from, NULL);
    g_autofree char *line = text == NULL ? NULL : g_strdup_printf("%s\n", text);

    if (line != NULL) {
        add_text(capture, to, line);
    }
}

/* A file or folder of which only the name matters. */
static void
copy_presence(Capture *capture, const char *from, const char *to)
{
    if (dp_scan_exists(capture->root->fd, from)) {
        add_text(capture, to, "");
    }
}

static void
copy_folder(Capture *capture, const char *path)
{
    if (dp_scan_exists(capture->root->fd, path)) {
        dp_tar_add_folder(capture->tar, path);
    }
}

static void
copy_link(Capture *capture, const char *from, const char *to)
{
    g_autofree char *target = dp_file_read_link(capture->root->fd, from);

    if (target != NULL) {
        dp_tar_add_link(capture->tar, to, target);
    }
}

static void
copy_names(Capture *capture, const char *from, const char *to)
{
    g_autoptr(GPtrArray) names = dp_file_list(capture->root->fd, from, NULL);

    if (names != NULL) {
        dp_tar_add_folder(capture->tar, to);
    }
    for (guint i = 0; names != NULL && i < names->len; i++) {
        g_autofree char *name = g_strdup_printf("%s/%s", to, (char *)names->pdata[i]);

        add_text(capture, name, "");
    }
}

/* Where the files of @path really lie: @path itself, or the place its link leads to. */
static char *
real_place(Capture *capture, const char *path)
{
    g_autofree char *target = dp_file_read_link(capture->root->fd, path);

    return target == NULL ? g_strdup(path) : dp_tar_resolve(path, target);
}

typedef void (*Copy)(Capture *capture, const char *from, const char *to);

/* What dp_function_read and dp_topology_* look at. */
static const struct {
    const char *name;
    Copy copy;
} function_parts[] = {
    {"modalias", copy_line},
    {"vendor", copy_line},
    {"device", copy_line},
    {"subsystem_vendor", copy_line},
    {"subsystem_device", copy_line},
    {"class", copy_line},
    {"revision", copy_line},
    {"numa_node", copy_line},
    {"irq", copy_line},
    {"sriov_totalvfs", copy_line},
    {"resource", copy_line},
    {"power_state", copy_line},
    {"power/runtime_status", copy_line},
    {"boot_vga", copy_line},
    {"reset", copy_presence},
    {"msi_irqs", copy_names},
    {"driver", copy_link},
    {"iommu_group", copy_link},
    {"physfn", copy_link},
};

static void
add_slow(Capture *capture, const char *place, const DpSlow *slow)
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
add_function(Capture *capture, const DpFunction *fn, const DpSlow *slow)
{
    g_autofree char *path = g_strdup_printf(DP_PCI_DEVICES "/%s", fn->name);
    g_autofree char *place = real_place(capture, path);

    if (place == NULL) { /* its link leads out of the root: nothing there can be read */
        return;
    }
    copy_link(capture, path, path);
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

/* Lines as they are; nothing where there are none to be read. */
static void
copy_text(Capture *capture, const char *path)
{
    g_autofree char *text = dp_file_read(capture->root->fd, path, TEXT_MAX, NULL, NULL);

    if (text != NULL) {
        add_text(capture, path, text);
    }
}

static void
add_groups(Capture *capture)
{
    for (guint i = 0; i < capture->host->group_ids->len; i++) {
        int group = g_array_index(capture->host->group_ids, int, i);
        g_autofree char *folder = g_strdup_printf("sys/kernel/iommu_groups/%d/devices", group);
        g_autofree char *regions =
            g_strdup_printf("sys/kernel/iommu_groups/%d/reserved_regions", group);
        g_autoptr(GPtrArray) names = dp_file_list(capture->root->fd, folder, NULL);

        if (names != NULL) {
            dp_tar_add_folder(capture->tar, folder);
            copy_text(capture, regions);
        }
        for (guint k = 0; names != NULL && k < names->len; k++) {
            g_autofree char *name = g_strdup_printf("%s/%s", folder, (char *)names->pdata[k]);

            if (dp_host_find_name(capture->host, names->pdata[k]) != NULL) {
                add_text(capture, name, "");
            }
        }
    }
}

static void
add_volume_name(Capture *capture, const char *from, const char *to)
{
    g_autofree char *path = g_strdup_printf("%s/dm/name", from);
    g_autofree char *place = g_strdup_printf("%s/dm/name", to);
    g_autofree char *name = dp_file_read_line(capture->root->fd, path, NULL);
    g_autofree char *clean = name == NULL ? NULL : dp_scrub_volume(name);

    if (clean != NULL) {
        add_text(capture, place, clean);
    }
}

static void
add_block(Capture *capture, const DpBlock *block)
{
    static const char *const lines[] = {"dev", "partition"};
    g_autofree char *path = g_strdup_printf("sys/class/block/%s", block->name);
    g_autofree char *slaves = g_strdup_printf("%s/slaves", path);
    g_autofree char *place = real_place(capture, path);
    g_autofree char *to = place == NULL ? NULL : g_strdup_printf("%s/slaves", place);

    if (place == NULL) {
        return;
    }
    copy_link(capture, path, path);
    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autofree char *from = g_strdup_printf("%s/%s", path, lines[i]);
        g_autofree char *name = g_strdup_printf("%s/%s", place, lines[i]);

        copy_line(capture, from, name);
    }
    copy_names(capture, slaves, to);
    add_volume_name(capture, path, place);
}

/* Links of virtual NVMe subsystems to their controllers. */
static void
add_subsystems(Capture *capture)
{
    static const char folder[] = "sys/devices/virtual/nvme-subsystem";
    g_autoptr(GPtrArray) names = dp_file_list(capture->root->fd, folder, NULL);

    for (guint i = 0; names != NULL && i < names->len; i++) {
        g_autofree char *subsystem = g_strdup_printf("%s/%s", folder, (char *)names->pdata[i]);
        g_autoptr(GPtrArray) links = dp_file_list(capture->root->fd, subsystem, NULL);

        for (guint k = 0; links != NULL && k < links->len; k++) {
            g_autofree char *link = g_strdup_printf("%s/%s", subsystem, (char *)links->pdata[k]);

            if (!g_str_equal(links->pdata[k], "subsystem")) {
                copy_link(capture, link, link);
            }
        }
    }
}

/* Shares of a hypervisor: which virtio device has which tag. */
static void
add_shares(Capture *capture)
{
    static const char *const drivers[] = {"9pnet_virtio", "virtiofs"};

    for (size_t i = 0; i < G_N_ELEMENTS(drivers); i++) {
        g_autofree char *folder = g_strdup_printf("sys/bus/virtio/drivers/%s", drivers[i]);
        g_autoptr(GPtrArray) names = dp_file_list(capture->root->fd, folder, NULL);

        for (guint k = 0; names != NULL && k < names->len; k++) {
            g_autofree char *path = g_strdup_printf("%s/%s", folder, (char *)names->pdata[k]);
            g_autofree char *place =
                g_str_has_prefix(names->pdata[k], "virtio") ? real_place(capture, path) : NULL;
            g_autofree char *from = g_strdup_printf("%s/mount_tag", path);
            g_autofree char *to = place == NULL ? NULL : g_strdup_printf("%s/mount_tag", place);

            if (place != NULL) {
                copy_link(capture, path, path);
                copy_line(capture, from, to);
            }
        }
    }
}

/* The server by another address, which the made-up routes lead to. */
static char *
clean_source(Capture *capture, const DpMount *mount)
{
    g_autofree char *address =
        mount->peer == NULL ? NULL
                            : dp_scrub_address(capture->needs.addresses, mount->peer->address);

    return address == NULL ? dp_scrub_source(mount->source) : g_strdup_printf("%s:/", address);
}

/* From the snapshot: options of mounts can hold passwords, the snapshot has none; and a btrfs of
 * several disks is resolved in it. */
static void
add_mounts(Capture *capture)
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
        add_text(capture, "proc/self/mountinfo", table->str);
    }
    add_text(capture, "proc/swaps", swaps->str);
}

static void
add_net(Capture *capture, const DpNet *net)
{
    g_autofree char *from = g_strdup_printf("sys/class/net/%s", net->name);
    g_autofree char *name = dp_scrub_net(capture->numbers, net->name);
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
        dp_capture_tunnel(&capture->needs, net->name, place);
    }
    for (char **below = net->below; *below != NULL; below++) {
        g_autofree char *lower = dp_scrub_net(capture->numbers, *below);
        g_autofree char *entry = g_strdup_printf("%s/lower_%s", place, lower);

        add_text(capture, entry, "");
    }
}

/* Only that there is a default route, not through which gateway; and the interfaces that lead to
 * the machines that are needed, not where those are. */
static void
add_routes(Capture *capture)
{
    g_autoptr(GString) table = g_string_new("Iface\tDestination\tGateway\tFlags\n");
    g_autofree char *peers = dp_capture_peer_routes(&capture->needs);

    for (guint i = 0; i < capture->host->nets->len; i++) {
        const DpNet *net = capture->host->nets->pdata[i];
        g_autofree char *name = dp_scrub_net(capture->numbers, net->name);

        if (net->default_route) {
            g_string_append_printf(
                table, "%s\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n", name);
        }
    }
    g_string_append(table, peers);
    add_text(capture, "proc/net/route", table->str);
}

/* Of the first processor the maker and the features; thousands more say the same. */
static void
add_cpu(Capture *capture)
{
    g_autofree char *text =
        dp_file_read(capture->root->fd, "proc/cpuinfo", CPUINFO_MAX, NULL, NULL);
    g_auto(GStrv) lines = text == NULL ? NULL : g_strsplit(text, "\n", 256);
    g_autoptr(GString) kept = g_string_new(NULL);

    for (char **line = lines; line != NULL && *line != NULL && **line != '\0'; line++) {
        if (g_str_has_prefix(*line, "vendor_id") || g_str_has_prefix(*line, "flags") ||
            g_str_has_prefix(*line, "address sizes")) {
            g_string_append_printf(kept, "%s\n", *line);
        }
    }
    if (lines != NULL) {
        add_text(capture, "proc/cpuinfo", kept->str);
    }
}

static void
add_memory(Capture *capture)
{
    const DpPlatform *platform = &capture->host->platform;
    g_autofree char *text =
        g_strdup_printf("MemTotal: %" G_GUINT64_FORMAT " kB\n"
                        "MemAvailable: %" G_GUINT64_FORMAT " kB\n",
                        (guint64)platform->mem_total >> 10, (guint64)platform->mem_available >> 10);

    add_text(capture, "proc/meminfo", text);
}

/* Of the lists of modules the lines about VFIO; an empty list still says that there are no more. */
static void
add_modules(Capture *capture)
{
    static const char vfio[] = "kernel/drivers/vfio/pci/vfio-pci.ko:\n";
    static const char type1[] = "kernel/drivers/vfio/vfio_iommu_type1.ko:\n";
    const DpPlatform *platform = &capture->host->platform;
    g_autofree char *path = g_strdup_printf("lib/modules/%s/modules.dep", platform->kernel);
    g_autofree char *text =
        g_strconcat(platform->vfio == DP_TRI_YES ? vfio : "",
                    platform->vfio_iommu_type1 == DP_TRI_YES ? type1 : "", NULL);

    if (platform->kernel != NULL && (*text != '\0' || (platform->vfio == DP_TRI_NO &&
                                                       platform->vfio_iommu_type1 == DP_TRI_NO))) {
        add_text(capture, path, text);
    }
}

static void
add_pages(Capture *capture)
{
    static const char *const counts[] = {"free_hugepages", "resv_hugepages"};

    for (size_t i = 0; i < DP_N_HUGE * G_N_ELEMENTS(counts); i++) {
        uint64_t page = capture->host->platform.huge[i / G_N_ELEMENTS(counts)].page;
        g_autofree char *path =
            g_strdup_printf(DP_HUGE_PAGES "/hugepages-%" G_GUINT64_FORMAT "kB/%s", page >> 10,
                            counts[i % G_N_ELEMENTS(counts)]);

        copy_line(capture, path, path);
    }
    copy_line(capture, DP_TRANSPARENT, DP_TRANSPARENT);
}

/* A unit of VT-d with how far its addresses reach; of others the name. */
static void
add_units(Capture *capture)
{
    g_autoptr(GPtrArray) units = dp_file_list(capture->root->fd, DP_IOMMU_UNITS, NULL);

    if (units != NULL) {
        dp_tar_add_folder(capture->tar, DP_IOMMU_UNITS);
    }
    for (guint i = 0; units != NULL && i < units->len; i++) {
        g_autofree char *unit = g_strdup_printf(DP_IOMMU_UNITS "/%s", (char *)units->pdata[i]);
        g_autofree char *cap = g_strdup_printf("%s/" DP_VTD_CAP, unit);

        if (dp_scan_exists(capture->root->fd, cap)) {
            copy_line(capture, cap, cap);
        } else {
            add_text(capture, unit, "");
        }
    }
}

/* The names of all tables; of those about an IOMMU the bytes too, which hold no serial number. */
static void
add_tables(Capture *capture)
{
    static const char *const kept[] = {DP_ACPI_TABLES "/DMAR", DP_ACPI_TABLES "/IVRS"};

    for (size_t i = 0; i < G_N_ELEMENTS(kept); i++) {
        size_t len = 0;
        g_autofree char *bytes =
            dp_file_read(capture->root->fd, kept[i], DP_ACPI_MAX_BYTES, &len, NULL);

        if (bytes != NULL) {
            dp_tar_add_file(capture->tar, kept[i], bytes, len);
        }
    }
    copy_names(capture, DP_ACPI_TABLES, DP_ACPI_TABLES); /* what was added stays */
}

/* Of the map of addresses the lines that count, as the kernel shows them here. */
static void
add_iomem(Capture *capture)
{
    g_autofree char *text = dp_file_read(capture->root->fd, DP_IOMEM, IOMEM_MAX, NULL, NULL);
    g_auto(GStrv) lines = text == NULL ? NULL : g_strsplit(text, "\n", -1);
    g_autoptr(GString) kept = g_string_new(NULL);
    DpFramebuffer found;

    for (char **line = lines; line != NULL && *line != NULL; line++) {
        if (dp_parse_framebuffer(*line, &found)) {
            g_string_append_printf(kept, "%s\n", *line);
        }
    }
    if (lines != NULL) {
        add_text(capture, DP_IOMEM, kept->str);
    }
}

static void
add_platform(Capture *capture)
{
    static const char nomask[] = "sys/module/vfio_pci/parameters/nointxmask";
    static const char unsafe[] = "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts";
    const DpPlatform *platform = &capture->host->platform;
    g_autofree char *cmdline =
        platform->cmdline == NULL ? NULL : dp_scrub_cmdline(platform->cmdline);

    copy_line(capture, "proc/sys/kernel/osrelease", "proc/sys/kernel/osrelease");
    copy_line(capture, "sys/kernel/security/lockdown", "sys/kernel/security/lockdown");
    copy_line(capture, unsafe, unsafe);
    copy_line(capture, nomask, nomask);
    add_units(capture);
    add_tables(capture);
    add_iomem(capture);
    copy_folder(capture, "sys/bus/pci/drivers/vfio-pci");
    copy_folder(capture, "sys/module/vfio_iommu_type1");
    if (platform->interrupt_remapping != DP_TRI_UNKNOWN) {
        bool yes = platform->interrupt_remapping == DP_TRI_YES;

        add_text(capture, "proc/interrupts", yes ? "  1: 0 IR-IO-APIC\n" : "  1: 0 IO-APIC\n");
    }
    if (platform->kvm == DP_TRI_YES) {
        add_text(capture, "dev/kvm", "");
    }
    if (cmdline != NULL) {
        add_text(capture, "proc/cmdline", cmdline);
    }
    if (platform->efi_firmware != DP_TRI_UNKNOWN) {
        dp_tar_add_folder(capture->tar, DP_OVMF);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(dp_ovmf_files); i++) {
        copy_presence(capture, dp_ovmf_files[i], dp_ovmf_files[i]);
    }
    add_cpu(capture);
    add_memory(capture);
    add_pages(capture);
    add_modules(capture);
}

/* Who owns what, the map and the compatibility list: the store of this project, without what else
 * an imported esx.conf holds. */
static void
add_store(Capture *capture)
{
    static const char *const maps[] = {"usr/share/directpath/passthru.map",
                                       "etc/directpath/passthru.map",
                                       "etc/directpath/compatibility"};
    g_autofree char *conf =
        dp_file_read(capture->root->fd, "etc/directpath/esx.conf", TEXT_MAX, NULL, NULL);
    g_autofree char *kept = conf == NULL ? NULL : dp_scrub_esxconf(conf);

    if (kept != NULL) {
        add_text(capture, "etc/directpath/esx.conf", kept);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(maps); i++) {
        size_t len = 0;
        g_autofree char *map = dp_file_read(capture->root->fd, maps[i], TEXT_MAX, &len, NULL);

        if (map != NULL) {
            dp_tar_add_file(capture->tar, maps[i], map, len);
        }
    }
}

static void
add_all(Capture *capture, const DpSlowTable *slow)
{
    DpHost *host = capture->host;

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
    dp_capture_needs(&capture->needs);
    add_platform(capture);
    add_store(capture);
}

bool
dp_host_capture_add(DpRoot *root, DpTar *tar, GError **error)
{
    g_autoptr(DpSlowTable) slow = NULL;
    g_autoptr(DpHost) host = dp_scan_with_slow(root, &slow, error);
    g_autoptr(GHashTable) numbers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) addresses = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Capture capture = {.root = root, .host = host, .tar = tar, .numbers = numbers};

    if (host == NULL) {
        return false;
    }
    capture.needs = (DpCaptureNeeds){root, host, tar, numbers, addresses};
    add_all(&capture, slow);
    return true;
}

bool
dp_host_capture(DpRoot *root, int fd, GError **error)
{
    g_autoptr(DpTar) tar = dp_tar_new(fd, DP_CAPTURE_MAX);

    return dp_host_capture_add(root, tar, error) && dp_tar_finish(tar, error);
}
