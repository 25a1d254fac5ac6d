/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The unit that a running VM is to systemd: directpath-vm-ID.scope, in machine.slice. Without one
 * its processes belong to the session or the service that powered it on, and end with that. At
 * shutdown of the host directpath-vms.service is stopped before it, and asks its guest.
 */
#pragma once

#include "state.h"

/* The command that makes it: words of systemd-run, NULL-terminated. The caller frees them
 * (g_strfreev). */
char **dp_scope_call(const DpRunState *state);

/* Moves engine and supervisor of @state there; before the engine makes its virtual machine. True
 * also where systemd does not run, or is not root's to ask. */
bool dp_scope_make(DpRoot *root, const DpRunState *state, GError **error);

/* Has systemd start the supervisor that succeeds the one of VM @id (successor.h), and does not wait
 * for it. True also where systemd does not run, or is not root's to ask, or has no such unit. */
bool dp_scope_succeed(DpRoot *root, const char *id, GError **error);

/* The file that takes a process into the scope which @cgroups, a process's /proc/PID/cgroup, names;
 * NULL: it is in no VM's. The caller frees it. */
char *dp_scope_procs(const char *cgroups);

/* Moves this process, a new supervisor, to where @engine is, if that is such a unit. */
void dp_scope_join(DpRoot *root, pid_t engine);
