/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a capture keeps of the machine as a whole, and of the store of this project. */
#include "base/file.h"
#include "capture-parts.h"
#include "formats/acpi.h"
#include "scan.h"
#include "scrub.h"

#define TEXT_MAX    (1u << 20)
#define CPUINFO_MAX (64u << 20)
#define IOMEM_MAX   (16u << 20)

/* Of the first processor the maker and the features; thousands more say the same. */
static void
add_cpu(const DpCapture *capture)
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
        dp_capture_text(capture, "proc/cpuinfo", kept->str);
    }
}

static void
add_memory(const DpCapture *capture)
{
    const DpPlatform *platform = &capture->host->platform;
    g_autofree char *text =
        g_strdup_printf("MemTotal: %" G_GUINT64_FORMAT " kB\n"
                        "MemAvailable: %" G_GUINT64_FORMAT " kB\n",
                        (guint64)platform->mem_total >> 10, (guint64)platform->mem_available >> 10);

    dp_capture_text(capture, "proc/meminfo", text);
}

/* Of the lists of modules the lines about VFIO; an empty list still says that there are no more. */
static void
add_modules(const DpCapture *capture)
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
        dp_capture_text(capture, path, text);
    }
}

static void
add_pages(const DpCapture *capture)
{
    static const char *const counts[] = {"free_hugepages", "resv_hugepages"};

    for (size_t i = 0; i < DP_N_HUGE * G_N_ELEMENTS(counts); i++) {
        uint64_t page = capture->host->platform.huge[i / G_N_ELEMENTS(counts)].page;
        g_autofree char *path =
            g_strdup_printf(DP_HUGE_PAGES "/hugepages-%" G_GUINT64_FORMAT "kB/%s", page >> 10,
                            counts[i % G_N_ELEMENTS(counts)]);

        dp_capture_line(capture, path, path);
    }
    dp_capture_line(capture, DP_TRANSPARENT, DP_TRANSPARENT);
}

/* A unit of VT-d with how far its addresses reach; of others the name. */
static void
add_units(const DpCapture *capture)
{
    g_autoptr(GPtrArray) units = dp_file_list(capture->root->fd, DP_IOMMU_UNITS, NULL);

    if (units != NULL) {
        dp_tar_add_folder(capture->tar, DP_IOMMU_UNITS);
    }
    for (guint i = 0; units != NULL && i < units->len; i++) {
        g_autofree char *unit = g_strdup_printf(DP_IOMMU_UNITS "/%s", (char *)units->pdata[i]);
        g_autofree char *cap = g_strdup_printf("%s/" DP_VTD_CAP, unit);

        if (dp_scan_exists(capture->root->fd, cap)) {
            dp_capture_line(capture, cap, cap);
        } else {
            dp_capture_text(capture, unit, "");
        }
    }
}

/* The names of all tables; of those about an IOMMU the bytes too, which hold no serial number. */
static void
add_tables(const DpCapture *capture)
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
    dp_capture_names(capture, DP_ACPI_TABLES, DP_ACPI_TABLES); /* what was added stays */
}

/* Of the map of addresses the lines that count, as the kernel shows them here. */
static void
add_iomem(const DpCapture *capture)
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
        dp_capture_text(capture, DP_IOMEM, kept->str);
    }
}

void
dp_capture_platform(const DpCapture *capture)
{
    static const char nomask[] = "sys/module/vfio_pci/parameters/nointxmask";
    static const char unsafe[] = "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts";
    const DpPlatform *platform = &capture->host->platform;
    g_autofree char *cmdline =
        platform->cmdline == NULL ? NULL : dp_scrub_cmdline(platform->cmdline);

    dp_capture_line(capture, "proc/sys/kernel/osrelease", "proc/sys/kernel/osrelease");
    dp_capture_line(capture, "sys/kernel/security/lockdown", "sys/kernel/security/lockdown");
    dp_capture_line(capture, unsafe, unsafe);
    dp_capture_line(capture, nomask, nomask);
    add_units(capture);
    add_tables(capture);
    add_iomem(capture);
    dp_capture_folder(capture, "sys/bus/pci/drivers/vfio-pci");
    dp_capture_folder(capture, "sys/module/vfio_iommu_type1");
    if (platform->interrupt_remapping != DP_TRI_UNKNOWN) {
        bool yes = platform->interrupt_remapping == DP_TRI_YES;

        dp_capture_text(capture, "proc/interrupts",
                        yes ? "  1: 0 IR-IO-APIC\n" : "  1: 0 IO-APIC\n");
    }
    if (platform->kvm == DP_TRI_YES) {
        dp_capture_text(capture, "dev/kvm", "");
    }
    if (cmdline != NULL) {
        dp_capture_text(capture, "proc/cmdline", cmdline);
    }
    if (platform->efi_firmware != DP_TRI_UNKNOWN) {
        dp_tar_add_folder(capture->tar, DP_OVMF);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(dp_ovmf_files); i++) {
        dp_capture_presence(capture, dp_ovmf_files[i], dp_ovmf_files[i]);
    }
    add_cpu(capture);
    add_memory(capture);
    add_pages(capture);
    add_modules(capture);
}

/* Who owns what, the map and the compatibility list: the store of this project, without what else
 * an imported esx.conf holds. */
void
dp_capture_store(const DpCapture *capture)
{
    static const char *const maps[] = {"usr/share/directpath/passthru.map",
                                       "etc/directpath/passthru.map",
                                       "etc/directpath/compatibility"};
    g_autofree char *conf =
        dp_file_read(capture->root->fd, "etc/directpath/esx.conf", TEXT_MAX, NULL, NULL);
    g_autofree char *kept = conf == NULL ? NULL : dp_scrub_esxconf(conf);

    if (kept != NULL) {
        dp_capture_text(capture, "etc/directpath/esx.conf", kept);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(maps); i++) {
        size_t len = 0;
        g_autofree char *map = dp_file_read(capture->root->fd, maps[i], TEXT_MAX, &len, NULL);

        if (map != NULL) {
            dp_tar_add_file(capture->tar, maps[i], map, len);
        }
    }
}
