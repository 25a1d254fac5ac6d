/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The word that somebody probably meant. */
#pragma once

#include <stddef.h>

/* The one of @n @known words that is nearest to @word without regard to case: at most two letters
 * inserted, left out, replaced or swapped, and fewer than the word has. NULL if none is. The first
 * of equally near ones. */
const char *dp_word_nearest(const char *word, const char *const *known, size_t n);
