/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One function as JSON. */
#include "document.h"
#include "output.h"

DpDiagList *
dp_device_diags(const DpContext *context, const DpVerdict *verdict, DpState *ret_state)
{
    DpDiagList *diags = dp_diags_new();

    dp_diags_extend(diags, verdict->fn->diags);
    dp_diags_extend(diags, verdict->diags);
    dp_stored_report_function(context->gone, verdict->fn, diags);
    *ret_state = dp_context_state(context, verdict, diags);
    return diags;
}

static json_t *
hex(DpTri known, unsigned value, int digits)
{
    g_autofree char *text = g_strdup_printf("%0*x", digits, value);

    return known == DP_TRI_NO ? json_null() : json_string(text);
}

static json_t *
unit_json(const DpVerdict *verdict)
{
    json_t *array = json_array();

    for (guint i = 0; i < verdict->unit->len; i++) {
        const DpUnitMember *member = &g_array_index(verdict->unit, DpUnitMember, i);

        json_array_append_new(array, json_string(member->fn->name));
    }
    return array;
}

static json_t *
reset_json(const DpVerdict *verdict)
{
    const DpResetChoice *reset = &verdict->reset;

    return dp_json_pack("{s:s, s:s?, s:o}", "policy", dp_map_method_name(reset->policy), "method",
                        dp_reset_choice_name(reset), "available", dp_reset_available_json(reset));
}

/* Who it is. */
static json_t *
identity_json(DpContext *context, const DpFunction *fn)
{
    g_autofree char *name = dp_names_function(dp_context_names(context), fn);
    char esx[DP_ADDR_LEN], vmx[DP_ADDR_LEN];

    return dp_json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "address", fn->name,
                        "esx_address", dp_addr_format_esx(&fn->addr, esx), "vmx_id",
                        dp_addr_format_vmx(&fn->addr, vmx), "vendor_id",
                        hex(fn->ids_known, fn->vendor, 4), "device_id",
                        hex(fn->ids_known, fn->device, 4), "subsystem_vendor_id",
                        hex(fn->ids_known, fn->subvendor, 4), "subsystem_device_id",
                        hex(fn->ids_known, fn->subdevice, 4), "class",
                        hex(DP_TRI_YES, fn->class_code, 6), "name", dp_json_text(name));
}

/* From the root bus down to the function itself. */
static json_t *
path_json(const DpFunction *fn)
{
    json_t *array = json_array();

    for (; fn != NULL; fn = fn->parent) {
        json_array_insert_new(array, 0, json_string(fn->name));
    }
    return array;
}

/* What it is to this host, and what may be done with it. */
json_t *
dp_device_json(DpContext *context, const DpVerdict *verdict)
{
    const DpFunction *fn = verdict->fn;
    DpState state;
    g_autoptr(DpDiagList) diags = dp_device_diags(context, verdict, &state);
    DpOwner owner = dp_policy_stored_owner(context->conf, fn, NULL);
    json_t *device = identity_json(context, fn);
    json_t *rest = dp_json_pack(
        "{s:o, s:b, s:o, s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:b, s:s, s:o}", "path",
        path_json(fn), "assignable", (int)verdict->assignable, "driver", dp_json_text(fn->driver),
        "host_names", dp_json_strv(fn->host_names), "vmkname",
        dp_json_text(dp_esxconf_vmkname(context->conf, &fn->addr)), "iommu_group",
        fn->iommu_group < 0 ? json_null() : json_integer(fn->iommu_group), "owner",
        owner == DP_OWNER_PASSTHRU ? "passthru" : "host", "state", dp_state_name(state), "used_by",
        dp_json_text(dp_context_used_by(context, &fn->addr)), "unit", unit_json(verdict), "reset",
        reset_json(verdict), "shareable", (int)verdict->reset.shareable, "support",
        dp_support_name(verdict->support), "diagnostics", dp_diags_to_json(diags));

    json_object_update_new(device, rest);
    return device;
}

