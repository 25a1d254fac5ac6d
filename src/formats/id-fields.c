/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "id-fields.h"

#include "lines.h"
#include "words.h"

#include <string.h>

static const char id_form[] = "one to four hexadecimal digits, or ffff for any";

guint
dp_id_n_fields(const DpIdSpec *spec)
{
    return DP_ID_FIRST_WORD + (guint)spec->n_words;
}

const char *
dp_id_field_name(const DpIdSpec *spec, guint field)
{
    return field == DP_ID_VENDOR   ? "vendor"
           : field == DP_ID_DEVICE ? "device"
                                   : spec->words[field - DP_ID_FIRST_WORD].name;
}

const char *
dp_id_field_form(const DpIdSpec *spec, guint field)
{
    return field <= DP_ID_DEVICE ? id_form : spec->words[field - DP_ID_FIRST_WORD].form;
}

static bool
find_word(const char *word, const char *const *known, size_t n, size_t *ret_index)
{
    for (size_t i = 0; i < n; i++) {
        if (g_ascii_strcasecmp(word, known[i]) == 0) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

static bool
read_id(const char *word, uint16_t *ret_id)
{
    size_t len = strlen(word);
    unsigned id = 0;

    for (size_t i = 0; i < len; i++) {
        if (!g_ascii_isxdigit(word[i])) {
            return false;
        }
        id = id << 4 | (unsigned)g_ascii_xdigit_value(word[i]);
        if (i >= 4) {
            return false;
        }
    }
    *ret_id = (uint16_t)id;
    return len > 0;
}

/* Reads @word as @field into @row. */
bool
dp_id_field_read(const DpIdSpec *spec, guint field, const char *word, DpIdRow *row)
{
    guint index = field - DP_ID_FIRST_WORD;

    if (field <= DP_ID_DEVICE) {
        return read_id(word, field == DP_ID_VENDOR ? &row->vendor : &row->device);
    }
    if (!find_word(word, spec->words[index].known, spec->words[index].n_known,
                   &row->words[index])) {
        return false;
    }
    if (spec->words[index].n_distinct > 0) {
        row->words[index] = MIN(row->words[index], spec->words[index].n_distinct - 1);
    }
    return true;
}

bool
dp_id_field_valid(const DpIdSpec *spec, guint field, const char *word)
{
    DpIdRow row;

    return dp_id_field_read(spec, field, word, &row);
}

/* What @word was probably meant to be, or NULL; the caller frees it. */
char *
dp_id_field_likely(const DpIdSpec *spec, guint field, const char *word)
{
    if (dp_id_field_valid(spec, field, word)) {
        return g_ascii_strdown(word, -1);
    }
    if (field <= DP_ID_DEVICE) {
        bool prefixed = g_ascii_strncasecmp(word, "0x", 2) == 0;

        return prefixed && dp_id_field_valid(spec, field, word + 2) ? g_ascii_strdown(word + 2, -1)
                                                                    : NULL;
    }
    return g_strdup(dp_word_nearest(word, spec->words[field - DP_ID_FIRST_WORD].known,
                                    spec->words[field - DP_ID_FIRST_WORD].n_known));
}

/* The words in @len bytes: a GPtrArray of strings. */
GPtrArray *
dp_id_split(const char *text, size_t len)
{
    GPtrArray *words = g_ptr_array_new_with_free_func(g_free);

    for (size_t at = 0; at < len;) {
        size_t start = at;

        while (at < len && !dp_is_blank(text[at])) {
            at++;
        }
        if (at > start) {
            g_ptr_array_add(words, g_strndup(text + start, at - start));
        }
        at++;
    }
    return words;
}
