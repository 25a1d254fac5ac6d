/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dropping what is stored of a card that is gone. */
#include "binding.h"
#include "ownership.h"
#include "select.h"
#include "stored.h"

/* True if the card that was stored is there, or what is there has been given to vfio-pci. */
static bool
is_there(const DpChange *change, const DpIdentities *identities, const DpAddr *addr)
{
    const DpFunction *fn = dp_host_find(change->host, addr);

    return fn != NULL && (dp_identities_compare(identities, fn, NULL, NULL) >= DP_CARD_ALIKE ||
                          g_strcmp0(fn->driver_override, DP_VFIO_DRIVER) == 0);
}

static void
choose(const DpChange *change,
       const DpIdentities *identities,
       const DpAddr *addr,
       GArray *lines,
       DpOutcome *outcome)
{
    char name[DP_ADDR_LEN];

    if (dp_esxconf_owner(change->conf, addr, NULL) != DP_OWNER_PASSTHRU) {
        return; /* nothing is stored */
    }
    if (is_there(change, identities, addr)) {
        dp_addr_format(addr, name);
        dp_diag_set_remedy(dp_diags_add(outcome->diags, DP_DIAG_FORGET_PRESENT, name,
                                        "%s is there, as it was stored", name),
                           "directpath device disable %s", name);
        return;
    }
    g_array_append_val(lines, *addr);
}

bool
dp_assign_forget(
    const DpChange *change, const DpAddr *addrs, size_t n, DpOutcome *outcome, GError **error)
{
    g_autoptr(DpIdentities) identities = dp_identities_load(change->root, outcome->diags, error);
    g_autoptr(GArray) lines = g_array_new(false, false, sizeof(DpAddr));
    guint before = outcome->diags->len;

    if (identities == NULL) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        choose(change, identities, &addrs[i], lines, outcome);
    }
    if (dp_selection_refused(outcome, before, error) ||
        !dp_ownership_store(change, lines, DP_OWNER_HOST, outcome, error)) {
        return false;
    }
    outcome->changed = !change->dry_run && lines->len > 0;
    return true;
}
