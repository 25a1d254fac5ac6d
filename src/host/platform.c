/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/file.h"
#include "scan.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* Kernels of a thousand processors write some hundred kilobytes a processor table. */
#define CPUINFO_MAX (64u << 20)

static char *
line_of(DpRoot *root, const char *path)
{
    return dp_scan_visible(dp_file_read_line(root->fd, path, NULL));
}

static DpTri
known(bool yes)
{
    return yes ? DP_TRI_YES : DP_TRI_NO;
}

static const struct {
    const char *prefix;
    DpIommuKind kind;
} iommu_units[] = {
    {"dmar", DP_IOMMU_VTD},
    {"ivhd", DP_IOMMU_AMDVI},
};

static void
read_iommu(DpRoot *root, DpHost *host)
{
    g_autoptr(GPtrArray) units = dp_file_list(root->fd, DP_IOMMU_UNITS, NULL);
    DpPlatform *platform = &host->platform;

    platform->iommu = host->group_ids->len > 0 ? DP_IOMMU_OTHER : DP_IOMMU_NONE;
    for (guint i = 0; units != NULL && i < units->len; i++) {
        platform->iommu = DP_IOMMU_OTHER;
        for (size_t k = 0; k < G_N_ELEMENTS(iommu_units); k++) {
            if (g_str_has_prefix(units->pdata[i], iommu_units[k].prefix)) {
                platform->iommu = iommu_units[k].kind;
                return;
            }
        }
    }
}

/* VT-d 10.4.2: bits 21:16 are the width of the addresses that the unit takes, less one; bits 12:8
 * say which page tables it walks, for 39, 48 or 57 bits, and the kernel takes the largest. 0: no
 * number.
 */
static unsigned
unit_width(const char *text)
{
    static const unsigned tables[] = {0, 39, 48, 57, 0};
    char *end;
    guint64 cap = g_ascii_strtoull(text, &end, 16);
    unsigned width = ((unsigned)(cap >> 16) & 0x3fu) + 1, reach = 0;

    for (unsigned i = 0; i < G_N_ELEMENTS(tables); i++) {
        reach = (cap >> (8 + i) & 1) != 0 ? MAX(reach, tables[i]) : reach;
    }
    return end == text || *end != '\0' || reach == 0 ? 0 : MIN(width, reach);
}

/* A VM's device may sit behind any of them, so the narrowest counts. */
static void
read_iommu_width(DpRoot *root, DpPlatform *platform)
{
    g_autoptr(GPtrArray) units = dp_file_list(root->fd, DP_IOMMU_UNITS, NULL);

    for (guint i = 0; units != NULL && i < units->len; i++) {
        g_autofree char *path =
            g_strdup_printf(DP_IOMMU_UNITS "/%s/" DP_VTD_CAP, (char *)units->pdata[i]);
        g_autofree char *text = dp_file_read_line(root->fd, path, NULL);
        unsigned width = text != NULL ? unit_width(text) : 0;

        if (width != 0 && (platform->iommu_bits == 0 || width < platform->iommu_bits)) {
            platform->iommu_bits = width;
        }
    }
}

/* Chips of remapped interrupts are named IR-PCI-MSI, IR-IO-APIC and so on, in every kernel. */
static void
read_remapping(DpRoot *root, DpHost *host)
{
    g_auto(GStrv) lines = dp_scan_lines(root, host, "proc/interrupts");

    host->platform.interrupt_remapping =
        lines == NULL || lines[0][0] == '\0' ? DP_TRI_UNKNOWN : DP_TRI_NO;
    for (char **line = lines; line != NULL && *line != NULL; line++) {
        if (strstr(*line, " IR-") != NULL) {
            host->platform.interrupt_remapping = DP_TRI_YES;
            return;
        }
    }
}

/* The value of "key : value", or NULL. */
static const char *
value_of(const char *line, const char *key)
{
    size_t len = strlen(key);

    if (strncmp(line, key, len) != 0) {
        return NULL;
    }
    line += len + strspn(line + len, " \t");
    return *line == ':' ? line + 1 + strspn(line + 1, " \t") : NULL;
}

static void
take_flags(DpPlatform *platform, const char *flags)
{
    g_auto(GStrv) words = g_strsplit(flags, " ", -1);
    const char *const *all = (const char *const *)words;

    platform->cpu_virtualization =
        known(g_strv_contains(all, "vmx") || g_strv_contains(all, "svm"));
    platform->hypervisor = known(g_strv_contains(all, "hypervisor"));
}

/* "46 bits physical, 48 bits virtual"; 0: neither that nor anything that could be. */
static unsigned
address_bits_of(const char *sizes)
{
    char *end;
    guint64 bits = g_ascii_strtoull(sizes, &end, 10);

    return bits >= 32 && bits <= 64 && g_str_has_prefix(end, " bits physical") ? (unsigned)bits : 0;
}

static void
read_cpu(DpRoot *root, DpPlatform *platform)
{
    g_autofree char *text = dp_file_read(root->fd, "proc/cpuinfo", CPUINFO_MAX, NULL, NULL);
    g_auto(GStrv) lines = text == NULL ? NULL : g_strsplit(text, "\n", 256);

    platform->cpu_virtualization = platform->hypervisor = DP_TRI_UNKNOWN;
    for (char **line = lines; line != NULL && *line != NULL && **line != '\0'; line++) {
        const char *vendor = value_of(*line, "vendor_id"), *flags = value_of(*line, "flags");
        const char *sizes = value_of(*line, "address sizes");

        if (vendor != NULL && platform->cpu_vendor == NULL) {
            platform->cpu_vendor = dp_scan_visible(g_strdup(vendor));
        }
        if (flags != NULL) {
            take_flags(platform, flags);
        }
        if (sizes != NULL) {
            platform->address_bits = address_bits_of(sizes);
        }
    }
}

