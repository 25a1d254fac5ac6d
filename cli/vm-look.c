/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vm status, list and log: looking. */
#include "base/text.h"
#include "document.h"
#include "output.h"
#include "registered.h"
#include "verbs.h"
#include "vmxedit.h"

#include <string.h>

/* What of a log is shown, from its end. */
#define LOG_MAX (1u << 20)
/* Longest line of a log or status that is shown whole. */
#define LINE_MAX_SHOWN 4096

json_t *
dp_run_json(const DpRun *run)
{
    return dp_json_pack("{s:s, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id", run->id,
                        "name", dp_json_text(run->name), "vmx", dp_json_text(run->vmx_path),
                        "state", dp_vm_state_name(run->state), "pid",
                        run->qemu_pid > 0 ? json_integer(run->qemu_pid) : json_null(),
                        "supervisor_pid",
                        run->supervisor_pid > 0 ? json_integer(run->supervisor_pid) : json_null(),
                        "uid", run->uid > 0 ? json_integer(run->uid) : json_null(), "accel",
                        dp_json_text(run->accel), "started", dp_json_text(run->started), "devices",
                        dp_json_strv(run->functions), "log", dp_json_text(run->log_path));
}

json_t *
dp_runs_json(const DpContext *context)
{
    json_t *vms = json_array();

    for (guint i = 0; i < context->runs->len; i++) {
        json_array_append_new(vms, dp_run_json(context->runs->pdata[i]));
    }
    return vms;
}

void
dp_out_runs(const DpCli *cli, const DpContext *context)
{
    static const DpColumn columns[] = {
        {"NAME", 10}, {"STATE", 0}, {"PID", 0}, {"DEVICES", 12}, {"VMX", 16}};
    g_autoptr(DpTable) table = dp_table_new(columns, G_N_ELEMENTS(columns));

    for (guint i = 0; i < context->runs->len; i++) {
        const DpRun *run = context->runs->pdata[i];
        g_autofree char *devices = run->functions != NULL ? g_strjoinv(" ", run->functions) : NULL;

        dp_table_cell(table, run->name, DP_PLAIN);
        dp_table_cell(table, dp_vm_state_name(run->state),
                      run->state == DP_VM_RUNNING ? DP_GREEN : DP_YELLOW);
        if (run->qemu_pid > 0) {
            dp_table_cellf(table, "%d", (int)run->qemu_pid);
        } else {
            dp_table_cell(table, NULL, DP_PLAIN);
        }
        dp_table_cell(table, devices, DP_PLAIN);
        dp_table_cell(table, run->vmx_path, DP_PLAIN);
    }
    dp_table_print(cli, table, "No VM is powered on.");
}

bool
dp_cmd_vm_list(DpCli *cli, GError **error)
{
    g_autoptr(DpContext) context = dp_context_new(cli, DP_LOOK, error);

    if (context == NULL) {
        return false;
    }
    json_object_set_new(cli->doc, "vms", dp_runs_json(context));
    dp_out_runs(cli, context);
    dp_registered_show(cli, context);
    return true;
}

/* What of a status is shown above its devices, in this order. */
static const struct {
    const char *key, *label;
} status_fields[] = {
    {"name", "name"},
    {"vmx", "file"},
    {"state", "state"},
    {"engine_status", "guest"},
    {"pid", "engine's process"},
    {"uid", "its user"},
    {"supervisor_pid", "supervisor"},
    {"accel", "acceleration"},
    {"started", "started"},
    {"memory_mib", "memory, MiB"},
    {"locked_kib", "locked, KiB"},
    {"reserved_mib", "reserved, MiB"},
    {"page_kib", "huge pages, KiB"},
    {"vnc", "display (VNC)"},
    {"log", "log"},
};

static const char *
text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "-";
}

/* How many interrupts have come by all vectors of a device. */
static json_int_t
count_interrupts(const json_t *device)
{
    json_int_t sum = 0;
    json_t *vector;
    size_t i;

    json_array_foreach(json_object_get(device, "interrupts"), i, vector)
    {
        sum += json_integer_value(json_object_get(vector, "count"));
    }
    return sum;
}

/* The others on its line, below the device that uses INTx. */
static void
note_line_users(DpTable *table, const json_t *device)
{
    g_autoptr(GString) text = g_string_new("its line on the host is also that of ");
    json_t *user;
    size_t i;

    json_array_foreach(json_object_get(device, "line_users"), i, user)
    {
        g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", json_string_value(user));
    }
    if (json_array_size(json_object_get(device, "line_users")) > 0) {
        dp_table_note(table, text->str);
    }
}

