/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU as a process: found, started without rights, looked at from outside. */
#pragma once

#include "state.h"

/* Oldest version that is driven: major * 100 + minor. */
#define DP_ENGINE_VERSION 702

/* Users of VMs: one each, from here on, without an entry in passwd. Above systemd's container range
 * (0x6FFFFFFF), below 2^31. */
#define DP_VM_UID_BASE 0x70D00000u
#define DP_VM_UID_N    0x10000u

/* Absolute path of qemu-system-x86_64 from the system's own folders, or NULL; the caller frees it.
 */
char *dp_engine_find(void);

typedef struct {
    const char *path;
    char *const *argv;
    uint32_t uid;    /* user and group; the caller's own where it is not root */
    gid_t kvm_group; /* supplementary; 0: none */
    uint64_t memlock;
    const int *fds; /* becomes DP_VM_FD_QMP, +1, ... */
    size_t n_fds;
    bool apparmor; /* begins with the profile of apparmor.h, or not at all */
    int output;    /* becomes standard output and error */
    int gate[2];   /* a pipe: nothing is executed before a byte has come through it */
} DpEngineSpec;

/* Forks, waits at the gate and executes; the end of the gate before that ends the process, so that
 * none runs whom nobody has on record. The pid, or -1 with error. */
pid_t dp_engine_start(const DpEngineSpec *spec, GError **error);

/* Checks from /proc that the process has user @uid, no capability, NoNewPrivs and a seccomp filter.
 * False with the first thing that is wrong. */
bool dp_engine_verify(pid_t pid, uint32_t uid, GError **error);

/* The same of the text of /proc/PID/status. */
bool dp_engine_verify_text(const char *status, uint32_t uid, GError **error);
