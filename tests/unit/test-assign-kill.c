/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kill -9 at every system call of enable, disable, reset and of the recovery itself, in the command
 * and in the children that write for it: what `device apply` finds then, and makes of it. And each
 * write refused by a disk that is full or broken. */
#include "assign-bench.h"
#include "tracer.h"
#include "vfio/fake.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* Two functions that go together only. */
#define E1000 "0000:05:01.0"
#define RTL   "0000:05:02.0"
/* One that the kernel would not reset as policy chose. */
#define NVME    "0000:03:00.0"
#define CONTROL "sys/bus/pci/devices/" E1000 "/power/control"
#define D3COLD  "sys/bus/pci/devices/" E1000 "/d3cold_allowed"
#define LIST    "sys/bus/pci/devices/" NVME "/reset_method"
#define WORDS   "pm flr bus\n"

/* More system calls than any command makes. */
#define CALLS_MAX 20000u

/* Lines of every kind, indented ones and a broken one included, as in the field. */
#define LINES                                                                                      \
    "/system/uuid = \"473027ac-5705f21d-6d09-000c2918f3dd\"\n"                                     \
    "  # kept as it is\n"                                                                          \
    "/devcie/008:01.0/owner = \"passthru\"\n"                                                      \
    "   /device/000:27.0/owner = \"vmkernel\"\n"
static const char before_enable[] = LINES;
static const char after_enable[] = LINES "/device/005:01.0/owner = \"passthru\"\n"
                                         "/device/005:02.0/owner = \"passthru\"\n";
static const char before_reset[] = LINES "/device/003:00.0/owner = \"passthru\"\n";

typedef enum { ENABLE, DISABLE, RECOVER, RESET } Command;

typedef struct {
    Bench *bench;
    Command command;
    /* Where to kill: at the entry of call @at (from 0) of the command, or of its children. */
    TraceAnswer how;
    unsigned at, n;
    /* What to refuse, and what became of that. */
    int error;
    bool refusing, refused;
} Run;

static bool
apply(Bench *bench)
{
    return bench_recover(bench) && bench_apply(bench);
}

static bool
act_reset(const DpChange *change, void *user, DpOutcome *outcome, GError **error)
{
    const DpVfioFake *fake = user;
    DpAddr addr;

    g_assert_true(dp_addr_parse_sysfs(NVME, &addr));
    return dp_assign_reset(change->root, &fake->ops, dp_policy_verdict(change->policy, &addr), NULL,
                           outcome->diags, error);
}

static bool
reset(Bench *bench)
{
    g_autoptr(DpVfioFake) fake = dp_vfio_fake_new(0x1b36, 0x0010);

    return bench_do(bench, act_reset, fake);
}

static bool
act(Bench *bench, Command command)
{
    switch (command) {
    case ENABLE:
        return bench_enable(bench, E1000, RTL, NULL);
    case DISABLE:
        return bench_disable(bench, E1000, RTL, NULL);
    case RESET:
        return reset(bench);
    default:
        return bench_recover(bench);
    }
}

static void
work(void *data)
{
    Run *run = data;

    run->bench->before_act = trace_begin;
    run->bench->kernel->in_child = true;
    _exit(act(run->bench, run->command) ? 0 : 1);
}

/* The memory of the process itself, of which nothing outlives it, and waiting: of these there are
 * more or fewer calls by sanitizer and load, and the others would not be counted alike each time.
 */
static bool
is_private(guint64 number)
{
    static const guint64 numbers[] = {SYS_mmap, SYS_munmap,          SYS_mprotect, SYS_madvise,
                                      SYS_brk,  SYS_clock_nanosleep, SYS_wait4};

    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        if (numbers[i] == number) {
            return true;
        }
    }
    return false;
}

/* The command alone is killed in its own calls; all at once in those of its children. */
static TraceAnswer
kill_there(pid_t pid G_GNUC_UNUSED, bool main, const struct __ptrace_syscall_info *info, void *user)
{
    Run *run = user;

    if (info->op != PTRACE_SYSCALL_INFO_ENTRY || (run->how == TRACE_KILL) != main ||
        is_private(info->entry.nr)) {
        return TRACE_ON;
    }
    return run->n++ == run->at ? run->how : TRACE_ON;
}

