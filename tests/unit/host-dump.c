/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host-dump.h"

#include <stddef.h>

static void
set_string(json_t *object, const char *key, const char *value)
{
    json_object_set_new(object, key, value == NULL ? json_null() : json_string(value));
}

static json_t *
strings(char **list)
{
    json_t *array = list == NULL ? json_null() : json_array();

    for (char **item = list; item != NULL && *item != NULL; item++) {
        json_array_append_new(array, json_string(*item));
    }
    return array;
}

typedef struct {
    const char *key;
    size_t offset;
    size_t size;
} Field;

#define FIELD(type, field)                                                                         \
    {                                                                                              \
#field, offsetof(type, field), sizeof(((type *)NULL)->field)                               \
    }

static const Field caps_fields[] = {
    FIELD(DpCaps, readable),
    FIELD(DpCaps, extended_readable),
    FIELD(DpCaps, pcie),
    FIELD(DpCaps, pcie_type),
    FIELD(DpCaps, slot_implemented),
    FIELD(DpCaps, flr),
    FIELD(DpCaps, af_flr),
    FIELD(DpCaps, pm),
    FIELD(DpCaps, no_soft_reset),
    FIELD(DpCaps, msi),
    FIELD(DpCaps, msi_maskable),
    FIELD(DpCaps, msi_vectors),
    FIELD(DpCaps, msix),
    FIELD(DpCaps, msix_vectors),
    FIELD(DpCaps, acs),
    FIELD(DpCaps, acs_caps),
    FIELD(DpCaps, acs_ctrl),
    FIELD(DpCaps, sriov),
    FIELD(DpCaps, ari),
    FIELD(DpCaps, ats),
    FIELD(DpCaps, intx_disable),
};

static const Field function_fields[] = {
    FIELD(DpFunction, ids_known),   FIELD(DpFunction, vendor),
    FIELD(DpFunction, device),      FIELD(DpFunction, subvendor),
    FIELD(DpFunction, subdevice),   FIELD(DpFunction, class_code),
    FIELD(DpFunction, revision),    FIELD(DpFunction, header_type),
    FIELD(DpFunction, dead),        FIELD(DpFunction, power_state),
    FIELD(DpFunction, iommu_group), FIELD(DpFunction, numa_node),
    FIELD(DpFunction, irq),         FIELD(DpFunction, irq_pin),
    FIELD(DpFunction, n_msi_irqs),  FIELD(DpFunction, reset_file),
    FIELD(DpFunction, boot_vga),    FIELD(DpFunction, sriov_pf),
    FIELD(DpFunction, secondary),   FIELD(DpFunction, sriov_numvfs),
    FIELD(DpFunction, is_bridge),   FIELD(DpFunction, subordinate),
    FIELD(DpFunction, window),      FIELD(DpFunction, sriov_totalvfs),
};

static const Field platform_fields[] = {
    FIELD(DpPlatform, iommu),
    FIELD(DpPlatform, iommu_in_firmware),
    FIELD(DpPlatform, intel_in_firmware),
    FIELD(DpPlatform, intremap_in_firmware),
    FIELD(DpPlatform, x2apic_opt_out),
    FIELD(DpPlatform, address_bits),
    FIELD(DpPlatform, interrupt_remapping),
    FIELD(DpPlatform, cpu_virtualization),
    FIELD(DpPlatform, hypervisor),
    FIELD(DpPlatform, kvm),
    FIELD(DpPlatform, vfio),
    FIELD(DpPlatform, vfio_iommu_type1),
    FIELD(DpPlatform, unsafe_interrupts),
    FIELD(DpPlatform, no_intx_masking),
    FIELD(DpPlatform, efi_firmware),
    FIELD(DpPlatform, mem_total),
    FIELD(DpPlatform, mem_available),
    FIELD(DpPlatform, transparent),
    FIELD(DpPlatform, iommu_bits),
};

