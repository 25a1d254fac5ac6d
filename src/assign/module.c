/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "module.h"

#include "base/child.h"

#include <errno.h>

#define MODPROBE_TIMEOUT_MS 20000

/* By absolute path: an administrator's PATH is not to be trusted here. */
static const char *const modprobe_paths[] = {"/usr/sbin/modprobe", "/sbin/modprobe"};

bool
dp_module_load(const char *module, GError **error)
{
    int r = -ENOENT;

    for (size_t i = 0; i < G_N_ELEMENTS(modprobe_paths) && r == -ENOENT; i++) {
        const char *const argv[] = {modprobe_paths[i], "--", module, NULL};

        r = dp_child_program(argv, false, MODPROBE_TIMEOUT_MS);
    }
    if (r < 0) {
        return dp_fail_errno(error, -r, "cannot run modprobe %s", module);
    }
    if (r > 0) {
        return dp_fail(error, DP_ERROR_IO, "modprobe %s ended with status %d: no such module?",
                       module, r);
    }
    return true;
}
