/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file that the command line names, wherever it is: not beneath the root. */
#pragma once

#include "base/error.h"

/* The bytes of the regular file @path, at most @max; NULL with @error. The caller frees them. */
char *dp_named_file_read(const char *path, size_t max, size_t *ret_len, GError **error);
