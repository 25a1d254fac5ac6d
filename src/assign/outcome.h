/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "assign.h"

/* Appends a step; the strings are copied, @undo may be NULL. */
void dp_outcome_step(DpOutcome *outcome,
                     const char *action,
                     const char *subject,
                     const char *detail,
                     const char *undo);
