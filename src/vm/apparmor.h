/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine under AppArmor, where that is on and the package's profile is loaded. The profile
 * names no file of any VM: those are opened before, and what an unconfined process has opened it
 * may pass on (aa_file_perm of the kernel). So the same profile does for all VMs, and what QEMU
 * opens by path beyond its own programs, firmware, /dev/kvm and VFIO is refused.
 */
#pragma once

#include "base/diag.h"
#include "base/error.h"
#include "host/root.h"

#include <sys/types.h>

#define DP_APPARMOR_PROFILE "directpath-qemu"

typedef enum {
    DP_APPARMOR_OFF,     /* not in this kernel, or switched off */
    DP_APPARMOR_ABSENT,  /* on, without the profile */
    DP_APPARMOR_PRESENT, /* the profile is loaded */
} DpApparmor;

DpApparmor dp_apparmor_look(const DpRoot *root);

/* The same, and a warning about the VM @name where it is on without the profile. */
DpApparmor dp_apparmor_report(const DpRoot *root, const char *name, DpDiagList *diags);

/* In a process that executes another program next: that one begins with the profile. False with
 * errno. */
bool dp_apparmor_enter(void);

/* False with error unless process @pid is under the profile. */
bool dp_apparmor_verify(pid_t pid, GError **error);

/* The same of the text of /proc/PID/attr/current. */
bool dp_apparmor_verify_text(const char *label, GError **error);
