/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A rehearsal leaves the host as it found it, whatever refuses, blocks or dies in the middle; but
 * a function whose reset failed stays where it can do no harm. */
#include "assign-bench.h"
#include "assign/quarantine.h"
#include "assign/rehearsal.h"
#include "vfio/fake.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#define NVME  "0000:03:00.0" /* "flr bus" */
#define E1000 "0000:05:01.0" /* shares its bus */
#define RTL   "0000:05:02.0"

/* More operations, or writes, than one rehearsal does. */
#define STEPS_MAX 60u

typedef struct {
    Bench *bench;
    DpVfioFake *fake;
    DpRehearsal *rehearsal;
    char *before;
} Fixture;

static void
set_up(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    DpVfioFakeState *state;

    f->bench = bench_new("lab");
    f->fake = dp_vfio_fake_new(0x1b36, 0x0010);
    state = f->fake->state;
    state->config[8] = state->fresh[8] = 2;
    state->config[0x3c] = 11; /* what a guest left behind */
    state->regions[0] = (DpVfioRegion){16384, 12288};
    state->irqs[DP_VFIO_MSIX] = 65;
    f->rehearsal = dp_rehearsal_new();
    f->before = fake_kernel_state(f->bench->kernel);
}

static void
tear_down(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_free(f->before);
    dp_rehearsal_free(f->rehearsal);
    dp_vfio_fake_free(f->fake);
    bench_free(f->bench);
}

typedef struct {
    Fixture *f;
    const char *name;
} Job;

static bool
act(const DpChange *change, void *user, DpOutcome *outcome, GError **error)
{
    const Job *job = user;
    DpAddr addr;

    g_assert_true(dp_addr_parse_sysfs(job->name, &addr));
    dp_rehearsal_free(job->f->rehearsal);
    job->f->rehearsal = dp_rehearsal_new();
    return dp_assign_rehearse(change, &job->f->fake->ops, &addr, job->f->rehearsal, outcome, error);
}

static bool
rehearse(Fixture *f, const char *name)
{
    Job job = {f, name};

    return bench_do(f->bench, act, &job);
}

static bool
has_intent(Fixture *f)
{
    g_autofree char *intent = fake_kernel_read(f->bench->kernel, "run/directpath/intent");

    return intent != NULL;
}

static void
expect_as_before(Fixture *f)
{
    g_autofree char *now = fake_kernel_state(f->bench->kernel);

    g_assert_cmpstr(now, ==, f->before);
}

/* It stays with vfio-pci, and nothing else has changed; given back by hand for what comes next. */
static void
expect_quarantined(Fixture *f)
{
    g_assert_true(f->bench->outcome->changed);
    g_assert_cmpuint(f->rehearsal->kept->len, ==, 1);
    bench_expect(f->bench, NVME, "vfio-pci", "vfio-pci");
    g_assert_true(dp_quarantine_end(f->bench->kernel->root, NVME, "of the test", NULL));
    g_assert_true(bench_apply(f->bench));
    expect_as_before(f);
}

static void
expect_closed(Fixture *f)
{
    g_assert_cmpuint(f->fake->state->n_closes, ==, f->fake->state->n_opens);
}

static void
test_passes(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    const DpSessionReport *visit;

    g_assert_true(rehearse(f, NVME));
    g_assert_no_error(f->bench->error);
    visit = &f->rehearsal->visit;
    g_assert_true(f->rehearsal->passed);
    g_assert_cmpuint(f->rehearsal->moved->len, ==, 1);
    for (unsigned step = 0; step < DP_SESSION_STEPS; step++) {
        g_assert_cmpint(visit->steps[step].result, ==, DP_STEP_PASSED);
    }
    g_assert_cmpint(visit->method, ==, DP_RESET_FLR);
    g_assert_cmpuint(visit->n_hit, ==, 1);
    g_assert_cmpuint(visit->hit[0].bus, ==, 3);
    g_assert_cmpuint(dp_session_n_changed(visit), ==, 1);
    g_assert_cmpuint(visit->regions[0].mapped, ==, 12288);
    g_assert_cmpint(visit->irqs[DP_VFIO_MSIX], ==, 65);
    g_assert_cmpuint(f->fake->state->n_resets, ==, 1);
    g_assert_false(f->bench->outcome->changed);
    g_assert_cmpuint(f->bench->outcome->diags->len, ==, 0);
    g_assert_false(has_intent(f));
    expect_closed(f);
    expect_as_before(f);
}

