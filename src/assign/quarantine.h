/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions whose reset failed, in etc/directpath/quarantine.json: a reboot takes no power from a
 * card, so the record outlives it. It names the card, not only the place. Written under the store's
 * lock; read by everybody. While it cannot be read, each function that vfio-pci has is doubted: it
 * counts as quarantined until a reset of it succeeds, which writes a record of the others.
 */
#pragma once

#include "session.h"

#include <jansson.h>

/* What is recorded of functions of @host, for dp_policy_new_with: never NULL. An entry whose
 * address has certainly another card now is left out. A broken file is a warning in @diags. */
GPtrArray *dp_quarantine_load(DpRoot *root, const DpHost *host, DpDiagList *diags);

/* The record says so of @name; one that cannot be read says nothing. */
bool dp_quarantine_has(DpRoot *root, const char *name);

/* The record alone, for its fuzzer: its functions by address, or NULL with what is wrong in
 * @ret_why. */
json_t *dp_quarantine_parse(const char *text, size_t len, char **ret_why);

/* Records @fn, with @reason for people; one that is recorded already keeps its time. Said in
 * @diags. */
void dp_quarantine_begin(DpRoot *root, const DpFunction *fn, const char *reason, DpDiagList *diags);

/* Forgets @name: @why it is over, said in @diags. Not recorded: nothing. False, and said, if the
 * record cannot be written. */
bool dp_quarantine_end(DpRoot *root, const char *name, const char *why, DpDiagList *diags);

/* What a visit to @verdict's function means: a reset that left it dirty begins a quarantine, of all
 * that the reset reaches and vfio-pci has, and one that went well ends that of the function.
 * @failure: why it failed; NULL: it did not. Fills report->quarantined. */
void dp_quarantine_settle(DpRoot *root,
                          const DpVerdict *verdict,
                          DpSessionReport *report,
                          const GError *failure,
                          DpDiagList *diags);

/* True if that visit left @fn in quarantine. */
bool
dp_quarantine_covers(const DpVerdict *verdict, const DpSessionReport *report, const DpFunction *fn);

/* Ends the quarantine of @fn on the word of a person that the host was without power.
 * DP_ERROR_REFUSED, with a diagnostic, if it was not even booted since. Not quarantined: true,
 * nothing. */
bool dp_quarantine_power_cycled(
    DpRoot *root, const DpVerdict *verdict, bool dry_run, DpDiagList *diags, GError **error);
