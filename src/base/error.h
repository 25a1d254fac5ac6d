/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors, and descriptors that close themselves. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <unistd.h>

typedef enum {
    DP_ERROR_IO,        /* the kernel or a file refused: exit status 3 */
    DP_ERROR_NOT_FOUND, /* no such device, VM, file or key */
    DP_ERROR_BUSY,      /* owned by a VM, a live driver or another command */
    DP_ERROR_TIMEOUT,   /* a deadline passed; a child may still be stuck in the kernel */
    DP_ERROR_PARSE,     /* input file or message malformed */
    DP_ERROR_REFUSED,   /* a rule says no; diagnostics tell which: exit status 1 */
    DP_ERROR_USAGE,     /* the command line is wrong: exit status 2 */
} DpError;

#define DP_ERROR (dp_error_quark())
GQuark dp_error_quark(void);

/* Sets @error from @err (a positive errno value), "WHAT: strerror"; always returns false. */
bool dp_fail_errno(GError **error, int err, const char *fmt, ...) G_GNUC_PRINTF(3, 4);

/* Sets @error with @code; always returns false. */
bool dp_fail(GError **error, DpError code, const char *fmt, ...) G_GNUC_PRINTF(3, 4);

/* GLib 2.74 has no g_autofd. */
static inline void
dp_close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
}
#define dp_autofd __attribute__((cleanup(dp_close_fd)))

/* Hands the descriptor over: returns it and leaves -1 behind. */
static inline int
dp_steal_fd(int *fd)
{
    int stolen = *fd;

    *fd = -1;
    return stolen;
}
