/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One visit to a function through VFIO, in a child with a deadline: open, read, reset, read again
 * and, for a rehearsal, map every BAR and count the interrupts; then close. What each step found
 * and how long it took is kept, whether it went well or not.
 */
#pragma once

#include "assign.h"

typedef enum {
    DP_SESSION_OPEN,
    DP_SESSION_READ, /* configuration before the reset */
    DP_SESSION_RESET,
    DP_SESSION_BACK, /* the same after it, waited for */
    DP_SESSION_MAP,  /* a rehearsal only, as the next */
    DP_SESSION_INTERRUPTS,
    DP_SESSION_CLOSE,
    DP_SESSION_STEPS, /* how many there are */
} DpSessionStep;

typedef enum { DP_STEP_NOT_REACHED, DP_STEP_PASSED, DP_STEP_FAILED } DpStepResult;

typedef struct {
    DpStepResult result;
    int error; /* -errno of one that failed */
    int64_t us;
} DpStepMark;

/* The standard header of configuration space (PCI 3.0, 6.1). */
#define DP_SESSION_HEADER  64u
#define DP_SESSION_HIT_MAX 32u

/* Plain bytes: it lies in memory that is shared with the child. */
struct DpSessionReport {
    DpStepMark steps[DP_SESSION_STEPS];
    DpResetMethod method;
    uint8_t before[DP_SESSION_HEADER], after[DP_SESSION_HEADER];
    /* Who was reset, by the kernel's word for a bus reset; the first DP_SESSION_HIT_MAX of n_hit.
     */
    DpAddr hit[DP_SESSION_HIT_MAX];
    unsigned n_hit;
    DpVfioRegion regions[DP_VFIO_BARS];
    unsigned bar; /* the last one that was tried */
    int irqs[DP_VFIO_IRQS];
    bool bus_master_off; /* after a failed reset: it does no DMA any more, as it says itself */
    bool quarantined;    /* the function is handed to nobody: quarantine.h */
};

/* "open", "read", "reset", "read-back", "map", "interrupts", "close". */
const char *dp_session_step_name(DpSessionStep step);
/* "not-reached", "passed", "failed". */
const char *dp_step_result_name(DpStepResult result);

/* How many bytes of the header differ after the reset. */
unsigned dp_session_n_changed(const DpSessionReport *report);

/* True if the function was left in a state that nobody knows: its reset failed, it did not come
 * back, or the kernel did not in any step, each of which may reset it. */
bool dp_session_is_dirty(const DpSessionReport *report);

/* The visit, done as told. A function that is left dirty has its bus mastering switched off. */
typedef struct {
    const DpVfioOps *ops;
    const DpFunction *fn;
    DpResetMethod method;
    bool hot; /* a hot reset with these groups */
    const int *groups;
    size_t n_groups;
    bool rehearsal;
} DpSession;

/* False with a diagnostic and DP_ERROR_IO or DP_ERROR_TIMEOUT; @ret_report is filled either way. */
bool dp_session_run(const DpSession *session,
                    DpSessionReport *ret_report,
                    DpDiagList *diags,
                    GError **error);
