/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stored.h"

#include "ownership.h"
#include "select.h"

typedef struct {
    const DpHost *host;
    const DpEsxconf *conf;
    const DpIdentities *identities;
    GPtrArray *gone;
} Search;

const char *
dp_stored_reason_name(DpStoredReason reason)
{
    static const char *const names[] = {
        [DP_STORED_ABSENT] = "absent",
        [DP_STORED_OTHER_MODEL] = "other-model",
        [DP_STORED_OTHER_CARD] = "other-card",
    };

    return names[reason];
}

static void
gone_free(gpointer data)
{
    DpStoredGone *gone = data;

    dp_card_free(gone->card);
    g_free(gone);
}

/* Takes @card. */
static DpStoredGone *
add(const Search *search, const DpAddr *addr, DpStoredReason reason, DpCard *card)
{
    DpStoredGone *gone = g_new0(DpStoredGone, 1);

    gone->addr = *addr;
    (void)dp_addr_format(addr, gone->name);
    gone->reason = reason;
    gone->card = card;
    gone->line_added = dp_identities_line_added(search->identities, addr);
    g_ptr_array_add(search->gone, gone);
    return gone;
}

static void
add_absent(const Search *search)
{
    g_autoptr(GArray) stored = dp_esxconf_passthru(search->conf);

    for (guint i = 0; i < stored->len; i++) {
        const DpAddr *addr = &g_array_index(stored, DpAddr, i);

        if (dp_host_find(search->host, addr) == NULL) {
            (void)add(search, addr, DP_STORED_ABSENT, dp_identities_card(search->identities, addr));
        }
    }
}

static void
add_exchanged(const Search *search, const DpFunction *fn)
{
    const DpFunction *bridge = NULL;
    DpOwner owner = dp_policy_stored_owner(search->conf, fn, &bridge);
    g_autoptr(DpCard) card = NULL;
    DpStoredGone *gone;
    DpCardMatch match;

    if (owner != DP_OWNER_PASSTHRU) {
        return;
    }
    match = dp_identities_compare(search->identities, fn, bridge, &card);
    if (match >= DP_CARD_ALIKE) {
        return;
    }
    gone = add(search, &fn->addr,
               match == DP_CARD_OTHER_MODEL ? DP_STORED_OTHER_MODEL : DP_STORED_OTHER_CARD,
               g_steal_pointer(&card));
    gone->there = fn;
    gone->bridge = bridge;
}

/* How well @fn fits what was stored: 0 not at all, 1 the same model and nothing against it, 2 by
 * its place, 3 by its serial number or MAC. A card's functions keep their numbers when it moves. */
static unsigned
fit(const DpStoredGone *gone, const DpFunction *fn)
{
    g_autoptr(DpCard) card = NULL;

    if (fn->is_bridge || fn->addr.function != gone->addr.function || fn->ids_known == DP_TRI_NO ||
        !gone->card->ids_known) {
        return 0;
    }
    card = dp_card_of(fn);
    switch (dp_card_compare(gone->card, card)) {
    case DP_CARD_SAME:
        return 3;
    case DP_CARD_ALIKE:
        return gone->card->path != NULL ? 2 : 1;
    case DP_CARD_ELSEWHERE:
        return 1;
    case DP_CARD_OTHER:
    case DP_CARD_OTHER_MODEL:
        break;
    }
    return 0;
}

/* Looks for the card elsewhere. Of several that fit equally well none is named. */
static void
find_card(const Search *search, DpStoredGone *gone)
{
    unsigned best = 0, n = 0;

    if (gone->card == NULL || (gone->there != NULL && gone->there->is_bridge)) {
        return;
    }
    for (guint i = 0; i < search->host->functions->len; i++) {
        const DpFunction *fn = search->host->functions->pdata[i];
        unsigned fits = fn == gone->there ? 0 : fit(gone, fn);

        if (fits == 0 || fits < best ||
            dp_policy_stored_owner(search->conf, fn, NULL) == DP_OWNER_PASSTHRU) {
            continue;
        }
        n = fits > best ? 1 : n + 1;
        best = fits;
        gone->now_at = fn;
    }
    gone->certain = best >= 2;
    if (n != 1) {
        gone->now_at = NULL;
    }
}

