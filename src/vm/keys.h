/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known about the keys of a VMX: one table, from which reports and documentation are
 * derived. */
#pragma once

#include "vm.h"

/* Whether the guest, or what happens to its data, is not as the line says. Such a line is told at
 * power-on, unless a diagnostic of its own tells it. */
typedef enum {
    DP_SEEN_NEVER,
    DP_SEEN_ALWAYS, /* with any value but an empty one */
    DP_SEEN_ON,     /* unless it is FALSE or 0, which is how it is here */
} DpSeen;

typedef struct {
    const char *
        pattern; /* lower case; '#' is a run of digits, '*' at the end anything, '\*' an asterisk */
    DpEffect effect; /* unless the value makes it another one */
    DpSeen seen;
    const char *note; /* what it does, by what it is replaced, or why nothing is lost */
} DpKeyRow;

/* All rows; the first that matches holds. */
const DpKeyRow *dp_key_rows(size_t *ret_n);

/* The row of @key in any case, or NULL. */
const DpKeyRow *dp_key_lookup(const char *key);

/* True if @key in any case has the form of @pattern. */
bool dp_key_match(const char *pattern, const char *key);
