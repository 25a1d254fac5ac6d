/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A change that is taken back unless it is confirmed in time, in run/directpath/armed from before
 * its first write until it is confirmed or what became of it has been told. It says what the
 * functions were, until when, and what to store. Everybody may read it; it is written under the
 * store's lock alone. A reboot forgets it, as it forgets the bindings.
 */
#pragma once

#include "binding.h"

typedef enum {
    DP_ARMED_ARMING,     /* the command is at it; found under the lock, it died there */
    DP_ARMED_ARMED,      /* done, and waits for `device confirm` */
    DP_ARMED_TAKEN_BACK, /* the time was over; the next command says so */
} DpArmedPhase;

typedef struct {
    DpArmedPhase phase;
    char *boot_id;
    gint64 until_ms;     /* of dp_boottime_ms */
    int seconds;         /* how long it was given */
    GArray *lines;       /* DpAddr whose line in the store becomes passthru */
    GArray *overrides;   /* DpOverride: what was overridden for which line */
    GPtrArray *bindings; /* DpBinding, as they were before */
    GPtrArray *left;     /* char *: of DP_ARMED_TAKEN_BACK, what could not be, in words */
} DpArmed;

/* Milliseconds since the kernel booted, those asleep included (CLOCK_BOOTTIME). */
gint64 dp_boottime_ms(void);

DpArmed *dp_armed_new(DpRoot *root, int seconds);
void dp_armed_free(DpArmed *armed);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpArmed, dp_armed_free)

bool dp_armed_write(DpRoot *root, const DpArmed *armed, GError **error);
/* NULL without error: there is none, or it is of an earlier boot. A broken one is a warning in
 * @diags. */
DpArmed *dp_armed_read(DpRoot *root, DpDiagList *diags, GError **error);
bool dp_armed_remove(DpRoot *root, GError **error);

/* The record alone, for its fuzzer: NULL with what is wrong in @ret_why. */
DpArmed *dp_armed_parse(DpRoot *root, const char *text, size_t len, char **ret_why);

/* Seconds until it is taken back, rounded up; 0: the time is over. */
int dp_armed_left_s(const DpArmed *armed);
/* "0000:04:00.0, 0000:04:00.1"; the caller frees it. */
char *dp_armed_names(const DpArmed *armed);
const DpBinding *dp_armed_find(const DpArmed *armed, const char *name);
