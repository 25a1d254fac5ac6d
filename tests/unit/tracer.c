/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tracer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPTIONS  (PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)
#define CHILDREN (PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE)

typedef struct {
    pid_t main;
    GHashTable *pids; /* those that have been seen and live */
    TraceCall call;   /* NULL: somebody was killed, and the rest runs to its end */
    void *user;
} Trace;

void
trace_begin(void)
{
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0) {
        _exit(3);
    }
    (void)raise(SIGSTOP);
}

static void
end_all(const Trace *trace)
{
    GHashTableIter iter;
    gpointer pid;

    g_hash_table_iter_init(&iter, trace->pids);
    while (g_hash_table_iter_next(&iter, &pid, NULL)) {
        (void)kill(GPOINTER_TO_INT(pid), SIGKILL);
    }
}

static void
stopped_in_call(Trace *trace, pid_t pid)
{
    struct __ptrace_syscall_info info;
    TraceAnswer answer;

    if (trace->call == NULL || ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) < 0) {
        return;
    }
    answer = trace->call(pid, pid == trace->main, &info, trace->user);
    if (answer == TRACE_ON) {
        return;
    }
    trace->call = NULL;
    if (answer == TRACE_KILL_ALL) {
        end_all(trace);
    } else {
        (void)kill(trace->main, SIGKILL);
    }
}

/* The signal with which it goes on. */
static int
stopped(Trace *trace, pid_t pid, int status)
{
    int number = WSTOPSIG(status);
    bool is_new = g_hash_table_add(trace->pids, GINT_TO_POINTER(pid));

    if (number == (SIGTRAP | 0x80)) {
        stopped_in_call(trace, pid);
        return 0;
    }
    /* A fork is told, and its child begins with a stop. */
    if (status >> 16 != 0 || (is_new && number == SIGSTOP)) {
        return 0;
    }
    return number;
}

int
trace_run(void (*work)(void *data), void *data, bool children, TraceCall call, void *user)
{
    Trace trace = {.call = call, .user = user, .pids = g_hash_table_new(NULL, NULL)};
    int status, end = 0;
    pid_t pid;

    trace.main = fork();
    if (trace.main == 0) {
        work(data);
        _exit(4);
    }
    g_assert_cmpint(waitpid(trace.main, &status, 0), ==, trace.main);
    g_assert_true(WIFSTOPPED(status));
    g_assert_cmpint(
        ptrace(PTRACE_SETOPTIONS, trace.main, NULL, OPTIONS | (children ? CHILDREN : 0)), ==, 0);
    (void)g_hash_table_add(trace.pids, GINT_TO_POINTER(trace.main));
    (void)ptrace(PTRACE_SYSCALL, trace.main, NULL, 0);
    while ((pid = waitpid(-1, &status, __WALL)) > 0) {
        if (WIFSTOPPED(status)) {
            int number = stopped(&trace, pid, status);

            (void)ptrace(PTRACE_SYSCALL, pid, NULL, number);
        } else {
            end = pid == trace.main ? status : end;
            (void)g_hash_table_remove(trace.pids, GINT_TO_POINTER(pid));
        }
    }
    g_assert_cmpint(errno, ==, ECHILD);
    g_hash_table_unref(trace.pids);
    return end;
}

#ifdef __x86_64__

void
trace_refuse(pid_t pid, const struct __ptrace_syscall_info *info, int error)
{
    struct user_regs_struct regs;

    g_assert_cmpint(ptrace(PTRACE_GETREGS, pid, NULL, &regs), ==, 0);
    if (info->op == PTRACE_SYSCALL_INFO_ENTRY) {
        regs.orig_rax = (unsigned long long)-1;
    } else {
        regs.rax = (unsigned long long)-(long long)error;
    }
    g_assert_cmpint(ptrace(PTRACE_SETREGS, pid, NULL, &regs), ==, 0);
}

#endif

bool
trace_read(pid_t pid, guint64 address, void *buf, size_t len)
{
    struct iovec here = {buf, len};
    struct iovec there = {GSIZE_TO_POINTER((gsize)address), len};

    return process_vm_readv(pid, &here, 1, &there, 1, 0) == (ssize_t)len;
}

char *
trace_string(pid_t pid, guint64 address)
{
    g_autoptr(GString) text = g_string_new(NULL);
    char c;

    while (text->len < PATH_MAX && trace_read(pid, address + text->len, &c, 1)) {
        if (c == '\0') {
            return g_string_free(g_steal_pointer(&text), false);
        }
        g_string_append_c(text, c);
    }
    return NULL;
}

char *
trace_fd_path(pid_t pid, int fd)
{
    g_autofree char *link = fd == AT_FDCWD ? g_strdup_printf("/proc/%d/cwd", (int)pid)
                                           : g_strdup_printf("/proc/%d/fd/%d", (int)pid, fd);
    char buf[PATH_MAX];
    ssize_t n = readlink(link, buf, sizeof buf);

    return n < 0 ? NULL : g_strndup(buf, (gsize)n);
}
