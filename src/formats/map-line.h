/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One line of a passthru.map: "vendor device method shareable". */
#pragma once

#include "map.h"

/* Why a line is left out. */
typedef struct {
    char *what;   /* the sentence, with the evidence; NULL if nothing is wrong */
    char *remedy; /* the line as it was probably meant, or how to write it; may be NULL */
} DpMapMistake;

void dp_map_mistake_clear(DpMapMistake *mistake);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DpMapMistake, dp_map_mistake_clear)

/* True and *ret_entry (but its line) if the line is an entry. Else ret_mistake says what is wrong,
 * or nothing if the line is blank or a comment. */
bool
dp_map_line_scan(const char *text, size_t len, DpMapEntry *ret_entry, DpMapMistake *ret_mistake);
