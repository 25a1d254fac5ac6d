/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vm power-on, shut-down and power-off: doing. */
#include "base/text.h"
#include "output.h"
#include "verbs.h"
#include "vm/registry.h"
#include "vmall.h"
#include "vmxedit.h"

#include <string.h>

static void
report_plan(DpCli *cli, const DpPlan *plan)
{
    json_t *engine = json_array();

    for (guint i = 0; i < plan->argv->len && plan->argv->pdata[i] != NULL; i++) {
        json_array_append_new(engine, dp_json_text(plan->argv->pdata[i]));
    }
    json_object_set_new(cli->doc, "steps", dp_steps_json(plan->steps));
    json_object_set_new(cli->doc, "engine", engine);
    json_object_set_new(cli->doc, "passthrough", dp_plan_devices_report(cli, plan));
    json_object_set_new(cli->doc, "interfaces", dp_plan_interfaces_report(cli, plan));
    json_object_set_new(cli->doc, "memory", json_integer((json_int_t)plan->memory));
    json_object_set_new(cli->doc, "locked_memory", json_integer((json_int_t)plan->memlock));
    json_object_set_new(cli->doc, "reserved_memory", json_integer((json_int_t)plan->reserved));
    json_object_set_new(cli->doc, "page_size", json_integer((json_int_t)plan->page));
}

/* As it would be typed: an option and its value on one line. */
static void
out_engine(const DpCli *cli, const GPtrArray *argv)
{
    static const char plain[] =
        "-_.,:=/@+abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    g_autoptr(GString) line = g_string_new("  ");

    for (guint i = 0; i < argv->len && argv->pdata[i] != NULL; i++) {
        const char *word = argv->pdata[i];
        g_autofree char *shown = dp_text_visible_max(word, -1, DP_DIAG_TEXT_MAX);
        g_autofree char *quoted = g_shell_quote(shown);

        if (word[0] == '-' && i > 0) {
            dp_out(cli, "%s \\", line->str);
            g_string_assign(line, "   ");
        }
        g_string_append_printf(line, " %s", shown[strspn(shown, plain)] == '\0' ? shown : quoted);
    }
    dp_out(cli, "%s", line->str);
}

static void
dry_power_on(DpCli *cli, const DpPlan *plan)
{
    g_autofree char *name = dp_text_visible(plan->name, -1);

    dp_out(cli, "Power-on of %s would do this:", name);
    dp_out_steps(cli, plan->steps);
    report_plan(cli, plan);
    dp_out_heading(cli, "Engine");
    out_engine(cli, plan->argv);
    json_object_set_new(cli->doc, "dry_run", json_true());
    json_object_set_new(cli->doc, "changed", json_false());
}

static bool
launch(DpCli *cli, const DpContext *context, const DpPlan *plan, GError **error)
{
    g_autoptr(DpOutcome) outcome = dp_outcome_new();
    g_autoptr(DpRun) run = NULL;
    DpVmEnv env = dp_context_vm_env(context);
    bool ok = dp_vm_power_on(plan, &env, outcome, error);

    dp_report_outcome(cli, outcome);
    if (!ok) {
        return false;
    }
    run = dp_run_find(context->root, plan->vmx_path);
    json_object_set_new(cli->doc, "vm", run != NULL ? dp_run_json(run) : json_null());
    if (dp_options_have(cli->options, DP_OPT_VERBOSE)) {
        dp_out_steps(cli, outcome->steps);
    }
    if (run != NULL) {
        dp_out_fieldf(cli, "powered on", "%s (QEMU is process %d, user %u)", run->name,
                      (int)run->qemu_pid, (unsigned)run->uid);
        dp_out_field(cli, "display (VNC)", plan->vnc != NULL ? plan->vnc : "none");
        dp_out_field(cli, "log", run->log_path);
    }
    return true;
}

/* Nothing is to be done for one that runs; one that starts or ends is no answer yet. */
static bool
report_running(DpCli *cli, const DpRun *run, GError **error)
{
    json_object_set_new(cli->doc, "changed", json_false());
    if (!dp_run_is_on(run, error)) {
        return false;
    }
    json_object_set_new(cli->doc, "vm", dp_run_json(run));
    dp_out(cli, "It is powered on already (%s).", dp_vm_state_name(run->state));
    return true;
}