/* An override that was somebody else's is there again afterwards. */
static void
test_a_foreign_override_comes_back(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    fake_kernel_put(f->bench->kernel, "sys/bus/pci/devices/" NVME "/driver_override", "nvme\n");
    g_assert_true(rehearse(f, NVME));
    bench_expect(f->bench, NVME, "nvme", "nvme");
}

static void
test_enabled_already(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_assert_true(bench_enable(f->bench, NVME, NULL));
    g_assert_true(rehearse(f, NVME));
    g_assert_cmpuint(f->bench->kernel->plan->n, ==, 0);
    g_assert_cmpuint(f->rehearsal->moved->len, ==, 0);
    bench_expect(f->bench, NVME, "vfio-pci", "vfio-pci");
}

static void
test_unit(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    DpVfioFakeState *state = f->fake->state;

    bench_refused(f->bench, rehearse(f, E1000), DP_DIAG_UNIT_INCOMPLETE);
    g_assert_cmpuint(state->n_ops, ==, 0);
    expect_as_before(f);

    state->n_reach = 2;
    state->reach[0] = (DpAddr){.bus = 5, .device = 1};
    state->reach[1] = (DpAddr){.bus = 5, .device = 2};
    f->bench->with_unit = true;
    g_assert_true(rehearse(f, E1000));
    g_assert_cmpuint(f->rehearsal->moved->len, ==, 2);
    g_assert_cmpuint(f->rehearsal->visit.n_hit, ==, 2);
    g_assert_cmpuint(state->n_hot_resets, ==, 1);
    expect_as_before(f);
}

static void
test_refusals_touch_nothing(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    f->bench->in_use = NVME;
    bench_refused(f->bench, rehearse(f, NVME), DP_DIAG_FUNCTION_IN_USE);
    f->bench->in_use = RTL; /* another of the unit */
    bench_refused(f->bench, rehearse(f, E1000), DP_DIAG_FUNCTION_IN_USE);
    f->bench->in_use = NULL;
    bench_refused(f->bench, rehearse(f, "0000:01:00.0"), DP_DIAG_HOST_NEEDS_FILESYSTEM);
    bench_refused(f->bench, rehearse(f, "0000:00:02.0"), DP_DIAG_NOT_PASSED_THROUGH);
    g_assert_cmpuint(f->bench->kernel->plan->n, ==, 0);
    g_assert_cmpuint(f->fake->state->n_ops, ==, 0);
    expect_as_before(f);
}

static void
test_dry_run(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    f->bench->dry_run = true;
    g_assert_true(rehearse(f, NVME));
    g_assert_cmpuint(f->bench->outcome->steps->len, ==, 6);
    g_assert_cmpuint(f->bench->kernel->plan->n, ==, 0);
    g_assert_cmpuint(f->fake->state->n_ops, ==, 0);
    expect_as_before(f);
}

/* The device refuses operation n. */
static void
test_every_operation_refused(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    DpVfioFakeState *state = f->fake->state;
    unsigned n = 0;
    bool passed = false;

    for (n = 1; !passed && n < STEPS_MAX; n++) {
        state->n_ops = 0;
        state->refuse_at = n;
        state->refuse_error = -EIO;
        passed = rehearse(f, NVME);
        /* A read that fails once after the reset is tried again. */
        passed = passed && state->n_ops < n;
        if (!passed && f->bench->error != NULL) {
            g_assert_error(f->bench->error, DP_ERROR, DP_ERROR_REFUSED);
            g_assert_true(dp_diags_have_error(f->bench->outcome->diags));
        }
        g_assert_false(has_intent(f));
        expect_closed(f);
        /* The first read, or the reset itself. */
        g_assert_cmpint(f->rehearsal->visit.quarantined, ==, n == 2 || n == 3);
        if (f->rehearsal->visit.quarantined) {
            expect_quarantined(f);
        } else {
            expect_as_before(f);
        }
    }
    /* open, two reads, reset, six BARs, three kinds of interrupt. */
    g_assert_cmpuint(n, ==, 13 + 2);
}

/* The write that failed was one of power settings, which are no reason to fail: what was held is
 * left on record for the next command where it could not be put back. */
static bool
is_about_power(Fixture *f)
{
    g_autofree char *record = fake_kernel_read(f->bench->kernel, "run/directpath/power");

    return record != NULL || dp_diags_have(f->bench->outcome->diags, DP_DIAG_POWER_NOT_HELD);
}

