/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the host room: where the configuration of kdump wants a dump. */
#pragma once

#include <glib.h>

/* As written; NULL: not said. */
typedef struct {
    char *folder; /* "/var/crash" */
    char *device; /* "/dev/sdb2", "UUID=...", "LABEL=..." */
    char *server; /* "10.0.0.5": of "root@10.0.0.5" or "10.0.0.5:/export" */
} DpCrashConfig;

void dp_crash_config_clear(DpCrashConfig *config);
/* Takes what @text of /etc/kdump.conf (kdump.conf(5)) says into @config; later lines win. */
void dp_crash_read_kdump_conf(const char *text, DpCrashConfig *config);
/* The same of Debian's /etc/default/kdump-tools, a file of shell assignments. */
void dp_crash_read_kdump_tools(const char *text, DpCrashConfig *config);
