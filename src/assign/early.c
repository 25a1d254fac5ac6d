/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "early.h"

#include "binding.h"
#include "identity.h"
#include "quarantine.h"
#include "select.h"
#include "stored.h"

/* udev calls for each function of a card, and the first one's unit may have begun. */
#define LOCK_TIMEOUT_MS 3000

typedef struct {
    const DpChange *change;
    const DpIdentities *identities;
    DpOutcome *outcome;
} Early;

void
dp_early_note_builtin(const DpChange *change, const DpFunction *fn, DpOutcome *outcome)
{
    if (fn->driver != NULL && !dp_policy_on_vfio(fn) &&
        dp_host_is_builtin(change->root, change->host, fn->driver) == DP_TRI_YES) {
        dp_diags_add(outcome->diags, DP_DIAG_DRIVER_BUILTIN, fn->name,
                     "%s: its driver %s is built into the kernel, and has it first at every boot",
                     fn->name, fn->driver);
    }
}

/* A line that nobody has judged yet, written by hand, waits for `device apply` and its rules. */
static bool
is_ours(const Early *early, const DpFunction *fn)
{
    const DpFunction *bridge = NULL;
    g_autoptr(DpCard) card = NULL;

    if (!dp_is_assignable(early->change, fn)) {
        return false;
    }
    if (dp_is_quarantined(early->change, fn)) {
        return true;
    }
    return dp_policy_stored_owner(early->change->conf, fn, &bridge) == DP_OWNER_PASSTHRU &&
           dp_identities_compare(early->identities, fn, bridge, &card) >= DP_CARD_ALIKE &&
           card != NULL && card->ids_known;
}

static void
claim(const Early *early, const DpFunction *fn)
{
    g_autoptr(GError) error = NULL;

    if (fn->driver != NULL) {
        dp_early_note_builtin(early->change, fn, early->outcome);
        return; /* to be taken from it is a matter of `device apply` */
    }
    switch (dp_binding_claim(early->change->root, fn->name, early->outcome, &error)) {
    case DP_MOVE_DONE:
        early->outcome->n_done++;
        break;
    case DP_MOVE_STUCK:
    case DP_MOVE_FAILED:
        early->outcome->n_failed++;
        dp_diags_add(early->outcome->diags, DP_DIAG_MOVE_FAILED, fn->name, "%s", error->message);
        break;
    }
}

static void
note_absent(const DpChange *change, const DpIdentities *identities, DpOutcome *outcome)
{
    g_autoptr(GPtrArray) gone = dp_stored_gone(change->host, change->conf, identities);

    for (guint i = 0; i < gone->len; i++) {
        const DpStoredGone *entry = gone->pdata[i];

        outcome->n_absent += entry->reason == DP_STORED_ABSENT;
    }
    dp_stored_report(gone, outcome->diags);
}

static bool
claim_all(const DpChange *change, DpOutcome *outcome, GError **error)
{
    g_autoptr(DpIdentities) identities = dp_identities_load(change->root, outcome->diags, error);
    Early early = {change, identities, outcome};

    if (identities == NULL) {
        return false;
    }
    for (guint i = 0; i < change->host->functions->len; i++) {
        const DpFunction *fn = change->host->functions->pdata[i];

        if (!is_ours(&early, fn)) {
            continue;
        }
        if (change->until_us != 0 && g_get_monotonic_time() >= change->until_us) {
            outcome->n_failed++;
            dp_diags_add(outcome->diags, DP_DIAG_APPLY_LATE, fn->name,
                         "%s and what comes after it are left as they are", fn->name);
            break;
        }
        claim(&early, fn);
    }
    outcome->changed = outcome->steps->len > 0;
    note_absent(change, identities, outcome);
    return outcome->n_failed == 0 ||
           dp_fail(error, DP_ERROR_IO, "%u functions could not be claimed", outcome->n_failed);
}

static bool
look_and_claim(DpRoot *root, int64_t until_us, DpOutcome *outcome, GError **error)
{
    g_autoptr(DpEsxconf) conf = dp_store_load(root, NULL, error);
    g_autoptr(DpHost) host = conf == NULL ? NULL : dp_host_scan(root, error);
    g_autoptr(DpMap) map = dp_map_new();
    g_autoptr(GPtrArray) quarantine = NULL;
    g_autoptr(DpPolicy) policy = NULL;
    DpChange change = {.root = root, .host = host, .conf = conf, .until_us = until_us};

    if (host == NULL) {
        return false;
    }
    if (dp_report_claims_off(&change, DP_WARNING, outcome)) {
        return true;
    }
    quarantine = dp_quarantine_load(root, host, outcome->diags);
    policy = dp_policy_new_with(host, map, NULL, quarantine);
    change.policy = policy;
    return claim_all(&change, outcome, error);
}

bool
dp_assign_early(DpRoot *root, int64_t until_us, DpOutcome *outcome, GError **error)
{
    g_autoptr(GError) busy = NULL;
    dp_autofd int lock = dp_store_lock(root, LOCK_TIMEOUT_MS, &busy);

    /* In an initramfs that cannot hold a lock there is nobody to be locked out. */
    if (lock < 0 && g_error_matches(busy, DP_ERROR, DP_ERROR_BUSY)) {
        return true;
    }
    return look_and_claim(root, until_us, outcome, error);
}
