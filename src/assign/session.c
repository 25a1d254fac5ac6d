/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session.h"

#include "base/child.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* Longest visit, and how long the function may take to answer after its reset (PCIe 6.6.1: it may
 * ask for retries for up to a second; some take longer). */
#define VISIT_TIMEOUT_MS 15000
#define BACK_TIMEOUT_MS  5000
#define BACK_STEP_US     20000

/* Revision and class: no function has all ones there, and the kernel answers them from the device
 * itself, other than the ids. */
#define CLASS_OFFSET 8u
/* The command register, and its bus master enable (PCI 3.0, 6.2.2). */
#define COMMAND_OFFSET 4u
#define COMMAND_MASTER 0x0004u
#define ALL_ONES       0xffffffffu

/* What a reset must not change. */
static const struct {
    unsigned offset, len;
} identity[] = {
    {0x00, 4}, /* vendor and device */
    {0x08, 4}, /* revision and class */
    {0x0e, 1}, /* header type */
    {0x2c, 4}, /* subsystem */
};

/* In memory that parent and child share. */
typedef struct {
    DpSessionReport report;
    DpSessionStep at; /* what the child is doing */
    int64_t since_us; /* when it began to */
} Shared;

const char *
dp_session_step_name(DpSessionStep step)
{
    static const char *const names[] = {
        [DP_SESSION_OPEN] = "open",   [DP_SESSION_READ] = "read",
        [DP_SESSION_RESET] = "reset", [DP_SESSION_BACK] = "read-back",
        [DP_SESSION_MAP] = "map",     [DP_SESSION_INTERRUPTS] = "interrupts",
        [DP_SESSION_CLOSE] = "close",
    };

    return names[step];
}

const char *
dp_step_result_name(DpStepResult result)
{
    static const char *const names[] = {
        [DP_STEP_NOT_REACHED] = "not-reached",
        [DP_STEP_PASSED] = "passed",
        [DP_STEP_FAILED] = "failed",
    };

    return names[result];
}

unsigned
dp_session_n_changed(const DpSessionReport *report)
{
    unsigned n = 0;

    for (unsigned i = 0; i < DP_SESSION_HEADER; i++) {
        n += report->before[i] != report->after[i] ? 1 : 0;
    }
    return n;
}

bool
dp_session_is_dirty(const DpSessionReport *report)
{
    for (unsigned step = DP_SESSION_OPEN; step < DP_SESSION_STEPS; step++) {
        const DpStepMark *mark = &report->steps[step];

        if (mark->result == DP_STEP_FAILED) {
            return mark->error == -ETIMEDOUT ||
                   (step >= DP_SESSION_READ && step <= DP_SESSION_BACK);
        }
    }
    return false;
}

static uint32_t
dword(const uint8_t *header, unsigned offset)
{
    return header[offset] | (uint32_t)header[offset + 1] << 8 | (uint32_t)header[offset + 2] << 16 |
           (uint32_t)header[offset + 3] << 24;
}

static int
read_header(const DpSession *session, DpVfioDevice *device, uint8_t *header)
{
    ssize_t n = session->ops->config_read(device, 0, header, DP_SESSION_HEADER);

    return n == (ssize_t)DP_SESSION_HEADER ? 0 : n < 0 ? (int)n : -EIO;
}

static bool
same_identity(const DpSessionReport *report)
{
    for (size_t i = 0; i < G_N_ELEMENTS(identity); i++) {
        if (memcmp(report->before + identity[i].offset, report->after + identity[i].offset,
                   identity[i].len) != 0) {
            return false;
        }
    }
    return true;
}

/* One that was dead before should come back as what the kernel remembers of it. */
static bool
is_back(const DpSession *session, const DpSessionReport *report)
{
    const DpFunction *fn = session->fn;

    if (dword(report->after, CLASS_OFFSET) == ALL_ONES) {
        return false;
    }
    if (dword(report->before, CLASS_OFFSET) == ALL_ONES) {
        return dword(report->after, CLASS_OFFSET) == (fn->class_code << 8 | fn->revision);
    }
    return same_identity(report);
}

