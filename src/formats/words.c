/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "words.h"

#include <glib.h>
#include <string.h>

#define DISTANCE_MAX 2u
#define WORD_MAX     16u

/* Optimal string alignment: Levenshtein with swaps of neighbours. Both at most WORD_MAX long. */
static unsigned
distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
    unsigned d[WORD_MAX + 1][WORD_MAX + 1];

    for (size_t i = 0; i <= n_a; i++) {
        for (size_t k = 0; k <= n_b; k++) {
            unsigned cost;

            if (i == 0 || k == 0) {
                d[i][k] = (unsigned)(i + k);
                continue;
            }
            cost = g_ascii_tolower(a[i - 1]) != g_ascii_tolower(b[k - 1]);
            d[i][k] = MIN(d[i - 1][k - 1] + cost, MIN(d[i - 1][k], d[i][k - 1]) + 1);
            if (i > 1 && k > 1 && g_ascii_tolower(a[i - 1]) == g_ascii_tolower(b[k - 2]) &&
                g_ascii_tolower(a[i - 2]) == g_ascii_tolower(b[k - 1])) {
                d[i][k] = MIN(d[i][k], d[i - 2][k - 2] + 1);
            }
        }
    }
    return d[n_a][n_b];
}

const char *
dp_word_nearest(const char *word, const char *const *known, size_t n)
{
    size_t len = strlen(word);
    const char *nearest = NULL;
    unsigned best = DISTANCE_MAX + 1;

    if (len > WORD_MAX) {
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        size_t n_known = strlen(known[i]);
        unsigned d = n_known <= WORD_MAX ? distance(word, len, known[i], n_known) : best;

        if (d < best && d < len && d < n_known) {
            best = d;
            nearest = known[i];
        }
    }
    return nearest;
}
