/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scan over made hosts that each show one trouble ($DP_TREES). */
#include "host-dump.h"
#include "tree-host.h"

#include <string.h>

static const DpBlock *
find_block(const DpHost *host, const char *name)
{
    for (guint i = 0; i < host->blocks->len; i++) {
        const DpBlock *block = host->blocks->pdata[i];

        if (strcmp(block->name, name) == 0) {
            return block;
        }
    }
    g_assert_not_reached();
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
    g_assert_not_reached();
}

static unsigned
count_mounts(const DpHost *host, const char *point, const char *device)
{
    unsigned n = 0;

    for (guint i = 0; i < host->mounts->len; i++) {
        const DpMount *mount = host->mounts->pdata[i];

        n += strcmp(mount->mountpoint, point) == 0 && strcmp(mount->device, device) == 0;
    }
    return n;
}

static void
assert_list(char **list, const char *expected)
{
    g_autofree char *joined = g_strjoinv(" ", list);

    g_assert_cmpstr(joined, ==, expected);
}

static void
test_two_functions(void)
{
    g_autoptr(DpHost) host = scan("two-functions");
    DpFunction *second = find(host, "0000:01:00.1");

    g_assert_cmpint(host->platform.iommu, ==, DP_IOMMU_AMDVI);
    g_assert_cmpint(host->platform.vfio, ==, DP_TRI_YES);
    g_assert_cmpint(host->platform.unsafe_interrupts, ==, DP_TRI_NO);
    g_assert_cmpstr(second->driver, ==, "vfio-pci");
    g_assert_cmpstr(second->driver_override, ==, "vfio-pci");
    assert_list(second->reset_methods, "pm");
    g_assert_cmpint(second->power_state, ==, DP_POWER_D3HOT);
    /* Parked by VFIO, below bridges that are awake: it is read as it is. */
    g_assert_cmpint(second->caps.readable, ==, DP_TRI_YES);
    g_assert_cmpint(second->dead, ==, DP_TRI_NO);
}

static void
test_esx_q35(void)
{
    g_autoptr(DpHost) host = scan("esx-q35");
    DpFunction *usb = find(host, "0000:02:00.1"), *scsi = find(host, "0000:03:01.0");

    g_assert_cmpstr(usb->parent->name, ==, "0000:01:00.0");
    g_assert_cmpstr(usb->parent->parent->name, ==, "0000:00:1c.0");
    g_assert_cmpint(usb->parent->caps.pcie_type, ==, DP_PCIE_TO_PCI_BRIDGE);
    g_assert_cmpint(usb->caps.no_soft_reset, ==, DP_TRI_YES);
    g_assert_cmpint(usb->caps.pcie, ==, DP_TRI_NO);
    g_assert_null(usb->reset_methods);
    g_assert_cmpint(usb->reset_file, ==, DP_TRI_NO);
    g_assert_cmpint(find(host, "0000:00:1a.7")->caps.af_flr, ==, DP_TRI_YES);
    g_assert_cmpint(find(host, "0000:03:00.0")->boot_vga, ==, DP_TRI_YES);
    g_assert_cmpint(find(host, "0000:00:02.0")->boot_vga, ==, DP_TRI_NO);
    assert_list(scsi->host_names, "sdb");
    g_assert_cmpstr(find_block(host, "sdb")->path, ==, "host4");
    assert_list(find_block(host, "sda")->functions, "0000:00:1f.2");
    g_assert_cmpstr(find_block(host, "sda1")->path, ==, "ata1");
    g_assert_true(find_block(host, "sda2")->swap);
}

static void
test_no_acs(void)
{
    g_autoptr(DpHost) host = scan("no-acs");
    g_autoptr(GPtrArray) group = dp_host_group(host, 5);
    DpFunction *port = find(host, "0000:02:00.0");

    g_assert_cmpuint(group->len, ==, 5);
    g_assert_cmpint(port->caps.pcie_type, ==, DP_PCIE_DOWNSTREAM);
    g_assert_cmpint(port->caps.acs, ==, DP_TRI_NO);
    g_assert_cmpint(find(host, "0000:01:00.0")->caps.pcie_type, ==, DP_PCIE_UPSTREAM);
    g_assert_cmpint(find(host, "0000:01:00.0")->subordinate, ==, 4);
    g_assert_cmpint(find(host, "0000:00:01.0")->caps.acs, ==, DP_TRI_YES);
}

static void
test_vmd(void)
{
    g_autoptr(DpHost) host = scan("vmd");
    DpFunction *nvme = find(host, "10000:e1:00.0"), *vmd = find(host, "0000:00:0e.0");

    g_assert_cmpuint(nvme->addr.domain, ==, 0x10000);
    g_assert_cmpstr(nvme->parent->name, ==, "10000:e0:06.0");
    g_assert_null(nvme->parent->parent);
    g_assert_cmpuint(vmd->children->len, ==, 0);
    /* What lies below it is lost with it, though it is no bridge. */
    assert_list(find_block(host, "nvme0n1p2")->functions,
                "10000:e1:00.0 10000:e0:06.0 0000:00:0e.0");
    assert_list(nvme->host_names, "nvme0n1");
    assert_list(vmd->host_names, "");
    g_assert_true(host->functions->pdata[host->functions->len - 1] == nvme);
}