static int
wait_back(const DpSession *session, DpVfioDevice *device, DpSessionReport *report)
{
    gint64 end = g_get_monotonic_time() + (gint64)BACK_TIMEOUT_MS * 1000;

    for (;;) {
        int r = read_header(session, device, report->after);

        if (r == 0 && is_back(session, report)) {
            return 0;
        }
        if (g_get_monotonic_time() >= end) {
            return r < 0 ? r : -ENODEV;
        }
        g_usleep(BACK_STEP_US);
    }
}

static int
reset(const DpSession *session, DpVfioDevice *device, DpSessionReport *report)
{
    int n;

    report->hit[0] = session->fn->addr;
    report->n_hit = 1;
    if (!session->hot) {
        return session->ops->reset(device);
    }
    n = session->ops->hot_reset_reach(device, report->hit, DP_SESSION_HIT_MAX);
    if (n < 0) {
        return n;
    }
    report->n_hit = (unsigned)n;
    return session->ops->hot_reset(device, session->groups, session->n_groups);
}

static int
map(const DpSession *session, DpVfioDevice *device, DpSessionReport *report)
{
    int r = 0;

    for (unsigned bar = 0; r == 0 && bar < DP_VFIO_BARS; bar++) {
        report->bar = bar;
        r = session->ops->map_bar(device, bar, &report->regions[bar]);
    }
    return r;
}

static int
count_interrupts(const DpSession *session, DpVfioDevice *device, DpSessionReport *report)
{
    for (unsigned kind = 0; kind < DP_VFIO_IRQS; kind++) {
        int n = session->ops->count_irqs(device, (DpVfioIrq)kind);

        if (n < 0) {
            return n;
        }
        report->irqs[kind] = n;
    }
    return 0;
}

static int
do_step(const DpSession *session,
        DpSessionStep step,
        DpVfioDevice **device,
        DpSessionReport *report)
{
    const DpFunction *fn = session->fn;

    switch (step) {
    case DP_SESSION_OPEN:
        return session->ops->open(session->ops, fn->iommu_group, fn->name, device);
    case DP_SESSION_READ:
        return read_header(session, *device, report->before);
    case DP_SESSION_RESET:
        return reset(session, *device, report);
    case DP_SESSION_BACK:
        return wait_back(session, *device, report);
    case DP_SESSION_MAP:
        return map(session, *device, report);
    case DP_SESSION_INTERRUPTS:
        return count_interrupts(session, *device, report);
    default:
        session->ops->close(*device);
        return 0;
    }
}

static int
run_step(const DpSession *session, DpSessionStep step, DpVfioDevice **device, Shared *shared)
{
    DpStepMark *mark = &shared->report.steps[step];
    int r;

    shared->since_us = g_get_monotonic_time();
    shared->at = step;
    r = do_step(session, step, device, &shared->report);
    mark->us = g_get_monotonic_time() - shared->since_us;
    mark->error = MIN(r, 0);
    mark->result = r < 0 ? DP_STEP_FAILED : DP_STEP_PASSED;
    return MIN(r, 0);
}

/* Whatever state it is in, it is to write to no memory. */
static void
stop_dma(const DpSession *session, DpVfioDevice *device, DpSessionReport *report)
{
    uint16_t command = 0;

    if (session->ops->config_read(device, COMMAND_OFFSET, &command, sizeof command) < 0) {
        return;
    }
    command = GUINT16_TO_LE(GUINT16_FROM_LE(command) & ~COMMAND_MASTER);
    if (session->ops->config_write(device, COMMAND_OFFSET, &command, sizeof command) < 0 ||
        session->ops->config_read(device, COMMAND_OFFSET, &command, sizeof command) < 0) {
        return;
    }
    report->bus_master_off = (GUINT16_FROM_LE(command) & COMMAND_MASTER) == 0;
}

typedef struct {
    const DpSession *session;
    Shared *shared;
} Work;

