/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "document.h"

#include "base/text.h"
#include "output.h"

json_t *
dp_json_tri(DpTri value)
{
    return value == DP_TRI_UNKNOWN ? json_null() : json_boolean(value == DP_TRI_YES);
}

const char *
dp_tri_text(DpTri value)
{
    return value == DP_TRI_UNKNOWN ? "unknown" : value == DP_TRI_YES ? "yes" : "no";
}

const char *
dp_iommu_name(DpIommuKind kind)
{
    static const char *const names[] = {[DP_IOMMU_NONE] = "none",
                                        [DP_IOMMU_VTD] = "vt-d",
                                        [DP_IOMMU_AMDVI] = "amd-vi",
                                        [DP_IOMMU_OTHER] = "other"};

    return names[kind];
}

DpTri
dp_platform_vfio(const DpPlatform *platform)
{
    if (platform->vfio == DP_TRI_NO || platform->vfio_iommu_type1 == DP_TRI_NO) {
        return DP_TRI_NO;
    }
    return MIN(platform->vfio, platform->vfio_iommu_type1);
}

static json_t *
armed_overrides_json(const DpArmed *armed)
{
    json_t *array = json_array();

    for (guint i = 0; i < armed->overrides->len; i++) {
        const DpOverride *override = &g_array_index(armed->overrides, DpOverride, i);
        char name[DP_ADDR_LEN];

        json_array_append_new(array, dp_json_pack("{s:s, s:o}", "address",
                                                  dp_addr_format(&override->addr, name), "id",
                                                  json_sprintf("DP%d", override->id)));
    }
    return array;
}

json_t *
dp_armed_json(const DpContext *context)
{
    const DpArmed *armed = context->armed;
    json_t *devices;

    if (armed == NULL) {
        return json_null();
    }
    devices = json_array();
    for (guint i = 0; i < armed->bindings->len; i++) {
        const DpBinding *binding = armed->bindings->pdata[i];

        json_array_append_new(devices, json_string(binding->name));
    }
    return dp_json_pack("{s:o, s:i, s:i, s:o}", "devices", devices, "seconds", armed->seconds,
                        "seconds_left", dp_armed_left_s(armed), "overrides",
                        armed_overrides_json(armed));
}

void
dp_out_armed(const DpCli *cli, const DpContext *context)
{
    g_autofree char *names = context->armed != NULL ? dp_armed_names(context->armed) : NULL;
    g_autofree char *text = NULL;

    if (names == NULL) {
        return;
    }
    text = g_strdup_printf("%s; taken back in %d s unless 'directpath device confirm' is run",
                           names, dp_armed_left_s(context->armed));
    dp_out(cli, "%s", "");
    dp_out_wrapped(cli, "Armed: ", text);
}

json_t *
dp_host_json(const DpContext *context)
{
    const DpPlatform *platform = &context->host->platform;
    const char *uuid = dp_esxconf_system_uuid(context->conf);
    g_autofree char *system_id = uuid != NULL ? dp_system_uuid_to_vmx(uuid) : NULL;

    return dp_json_pack(
        "{s:s, s:o, s:o, s:o, s:b, s:b, s:o}", "iommu", dp_iommu_name(platform->iommu),
        "interrupt_remapping", dp_json_tri(platform->interrupt_remapping), "vfio",
        dp_json_tri(dp_platform_vfio(platform)), "kvm", dp_json_tri(platform->kvm), "capable",
        (int)context->policy->capable, "reboot_required", (int)dp_context_reboot_required(context),
        "system_id", dp_json_text(system_id));
}

json_t *
dp_steps_json(const GPtrArray *steps)
{
    json_t *array = json_array();

    for (guint i = 0; i < steps->len; i++) {
        const DpStep *step = steps->pdata[i];

        json_array_append_new(
            array, dp_json_pack("{s:o, s:o, s:o, s:o}", "action", dp_json_text(step->action),
                                "subject", dp_json_text(step->subject), "detail",
                                dp_json_text(step->detail), "undo", dp_json_text(step->undo)));
    }
    return array;
}

