/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kill -9 at every system call of enable and disable: what the next command finds, and makes of it.
 * And each of their writes refused by a disk that is full or broken. */
#include "assign-bench.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

#define NVME "0000:03:00.0"

/* More system calls than any command makes. */
#define CALLS_MAX 5000u

static const char before_enable[] = "/system/uuid = \"473027ac-5705f21d-6d09-000c2918f3dd\"\n"
                                    "  # kept as it is\n";
static const char after_enable[] = "/system/uuid = \"473027ac-5705f21d-6d09-000c2918f3dd\"\n"
                                   "  # kept as it is\n"
                                   "/device/003:00.0/owner = \"passthru\"\n";

static void
stop_here(void)
{
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0) {
        _exit(3);
    }
    (void)raise(SIGSTOP);
}

static bool
act(Bench *bench, bool enable)
{
    return enable ? bench_enable(bench, NVME, NULL) : bench_disable(bench, NVME, NULL);
}

/* Lets the command make @n system calls and kills it at the next one; false if it made fewer. */
static bool
kill_at_call(Bench *bench, bool enable, unsigned n)
{
    int status, signal_number = 0;
    pid_t pid = fork();
    bool stopped;

    if (pid == 0) {
        bench->before_act = stop_here;
        (void)act(bench, enable);
        _exit(0);
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFSTOPPED(status));
    g_assert_cmpint(ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD), ==, 0);
    /* Each call stops twice, at its entry and at its end. */
    for (unsigned stops = 0; stops < 2 * n + 1;) {
        g_assert_cmpint(ptrace(PTRACE_SYSCALL, pid, NULL, signal_number), ==, 0);
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        if (!WIFSTOPPED(status)) {
            return false;
        }
        signal_number = WSTOPSIG(status) == (SIGTRAP | 0x80) ? 0 : WSTOPSIG(status);
        stops += signal_number == 0;
    }
    (void)kill(pid, SIGKILL);
    do {
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        stopped = WIFSTOPPED(status);
    } while (stopped);
    return true;
}

static void
expect_whole(Bench *bench)
{
    g_autofree char *conf = fake_kernel_read(bench->kernel, "etc/directpath/esx.conf");
    bool passthru = g_strcmp0(conf, after_enable) == 0;

    if (!passthru) {
        g_assert_cmpstr(conf, ==, before_enable);
    }
    bench_expect(bench, NVME, passthru ? "vfio-pci" : "nvme", passthru ? "vfio-pci" : "none");
}

static void
test_every_call(gconstpointer data)
{
    bool enable = GPOINTER_TO_INT(data);
    g_autoptr(Bench) bench = bench_new("lab");
    unsigned n;
    bool killed = true;

    for (n = 0; killed && n < CALLS_MAX; n++) {
        fake_kernel_restart(bench->kernel);
        bench_store(bench, before_enable);
        if (!enable) {
            g_assert_true(bench_enable(bench, NVME, NULL));
        }
        killed = kill_at_call(bench, enable, n);
        g_assert_true(bench_recover(bench));
        expect_whole(bench);
        if (n % 8 == 0) {
            g_assert_true(bench_apply(bench));
            g_assert_false(bench->outcome->changed);
            g_assert_true(act(bench, enable));
            expect_whole(bench);
        }
    }
    g_assert_cmpuint(n, >, 50);
    g_assert_cmpuint(n, <, CALLS_MAX);
    g_test_message("killed at each of %u system calls", n);
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

/* At the entry of a call: makes it one that does not exist. At its end: gives it its answer. */
static void
change_call(pid_t pid, bool entry, int error)
{
    struct user_regs_struct regs;

    g_assert_cmpint(ptrace(PTRACE_GETREGS, pid, NULL, &regs), ==, 0);
    if (entry) {
        regs.orig_rax = (unsigned long long)-1;
    } else {
        regs.rax = (unsigned long long)-(long long)error;
    }
    g_assert_cmpint(ptrace(PTRACE_SETREGS, pid, NULL, &regs), ==, 0);
}

static bool
enters_write(pid_t pid)
{
    struct user_regs_struct regs;

    g_assert_cmpint(ptrace(PTRACE_GETREGS, pid, NULL, &regs), ==, 0);
    return is_write(regs.orig_rax);
}

/* Runs the command with its @n-th write (from 0) refused; @ret_done: what it said. False if it made
 * fewer writes. */
static bool
refuse_write(Bench *bench, bool enable, unsigned n, int error, bool *ret_done)
{
    int status, signal_number = 0;
    unsigned seen = 0;
    bool entry = false, refuse = false, refused = false;
    pid_t pid = fork();

    if (pid == 0) {
        bench->before_act = stop_here;
        _exit(act(bench, enable) ? 0 : 1);
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFSTOPPED(status));
    g_assert_cmpint(ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD), ==, 0);
    for (;;) {
        g_assert_cmpint(ptrace(PTRACE_SYSCALL, pid, NULL, signal_number), ==, 0);
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        if (!WIFSTOPPED(status)) {
            break;
        }
        signal_number = WSTOPSIG(status) == (SIGTRAP | 0x80) ? 0 : WSTOPSIG(status);
        if (signal_number != 0) {
            continue;
        }
        entry = !entry;
        refuse = entry ? !refused && enters_write(pid) && seen++ == n : refuse;
        if (refuse) {
            change_call(pid, entry, error);
            refused = true;
        }
    }
    g_assert_true(WIFEXITED(status));
    *ret_done = WEXITSTATUS(status) == 0;
    return refused;
}

/* It says yes only to what is stored and bound; where it says no all is as it was. */
static void
expect_answer(Bench *bench, bool enable, bool done)
{
    g_autofree char *conf = fake_kernel_read(bench->kernel, "etc/directpath/esx.conf");

    g_assert_cmpstr(conf, ==, enable == done ? after_enable : before_enable);
    expect_whole(bench);
}

static void
test_refused_writes(gconstpointer data)
{
    static const int errors[] = {ENOSPC, EROFS, EIO};
    bool enable = GPOINTER_TO_INT(data);
    g_autoptr(Bench) bench = bench_new("lab");

    for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
        bool refused = true, done;
        unsigned n;

        for (n = 0; refused && n < CALLS_MAX; n++) {
            fake_kernel_restart(bench->kernel);
            bench_store(bench, before_enable);
            if (!enable) {
                g_assert_true(bench_enable(bench, NVME, NULL));
            }
            refused = refuse_write(bench, enable, n, errors[i], &done);
            expect_answer(bench, enable, done);
            g_assert_true(done || refused);
            g_assert_true(bench_recover(bench));
            expect_answer(bench, enable, done);
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
    g_test_add_data_func("/assign-kill/enable", GINT_TO_POINTER(true), test_every_call);
    g_test_add_data_func("/assign-kill/disable", GINT_TO_POINTER(false), test_every_call);
#ifdef __x86_64__
    g_test_add_data_func("/assign-kill/writes-of-enable", GINT_TO_POINTER(true),
                         test_refused_writes);
    g_test_add_data_func("/assign-kill/writes-of-disable", GINT_TO_POINTER(false),
                         test_refused_writes);
#endif
    return g_test_run();
}