bool
dp_cli_power_on(DpCli *cli, const char *path, GError **error)
{
    bool dry = dp_options_have(cli->options, DP_OPT_DRY_RUN);
    g_autoptr(DpProgress) progress G_GNUC_UNUSED = NULL;
    g_autoptr(DpContext) context = NULL;
    g_autoptr(DpVmxFile) file = NULL;
    g_autoptr(DpPlan) plan = NULL;
    g_autoptr(DpRun) run = NULL;

    progress = dp_progress_begin(cli, "powering on: devices, memory, engine");
    context = dp_context_new(cli, DP_CHANGE, error);
    /* Not before: who waited for the lock may have seen the file edited meanwhile. */
    file = context != NULL ? dp_vmx_file_load(path, cli->diags, error) : NULL;
    if (file == NULL) {
        return false;
    }
    run = dry ? NULL : dp_run_find(context->root, file->path);
    if (run != NULL) {
        return report_running(cli, run, error);
    }
    plan = dp_cli_plan(cli, context, file);
    dp_diags_extend(cli->diags, plan->diags);
    if (dp_diags_have_error(cli->diags)) {
        json_object_set_new(cli->doc, "changed", json_false());
        return dp_fail(error, DP_ERROR_REFUSED, "%s: power-on is refused", plan->name);
    }
    if (dry) {
        dry_power_on(cli, plan);
        return true;
    }
    dp_vmx_write_slots(file, plan, cli->diags);
    return launch(cli, context, plan, error);
}

bool
dp_cmd_vm_power_on(DpCli *cli, GError **error)
{
    return dp_cli_power_on(cli, dp_cli_arg(cli, 0), error);
}

bool
dp_cli_end_orphan(DpCli *cli, const DpRun *run)
{
    g_autoptr(DpContext) context = dp_context_new(cli, DP_CHANGE, NULL);
    g_autoptr(DpRun) left = context != NULL ? dp_run_find(context->root, run->vmx_path) : NULL;

    return context != NULL && left == NULL;
}

bool
dp_cli_end_run(DpCli *cli,
               DpRoot *root,
               const DpRun *run,
               bool hard,
               DpOutcome *outcome,
               bool *ret_already,
               GError **error)
{
    int timeout = cli->options->timeout_s >= 0 ? cli->options->timeout_s : DP_STOP_TIMEOUT_S;
    g_autoptr(GError) failure = NULL;
    bool ok = hard ? dp_vm_power_off(root, run, outcome, &failure)
                   : dp_vm_shut_down(root, run, timeout, outcome, &failure);

    /* Its supervisor was done before this could look. */
    *ret_already = g_error_matches(failure, DP_ERROR, DP_ERROR_NOT_FOUND);
    if (ok || *ret_already || (dp_run_is_orphan(root, run->id) && dp_cli_end_orphan(cli, run))) {
        return true;
    }
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
}

static bool
end_vm(DpCli *cli, bool hard, GError **error)
{
    g_autoptr(DpOutcome) outcome = dp_outcome_new();
    g_autoptr(DpContext) context = dp_context_new(cli, DP_LOOK, error);
    g_autoptr(DpProgress) progress G_GNUC_UNUSED = NULL;
    g_autoptr(DpRun) run = NULL;
    bool ok, already;

    if (context == NULL) {
        return false;
    }
    run = dp_run_find(context->root, dp_cli_arg(cli, 0));
    if (run == NULL) {
        g_autoptr(DpVmxFile) file = dp_vmx_file_load(dp_cli_arg(cli, 0), NULL, error);

        dp_report_outcome(cli, outcome);
        dp_out(cli, "%s", file != NULL ? "It is powered off already." : "");
        return file != NULL;
    }
    progress = dp_progress_begin(cli, hard ? "powering off" : "waiting for the guest to shut down");
    ok = dp_cli_end_run(cli, context->root, run, hard, outcome, &already, error);
    dp_report_outcome(cli, outcome);
    if (ok) {
        dp_out(cli, already ? "It is powered off already." : "Powered off; its devices are back.");
    } else if (dp_diags_have(outcome->diags, DP_DIAG_VM_GUEST_DEAF)) {
        /* The guest's refusal is an answer, no failure of the system. */
        g_clear_error(error);
        return dp_fail(error, DP_ERROR_REFUSED, "%s: the guest did not shut down", run->name);
    } else if (outcome->changed) {
        cli->exit = DP_EXIT_PARTLY; /* off, and not all of its devices back */
    }
    return ok;
}

bool
dp_cmd_vm_shut_down(DpCli *cli, GError **error)
{
    bool all = dp_options_have(cli->options, DP_OPT_ALL);

    if (all != (dp_cli_n_args(cli) == 0)) {
        return dp_fail(error, DP_ERROR_USAGE, "'vm shut-down' needs FILE.vmx or --all");
    }
    return all ? dp_cli_shut_down_all(cli, error) : end_vm(cli, false, error);
}

bool
dp_cmd_vm_power_off(DpCli *cli, GError **error)
{
    return end_vm(cli, true, error);
}
