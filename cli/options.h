/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options: one table from which parsing, help, completion and the check of the man page come.
 */
#pragma once

#include "base/error.h"

/* One bit an option, so that a verb can say which it takes. */
typedef enum {
    DP_OPT_ROOT = 1 << 0,
    DP_OPT_JSON = 1 << 1,
    DP_OPT_QUIET = 1 << 2,
    DP_OPT_VERBOSE = 1 << 3,
    DP_OPT_HELP = 1 << 4,
    DP_OPT_VERSION = 1 << 5,
    DP_OPT_ALL = 1 << 6,
    DP_OPT_DRY_RUN = 1 << 7,
    DP_OPT_WITH_UNIT = 1 << 8,
    DP_OPT_OVERRIDE = 1 << 9,
    DP_OPT_ACCEL = 1 << 10,
    DP_OPT_TIMEOUT = 1 << 11,
    DP_OPT_HOST = 1 << 12,
    DP_OPT_CONFIRM = 1 << 13,
    DP_OPT_YES = 1 << 14,
    DP_OPT_EARLY = 1 << 15,
    DP_OPT_RELEASE = 1 << 16,
    DP_OPT_ORDER = 1 << 17,
    DP_OPT_TAKE_SYSTEM_ID = 1 << 20,
    DP_OPT_FORMAT = 1 << 21,
    DP_OPT_POWER_CYCLED = 1 << 25,
    /* Of the old words only. */
    DP_OPT_DEVICE_ID = 1 << 26,
    DP_OPT_ENABLE = 1 << 27,
    DP_OPT_APPLY_NOW = 1 << 28,
    DP_OPT_LIST = 1 << 29,
} DpOptBit;

/* Taken by every verb. */
#define DP_OPT_COMMON                                                                              \
    (DP_OPT_ROOT | DP_OPT_JSON | DP_OPT_QUIET | DP_OPT_VERBOSE | DP_OPT_HELP | DP_OPT_VERSION)

typedef struct {
    const char *name; /* "--root" */
    const char *arg;  /* what follows it: "DIR"; NULL: nothing */
    DpOptBit bit;
    const char *help; /* one line */
    /* Of another program's words: the first of them, behind which alone the option is one, and its
     * short form. NULL: an option of this program. */
    const char *family;
    const char *alias;
} DpOptRow;

typedef struct {
    unsigned given; /* DpOptBit of those that were there */
    char *root;     /* of --root or --host; "/" unless said. An archive becomes the folder that
                       it is unpacked into */
    char *accel;    /* "kvm" unless said */
    char *format;   /* NULL unless said */
    int timeout_s;  /* -1 unless said */
    int confirm_within_s; /* 0 unless said */
    int order;            /* 0 unless said */
    char *device_id;      /* NULL unless said */
    bool enable;          /* what --enable said */
    GArray *overrides;    /* int: numbers of diagnostics */
    GPtrArray *words;     /* what is not an option, in order */
} DpOptions;

const DpOptRow *dp_opt_rows(size_t *ret_n);

/* Never NULL. With @error set (DP_ERROR_USAGE) it holds what was read up to the mistake. */
DpOptions *dp_options_parse(int argc, char **argv, GError **error);
void dp_options_free(DpOptions *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpOptions, dp_options_free)

static inline bool
dp_options_have(const DpOptions *options, DpOptBit bit)
{
    return (options->given & (unsigned)bit) != 0;
}

/* "DP1203", "dp1203" or "1203"; false if it is not of that form. */
bool dp_options_parse_id(const char *text, int *ret_id);
