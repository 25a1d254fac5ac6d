/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scan over made hosts ($DP_TREES): what a person could read off the description must come out.
 */
#include "host-dump.h"
#include "tree-host.h"

#include <string.h>

static void
test_lab_function(void)
{
    g_autoptr(DpHost) host = scan("lab");
    DpFunction *nvme = find(host, "0000:03:00.0");

    g_assert_cmpuint(host->functions->len, ==, 22);
    g_assert_cmpuint(host->diags->len, ==, 0);
    g_assert_cmpint(nvme->ids_known, ==, DP_TRI_YES);
    g_assert_cmphex(nvme->vendor, ==, 0x1b36);
    g_assert_cmphex(nvme->device, ==, 0x0010);
    g_assert_cmphex(nvme->subvendor, ==, 0x1af4);
    g_assert_cmphex(nvme->class_code, ==, 0x010802);
    g_assert_cmpint(nvme->revision, ==, 2);
    g_assert_cmpint(nvme->header_type, ==, 0);
    g_assert_cmpuint(nvme->bars[0].size, ==, 16384);
    g_assert_cmphex(nvme->bars[0].flags & (DP_BAR_MEM | DP_BAR_64), ==, DP_BAR_MEM | DP_BAR_64);
    g_assert_cmpuint(nvme->bars[1].size, ==, 0);
    g_assert_cmpstr(nvme->driver, ==, "nvme");
    g_assert_null(nvme->driver_override);
    g_assert_cmpint(nvme->iommu_group, ==, 6);
    g_assert_cmpint(nvme->numa_node, ==, -1);
    g_assert_cmpint(nvme->irq, ==, 23);
    g_assert_cmpint(nvme->irq_pin, ==, 1);
    g_assert_cmpuint(nvme->n_msi_irqs, ==, 2);
    g_assert_cmpint(nvme->power_state, ==, DP_POWER_D0);
    g_assert_cmpint(nvme->dead, ==, DP_TRI_NO);
    g_assert_cmpstr(nvme->reset_methods[0], ==, "flr");
    g_assert_cmpstr(nvme->reset_methods[1], ==, "bus");
    g_assert_null(nvme->reset_methods[2]);
    g_assert_cmpint(nvme->reset_file, ==, DP_TRI_YES);
    g_assert_cmpstr(nvme->host_names[0], ==, "nvme1n1");
    g_assert_null(nvme->host_names[1]);
    g_assert_cmpuint(nvme->diags->len, ==, 0);
}

static void
test_lab_caps(void)
{
    g_autoptr(DpHost) host = scan("lab");
    const DpCaps *nvme = &find(host, "0000:03:00.0")->caps;
    const DpCaps *port = &find(host, "0000:00:03.0")->caps;
    const DpCaps *edu = &find(host, "0000:00:05.0")->caps;
    const DpFunction *pf = find(host, "0000:06:00.0"), *vf = find(host, "0000:06:00.2");

    g_assert_cmpint(nvme->readable, ==, DP_TRI_YES);
    g_assert_cmpint(nvme->pcie_type, ==, DP_PCIE_ENDPOINT);
    g_assert_cmpint(nvme->flr, ==, DP_TRI_YES);
    g_assert_cmpint(nvme->no_soft_reset, ==, DP_TRI_YES);
    g_assert_cmpint(nvme->msi, ==, DP_TRI_NO);
    g_assert_cmpuint(nvme->msix_vectors, ==, 65);
    g_assert_cmpint(nvme->acs, ==, DP_TRI_NO);
    g_assert_cmpint(port->pcie_type, ==, DP_PCIE_ROOT_PORT);
    g_assert_cmpint(port->slot_implemented, ==, DP_TRI_YES);
    g_assert_cmpint(port->acs, ==, DP_TRI_YES);
    g_assert_cmphex(port->acs_ctrl, ==, 0x1d);
    g_assert_cmpint(edu->pcie, ==, DP_TRI_NO);
    g_assert_cmpint(edu->pm, ==, DP_TRI_NO);
    g_assert_cmpint(edu->extended_readable, ==, DP_TRI_YES);
    g_assert_cmpint(pf->caps.sriov, ==, DP_TRI_YES);
    g_assert_cmpint(pf->sriov_pf, ==, DP_TRI_YES);
    g_assert_cmpint(pf->sriov_totalvfs, ==, 4);
    g_assert_cmpint(pf->sriov_numvfs, ==, 2);
    g_assert_true(vf->physfn == pf);
    g_assert_cmpint(vf->dead, ==, DP_TRI_NO);
    g_assert_cmphex(vf->vendor, ==, 0x1b36);
}

