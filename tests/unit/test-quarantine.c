/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A function whose reset failed is handed to nobody, over a reboot too, until one succeeds. */
#include "assign-bench.h"
#include "assign/quarantine.h"
#include "assign/rehearsal.h"
#include "vfio/fake.h"

#include <errno.h>
#include <string.h>

#define NVME   "0000:03:00.0" /* "flr bus" */
#define E1000  "0000:05:01.0" /* shares its bus */
#define RTL    "0000:05:02.0"
#define RECORD "etc/directpath/quarantine.json"

typedef struct {
    Bench *bench;
    DpVfioFake *fake;
    DpSessionReport report;
    DpRehearsal *rehearsal;
} Fixture;

static void
set_up(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    f->bench = bench_new("lab");
    f->fake = dp_vfio_fake_new(0x1b36, 0x0010);
    f->fake->state->config[4] = 0x06; /* memory and bus mastering on */
    f->rehearsal = dp_rehearsal_new();
}

static void
tear_down(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    dp_rehearsal_free(f->rehearsal);
    dp_vfio_fake_free(f->fake);
    bench_free(f->bench);
}

typedef struct {
    Fixture *f;
    const char *name;
} Job;

static const DpVerdict *
verdict_of(const DpChange *change, const char *name)
{
    DpAddr addr;

    g_assert_true(dp_addr_parse_sysfs(name, &addr));
    return dp_policy_verdict(change->policy, &addr);
}

static bool
act_reset(const DpChange *change, void *user, DpOutcome *outcome, GError **error)
{
    const Job *job = user;

    return dp_assign_visit(change->root, &job->f->fake->ops, verdict_of(change, job->name), false,
                           &job->f->report, outcome->diags, error);
}

static bool
reset(Fixture *f, const char *name)
{
    Job job = {f, name};

    return bench_do(f->bench, act_reset, &job);
}

static bool
act_rehearse(const DpChange *change, void *user, DpOutcome *outcome, GError **error)
{
    const Job *job = user;

    return dp_assign_rehearse(change, &job->f->fake->ops, &verdict_of(change, job->name)->fn->addr,
                              job->f->rehearsal, outcome, error);
}

static bool
act_power_cycled(const DpChange *change, void *user, DpOutcome *outcome, GError **error)
{
    return dp_quarantine_power_cycled(change->root, verdict_of(change, user), false, outcome->diags,
                                      error);
}

typedef struct {
    const char *name;
    bool quarantined;
    DpDiagId reason; /* 0: no error */
    DpState state;
} Look;

static bool
act_look(const DpChange *change, void *user, DpOutcome *outcome G_GNUC_UNUSED, GError **error)
{
    Look *look = user;
    const DpVerdict *verdict = verdict_of(change, look->name);

    (void)error;
    look->quarantined = verdict->quarantined != NULL;
    look->reason = 0;
    for (guint i = 0; i < verdict->diags->len; i++) {
        const DpDiag *diag = verdict->diags->pdata[i];

        if (look->reason == 0 && dp_policy_is_quarantine(diag->row->id)) {
            look->reason = diag->row->id;
        }
    }
    look->state = dp_policy_state(verdict, change->conf, NULL, NULL, NULL);
    return true;
}

static Look
look_at(Fixture *f, const char *name)
{
    Look look = {.name = name};

    g_assert_true(bench_do(f->bench, act_look, &look));
    return look;
}

static void
expect_quarantined(Fixture *f, const char *name, bool quarantined)
{
    Look look = look_at(f, name);

    g_assert_cmpint(look.quarantined, ==, quarantined);
    if (quarantined) {
        g_assert_cmpint(look.reason, ==, DP_DIAG_QUARANTINED);
        g_assert_cmpint(look.state, ==, DP_STATE_UNAVAILABLE);
    }
}

