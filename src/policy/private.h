/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this folder share: one judgement in the making. */
#pragma once

#include "policy.h"

typedef struct {
    const DpHost *host;
    const DpMap *map;
    const DpCompat *compat; /* NULL: none */
    DpPolicy *policy;
    GHashTable *positions;  /* DpFunction -> position in host->functions, plus 1 */
    GHashTable *groups;     /* IOMMU group -> GPtrArray of DpFunction, by address */
    GHashTable *lines;      /* INTx line -> GPtrArray of DpFunction that may use it */
    GHashTable *reserved;   /* IOMMU group -> DpFunction in it that a table reserves memory for, if
                               the kernel has no word on the group */
    GHashTable *bus_resets; /* bridge -> GPtrArray of DpFunction that are reset by its bus */
    const DpDiag **needs;   /* per position: the first thing that the host would lose, or NULL */
    DpDiagList *blockers;   /* what keeps VFIO from working on this host at all */
    bool has_iommu;
} DpJudge;

DpVerdict *dp_judge_verdict(const DpJudge *judge, const DpFunction *fn);
guint dp_judge_position(const DpJudge *judge, const DpFunction *fn);

/* capability.c: fills policy->diags, policy->capable, blockers, has_iommu. */
void dp_capability_judge(DpJudge *judge);

/* reset.c: fills verdict->reset. */
void dp_reset_choose(const DpFunction *fn, const DpMap *map, DpResetChoice *ret_choice);
void dp_reset_clear(DpResetChoice *choice);
/* Why the choice is bad, if it is. */
void dp_reset_judge(const DpFunction *fn, const DpResetChoice *choice, DpDiagList *diags);

/* unit.c: fills verdict->unit of every function; needs all reset choices. */
void dp_units_find(DpJudge *judge);
/* Whether the unit can go, and why it is as large as it is. */
void dp_unit_judge(const DpJudge *judge, DpVerdict *verdict);

/* need.c: what the host would lose, as diagnostics of the functions; needs all units. */
void dp_needs_judge(DpJudge *judge);

/* quarantine.c: functions whose reset failed, and those of their units; needs all units. */
void dp_quarantine_judge(DpJudge *judge);

/* verdict.c: the rules about one function alone. */
bool dp_function_assignable(const DpFunction *fn);
void dp_function_judge(const DpJudge *judge, DpVerdict *verdict);

/* memory.c: the rules about memory that the firmware reserves, and about BARs. */
void dp_memory_index(DpJudge *judge, DpFunction *fn);
void dp_memory_judge(const DpJudge *judge, DpVerdict *verdict);

/* support.c */
DpSupport dp_support_of(const DpCompat *compat, uint16_t vendor, uint16_t device);
