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
    /* How long a read may be blocked in the kernel before it counts as stuck, in milliseconds; 0:
     * as long as any read that only has to wait for its turn. */
    int blocked_ms;
    /* Functions whose lock is known to be held for ever (by sysfs name, NULL at the end; may be
     * NULL): what cannot be read without it is not asked for. */
    const char *const *locked;
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
