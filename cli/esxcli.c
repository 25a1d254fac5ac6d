/* SPDX-License-Identifier: GPL-2.0-or-later */
/* esxcli hardware pci pcipassthru list and set, esxcli system uuid get. */
#include "document.h"
#include "output.h"
#include "removal.h"
#include "verbs.h"

/* ESXi lists what it calls capable; what is stored stays in the list when a reason against it
 * turns up later. */
static bool
is_listed(const DpContext *context, const DpVerdict *verdict)
{
    return verdict->assignable &&
           (verdict->allowed ||
            dp_policy_stored_owner(context->conf, verdict->fn, NULL) == DP_OWNER_PASSTHRU);
}

bool
dp_cmd_esxcli_passthru_list(DpCli *cli, GError **error)
{
    g_autoptr(DpContext) context = dp_context_new(cli, DP_LOOK, error);
    json_t *devices = json_array();

    json_object_set_new(cli->doc, "devices", devices);
    if (context == NULL) {
        return false;
    }
    dp_out(cli, "Device ID     Enabled\n------------  -------");
    for (guint i = 0; i < context->policy->verdicts->len; i++) {
        const DpVerdict *verdict = context->policy->verdicts->pdata[i];
        bool enabled =
            dp_policy_stored_owner(context->conf, verdict->fn, NULL) == DP_OWNER_PASSTHRU;

        if (is_listed(context, verdict)) {
            dp_out(cli, "%-12s  %7s", verdict->fn->name, enabled ? "true" : "false");
            json_array_append_new(devices,
                                  dp_json_pack("{s:s, s:b}", "Device ID", verdict->fn->name,
                                               "Enabled", (int)enabled));
        }
    }
    return true;
}

static bool
check_set(const DpCli *cli, DpAddr *ret_addr, GError **error)
{
    if (!dp_options_have(cli->options, DP_OPT_DEVICE_ID) ||
        !dp_options_have(cli->options, DP_OPT_ENABLE)) {
        return dp_fail(error, DP_ERROR_USAGE, "'%s' needs --device-id ADDR and --enable true|false",
                       cli->verb->words);
    }
    return dp_addr_parse(cli->options->device_id, ret_addr, error);
}

static void
say_set(const DpCli *cli, const DpOutcome *outcome)
{
    if (dp_options_have(cli->options, DP_OPT_DRY_RUN)) {
        dp_out_steps(cli, outcome->steps);
    } else if (outcome->reboot_required && !dp_options_have(cli->options, DP_OPT_QUIET)) {
        dp_out(cli, "Stored; it takes effect at the next boot.");
    }
}

/* As after `device disable`: who takes a device from the VMs may want to take the card out. */
static void
say_next(DpCli *cli, DpContext *context, const DpAddr *addr)
{
    g_autoptr(GArray) addrs = g_array_new(false, false, sizeof(DpAddr));

    if (!cli->options->enable && !dp_options_have(cli->options, DP_OPT_DRY_RUN)) {
        g_array_append_val(addrs, *addr);
        dp_report_removal(cli, context, addrs);
    }
}

bool
dp_cmd_esxcli_passthru_set(DpCli *cli, GError **error)
{
    g_autoptr(DpOutcome) outcome = dp_outcome_new();
    g_autoptr(DpProgress) progress G_GNUC_UNUSED = NULL;
    g_autoptr(DpContext) context = NULL;
    DpChange change;
    DpAddr addr;
    bool ok;

    if (!check_set(cli, &addr, error)) {
        return false;
    }
    progress = dp_progress_begin(cli, cli->options->enable ? "enabling" : "disabling");
    context = dp_context_new(cli, DP_CHANGE, error);
    if (context == NULL) {
        return false;
    }
    change = dp_context_change(context, cli);
    change.store_only = !dp_options_have(cli->options, DP_OPT_APPLY_NOW);
    ok = cli->options->enable ? dp_assign_enable(&change, &addr, 1, outcome, error)
                              : dp_assign_disable(&change, &addr, 1, outcome, error);
    dp_report_outcome(cli, outcome);
    if (ok) {
        say_set(cli, outcome);
        say_next(cli, context, &addr);
    }
    return ok;
}

bool
dp_cmd_esxcli_uuid(DpCli *cli, GError **error)
{
    return dp_out_system_id(cli, error);
}
