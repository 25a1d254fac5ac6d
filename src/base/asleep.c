/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "asleep.h"

#include "error.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The line of @text that begins with @label, behind it; NULL: there is none. */
static const char *
field(const char *text, const char *label)
{
    const char *at = strstr(text, label);

    return at == NULL ? NULL : at + strlen(label);
}

gint64
dp_asleep_ms(DpAsleep *asleep, pid_t pid)
{
    char path[32], text[4096];
    unsigned long long switches;
    const char *state, *count;
    dp_autofd int fd = -1;
    ssize_t n;

    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    text[MAX(n, 0)] = '\0';
    state = field(text, "\nState:\t");
    count = field(text, "\nvoluntary_ctxt_switches:\t");
    if (state == NULL || count == NULL || *state != 'D') {
        asleep->since_us = 0;
        return 0;
    }
    switches = g_ascii_strtoull(count, NULL, 10);
    if (asleep->since_us == 0 || switches != asleep->switches) {
        asleep->since_us = g_get_monotonic_time();
        asleep->switches = switches;
    }
    return (g_get_monotonic_time() - asleep->since_us) / 1000;
}
