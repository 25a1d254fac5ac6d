/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "context.h"

#include "assign/quarantine.h"
#include "assign/sysfs.h"
#include "output.h"
#include "verbs.h"

#include <unistd.h>

/* What a glance gives a read that is blocked in the kernel: far more than a lock that is only
 * passed on needs, and little enough for a person not to notice. */
#define GLANCE_BLOCKED_MS 20
/* How long a command that changes something waits for another one. */
#define LOCK_TIMEOUT_MS 15000

static void
clear_loaded(DpContext *context)
{
    if (context->root != NULL) {
        context->root->locked = NULL;
    }
    g_clear_pointer(&context->gone, g_ptr_array_unref);
    g_clear_pointer(&context->runs, g_ptr_array_unref);
    g_clear_pointer(&context->armed, dp_armed_free);
    g_clear_pointer(&context->intent, dp_intent_free);
    g_clear_pointer(&context->locked, g_ptr_array_unref);
    g_clear_pointer(&context->policy, dp_policy_free);
    g_clear_pointer(&context->host, dp_host_free);
    g_clear_pointer(&context->map, dp_map_free);
    g_clear_pointer(&context->compat, dp_compat_free);
    g_clear_pointer(&context->conf, dp_esxconf_free);
}

void
dp_context_free(DpContext *context)
{
    if (context == NULL) {
        return;
    }
    g_clear_pointer(&context->names, dp_names_free);
    clear_loaded(context);
    dp_close_fd(&context->lock);
    g_clear_pointer(&context->root, dp_root_free);
    g_clear_pointer(&context->diags, g_ptr_array_unref);
    g_free(context);
}

/* Against the cards that stand beside the store. Where these cannot be read, nothing is known to be
 * another card, and the command that changes something says why. */
static GPtrArray *
find_gone(const DpContext *context)
{
    g_autoptr(DpIdentities) identities = dp_identities_load(context->root, context->diags, NULL);

    return identities == NULL ? g_ptr_array_new()
                              : dp_stored_gone(context->host, context->conf, identities);
}

/* Reads everything anew: at the beginning, and after something was put right. */
static bool
load(DpContext *context, GError **error)
{
    g_autoptr(GPtrArray) quarantine = NULL;

    g_ptr_array_set_size(context->diags, 0);
    clear_loaded(context);

    context->conf = dp_store_load(context->root, context->diags, error);
    if (context->conf == NULL) {
        return false;
    }
    context->map = dp_store_load_map(context->root, context->diags, error);
    context->compat =
        context->map != NULL ? dp_store_load_compat(context->root, context->diags, error) : NULL;
    if (context->compat == NULL) {
        return false;
    }
    dp_context_load_pending(context);
    context->host = context->unseen ? dp_host_unseen() : dp_host_scan(context->root, error);
    if (context->host == NULL) {
        return false;
    }
    quarantine = dp_quarantine_load(context->root, context->host, context->diags);
    context->policy = dp_policy_new_with(context->host, context->map, context->compat, quarantine);
    context->runs = dp_run_list(context->root);
    context->gone = find_gone(context);
    dp_diags_extend(context->diags, context->host->diags);
    dp_diags_extend(context->diags, context->policy->diags);
    return true;
}

/* What the dead have left is put right first. The caller holds the lock. */
static bool
recover(DpContext *context, DpCli *cli, GError **error)
{
    g_autoptr(DpOutcome) outcome = dp_outcome_new();
    DpChange change = dp_context_change(context, cli);
    DpVmEnv env = dp_context_vm_env(context);
    bool ok;

    change.n_overrides = 0;
    ok = dp_assign_recover(&change, outcome, error) && dp_assign_tend(&change, outcome, error) &&
         dp_vm_recover(&env, outcome, error);
    dp_diags_extend(cli->diags, outcome->diags);
    dp_context_load_pending(context);
    /* One that waits still has changed nothing, and a second scan is not for nothing. */
    if (ok && (outcome->changed || outcome->n_done > 0 || outcome->n_failed > 0)) {
        ok = load(context, error);
    }
    return ok;
}

/* Puts right what it can if it got the lock. What it cannot (an engine that does not end, say) is
 * told, stays in use, and is no reason to refuse work with everything else. */
static bool
recover_in_passing(DpContext *context, DpCli *cli)
{
    g_autoptr(GError) error = NULL;

    if (context->lock < 0 || recover(context, cli, &error)) {
        return true;
    }
    dp_diags_add(cli->diags, DP_DIAG_SYSTEM_FAILED, "directpath",
                 "what a command or VM that died has left could not be put right: %s",
                 error->message);
    return context->runs != NULL;
}

