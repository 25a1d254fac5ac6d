/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stands beside esx.conf, in etc/directpath/devices.json: for each line that says passthru,
 * which card it was (another one at its address is never attached; a bridge's entry has those
 * behind it, too), whether the line was added (then `disable` takes it away again), and which
 * diagnostics the administrator overrode. An entry without a passthru line in esx.conf means
 * nothing.
 */
#pragma once

#include "assign.h"
#include "card.h"

typedef struct DpIdentities DpIdentities;

/* Never NULL without @error; a missing file is empty, a broken one a warning in @diags and empty.
 */
DpIdentities *dp_identities_load(DpRoot *root, DpDiagList *diags, GError **error);
bool dp_identities_save(DpRoot *root, const DpIdentities *identities, GError **error);
void dp_identities_free(DpIdentities *identities);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpIdentities, dp_identities_free)

void dp_identities_record(DpIdentities *identities,
                          const DpFunction *fn,
                          bool line_added,
                          const int *overrides,
                          size_t n_overrides);
/* Gives the entry of @addr its name for people. */
void dp_identities_set_name(DpIdentities *identities, const DpAddr *addr, const char *name);
void dp_identities_forget(DpIdentities *identities, const DpAddr *addr);

bool dp_identities_line_added(const DpIdentities *identities, const DpAddr *addr);
bool dp_identities_overrides(const DpIdentities *identities, const DpAddr *addr, int id);
/* The card that was stored for the line of @addr, or NULL. The caller frees it. */
DpCard *dp_identities_card(const DpIdentities *identities, const DpAddr *addr);
/* Is @fn the card that was stored for its address, through its own line or @bridge's (may be NULL)?
 * What is not known counts as alike. @ret_stored (may be NULL) receives the card that was compared,
 * or NULL. */
DpCardMatch dp_identities_compare(const DpIdentities *identities,
                                  const DpFunction *fn,
                                  const DpFunction *bridge,
                                  DpCard **ret_stored);
/* What the entry of @fn, or of @bridge above it, does not tell yet of the card; @name may be NULL.
 * True if anything was added. */
bool dp_identities_learn(DpIdentities *identities,
                         const DpFunction *fn,
                         const DpFunction *bridge,
                         const char *name);

/* The last line of esx.conf had no end when a line was added after it: its text, so that the end it
 * was given can be taken away again once no added line is left. NULL: it had one. */
const char *dp_identities_bare_end(const DpIdentities *identities);
void dp_identities_set_bare_end(DpIdentities *identities, const char *text);
bool dp_identities_any_line_added(const DpIdentities *identities);
