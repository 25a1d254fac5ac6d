/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "error.h"

#include <errno.h>

G_DEFINE_QUARK(dp - error, dp_error)

static DpError
error_code(int err)
{
    switch (err) {
    case ENOENT:
    case ENODEV:
        return DP_ERROR_NOT_FOUND;
    case EBUSY:
        return DP_ERROR_BUSY;
    case ETIMEDOUT:
        return DP_ERROR_TIMEOUT;
    default:
        return DP_ERROR_IO;
    }
}

bool
dp_fail_errno(GError **error, int err, const char *fmt, ...)
{
    g_autofree char *what = NULL;
    va_list ap;

    va_start(ap, fmt);
    what = g_strdup_vprintf(fmt, ap);
    va_end(ap);

    g_set_error(error, DP_ERROR, (gint)error_code(err), "%s: %s", what, g_strerror(err));
    return false;
}

bool
dp_fail(GError **error, DpError code, const char *fmt, ...)
{
    g_autofree char *what = NULL;
    va_list ap;

    va_start(ap, fmt);
    what = g_strdup_vprintf(fmt, ap);
    va_end(ap);

    g_set_error_literal(error, DP_ERROR, (gint)code, what);
    return false;
}
