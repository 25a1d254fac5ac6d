/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A text file as lines of bytes. A line ends at LF, CR LF or CR; the last may lack its end. */
#pragma once

#include "base/diag.h"
#include "base/error.h"

#include <stdint.h>

typedef struct {
    const char *text; /* not NUL-terminated */
    size_t len;       /* without the end */
    const char *end;  /* "\n", "\r\n", "\r", or "" where the file stops; static */
    unsigned number;  /* from 1 */
} DpLine;

typedef struct {
    const char *next, *stop;
    unsigned number;
} DpLines;

/* The marks that some editors put in front of UTF-8. */
#define DP_BOM     "\xef\xbb\xbf"
#define DP_BOM_LEN 3u

/* Starts at @bytes; what is iterated must outlive the iteration. */
DpLines dp_lines_of(const char *bytes, size_t len);
/* The next line, or false at the end of the bytes. */
bool dp_lines_next(DpLines *lines, DpLine *ret_line);

/* Space and tab: the white space inside a line. */
static inline bool
dp_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* True if @bytes start with DP_BOM. */
bool dp_bytes_have_bom(const char *bytes, size_t len);

/* Counts the occurrences of one kind of note and lets only the first DP_NOTES_MAX through, so that
 * a hostile file cannot make a list of diagnostics of any length. */
#define DP_NOTES_MAX 50u

/* True if this occurrence, counted in @count, should still be named on its own. */
static inline bool
dp_note_counts(unsigned *count)
{
    return (*count)++ < DP_NOTES_MAX;
}
