/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is a process blocked in the kernel, or only not running? */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* What was seen of a process at the last look; all zero before the first. */
typedef struct {
    gint64 since_us;             /* when it was first seen in this sleep; 0: it was not */
    unsigned long long switches; /* how often it had gone to sleep by then */
} DpAsleep;

/* For how many milliseconds @pid is known to lie in the sleep that it is in, if no signal ends that
 * (state D of /proc/PID/status, the same count of voluntary context switches); 0: it is not in one,
 * or that cannot be seen. */
gint64 dp_asleep_ms(DpAsleep *asleep, pid_t pid);
