/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake-host.h"

#include <string.h>

/* Keeps @data until the host is freed. */
static gpointer
keep(FakeHost *fake, gpointer data)
{
    g_ptr_array_add(fake->owned, data);
    return data;
}

static char *
keep_text(FakeHost *fake, const char *text)
{
    return keep(fake, g_strdup(text));
}

static char **
keep_words(FakeHost *fake, const char *text)
{
    char **words = g_strsplit(text, " ", -1);

    for (char **word = words; *word != NULL; word++) {
        keep(fake, *word);
    }
    return keep(fake, words);
}

FakeHost *
fake_host_new(void)
{
    FakeHost *fake = g_new0(FakeHost, 1);

    fake->owned = g_ptr_array_new_with_free_func(g_free);
    fake->host.platform = (DpPlatform){.iommu = DP_IOMMU_VTD,
                                       .iommu_in_firmware = DP_TRI_YES,
                                       .intel_in_firmware = DP_TRI_YES,
                                       .intremap_in_firmware = DP_TRI_YES,
                                       .interrupt_remapping = DP_TRI_YES,
                                       .cpu_virtualization = DP_TRI_YES,
                                       .kvm = DP_TRI_YES,
                                       .vfio = DP_TRI_YES,
                                       .vfio_iommu_type1 = DP_TRI_YES};
    fake->host.functions = g_ptr_array_new();
    fake->host.mounts = g_ptr_array_new();
    fake->host.blocks = g_ptr_array_new();
    fake->host.nets = g_ptr_array_new();
    fake->host.swap_files = g_ptr_array_new();
    fake->host.awaited = g_ptr_array_new();
    fake->host.logins = g_ptr_array_new();
    fake->host.keyboards = g_ptr_array_new();
    fake->host.consoles = g_ptr_array_new();
    fake->host.group_ids = g_array_new(FALSE, FALSE, sizeof(int));
    fake->host.framebuffers = g_array_new(FALSE, FALSE, sizeof(DpFramebuffer));
    fake->host.diags = dp_diags_new();
    return fake;
}

void
fake_host_free(FakeHost *fake)
{
    for (guint i = 0; i < fake->host.functions->len; i++) {
        DpFunction *fn = fake->host.functions->pdata[i];

        g_ptr_array_unref(fn->children);
        g_clear_pointer(&fn->group_reserved, g_array_unref);
        g_clear_pointer(&fn->table_reserved, g_array_unref);
    }
    g_ptr_array_unref(fake->host.functions);
    g_ptr_array_unref(fake->host.mounts);
    g_ptr_array_unref(fake->host.blocks);
    g_ptr_array_unref(fake->host.nets);
    g_ptr_array_unref(fake->host.swap_files);
    g_ptr_array_unref(fake->host.awaited);
    g_ptr_array_unref(fake->host.logins);
    g_ptr_array_unref(fake->host.keyboards);
    g_ptr_array_unref(fake->host.consoles);
    g_array_unref(fake->host.group_ids);
    g_array_unref(fake->host.framebuffers);
    g_ptr_array_unref(fake->host.diags);
    g_ptr_array_unref(fake->owned);
    g_free(fake);
}

static void
add_group(FakeHost *fake, int group)
{
    for (guint i = 0; i < fake->host.group_ids->len; i++) {
        if (g_array_index(fake->host.group_ids, int, i) == group) {
            return;
        }
    }
    if (group >= 0) {
        g_array_append_val(fake->host.group_ids, group);
    }
}

DpFunction *
fake_function(FakeHost *fake, const char *name, DpFunction *parent, int group)
{
    DpFunction *fn = keep(fake, g_new0(DpFunction, 1));

    g_assert_true(dp_addr_parse_sysfs(name, &fn->addr));
    g_strlcpy(fn->name, name, sizeof fn->name);
    fn->ids_known = DP_TRI_YES;
    fake_ids(fn, 0x8086, 0x10fb);
    fn->class_code = 0x020000;
    fn->iommu_group = group;
    fn->numa_node = -1;
    fn->caps.readable = fn->caps.extended_readable = DP_TRI_YES;
    fn->caps.pcie = DP_TRI_YES;
    fn->caps.pcie_type = DP_PCIE_ENDPOINT;
    fn->caps.msix = DP_TRI_YES;
    fn->power_state = DP_POWER_D0;
    fn->secondary = fn->subordinate = -1;
    fn->children = g_ptr_array_new();
    fn->parent = parent;
    if (parent != NULL) {
        g_ptr_array_add(parent->children, fn);
    }
    g_ptr_array_add(fake->host.functions, fn);
    add_group(fake, group);
    return fn;
}

