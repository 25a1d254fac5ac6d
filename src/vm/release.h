/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resets before and after a VM, and giving its functions back to what the store says. */
#pragma once

#include "log.h"
#include "state.h"

typedef struct {
    DpRoot *root;
    const DpVfioOps *vfio;
    const DpPolicy *policy;
    DpRunState *state;
    DpLog *log; /* may be NULL */
} DpRelease;

/* Resets each function once by the method that policy chose; what was done goes to the state and
 * the log. Stops at the first failure, with its reason in @diags. */
bool dp_release_reset(const DpRelease *release, DpDiagList *diags, GError **error);

/* The engine is dead: nodes to their owners, each function reset, those that the store gives to the
 * host bound to the host's drivers. Goes on after failures, which are in @diags. A function whose
 * reset failed stays on vfio-pci. The caller holds the store's lock. */
void dp_release_all(const DpRelease *release, const DpEsxconf *conf, DpDiagList *diags);
