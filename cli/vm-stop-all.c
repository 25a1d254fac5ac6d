/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vm shut-down --all: what a shutdown of the host calls first. */
#include "base/text.h"
#include "document.h"
#include "output.h"
#include "vmall.h"

#include <limits.h>
#include <string.h>

#define ASK_TRIES 3u

typedef struct {
    const DpRun *run;
    int order; /* INT_MAX: it does not start with the host, and is the first to go */
    int timeout_s;
    DpVmStop *stop;     /* its guest was asked; NULL: it could not be */
    const char *how;    /* "guest", "forced", "left"; NULL: not yet */
    DpOutcome *outcome; /* of its end */
} Stopping;

static void
stopping_free(gpointer data)
{
    Stopping *vm = data;

    dp_vm_stop_free(vm->stop);
    dp_outcome_free(vm->outcome);
    g_free(vm);
}

static int
compare_last_first(gconstpointer a, gconstpointer b)
{
    const Stopping *one = *(Stopping *const *)a;
    const Stopping *two = *(Stopping *const *)b;

    return one->order < two->order ? 1 : one->order > two->order ? -1 : 0;
}

/* Every VM that runs, the last to start first. @registry may be NULL: all at once then. */
static GPtrArray *
list_running(const DpCli *cli, const DpContext *context, const DpRegistry *registry)
{
    GPtrArray *vms = g_ptr_array_new_with_free_func(stopping_free);

    for (guint i = 0; i < context->runs->len; i++) {
        Stopping *vm = g_new0(Stopping, 1);
        const DpRegistered *entry;

        vm->run = context->runs->pdata[i];
        entry = registry != NULL ? dp_registry_find(registry, vm->run->vmx_path) : NULL;
        vm->order = entry != NULL && entry->order > 0 ? entry->order : INT_MAX;
        vm->timeout_s = cli->options->timeout_s >= 0 ? cli->options->timeout_s
                        : entry != NULL              ? entry->timeout_s
                                                     : DP_STOP_TIMEOUT_S;
        vm->outcome = dp_outcome_new();
        g_ptr_array_add(vms, vm);
    }
    g_ptr_array_sort(vms, compare_last_first);
    return vms;
}

/* Hard, where the guest did not end, or could not be asked. */
static void
force(DpCli *cli, DpRoot *root, Stopping *vm, const char *why)
{
    g_autoptr(DpOutcome) outcome = dp_outcome_new();
    g_autoptr(GError) failure = NULL;
    bool ok = dp_vm_power_off(root, vm->run, outcome, &failure);

    ok = ok || (dp_run_is_orphan(root, vm->run->id) && dp_cli_end_orphan(cli, vm->run));
    if (!ok && outcome->changed) {
        /* Its engine has ended, and what could not be given back is told. */
        dp_diags_extend(cli->diags, outcome->diags);
        ok = true;
    }
    if (ok || g_error_matches(failure, DP_ERROR, DP_ERROR_NOT_FOUND)) {
        dp_diags_add(cli->diags, DP_DIAG_VM_FORCED_OFF, vm->run->name, "\"%s\" was powered off: %s",
                     vm->run->name, why);
        vm->how = "forced";
    } else {
        dp_diags_extend(cli->diags, outcome->diags);
        dp_diags_add(cli->diags, DP_DIAG_VM_LEFT_ON, vm->run->name, "%s", failure->message);
        vm->how = "left";
    }
}

/* Another command may talk to the engine for a moment. */
static void
ask(DpRoot *root, Stopping *vm)
{
    for (unsigned try = 0; vm->stop == NULL && vm->how == NULL && try < ASK_TRIES; try++) {
        g_autoptr(GError) failure = NULL;

        vm->stop = dp_vm_stop_ask(root, vm->run, &failure);
        if (g_error_matches(failure, DP_ERROR, DP_ERROR_NOT_FOUND)) {
            vm->how = "guest"; /* it has ended by itself */
        }
    }
}

