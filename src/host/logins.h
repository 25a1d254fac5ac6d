/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the host room: the files that tell who is logged in, bytes in and addresses out. */
#pragma once

#include "route.h"

/* REMOTE_HOST of a session file of systemd-logind, or NULL; the caller frees it. */
char *dp_login_of_session(const char *text);
/* Adds the address of each session of a user among the records of utmp(5) to @ips (DpIp). */
void dp_logins_of_utmp(const void *bytes, size_t len, GArray *ips);
/* Adds the ports that sshd_config(5) names to @ports (int). */
void dp_login_ports(const char *text, GArray *ports);
/* True if @line of proc/net/tcp or tcp6 is an established connection to one of @ports here. */
bool
dp_login_of_connection(const char *line, const GArray *ports, DpIp *ret_local, DpIp *ret_remote);
