/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "child.h"

#include "asleep.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* How long a killed child gets to be reaped before it counts as stuck in the kernel. */
#define REAP_MS 100

/* Longest time between two looks at a child that may be blocked; each look takes time from it. */
#define LOOK_MS 50

static void
child_main(DpChildFunc work, void *data, int fd)
{
    int result;

    /* A child that outlives its parent's patience must not be stopped by the terminal's signals
     * half way. */
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
    result = work(data);
    if (write(fd, &result, sizeof result) != sizeof result) {
        _exit(1);
    }
    _exit(0);
}

/* 1: readable or closed; 0: the time is up. */
static int
wait_readable(int fd, int timeout_ms)
{
    gint64 end = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
    struct pollfd pfd = {.fd = fd, .events = POLLIN};

    for (;;) {
        gint64 left = (end - g_get_monotonic_time()) / 1000;
        int r = poll(&pfd, 1, left > 0 ? (int)left : 0);

        if (r >= 0 || errno != EINTR) {
            return r;
        }
    }
}

/* True if the child is gone within the time. */
static bool
reap(pid_t pid, int timeout_ms)
{
    gint64 end = g_get_monotonic_time() + (gint64)timeout_ms * 1000;

    /* It has reported and only has to end, or was killed: soon, as a rule. */
    for (gulong step_us = 50;; step_us = MIN(step_us * 2, 5000)) {
        pid_t r = waitpid(pid, NULL, WNOHANG);

        if (r == pid || (r < 0 && errno == ECHILD)) {
            return true;
        }
        if (g_get_monotonic_time() >= end) {
            return false;
        }
        g_usleep(step_us);
    }
}

/* The same for the result of @pid; 0 also if it is blocked. */
static int
wait_unblocked(pid_t pid, int fd, int timeout_ms, int blocked_ms, bool *ret_blocked)
{
    gint64 end = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
    int step_ms = CLAMP(blocked_ms / 2, 1, LOOK_MS);
    DpAsleep asleep = {0};

    for (;;) {
        int r = wait_readable(fd, step_ms);

        if (r != 0) {
            return r;
        }
        *ret_blocked = dp_asleep_ms(&asleep, pid) >= blocked_ms;
        if (*ret_blocked || g_get_monotonic_time() >= end) {
            return 0;
        }
    }
}

/* @blocked_ms 0: only the time counts. */
static int
collect(pid_t pid, int fd, int timeout_ms, int blocked_ms, pid_t *ret_stuck)
{
    bool blocked = false;
    int result = -ECHILD;
    int r = blocked_ms > 0 ? wait_unblocked(pid, fd, timeout_ms, blocked_ms, &blocked)
                           : wait_readable(fd, timeout_ms);

    if (r != 1) {
        result = -ETIMEDOUT;
    } else if (read(fd, &result, sizeof result) != sizeof result) {
        result = -ECHILD;
    }
    if (result == -ETIMEDOUT) {
        (void)kill(pid, SIGKILL);
    }
    if (!reap(pid, blocked                ? 0
                   : result == -ETIMEDOUT ? REAP_MS
                                          : timeout_ms) &&
        ret_stuck != NULL) {
        *ret_stuck = pid;
    }
    return result;
}

static void
close_between(unsigned first, unsigned last)
{
    if (first > last || close_range(first, last, 0) == 0) {
        return;
    }
    /* A kernel or a container's filter without the call. */
    for (unsigned fd = first; fd <= MIN(last, 4095u); fd++) {
        (void)close((int)fd);
    }
}

/* Only @a and @b (-1: none) stay open. */
static void
keep_two(int a, int b)
{
    int low = MIN(a, b), high = MAX(a, b);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    unsigned next = 3;

    for (int fd = 0; fd <= 2; fd++) {
        if (fd != a && fd != b && (null < 0 || dup2(null, fd) < 0)) {
            (void)close(fd);
        }
    }
    if (low >= 3) {
        close_between(next, (unsigned)low - 1);
        next = (unsigned)low + 1;
    }
    if (high >= 3) {
        close_between(next, (unsigned)high - 1);
        next = (unsigned)high + 1;
    }
    close_between(next, UINT_MAX);
}

/* A command that is killed must leave nobody behind who changes what the next one has looked at
 * already. A write that is under way in the kernel ends there; the device's lock orders it. */
static void
die_with(pid_t parent)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(1);
    }
}

static int
run(DpChildFunc work, void *data, int timeout_ms, int blocked_ms, int keep_fd, pid_t *ret_stuck)
{
    int fds[2];
    pid_t parent = getpid();
    pid_t pid;
    int result;

    if (ret_stuck != NULL) {
        *ret_stuck = 0;
    }
    if (pipe2(fds, O_CLOEXEC) < 0) {
        return -errno;
    }
    pid = fork();
    if (pid == 0) {
        die_with(parent);
        (void)close(fds[0]);
        keep_two(keep_fd, fds[1]);
        child_main(work, data, fds[1]);
    }
    result = pid < 0 ? -errno : 0;
    (void)close(fds[1]);
    if (pid > 0) {
        result = collect(pid, fds[0], timeout_ms, blocked_ms, ret_stuck);
    }
    (void)close(fds[0]);
    return result;
}

int
dp_child_run_apart(DpChildFunc work, void *data, int timeout_ms, int keep_fd, pid_t *ret_stuck)
{
    return run(work, data, timeout_ms, 0, keep_fd, ret_stuck);
}

int
dp_child_run_unblocked(
    DpChildFunc work, void *data, int timeout_ms, int blocked_ms, int keep_fd, pid_t *ret_stuck)
{
    return run(work, data, timeout_ms, blocked_ms, keep_fd, ret_stuck);
}

/* The exit status, or -errno. */
static int
wait_for_program(pid_t pid, int timeout_ms)
{
    int status;

    for (int waited = 0; waited <= timeout_ms; waited += 10) {
        pid_t r = waitpid(pid, &status, WNOHANG);

        if (r == pid) {
            return WIFEXITED(status) ? WEXITSTATUS(status) : -ECHILD;
        }
        if (r < 0 && errno != EINTR) {
            return -errno;
        }
        g_usleep(10000);
    }
    (void)kill(pid, SIGKILL);
    (void)reap(pid, REAP_MS);
    return -ETIMEDOUT;
}

int
dp_child_program(const char *const argv[], bool quiet, int timeout_ms)
{
    char *const envp[] = {(char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int r = posix_spawn_file_actions_init(&actions);

    if (r != 0) {
        return -r;
    }
    for (int fd = 0; quiet && r == 0 && fd <= 2; fd++) {
        r = posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
    }
    if (r == 0) {
        r = posix_spawn(&pid, argv[0], &actions, NULL, (char *const *)(void *)argv, envp);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return r != 0 ? -r : wait_for_program(pid, timeout_ms);
}

static void
detached_main(DpChildFunc work, void *data, int keep_fd)
{
    pid_t pid;

    (void)setsid();
    pid = fork();
    if (pid != 0) {
        _exit(pid < 0 ? 1 : 0);
    }
    keep_two(keep_fd, -1);
    (void)signal(SIGPIPE, SIG_IGN);
    _exit(work(data) < 0 ? 1 : 0);
}

int
dp_child_detach(DpChildFunc work, void *data, int keep_fd)
{
    int status = 0;
    pid_t pid = fork();

    if (pid < 0) {
        return -errno;
    }
    if (pid == 0) {
        detached_main(work, data, keep_fd);
    }
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return -errno;
        }
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EAGAIN;
}
