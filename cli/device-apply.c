/* SPDX-License-Identifier: GPL-2.0-or-later */
/* device apply: at boot, and whenever bindings are to be as stored. */
#include "assign/early.h"
#include "document.h"
#include "drift.h"
#include "output.h"
#include "verbs.h"

/* How long a boot waits: the scan counts, and each driver has five seconds to let go. The wait for
 * the store's lock has a deadline of its own, and must not leave everything undone. */
#define APPLY_WITHIN_US (30 * G_USEC_PER_SEC)
#define EARLY_WITHIN_US (10 * G_USEC_PER_SEC)

/* Lines that nobody can read claim nothing; at boot that is told, where else nobody looks. */
static void
report_lines(DpCli *cli, const DpContext *context)
{
    for (guint i = 0; i < context->diags->len; i++) {
        const DpDiag *diag = context->diags->pdata[i];

        if (diag->row->id == DP_DIAG_ESXCONF_LINE_NOT_READ ||
            diag->row->id == DP_DIAG_ESXCONF_DEVICE_NOT_READ) {
            dp_diag_set_cause(
                dp_diags_add(cli->diags, diag->row->id, diag->subject, "%s", diag->message), "%s",
                diag->cause);
        }
    }
}

static void
report_nothing(DpCli *cli, const GError *error)
{
    dp_diags_add(cli->diags, DP_DIAG_NOTHING_CLAIMED, "directpath", "nothing was claimed: %s",
                 error->message);
}

/* The host boots all the same; who reads the journal is told what it lacks. */
static DpContext *
look_for_apply(DpCli *cli, GError **error)
{
    g_autoptr(GError) failure = NULL;
    DpContext *context = dp_context_new(cli, DP_CHANGE, &failure);

    if (context == NULL) {
        report_nothing(cli, failure);
        g_propagate_error(error, g_steal_pointer(&failure));
    } else {
        report_lines(cli, context);
    }
    return context;
}

/* Drivers wait for this one: whatever is not done in time is done by the other. */
static bool
apply_early(DpCli *cli, GError **error)
{
    int64_t until_us = g_get_monotonic_time() + EARLY_WITHIN_US;
    g_autoptr(DpOutcome) outcome = dp_outcome_new();
    g_autoptr(DpRoot) root = dp_root_open(cli->options->root, error);
    g_autoptr(GError) failure = NULL;
    bool ok;

    if (root == NULL) {
        return false;
    }
    ok = dp_assign_early(root, until_us, outcome, &failure);
    dp_report_outcome(cli, outcome);
    if (ok) {
        dp_say_outcome(cli, root, outcome, "Claimed: vfio-pci has them when it comes.");
        /* A disk or a card that comes later in the boot: not all is claimed yet. */
        cli->exit = outcome->n_absent > 0 ? DP_EXIT_PARTLY : DP_EXIT_DONE;
        return true;
    }
    if (outcome->n_done == 0) {
        report_nothing(cli, failure);
    } else {
        cli->exit = DP_EXIT_PARTLY;
    }
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
}

static bool
apply(DpCli *cli, GError **error)
{
    g_autoptr(DpOutcome) outcome = dp_outcome_new();
    g_autoptr(DpProgress) progress G_GNUC_UNUSED =
        dp_progress_begin(cli, "applying what is stored");
    bool release = dp_options_have(cli->options, DP_OPT_RELEASE);
    g_autoptr(DpContext) context = look_for_apply(cli, error);
    DpChange change;
    bool ok;

    if (context == NULL) {
        return false;
    }
    change = dp_context_change(context, cli);
    change.until_us = context->begun_us + APPLY_WITHIN_US;
    change.release = release;
    ok = dp_assign_apply(&change, outcome, error);
    dp_report_outcome(cli, outcome);
    if (ok) {
        dp_say_outcome(cli, context->root, outcome,
                       release ? "Given back to the host; what is stored stays."
                               : "All bindings are as stored.");
        if (!release && !change.dry_run && !outcome->reboot_required && context->gone->len == 0) {
            dp_record_good_boot(cli, context, &change);
        }
    } else if (outcome->n_done > 0 && outcome->n_failed > 0) {
        cli->exit = DP_EXIT_PARTLY;
    }
    return ok;
}

bool
dp_cmd_device_apply(DpCli *cli, GError **error)
{
    if (!dp_options_have(cli->options, DP_OPT_EARLY)) {
        return apply(cli, error);
    }
    if ((cli->options->given & (DP_OPT_DRY_RUN | DP_OPT_RELEASE)) != 0) {
        return dp_fail(error, DP_ERROR_USAGE,
                       "--early does not go together with --dry-run or --release");
    }
    return apply_early(cli, error);
}
