/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host seam: the host is read beneath one directory descriptor and written through one function
 * pointer. */
#pragma once

#include "base/error.h"

typedef struct DpRoot DpRoot;

struct DpRoot {
    int fd;    /* directory that holds sys, proc, etc: "/" or a captured tree */
    bool live; /* "/" of the running machine */
    char *path;
    /* Writes @value to @path ("sys/bus/pci/drivers_probe"); returns 0 or -errno. The kernel side
     * does it in a child with a deadline (-ETIMEDOUT when stuck); a test supplies its own kernel
     * here. NULL: writing is refused with -EROFS. */
    int (*write)(DpRoot *root, const char *path, const char *value);
    void *user; /* the test's kernel */
};

/* Longest wait for one sysfs write, in milliseconds. */
#define DP_SYSFS_TIMEOUT_MS 5000

/* @path "/" gives the live machine with dp_root_write_kernel; any other folder a captured host
 * without writes. */
DpRoot *dp_root_open(const char *path, GError **error);
void dp_root_free(DpRoot *root);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpRoot, dp_root_free)

int dp_root_write_kernel(DpRoot *root, const char *path, const char *value);
