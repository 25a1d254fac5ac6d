/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where systemd is the init, a supervisor that a command has left behind is succeeded by one that
 * systemd starts in a sandbox: directpath-vm@ID.service. The first one offers its place at a socket
 * in the run folder and gives over what the second may not open itself: the supervisor's lock, the
 * VM's log, what the engine says, the kernel's log. It lives until the other one has taken over, so
 * that the VM is never without.
 */
#pragma once

#include "supervise.h"

/* Offers the place from now on: sets supervisor->successor, which stays -1 if that is not possible;
 * then nobody succeeds. */
void dp_successor_offer(DpSupervisor *supervisor);

/* Somebody asks (supervisor->successor is readable). True if he has taken over: this process is no
 * supervisor any more, and ends without giving anything back. */
bool dp_successor_serve(DpSupervisor *supervisor);

/* Asks for the place at the socket of @supervisor->folder and waits at most @timeout_ms. Sets lock,
 * log, output and kmsg; the caller reads the state after this, takes over, and says so through
 * dp_successor_confirm. The connection, or -1 with error. */
int dp_successor_ask(DpSupervisor *supervisor, int timeout_ms, GError **error);
bool dp_successor_confirm(int connection);

/* All of it, in the process that systemd has started for VM @id: returns when the VM is off and its
 * devices are back. */
bool dp_successor_run(const DpVmEnv *env, const char *id, GError **error);