static void
test_failed_then_succeeded(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_assert_true(bench_enable(f->bench, NVME, NULL));
    f->fake->state->reset_error = -ENOTTY;
    g_assert_false(reset(f, NVME));
    bench_diag(f->bench, DP_DIAG_QUARANTINE_BEGUN, DP_WARNING);
    g_assert_true(f->report.quarantined);
    g_assert_true(f->report.bus_master_off);
    g_assert_cmphex(f->fake->state->config[4], ==, 0x02);
    expect_quarantined(f, NVME, true);

    bench_refused(f->bench, bench_disable(f->bench, NVME, NULL), DP_DIAG_QUARANTINE_KEEPS);
    bench_expect(f->bench, NVME, "vfio-pci", "vfio-pci");
    g_assert_true(bench_apply(f->bench));
    g_assert_false(f->bench->outcome->changed);

    f->fake->state->reset_error = 0;
    g_assert_true(reset(f, NVME));
    bench_diag(f->bench, DP_DIAG_QUARANTINE_ENDED, DP_NOTE);
    g_assert_false(f->report.quarantined);
    expect_quarantined(f, NVME, false);
    g_assert_true(bench_disable(f->bench, NVME, NULL));
    bench_expect(f->bench, NVME, "nvme", "none");
}

static void
test_each_failure(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    DpVfioFakeState *state = f->fake->state;

    g_assert_true(bench_enable(f->bench, NVME, NULL));
    state->open_error = -EBUSY; /* nothing was done to it */
    g_assert_false(reset(f, NVME));
    g_assert_false(f->report.quarantined);
    expect_quarantined(f, NVME, false);

    state->open_error = 0;
    state->refuse_at = state->n_ops + 2; /* its configuration cannot be read */
    state->refuse_error = -EIO;
    g_assert_false(reset(f, NVME));
    expect_quarantined(f, NVME, true);
    g_assert_true(reset(f, NVME));
    expect_quarantined(f, NVME, false);

    state->reads_dead = G_MAXUINT; /* it does not come back */
    g_assert_false(reset(f, NVME));
    g_assert_false(f->report.bus_master_off);
    expect_quarantined(f, NVME, true);
}

static void
test_never_ends(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_assert_true(bench_enable(f->bench, NVME, NULL));
    f->fake->state->hang_in_reset = true;
    g_assert_false(reset(f, NVME));
    g_assert_false(f->report.bus_master_off);
    expect_quarantined(f, NVME, true);
}

/* What was not moved by the reset of its neighbour is no better than it. */
static void
test_shared(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_assert_true(bench_enable(f->bench, E1000, RTL, NULL));
    f->fake->state->hot_reset_error = -ENOTTY;
    g_assert_false(reset(f, E1000));
    expect_quarantined(f, E1000, true);
    expect_quarantined(f, RTL, true);
    f->fake->state->hot_reset_error = 0;
    g_assert_true(reset(f, E1000));
    expect_quarantined(f, E1000, false);
    /* RTL has to be asked itself, and until then its neighbour cannot be used. */
    g_assert_cmpint(look_at(f, E1000).reason, ==, DP_DIAG_UNIT_QUARANTINED);
    g_assert_true(reset(f, RTL));
    g_assert_cmpint(look_at(f, E1000).reason, ==, 0);
    g_assert_cmpint(look_at(f, E1000).state, ==, DP_STATE_ACTIVE);
}