/* A power-on holds the lock longer than any other command. */
static int
lock_store(DpRoot *root, GError **error)
{
    g_autoptr(GError) failure = NULL;
    int lock = dp_store_lock(root, LOCK_TIMEOUT_MS, &failure), more_ms;

    if (lock < 0) {
        more_ms = g_error_matches(failure, DP_ERROR, DP_ERROR_BUSY) ? dp_run_starting_ms(root) : 0;
        if (more_ms > 0) {
            return dp_store_lock(root, more_ms, error);
        }
        g_propagate_error(error, g_steal_pointer(&failure));
    }
    return lock;
}

DpContext *
dp_context_new(DpCli *cli, DpContextMode mode, GError **error)
{
    g_autoptr(DpContext) context = g_new0(DpContext, 1);
    bool dry = dp_options_have(cli->options, DP_OPT_DRY_RUN);
    bool heals;

    context->lock = -1;
    context->diags = dp_diags_new();
    context->root = dp_root_open(cli->options->root, error);
    if (context->root == NULL) {
        return NULL;
    }
    if (mode == DP_CHANGE && !dry) {
        context->lock = lock_store(context->root, error);
        if (context->lock < 0) {
            return NULL;
        }
    }
    context->begun_us = g_get_monotonic_time();
    heals = context->root->live && geteuid() == 0 && !dry;
    context->unseen = mode == DP_CHANGE && !context->root->live &&
                      !dp_sysfs_exists(context->root, "sys/bus/pci/devices");
    context->root->blocked_ms = mode == DP_GLANCE ? GLANCE_BLOCKED_MS : 0;
    if (mode != DP_CHANGE && heals) {
        /* Before anything is read: what is put right by must not be of the time before the lock. */
        context->lock = dp_store_lock(context->root, 0, NULL);
    }
    if (!load(context, error)) {
        return NULL;
    }
    if (heals) {
        if (!recover_in_passing(context, cli) && !load(context, error)) {
            return NULL;
        }
    }
    if (mode != DP_CHANGE) {
        dp_close_fd(&context->lock);
        context->lock = -1;
    }
    return g_steal_pointer(&context);
}

DpNames *
dp_context_names(DpContext *context)
{
    if (context->names == NULL) {
        context->names = dp_names_new();
    }
    return context->names;
}

const char *
dp_context_used_by(const DpContext *context, const DpAddr *addr)
{
    return dp_run_used_by(addr, context->runs);
}

bool
dp_context_reboot_required(const DpContext *context)
{
    for (guint i = 0; i < context->policy->verdicts->len; i++) {
        const DpVerdict *verdict = context->policy->verdicts->pdata[i];

        if (verdict->assignable &&
            dp_context_state(context, verdict, NULL) == DP_STATE_REBOOT_REQUIRED) {
            return true;
        }
    }
    return false;
}

static char *
name_of(const DpFunction *fn, void *user)
{
    return dp_names_function(dp_context_names(user), fn);
}

DpChange
dp_context_change(DpContext *context, const DpCli *cli)
{
    return (DpChange){
        .root = context->root,
        .host = context->host,
        .policy = context->policy,
        .conf = context->conf,
        .dry_run = dp_options_have(cli->options, DP_OPT_DRY_RUN),
        .with_unit = dp_options_have(cli->options, DP_OPT_WITH_UNIT),
        .overrides = (const int *)(void *)cli->options->overrides->data,
        .n_overrides = cli->options->overrides->len,
        .confirm_within_s = cli->options->confirm_within_s,
        .take_system_id = dp_options_have(cli->options, DP_OPT_TAKE_SYSTEM_ID),
        .used_by = dp_run_used_by,
        .used_by_user = context->runs,
        .name_of = name_of,
        .name_of_user = context,
    };
}

DpVmEnv
dp_context_vm_env(const DpContext *context)
{
    return (DpVmEnv){
        .root = context->root,
        .vfio = dp_vfio_kernel(),
        .host = context->host,
        .policy = context->policy,
        .conf = context->conf,
    };
}

const DpVerdict *
dp_context_arg(const DpContext *context, DpCli *cli, guint index, GError **error)
{
    const DpVerdict *verdict;
    char name[DP_ADDR_LEN];
    DpAddr addr;

    if (!dp_addr_parse(dp_cli_arg(cli, index), &addr, error)) {
        return NULL;
    }
    verdict = dp_policy_verdict(context->policy, &addr);
    if (verdict == NULL) {
        dp_addr_format(&addr, name);
        dp_diags_add(cli->diags, DP_DIAG_NO_SUCH_FUNCTION, name,
                     "there is no function at this address");
        (void)dp_fail(error, DP_ERROR_NOT_FOUND, "there is no function %s on this host", name);
    }
    return verdict;
}
