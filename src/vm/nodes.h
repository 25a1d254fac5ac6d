/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device nodes that the engine opens by itself: /dev/kvm and those of VFIO. */
#pragma once

#include "state.h"

/* Gives /dev/vfio/GROUP of each function to @uid, mode 0600, after its owner was written to @state
 * and @state to
 * @folder. */
bool dp_nodes_give(DpRoot *root, DpRunState *state, int folder, GError **error);

/* Gives them back to whom they belonged. Goes on after a failure. */
bool dp_nodes_take_back(DpRoot *root, const DpRunState *state, GError **error);

/* Whether an ordinary process may open /dev/kvm and /dev/vfio/vfio, @ret_group being a
 * supplementary group that helps with the first (0: none needed). Problems are diagnostics. */
bool dp_nodes_check(DpRoot *root, bool kvm, bool vfio, gid_t *ret_group, DpDiagList *diags);
