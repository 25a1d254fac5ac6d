/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "registered.h"

#include "base/text.h"
#include "output.h"
#include "vm/known.h"

#include <string.h>

const DpRun *
dp_registered_run(const DpContext *context, const char *vmx)
{
    for (guint i = 0; i < context->runs->len; i++) {
        const DpRun *run = context->runs->pdata[i];

        if (strcmp(run->vmx_path, vmx) == 0) {
            return run;
        }
    }
    return NULL;
}

static const DpKnownVm *
known_of(const GPtrArray *known, const char *vmx)
{
    for (guint i = 0; known != NULL && i < known->len; i++) {
        const DpKnownVm *vm = known->pdata[i];

        if (strcmp(vm->path, vmx) == 0) {
            return vm;
        }
    }
    return NULL;
}

/* As the file has it now; where it cannot be read, as it was called when it was registered. */
static const char *
name_of(const DpRegistered *vm, const DpKnownVm *known)
{
    const DpVmxEntry *entry = known != NULL ? dp_vmx_lookup(known->vmx, "displayName") : NULL;

    return entry != NULL ? entry->shown : vm->name;
}

static DpVmState
state_of(const DpContext *context, const char *vmx)
{
    const DpRun *run = dp_registered_run(context, vmx);

    return run != NULL ? run->state : DP_VM_OFF;
}

json_t *
dp_registered_json(const DpContext *context, const DpRegistered *vm, const GPtrArray *known)
{
    const DpKnownVm *file = known_of(known, vm->vmx);

    return dp_json_pack("{s:o, s:o, s:o, s:s, s:b, s:o, s:i}", "vmx", dp_json_text(vm->vmx), "name",
                        dp_json_text(name_of(vm, file)), "present",
                        known != NULL ? json_boolean(file != NULL) : json_null(), "state",
                        dp_vm_state_name(state_of(context, vm->vmx)), "autostart", vm->order > 0,
                        "order", vm->order > 0 ? json_integer(vm->order) : json_null(), "timeout",
                        vm->timeout_s);
}

static void
report_missing(DpCli *cli, const DpRegistered *vm)
{
    g_autofree char *shown = dp_text_visible(vm->vmx, -1);

    dp_diags_add(cli->diags, DP_DIAG_VM_REGISTERED_MISSING, shown,
                 "the file of \"%s\" cannot be read", vm->name);
}

static void
add_row(DpTable *table, const DpContext *context, const DpRegistered *vm, const DpKnownVm *file)
{
    DpVmState state = state_of(context, vm->vmx);

    dp_table_cell(table, name_of(vm, file), DP_PLAIN);
    dp_table_cell(table, file != NULL ? dp_vm_state_name(state) : "no file",
                  file == NULL             ? DP_YELLOW
                  : state == DP_VM_RUNNING ? DP_GREEN
                                           : DP_PLAIN);
    if (vm->order > 0) {
        dp_table_cellf(table, "%d", vm->order);
    } else {
        dp_table_cell(table, NULL, DP_PLAIN);
    }
    dp_table_cellf(table, "%d s", vm->timeout_s);
    dp_table_cell(table, vm->vmx, DP_PLAIN);
}

static GPtrArray *
paths_of(const DpRegistry *registry)
{
    GPtrArray *paths = g_ptr_array_new();

    for (guint i = 0; i < registry->vms->len; i++) {
        g_ptr_array_add(paths, ((const DpRegistered *)registry->vms->pdata[i])->vmx);
    }
    return paths;
}

void
dp_registered_show(DpCli *cli, const DpContext *context)
{
    static const DpColumn columns[] = {
        {"NAME", 10}, {"STATE", 0}, {"STARTS AS", 0}, {"SHUTDOWN", 0}, {"VMX", 16}};
    g_autoptr(DpTable) table = dp_table_new(columns, G_N_ELEMENTS(columns));
    g_autoptr(DpRegistry) registry = dp_registry_load(context->root, cli->diags, NULL);
    g_autoptr(GPtrArray) paths = registry != NULL ? paths_of(registry) : NULL;
    g_autoptr(GPtrArray) known = paths != NULL ? dp_known_read(context->root, paths) : NULL;
    json_t *list = json_array();

    for (guint i = 0; registry != NULL && i < registry->vms->len; i++) {
        const DpRegistered *vm = registry->vms->pdata[i];
        const DpKnownVm *file = known_of(known, vm->vmx);

        add_row(table, context, vm, file);
        json_array_append_new(list, dp_registered_json(context, vm, known));
        if (file == NULL) {
            report_missing(cli, vm);
        }
    }
    json_object_set_new(cli->doc, "registered", list);
    if (registry != NULL && registry->vms->len > 0) {
        dp_out_heading(cli, "Registered");
        dp_table_print(cli, table, "None.");
    }
}
