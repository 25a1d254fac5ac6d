/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes that take themselves back: armed, confirmed, too late, and interrupted wherever. */
#include "assign-bench.h"

#include "assign/armed.h"
#include "assign/rollback.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NVME       "0000:03:00.0"
#define NIC        "0000:04:00.0"
#define MANAGEMENT "0000:02:00.0" /* carries the default route */
#define ROOT       "0000:01:00.0"

#define STORE  "etc/directpath/esx.conf"
#define BESIDE "etc/directpath/devices.json"
#define RECORD "run/directpath/armed"

static const int route[] = {DP_DIAG_HOST_NEEDS_DEFAULT_ROUTE};

static bool
has(Bench *bench, const char *path, const char *text)
{
    g_autofree char *content = fake_kernel_read(bench->kernel, path);

    return content != NULL && strstr(content, text) != NULL;
}

static void
expect_no_record(Bench *bench)
{
    g_assert_null(fake_kernel_read(bench->kernel, RECORD));
    g_assert_null(fake_kernel_read(bench->kernel, "run/directpath/intent"));
}

static Bench *
armed_bench(void)
{
    Bench *bench = bench_new("lab");

    bench->overrides = route;
    bench->n_overrides = G_N_ELEMENTS(route);
    bench->confirm_within_s = 60;
    g_assert_true(bench_enable(bench, MANAGEMENT, NULL));
    g_assert_no_error(bench->error);
    bench->n_overrides = 0;
    bench->confirm_within_s = 0;
    return bench;
}

/* As if the time had passed. */
static void
let_time_pass(Bench *bench)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DpArmed) armed = dp_armed_read(bench->kernel->root, NULL, &error);

    g_assert_no_error(error);
    armed->until_ms = dp_boottime_ms() - 1;
    g_assert_true(dp_armed_write(bench->kernel->root, armed, &error));
}

static void
test_network_needs_it(void)
{
    static const int disk[] = {DP_DIAG_HOST_NEEDS_FILESYSTEM};
    g_autoptr(Bench) bench = bench_new("lab");

    bench->overrides = route;
    bench->n_overrides = 1;
    bench_refused(bench, bench_enable(bench, MANAGEMENT, NULL), DP_DIAG_CONFIRM_NEEDED);
    g_assert_cmpuint(bench->kernel->plan->n, ==, 0);
    bench->dry_run = true;
    bench_refused(bench, bench_enable(bench, MANAGEMENT, NULL), DP_DIAG_CONFIRM_NEEDED);
    bench->dry_run = false;
    expect_no_record(bench);

    bench->overrides = disk; /* nobody is shut out by that */
    g_assert_true(bench_enable(bench, ROOT, NULL));
}

/* Not the default route alone: each way in which a network is needed. */
static void
test_every_network_need(void)
{
    static const struct {
        const char *name;
        int id;
    } cases[] = {
        {"0000:00:03.0", DP_DIAG_HOST_NEEDS_REMOTE_FILESYSTEM},
        {"0000:00:04.0", DP_DIAG_HOST_NEEDS_REMOTE_PATH},
        {"0000:00:05.0", DP_DIAG_HOST_NEEDS_LOGIN},
        {"0000:00:05.0", DP_DIAG_HOST_NEEDS_INTERFACE},
        {"0000:00:06.0", DP_DIAG_HOST_NEEDS_REMOTE_DISK},
        {"0000:00:08.0", DP_DIAG_HOST_NEEDS_CRASH_SERVER},
    };

    int all[G_N_ELEMENTS(cases)];

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        all[i] = cases[i].id;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Bench) bench = bench_new("san");
        g_autofree char *text = g_strdup_printf("%s: DP%d can only be", cases[i].name, cases[i].id);
        bool said = false;

        bench->overrides = all;
        bench->n_overrides = G_N_ELEMENTS(all);
        bench_refused(bench, bench_enable(bench, cases[i].name, NULL), DP_DIAG_CONFIRM_NEEDED);
        g_assert_cmpuint(bench->kernel->plan->n, ==, 0);
        for (guint k = 0; k < bench->outcome->diags->len; k++) {
            const DpDiag *diag = bench->outcome->diags->pdata[k];

            said = said || g_str_has_prefix(diag->message, text);
        }
        g_assert_true(said);
    }
}

