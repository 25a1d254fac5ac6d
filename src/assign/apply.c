/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "confirm.h"
#include "early.h"
#include "identity.h"
#include "moves.h"
#include "power.h"
#include "select.h"
#include "stored.h"

typedef struct {
    const DpChange *change;
    DpOutcome *outcome;
    DpIdentities *identities;
    bool off;             /* this boot claims nothing */
    DpArmed *armed;       /* NULL: no change waits for its confirmation */
    GPtrArray *functions; /* DpFunction to move */
    bool failed;          /* the kernel refused one */
} Apply;

/* What waits for a reset is with vfio-pci, whatever the store says. */
static bool
wants_vfio(const DpChange *change, const DpFunction *fn)
{
    return (dp_stored_passthru(change, fn) && !change->release) || dp_is_quarantined(change, fn);
}

static bool
overridden(const Apply *apply, const DpFunction *fn, const DpFunction *bridge, int id)
{
    for (size_t i = 0; i < apply->change->n_overrides; i++) {
        if (apply->change->overrides[i] == id) {
            return true;
        }
    }
    return dp_identities_overrides(apply->identities, &fn->addr, id) ||
           (bridge != NULL && dp_identities_overrides(apply->identities, &bridge->addr, id));
}

/* The rules count for a line that was written by hand as for `enable`. */
static bool
allowed(Apply *apply, const DpFunction *fn, const DpFunction *bridge)
{
    const DpVerdict *verdict = dp_policy_verdict(apply->change->policy, &fn->addr);
    DpDiag *refusal = NULL;

    for (guint i = 0; verdict != NULL && i < verdict->diags->len; i++) {
        const DpDiag *diag = verdict->diags->pdata[i];
        int id = (int)diag->row->id;

        if (diag->severity != DP_ERROR_SEVERITY || dp_policy_is_quarantine(diag->row->id) ||
            overridden(apply, fn, bridge, id)) {
            continue;
        }
        refusal = dp_diags_add(apply->outcome->diags, DP_DIAG_APPLY_REFUSED, fn->name,
                               "%s is stored as passthru, but: %s", fn->name, diag->message);
        dp_diag_set_cause(refusal, "DP%d: %s", id, diag->cause);
        dp_diag_set_remedy(refusal, "%s; or: directpath device enable %s --override DP%d",
                           diag->remedy, fn->name, id);
    }
    return refusal == NULL;
}

/* Its own process takes it back. */
static bool
is_armed(const Apply *apply, const DpFunction *fn)
{
    return apply->armed != NULL && apply->armed->phase == DP_ARMED_ARMED &&
           dp_armed_find(apply->armed, fn->name) != NULL;
}

/* A quarantined function that is the host's by the store, and that the host's driver took at boot:
 * taken from it again, unless the host hangs on it by now. */
static bool
may_isolate(const Apply *apply, const DpFunction *fn)
{
    const DpVerdict *verdict = dp_policy_verdict(apply->change->policy, &fn->addr);

    for (guint i = 0; i < verdict->diags->len; i++) {
        const DpDiag *diag = verdict->diags->pdata[i];

        if (diag->severity == DP_ERROR_SEVERITY && !dp_policy_is_quarantine(diag->row->id)) {
            return false;
        }
    }
    return true;
}

/* Functions that are not as stored and may be moved are added to the list. */
static void
judge(Apply *apply, const DpFunction *fn)
{
    const DpFunction *bridge = NULL;
    bool on_vfio = g_strcmp0(fn->driver, DP_VFIO_DRIVER) == 0;
    bool ours = g_strcmp0(fn->driver_override, DP_VFIO_DRIVER) == 0;
    bool passthru = dp_policy_stored_owner(apply->change->conf, fn, &bridge) == DP_OWNER_PASSTHRU;

    if (!dp_is_assignable(apply->change, fn) || dp_used_by(apply->change, fn) != NULL) {
        return;
    }
    if (apply->change->release) {
        if (ours && !dp_is_quarantined(apply->change, fn)) {
            g_ptr_array_add(apply->functions, (gpointer)fn);
        }
        return;
    }
    if (apply->off && !on_vfio && wants_vfio(apply->change, fn)) {
        apply->outcome->reboot_required = true;
        return;
    }
    if (passthru && !on_vfio) {
        /* Another card in its place is reported with what else is gone. */
        if (dp_identities_compare(apply->identities, fn, bridge, NULL) < DP_CARD_ALIKE ||
            !allowed(apply, fn, bridge)) {
            apply->outcome->n_failed++;
            return;
        }
        dp_early_note_builtin(apply->change, fn, apply->outcome);
        g_ptr_array_add(apply->functions, (gpointer)fn);
    }
    if (!passthru && dp_is_quarantined(apply->change, fn)) {
        if (!on_vfio && may_isolate(apply, fn)) {
            g_ptr_array_add(apply->functions, (gpointer)fn);
        }
        return;
    }
    /* What others gave to vfio-pci without an override is theirs. */
    if (!passthru && ours && !is_armed(apply, fn)) {
        g_ptr_array_add(apply->functions, (gpointer)fn);
    }
}

static void
report_gone(const Apply *apply)
{
    g_autoptr(GPtrArray) gone =
        dp_stored_gone(apply->change->host, apply->change->conf, apply->identities);

    dp_stored_report(gone, apply->outcome->diags);
}

/* Lines that were written by hand have no card yet; what could not be seen when it was enabled may
 * be seen now. */
