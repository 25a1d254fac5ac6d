/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VMX made into a plan, and what it tells: vm validate. */
#include "hostarg.h"
#include "output.h"
#include "verbs.h"
#include "vm/ledger.h"
#include "vmplan.h"

static DpColour
effect_colour(DpEffect effect)
{
    static const DpColour colours[] = {[DP_EFFECT_HONOURED] = DP_PLAIN,
                                       [DP_EFFECT_SUBSTITUTED] = DP_YELLOW,
                                       [DP_EFFECT_IGNORED] = DP_DIM,
                                       [DP_EFFECT_UNKNOWN] = DP_YELLOW};

    return colours[effect];
}

static json_t *
keys_report(const DpCli *cli, const DpPlan *plan)
{
    static const DpColumn columns[] = {{"LINE", 0}, {"KEY", 20}, {"VALUE", 12}, {"EFFECT", 0}};
    g_autoptr(DpTable) table = dp_table_new(columns, G_N_ELEMENTS(columns));
    json_t *keys = json_array();

    for (guint i = 0; i < plan->keys->len; i++) {
        const DpKeyReport *key = plan->keys->pdata[i];

        dp_table_cellf(table, "%u", key->line);
        dp_table_cell(table, key->key, DP_PLAIN);
        dp_table_cell(table, key->value, DP_PLAIN);
        dp_table_cell(table, dp_effect_name(key->effect), effect_colour(key->effect));
        if (key->note != NULL) {
            dp_table_note(table, key->note);
        }
        json_array_append_new(
            keys, dp_json_pack("{s:o, s:o, s:i, s:s, s:o}", "key", dp_json_text(key->key), "value",
                               dp_json_text(key->value), "line", (int)key->line, "effect",
                               dp_effect_name(key->effect), "note", dp_json_text(key->note)));
    }
    dp_table_print(cli, table, "The file has no key.");
    return keys;
}

json_t *
dp_plan_devices_report(const DpCli *cli, const DpPlan *plan)
{
    static const DpColumn columns[] = {{"DEVICE", 0}, {"ADDRESS", 0}, {"TYPE", 0},
                                       {"MSI", 0},    {"REBOOT", 0},  {"IN THE GUEST", 20}};
    g_autoptr(DpTable) table = dp_table_new(columns, G_N_ELEMENTS(columns));
    json_t *devices = json_array();
    char name[DP_ADDR_LEN];

    for (guint i = 0; i < plan->devices->len; i++) {
        const DpVmDevice *device = plan->devices->pdata[i];
        const char *address = device->resolved ? dp_addr_format(&device->addr, name) : NULL;

        dp_table_cellf(table, "pciPassthru%u", device->index);
        dp_table_cell(table, address, DP_PLAIN);
        dp_table_cell(table, device->pcie ? "pcie" : "pci", DP_PLAIN);
        dp_table_cell(table, device->msi_enabled ? "yes" : "no", DP_PLAIN);
        dp_table_cell(table, device->guest_reset, DP_PLAIN);
        dp_table_cell(table, device->guest_address, DP_PLAIN);
        json_array_append_new(
            devices,
            dp_json_pack("{s:i, s:o, s:b, s:s, s:b, s:o, s:o, s:o}", "index", (int)device->index,
                         "address", dp_json_text(address), "dynamic", (int)device->dynamic,
                         "virtual_device", device->pcie ? "pcie" : "pci", "msi_enabled",
                         (int)device->msi_enabled, "slot",
                         device->slot < 0 ? json_null() : json_integer(device->slot),
                         "guest_address", dp_json_text(device->guest_address), "guest_reset",
                         dp_json_text(device->guest_reset)));
    }
    dp_out_heading(cli, "Passed-through devices");
    dp_table_print(cli, table, "None.");
    return devices;
}

static void
out_links(const DpCli *cli, const GPtrArray *interfaces)
{
    for (guint i = 0; i < interfaces->len; i++) {
        const DpVmInterface *interface = interfaces->pdata[i];

        if (interface->link_text != NULL) {
            g_auto(GStrv) lines = g_strsplit(interface->link_text, "\n", -1);

            dp_out(cli, "\nIn the guest, %s:", interface->link_file);
            for (size_t k = 0; lines[k] != NULL && (lines[k][0] != '\0' || lines[k + 1] != NULL);
                 k++) {
                dp_out(cli, "%s%s", lines[k][0] != '\0' ? "    " : "", lines[k]);
            }
        }
    }
}

