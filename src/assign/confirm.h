/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `device enable --confirm-within`, between its rules and its end. */
#pragma once

#include "armed.h"
#include "select.h"

/* False, with the reason in @outcome, where a rule of arming says no: an override of what the
 * host's network hangs on that is not armed, a change that is armed already, nothing that could be
 * armed. */
bool dp_confirm_allowed(const DpChange *change,
                        const DpSelection *chosen,
                        DpOutcome *outcome,
                        GError **error);

/* Moves the functions of @chosen as dp_assign_enable does, with a process that takes it back, and
 * stores nothing. */
bool dp_confirm_enable(const DpChange *change,
                       const DpSelection *chosen,
                       DpOutcome *outcome,
                       GError **error);

/* An armed change that was taken back by hand is settled. */
void dp_confirm_disabled(const DpChange *change);
