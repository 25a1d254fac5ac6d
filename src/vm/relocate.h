/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VMX that comes from another host, or whose cards were moved: for each entry whose address, ids
 * and systemId are not those of this host, the device here that it would mean.
 */
#pragma once

#include "assign/stored.h"
#include "vm.h"

typedef enum {
    DP_RELOCATE_KEPT, /* it is of this host, or names no function by address */
    DP_RELOCATE_MOVE, /* `fn` is proposed */
    DP_RELOCATE_NONE, /* nothing here will do; `why` says what there is */
} DpRelocateResult;

typedef struct {
    unsigned index; /* N of pciPassthruN */
    char *id;       /* shown, as the file has them; NULL: no such line */
    char *system_id;
    uint16_t vendor, device; /* 0 unless both are in the file */
    DpRelocateResult result;
    const DpFunction *fn; /* the one that it means; NULL with DP_RELOCATE_NONE */
    bool same_address;    /* only systemId changes */
    unsigned n_others;    /* further functions that would do as well */
    /* It is of this host, and another card than the one that was enabled is at its address now: the
     * one that was. NULL: it is the one, or not known. */
    const DpStoredGone *exchanged;
    /* DP_RELOCATE_NONE: one that would do if it were enabled, and one of the model that will not do
     * for another reason. NULL if there is none. */
    const DpFunction *to_enable, *refused;
} DpRelocation;

/* What may be proposed: of the right model, and... */
typedef enum {
    DP_CANDIDATE_NO,       /* in use, refused by a rule, or not ready */
    DP_CANDIDATE_DISABLED, /* healthy, and not enabled */
    DP_CANDIDATE_YES,      /* enabled, healthy and free */
} DpCandidate;
typedef DpCandidate (*DpRelocateJudge)(const DpFunction *fn, void *user);

/* One DpRelocation for each entry of @plan, which was made of @vmx over @host, whose systemId @own
 * is (may be NULL). No function is proposed twice, and none that an entry has already. A function
 * at the address of the entry comes before others; these follow in the order of addresses. @gone is
 * what dp_stored_gone finds here, and is borrowed: where another card has taken the place of the
 * one that an entry means, that card is looked for, and no other will do if it can be told. */
GPtrArray *dp_relocate_propose(const DpVmx *vmx,
                               const DpPlan *plan,
                               const DpHost *host,
                               const char *own,
                               const GPtrArray *gone,
                               DpRelocateJudge judge,
                               void *user);

/* Writes id and systemId (as a VMX has it) of a DP_RELOCATE_MOVE; vendorId and deviceId are right
 * already. */
bool dp_relocate_write(DpVmx *vmx, const DpRelocation *move, const char *system_id, GError **error);
