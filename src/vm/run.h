/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running VMs: one folder each under run/directpath/vm/ID, a supervisor that watches QEMU and gives
 * the devices back when it ends, and the two monitors (qmp.sock for commands, events.sock for the
 * supervisor).
 */
#pragma once

#include "vm.h"

struct DpRun {
    char *id; /* dp_vm_id of its file */
    char *name;
    char *vmx_path;
    char *log_path;
    pid_t qemu_pid;       /* 0: none alive */
    pid_t supervisor_pid; /* 0: none alive */
    uid_t uid;            /* QEMU's user */
    char **functions;     /* names of the functions it has, NULL-terminated */
    char *accel;          /* "kvm", "tcg" */
    char *started;        /* ISO 8601, UTC */
    char *vmx_sum;        /* of the file at power-on (dp_vm_vmx_sum); NULL: not known */
    uint64_t reserved;    /* bytes of memory that it was given at power-on */
    uint64_t missing;     /* of them: not in its hands (yet) */
    uint64_t page;        /* of the huge pages that they are; 0: ordinary ones */
    DpVmState state;
};

void dp_run_free(DpRun *run);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpRun, dp_run_free)

/* All VMs with a run folder beneath @root, whatever state they are in: a GPtrArray of DpRun. */
GPtrArray *dp_run_list(DpRoot *root);

/* The one of @vmx_path (any spelling of the path), or NULL. */
DpRun *dp_run_find(DpRoot *root, const char *vmx_path);

/* True if @run runs the guest; false with DP_ERROR_BUSY while it is on the way to that or from it.
 */
bool dp_run_is_on(const DpRun *run, GError **error);

/* How long the VMs that are being powered on may hold the store's lock, until all of their memory
 * is pinned; 0: there is none. */
int dp_run_starting_ms(DpRoot *root);

/* For DpPlanInput.used_by: the VM that has the function, or NULL; @user is the GPtrArray of
 * dp_run_list. */
const DpRun *dp_run_using(const DpAddr *addr, void *user);

/* Its name; for DpChange.used_by, with the same @user. */
const char *dp_run_used_by(const DpAddr *addr, void *user);

/* For DpPlanInput.holder; @user is the same. Looks at what each engine has open. */
char *dp_run_holder(const DpVmFileFacts *facts, void *user);

typedef struct {
    DpRoot *root;
    const DpVfioOps *vfio;
    const DpHost *host;
    const DpPolicy *policy;
    DpEsxconf *conf;
} DpVmEnv;

/* Carries the plan out: user, limits, resets, VFIO nodes, QEMU, supervisor. Returns when QEMU runs
 * the guest. A failure undoes everything and says so in @outcome. The caller holds the store's
 * lock. */
bool dp_vm_power_on(const DpPlan *plan, const DpVmEnv *env, DpOutcome *outcome, GError **error);

/* Asks the guest (ACPI power button) and waits at most @timeout_s until devices are back;
 * DP_ERROR_TIMEOUT if the guest did not comply. A guest that has ended by itself, whose devices are
 * not back yet, counts as asked; DP_ERROR_NOT_FOUND: the VM is off already. The caller does NOT
 * hold the lock. */
bool
dp_vm_shut_down(DpRoot *root, const DpRun *run, int timeout_s, DpOutcome *outcome, GError **error);

/* The same in two steps, so that several guests can be asked before any is waited for. The time-out
 * counts from the question. */
typedef struct DpVmStop DpVmStop;
DpVmStop *dp_vm_stop_ask(DpRoot *root, const DpRun *run, GError **error);
bool dp_vm_stop_wait(
    DpRoot *root, const DpVmStop *stop, int timeout_s, DpOutcome *outcome, GError **error);
void dp_vm_stop_free(DpVmStop *stop);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpVmStop, dp_vm_stop_free)

/* The machine's reset button; returns when QEMU has reset every device. The guest is not asked. */
bool dp_vm_reset(DpRoot *root, const DpRun *run, GError **error);

/* Hard, at once; returns when devices are back; DP_ERROR_NOT_FOUND: it is off already. The caller
 * does NOT hold the lock. */
bool dp_vm_power_off(DpRoot *root, const DpRun *run, DpOutcome *outcome, GError **error);

/* Whether nobody watches over VM @id, whose record is still there: dp_vm_recover puts that right.
 * Shutting down and powering off fail with DP_ERROR_BUSY as soon as it comes to that. */
bool dp_run_is_orphan(DpRoot *root, const char *id);

/* Puts right what a killed supervisor or QEMU left: a live QEMU gets a new supervisor, a dead one's
 * devices go back to what the store says. Says in @outcome what was found. The caller holds the
 * lock. */
bool dp_vm_recover(const DpVmEnv *env, DpOutcome *outcome, GError **error);

/*
 * Live facts, as `vm status --json` prints them:
 * {"name","vmx","id","state":"running"|..., "guest":"QMP's
 * word","pid","supervisor_pid","uid","accel","started","memory_mib","log",
 *  "devices":[{"index","address","guest_address","reset":"flr"|"bus"|...: what was really done
 * before the guest got it,
 *    "interrupt_mode":"msix"|"msi"|"intx"|"none","interrupts":[{"name","irq","count"}]}],
 *  "unavailable":[{"feature","reason"}]}; facts that cannot be had are null.
 */
json_t *dp_vm_status_json(DpRoot *root, const DpRun *run, DpDiagList *diags);

/* "dma_faults" of a VM that may be off: what is recorded since its last power-on, or null. */
json_t *dp_vm_faults_report(DpRoot *root, const char *id, const char *name, DpDiagList *diags);

/* The last lines of the VM's log (directpath.log beside the VMX): at most @max bytes; NULL with
 * error if there is none. */
char *dp_vm_log_read(const char *vmx_path, size_t max, GError **error);
