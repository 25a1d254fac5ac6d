/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "host/root.h"

/* Leaves what the intent still waits for to a small process that outlives the command, and finishes
 * it when the device becomes free. One at a time; it gives up after an hour, and then, or if it is
 * killed, the next command finishes. Only on the live machine. */
void dp_finish_later(DpRoot *root);

/* What that process does; 0 when nothing waits any more. */
int dp_finish_wait(DpRoot *root, int tick_ms, int timeout_ms);