static json_t *
dump_fields(const void *base, const Field *fields, size_t n)
{
    json_t *object = json_object();

    for (size_t i = 0; i < n; i++) {
        const void *at = (const char *)base + fields[i].offset;
        json_int_t value;

        switch (fields[i].size) {
        case 1:
            value = *(const uint8_t *)at;
            break;
        case 2:
            value = *(const uint16_t *)at;
            break;
        case 4:
            value = *(const int32_t *)at;
            break;
        default:
            value = *(const int64_t *)at;
            break;
        }
        json_object_set_new(object, fields[i].key, json_integer(value));
    }
    return object;
}

static json_t *
dump_bars(const DpFunction *fn)
{
    json_t *bars = json_array();

    for (size_t i = 0; i < DP_N_BARS; i++) {
        json_array_append_new(bars, json_pack("[I,I,I]", (json_int_t)fn->bars[i].start,
                                              (json_int_t)fn->bars[i].size,
                                              (json_int_t)fn->bars[i].flags));
    }
    return bars;
}

static json_t *
dump_reserved(const GArray *regions)
{
    json_t *array = regions == NULL ? json_null() : json_array();

    for (guint i = 0; regions != NULL && i < regions->len; i++) {
        const DpReserved *region = &g_array_index(regions, DpReserved, i);

        json_array_append_new(array, json_pack("[I,I,b]", (json_int_t)region->start,
                                               (json_int_t)region->last, region->relaxable));
    }
    return array;
}

static json_t *
dump_framebuffers(const GArray *framebuffers)
{
    json_t *array = json_array();

    for (guint i = 0; i < framebuffers->len; i++) {
        const DpFramebuffer *found = &g_array_index(framebuffers, DpFramebuffer, i);

        json_array_append_new(array, json_pack("[I,I,s]", (json_int_t)found->start,
                                               (json_int_t)found->last, found->driver));
    }
    return array;
}

static json_t *
dump_function(const DpFunction *fn)
{
    json_t *object = dump_fields(fn, function_fields, G_N_ELEMENTS(function_fields));
    json_t *children = json_array();

    for (guint i = 0; i < fn->children->len; i++) {
        const DpFunction *child = fn->children->pdata[i];

        json_array_append_new(children, json_string(child->name));
    }
    set_string(object, "name", fn->name);
    set_string(object, "runtime_status", fn->runtime_status);
    set_string(object, "driver", fn->driver);
    set_string(object, "driver_override", fn->driver_override);
    set_string(object, "physfn", fn->physfn == NULL ? NULL : fn->physfn->name);
    set_string(object, "parent", fn->parent == NULL ? NULL : fn->parent->name);
    json_object_set_new(object, "children", children);
    json_object_set_new(object, "bars", dump_bars(fn));
    json_object_set_new(object, "group_reserved", dump_reserved(fn->group_reserved));
    json_object_set_new(object, "table_reserved", dump_reserved(fn->table_reserved));
    json_object_set_new(object, "caps",
                        dump_fields(&fn->caps, caps_fields, G_N_ELEMENTS(caps_fields)));
    json_object_set_new(object, "reset_methods", strings(fn->reset_methods));
    json_object_set_new(object, "host_names", strings(fn->host_names));
    json_object_set_new(object, "diags", dp_diags_to_json(fn->diags));
    return object;
}

static json_t *
dump_peer(const DpPeer *peer)
{
    json_t *object = json_object();

    if (peer == NULL) {
        json_decref(object);
        return json_null();
    }
    set_string(object, "address", peer->address);
    json_object_set_new(object, "nets", strings(peer->nets));
    return object;
}

static json_t *
dump_seat(const DpSeat *seat)
{
    json_t *object = json_object();

    set_string(object, "name", seat->name);
    set_string(object, "path", seat->path);
    json_object_set_new(object, "functions", strings(seat->functions));
    return object;
}

static json_t *
dump_crash(const DpCrash *crash)
{
    json_t *object = json_object();

    json_object_set_new(object, "armed", json_boolean(crash->armed));
    set_string(object, "folder", crash->folder);
    set_string(object, "device", crash->device);
    json_object_set_new(object, "peer", dump_peer(crash->peer));
    return object;
}

