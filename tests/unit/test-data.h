/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of tests/data for unit tests. */
#pragma once

#include <glib.h>
#include <stdlib.h>
#include <string.h>

/* The bytes of a file of tests/data; the caller frees them. */
static inline char *
test_data(const char *path, gsize *ret_len)
{
    g_autofree char *full = g_build_filename(g_getenv("DP_TEST_DATA"), path, NULL);
    g_autoptr(GError) error = NULL;
    char *bytes = NULL;

    g_file_get_contents(full, &bytes, ret_len, &error);
    g_assert_no_error(error);
    return bytes;
}

/* Asserts that @bytes are what is in @want, byte for byte. */
static inline void
test_assert_bytes(GBytes *bytes, const char *want, gsize len)
{
    g_assert_cmpmem(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), want, len);
}
