/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which processes have a device's nodes open: what keeps a driver from letting go. */
#pragma once

#include "host/host.h"

/* Those that have one of @nodes ("/dev/vfio/17"; a partition of it counts too) open, for people:
 * "qemu-system-x86 (pid 4711), fio (pid 12)"; NULL if none was found. Best effort: an ordinary user
 * does not see others' descriptors. */
char *dp_holders_of(DpRoot *root, const char *const *nodes);

/* The same for the VFIO group of function @name. */
char *dp_holders_of_group(DpRoot *root, const char *name);

/* The same for all nodes of @fn that may be what its driver waits for: its group's, its disks. */
char *dp_holders_of_function(DpRoot *root, const DpFunction *fn);

/* The pids (char *) of those that have one of @nodes open: a new array. */
GPtrArray *dp_holders_pids(DpRoot *root, const char *const *nodes);
bool dp_holders_still(DpRoot *root, const char *pid, const char *const *nodes);

/* "/dev/vfio/17" for function @name; NULL if it is in no group. */
char *dp_holders_group_node(DpRoot *root, const char *name);