/* False if the command made fewer calls. */
static bool
kill_at_call(Run *run, unsigned at)
{
    int status;

    run->at = at;
    run->n = 0;
    status = trace_run(work, run, run->how == TRACE_KILL_ALL, kill_there, run);
    if (run->n <= at) {
        g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        return false;
    }
    return true;
}

/* E1000 may sleep while it is the host's. */
static void
expect_power(Bench *bench, bool passthru)
{
    g_autofree char *control = fake_kernel_read(bench->kernel, CONTROL);
    g_autofree char *d3cold = fake_kernel_read(bench->kernel, D3COLD);
    g_autofree char *record = fake_kernel_read(bench->kernel, "run/directpath/power");

    g_assert_cmpstr(control, ==, passthru ? "on\n" : "auto\n");
    g_assert_cmpstr(d3cold, ==, passthru ? "0\n" : "1\n");
    g_assert_true((record != NULL && strstr(record, E1000) != NULL) == passthru);
}

static void
expect_bindings(Bench *bench)
{
    g_autofree char *conf = fake_kernel_read(bench->kernel, "etc/directpath/esx.conf");
    g_autofree char *list = fake_kernel_read(bench->kernel, LIST);
    g_autofree char *record = fake_kernel_read(bench->kernel, "run/directpath/reset-lists");
    bool passthru = g_strcmp0(conf, after_enable) == 0;

    if (!passthru && g_strcmp0(conf, before_reset) != 0) {
        g_assert_cmpstr(conf, ==, before_enable);
    }
    bench_expect(bench, E1000, passthru ? "vfio-pci" : "e1000", passthru ? "vfio-pci" : "none");
    bench_expect(bench, RTL, passthru ? "vfio-pci" : "8139cp", passthru ? "vfio-pci" : "none");
    g_assert_cmpstr(list, ==, WORDS);
    g_assert_null(record);
}

static void
expect_whole(Bench *bench)
{
    g_autofree char *conf = fake_kernel_read(bench->kernel, "etc/directpath/esx.conf");

    expect_bindings(bench);
    expect_power(bench, g_strcmp0(conf, after_enable) == 0);
}

/* The host as the command finds it; for the recovery one that was killed half way. */
static void
prepare(Bench *bench, Command command)
{
    pid_t pid;

    fake_kernel_restart(bench->kernel);
    bench_store(bench, before_enable);
    fake_kernel_put(bench->kernel, LIST, WORDS);
    fake_kernel_put(bench->kernel, CONTROL, "auto\n");
    if (command == DISABLE) {
        g_assert_true(bench_enable(bench, E1000, RTL, NULL));
    }
    if (command == RESET) {
        bench_store(bench, before_reset);
        g_assert_true(bench_apply(bench));
    }
    if (command == RECOVER) {
        fake_kernel_plan(bench->kernel, FAKE_DIE_AFTER, 5);
        pid = fork();
        if (pid == 0) {
            (void)bench_enable(bench, E1000, RTL, NULL);
            _exit(0);
        }
        g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
        fake_kernel_plan(bench->kernel, FAKE_OBEY, 0);
    }
}

static const struct {
    const char *name;
    Command command;
    TraceAnswer how;
} kills[] = {
    {"/assign-kill/enable", ENABLE, TRACE_KILL},
    {"/assign-kill/disable", DISABLE, TRACE_KILL},
    {"/assign-kill/recover", RECOVER, TRACE_KILL},
    {"/assign-kill/enable-with-children", ENABLE, TRACE_KILL_ALL},
    {"/assign-kill/disable-with-children", DISABLE, TRACE_KILL_ALL},
    {"/assign-kill/reset", RESET, TRACE_KILL},
    {"/assign-kill/reset-with-children", RESET, TRACE_KILL_ALL},
};

