/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "assign.h"

/* Writes @owner for the addresses in @lines (DpAddr) into the store, durably, and into change->conf
 * once that is done. What enable added as a new line, disable takes away again; a line that was
 * there before says "vmkernel" then. */
bool dp_ownership_store(
    const DpChange *change, const GArray *lines, DpOwner owner, DpOutcome *outcome, GError **error);

/* The ids (int) that are overridden for the line of @fn: those of its verdict; a bridge stands for
 * all that lies behind it. A new array. */
GArray *dp_ownership_overrides(const DpChange *change, const DpFunction *fn);
