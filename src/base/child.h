/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Work that can block in the kernel runs in a short-lived child with a deadline. */
#pragma once

#include "error.h"

/* Runs in the child; returns 0 or -errno. Must not use locks or threads of the parent. */
typedef int (*DpChildFunc)(void *data);

/*
 * Runs @work in a child and waits at most @timeout_ms. Returns what @work returned; -ETIMEDOUT if
 * the deadline passed (the child is killed; one that the kernel does not let die is left to init,
 * never waited for); -ECHILD if it died otherwise; another -errno if no child could be made.
 * @ret_stuck (may be NULL) receives the pid of a child that outlived SIGKILL, else 0. If the caller
 * is killed, so is the child. Of the parent's descriptors the child keeps @keep_fd alone (-1: none;
 * standard input and output become /dev/null): one that outlives its deadline holds no lock, no
 * socket and no terminal or pipe of the command that gave it up.
 */
int dp_child_run_apart(DpChildFunc work, void *data, int timeout_ms, int keep_fd, pid_t *ret_stuck);

/*
 * The same, and it gives up as soon as the child has lain for @blocked_ms in one sleep that no
 * signal ends (state D of proc(5)): it waits for a lock of the kernel then. One that only waits for
 * its turn on a busy machine has the whole time. A child given up so is not waited for.
 */
int dp_child_run_unblocked(
    DpChildFunc work, void *data, int timeout_ms, int blocked_ms, int keep_fd, pid_t *ret_stuck);

/* Runs the program argv[0], an absolute path, with a plain environment: its exit status, or -errno;
 * -ETIMEDOUT if it was killed after @timeout_ms, -ECHILD if it died otherwise. @quiet: what it
 * prints is dropped. */
int dp_child_program(const char *const argv[], bool quiet, int timeout_ms);

/* Leaves @work to a process of its own that outlives this one: no terminal, no descriptor but
 * @keep_fd (-1: none), no child to wait for. 0 or -errno. */
int dp_child_detach(DpChildFunc work, void *data, int keep_fd);