static json_t *
dump_mount(const DpMount *mount)
{
    json_t *object = json_object();

    set_string(object, "device", mount->device);
    set_string(object, "mountpoint", mount->mountpoint);
    set_string(object, "fstype", mount->fstype);
    set_string(object, "source", mount->source);
    json_object_set_new(object, "peer", dump_peer(mount->peer));
    return object;
}

static json_t *
dump_block(const DpBlock *block)
{
    json_t *object = json_object();

    set_string(object, "name", block->name);
    set_string(object, "devno", block->devno);
    set_string(object, "path", block->path);
    json_object_set_new(object, "below", strings(block->below));
    json_object_set_new(object, "functions", strings(block->functions));
    json_object_set_new(object, "swap", json_boolean(block->swap));
    json_object_set_new(object, "multipath", json_boolean(block->multipath));
    set_string(object, "pool", block->pool);
    json_object_set_new(object, "esp", json_boolean(block->esp));
    json_object_set_new(object, "peer", dump_peer(block->peer));
    set_string(object, "remote", block->remote);
    return object;
}

static json_t *
dump_net(const DpNet *net)
{
    json_t *object = json_object();

    set_string(object, "name", net->name);
    json_object_set_new(object, "below", strings(net->below));
    json_object_set_new(object, "functions", strings(net->functions));
    json_object_set_new(object, "default_route", json_boolean(net->default_route));
    set_string(object, "tunnel", net->tunnel);
    return object;
}

static json_t *
dump_platform(const DpPlatform *platform)
{
    json_t *object = dump_fields(platform, platform_fields, G_N_ELEMENTS(platform_fields));

    set_string(object, "cpu_vendor", platform->cpu_vendor);
    set_string(object, "lockdown", platform->lockdown);
    set_string(object, "kernel", platform->kernel);
    set_string(object, "cmdline", platform->cmdline);
    return object;
}

static json_t *
dump_awaited(const DpAwaited *awaited)
{
    json_t *object = json_object();

    set_string(object, "mountpoint", awaited->mountpoint);
    set_string(object, "fstype", awaited->fstype);
    set_string(object, "device", awaited->device);
    json_object_set_new(object, "by_hand", json_boolean(awaited->by_hand));
    return object;
}

typedef json_t *(*Dump)(gconstpointer item);

static json_t *
dump_all(GPtrArray *items, Dump dump)
{
    json_t *array = json_array();

    for (guint i = 0; i < items->len; i++) {
        json_array_append_new(array, dump(items->pdata[i]));
    }
    return array;
}

json_t *
dp_host_dump(const DpHost *host)
{
    json_t *object = json_object(), *groups = json_array();

    for (guint i = 0; i < host->group_ids->len; i++) {
        json_array_append_new(groups, json_integer(g_array_index(host->group_ids, int, i)));
    }
    json_object_set_new(object, "platform", dump_platform(&host->platform));
    json_object_set_new(object, "functions", dump_all(host->functions, (Dump)dump_function));
    json_object_set_new(object, "mounts", dump_all(host->mounts, (Dump)dump_mount));
    json_object_set_new(object, "awaited", dump_all(host->awaited, (Dump)dump_awaited));
    json_object_set_new(object, "blocks", dump_all(host->blocks, (Dump)dump_block));
    json_object_set_new(object, "nets", dump_all(host->nets, (Dump)dump_net));
    json_object_set_new(object, "swap_files", dump_all(host->swap_files, (Dump)json_string));
    json_object_set_new(object, "logins", dump_all(host->logins, (Dump)dump_peer));
    json_object_set_new(object, "keyboards", dump_all(host->keyboards, (Dump)dump_seat));
    json_object_set_new(object, "consoles", dump_all(host->consoles, (Dump)dump_seat));
    json_object_set_new(object, "crash", dump_crash(&host->crash));
    json_object_set_new(object, "groups", groups);
    json_object_set_new(object, "framebuffers", dump_framebuffers(host->framebuffers));
    json_object_set_new(object, "diags", dp_diags_to_json(host->diags));
    return object;
}
