/* SPDX-License-Identifier: GPL-2.0-or-later */
/* directpath.log beside the VMX, as vmware.log on ESX; the five before it are kept as
 * directpath-1.log and so on. */
#pragma once

#include "base/apart.h"
#include "base/error.h"
#include "host/root.h"

#define DP_LOG_NAME "directpath.log"
#define DP_LOG_KEPT 6u

/* The name of the newest (@n is 0) or an older one. The caller frees it. */
char *dp_log_name(unsigned n);

typedef struct DpLog DpLog;

/* Starts a new log beside @vmx_path: mode 0600, never through a link. */
DpLog *dp_log_start(const char *vmx_path, GError **error);
/* Goes on with the present one. */
DpLog *dp_log_continue(const char *vmx_path, GError **error);
/* The same by a descriptor of it, which becomes the log's. */
DpLog *dp_log_take(int fd);
void dp_log_free(DpLog *log);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpLog, dp_log_free)

/* One line with the time; control characters are made visible. A log that cannot be written stops
 * no VM. @log may be NULL. */
void dp_log_line(DpLog *log, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/* The descriptor, for a child. -1 for NULL. */
int dp_log_fd(const DpLog *log);

/* The path of the log of @vmx_path. */
char *dp_log_path(const char *vmx_path);

/* The ends (256 KiB) of the logs of the VM at @vmx_path beneath @root, the newest first; one on a
 * server that does not answer is left out. Called for each with its path. */
void dp_log_read_all(const DpRoot *root, const char *vmx_path, DpApartTake take, void *data);