static void
test_lab_topology(void)
{
    g_autoptr(DpHost) host = scan("lab");
    DpFunction *bridge = find(host, "0000:00:07.0"), *nic = find(host, "0000:05:01.0");
    g_autoptr(GPtrArray) group = dp_host_group(host, 11);

    g_assert_true(nic->parent == bridge);
    g_assert_null(bridge->parent);
    g_assert_true(bridge->is_bridge);
    g_assert_cmpint(bridge->secondary, ==, 5);
    g_assert_cmpint(bridge->subordinate, ==, 5);
    g_assert_cmpuint(bridge->children->len, ==, 2);
    g_assert_true(bridge->children->pdata[0] == nic);
    g_assert_cmpuint(group->len, ==, 3);
    g_assert_cmpuint(host->group_ids->len, ==, 18);
    g_assert_cmpint(g_array_index(host->group_ids, int, 17), ==, 17);
}

static const DpBlock *
find_block(const DpHost *host, const char *name)
{
    for (guint i = 0; i < host->blocks->len; i++) {
        const DpBlock *block = host->blocks->pdata[i];

        if (strcmp(block->name, name) == 0) {
            return block;
        }
    }
    return NULL;
}

static const DpNet *
find_net(const DpHost *host, const char *name)
{
    for (guint i = 0; i < host->nets->len; i++) {
        const DpNet *net = host->nets->pdata[i];

        if (strcmp(net->name, name) == 0) {
            return net;
        }
    }
    return NULL;
}

static const DpMount *
find_mount(const DpHost *host, const char *point)
{
    for (guint i = 0; i < host->mounts->len; i++) {
        const DpMount *mount = host->mounts->pdata[i];

        if (strcmp(mount->mountpoint, point) == 0) {
            return mount;
        }
    }
    return NULL;
}

static void
test_lab_uses(void)
{
    g_autoptr(DpHost) host = scan("lab");
    const DpBlock *part = find_block(host, "nvme0n1p1"), *disk = find_block(host, "nvme0n1");
    const DpMount *root = find_mount(host, "/");
    const DpNet *net = find_net(host, "eth0");

    g_assert_cmpstr(root->device, ==, part->devno);
    g_assert_cmpstr(root->fstype, ==, "ext4");
    g_assert_cmpstr(part->below[0], ==, "nvme0n1");
    g_assert_null(disk->below[0]);
    g_assert_cmpstr(disk->functions[0], ==, "0000:01:00.0");
    g_assert_cmpstr(disk->functions[1], ==, "0000:00:01.0");
    g_assert_null(disk->functions[2]);
    g_assert_cmpstr(disk->path, ==, "nvme0");
    g_assert_null(find_block(host, "loop0")->functions[0]);
    g_assert_cmpstr(net->functions[0], ==, "0000:02:00.0");
    g_assert_true(net->default_route);
    g_assert_false(find_net(host, "eth1")->default_route);
}

static void
test_lab_platform(void)
{
    g_autoptr(DpHost) host = scan("lab");
    const DpPlatform *platform = &host->platform;

    g_assert_cmpint(platform->iommu, ==, DP_IOMMU_VTD);
    g_assert_cmpint(platform->iommu_in_firmware, ==, DP_TRI_YES);
    g_assert_cmpint(platform->interrupt_remapping, ==, DP_TRI_YES);
    g_assert_cmpint(platform->cpu_virtualization, ==, DP_TRI_YES);
    g_assert_cmpstr(platform->cpu_vendor, ==, "AuthenticAMD");
    g_assert_cmpint(platform->kvm, ==, DP_TRI_YES);
    g_assert_cmpint(platform->vfio, ==, DP_TRI_YES);
    g_assert_cmpint(platform->vfio_iommu_type1, ==, DP_TRI_YES);
    g_assert_cmpint(platform->unsafe_interrupts, ==, DP_TRI_NO);
    g_assert_cmpstr(platform->lockdown, ==, "none");
    g_assert_cmpuint(platform->mem_total, ==, 3ull << 30);
}

