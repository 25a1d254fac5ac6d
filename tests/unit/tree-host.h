/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The made hosts of $DP_TREES, scanned. */
#pragma once

#include "host/host.h"

static inline DpHost *
scan(const char *name)
{
    g_autofree char *path = g_build_filename(g_getenv("DP_TREES"), name, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(DpRoot) root = dp_root_open(path, &error);
    DpHost *host;

    g_assert_no_error(error);
    host = dp_host_scan(root, &error);
    g_assert_no_error(error);
    return host;
}

static inline DpFunction *
find(const DpHost *host, const char *name)
{
    DpFunction *fn = dp_host_find_name(host, name);

    g_assert_nonnull(fn);
    return fn;
}
