/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Doing: give functions to vfio-pci and back, with driver_override only, each sysfs write behind
 * the host seam with a deadline, with an undo for each step, and an intent that the next command
 * finds if this one dies.
 */
#pragma once

#include "policy/policy.h"
#include "store.h"
#include "vfio/vfio.h"

/* One step of a plan, for --dry-run and for the reports. */
typedef struct {
    char *action;  /* "set driver_override", "unbind", "probe", "store owner" */
    char *subject; /* "0000:03:00.0" */
    char *detail;  /* "vfio-pci" */
    char *undo;    /* what takes it back, for people; NULL: nothing needed */
} DpStep;

void dp_step_free(DpStep *step);

/* A reason that is overridden for one line of the store. */
typedef struct {
    DpAddr addr;
    int id;
} DpOverride;

typedef struct {
    DpRoot *root;
    const DpHost *host;
    const DpPolicy *policy;
    DpEsxconf *conf;
    bool dry_run;
    bool with_unit;
    bool take_system_id;  /* import: also in place of another one that the store has */
    bool release;         /* apply: everything to the host, and what is stored stays stored */
    bool store_only;      /* write the store and leave bindings to the next boot */
    bool one_function;    /* a rehearsal: only one can be named */
    const int *overrides; /* ids of diagnostics that are overridden */
    size_t n_overrides;
    /* DpOverride that counted when the change was judged, to be stored with it; NULL: those of
     * @overrides that count now. */
    const GArray *judged;
    int64_t until_us; /* apply: what is not begun by then is left (clock of g_get_monotonic_time);
                         0: no limit */
    int confirm_within_s; /* enable: taken back after so many seconds unless confirmed; 0: stays */
    /* Name of the running VM that uses a function, or NULL: supplied by the layer above, which
     * knows VMs. */
    const char *(*used_by)(const DpAddr *addr, void *user);
    void *used_by_user;
    /* What people call the device (pci.ids), for the store; NULL: not told. The caller frees it. */
    char *(*name_of)(const DpFunction *fn, void *user);
    void *name_of_user;
} DpChange;

typedef struct {
    bool changed;         /* anything at all */
    bool reboot_required; /* stored, but the kernel would not follow now */
    int armed_s;       /* enable: not stored, and taken back after so many seconds; 0: not armed */
    unsigned n_done;   /* apply, recover: functions that were made as stored */
    unsigned n_absent; /* early: functions that the store claims and that are not there (yet) */
    unsigned n_failed; /* apply, recover: functions that could not be; with n_done: partly done */
    GPtrArray *steps;  /* DpStep that were (or, dry, would be) done */
    DpDiagList *diags;
} DpOutcome;

DpOutcome *dp_outcome_new(void);
void dp_outcome_free(DpOutcome *outcome);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpOutcome, dp_outcome_free)

/* Longest time that a change may wait for its confirmation, in seconds. */
#define DP_CONFIRM_MAX_S 3600

/* Marks the functions passthru: checks verdict and unit, binds them to vfio-pci, stores. The caller
 * holds the lock. False with DP_ERROR_REFUSED and diagnostics in @outcome when a rule says no
 * (nothing changed); with DP_ERROR_IO when the kernel or the disk failed (what was done has been
 * undone, and @outcome says so). A driver that does not let go within the deadline: stored, true,
 * reboot_required. With change->confirm_within_s it is bound and not stored: dp_assign_confirm
 * stores it, and without that a process of its own takes it back. */
bool dp_assign_enable(
    const DpChange *change, const DpAddr *addrs, size_t n, DpOutcome *outcome, GError **error);

/* The way back: to the driver that the kernel chooses without an override. */
bool dp_assign_disable(
    const DpChange *change, const DpAddr *addrs, size_t n, DpOutcome *outcome, GError **error);

/* Keeps the armed change: stores it, and ends the process that would take it back. DP_ERROR_REFUSED
 * if it is too late. Nothing armed: true, a note. The caller holds the lock. */
bool dp_assign_confirm(const DpChange *change, DpOutcome *outcome, GError **error);

/* Looks after an armed change as every command does that holds the lock: takes it back if its time
 * is over or its command died, says what became of one that was taken back, and replaces the
 * process that waits if it was killed. After dp_assign_recover. */
bool dp_assign_tend(const DpChange *change, DpOutcome *outcome, GError **error);

/* Makes all bindings as stored, or with change->release as if nothing were stored. Functions in use
 * by a VM are left alone. Idempotent; one failure does not stop the rest: then false with
 * DP_ERROR_IO (or DP_ERROR_REFUSED if rules alone stood in the way), and the outcome's counters
 * tell how far it got. */
bool dp_assign_apply(const DpChange *change, DpOutcome *outcome, GError **error);

/* Finds the intent of a command that died (kill -9), makes the functions it names agree with the
 * store, says so in @outcome. No intent: true and nothing. */
bool dp_assign_recover(const DpChange *change, DpOutcome *outcome, GError **error);

/* Binds one function to vfio-pci (@to_vfio) or gives it to the kernel's choice; the pieces that vm/
 * needs at power-off. */
bool
dp_assign_bind(DpRoot *root, const char *name, bool to_vfio, DpOutcome *outcome, GError **error);

/* Resets @verdict's function by the method that policy chose, through VFIO, with a read-back of its
 * identity before and after; the function must be bound to vfio-pci. @ret_used receives what was
 * really done. Runs in a child with a deadline. */
bool dp_assign_reset(DpRoot *root,
                     const DpVfioOps *ops,
                     const DpVerdict *verdict,
                     DpResetMethod *ret_used,
                     DpDiagList *diags,
                     GError **error);

/* The same, and @ret_report tells what each step found (session.h), whether it went well or not.
 * With @rehearsal every BAR is mapped too, and the interrupts are counted. */
typedef struct DpSessionReport DpSessionReport;
bool dp_assign_visit(DpRoot *root,
                     const DpVfioOps *ops,
                     const DpVerdict *verdict,
                     bool rehearsal,
                     DpSessionReport *ret_report,
                     DpDiagList *diags,
                     GError **error);