static void
test_no_iommu(void)
{
    g_autoptr(DpHost) none = scan("no-iommu"), no_remapping = scan("no-intremap");

    g_assert_cmpint(none->platform.iommu, ==, DP_IOMMU_NONE);
    g_assert_cmpint(none->platform.iommu_in_firmware, ==, DP_TRI_NO);
    g_assert_cmpint(none->platform.interrupt_remapping, ==, DP_TRI_NO);
    g_assert_cmpuint(none->group_ids->len, ==, 0);
    g_assert_cmpint(find(none, "0000:03:00.0")->iommu_group, ==, -1);
    g_assert_cmpint(no_remapping->platform.iommu, ==, DP_IOMMU_VTD);
    g_assert_cmpint(no_remapping->platform.interrupt_remapping, ==, DP_TRI_NO);
}

static void
assert_region(const GArray *regions, uint64_t start, uint64_t last, bool relaxable)
{
    const DpReserved *region;

    g_assert_nonnull(regions);
    g_assert_cmpuint(regions->len, ==, 1);
    region = &g_array_index(regions, DpReserved, 0);
    g_assert_cmpuint(region->start, ==, start);
    g_assert_cmpuint(region->last, ==, last);
    g_assert_cmpint(region->relaxable, ==, relaxable);
}

/* Of a group the kernel tells, of a function the firmware's table: over bridges, or one with all
 * that is behind it. */
static void
test_reserved_memory(void)
{
    g_autoptr(DpHost) host = scan("rmrr"), amd = scan("ivmd");

    assert_region(find(host, "0000:03:00.0")->group_reserved, 0x791f6000, 0x791f9fff, false);
    assert_region(find(host, "0000:06:01.0")->group_reserved, 0x79400000, 0x79400fff, false);
    assert_region(find(host, "0000:00:1d.0")->group_reserved, 0xdf62f000, 0xdf63efff, true);
    g_assert_cmpuint(find(host, "0000:04:00.1")->group_reserved->len, ==, 0);
    assert_region(find(host, "0000:03:00.0")->table_reserved, 0x791f6000, 0x791f9fff, false);
    assert_region(find(host, "0000:06:00.0")->table_reserved, 0x79400000, 0x79400fff, false);
    assert_region(find(host, "0000:04:00.1")->table_reserved, 0x79200000, 0x793fffff, false);
    assert_region(find(host, "0000:00:02.0")->table_reserved, 0xe2000000, 0xe3ffffff, true);
    g_assert_null(find(host, "0000:06:01.0")->table_reserved);
    g_assert_null(find(amd, "0000:01:00.0")->group_reserved);
    assert_region(find(amd, "0000:01:00.0")->table_reserved, 0xbd000000, 0xbd007fff, false);
    assert_region(find(amd, "0000:02:00.1")->table_reserved, 0xbe000000, 0xbe000fff, false);
    g_assert_null(find(amd, "0000:02:00.2")->table_reserved);
}

static void
test_firmware(void)
{
    g_autoptr(DpHost) host = scan("big-bars"), without = scan("intremap-firmware");
    const DpFramebuffer *picture = &g_array_index(host->framebuffers, DpFramebuffer, 0);

    g_assert_cmpuint(host->platform.address_bits, ==, 39);
    g_assert_cmpuint(host->platform.iommu_bits, ==, 39);
    g_assert_cmpuint(without->platform.iommu_bits, ==, 0);
    g_assert_cmpuint(host->platform.huge[0].page, ==, 1ull << 30);
    g_assert_cmpuint(host->platform.huge[0].free, ==, 2ull << 30);
    g_assert_cmpuint(host->platform.huge[1].free, ==, 256ull << 21);
    g_assert_cmpint(host->platform.transparent, ==, DP_TRI_YES);
    g_assert_cmpint(host->platform.intremap_in_firmware, ==, DP_TRI_YES);
    g_assert_cmpint(host->platform.intel_in_firmware, ==, DP_TRI_YES);
    g_assert_cmpint(without->platform.intremap_in_firmware, ==, DP_TRI_NO);
    g_assert_cmpuint(host->framebuffers->len, ==, 1);
    g_assert_cmpuint(picture->start, ==, 0xc1000000);
    g_assert_cmpstr(picture->driver, ==, "efifb");
    g_assert_cmpuint(find(host, "0000:00:01.0")->window, ==, 2 << 20);
    g_assert_cmpuint(find(host, "0000:01:00.0")->window, ==, 0);
    g_assert_cmpuint(find(host, "0000:01:00.0")->bars[1].size, ==, 64ull << 30);
}