json_t *
dp_plan_interfaces_report(const DpCli *cli, const DpPlan *plan)
{
    static const DpColumn columns[] = {
        {"DEVICE", 0}, {"MAC ADDRESS", 0}, {"ON ESX", 0}, {"HERE", 0}};
    g_autoptr(DpTable) table = dp_table_new(columns, G_N_ELEMENTS(columns));
    json_t *interfaces = json_array();

    for (guint i = 0; i < plan->interfaces->len; i++) {
        const DpVmInterface *interface = plan->interfaces->pdata[i];

        dp_table_cell(table, interface->device, DP_PLAIN);
        dp_table_cell(table, interface->mac, DP_PLAIN);
        dp_table_cell(table, interface->esx_name, DP_PLAIN);
        dp_table_cell(table, interface->name, interface->link_text != NULL ? DP_YELLOW : DP_PLAIN);
        json_array_append_new(
            interfaces, dp_json_pack("{s:s, s:o, s:o, s:s, s:o, s:o}", "device", interface->device,
                                     "mac", dp_json_text(interface->mac), "esx_name",
                                     dp_json_text(interface->esx_name), "name", interface->name,
                                     "link_file", dp_json_text(interface->link_file), "link_text",
                                     dp_json_text(interface->link_text)));
    }
    if (plan->interfaces->len > 0) {
        dp_out_heading(cli, "Interfaces in the guest");
        dp_table_print(cli, table, "None.");
        out_links(cli, plan->interfaces);
    }
    return interfaces;
}

DpPlan *
dp_cli_plan(const DpCli *cli, const DpContext *context, const DpVmxFile *file)
{
    g_autoptr(DpIdentities) identities = dp_identities_load(context->root, NULL, NULL);
    g_autoptr(DpRun) run = dp_run_find(context->root, file->path);
    g_autoptr(GArray) promises = dp_ledger_promises(context->runs, file->path);
    g_auto(DpSites) sites = {0};
    DpPlanInput input = {
        .host = context->host,
        .policy = context->policy,
        .conf = context->conf,
        .identities = identities,
        .running = run != NULL,
        .tcg = g_strcmp0(cli->options->accel, "tcg") == 0,
        .run_dir = "/run/directpath",
        .used_by = dp_run_using,
        .used_by_user = context->runs,
        .promises = promises,
        /* A captured host holds no disks. */
        .file_head = context->root->live ? dp_vm_file_head : NULL,
        .file_look = context->root->live ? dp_vm_file_look : NULL,
        .holder = dp_run_holder,
        .holder_user = context->runs,
    };

    dp_sites_load(&sites, context->root, cli->diags);
    input.datastores = sites.datastores;
    input.networks = sites.networks;
    return dp_plan_new(file->path, file->vmx, &input);
}

bool
dp_cmd_vm_validate(DpCli *cli, GError **error)
{
    g_autoptr(DpContext) context = NULL;
    g_autoptr(DpVmxFile) file = NULL;
    g_autoptr(DpPlan) plan = NULL;
    bool there = dp_options_have(cli->options, DP_OPT_HOST);
    bool valid;

    json_object_set_new(cli->doc, "valid", json_false());
    file = dp_vmx_file_load(dp_cli_arg(cli, 0), cli->diags, error);
    context = file != NULL ? dp_context_new(cli, DP_LOOK, error) : NULL;
    if (context == NULL) {
        return false;
    }
    plan = dp_cli_plan(cli, context, file);
    json_object_set_new(cli->doc, "keys", keys_report(cli, plan));
    json_object_set_new(cli->doc, "passthrough", dp_plan_devices_report(cli, plan));
    json_object_set_new(cli->doc, "interfaces", dp_plan_interfaces_report(cli, plan));
    if (there) {
        json_object_set_new(cli->doc, "host", dp_plan_host_report(cli, context, plan));
    }
    dp_diags_extend(cli->diags, plan->diags);
    valid = !dp_diags_have_error(plan->diags) && !dp_diags_have_error(cli->diags);
    json_object_set_new(cli->doc, "valid", json_boolean(valid));
    dp_out(cli, valid ? "\nValid: %s host can power it on." : "\nNot valid %s; the reasons follow.",
           valid   ? there ? "that" : "this"
           : there ? "there"
                   : "here");
    cli->exit = valid ? DP_EXIT_DONE : DP_EXIT_NO;
    return true;
}