static void
learn(const Apply *apply, const DpFunction *fn)
{
    const DpChange *change = apply->change;
    const DpFunction *bridge = NULL;
    g_autofree char *name =
        change->name_of == NULL ? NULL : change->name_of(fn, change->name_of_user);

    (void)dp_policy_stored_owner(change->conf, fn, &bridge);
    if (dp_identities_compare(apply->identities, fn, bridge, NULL) >= DP_CARD_ALIKE) {
        (void)dp_identities_learn(apply->identities, fn, bridge, name);
    }
}

static void
learn_all(const Apply *apply, const GPtrArray *moved)
{
    const DpChange *change = apply->change;
    g_autoptr(GError) failure = NULL;

    if (change->dry_run || change->release) {
        return;
    }
    for (guint i = 0; i < change->host->functions->len; i++) {
        const DpFunction *fn = change->host->functions->pdata[i];
        bool has = g_strcmp0(fn->driver, DP_VFIO_DRIVER) == 0;

        if (dp_is_assignable(change, fn) && dp_stored_passthru(change, fn) &&
            (has || g_ptr_array_find((GPtrArray *)moved, fn, NULL))) {
            learn(apply, fn);
        }
    }
    if (!dp_identities_save(change->root, apply->identities, &failure)) {
        dp_diags_add(apply->outcome->diags, DP_DIAG_RECORD_NOT_WRITTEN, "host", "%s",
                     failure->message);
    }
}

/* A boot waits for this command: what is left is the next one's. */
static bool
is_late(const Apply *apply, guint done)
{
    const DpChange *change = apply->change;
    const GPtrArray *functions = apply->functions;
    const DpFunction *next = functions->pdata[done];
    guint left = functions->len - done;

    if (change->until_us == 0 || g_get_monotonic_time() < change->until_us) {
        return false;
    }
    dp_diags_add(apply->outcome->diags, DP_DIAG_APPLY_LATE, next->name,
                 "%u of %u functions are left as they are, the first of them %s", left,
                 functions->len, next->name);
    apply->outcome->n_failed += left;
    return true;
}

/* One that fails is put back and leaves the others alone. */
static bool
move_each(Apply *apply, GPtrArray *moved, GError **error)
{
    g_autoptr(DpMoves) moves =
        dp_moves_begin(apply->change, "apply", apply->functions, apply->outcome, error);

    if (moves == NULL) {
        return false;
    }
    for (guint i = 0; i < apply->functions->len && !is_late(apply, i); i++) {
        const DpFunction *fn = apply->functions->pdata[i];

        switch (dp_moves_one(moves, fn, wants_vfio(apply->change, fn), NULL)) {
        case DP_MOVE_DONE:
            apply->outcome->n_done++;
            g_ptr_array_add(moved, (gpointer)fn);
            break;
        case DP_MOVE_STUCK:
            break;
        case DP_MOVE_FAILED:
            apply->failed = true;
            apply->outcome->n_failed++;
            dp_moves_undo(moves);
            break;
        }
        dp_moves_commit(moves);
    }
    return dp_moves_end(moves, error);
}

/* Who was claimed in the initramfs, or by an earlier version, is not kept awake yet. */
static void
hold_power(const Apply *apply)
{
    const DpChange *change = apply->change;

    for (guint i = 0; !change->dry_run && i < change->host->functions->len; i++) {
        const DpFunction *fn = change->host->functions->pdata[i];

        if (dp_policy_on_vfio(fn) && wants_vfio(change, fn) && dp_is_assignable(change, fn) &&
            dp_used_by(change, fn) == NULL) {
            dp_power_note(change->root, fn->name, fn->driver, apply->outcome);
            dp_power_hold(change->root, fn->name, apply->outcome);
        }
    }
}

static bool
run(Apply *apply, GError **error)
{
    const DpChange *change = apply->change;
    DpOutcome *outcome = apply->outcome;
    g_autoptr(GPtrArray) moved = g_ptr_array_new();

    report_gone(apply);
    for (guint i = 0; i < change->host->functions->len; i++) {
        judge(apply, change->host->functions->pdata[i]);
    }
    if (change->root->write == NULL) {
        return true; /* a folder has no bindings */
    }
    if (!move_each(apply, moved, error)) {
        return false;
    }
    hold_power(apply);
    learn_all(apply, moved);
    outcome->changed = !change->dry_run && outcome->steps->len > 0;
    if (outcome->n_failed > 0) {
        bool system = apply->failed || dp_diags_have(outcome->diags, DP_DIAG_APPLY_LATE);

        return dp_fail(error, system ? DP_ERROR_IO : DP_ERROR_REFUSED,
                       "%u of %u functions could not be made as stored", outcome->n_failed,
                       outcome->n_failed + outcome->n_done);
    }
    return true;
}

bool
dp_assign_apply(const DpChange *change, DpOutcome *outcome, GError **error)
{
    Apply apply = {.change = change, .outcome = outcome};
    bool done;

    apply.identities = dp_identities_load(change->root, outcome->diags, error);
    if (apply.identities == NULL) {
        return false;
    }
    apply.functions = g_ptr_array_new();
    apply.off = !change->release && dp_report_claims_off(change, DP_WARNING, outcome);
    apply.armed = dp_armed_read(change->root, NULL, NULL);
    done = run(&apply, error);
    if (done && change->release && !change->dry_run) {
        dp_confirm_disabled(change);
    }
    g_ptr_array_unref(apply.functions);
    dp_identities_free(apply.identities);
    dp_armed_free(apply.armed);
    return done;
}
