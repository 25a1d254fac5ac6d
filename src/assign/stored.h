/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the store gives to virtual machines against what is really there: cards that are gone, that
 * others have taken the place of, and that are at another address now, where they are offered and
 * never taken by themselves.
 */
#pragma once

#include "identity.h"

typedef enum {
    DP_STORED_ABSENT,      /* nothing is at the address */
    DP_STORED_OTHER_MODEL, /* another model is */
    DP_STORED_OTHER_CARD,  /* another card of the model is */
} DpStoredReason;

typedef struct {
    DpAddr addr;
    char name[DP_ADDR_LEN];
    DpStoredReason reason;
    DpCard *card;             /* as it was stored; NULL: not known */
    const DpFunction *there;  /* what is at the address; NULL: nothing */
    const DpFunction *bridge; /* whose line stores it; NULL: its own */
    const DpFunction *now_at; /* where the card seems to be now; NULL: not found */
    bool certain;             /* its serial number, its MAC or its place says so */
    bool line_added;          /* `device enable` wrote the line: `device forget` takes it away */
} DpStoredGone;

/* "absent", "other-model", "other-card". */
const char *dp_stored_reason_name(DpStoredReason reason);

/* All that are not as stored, by address: a GPtrArray of DpStoredGone; functions are borrowed from
 * @host. */
GPtrArray *
dp_stored_gone(const DpHost *host, const DpEsxconf *conf, const DpIdentities *identities);

/* One diagnostic for each of @gone, and where it is now, how to take it. */
void dp_stored_report(const GPtrArray *gone, DpDiagList *diags);
/* Of these what concerns @fn: that it has taken the place of a stored card, or is one that moved.
 */
void dp_stored_report_function(const GPtrArray *gone, const DpFunction *fn, DpDiagList *diags);

/* Drops the entries of functions that are gone: a line that `enable` added is removed, one that was
 * there says vmkernel. DP_ERROR_REFUSED if the function is there. Nothing stored: true, unchanged.
 * The caller holds the lock. */
bool dp_assign_forget(
    const DpChange *change, const DpAddr *addrs, size_t n, DpOutcome *outcome, GError **error);