static void
await(DpCli *cli, DpRoot *root, Stopping *vm)
{
    g_autofree char *shown = dp_text_visible(vm->run->name, -1);
    g_autoptr(GError) failure = NULL;

    if (vm->how != NULL || (vm->stop != NULL && dp_vm_stop_wait(root, vm->stop, vm->timeout_s,
                                                                vm->outcome, &failure))) {
        vm->how = "guest";
    } else if (dp_diags_have(vm->outcome->diags, DP_DIAG_VM_GUEST_DEAF)) {
        force(cli, root, vm, "its guest did not shut down in its time");
    } else if (vm->outcome->changed) {
        /* It is off, and what could not be given back is told. */
        dp_diags_extend(cli->diags, vm->outcome->diags);
        vm->how = "guest";
    } else {
        force(cli, root, vm, failure != NULL ? failure->message : "its guest could not be asked");
    }
    dp_out(cli, "  %s: %s", shown,
           strcmp(vm->how, "guest") == 0    ? "its guest has shut down"
           : strcmp(vm->how, "forced") == 0 ? "powered off"
                                            : "not off");
}

/* The VMs of one number: all are asked, then each is waited for. */
static void
stop_group(DpCli *cli, DpRoot *root, Stopping **group, guint n)
{
    for (guint i = 0; i < n; i++) {
        ask(root, group[i]);
    }
    for (guint i = 0; i < n; i++) {
        await(cli, root, group[i]);
    }
}

static void
stop_all(DpCli *cli, DpRoot *root, const GPtrArray *vms)
{
    for (guint i = 0, n; i < vms->len; i += n) {
        Stopping **group = (Stopping **)(void *)vms->pdata + i;

        for (n = 1; i + n < vms->len && group[n]->order == group[0]->order; n++) {
        }
        stop_group(cli, root, group, n);
    }
}

static guint
report(DpCli *cli, const GPtrArray *vms)
{
    json_t *list = json_array();
    guint left = 0;

    for (guint i = 0; i < vms->len; i++) {
        const Stopping *vm = vms->pdata[i];

        left += strcmp(vm->how, "left") == 0 ? 1 : 0;
        json_array_append_new(
            list, dp_json_pack("{s:o, s:o, s:o, s:s}", "vmx", dp_json_text(vm->run->vmx_path),
                               "name", dp_json_text(vm->run->name), "order",
                               vm->order == INT_MAX ? json_null() : json_integer(vm->order), "how",
                               vm->how));
    }
    json_object_set_new(cli->doc, "vms", list);
    json_object_set_new(cli->doc, "changed", json_boolean(left < vms->len));
    return left;
}

bool
dp_cli_shut_down_all(DpCli *cli, GError **error)
{
    g_autoptr(DpContext) context = dp_context_new(cli, DP_LOOK, error);
    g_autoptr(DpProgress) progress G_GNUC_UNUSED = NULL;
    g_autoptr(DpRegistry) registry = NULL;
    g_autoptr(GPtrArray) vms = NULL;
    g_autoptr(DpOutcome) outcome = dp_outcome_new();
    guint left;

    if (context == NULL) {
        return false;
    }
    /* A list that nobody can read is told, and is no reason to let a guest be killed. */
    registry = dp_registry_load(context->root, cli->diags, NULL);
    vms = list_running(cli, context, registry);
    dp_report_outcome(cli, outcome);
    progress = dp_progress_begin(cli, "waiting for the guests to shut down");
    stop_all(cli, context->root, vms);
    left = report(cli, vms);
    if (vms->len == 0) {
        dp_out(cli, "No VM is powered on.");
    }
    if (left == 0) {
        return true;
    }
    cli->exit = left < vms->len ? DP_EXIT_PARTLY : cli->exit;
    return dp_fail(error, DP_ERROR_IO, "%u of %u VMs are not off", left, vms->len);
}