/* The host's own function, lent to a rehearsal, does not go back. */
static void
test_rehearsal(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    static const int override[] = {DP_DIAG_QUARANTINED};
    Job job = {f, NVME};

    f->fake->state->reset_error = -ENOTTY;
    g_assert_false(bench_do(f->bench, act_rehearse, &job));
    g_assert_error(f->bench->error, DP_ERROR, DP_ERROR_REFUSED);
    g_assert_true(f->bench->outcome->changed);
    g_assert_true(f->rehearsal->visit.quarantined);
    g_assert_cmpuint(f->rehearsal->kept->len, ==, 1);
    bench_expect(f->bench, NVME, "vfio-pci", "vfio-pci");
    expect_quarantined(f, NVME, true);

    g_assert_true(bench_recover(f->bench));
    g_assert_true(bench_apply(f->bench));
    bench_expect(f->bench, NVME, "vfio-pci", "vfio-pci");
    f->bench->overrides = override;
    f->bench->n_overrides = 1;
    bench_refused(f->bench, bench_enable(f->bench, NVME, NULL), DP_DIAG_QUARANTINED);
    bench_refused(f->bench, bench_disable(f->bench, NVME, NULL), DP_DIAG_QUARANTINE_KEEPS);

    f->fake->state->reset_error = 0;
    g_assert_true(reset(f, NVME));
    g_assert_true(bench_disable(f->bench, NVME, NULL));
    bench_expect(f->bench, NVME, "nvme", "none");
}

/* The intent of a rehearsal that was killed behind the failed reset. */
static void
test_killed(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *intent = NULL;
    Job job = {f, NVME};

    fake_kernel_plan(f->bench->kernel, FAKE_OBEY, 0);
    g_assert_true(bench_enable(f->bench, NVME, NULL));
    f->fake->state->reset_error = -ENOTTY;
    g_assert_false(bench_do(f->bench, act_reset, &job));
    bench_store(f->bench, ""); /* as if it had been the host's all the time */
    intent =
        g_strdup_printf("{\"version\": 1, \"command\": \"test\", \"pid\": 1, \"pending\": false, "
                        "\"boot_id\": \"one-boot\", \"functions\": [{\"address\": \"%s\", "
                        "\"driver\": \"nvme\", \"override\": null}]}",
                        NVME);
    fake_kernel_put(f->bench->kernel, "run/directpath/intent", intent);
    g_assert_true(bench_recover(f->bench));
    bench_diag(f->bench, DP_DIAG_INTERRUPTED, DP_WARNING);
    bench_expect(f->bench, NVME, "vfio-pci", "vfio-pci");
}

static void
test_reboot(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    Job job = {f, NVME};

    f->fake->state->reset_error = -ENOTTY;
    g_assert_false(bench_do(f->bench, act_rehearse, &job));
    bench_refused(f->bench, bench_do(f->bench, act_power_cycled, (char *)NVME),
                  DP_DIAG_NOT_POWER_CYCLED);

    fake_kernel_boot(f->bench->kernel);
    fake_kernel_put(f->bench->kernel, "proc/sys/kernel/random/boot_id", "two-boot\n");
    bench_expect(f->bench, NVME, "nvme", "none"); /* the kernel knows of no record */
    g_assert_true(bench_apply(f->bench));
    bench_expect(f->bench, NVME, "vfio-pci", "vfio-pci");
    expect_quarantined(f, NVME, true);

    g_assert_true(bench_do(f->bench, act_power_cycled, (char *)NVME));
    bench_diag(f->bench, DP_DIAG_QUARANTINE_ENDED, DP_NOTE);
    expect_quarantined(f, NVME, false);
    g_assert_true(bench_apply(f->bench));
    bench_expect(f->bench, NVME, "nvme", "none");
    g_assert_true(bench_do(f->bench, act_power_cycled, (char *)NVME));
}

/* A place is not a card. */
static void
test_another_card(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_assert_true(bench_enable(f->bench, NVME, NULL));
    f->fake->state->reset_error = -ENOTTY;
    g_assert_false(reset(f, NVME));
    fake_kernel_put(f->bench->kernel, "sys/bus/pci/devices/" NVME "/device", "0x0011\n");
    expect_quarantined(f, NVME, false);
}

static void
test_record_not_written(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    Job job = {f, NVME};

    fake_kernel_put(f->bench->kernel, RECORD "/in-the-way", "");
    f->fake->state->reset_error = -ENOTTY;
    g_assert_false(bench_do(f->bench, act_rehearse, &job));
    bench_diag(f->bench, DP_DIAG_RECORD_NOT_WRITTEN, DP_ERROR_SEVERITY);
    bench_expect(f->bench, NVME, "vfio-pci", "vfio-pci");
}

