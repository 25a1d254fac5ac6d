/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to power-on: what the command prepares, and the process that it leaves behind. */
#pragma once

#include "engine.h"
#include "log.h"
#include "supervise.h"

/* Until the engine must have answered; what it pins comes on top. */
#define DP_LAUNCH_TIMEOUT_MS 60000

typedef struct {
    const DpPlan *plan;
    const DpVmEnv *env;
    DpRunState *state;
    DpLog *log;
    int folder, lock;
    int listeners[2]; /* qmp, events */
    GArray *files;    /* int: opened files of the plan, in its order, then its taps */
    char *engine;     /* path */
    gid_t kvm_group;
    bool apparmor; /* the engine runs under the profile of apparmor.h */
    char *no_unit; /* in the process that is left behind: why it has no unit of systemd's */
} DpLaunch;

/* What the new process says when it is done: one byte, a number and a text through @report. */
typedef struct {
    bool ok;
    int diag;   /* DpDiagId of the failure */
    char *text; /* of the failure; if there is none: why there is no unit of systemd's, or "" */
} DpLaunchReport;

/* Closes what is the engine's: listeners and files. */
void dp_launch_close(DpLaunch *launch);

/* Leaves a supervisor behind that starts the engine, verifies it, runs the guest, reports and goes
 * on. Returns the report: @ret_report.text is the caller's. False with error only if no process
 * could be made or none answered. */
bool dp_launch_supervisor(DpLaunch *launch, DpLaunchReport *ret_report, GError **error);
