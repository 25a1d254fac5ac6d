/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vm add-device: a function of this host becomes a device of a VM. */
#include "output.h"
#include "verbs.h"
#include "vm/edit.h"
#include "vmxedit.h"

/* The entry of @plan that is @fn of this host already, as this host's systemId says too; or -1. */
static int
find_entry(const DpPlan *plan, const DpVmx *vmx, const DpFunction *fn, const char *own)
{
    for (guint i = 0; i < plan->devices->len; i++) {
        const DpVmDevice *device = plan->devices->pdata[i];
        g_autofree char *key = g_strdup_printf("pciPassthru%u.systemId", device->index);
        const char *system_id = dp_vmx_get(vmx, key);

        if (device->resolved && device->fn == fn && system_id != NULL &&
            dp_system_uuid_equal(system_id, own)) {
            return (int)device->index;
        }
    }
    return -1;
}

static char *
own_system_id(DpCli *cli, const DpContext *context, const DpFunction *fn, GError **error)
{
    const char *own = dp_esxconf_system_uuid(context->conf);
    DpDiag *diag;

    if (own != NULL) {
        return dp_system_uuid_to_vmx(own);
    }
    diag = dp_diags_add(cli->diags, DP_DIAG_VMX_NO_SYSTEM_ID, fn->name,
                        "this host has no systemId, which the entry of %s would name", fn->name);
    dp_diag_set_remedy(diag, "directpath device enable %s", fn->name);
    (void)dp_fail(error, DP_ERROR_REFUSED, "this host has no systemId");
    return NULL;
}

/* The entry, or the one that is there. */
static bool
edit_entry(DpCli *cli,
           const DpContext *context,
           const DpVmxEdit *edit,
           const DpFunction *fn,
           unsigned *ret_index,
           GError **error)
{
    DpVmx *vmx = edit->file->vmx;
    g_autofree char *system_id = own_system_id(cli, context, fn, error);
    g_autoptr(DpPlan) plan = dp_cli_plan(cli, context, edit->file);
    int index;

    if (system_id == NULL) {
        return false;
    }
    index = find_entry(plan, vmx, fn, system_id);
    if (index >= 0) {
        *ret_index = (unsigned)index;
        dp_diags_add(cli->diags, DP_DIAG_VMX_EDIT_ALREADY, dp_vmx_name(vmx),
                     "pciPassthru%d of this VM is %s already", index, fn->name);
        return true;
    }
    *ret_index = dp_edit_free_index(vmx);
    return dp_edit_passthru(vmx, *ret_index, fn, system_id, error);
}

static void
report_device(DpCli *cli, const DpPlan *plan, unsigned index)
{
    for (guint i = 0; i < plan->devices->len; i++) {
        const DpVmDevice *device = plan->devices->pdata[i];
        char name[DP_ADDR_LEN];

        if (device->index != index) {
            continue;
        }
        dp_addr_format(&device->addr, name);
        dp_out(cli, "pciPassthru%u is %s; in the guest: %s", index, name,
               device->guest_address != NULL ? device->guest_address : "not placed");
        json_object_set_new(cli->doc, "device",
                            dp_json_pack("{s:i, s:s, s:i, s:o}", "index", (int)index, "address",
                                         name, "slot", device->slot, "guest_address",
                                         dp_json_text(device->guest_address)));
    }
}

bool
dp_cmd_vm_add_device(DpCli *cli, GError **error)
{
    g_autoptr(DpVmxEdit) edit = NULL;
    g_autoptr(DpContext) context = NULL;
    g_autoptr(DpPlan) plan = NULL;
    g_autofree char *prefix = NULL;
    const DpVerdict *verdict;
    unsigned index = 0;

    context = dp_context_new(cli, DP_LOOK, error);
    verdict = context != NULL ? dp_context_arg(context, cli, 1, error) : NULL;
    edit = verdict != NULL ? dp_vmx_edit_begin(cli, error) : NULL;
    if (edit == NULL || !edit_entry(cli, context, edit, verdict->fn, &index, error) ||
        !dp_edit_bridges(edit->file->vmx, error) || !dp_edit_reserve(edit->file->vmx, error)) {
        return false;
    }
    plan = dp_vmx_edit_check(cli, context, edit, error);
    prefix = g_strdup_printf("pciPassthru%u", index);
    if (plan == NULL || !dp_edit_slots(edit->file->vmx, plan, prefix, error)) {
        return false;
    }
    report_device(cli, plan, index);
    return dp_vmx_edit_finish(cli, edit, error);
}