/* What cannot be read is not empty: what vfio-pci has is handed on only after a reset. */
static void
test_broken(Fixture *f, gconstpointer broken)
{
    g_assert_true(bench_enable(f->bench, NVME, E1000, RTL, NULL));
    expect_quarantined(f, NVME, false);
    fake_kernel_put(f->bench->kernel, RECORD, broken);
    expect_quarantined(f, NVME, true);
    bench_refused(f->bench, bench_disable(f->bench, NVME, NULL), DP_DIAG_QUARANTINE_KEEPS);
    bench_expect(f->bench, NVME, "vfio-pci", "vfio-pci");
    expect_quarantined(f, "0000:04:00.0", false); /* the host's driver has it */

    f->fake->state->reset_error = -ENOTTY;
    g_assert_false(reset(f, NVME));
    expect_quarantined(f, E1000, true); /* the record is written anew, and nobody forgotten */
    f->fake->state->reset_error = 0;
    g_assert_true(reset(f, NVME));
    bench_diag(f->bench, DP_DIAG_QUARANTINE_ENDED, DP_NOTE);
    expect_quarantined(f, NVME, false);
    expect_quarantined(f, RTL, true);
    g_assert_true(bench_disable(f->bench, NVME, NULL));
    bench_expect(f->bench, NVME, "nvme", "none");
}

/* The first that answers ends it for itself alone; what is enabled later is no concern of it. */
static void
test_broken_then_reset(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_assert_true(bench_enable(f->bench, E1000, RTL, NULL));
    fake_kernel_put(f->bench->kernel, RECORD, "{");
    g_assert_true(bench_apply(f->bench));
    bench_expect(f->bench, E1000, "vfio-pci", "vfio-pci");
    g_assert_true(reset(f, E1000));
    expect_quarantined(f, E1000, false);
    g_assert_cmpint(look_at(f, E1000).reason, ==, DP_DIAG_UNIT_QUARANTINED);
    g_assert_true(bench_enable(f->bench, NVME, NULL));
    expect_quarantined(f, NVME, false);
    g_assert_true(bench_do(f->bench, act_power_cycled, (char *)RTL));
    g_assert_cmpint(look_at(f, E1000).reason, ==, 0);
}

static void
add(const char *path, void (*test)(Fixture *, gconstpointer))
{
    g_test_add(path, Fixture, NULL, set_up, test, tear_down);
}

static const struct {
    const char *name;
    const char *text;
} broken[] = {
    {"empty", ""},
    {"cut", "{\"version\": 1, \"functions\": {\"0000:03:00.0\": {\"sin"},
    {"of-another-version", "{\"version\": 2, \"functions\": {}}"},
    {"without-functions", "{\"version\": 1}"},
    {"an-address-of-another-form", "{\"version\": 1, \"functions\": {\"03:00.0\": {}}}"},
    {"an-entry-of-another-kind", "{\"version\": 1, \"functions\": {\"0000:03:00.0\": true}}"},
    {"twice", "{\"version\": 1, \"functions\": {}, \"functions\": {}}"},
};

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/quarantine/failed-then-succeeded", test_failed_then_succeeded);
    add("/quarantine/each-failure", test_each_failure);
    add("/quarantine/never-ends", test_never_ends);
    add("/quarantine/shared", test_shared);
    add("/quarantine/rehearsal", test_rehearsal);
    add("/quarantine/killed", test_killed);
    add("/quarantine/reboot", test_reboot);
    add("/quarantine/another-card", test_another_card);
    add("/quarantine/record-not-written", test_record_not_written);
    add("/quarantine/broken-then-reset", test_broken_then_reset);
    for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
        g_autofree char *path = g_strdup_printf("/quarantine/broken/%s", broken[i].name);

        g_test_add(path, Fixture, broken[i].text, set_up, test_broken, tear_down);
    }
    return g_test_run();
}