/* What is hidden is unknown; the rest is as root sees it. */
static void
test_ordinary_user(void)
{
    g_autoptr(DpHost) host = scan("ordinary-user");
    DpFunction *nvme = find(host, "0000:03:00.0"), *bridge = find(host, "0000:00:07.0");

    g_assert_true(dp_diags_have(host->diags, DP_DIAG_CONFIG_LIMITED));
    g_assert_cmpint(nvme->caps.readable, ==, DP_TRI_UNKNOWN);
    g_assert_cmpint(nvme->caps.flr, ==, DP_TRI_UNKNOWN);
    g_assert_cmpint(nvme->caps.acs, ==, DP_TRI_UNKNOWN);
    g_assert_cmpint(nvme->caps.msix, ==, DP_TRI_UNKNOWN);
    g_assert_cmpint(nvme->dead, ==, DP_TRI_NO);
    g_assert_cmpint(nvme->irq_pin, ==, 1);
    g_assert_cmpuint(nvme->bars[0].size, ==, 16384);
    g_assert_cmpstr(nvme->reset_methods[0], ==, "flr");
    g_assert_cmpint(bridge->secondary, ==, 5);
    g_assert_cmpint(find(host, "0000:06:00.0")->sriov_pf, ==, DP_TRI_YES);
    g_assert_cmpuint(nvme->diags->len, ==, 0);
}

static void
test_find(void)
{
    g_autoptr(DpHost) host = scan("lab");
    DpAddr addr = {.domain = 0, .bus = 6, .device = 0, .function = 1}, absent = {.domain = 7};

    g_assert_cmpstr(dp_host_find(host, &addr)->name, ==, "0000:06:00.1");
    g_assert_null(dp_host_find(host, &absent));
    g_assert_null(dp_host_find_name(host, "06:00.1"));
    g_assert_null(dp_host_find_name(host, "00000:06:00.1"));
    g_assert_null(dp_host_find_name(host, "../../etc"));
}

static void
test_names(void)
{
    g_autoptr(DpHost) host = scan("lab");
    g_autoptr(DpNames) names = dp_names_new();
    DpFunction *nvme = find(host, "0000:03:00.0"), unknown = *nvme;
    g_autofree char *name = dp_names_function(names, nvme);
    g_autofree char *class = dp_names_class(names, nvme);
    g_autofree char *numbers = NULL;

    unknown.vendor = 0xfffe;
    unknown.device = 0x1234;
    numbers = dp_names_function(names, &unknown);
    g_assert_cmpstr(name, !=, "");
    g_assert_cmpstr(class, !=, "");
    g_assert_nonnull(strstr(numbers, "1234"));
    g_test_message("%s, %s, %s", name, class, numbers);
}

static void
test_not_a_host(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DpRoot) root = dp_root_open(g_getenv("DP_TREES"), &error);

    g_assert_null(dp_host_scan(root, &error));
    g_assert_error(error, DP_ERROR, DP_ERROR_NOT_FOUND);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/host/reserved-memory", test_reserved_memory);
    g_test_add_func("/host/firmware", test_firmware);
    g_test_add_func("/host/lab-function", test_lab_function);
    g_test_add_func("/host/lab-caps", test_lab_caps);
    g_test_add_func("/host/lab-topology", test_lab_topology);
    g_test_add_func("/host/lab-uses", test_lab_uses);
    g_test_add_func("/host/lab-platform", test_lab_platform);
    g_test_add_func("/host/no-iommu", test_no_iommu);
    g_test_add_func("/host/ordinary-user", test_ordinary_user);
    g_test_add_func("/host/find", test_find);
    g_test_add_func("/host/names", test_names);
    g_test_add_func("/host/not-a-host", test_not_a_host);
    return g_test_run();
}
