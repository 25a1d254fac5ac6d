/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a function in a child and sees every system call that it and its own children make, with
 * ptrace(2): what was asked, before it happens and after. A caller can end the child there as
 * kill -9 would.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/ptrace.h>
#include <sys/types.h>

typedef enum {
    TRACE_ON,
    TRACE_KILL,     /* SIGKILL to the child alone: what it has started goes on */
    TRACE_KILL_ALL, /* to all of them at once */
} TraceAnswer;

/* @pid is stopped at the entry or the exit of a call (@info->op); @main: it is the child itself. */
typedef TraceAnswer (*TraceCall)(pid_t pid,
                                 bool main,
                                 const struct __ptrace_syscall_info *info,
                                 void *user);

/* To be called by the traced function itself, where the looking begins. */
void trace_begin(void);

/* Runs @work, which calls trace_begin and ends in _exit, until it has ended and, with @children,
 * all that it started, whose calls are seen too then. Returns the child's wait status. */
int trace_run(void (*work)(void *data), void *data, bool children, TraceCall call, void *user);

/* At the entry of a call: it will not happen. At the exit of the same: it failed with @error. */
void trace_refuse(pid_t pid, const struct __ptrace_syscall_info *info, int error);

/* @len bytes at @address of a stopped child; false if they are not there. */
bool trace_read(pid_t pid, guint64 address, void *buf, size_t len);
/* A string there; NULL if it is not one. The caller frees it. */
char *trace_string(pid_t pid, guint64 address);
/* What descriptor @fd of a stopped child leads to; NULL: nothing. The caller frees it. */
char *trace_fd_path(pid_t pid, int fd);