void
dp_out_steps(const DpCli *cli, const GPtrArray *steps)
{
    if (steps->len == 0) {
        dp_out(cli, "Nothing would be done.");
    }
    for (guint i = 0; i < steps->len; i++) {
        const DpStep *step = steps->pdata[i];
        g_autofree char *label = g_strdup_printf("%3u. ", i + 1);
        g_autofree char *text = g_strdup_printf(
            "%s: %s%s%s%s%s%s", step->action, step->subject, step->detail != NULL ? ", " : "",
            step->detail != NULL ? step->detail : "", step->undo != NULL ? " (undo: " : "",
            step->undo != NULL ? step->undo : "", step->undo != NULL ? ")" : "");
        g_autofree char *shown = dp_text_visible_max(text, -1, DP_DIAG_TEXT_MAX);

        dp_out_wrapped(cli, label, shown);
    }
}

/* In the order in which policy prefers them. */
static const DpResetMethod reset_order[] = {DP_RESET_DEVICE_SPECIFIC, DP_RESET_FLR, DP_RESET_BUS,
                                            DP_RESET_PM};

json_t *
dp_reset_available_json(const DpResetChoice *reset)
{
    json_t *array;

    if (reset->uncertain && reset->available == 0) {
        return json_null(); /* nothing is known, which is not the same as nothing */
    }
    array = json_array();
    for (size_t i = 0; i < G_N_ELEMENTS(reset_order); i++) {
        if ((reset->available & (1u << reset_order[i])) != 0) {
            json_array_append_new(array, json_string(dp_reset_method_name(reset_order[i])));
        }
    }
    return array;
}

char *
dp_reset_available_text(const DpResetChoice *reset)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(reset_order); i++) {
        if ((reset->available & (1u << reset_order[i])) != 0) {
            g_string_append_printf(text, "%s%s", text->len > 0 ? ", " : "",
                                   dp_reset_method_name(reset_order[i]));
        }
    }
    return g_strdup(text->len > 0 ? text->str : reset->uncertain ? "unknown" : "none");
}

const char *
dp_power_name(DpPower power)
{
    static const char *const names[] = {
        [DP_POWER_UNKNOWN] = "unknown", [DP_POWER_D0] = "D0",       [DP_POWER_D1] = "D1",
        [DP_POWER_D2] = "D2",           [DP_POWER_D3HOT] = "D3hot", [DP_POWER_D3COLD] = "D3cold"};

    return names[power];
}

const char *
dp_pcie_type_name(DpPcieType type)
{
    static const char *const names[] = {
        [DP_PCIE_ENDPOINT] = "endpoint",
        [DP_PCIE_LEGACY_ENDPOINT] = "legacy endpoint",
        [DP_PCIE_ROOT_PORT] = "root port",
        [DP_PCIE_UPSTREAM] = "upstream port",
        [DP_PCIE_DOWNSTREAM] = "downstream port",
        [DP_PCIE_TO_PCI_BRIDGE] = "PCIe-to-PCI bridge",
        [DP_PCIE_FROM_PCI_BRIDGE] = "PCI-to-PCIe bridge",
        [DP_PCIE_RC_ENDPOINT] = "integrated endpoint",
        [DP_PCIE_RC_EVENT_COLLECTOR] = "event collector",
    };

    return type >= 0 && type < (int)G_N_ELEMENTS(names) ? names[type] : NULL;
}

static json_t *
id_json(const DpCard *card, uint16_t id)
{
    g_autofree char *text = g_strdup_printf("%04x", (unsigned)id);

    return card->ids_known ? json_string(text) : json_null();
}

/* 0 and 0xffff mean that there is none, or that it could not be read. */
static json_t *
subsystem_json(const DpCard *card, uint16_t id)
{
    return id == 0 || id == 0xffff ? json_null() : id_json(card, id);
}

json_t *
dp_card_json(const DpCard *card)
{
    if (card == NULL) {
        return json_null();
    }
    return dp_json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "vendor_id",
                        id_json(card, card->vendor), "device_id", id_json(card, card->device),
                        "subsystem_vendor_id", subsystem_json(card, card->subvendor),
                        "subsystem_device_id", subsystem_json(card, card->subdevice), "serial",
                        dp_json_text(card->serial), "mac", dp_json_text(card->mac), "path",
                        dp_json_text(card->path), "name", dp_json_text(card->name));
}