DpFunction *
fake_bridge(FakeHost *fake, const char *name, DpFunction *parent, int group, DpPcieType type)
{
    DpFunction *fn = fake_function(fake, name, parent, group);

    fn->class_code = 0x060400;
    fn->header_type = 1;
    fn->is_bridge = true;
    fn->caps.pcie = type == DP_PCIE_NONE ? DP_TRI_NO : DP_TRI_YES;
    fn->caps.pcie_type = type;
    if (type == DP_PCIE_ROOT_PORT || type == DP_PCIE_DOWNSTREAM) {
        fn->caps.acs = DP_TRI_YES;
        fn->caps.acs_caps = 0x1f;
        fn->caps.acs_ctrl = 0x1d;
    }
    fake_driver(fake, fn, "pcieport");
    return fn;
}

void
fake_ids(DpFunction *fn, uint16_t vendor, uint16_t device)
{
    fn->vendor = vendor;
    fn->device = device;
}

void
fake_driver(FakeHost *fake, DpFunction *fn, const char *driver)
{
    fn->driver = keep_text(fake, driver);
}

void
fake_reset_method(FakeHost *fake, DpFunction *fn, const char *words)
{
    fn->reset_methods = keep_words(fake, words);
    fn->reset_file = DP_TRI_YES;
}

DpMount *
fake_mount(FakeHost *fake,
           const char *device,
           const char *mountpoint,
           const char *fstype,
           const char *source)
{
    DpMount *mount = keep(fake, g_new0(DpMount, 1));

    mount->device = keep_text(fake, device);
    mount->mountpoint = keep_text(fake, mountpoint);
    mount->fstype = keep_text(fake, fstype);
    mount->source = keep_text(fake, source);
    g_ptr_array_add(fake->host.mounts, mount);
    return mount;
}

DpBlock *
fake_block(
    FakeHost *fake, const char *name, const char *devno, const char *below, const char *functions)
{
    DpBlock *block = keep(fake, g_new0(DpBlock, 1));

    block->name = keep_text(fake, name);
    block->devno = keep_text(fake, devno);
    block->below = keep_words(fake, below);
    block->functions = keep_words(fake, functions);
    g_ptr_array_add(fake->host.blocks, block);
    return block;
}

DpNet *
fake_net(FakeHost *fake, const char *name, const char *below, const char *functions)
{
    DpNet *net = keep(fake, g_new0(DpNet, 1));

    net->name = keep_text(fake, name);
    net->below = keep_words(fake, below);
    net->functions = keep_words(fake, functions);
    g_ptr_array_add(fake->host.nets, net);
    return net;
}

DpPeer *
fake_peer(FakeHost *fake, const char *address, const char *nets)
{
    DpPeer *peer = keep(fake, g_new0(DpPeer, 1));

    peer->address = keep_text(fake, address);
    peer->nets = keep_words(fake, nets);
    return peer;
}

DpSeat *
fake_seat(FakeHost *fake, GPtrArray *seats, const char *name, const char *functions)
{
    DpSeat *seat = keep(fake, g_new0(DpSeat, 1));

    seat->name = keep_text(fake, name);
    seat->functions = keep_words(fake, functions);
    g_ptr_array_add(seats, seat);
    return seat;
}

DpMap *
fake_map(const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DpDiagList) diags = dp_diags_new();
    DpMap *map = dp_map_new();

    g_assert_true(dp_map_add(map, "passthru.map", text, strlen(text), diags, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(diags->len, ==, 0);
    return map;
}