/* The kernel refuses write n: what could be given back has been, the next command does the rest. */
static void
test_every_write_refused(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    unsigned n, kept = 0;

    for (n = 1; n < STEPS_MAX; n++) {
        bool passed;

        fake_kernel_plan(f->bench->kernel, FAKE_REFUSE, n);
        passed = rehearse(f, NVME);
        if (f->bench->kernel->plan->n < n) {
            g_assert_true(passed);
            break;
        }
        if (!passed && g_error_matches(f->bench->error, DP_ERROR, DP_ERROR_IO)) {
            bench_diag(f->bench, DP_DIAG_NOT_GIVEN_BACK, DP_ERROR_SEVERITY);
            g_assert_true(has_intent(f));
            kept++;
        } else if (!is_about_power(f)) {
            expect_as_before(f);
        }
        fake_kernel_plan(f->bench->kernel, FAKE_OBEY, 0);
        g_assert_true(bench_recover(f->bench));
        g_assert_false(has_intent(f));
        expect_as_before(f);
    }
    g_assert_cmpuint(n, >=, 6);
    g_assert_cmpuint(kept, >, 0);
}

/* The driver does not let go at write n; once it does, the next command puts all right. */
static void
test_every_write_blocked(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    unsigned n;

    for (n = 1; n < STEPS_MAX; n++) {
        bool passed;

        fake_kernel_plan(f->bench->kernel, FAKE_BLOCK, n);
        passed = rehearse(f, NVME);
        if (f->bench->kernel->plan->n < n) {
            break;
        }
        g_assert_true(!passed || is_about_power(f));
        g_assert_false(!passed && f->bench->outcome->changed && !has_intent(f));
        fake_kernel_plan(f->bench->kernel, FAKE_OBEY, 0);
        g_assert_true(bench_recover(f->bench));
        g_assert_false(has_intent(f));
        expect_as_before(f);
    }
    g_assert_cmpuint(n, >=, 6);
}

static bool
killed(Fixture *f, FakeMode mode, unsigned n)
{
    int status;
    pid_t pid;

    fake_kernel_plan(f->bench->kernel, mode, n);
    pid = fork();
    if (pid == 0) {
        (void)rehearse(f, E1000);
        _exit(0);
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    fake_kernel_plan(f->bench->kernel, FAKE_OBEY, 0);
    return WEXITSTATUS(status) == 9;
}

static void
test_killed_at_every_write(Fixture *f, gconstpointer data)
{
    FakeMode mode = (FakeMode)GPOINTER_TO_INT(data);
    unsigned n;

    f->bench->with_unit = true;
    for (n = 1; n < STEPS_MAX && killed(f, mode, n); n++) {
        g_assert_true(bench_recover(f->bench));
        bench_diag(f->bench, DP_DIAG_INTERRUPTED, DP_WARNING);
        g_assert_false(has_intent(f));
        expect_as_before(f);
    }
    g_assert_cmpuint(n, >=, 12);
}

static void
test_does_not_come_back(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    f->fake->state->reads_dead = G_MAXUINT;
    g_assert_false(rehearse(f, NVME));
    g_assert_error(f->bench->error, DP_ERROR, DP_ERROR_REFUSED);
    bench_diag(f->bench, DP_DIAG_RESET_NOT_BACK, DP_ERROR_SEVERITY);
    g_assert_cmpint(f->rehearsal->visit.steps[DP_SESSION_MAP].result, ==, DP_STEP_NOT_REACHED);
    g_assert_cmpint(f->rehearsal->give_back.result, ==, DP_STEP_PASSED);
    expect_closed(f);
    expect_quarantined(f);
}

static void
add(const char *path, void (*test)(Fixture *, gconstpointer), FakeMode mode)
{
    g_test_add(path, Fixture, GINT_TO_POINTER((int)mode), set_up, test, tear_down);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/rehearsal/passes", test_passes, FAKE_OBEY);
    add("/rehearsal/foreign-override", test_a_foreign_override_comes_back, FAKE_OBEY);
    add("/rehearsal/enabled-already", test_enabled_already, FAKE_OBEY);
    add("/rehearsal/unit", test_unit, FAKE_OBEY);
    add("/rehearsal/refusals", test_refusals_touch_nothing, FAKE_OBEY);
    add("/rehearsal/dry-run", test_dry_run, FAKE_OBEY);
    add("/rehearsal/operations-refused", test_every_operation_refused, FAKE_OBEY);
    add("/rehearsal/writes-refused", test_every_write_refused, FAKE_OBEY);
    add("/rehearsal/writes-blocked", test_every_write_blocked, FAKE_OBEY);
    add("/rehearsal/killed-before-writes", test_killed_at_every_write, FAKE_DIE);
    add("/rehearsal/killed-after-writes", test_killed_at_every_write, FAKE_DIE_AFTER);
    add("/rehearsal/does-not-come-back", test_does_not_come_back, FAKE_OBEY);
    return g_test_run();
}