static void
test_armed(void)
{
    g_autoptr(Bench) bench = armed_bench();

    g_assert_true(bench->outcome->changed);
    g_assert_false(bench->outcome->reboot_required);
    g_assert_cmpint(bench->outcome->armed_s, ==, 60);
    bench_expect(bench, MANAGEMENT, "vfio-pci", "vfio-pci");
    g_assert_null(fake_kernel_read(bench->kernel, STORE));
    g_assert_null(fake_kernel_read(bench->kernel, BESIDE));
    g_assert_null(fake_kernel_read(bench->kernel, "run/directpath/intent"));
    g_assert_true(has(bench, RECORD, "\"phase\": \"armed\""));
    g_assert_true(bench_tend(bench));
    g_assert_cmpuint(bench->outcome->diags->len, ==, 0);
    bench_expect(bench, MANAGEMENT, "vfio-pci", "vfio-pci");
}

/* What was overridden counts at the next boot, although nothing was in the way when it was
 * confirmed. */
static void
test_confirm(void)
{
    g_autoptr(Bench) bench = armed_bench();

    g_assert_true(bench_confirm(bench));
    g_assert_true(bench->outcome->changed);
    g_assert_true(has(bench, STORE, "/device/002:00.0/owner = \"passthru\"\n"));
    g_assert_true(has(bench, BESIDE, "1205"));
    expect_no_record(bench);
    g_assert_cmpint(dp_rollback_wait(bench->kernel->root, 1), ==, 0);
    bench_expect(bench, MANAGEMENT, "vfio-pci", "vfio-pci");

    g_assert_true(bench_confirm(bench));
    g_assert_false(bench->outcome->changed);
    bench_diag(bench, DP_DIAG_NOTHING_ARMED, DP_NOTE);

    fake_kernel_boot(bench->kernel);
    g_assert_true(bench_apply(bench));
    bench_expect(bench, MANAGEMENT, "vfio-pci", "vfio-pci");
    g_assert_true(bench_disable(bench, MANAGEMENT, NULL));
    g_assert_false(has(bench, STORE, "/device/"));
}

static void
test_dry_run(void)
{
    g_autoptr(Bench) bench = bench_new("lab");
    g_autofree char *before = fake_kernel_state(bench->kernel);
    g_autofree char *after = NULL;
    const DpStep *step;

    bench->dry_run = true;
    bench->confirm_within_s = 5;
    g_assert_true(bench_enable(bench, NVME, NULL));
    g_assert_cmpuint(bench->outcome->steps->len, ==, 4);
    step = bench->outcome->steps->pdata[0];
    g_assert_cmpstr(step->action, ==, "arm");
    g_assert_false(bench->outcome->changed);
    after = fake_kernel_state(bench->kernel);
    g_assert_cmpstr(after, ==, before);
    expect_no_record(bench);
    bench->dry_run = false;
    g_assert_true(bench_enable(bench, NVME, NULL));
    bench->dry_run = true;
    g_assert_true(bench_confirm(bench));
    g_assert_cmpuint(bench->outcome->steps->len, ==, 1);
    g_assert_null(fake_kernel_read(bench->kernel, STORE));
    g_assert_true(has(bench, RECORD, "armed"));
}

static void
test_a_folder_is_not_armed(void)
{
    g_autoptr(Bench) bench = bench_new("lab");

    bench->kernel->root->write = NULL;
    bench->overrides = route;
    bench->n_overrides = 1;
    bench_refused(bench, bench_enable(bench, MANAGEMENT, NULL), DP_DIAG_CONFIRM_NEEDED);
    bench->confirm_within_s = 5;
    bench_refused(bench, bench_enable(bench, MANAGEMENT, NULL), DP_DIAG_LIVE_ONLY);
    g_assert_null(fake_kernel_read(bench->kernel, STORE));
}

/* The process takes it back, and the next command says so, once. */
static void
test_time_over(void)
{
    g_autoptr(Bench) bench = armed_bench();

    let_time_pass(bench);
    g_assert_cmpint(dp_rollback_wait(bench->kernel->root, 1), ==, 0);
    bench_expect(bench, MANAGEMENT, "e1000e", "none");
    g_assert_true(has(bench, RECORD, "taken back"));
    g_assert_null(fake_kernel_read(bench->kernel, STORE));
    bench_refused(bench, bench_confirm(bench), DP_DIAG_CONFIRM_LATE);
    g_assert_true(bench_tend(bench));
    bench_diag(bench, DP_DIAG_ARMED_TAKEN_BACK, DP_WARNING);
    expect_no_record(bench);
    g_assert_true(bench_tend(bench));
    g_assert_cmpuint(bench->outcome->diags->len, ==, 0);
}

/* Without the process the next command does it. */
static void
test_process_killed(void)
{
    g_autoptr(Bench) bench = armed_bench();

    let_time_pass(bench);
    bench_refused(bench, bench_confirm(bench), DP_DIAG_CONFIRM_LATE);
    g_assert_true(bench_tend(bench));
    bench_diag(bench, DP_DIAG_ARMED_TAKEN_BACK, DP_WARNING);
    bench_expect(bench, MANAGEMENT, "e1000e", "none");
    expect_no_record(bench);
}

