/* SPDX-License-Identifier: GPL-2.0-or-later */
/* device reset. */
#include "assign/quarantine.h"
#include "document.h"
#include "output.h"
#include "verbs.h"
#include "visit.h"

static void
dry_reset(DpCli *cli, const DpVerdict *verdict)
{
    g_autoptr(DpOutcome) outcome = dp_outcome_new();
    DpStep *step = g_new0(DpStep, 1);

    step->action = g_strdup("reset");
    step->subject = g_strdup(verdict->fn->name);
    step->detail = g_strdup(dp_reset_method_name(verdict->reset.method));
    g_ptr_array_add(outcome->steps, step);
    json_object_set_new(cli->doc, "reset",
                        json_string(dp_reset_method_name(verdict->reset.method)));
    dp_report_outcome(cli, outcome);
    dp_out_steps(cli, outcome->steps);
}

static bool
reset(DpCli *cli, DpContext *context, const DpVerdict *verdict, GError **error)
{
    DpSessionReport report;
    json_t *stages = json_array();
    bool done = dp_assign_visit(context->root, dp_vfio_kernel(), verdict, false, &report,
                                cli->diags, error);
    bool was_quarantined = verdict->quarantined != NULL;
    bool hit = report.steps[DP_SESSION_RESET].result == DP_STEP_PASSED;

    dp_visit_stages(stages, verdict, &report);
    json_object_set_new(cli->doc, "stages", stages);
    json_object_set_new(cli->doc, "changed",
                        json_boolean(hit || report.quarantined != was_quarantined));
    json_object_set_new(cli->doc, "quarantined", json_boolean(report.quarantined));
    dp_visit_reset_json(cli->doc, &report);
    if (done) {
        dp_out(cli, "%s: reset by %s, and it came back.", verdict->fn->name,
               dp_reset_method_name(report.method));
    } else if (hit) {
        dp_out(cli, "%s: reset by %s, and it is not usable now.", verdict->fn->name,
               dp_reset_method_name(report.method));
    } else {
        dp_out(cli, "%s: not reset.", verdict->fn->name);
    }
    if (!dp_options_have(cli->options, DP_OPT_QUIET)) {
        dp_out_visit(cli, verdict, &report);
    }
    return done;
}

/* Nothing is reset: a person says that there was no power. */
static bool
end_quarantine(DpCli *cli, const DpContext *context, const DpVerdict *verdict, GError **error)
{
    bool dry = dp_options_have(cli->options, DP_OPT_DRY_RUN);
    bool was = verdict->quarantined != NULL;

    if (!dp_quarantine_power_cycled(context->root, verdict, dry, cli->diags, error)) {
        return false;
    }
    json_object_set_new(cli->doc, "reset", json_string(dp_reset_method_name(DP_RESET_NONE)));
    json_object_set_new(cli->doc, "changed", json_boolean(was && !dry));
    json_object_set_new(cli->doc, "quarantined", json_boolean(was && dry));
    json_object_set_new(cli->doc, "dry_run", json_boolean(dry));
    dp_out(cli, "%s: %s", verdict->fn->name,
           !was  ? "it is not quarantined: nothing to do."
           : dry ? "its quarantine would end."
                 : "its quarantine is over.");
    return true;
}

bool
dp_cmd_device_reset(DpCli *cli, GError **error)
{
    g_autoptr(DpProgress) progress G_GNUC_UNUSED = dp_progress_begin(cli, "resetting");
    g_autoptr(DpContext) context = dp_context_new(cli, DP_CHANGE, error);
    const DpVerdict *verdict = context != NULL ? dp_context_arg(context, cli, 0, error) : NULL;

    if (verdict == NULL || !dp_check_resettable(cli, context, verdict, error)) {
        return false;
    }
    json_object_set_new(cli->doc, "device", json_string(verdict->fn->name));
    if (dp_options_have(cli->options, DP_OPT_POWER_CYCLED)) {
        return end_quarantine(cli, context, verdict, error);
    }
    if (dp_options_have(cli->options, DP_OPT_DRY_RUN)) {
        dry_reset(cli, verdict);
        return true;
    }
    return reset(cli, context, verdict, error);
}
