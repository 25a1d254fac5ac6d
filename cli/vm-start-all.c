/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vm autostart --all: what a boot of the host calls, after device apply. */
#include "base/text.h"
#include "output.h"
#include "vmall.h"

#include <string.h>

/* Each VM is powered on by a command of its own: its document and its diagnostics are put aside
 * while the next one's are made. */
typedef struct {
    json_t *doc;
    DpDiagList *diags;
} Aside;

static Aside
put_aside(DpCli *cli)
{
    Aside aside = {cli->doc, cli->diags};

    cli->doc = json_object();
    cli->diags = dp_diags_new();
    return aside;
}

/* What the one command has said joins the rest; its document is the caller's. */
static json_t *
take_back(DpCli *cli, Aside aside)
{
    json_t *made = cli->doc;

    dp_diags_extend(aside.diags, cli->diags);
    g_ptr_array_unref(cli->diags);
    cli->doc = aside.doc;
    cli->diags = aside.diags;
    return made;
}

static void
report_failure(DpCli *cli, const DpRegistered *vm, const GError *failure)
{
    g_autofree char *shown = dp_text_visible(vm->vmx, -1);

    dp_diags_add(cli->diags, DP_DIAG_VM_NOT_STARTED, shown, "\"%s\" was not started: %s", vm->name,
                 failure->message);
}

/* True if it runs now; its entry goes to @list. */
static bool
start_one(DpCli *cli, const DpRegistered *vm, json_t *list, bool *ret_changed)
{
    Aside aside = put_aside(cli);
    g_autoptr(GError) failure = NULL;
    bool ok = dp_cli_power_on(cli, vm->vmx, &failure);
    json_t *made = take_back(cli, aside);
    bool changed = json_is_true(json_object_get(made, "changed"));

    json_decref(made);
    json_array_append_new(
        list, dp_json_pack("{s:o, s:o, s:n, s:s, s:b, s:i, s:i, s:b}", "vmx", dp_json_text(vm->vmx),
                           "name", dp_json_text(vm->name), "present", "state",
                           dp_vm_state_name(ok ? DP_VM_RUNNING : DP_VM_OFF), "autostart", true,
                           "order", vm->order, "timeout", vm->timeout_s, "started", (int)changed));
    *ret_changed |= changed;
    if (!ok) {
        report_failure(cli, vm, failure);
    }
    return ok;
}

/* A rescue boot (directpath=off) starts nothing: what was wrong may be a VM that has a device. */
static bool
is_rescue(DpCli *cli, const DpContext *context)
{
    if (!dp_policy_claims_off(context->host)) {
        return false;
    }
    dp_diags_add(cli->diags, DP_DIAG_CLAIMS_OFF, "host",
                 "the kernel was booted with directpath=off: no VM is started");
    return true;
}

/* What is registered, read under no lock: each power-on takes it for itself. */
static bool
load(DpCli *cli, DpRegistry **ret_registry, GError **error)
{
    g_autoptr(DpContext) context = dp_context_new(cli, DP_LOOK, error);

    if (context == NULL) {
        return false;
    }
    *ret_registry = is_rescue(cli, context) ? dp_registry_new()
                                            : dp_registry_load(context->root, cli->diags, error);
    return *ret_registry != NULL;
}

bool
dp_cli_start_all(DpCli *cli, GError **error)
{
    g_autoptr(DpRegistry) registry = NULL;
    g_autoptr(GPtrArray) ordered = NULL;
    json_t *list = json_array();
    guint running = 0;
    bool changed = false;

    json_object_set_new(cli->doc, "changed", json_false());
    json_object_set_new(cli->doc, "vms", list);
    if (!load(cli, &registry, error)) {
        return false;
    }
    ordered = dp_registry_in_order(registry);
    for (guint i = 0; i < ordered->len; i++) {
        const DpRegistered *vm = ordered->pdata[i];
        g_autofree char *name = dp_text_visible(vm->name, -1);

        dp_out_heading(cli, name);
        running += start_one(cli, vm, list, &changed) ? 1 : 0;
    }
    json_object_set_new(cli->doc, "changed", json_boolean(changed));
    if (ordered->len == 0) {
        dp_out(cli, "No VM starts with the host.");
    }
    if (running == ordered->len) {
        return true;
    }
    cli->exit = running > 0 ? DP_EXIT_PARTLY : cli->exit;
    return dp_fail(error, DP_ERROR_REFUSED, "%u of %u VMs were not started", ordered->len - running,
                   ordered->len);
}