static void
test_sriov(void)
{
    g_autoptr(DpHost) host = scan("sriov-one-group");
    DpFunction *pf = find(host, "0000:03:00.0"), *vf = find(host, "0000:03:10.2");

    g_assert_cmpint(pf->sriov_totalvfs, ==, 63);
    g_assert_cmpint(pf->sriov_numvfs, ==, 2);
    g_assert_true(vf->physfn == pf);
    g_assert_null(pf->physfn);
    g_assert_cmpint(vf->sriov_pf, ==, DP_TRI_NO);
    g_assert_cmpint(vf->iommu_group, ==, pf->iommu_group);
    g_assert_cmpint(pf->numa_node, ==, 0);
    g_assert_cmphex(vf->device, ==, 0x10ed);
    assert_list(find(host, "0000:03:10.0")->host_names, "eth3");
}

static void
test_usb_root(void)
{
    g_autoptr(DpHost) host = scan("usb-root");

    g_assert_cmpstr(find_block(host, "sda1")->path, ==, "usb 2-1.4");
    assert_list(find_block(host, "sda1")->functions, "0000:00:14.0");
    assert_list(find(host, "0000:00:1a.0")->host_names, "sdb");
    g_assert_true(find_net(host, "eno1")->default_route);
    g_assert_cmpuint(count_mounts(host, "/mnt/with space\\x09and tab", "0:25"), ==, 1);
}

static void
test_layers(void)
{
    g_autoptr(DpHost) host = scan("lvm");
    const DpNet *bridge = find_net(host, "br0");

    assert_list(find_block(host, "dm-0")->below, "nvme0n1p2 nvme1n1p1");
    assert_list(find_block(host, "nvme0n1p2")->below, "nvme0n1");
    assert_list(find_block(host, "nvme2n1")->functions,
                "0000:05:00.0 0000:00:05.0 0000:06:00.0 0000:00:06.0");
    assert_list(find(host, "0000:06:00.0")->host_names, "nvme2n1");
    g_assert_true(find_block(host, "dm-1")->swap);
    g_assert_false(find_block(host, "dm-0")->swap);
    /* btrfs has a number of its own, and is lost with any of its disks. */
    g_assert_cmpuint(count_mounts(host, "/srv", "8:0"), ==, 1);
    g_assert_cmpuint(count_mounts(host, "/srv", "253:0"), ==, 1);
    g_assert_cmpuint(count_mounts(host, "/", "254:0"), ==, 1);
    assert_list(find_net(host, "bond0")->below, "enx5254005ec7e7 eth0");
    assert_list(bridge->below, "bond0");
    assert_list(find_net(host, "br0.100")->below, "br0");
    g_assert_true(find_net(host, "br0.100")->default_route);
    g_assert_false(bridge->default_route);
}

static const DpBlock *
find_devno(const DpHost *host, const char *devno)
{
    for (guint i = 0; i < host->blocks->len; i++) {
        const DpBlock *block = host->blocks->pdata[i];

        if (strcmp(block->devno, devno) == 0) {
            return block;
        }
    }
    g_assert_not_reached();
}

static void
test_pools(void)
{
    g_autoptr(DpHost) host = scan("pools");

    g_assert_cmpuint(count_mounts(host, "/", "259:3"), ==, 1);
    g_assert_cmpuint(count_mounts(host, "/", "259:7"), ==, 1);
    g_assert_cmpuint(count_mounts(host, "/rpool", "259:7"), ==, 1);
    g_assert_cmpuint(count_mounts(host, "/", "259:8"), ==, 0);
    g_assert_cmpuint(count_mounts(host, "/", "8:0"), ==, 0);
    g_assert_cmpuint(count_mounts(host, "/srv", "8:0"), ==, 1);
    g_assert_cmpuint(count_mounts(host, "/srv", "8:16"), ==, 1);
    assert_list(find_devno(host, "0:41")->functions, "0000:00:04.0");
    g_assert_cmpstr(find_devno(host, "0:41")->path, ==, "9p");
    assert_list(find_devno(host, "0:42")->functions, "0000:00:05.0");
    assert_list(find(host, "0000:00:04.0")->host_names, "");
}

static void
test_sleeping(void)
{
    g_autoptr(DpHost) host = scan("sleeping");
    const char *asleep[] = {"0000:01:00.0", "0000:01:00.1", "0000:00:03.0", "0000:00:04.0"};

    for (size_t i = 0; i < G_N_ELEMENTS(asleep); i++) {
        DpFunction *fn = find(host, asleep[i]);

        g_assert_cmpint(fn->dead, ==, DP_TRI_UNKNOWN);
        g_assert_cmpint(fn->caps.readable, ==, DP_TRI_UNKNOWN);
        g_assert_cmpint(fn->header_type, ==, -1);
        g_assert_true(dp_diags_have(fn->diags, DP_DIAG_CONFIG_ASLEEP));
        g_assert_cmpuint(fn->diags->len, ==, 1);
    }
    g_assert_cmpint(find(host, "0000:01:00.0")->power_state, ==, DP_POWER_D3COLD);
    g_assert_cmpstr(find(host, "0000:01:00.0")->runtime_status, ==, "suspended");
    g_assert_cmpint(find(host, "0000:02:00.0")->caps.flr, ==, DP_TRI_YES);
    /* The sleeping port itself lies below nothing that sleeps. */
    g_assert_cmpint(find(host, "0000:00:01.0")->secondary, ==, 1);
}

