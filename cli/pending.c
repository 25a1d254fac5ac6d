/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of one function, and what is under way with it. */
#include "assign/holders.h"
#include "context.h"

/* What waits for its confirmation. Of a folder nothing does. */
static void
load_armed(DpContext *context)
{
    g_clear_pointer(&context->armed, dp_armed_free);
    if (context->root->live) {
        context->armed = dp_armed_read(context->root, NULL, NULL);
    }
    if (context->armed != NULL && context->armed->phase != DP_ARMED_ARMED) {
        g_clear_pointer(&context->armed, dp_armed_free);
    }
}

/* What an earlier command left waiting: functions whose lock is held are not asked again, since
 * each question would leave a process behind. */
static void
load_intent(DpContext *context)
{
    g_clear_pointer(&context->intent, dp_intent_free);
    g_clear_pointer(&context->locked, g_ptr_array_unref);
    context->locked = g_ptr_array_new();
    if (context->root->live) {
        context->intent = dp_intent_read(context->root, NULL, NULL);
    }
    for (guint i = 0; context->intent != NULL && i < context->intent->bindings->len; i++) {
        const DpBinding *binding = context->intent->bindings->pdata[i];

        if (binding->stuck) {
            g_ptr_array_add(context->locked, (gpointer)binding->name);
        }
    }
    g_ptr_array_add(context->locked, NULL);
    context->root->locked = (const char *const *)context->locked->pdata;
}

void
dp_context_load_pending(DpContext *context)
{
    load_armed(context);
    load_intent(context);
}

bool
dp_context_armed(const DpContext *context, const DpFunction *fn)
{
    return context->armed != NULL && dp_armed_find(context->armed, fn->name) != NULL;
}

static void
report_armed(const DpContext *context, const DpFunction *fn, DpDiagList *diags)
{
    DpDiag *diag = dp_diags_add(diags, DP_DIAG_ARMED, fn->name,
                                "%s: enabled for now; it is taken back in %d s unless it is "
                                "confirmed",
                                fn->name, dp_armed_left_s(context->armed));

    if (diag != NULL) {
        dp_diag_set_remedy(diag,
                           "to keep it: directpath device confirm; to take it back now: directpath "
                           "device disable %s",
                           fn->name);
    }
}

/* True if the store means another card than the one that is at the address now. */
static bool
is_exchanged(const DpContext *context, const DpFunction *fn)
{
    for (guint i = 0; i < context->gone->len; i++) {
        if (((const DpStoredGone *)context->gone->pdata[i])->there == fn) {
            return true;
        }
    }
    return false;
}

/* The change of driver of @fn that does not come to its end, if there is one. Who has it open is
 * looked for only if it is to be told. */
static bool
find_wait(
    const DpContext *context, const DpFunction *fn, bool tell, DpWait *ret_wait, char **holders)
{
    const DpBinding *waiting = context->intent != NULL && context->intent->pending
                                   ? dp_intent_find(context->intent, fn->name)
                                   : NULL;
    bool stuck = dp_diags_have(fn->diags, DP_DIAG_SYSFS_STUCK);
    bool stays = dp_policy_on_vfio(fn) &&
                 dp_policy_stored_owner(context->conf, fn, NULL) != DP_OWNER_PASSTHRU;

    *holders = NULL;
    if (!dp_policy_on_vfio(fn) && dp_policy_claims_off(context->host)) {
        *ret_wait = (DpWait){.claims_off = true};
        return dp_policy_stored_owner(context->conf, fn, NULL) == DP_OWNER_PASSTHRU;
    }
    if (!context->root->live || (waiting == NULL && !stuck && !stays)) {
        return false;
    }
    *holders = tell ? dp_holders_of_function(context->root, fn) : NULL;
    *ret_wait = (DpWait){.holders = *holders, .finishes = waiting != NULL};
    return waiting != NULL || stuck || *holders != NULL;
}

DpState
dp_context_state(const DpContext *context, const DpVerdict *verdict, DpDiagList *diags)
{
    const char *used_by = dp_context_used_by(context, &verdict->fn->addr);
    g_autofree char *holders = NULL;
    DpWait wait;
    bool waits;

    if (dp_context_armed(context, verdict->fn)) {
        report_armed(context, verdict->fn, diags);
        diags = NULL; /* that is why it is pending */
    }
    if (used_by == NULL && verdict->assignable && !dp_policy_on_vfio(verdict->fn) &&
        is_exchanged(context, verdict->fn)) {
        return verdict->allowed ? DP_STATE_AVAILABLE : DP_STATE_UNAVAILABLE;
    }
    waits = used_by == NULL && find_wait(context, verdict->fn, diags != NULL, &wait, &holders);
    return dp_policy_state(verdict, context->conf, used_by, waits ? &wait : NULL, diags);
}