static int
visit(void *data)
{
    const Work *work = data;
    bool rehearsal = work->session->rehearsal;
    DpVfioDevice *device = NULL;
    int r = 0;

    for (unsigned step = DP_SESSION_OPEN; r == 0 && step < DP_SESSION_CLOSE; step++) {
        if (rehearsal || step < DP_SESSION_MAP) {
            r = run_step(work->session, (DpSessionStep)step, &device, work->shared);
        }
    }
    if (device != NULL && dp_session_is_dirty(&work->shared->report)) {
        stop_dma(work->session, device, &work->shared->report);
    }
    if (device != NULL) {
        (void)run_step(work->session, DP_SESSION_CLOSE, &device, work->shared);
    }
    /* ETIMEDOUT is kept for the deadline of this child. */
    return r == -ETIMEDOUT ? -ETIME : r;
}

/* What a child that was given up was doing is what failed. */
static void
mark_given_up(Shared *shared)
{
    DpStepMark *mark = &shared->report.steps[MIN(shared->at, DP_SESSION_CLOSE)];

    mark->result = DP_STEP_FAILED;
    mark->error = -ETIMEDOUT;
    mark->us = g_get_monotonic_time() - shared->since_us;
}

static DpSessionStep
failed_step(const DpSessionReport *report)
{
    unsigned step = DP_SESSION_OPEN;

    while (step < DP_SESSION_CLOSE && report->steps[step].result != DP_STEP_FAILED) {
        step++;
    }
    return (DpSessionStep)step;
}

/* What a failure of each step is called. */
static const struct {
    const char *doing;
    DpDiagId id;
} failures[] = {
    [DP_SESSION_OPEN] = {"cannot open it", DP_DIAG_RESET_BUSY},
    [DP_SESSION_READ] = {"cannot read its configuration", DP_DIAG_RESET_FAILED},
    [DP_SESSION_RESET] = {"the reset was refused", DP_DIAG_RESET_FAILED},
    [DP_SESSION_BACK] = {"it did not come back", DP_DIAG_RESET_NOT_BACK},
    [DP_SESSION_MAP] = {"cannot map its memory", DP_DIAG_BAR_NOT_MAPPED},
    [DP_SESSION_INTERRUPTS] = {"cannot tell its interrupts", DP_DIAG_INTERRUPTS_UNKNOWN},
    [DP_SESSION_CLOSE] = {"the visit did not end well", DP_DIAG_RESET_FAILED},
};

/* The evidence beyond the error's name. */
static char *
evidence(const DpSessionReport *report, DpSessionStep step)
{
    if (step == DP_SESSION_BACK) {
        return g_strdup_printf(", ids and class were %08x %08x and are %08x %08x",
                               dword(report->before, 0), dword(report->before, CLASS_OFFSET),
                               dword(report->after, 0), dword(report->after, CLASS_OFFSET));
    }
    return step == DP_SESSION_MAP ? g_strdup_printf(" (BAR %u)", report->bar) : g_strdup("");
}

static bool
report_failure(const DpSession *session,
               const DpSessionReport *report,
               int r,
               DpDiagList *diags,
               GError **error)
{
    DpSessionStep step = failed_step(report);
    bool stuck = r == -ETIMEDOUT;
    g_autofree char *more = evidence(report, step);

    dp_diags_add(diags, stuck ? DP_DIAG_RESET_STUCK : failures[step].id, session->fn->name,
                 "%s: %s reset: %s: %s%s", session->fn->name, dp_reset_method_name(session->method),
                 failures[step].doing, g_strerror(-r), more);
    return dp_fail(error, stuck ? DP_ERROR_TIMEOUT : DP_ERROR_IO, "%s: %s: %s", session->fn->name,
                   failures[step].doing, g_strerror(-r));
}

bool
dp_session_run(const DpSession *session,
               DpSessionReport *ret_report,
               DpDiagList *diags,
               GError **error)
{
    Shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    Work work = {session, shared};
    int r;

    if (shared == MAP_FAILED) {
        return dp_fail_errno(error, errno, "cannot share memory");
    }
    r = dp_child_run_apart(visit, &work, VISIT_TIMEOUT_MS, -1, NULL);
    if (r == -ETIMEDOUT) {
        mark_given_up(shared);
    }
    *ret_report = shared->report;
    ret_report->method = session->method;
    (void)munmap(shared, sizeof *shared);
    return r >= 0 || report_failure(session, ret_report, r, diags, error);
}
