/* SPDX-License-Identifier: GPL-2.0-or-later */
/* device enable, disable, confirm and forget: doing. */
#include "document.h"
#include "output.h"
#include "removal.h"
#include "verbs.h"

static GArray *
parse_addrs(const DpCli *cli, GError **error)
{
    g_autoptr(GArray) addrs = g_array_new(false, false, sizeof(DpAddr));

    for (guint i = 0; i < dp_cli_n_args(cli); i++) {
        DpAddr addr;

        if (!dp_addr_parse(dp_cli_arg(cli, i), &addr, error)) {
            return NULL;
        }
        g_array_append_val(addrs, addr);
    }
    return g_steal_pointer(&addrs);
}

void
dp_say_outcome(const DpCli *cli, const DpRoot *root, const DpOutcome *outcome, const char *done)
{
    bool dry = dp_options_have(cli->options, DP_OPT_DRY_RUN);

    if (dry) {
        dp_out_steps(cli, outcome->steps);
        return;
    }
    if (dp_options_have(cli->options, DP_OPT_VERBOSE) && outcome->steps->len > 0) {
        dp_out_steps(cli, outcome->steps);
    }
    if (outcome->armed_s > 0) {
        dp_out(cli,
               "Enabled for %d s: to keep it, run 'directpath device confirm' within that time.",
               outcome->armed_s);
    } else if (outcome->changed && !root->live) {
        dp_out(cli, "Stored.");
    } else if (outcome->reboot_required) {
        dp_out(cli,
               "Stored. The running kernel could not follow: it takes effect at the next boot.");
    } else if (!dp_options_have(cli->options, DP_OPT_QUIET)) {
        dp_out(cli, "%s", outcome->changed ? done : "Nothing to do: it is so already.");
    }
}

void
dp_report_outcome(DpCli *cli, const DpOutcome *outcome)
{
    bool dry = dp_options_have(cli->options, DP_OPT_DRY_RUN);

    json_object_update_new(
        cli->doc, dp_json_pack("{s:b, s:b, s:b, s:o}", "changed", (int)(outcome->changed && !dry),
                               "reboot_required", (int)outcome->reboot_required, "dry_run",
                               (int)dry, "steps", dp_steps_json(outcome->steps)));
    if (outcome->armed_s > 0) {
        json_object_set_new(cli->doc, "confirm_within", json_integer(outcome->armed_s));
    }
    dp_diags_extend(cli->diags, outcome->diags);
}

typedef struct {
    bool (*act)(
        const DpChange *change, const DpAddr *addrs, size_t n, DpOutcome *outcome, GError **error);
    const char *what, *done;
    bool removal; /* the cards may be taken out afterwards */
} Act;

static bool
change_devices(DpCli *cli, const Act *act, GError **error)
{
    g_autoptr(DpOutcome) outcome = dp_outcome_new();
    g_autoptr(GArray) addrs = parse_addrs(cli, error);
    g_autoptr(DpProgress) progress G_GNUC_UNUSED = NULL;
    g_autoptr(DpContext) context = NULL;
    DpChange change;
    bool ok;

    if (addrs == NULL) {
        return false;
    }
    progress = dp_progress_begin(cli, act->what);
    context = dp_context_new(cli, DP_CHANGE, error);
    if (context == NULL) {
        return false;
    }
    change = dp_context_change(context, cli);
    ok = act->act(&change, (const DpAddr *)(void *)addrs->data, addrs->len, outcome, error);
    dp_report_outcome(cli, outcome);
    if (ok) {
        dp_say_outcome(cli, context->root, outcome, act->done);
    }
    if (ok && act->removal && !change.dry_run) {
        dp_report_removal(cli, context, addrs);
    }
    return ok;
}

bool
dp_cmd_device_enable(DpCli *cli, GError **error)
{
    static const Act enable = {dp_assign_enable, "enabling", "Enabled: ready for a VM.", false};

    return change_devices(cli, &enable, error);
}

bool
dp_cmd_device_disable(DpCli *cli, GError **error)
{
    static const Act disable = {dp_assign_disable, "disabling", "Disabled: the host has it back.",
                                true};

    return change_devices(cli, &disable, error);
}

/* What the recovery of this very command has taken back cannot be confirmed any more. */
static bool
check_in_time(DpCli *cli, GError **error)
{
    if (!dp_diags_have(cli->diags, DP_DIAG_ARMED_TAKEN_BACK)) {
        return true;
    }
    dp_diags_add(cli->diags, DP_DIAG_CONFIRM_LATE, "directpath",
                 "there is nothing left to confirm: the change was taken back");
    return dp_fail(error, DP_ERROR_REFUSED, "refused");
}

bool
dp_cmd_device_confirm(DpCli *cli, GError **error)
{
    g_autoptr(DpOutcome) outcome = dp_outcome_new();
    g_autoptr(DpContext) context = dp_context_new(cli, DP_CHANGE, error);
    DpChange change;
    bool ok;

    if (context == NULL || !check_in_time(cli, error)) {
        return false;
    }
    change = dp_context_change(context, cli);
    ok = dp_assign_confirm(&change, outcome, error);
    dp_report_outcome(cli, outcome);
    if (ok) {
        dp_say_outcome(cli, context->root, outcome, "Kept: it is stored and holds after a reboot.");
    }
    return ok;
}

bool
dp_cmd_device_forget(DpCli *cli, GError **error)
{
    static const Act forget = {dp_assign_forget, "forgetting", "Forgotten.", true};

    return change_devices(cli, &forget, error);
}
