/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading sysfs where a blocked device may keep the reader waiting. */
#pragma once

#include "host/root.h"

#include <sys/types.h>

bool dp_sysfs_exists(DpRoot *root, const char *path);

/*
 * Reads the one-line attribute @path in a child with a deadline: an attribute shown under the
 * device's lock (driver_override) cannot be read while an unbind is stuck. 0 or -errno; -ETIMEDOUT,
 * once it was blocked for @blocked_ms,
 * with the pid of the child in @ret_waiting if it waits still: as long as that process lives, the
 * lock is held.
 */
int dp_sysfs_read_patiently(
    DpRoot *root, const char *path, int blocked_ms, char **ret_value, pid_t *ret_waiting);

/* When the process @pid was started, in clock ticks since boot (proc_pid_stat(5), field 22), so
 * that it is told from a later one of the same number; 0: there is none. */
unsigned long long dp_sysfs_process_start(DpRoot *root, pid_t pid);
