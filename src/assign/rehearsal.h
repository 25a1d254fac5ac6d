/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `device test`: everything that giving a function to a VM does to it on the host, and back again.
 * Nothing is stored.
 */
#pragma once

#include "session.h"

typedef struct {
    const DpVerdict *verdict;
    GPtrArray *moved; /* DpFunction that changed hands for it, borrowed, by address */
    GPtrArray *kept;  /* those of them that are quarantined now, and stay with vfio-pci */
    DpStepMark bind, give_back;
    DpSessionReport visit;
    bool passed; /* every step, and all is as it was */
} DpRehearsal;

DpRehearsal *dp_rehearsal_new(void);
void dp_rehearsal_free(DpRehearsal *rehearsal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpRehearsal, dp_rehearsal_free)

/*
 * Binds the function, and with change->with_unit its unit, to vfio-pci, visits it (session.h) and
 * gives all back to the drivers and overrides that were; the caller holds the lock. The rules are
 * those of dp_assign_enable. What is with vfio-pci already, and stored so, is not moved. With
 * change->dry_run the steps alone are told. False with DP_ERROR_REFUSED when a rule says no or a
 * step failed, with DP_ERROR_IO when a function could not be given back; @ret tells how far it got.
 */
bool dp_assign_rehearse(const DpChange *change,
                        const DpVfioOps *ops,
                        const DpAddr *addr,
                        DpRehearsal *ret,
                        DpOutcome *outcome,
                        GError **error);
