/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One line of a list of devices: "vendor device WORD...", as passthru.map and the compatibility
 * list have it. Ids are one to four hexadecimal digits, ffff matches any; what a word may be says
 * the DpIdSpec of the file. White space and case are free; # starts a comment anywhere.
 */
#pragma once

#include "base/diag.h"

#include <stdint.h>

#define DP_ID_WORDS_MAX 2
#define DP_ID_ANY       0xffffu

/* What the lines of one file look like. */
typedef struct {
    struct {
        const char *name; /* "method" */
        const char *form; /* "flr, d3d0, link, bridge or default" */
        const char *const *known;
        size_t n_known;
        size_t n_distinct; /* those from the last of these on mean the same; 0: none do */
    } words[DP_ID_WORDS_MAX];
    size_t n_words;
    const char *example; /* words that fit behind two ids: "default default" */
    DpDiagId unreadable, not_read, overridden;
} DpIdSpec;

/* A line that was read. */
typedef struct {
    uint16_t vendor, device;
    size_t words[DP_ID_WORDS_MAX]; /* which of the known words; of several that mean the same, the
                                      first */
    unsigned line;                 /* from 1 */
    const char *file;              /* as it was named; owned by the table */
    unsigned n_file;               /* from 1: which file of the table */
    guint position;                /* in the table */
} DpIdRow;

/* Why a line is left out, or what is strange about its comment. */
typedef struct {
    char *what;    /* the sentence, with the evidence; NULL if nothing is wrong */
    char *remedy;  /* the line as it was probably meant, or how to write it; may be NULL */
    char *swallow; /* an entry that seems to be lost in the comment; NULL if there is none */
} DpIdMistake;

void dp_id_mistake_clear(DpIdMistake *mistake);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DpIdMistake, dp_id_mistake_clear)

/* True and ids and words of *ret_row if the line is an entry. Else ret_mistake says what is wrong,
 * or nothing if the line is blank or a comment. */
bool dp_id_line_scan(
    const DpIdSpec *spec, const char *text, size_t len, DpIdRow *ret_row, DpIdMistake *ret_mistake);
