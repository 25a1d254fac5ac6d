/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process that stays with a VM: it waits for the engine's end and gives the devices back. */
#pragma once

#include "fault.h"
#include "log.h"
#include "qmp.h"
#include "state.h"

/* Refused DMA (on-fault.h). Times are monotonic, in microseconds; 0: none. */
typedef struct {
    DpFaultWatch *watch; /* NULL: nothing is watched */
    DpVmFaults faults;
    uint64_t told;     /* how many of them are in log and record */
    gint64 tell_at;    /* not before */
    gint64 rest_until; /* the kernel's log is left alone until then */
    gint64 kill_at;    /* the engine was asked to end, and has until then */
    bool over;         /* it has ended: what is read now ends nobody */
} DpFaultDuty;

typedef struct {
    DpRoot *root;
    const DpVfioOps *vfio;
    const DpPolicy *policy;
    DpRunState *state;
    DpLog *log;
    int folder;    /* the run folder */
    int lock;      /* the supervisor's lock: whoever holds it is the supervisor */
    bool child;    /* the engine is this process's child, and was not waited for yet */
    int output;    /* what the engine says, -1: not heard */
    int kmsg;      /* the kernel's log, opened for it by another one; -1: it opens it itself */
    int successor; /* where a supervisor of systemd's may ask for its place; -1: nobody may */
    DpQmp *events; /* NULL: not connected */
    GString *tail; /* the engine's last words */
    char *reason;  /* QEMU's reason of the last SHUTDOWN event */
    DpFaultDuty duty;
} DpSupervisor;

/* Makes this process one of its own: session, signals, standard descriptors, and no descriptor but
 * those of @keep and the supervisor's own. */
void dp_supervisor_detach(const DpSupervisor *supervisor, const int *keep, size_t n_keep);

/* Reads what the engine says into log and tail. False at its end. */
bool dp_supervisor_listen(DpSupervisor *supervisor);

/* Connects to the events monitor and negotiates. */
bool
dp_supervisor_connect(DpSupervisor *supervisor, int timeout_ms, int *ret_version, GError **error);

/* Waits for the engine's end, takes the store's lock, gives everything back, removes the run
 * folder. Returns at once, with nothing done, when a successor has taken over (successor.h). */
void dp_supervisor_run(DpSupervisor *supervisor);

/* Ends the engine at once and waits for it. */
void dp_supervisor_kill(DpSupervisor *supervisor);

/* What could not be given back is written to the lock's file, which outlives its name for whoever
 * waits with it open; this reads it into @diags. False if there is an error among it. */
bool dp_supervisor_read_report(int fd, DpDiagList *diags);
void dp_supervisor_write_report(int fd, const DpDiagList *diags);

/* Takes the lock of @folder; -1 if another process has it. */
int dp_supervisor_lock(int folder);