static void
test_foreign_override_returns(void)
{
    g_autoptr(Bench) bench = bench_new("lab");

    fake_kernel_put(bench->kernel, "sys/bus/pci/devices/" NVME "/driver_override", "nvme\n");
    bench->confirm_within_s = 5;
    g_assert_true(bench_enable(bench, NVME, NULL));
    let_time_pass(bench);
    g_assert_true(bench_tend(bench));
    bench_expect(bench, NVME, "nvme", "nvme");
}

static void
test_kernel_refuses_the_way_back(void)
{
    g_autoptr(Bench) bench = armed_bench();

    let_time_pass(bench);
    fake_kernel_plan(bench->kernel, FAKE_REFUSE, 1);
    bench->kernel->plan->n = 0;
    g_assert_cmpint(dp_rollback_wait(bench->kernel->root, 1), ==, 0);
    g_assert_true(bench_tend(bench));
    bench_diag(bench, DP_DIAG_ARMED_TAKEN_BACK, DP_WARNING);
    bench_diag(bench, DP_DIAG_ARMED_LEFT, DP_ERROR_SEVERITY);
    fake_kernel_plan(bench->kernel, FAKE_OBEY, 0);
    g_assert_true(bench_apply(bench));
    bench_expect(bench, MANAGEMENT, "e1000e", "none");
}

static void
test_others_meanwhile(void)
{
    g_autoptr(Bench) bench = armed_bench();

    bench_refused(bench, bench_enable(bench, NVME, NULL), DP_DIAG_ARMED_ALREADY);
    bench->confirm_within_s = 5;
    bench_refused(bench, bench_enable(bench, NVME, NULL), DP_DIAG_ARMED_ALREADY);
    bench->confirm_within_s = 0;
    g_assert_true(bench_apply(bench));
    bench_expect(bench, MANAGEMENT, "vfio-pci", "vfio-pci");
    g_assert_true(bench_disable(bench, MANAGEMENT, NULL));
    g_assert_true(bench->outcome->changed);
    bench_expect(bench, MANAGEMENT, "e1000e", "none");
    expect_no_record(bench);
    g_assert_true(bench_enable(bench, NVME, NULL));
}

static void
test_reboot(void)
{
    g_autoptr(Bench) bench = armed_bench();

    fake_kernel_boot(bench->kernel);
    g_assert_true(bench_apply(bench));
    bench_expect(bench, MANAGEMENT, "e1000e", "none");
}

/* A record of an earlier boot means nothing, wherever run/ may have been kept. */
static void
test_record_of_another_boot(void)
{
    g_autoptr(Bench) bench = armed_bench();

    let_time_pass(bench);
    fake_kernel_put(bench->kernel, "proc/sys/kernel/random/boot_id", "another\n");
    g_assert_true(bench_tend(bench));
    g_assert_cmpuint(bench->outcome->diags->len, ==, 0);
    bench_expect(bench, MANAGEMENT, "vfio-pci", "vfio-pci");
}

/* Killed behind the store: what is stored stays. */
static void
test_confirm_killed(void)
{
    g_autoptr(Bench) bench = armed_bench();

    bench_store(bench, "/device/002:00.0/owner = \"passthru\"\n");
    let_time_pass(bench);
    g_assert_cmpint(dp_rollback_wait(bench->kernel->root, 1), ==, 0);
    bench_expect(bench, MANAGEMENT, "vfio-pci", "vfio-pci");
    g_assert_true(bench_tend(bench));
    bench_expect(bench, MANAGEMENT, "vfio-pci", "vfio-pci");
    expect_no_record(bench);
}

static void
test_lost(void)
{
    g_autoptr(Bench) bench = armed_bench();

    fake_kernel_boot(bench->kernel);
    g_assert_true(bench_enable(bench, NIC, NULL));
    bench->confirm_within_s = 60;
    g_assert_true(bench_enable(bench, NVME, NULL));
    bench->confirm_within_s = 0;
    g_assert_cmpint(bench->kernel->root->write(bench->kernel->root,
                                               "sys/bus/pci/devices/" NVME "/driver/unbind", NVME),
                    ==, 0);
    bench_refused(bench, bench_confirm(bench), DP_DIAG_CONFIRM_LOST);
    g_assert_false(has(bench, STORE, "003:00.0"));
}

static void
test_driver_stuck(void)
{
    g_autoptr(Bench) bench = bench_new("lab");

    bench->confirm_within_s = 60;
    fake_kernel_plan(bench->kernel, FAKE_BLOCK, 2);
    g_assert_false(bench_enable(bench, NVME, NULL));
    g_assert_error(bench->error, DP_ERROR, DP_ERROR_IO);
    bench_diag(bench, DP_DIAG_CONFIRM_STUCK, DP_ERROR_SEVERITY);
    g_assert_null(fake_kernel_read(bench->kernel, RECORD));
    g_assert_null(fake_kernel_read(bench->kernel, STORE));
}