static void
test_every_call(gconstpointer data)
{
    guint row = GPOINTER_TO_UINT(data);
    g_autoptr(Bench) bench = bench_new("lab");
    Run run = {.bench = bench, .command = kills[row].command, .how = kills[row].how};
    bool killed = true;
    unsigned n;

    for (n = 0; killed && n < CALLS_MAX; n++) {
        prepare(bench, run.command);
        killed = kill_at_call(&run, n);
        bench->before_act = NULL;
        g_assert_true(apply(bench));
        expect_whole(bench);
        if (n % 16 == 0) {
            g_assert_true(apply(bench));
            g_assert_false(bench->outcome->changed);
            g_assert_true(act(bench, run.command));
            expect_whole(bench);
        }
    }
    g_assert_cmpuint(n, >, 50);
    g_assert_cmpuint(n, <, CALLS_MAX);
    g_test_message("killed at each of %u system calls", n - 1);
}

#ifdef __x86_64__

/* What writes, and may find the disk full, read-only or broken. */
static bool
is_write(unsigned long long number)
{
    static const unsigned long long numbers[] = {
        SYS_write,    SYS_pwrite64,  SYS_fsync,  SYS_fdatasync, SYS_rename,
        SYS_renameat, SYS_renameat2, SYS_mkdir,  SYS_mkdirat,   SYS_unlink,
        SYS_unlinkat, SYS_ftruncate, SYS_fchmod,
    };

    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        if (numbers[i] == number) {
            return true;
        }
    }
    return false;
}

static TraceAnswer
refuse_there(pid_t pid, bool main, const struct __ptrace_syscall_info *info, void *user)
{
    Run *run = user;

    if (!main) {
        return TRACE_ON;
    }
    if (info->op == PTRACE_SYSCALL_INFO_ENTRY) {
        run->refusing = !run->refused && is_write(info->entry.nr) && run->n++ == run->at;
    }
    if (run->refusing) {
        trace_refuse(pid, info, run->error);
        run->refused = true;
    }
    return TRACE_ON;
}

/* Runs the command with its write @at (from 0) refused: what it said. */
static bool
refuse_write(Run *run, unsigned at)
{
    int status;

    run->at = at;
    run->n = 0;
    run->refusing = run->refused = false;
    status = trace_run(work, run, false, refuse_there, run);
    g_assert_true(WIFEXITED(status));
    return WEXITSTATUS(status) == 0;
}

/* It says yes only to what is stored and bound; where it says no all is as it was. */
static void
expect_answer(Bench *bench, Command command, bool done)
{
    g_autofree char *conf = fake_kernel_read(bench->kernel, "etc/directpath/esx.conf");

    g_assert_cmpstr(conf, ==, (command == ENABLE) == done ? after_enable : before_enable);
    expect_bindings(bench);
}

static void
test_refused_writes(gconstpointer data)
{
    static const int errors[] = {ENOSPC, EROFS, EIO};
    g_autoptr(Bench) bench = bench_new("lab");
    Run run = {.bench = bench, .command = (Command)GPOINTER_TO_INT(data)};

    for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
        unsigned n;

        run.error = errors[i];
        run.refused = true;
        for (n = 0; run.refused && n < CALLS_MAX; n++) {
            bool done;

            prepare(bench, run.command);
            done = refuse_write(&run, n);
            bench->before_act = NULL;
            expect_answer(bench, run.command, done);
            g_assert_true(done || run.refused);
            g_assert_true(bench_recover(bench));
            expect_answer(bench, run.command, done);
            /* Power that could not be recorded is not held; what can be written again is. */
            g_assert_true(bench_apply(bench));
            expect_whole(bench);
        }
        g_assert_cmpuint(n, >, 10);
        g_test_message("%u writes refused with %s", n - 1, g_strerror(errors[i]));
    }
}

#endif

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(kills); i++) {
        g_test_add_data_func(kills[i].name, GUINT_TO_POINTER(i), test_every_call);
    }
#ifdef __x86_64__
    g_test_add_data_func("/assign-kill/writes-of-enable", GINT_TO_POINTER(ENABLE),
                         test_refused_writes);
    g_test_add_data_func("/assign-kill/writes-of-disable", GINT_TO_POINTER(DISABLE),
                         test_refused_writes);
#endif
    return g_test_run();
}