static void
out_status_devices(const DpCli *cli, const json_t *devices)
{
    static const DpColumn columns[] = {{"DEVICE", 0},    {"ADDRESS", 0}, {"IN THE GUEST", 0},
                                       {"RESET", 0},     {"GUEST", 0},   {"HOST", 0},
                                       {"INTERRUPTS", 0}};
    g_autoptr(DpTable) table = dp_table_new(columns, G_N_ELEMENTS(columns));
    json_t *device;
    size_t i;

    json_array_foreach(devices, i, device)
    {
        dp_table_cellf(table, "pciPassthru%d",
                       (int)json_integer_value(json_object_get(device, "index")));
        dp_table_cell(table, text_of(device, "address"), DP_PLAIN);
        dp_table_cell(table, text_of(device, "guest_function"), DP_PLAIN);
        dp_table_cell(table, text_of(device, "reset"), DP_PLAIN);
        dp_table_cell(table, text_of(device, "guest_interrupt_mode"), DP_PLAIN);
        dp_table_cell(table, text_of(device, "interrupt_mode"), DP_PLAIN);
        dp_table_cellf(table, "%" JSON_INTEGER_FORMAT, count_interrupts(device));
        note_line_users(table, device);
    }
    dp_out_heading(cli, "Passed-through devices");
    dp_table_print(cli, table, "None.");
}

static void
out_status(const DpCli *cli, const json_t *status)
{
    for (size_t i = 0; i < G_N_ELEMENTS(status_fields); i++) {
        const json_t *value = json_object_get(status, status_fields[i].key);

        if (json_is_string(value)) {
            dp_out_field(cli, status_fields[i].label, json_string_value(value));
        } else if (json_is_integer(value)) {
            dp_out_fieldf(cli, status_fields[i].label, "%" JSON_INTEGER_FORMAT,
                          json_integer_value(value));
        }
    }
    if (g_strcmp0(text_of(status, "state"), dp_vm_state_name(DP_VM_OFF)) != 0) {
        out_status_devices(cli, json_object_get(status, "devices"));
    }
}

static json_t *
off_json(DpCli *cli, const DpContext *context, const DpVmxFile *file)
{
    const char *given = dp_vmx_get(file->vmx, "displayName");
    const char *name = given != NULL ? given : dp_vmx_name(file->vmx);
    g_autofree char *id = dp_vm_id(file->path);

    return dp_json_pack("{s:s, s:o, s:o, s:o}", "state", dp_vm_state_name(DP_VM_OFF), "name",
                        dp_json_text(name), "vmx", dp_json_text(file->path), "dma_faults",
                        dp_vm_faults_report(context->root, id, name, cli->diags));
}

bool
dp_cmd_vm_status(DpCli *cli, GError **error)
{
    const char *path = dp_cli_arg(cli, 0);
    g_autoptr(DpContext) context = dp_context_new(cli, DP_LOOK, error);
    g_autoptr(DpRun) run = NULL;
    json_t *status;

    if (context == NULL) {
        return false;
    }
    run = dp_run_find(context->root, path);
    if (run == NULL) {
        g_autoptr(DpVmxFile) file = dp_vmx_file_load(path, cli->diags, error);

        if (file == NULL) {
            return false;
        }
        status = off_json(cli, context, file);
    } else {
        status = dp_vm_status_json(context->root, run, cli->diags);
        json_object_set_new(status, "vmx_changed",
                            dp_json_tri(dp_vmx_changed_since(path, run, cli->diags)));
    }
    out_status(cli, status);
    json_object_update_new(cli->doc, status);
    return true;
}

/* Each line made visible by itself, so that it stays a line. */
static void
out_log(const DpCli *cli, const char *text)
{
    for (const char *line = text; *line != '\0';) {
        size_t len = strcspn(line, "\n");
        g_autofree char *shown = dp_text_visible_max(line, (gssize)len, LINE_MAX_SHOWN);

        dp_out(cli, "%s", shown);
        line += len + (line[len] == '\n' ? 1 : 0);
    }
}

bool
dp_cmd_vm_log(DpCli *cli, GError **error)
{
    const char *path = dp_cli_arg(cli, 0);
    g_autofree char *text = dp_vm_log_read(path, LOG_MAX, error);

    if (text == NULL) {
        return false;
    }
    out_log(cli, text);
    json_object_set_new(cli->doc, "vmx", dp_json_text(path));
    json_object_set_new(cli->doc, "log", dp_json_text(text));
    return true;
}