static int
compare_gone(gconstpointer a, gconstpointer b)
{
    const DpStoredGone *x = *(DpStoredGone *const *)a, *y = *(DpStoredGone *const *)b;

    return dp_addr_compare(&x->addr, &y->addr);
}

GPtrArray *
dp_stored_gone(const DpHost *host, const DpEsxconf *conf, const DpIdentities *identities)
{
    GPtrArray *gone = g_ptr_array_new_with_free_func(gone_free);
    Search search = {host, conf, identities, gone};

    add_absent(&search);
    for (guint i = 0; i < host->functions->len; i++) {
        add_exchanged(&search, host->functions->pdata[i]);
    }
    g_ptr_array_sort(gone, compare_gone);
    for (guint i = 0; i < gone->len; i++) {
        find_card(&search, gone->pdata[i]);
    }
    return gone;
}

static void
report_absent(const DpStoredGone *gone, DpDiagList *diags)
{
    g_autofree char *card = gone->card == NULL ? NULL : dp_card_describe(gone->card);
    DpDiag *diag =
        dp_diags_add(diags, DP_DIAG_STORED_ABSENT, gone->name,
                     "%s is stored as passthru, but there is no function at this address%s%s",
                     gone->name, card != NULL ? "; it was " : "", card != NULL ? card : "");

    dp_diag_set_remedy(diag, "put the card back, or run directpath device forget %s", gone->name);
}

static void
report_exchanged(const DpStoredGone *gone, DpDiagList *diags)
{
    const DpFunction *there = gone->there;
    const char *line = gone->bridge != NULL ? gone->bridge->name : gone->name;
    g_autoptr(DpCard) card = dp_card_of(there);
    g_autofree char *now = dp_card_describe(card);
    g_autofree char *before = gone->card == NULL ? NULL : dp_card_describe(gone->card);
    bool model = gone->reason == DP_STORED_OTHER_MODEL;
    DpDiag *diag =
        dp_diags_add(diags, model ? DP_DIAG_STORED_OTHER_MODEL : DP_DIAG_STORED_OTHER_CARD,
                     gone->name, "%s was enabled as %s, and is %s now; it is left to the host",
                     gone->name, before != NULL ? before : "another card", now);

    if (gone->bridge != NULL) {
        dp_diag_set_remedy(diag,
                           "if it is meant: directpath device disable %s, then directpath device "
                           "enable %s",
                           line, line);
    } else {
        dp_diag_set_remedy(diag,
                           "if it is meant: directpath device enable %s; if not: directpath device "
                           "forget %s",
                           line, line);
    }
}

static void
report_moved(const DpStoredGone *gone, DpDiagList *diags)
{
    g_autofree char *card = dp_card_describe(gone->card);
    DpDiag *diag;

    if (gone->certain) {
        diag = dp_diags_add(diags, DP_DIAG_STORED_MOVED, gone->now_at->name,
                            "the card that was stored at %s is at %s now: %s", gone->name,
                            gone->now_at->name, card);
    } else {
        diag = dp_diags_add(diags, DP_DIAG_STORED_MOVED, gone->now_at->name,
                            "%s has the model that was stored at %s, and may be that card: %s",
                            gone->now_at->name, gone->name, card);
    }
    dp_diag_set_remedy(diag,
                       "if it is meant: directpath device enable %s, then directpath device %s %s",
                       gone->now_at->name, gone->bridge != NULL ? "disable" : "forget",
                       gone->bridge != NULL ? gone->bridge->name : gone->name);
}

void
dp_stored_report(const GPtrArray *gone, DpDiagList *diags)
{
    for (guint i = 0; i < gone->len; i++) {
        const DpStoredGone *one = gone->pdata[i];

        if (one->reason == DP_STORED_ABSENT) {
            report_absent(one, diags);
        } else {
            report_exchanged(one, diags);
        }
        if (one->now_at != NULL) {
            report_moved(one, diags);
        }
    }
}

void
dp_stored_report_function(const GPtrArray *gone, const DpFunction *fn, DpDiagList *diags)
{
    for (guint i = 0; i < gone->len; i++) {
        const DpStoredGone *one = gone->pdata[i];

        if (one->there == fn) {
            report_exchanged(one, diags);
        }
        if (one->now_at == fn) {
            report_moved(one, diags);
        }
    }
}