static json_t *
caps_json(const DpCaps *caps)
{
    return dp_json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "readable",
        dp_json_tri(caps->readable), "pcie", dp_json_tri(caps->pcie), "pcie_type",
        dp_json_text(dp_pcie_type_name(caps->pcie_type)), "flr", dp_json_tri(caps->flr), "af_flr",
        dp_json_tri(caps->af_flr), "pm", dp_json_tri(caps->pm), "no_soft_reset",
        dp_json_tri(caps->no_soft_reset), "msi", dp_json_tri(caps->msi), "msi_vectors",
        caps->msi == DP_TRI_YES ? json_integer(caps->msi_vectors) : json_null(), "msix",
        dp_json_tri(caps->msix), "msix_vectors",
        caps->msix == DP_TRI_YES ? json_integer(caps->msix_vectors) : json_null(), "acs",
        dp_json_tri(caps->acs), "sriov", dp_json_tri(caps->sriov), "ari", dp_json_tri(caps->ari));
}

static json_t *
bars_json(const DpFunction *fn)
{
    json_t *array = json_array();

    for (int i = 0; i < DP_N_BARS; i++) {
        const DpBar *bar = &fn->bars[i];
        g_autofree char *start = g_strdup_printf("0x%" G_GINT64_MODIFIER "x", bar->start);

        if (bar->size == 0) {
            continue;
        }
        json_array_append_new(array,
                              dp_json_pack("{s:i, s:s, s:s, s:I, s:b, s:b}", "index", i, "type",
                                           (bar->flags & DP_BAR_IO) != 0 ? "io" : "mem", "address",
                                           start, "size", (json_int_t)bar->size, "prefetchable",
                                           (bar->flags & DP_BAR_PREFETCH) != 0, "64bit",
                                           (bar->flags & DP_BAR_64) != 0));
    }
    return array;
}

static json_t *
members_json(const DpVerdict *verdict)
{
    json_t *array = json_array();

    for (guint i = 0; i < verdict->unit->len; i++) {
        const DpUnitMember *member = &g_array_index(verdict->unit, DpUnitMember, i);
        const DpFunction *because = member->because_of;

        json_array_append_new(array,
                              dp_json_pack("{s:s, s:s, s:s?}", "address", member->fn->name, "rule",
                                           dp_unit_rule_name(member->rule), "because_of",
                                           because != NULL ? because->name : NULL));
    }
    return array;
}

static json_t *
affected_json(const DpResetChoice *reset)
{
    json_t *array = json_array();

    for (guint i = 0; reset->affected != NULL && i < reset->affected->len; i++) {
        const DpFunction *fn = reset->affected->pdata[i];

        json_array_append_new(array, json_string(fn->name));
    }
    return array;
}

void
dp_device_json_more(DpContext *context, const DpVerdict *verdict, json_t *device)
{
    const DpFunction *fn = verdict->fn;
    const DpFunction *bridge = NULL;
    g_autofree char *class_name = dp_names_class(dp_context_names(context), fn);
    g_autoptr(DpDiagList) advice = dp_diags_new();
    json_t *notes;

    dp_unit_advise(context->policy, verdict, advice);
    notes = dp_diags_to_json(advice);
    json_array_extend(json_object_get(device, "diagnostics"), notes);
    json_decref(notes);
    (void)dp_policy_stored_owner(context->conf, fn, &bridge);
    json_object_update_new(
        device,
        dp_json_pack("{s:o, s:i, s:b, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:s?}", "class_name",
                     dp_json_text(class_name), "revision", (int)fn->revision, "allowed",
                     (int)verdict->allowed, "capabilities", caps_json(&fn->caps), "bars",
                     bars_json(fn), "irq",
                     dp_json_pack("{s:o, s:o, s:i}", "line",
                                  fn->irq > 0 ? json_integer(fn->irq) : json_null(), "pin",
                                  fn->irq_pin < 0 ? json_null() : json_integer(fn->irq_pin),
                                  "vectors", (int)fn->n_msi_irqs),
                     "power_state", dp_power_name(fn->power_state), "numa_node",
                     fn->numa_node < 0 ? json_null() : json_integer(fn->numa_node), "unit_members",
                     members_json(verdict), "driver_override", dp_json_text(fn->driver_override),
                     "owned_through", bridge != NULL ? bridge->name : NULL));
    json_object_set_new(json_object_get(device, "reset"), "affected",
                        affected_json(&verdict->reset));
}
