/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Taking an armed change back: by the process that waits for its time, or by the next command. */
#pragma once

#include "armed.h"

/* Leaves a process that takes the change back when its time is over. It belongs to no session: no
 * terminal, no descriptor of ours, out of the session's control group, deaf to SIGHUP. Only on the
 * live machine; true elsewhere. */
bool dp_rollback_start(DpRoot *root, GError **error);

/* What that process does: 0 when there is nothing to take back any more. */
int dp_rollback_wait(DpRoot *root, int tick_ms);

/* Makes the functions of @armed what they were, unless the store says passthru by now, and writes
 * into the record what became of them. The caller holds the store's lock. */
bool dp_rollback_now(const DpChange *change, DpArmed *armed, DpOutcome *outcome, GError **error);

/* The change is settled: removes the record, and on the live machine waits for the process's end.
 */
bool dp_rollback_settle(DpRoot *root, GError **error);
