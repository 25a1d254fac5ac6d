/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "on-fault.h"

#include <signal.h>
#include <string.h>

/* Where the log grows faster than it is read at a time, the host has other things to do, too. */
#define REST_US         200000
#define TELL_EVERY_US   (10 * G_USEC_PER_SEC)
#define QUIT_TIMEOUT_MS 2000
#define END_TIMEOUT_US  (10 * G_USEC_PER_SEC)

static void
say_begin(const DpSupervisor *supervisor)
{
    const DpPolicy *policy = supervisor->policy;

    dp_log_line(supervisor->log, "the kernel's log is watched for DMA that the IOMMU refuses: %s",
                supervisor->state->runs_on_at_fault ? "reported" : "the first powers the VM off");
    if (policy != NULL && policy->host->platform.iommu == DP_IOMMU_AMDVI) {
        dp_log_line(supervisor->log,
                    "AMD-Vi: the kernel does not always name the device of a fault; one without a "
                    "name is tied to no VM");
    }
}

void
dp_on_fault_begin(DpSupervisor *supervisor)
{
    DpRunState *state = supervisor->state;
    DpFaultDuty *duty = &supervisor->duty;
    g_autoptr(GError) error = NULL;

    if (state->functions->len == 0) {
        return;
    }
    if (state->kmsg_number < 0) {
        dp_vm_faults_forget(supervisor->root, state->id);
    } else {
        (void)dp_vm_faults_load(&duty->faults, supervisor->root, state->id);
        duty->told = duty->faults.count;
        /* The one before was killed while it ended the engine. */
        duty->kill_at = duty->faults.powered_off ? g_get_monotonic_time() : 0;
    }
    duty->watch = supervisor->kmsg >= 0
                      ? dp_fault_watch_take(supervisor->root, state, dp_steal_fd(&supervisor->kmsg))
                      : dp_fault_watch_new(supervisor->root, state, &error);
    if (duty->watch == NULL) {
        state->kmsg_number = -1;
        dp_log_line(supervisor->log, "DMA that the IOMMU refuses is not seen: %s", error->message);
        return;
    }
    say_begin(supervisor);
}

bool
dp_on_fault_is_idle(const DpSupervisor *supervisor)
{
    const DpFaultDuty *duty = &supervisor->duty;

    return duty->kill_at == 0 && duty->rest_until == 0 && duty->told == duty->faults.count;
}

int
dp_on_fault_fd(const DpSupervisor *supervisor)
{
    const DpFaultDuty *duty = &supervisor->duty;

    return duty->watch != NULL && duty->rest_until == 0 ? dp_fault_watch_fd(duty->watch) : -1;
}

static gint64
earlier(gint64 a, gint64 b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

int
dp_on_fault_timeout_ms(const DpSupervisor *supervisor)
{
    const DpFaultDuty *duty = &supervisor->duty;
    gint64 due = earlier(duty->rest_until, duty->kill_at);

    if (duty->faults.count > duty->told) {
        due = earlier(due, duty->tell_at);
    }
    return due == 0 ? -1 : (int)(MAX(due - g_get_monotonic_time(), 0) / 1000) + 1;
}

static void
kill_engine(const DpSupervisor *supervisor)
{
    const DpProcess *engine = &supervisor->state->engine;

    /* A child's number is nobody else's before it is waited for. */
    if (supervisor->child || dp_process_alive(engine)) {
        (void)kill(engine->pid, SIGKILL);
    }
}

/* The engine closes its disks in order, if it still listens; the device reaches nothing meanwhile.
 */
static void
power_off(DpSupervisor *supervisor)
{
    json_t *answer = supervisor->events != NULL
                         ? dp_qmp_execute(supervisor->events, "quit", NULL, QUIT_TIMEOUT_MS, NULL)
                         : NULL;

    if (answer == NULL) {
        kill_engine(supervisor);
    }
    json_decref(answer);
    supervisor->duty.kill_at = g_get_monotonic_time() + END_TIMEOUT_US +
                               (gint64)dp_run_pinning_ms(supervisor->state->memlock) * 1000;
}

static void
save(DpSupervisor *supervisor)
{
    g_autoptr(GError) error = NULL;

    if (!dp_vm_faults_save(&supervisor->duty.faults, supervisor->root, supervisor->state->id,
                           &error)) {
        dp_log_line(supervisor->log, "the fault is not recorded: %s", error->message);
    }
    (void)dp_run_state_save(supervisor->state, supervisor->folder, NULL);
}

static void
tell(DpSupervisor *supervisor, bool ends)
{
    DpFaultDuty *duty = &supervisor->duty;
    g_autofree char *text = dp_vm_faults_text(&duty->faults);

    dp_log_line(supervisor->log, "DP%d: %s%s", DP_DIAG_VM_DMA_FAULT, text,
                ends ? ".  Powering off the virtual machine." : "");
    if (duty->faults.count > 1) {
        dp_log_line(supervisor->log, "that was the first of %" G_GUINT64_FORMAT " IOMMU faults",
                    duty->faults.count);
    }
    duty->told = duty->faults.count;
    duty->tell_at = g_get_monotonic_time() + TELL_EVERY_US;
    save(supervisor);
}

static void
on_fault(DpSupervisor *supervisor, const DpVmFault *fault)
{
    DpVmFaults *faults = &supervisor->duty.faults;
    bool ends = fault->certain && !supervisor->state->runs_on_at_fault && !faults->powered_off &&
                !supervisor->duty.over;

    dp_vm_faults_add(faults, fault);
    faults->powered_off |= ends;
    if (ends || faults->count == 1) {
        tell(supervisor, ends);
    }
    if (ends) {
        power_off(supervisor);
    }
}

static void
read_log(DpSupervisor *supervisor)
{
    DpFaultDuty *duty = &supervisor->duty;
    bool more = false, ended = false;
    DpVmFault fault;

    while (dp_fault_watch_next(duty->watch, &fault, &more, &ended)) {
        on_fault(supervisor, &fault);
    }
    if (more) {
        duty->rest_until = g_get_monotonic_time() + REST_US;
    }
    if (ended) {
        dp_log_line(supervisor->log,
                    "DMA that the IOMMU refuses is not seen any more: the kernel's "
                    "log cannot be read on");
        g_clear_pointer(&duty->watch, dp_fault_watch_free);
    }
}

void
dp_on_fault_look(DpSupervisor *supervisor)
{
    DpFaultDuty *duty = &supervisor->duty;
    gint64 now = g_get_monotonic_time();

    if (duty->rest_until != 0 && now >= duty->rest_until) {
        duty->rest_until = 0;
    }
    if (duty->watch != NULL && duty->rest_until == 0) {
        read_log(supervisor);
    }
    if (duty->kill_at != 0 && now >= duty->kill_at) {
        kill_engine(supervisor);
        duty->kill_at = now + END_TIMEOUT_US;
    }
    if (duty->faults.count > duty->told && now >= duty->tell_at) {
        tell(supervisor, false);
    }
}

void
dp_on_fault_end(DpSupervisor *supervisor)
{
    DpFaultDuty *duty = &supervisor->duty;

    duty->over = true;
    duty->rest_until = duty->kill_at = duty->tell_at = 0;
    dp_on_fault_look(supervisor);
    g_clear_pointer(&duty->watch, dp_fault_watch_free);
    dp_vm_faults_clear(&duty->faults);
}
