/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stands beside esx.conf, in etc/directpath/devices.json: for each function that `enable`
 * stored, which model it was (another one at its address is never attached), whether its line in
 * esx.conf was added (then `disable` takes the line away again), and which diagnostics the
 * administrator overrode. An entry without a passthru line in esx.conf means nothing.
 */
#pragma once

#include "assign.h"

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
void dp_identities_forget(DpIdentities *identities, const DpAddr *addr);

bool dp_identities_line_added(const DpIdentities *identities, const DpAddr *addr);
bool dp_identities_overrides(const DpIdentities *identities, const DpAddr *addr, int id);
/* False only if another model was stored for the address; @ret_stored (the caller frees it) then
 * says which: "8086:10fb". */
bool dp_identities_match(const DpIdentities *identities, const DpFunction *fn, char **ret_stored);

/* The last line of esx.conf had no end when a line was added after it: its text, so that the end it
 * was given can be taken away again once no added line is left. NULL: it had one. */
const char *dp_identities_bare_end(const DpIdentities *identities);
void dp_identities_set_bare_end(DpIdentities *identities, const char *text);
bool dp_identities_any_line_added(const DpIdentities *identities);