static void
test_refused_by_the_kernel(void)
{
    for (unsigned at = 1; at <= 3; at++) {
        g_autoptr(Bench) bench = bench_new("lab");
        g_autofree char *before = fake_kernel_state(bench->kernel);
        g_autofree char *after = NULL;

        bench->confirm_within_s = 60;
        fake_kernel_plan(bench->kernel, FAKE_REFUSE, at);
        g_assert_false(bench_enable(bench, NVME, NULL));
        g_assert_error(bench->error, DP_ERROR, DP_ERROR_IO);
        after = fake_kernel_state(bench->kernel);
        g_assert_cmpstr(after, ==, before);
        expect_no_record(bench);
    }
}

static bool
dies(Bench *bench)
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        _exit(bench_enable(bench, NVME, NIC, NULL) ? 0 : 1);
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    return WIFSIGNALED(status) || WEXITSTATUS(status) > 1;
}

/* Before and behind every write to the kernel. */
static void
test_command_killed(void)
{
    unsigned deaths = 0;

    for (unsigned at = 1; at <= 6; at++) {
        for (FakeMode mode = FAKE_DIE; mode <= FAKE_DIE_AFTER; mode++) {
            g_autoptr(Bench) bench = bench_new("lab");
            g_autofree char *before = fake_kernel_state(bench->kernel);
            g_autofree char *after = NULL;

            bench->confirm_within_s = 60;
            fake_kernel_plan(bench->kernel, mode, at);
            deaths += dies(bench);
            fake_kernel_plan(bench->kernel, FAKE_OBEY, 0);
            g_assert_true(bench_tend(bench));
            bench_diag(bench, DP_DIAG_INTERRUPTED, DP_WARNING);
            after = fake_kernel_state(bench->kernel);
            g_assert_cmpstr(after, ==, before);
            expect_no_record(bench);
        }
    }
    g_assert_cmpuint(deaths, ==, 12);
}

/* The process remembers what it is there for. */
static void
test_record_broken(void)
{
    g_autoptr(Bench) bench = armed_bench();
    g_autoptr(DpArmed) armed = dp_armed_read(bench->kernel->root, NULL, NULL);
    int status = 0;
    pid_t pid;

    armed->until_ms = dp_boottime_ms() + 4000;
    g_assert_true(dp_armed_write(bench->kernel->root, armed, NULL));
    pid = fork();
    if (pid == 0) {
        _exit(dp_rollback_wait(bench->kernel->root, 10) == 0 ? 0 : 1);
    }
    g_usleep(2 * G_USEC_PER_SEC); /* it has read the record, and has not acted on it */
    fake_kernel_put(bench->kernel, RECORD, "{\"version\": 1");
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_cmpint(status, ==, 0);
    bench_expect(bench, MANAGEMENT, "e1000e", "none");

    fake_kernel_put(bench->kernel, RECORD, "[]");
    g_assert_true(bench_tend(bench));
    bench_diag(bench, DP_DIAG_ARMED_BROKEN, DP_WARNING);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/confirm/network-needs-it", test_network_needs_it);
    g_test_add_func("/confirm/every-network-need", test_every_network_need);
    g_test_add_func("/confirm/armed", test_armed);
    g_test_add_func("/confirm/confirm", test_confirm);
    g_test_add_func("/confirm/dry-run", test_dry_run);
    g_test_add_func("/confirm/folder", test_a_folder_is_not_armed);
    g_test_add_func("/confirm/time-over", test_time_over);
    g_test_add_func("/confirm/process-killed", test_process_killed);
    g_test_add_func("/confirm/foreign-override", test_foreign_override_returns);
    g_test_add_func("/confirm/kernel-refuses", test_kernel_refuses_the_way_back);
    g_test_add_func("/confirm/others-meanwhile", test_others_meanwhile);
    g_test_add_func("/confirm/reboot", test_reboot);
    g_test_add_func("/confirm/another-boot", test_record_of_another_boot);
    g_test_add_func("/confirm/confirm-killed", test_confirm_killed);
    g_test_add_func("/confirm/lost", test_lost);
    g_test_add_func("/confirm/driver-stuck", test_driver_stuck);
    g_test_add_func("/confirm/refused-by-the-kernel", test_refused_by_the_kernel);
    g_test_add_func("/confirm/command-killed", test_command_killed);
    g_test_add_func("/confirm/record-broken", test_record_broken);
    return g_test_run();
}
