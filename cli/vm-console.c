/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vm reset and vm console: what is asked of a VM that runs. */
#include "base/text.h"
#include "output.h"
#include "verbs.h"
#include "vmxedit.h"

#include <string.h>

/* What only the file could tell. */
#define NOT_KNOWN "unknown: the file cannot be read any more"

typedef struct {
    DpContext *context;
    DpRun *run;
    DpPlan *plan; /* of the file as it is now; NULL: it cannot be read any more */
} Running;

static void
running_clear(Running *running)
{
    g_clear_pointer(&running->plan, dp_plan_free);
    g_clear_pointer(&running->run, dp_run_free);
    g_clear_pointer(&running->context, dp_context_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Running, running_clear)

static bool
refuse_off(DpCli *cli, GError **error)
{
    g_autoptr(DpVmxFile) file = dp_vmx_file_load(dp_cli_arg(cli, 0), NULL, error);
    g_autofree char *shown = file != NULL ? dp_text_visible(file->path, -1) : NULL;

    if (file == NULL) {
        return false;
    }
    dp_diags_add(cli->diags, DP_DIAG_VM_NOT_ON, shown, "the VM is powered off");
    return dp_fail(error, DP_ERROR_REFUSED, "%s is powered off", shown);
}

/* The VM that argument 0 names, which must be powered on; "vmx" and "name". Its file may be gone:
 * it runs all the same, and is found by its path. */
static bool
find_running(DpCli *cli, Running *running, GError **error)
{
    g_autoptr(DpVmxFile) file = NULL;

    running->context = dp_context_new(cli, DP_LOOK, error);
    if (running->context == NULL) {
        return false;
    }
    running->run = dp_run_find(running->context->root, dp_cli_arg(cli, 0));
    if (running->run == NULL) {
        return refuse_off(cli, error);
    }
    file = dp_vmx_file_load(running->run->vmx_path, NULL, NULL);
    if (file != NULL) {
        (void)dp_vmx_changed_since(file->path, running->run, cli->diags);
        running->plan = dp_cli_plan(cli, running->context, file);
    }
    json_object_set_new(cli->doc, "vmx", dp_json_text(running->run->vmx_path));
    json_object_set_new(cli->doc, "name", dp_json_text(running->run->name));
    return true;
}

static void
report_reset(DpCli *cli, json_t *devices, const char *address, const char *reset)
{
    dp_out_fieldf(cli, address, "%s", reset != NULL ? reset : "unknown");
    json_array_append_new(
        devices, dp_json_pack("{s:s, s:o}", "address", address, "reset", dp_json_text(reset)));
}

/* "devices" and, for people, one line each: what QEMU's reset is of what is passed through. */
static void
report_resets(DpCli *cli, const Running *running)
{
    const DpPlan *plan = running->plan;
    json_t *devices = json_array();
    char name[DP_ADDR_LEN];

    for (guint i = 0; plan != NULL && i < plan->devices->len; i++) {
        const DpVmDevice *device = plan->devices->pdata[i];

        if (device->resolved) {
            report_reset(cli, devices, dp_addr_format(&device->addr, name), device->guest_reset);
        }
    }
    for (char **fn = running->run->functions; plan == NULL && *fn != NULL; fn++) {
        report_reset(cli, devices, *fn, NULL);
    }
    json_object_set_new(cli->doc, "devices", devices);
}

/* What the plan says of a map that asks for something else. */
static void
extend_reset_diags(DpCli *cli, const DpPlan *plan)
{
    for (guint i = 0; plan != NULL && i < plan->diags->len; i++) {
        const DpDiag *diag = plan->diags->pdata[i];

        if (diag->row->id == DP_DIAG_VMX_PASSTHRU_GUEST_RESET) {
            g_ptr_array_add(cli->diags, dp_diag_copy(diag));
        }
    }
}

bool
dp_cmd_vm_reset(DpCli *cli, GError **error)
{
    g_autoptr(DpProgress) progress G_GNUC_UNUSED = NULL;
    g_auto(Running) running = {0};

    json_object_set_new(cli->doc, "changed", json_false());
    if (!find_running(cli, &running, error) || !dp_run_is_on(running.run, error)) {
        return false;
    }
    extend_reset_diags(cli, running.plan);
    progress = dp_progress_begin(cli, "resetting the machine and its devices");
    if (!dp_vm_reset(running.context->root, running.run, error)) {
        return false;
    }
    json_object_set_new(cli->doc, "changed", json_true());
    dp_out(cli, "The machine was reset; its guest boots again.");
    report_resets(cli, &running);
    return true;
}

/* @vnc: "ADDRESS:PORT" as it is in the record of the run. The password is the file's. */
static json_t *
vnc_json(const char *vnc, const DpPlan *plan)
{
    const char *colon = vnc != NULL ? strrchr(vnc, ':') : NULL;
    g_autofree char *host = colon != NULL ? g_strndup(vnc, (gsize)(colon - vnc)) : NULL;

    return colon == NULL
               ? json_null()
               : dp_json_pack("{s:o, s:I, s:o}", "address", dp_json_text(host), "port",
                              (json_int_t)g_ascii_strtoll(colon + 1, NULL, 10), "password",
                              plan == NULL ? json_null()
                                           : json_boolean(plan->vnc_password != NULL));
}

/* The files that serial ports are written to. */
static json_t *
serial_json(const DpPlan *plan)
{
    json_t *files = plan != NULL ? json_array() : json_null();

    for (guint i = 0; plan != NULL && i < plan->files->len; i++) {
        const DpVmFile *file = &g_array_index(plan->files, DpVmFile, i);

        if (file->kind == DP_VM_FILE_OUTPUT) {
            json_array_append_new(files, dp_json_text(file->path));
        }
    }
    return files;
}

static void
out_vnc(const DpCli *cli, const char *vnc, const json_t *object)
{
    json_int_t port = json_integer_value(json_object_get(object, "port"));
    const char *address = json_string_value(json_object_get(object, "address"));
    const json_t *password = json_object_get(object, "password");

    dp_out_field(cli, "display (VNC)", vnc);
    if (!json_is_false(password)) {
        dp_out_field(cli, "password",
                     json_is_true(password) ? "the file's RemoteDisplay.vnc.password" : NOT_KNOWN);
    }
    dp_out_fieldf(cli, "on this host", "vncviewer %s::%" JSON_INTEGER_FORMAT, address, port);
    if (g_str_has_prefix(address, "127.") || strcmp(address, "[::1]") == 0) {
        dp_out_fieldf(cli, "from another", "first ssh -L %" JSON_INTEGER_FORMAT ":%s this host",
                      port, vnc);
    }
}

static void
out_serial(const DpCli *cli, const json_t *files)
{
    json_t *file;
    size_t i;

    if (json_is_null(files)) {
        dp_out_field(cli, "serial port", NOT_KNOWN);
    }
    json_array_foreach(files, i, file)
    {
        dp_out_field(cli, "serial port", json_string_value(file));
    }
}

bool
dp_cmd_vm_console(DpCli *cli, GError **error)
{
    g_auto(Running) running = {0};
    json_t *status, *vnc, *serial;
    const char *text;
    bool any;

    if (!find_running(cli, &running, error)) {
        return false;
    }
    status = dp_vm_status_json(running.context->root, running.run, cli->diags);
    text = json_string_value(json_object_get(status, "vnc"));
    vnc = vnc_json(text, running.plan);
    serial = serial_json(running.plan);
    any = json_is_object(vnc) || json_is_null(serial) || json_array_size(serial) > 0;
    if (json_is_object(vnc)) {
        out_vnc(cli, text, vnc);
    }
    out_serial(cli, serial);
    json_object_set_new(cli->doc, "vnc", vnc);
    json_object_set_new(cli->doc, "serial", serial);
    json_decref(status);
    if (!any) {
        g_autofree char *shown = dp_text_visible(running.run->vmx_path, -1);

        dp_diags_add(cli->diags, DP_DIAG_VM_NO_CONSOLE, shown,
                     "\"%s\" runs without a display and without a serial port", running.run->name);
        return dp_fail(error, DP_ERROR_REFUSED, "%s has no console", shown);
    }
    return true;
}