static void
test_dead(void)
{
    g_autoptr(DpHost) host = scan("dead");

    g_assert_cmpint(find(host, "0000:01:00.0")->dead, ==, DP_TRI_YES);
    g_assert_cmpint(find(host, "0000:01:00.0")->caps.readable, ==, DP_TRI_NO);
    g_assert_cmpint(find(host, "0000:02:00.0")->dead, ==, DP_TRI_UNKNOWN);
    g_assert_cmpint(find(host, "0000:00:03.0")->dead, ==, DP_TRI_NO);
    g_assert_cmphex(find(host, "0000:01:00.0")->vendor, ==, 0x1b36);
}

static void
test_conventional(void)
{
    g_autoptr(DpHost) host = scan("conventional");
    const DpPlatform *platform = &host->platform;

    g_assert_cmpint(platform->iommu, ==, DP_IOMMU_NONE);
    g_assert_cmpint(platform->cpu_virtualization, ==, DP_TRI_NO);
    g_assert_cmpint(platform->kvm, ==, DP_TRI_NO);
    g_assert_cmpint(platform->vfio, ==, DP_TRI_NO);
    g_assert_cmpstr(platform->lockdown, ==, "integrity");
    g_assert_cmpstr(platform->kernel, ==, "4.19.0-27-amd64");
    g_assert_cmpuint(count_mounts(host, "/", "8:1"), ==, 1);
    g_assert_cmpstr(find(host, "0000:01:04.0")->parent->name, ==, "0000:00:03.0");
    g_assert_cmpint(find(host, "0000:01:04.0")->caps.extended_readable, ==, DP_TRI_YES);
}

static void
test_hostile(void)
{
    g_autoptr(DpHost) host = scan("hostile");
    DpFunction *well = find(host, "0000:00:01.0"), *texts = find(host, "0000:00:04.0");
    json_auto_t *dump = dp_host_dump(host);
    g_autofree char *text = json_dumps(dump, JSON_ENSURE_ASCII);

    g_assert_cmpuint(host->functions->len, ==, 14);
    g_assert_cmpuint(well->diags->len, ==, 0);
    g_assert_cmpint(well->caps.pm, ==, DP_TRI_YES);
    assert_list(well->host_names, "eth0");
    g_assert_true(find_net(host, "eth0")->default_route);
    for (guint i = 1; i < host->functions->len; i++) {
        const DpFunction *fn = host->functions->pdata[i];

        if (strcmp(fn->name, "0000:00:0b.0") != 0 && fn != texts) {
            g_assert_cmpuint(fn->diags->len, >, 0);
        }
    }
    g_assert_cmpstr(texts->driver_override, ==, "\\x1b]0;owned\\x07\\xff");
    assert_list(texts->reset_methods, "flr\\u{202e}bus pm");
    g_assert_cmpint(find(host, "0000:00:02.0")->ids_known, ==, DP_TRI_NO);
    g_assert_cmphex(find(host, "0000:00:02.0")->device, ==, 0xffff);
    g_assert_cmpint(find(host, "0000:00:05.0")->caps.readable, ==, DP_TRI_UNKNOWN);
    g_assert_cmpint(find(host, "0000:00:09.0")->iommu_group, ==, 9);
    g_assert_null(find(host, "0000:00:06.0")->physfn);
    g_assert_cmpuint(count_mounts(host, "/", "8:1"), ==, 1);
    g_assert_cmpuint(count_mounts(host, "/a b\\x09\\\\xff", "0:44"), ==, 1);
    g_assert_nonnull(text);
    for (const char *c = text; *c != '\0'; c++) {
        g_assert_true(g_ascii_isprint(*c));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/host-cases/two-functions", test_two_functions);
    g_test_add_func("/host-cases/esx-q35", test_esx_q35);
    g_test_add_func("/host-cases/no-acs", test_no_acs);
    g_test_add_func("/host-cases/vmd", test_vmd);
    g_test_add_func("/host-cases/sriov", test_sriov);
    g_test_add_func("/host-cases/usb-root", test_usb_root);
    g_test_add_func("/host-cases/layers", test_layers);
    g_test_add_func("/host-cases/pools", test_pools);
    g_test_add_func("/host-cases/sleeping", test_sleeping);
    g_test_add_func("/host-cases/dead", test_dead);
    g_test_add_func("/host-cases/conventional", test_conventional);
    g_test_add_func("/host-cases/hostile", test_hostile);
    return g_test_run();
}
