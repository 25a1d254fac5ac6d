/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Owners and states: the store against the running kernel. */
#include "private.h"

#define MAX_DEPTH 256

const char *
dp_state_name(DpState state)
{
    static const char *const names[] = {
        [DP_STATE_AVAILABLE] = "available",
        [DP_STATE_ACTIVE] = "active",
        [DP_STATE_REBOOT_REQUIRED] = "reboot-required",
        [DP_STATE_IN_USE] = "in-use",
        [DP_STATE_UNAVAILABLE] = "unavailable",
    };

    return names[state];
}

DpOwner
dp_policy_stored_owner(const DpEsxconf *conf, const DpFunction *fn, const DpFunction **ret_bridge)
{
    unsigned depth = 0;

    if (ret_bridge != NULL) {
        *ret_bridge = NULL;
    }
    for (const DpFunction *bridge = fn->parent; bridge != NULL && depth < MAX_DEPTH;
         bridge = bridge->parent, depth++) {
        if (dp_esxconf_owner(conf, &bridge->addr, NULL) == DP_OWNER_PASSTHRU) {
            if (ret_bridge != NULL) {
                *ret_bridge = bridge;
            }
            return DP_OWNER_PASSTHRU;
        }
    }
    return dp_esxconf_owner(conf, &fn->addr, NULL);
}

static const char *
driver_name(const DpFunction *fn)
{
    return fn->driver != NULL ? fn->driver : "no driver";
}

/* "; it is refused: DP1203, DP1205", or nothing. */
static char *
describe_errors(const DpVerdict *verdict)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < verdict->diags->len; i++) {
        const DpDiag *diag = verdict->diags->pdata[i];

        if (diag->severity == DP_ERROR_SEVERITY) {
            g_string_append_printf(text, "%sDP%d",
                                   text->len > 0 ? ", " : "; it is refused: ", (int)diag->row->id);
        }
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void
note_bridge(const DpFunction *fn,
            const DpEsxconf *conf,
            const DpFunction *bridge,
            DpDiagList *diags)
{
    bool present = false;

    if (bridge != NULL && dp_esxconf_owner(conf, &fn->addr, &present) == DP_OWNER_HOST && present) {
        dp_diags_add(diags, DP_DIAG_OWNED_BY_BRIDGE, fn->name,
                     "%s: its own line says vmkernel, but the bridge %s above it is passthru: the "
                     "bridge wins",
                     fn->name, bridge->name);
    }
}

/* Who keeps it from happening, if somebody does. */
static void
name_holders(DpDiag *diag, const DpFunction *fn, const DpWait *wait)
{
    if (diag == NULL || wait == NULL) {
        return;
    }
    if (wait->claims_off) {
        dp_diag_set_cause(diag, "the kernel was booted with directpath=off");
        dp_diag_set_remedy(diag,
                           "boot without directpath=off; to give it to the host for good: "
                           "directpath device disable %s",
                           fn->name);
    } else if (wait->holders != NULL) {
        dp_diag_set_cause(diag, "the device is open in %s", wait->holders);
        dp_diag_set_remedy(diag, "end %s: %s; or reboot the host", wait->holders,
                           wait->finishes ? "the change is finished by itself then"
                                          : "then run directpath device apply");
    } else {
        dp_diag_set_cause(diag, "the driver has not let go of %s yet", fn->name);
        dp_diag_set_remedy(diag, "end what uses the device: %s; or reboot the host",
                           wait->finishes ? "the change is finished by itself then"
                                          : "then run directpath device apply");
    }
}

static DpState
pending_enable(const DpVerdict *verdict, const DpWait *wait, DpDiagList *diags)
{
    const DpFunction *fn = verdict->fn;
    g_autofree char *errors = describe_errors(verdict);
    DpDiag *diag = dp_diags_add(diags, DP_DIAG_PENDING_ENABLE, fn->name,
                                "%s: the stored owner is passthru, but %s has it now%s", fn->name,
                                driver_name(fn), errors);

    if (errors[0] != '\0') {
        dp_diag_set_remedy(
            diag, "remove what it is refused for, or run directpath device disable %s", fn->name);
    } else {
        name_holders(diag, fn, wait);
    }
    return DP_STATE_REBOOT_REQUIRED;
}

static DpState
pending_disable(const DpFunction *fn, const DpWait *wait, DpDiagList *diags)
{
    DpDiag *diag =
        dp_diags_add(diags, DP_DIAG_PENDING_DISABLE, fn->name,
                     fn->driver != NULL ? "%s: the stored owner is the host, but %s has it still"
                                        : "%s: the stored owner is the host, but it has %s yet",
                     fn->name, driver_name(fn));

    name_holders(diag, fn, wait);
    return DP_STATE_REBOOT_REQUIRED;
}

DpState
dp_policy_state(const DpVerdict *verdict,
                const DpEsxconf *conf,
                const char *used_by,
                const DpWait *wait,
                DpDiagList *diags)
{
    const DpFunction *fn = verdict->fn;
    const DpFunction *bridge = NULL;
    DpOwner owner;

    if (!verdict->assignable) {
        return DP_STATE_UNAVAILABLE;
    }
    owner = dp_policy_stored_owner(conf, fn, &bridge);
    note_bridge(fn, conf, bridge, diags);
    if (used_by != NULL) {
        return DP_STATE_IN_USE;
    }
    if (verdict->quarantined != NULL) {
        return DP_STATE_UNAVAILABLE; /* and that is its reason, among those of the verdict */
    }
    if (owner == DP_OWNER_PASSTHRU) {
        return dp_policy_on_vfio(fn) ? DP_STATE_ACTIVE : pending_enable(verdict, wait, diags);
    }
    /* The link to the driver goes first, so one that does not let go is not seen any more. */
    if (dp_policy_on_vfio(fn) || (wait != NULL && fn->driver == NULL)) {
        return pending_disable(fn, wait, diags);
    }
    return verdict->allowed ? DP_STATE_AVAILABLE : DP_STATE_UNAVAILABLE;
}