const char *const dp_ovmf_files[4] = {
    DP_OVMF "/OVMF_CODE_4M.fd",
    DP_OVMF "/OVMF_VARS_4M.fd",
    DP_OVMF "/OVMF_CODE_4M.ms.fd",
    DP_OVMF "/OVMF_VARS_4M.ms.fd",
};

/* A capture made before it was asked for has no folder. */
static DpTri
read_ovmf(DpRoot *root)
{
    if (!root->live && !dp_scan_exists(root->fd, DP_OVMF)) {
        return DP_TRI_UNKNOWN;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(dp_ovmf_files); i++) {
        if (!dp_scan_exists(root->fd, dp_ovmf_files[i])) {
            return DP_TRI_NO;
        }
    }
    return DP_TRI_YES;
}

/* A captured tree has no device nodes: a plain file stands for the node, or the module tells. */
static void
read_kvm(DpRoot *root, DpPlatform *platform)
{
    dp_autofd int fd = dp_file_open(root->fd, "dev/kvm", O_PATH);
    struct stat st;

    if (root->live) {
        platform->kvm = known(fd >= 0 && fstat(fd, &st) == 0 && S_ISCHR(st.st_mode));
        return;
    }
    platform->kvm = known(fd >= 0 || dp_scan_exists(root->fd, "sys/class/misc/kvm") ||
                          dp_scan_exists(root->fd, "sys/module/kvm_intel") ||
                          dp_scan_exists(root->fd, "sys/module/kvm_amd"));
}

/* Could modprobe load it, or is it built in. A machine without lists of modules loads none. */
static DpTri
module_available(DpRoot *root, const char *kernel, const char *file)
{
    static const char *const lists[] = {"modules.dep", "modules.builtin"};
    DpTri available = root->live ? DP_TRI_NO : DP_TRI_UNKNOWN;

    for (size_t i = 0; kernel != NULL && i < G_N_ELEMENTS(lists); i++) {
        g_autofree char *path = g_strdup_printf("lib/modules/%s/%s", kernel, lists[i]);
        g_autofree char *text = dp_file_read(root->fd, path, DP_FILE_MAX, NULL, NULL);

        if (text != NULL && strstr(text, file) != NULL) {
            return DP_TRI_YES;
        }
        available = text != NULL ? DP_TRI_NO : available;
    }
    return available;
}

static void
read_vfio(DpRoot *root, DpPlatform *platform)
{
    g_autofree char *unsafe = dp_file_read_line(
        root->fd, "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", NULL);
    g_autofree char *nomask =
        dp_file_read_line(root->fd, "sys/module/vfio_pci/parameters/nointxmask", NULL);

    platform->vfio = dp_scan_exists(root->fd, "sys/bus/pci/drivers/vfio-pci")
                         ? DP_TRI_YES
                         : module_available(root, platform->kernel, "/vfio-pci.ko");
    platform->vfio_iommu_type1 =
        dp_scan_exists(root->fd, "sys/module/vfio_iommu_type1")
            ? DP_TRI_YES
            : module_available(root, platform->kernel, "/vfio_iommu_type1.ko");
    platform->no_intx_masking = known(nomask != NULL && (*nomask == 'Y' || *nomask == '1'));
    platform->unsafe_interrupts = known(unsafe != NULL && (*unsafe == 'Y' || *unsafe == '1'));
}

/* "none [integrity] confidentiality" */
static void
read_lockdown(DpRoot *root, DpPlatform *platform)
{
    g_autofree char *text = line_of(root, "sys/kernel/security/lockdown");
    const char *open = text == NULL ? NULL : strchr(text, '[');
    const char *close = open == NULL ? NULL : strchr(open, ']');

    if (close != NULL) {
        platform->lockdown = g_strndup(open + 1, (gsize)(close - open - 1));
    }
}

static void
read_memory(DpRoot *root, DpHost *host)
{
    g_auto(GStrv) lines = dp_scan_lines(root, host, "proc/meminfo");

    for (char **line = lines; line != NULL && *line != NULL; line++) {
        const char *total = value_of(*line, "MemTotal"), *free = value_of(*line, "MemAvailable");

        if (total != NULL) {
            host->platform.mem_total = g_ascii_strtoull(total, NULL, 10) << 10;
        }
        if (free != NULL) {
            host->platform.mem_available = g_ascii_strtoull(free, NULL, 10) << 10;
        }
    }
}

void
dp_scan_platform(DpRoot *root, DpHost *host)
{
    DpPlatform *platform = &host->platform;

    platform->kernel = line_of(root, "proc/sys/kernel/osrelease");
    platform->cmdline = line_of(root, "proc/cmdline");
    read_iommu(root, host);
    read_iommu_width(root, platform);
    read_remapping(root, host);
    read_cpu(root, platform);
    read_kvm(root, platform);
    read_vfio(root, platform);
    read_lockdown(root, platform);
    read_memory(root, host);
    dp_scan_pages(root, host);
    platform->efi_firmware = read_ovmf(root);
}
