/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What somebody at the machine itself would lose: the keyboard, behind a USB controller that goes
 * whole, and a serial port that the kernel's console is on. A host without a keyboard misses none.
 */
#include "need.h"

static bool
goes_with(const DpNeeds *needs, const DpSeat *seat, const char *function)
{
    for (char **name = seat->functions; *name != NULL; name++) {
        if (dp_need_in_unit(needs, *name, function)) {
            return true;
        }
    }
    return false;
}

static void
report_keyboard(const DpNeeds *needs, const DpSeat *seat, const char *function)
{
    const GPtrArray *keyboards = needs->judge->host->keyboards;
    const char *where = seat->path != NULL ? seat->path : seat->name;
    unsigned left = 0;

    for (guint i = 0; i < keyboards->len; i++) {
        left += !goes_with(needs, keyboards->pdata[i], function);
    }
    if (left == 0) {
        dp_need_add(needs, function, DP_DIAG_HOST_NEEDS_KEYBOARD,
                    "carries %s, a keyboard, and the host has no other", where);
    } else {
        dp_need_add(needs, function, DP_DIAG_KEYBOARD_GOES_ALONG,
                    "carries %s, a keyboard; %u of %u would be left", where, left, keyboards->len);
    }
}

void
dp_needs_of_seats(const DpNeeds *needs)
{
    const DpHost *host = needs->judge->host;

    for (guint i = 0; i < host->keyboards->len; i++) {
        const DpSeat *seat = host->keyboards->pdata[i];

        for (char **name = seat->functions; *name != NULL; name++) {
            report_keyboard(needs, seat, *name);
        }
    }
    for (guint i = 0; i < host->consoles->len; i++) {
        const DpSeat *seat = host->consoles->pdata[i];

        for (char **name = seat->functions; *name != NULL; name++) {
            dp_need_add(needs, *name, DP_DIAG_HOST_NEEDS_SERIAL_CONSOLE,
                        "carries %s%s%s, which the kernel's console is on",
                        seat->path != NULL ? seat->path : "", seat->path != NULL ? ", " : "",
                        seat->name);
        }
    }
}
