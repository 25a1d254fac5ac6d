/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "id-line.h"

#include "base/text.h"
#include "lines.h"
#include "words.h"

#include <string.h>

/* The places of a line: two ids, then the words of the spec. */
typedef enum { VENDOR, DEVICE, FIRST_WORD } Field;

#define MAX_FIELDS (FIRST_WORD + DP_ID_WORDS_MAX)

static const char id_form[] = "one to four hexadecimal digits, or ffff for any";

static guint
n_fields(const DpIdSpec *spec)
{
    return FIRST_WORD + (guint)spec->n_words;
}

static const char *
field_name(const DpIdSpec *spec, guint field)
{
    return field == VENDOR   ? "vendor"
           : field == DEVICE ? "device"
                             : spec->words[field - FIRST_WORD].name;
}

static const char *
field_form(const DpIdSpec *spec, guint field)
{
    return field <= DEVICE ? id_form : spec->words[field - FIRST_WORD].form;
}

void
dp_id_mistake_clear(DpIdMistake *mistake)
{
    g_free(mistake->what);
    g_free(mistake->remedy);
    g_free(mistake->swallow);
    *mistake = (DpIdMistake){NULL, NULL, NULL};
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
static bool
read_field(const DpIdSpec *spec, guint field, const char *word, DpIdRow *row)
{
    guint index = field - FIRST_WORD;

    if (field <= DEVICE) {
        return read_id(word, field == VENDOR ? &row->vendor : &row->device);
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

static bool
field_valid(const DpIdSpec *spec, guint field, const char *word)
{
    DpIdRow row;

    return read_field(spec, field, word, &row);
}

/* What @word was probably meant to be, or NULL; the caller frees it. */
static char *
likely(const DpIdSpec *spec, guint field, const char *word)
{
    if (field_valid(spec, field, word)) {
        return g_ascii_strdown(word, -1);
    }
    if (field <= DEVICE) {
        bool prefixed = g_ascii_strncasecmp(word, "0x", 2) == 0;

        return prefixed && field_valid(spec, field, word + 2) ? g_ascii_strdown(word + 2, -1)
                                                              : NULL;
    }
    return g_strdup(dp_word_nearest(word, spec->words[field - FIRST_WORD].known,
                                    spec->words[field - FIRST_WORD].n_known));
}

/* The words in @len bytes: a GPtrArray of strings. */
static GPtrArray *
split(const char *text, size_t len)
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

/* The line that as many @words as an entry has were probably meant to be, or NULL. */
static char *
repaired(const DpIdSpec *spec, char *const *words)
{
    g_auto(GStrv) meant = g_new0(char *, MAX_FIELDS + 1);

    for (guint field = VENDOR; field < n_fields(spec); field++) {
        meant[field] = likely(spec, field, words[field]);
        if (meant[field] == NULL) {
            return NULL;
        }
    }
    return g_strjoinv(" ", meant);
}

/* "8086:7ae2", as lspci writes ids: becomes two words. */
static bool
split_colon(const DpIdSpec *spec, GPtrArray *words)
{
    const char *first = words->len > 0 ? words->pdata[0] : "";
    const char *colon = strchr(first, ':');
    g_autofree char *vendor = NULL, *device = NULL;

    if (colon == NULL) {
        return false;
    }
    vendor = g_strndup(first, (size_t)(colon - first));
    device = g_strdup(colon + 1);
    if (!field_valid(spec, VENDOR, vendor) || !field_valid(spec, DEVICE, device)) {
        return false;
    }
    g_ptr_array_remove_index(words, 0);
    g_ptr_array_insert(words, 0, g_steal_pointer(&device));
    g_ptr_array_insert(words, 0, g_steal_pointer(&vendor));
    return true;
}

/* "method and shareable". */
static char *
name_words(const DpIdSpec *spec)
{
    return spec->n_words == 1
               ? g_strdup(spec->words[0].name)
               : g_strdup_printf("%s and %s", spec->words[0].name, spec->words[1].name);
}

static void
explain_colon(const DpIdSpec *spec, const GPtrArray *words, DpIdMistake *mistake)
{
    const char *vendor = words->pdata[0], *device = words->pdata[1];
    g_autofree char *line =
        words->len == n_fields(spec) ? repaired(spec, (char **)words->pdata) : NULL;
    g_autofree char *names = name_words(spec);

    mistake->what = g_strdup_printf("%s:%s are two words here, without the colon", vendor, device);
    mistake->remedy = line != NULL
                          ? g_strdup_printf("write: %s", line)
                          : g_strdup_printf("write %s %s, then %s, for example: %s %s %s", vendor,
                                            device, names, vendor, device, spec->example);
}

/* Words that are no entry with a mistake, but prose: a comment that lost its mark. */
static bool
is_prose(const DpIdSpec *spec, const GPtrArray *words)
{
    if (field_valid(spec, VENDOR, words->pdata[0]) &&
        (words->len < 2 || field_valid(spec, DEVICE, words->pdata[1]))) {
        return false;
    }
    for (guint field = FIRST_WORD; words->len == n_fields(spec) && field < words->len; field++) {
        g_autofree char *meant = likely(spec, field, words->pdata[field]);

        if (meant != NULL) {
            return false;
        }
    }
    return true;
}

static void
explain_prose(const DpIdSpec *spec, const GPtrArray *words, DpIdMistake *mistake)
{
    guint n = n_fields(spec);
    char **last = (char **)words->pdata + (words->len > n ? words->len - n : 0);
    g_autofree char *line = words->len > n ? repaired(spec, last) : NULL;

    mistake->what = g_strdup("the line looks like a comment that lost its # mark");
    mistake->remedy =
        line != NULL
            ? g_strdup_printf("put # in front of the words, and a line of its own behind: %s", line)
            : g_strdup("put # in front of the line");
}

static bool
is_placeholder(const char *word)
{
    return *word == '<' || strspn(word, "xX") == strlen(word);
}

/* The first word of an entry that is not what its place needs. */
static void
explain_word(const DpIdSpec *spec, const GPtrArray *words, guint field, DpIdMistake *mistake)
{
    const char *word = words->pdata[field];
    g_autofree char *shown = dp_text_visible_max(word, -1, 40);
    g_autofree char *meant = likely(spec, field, word);
    g_autofree char *line =
        words->len == n_fields(spec) ? repaired(spec, (char **)words->pdata) : NULL;

    if (field <= DEVICE && is_placeholder(word)) {
        mistake->what = g_strdup_printf("'%s' stands for an id and is none (%s)", shown,
                                        field_name(spec, field));
        mistake->remedy = g_strdup("put the id that lspci -n prints in its place, or ffff for any");
        return;
    }
    mistake->what = g_strdup_printf("'%s' is not a %s (%s)%s%s%s", shown, field_name(spec, field),
                                    field_form(spec, field), meant != NULL ? ", probably '" : "",
                                    meant != NULL ? meant : "", meant != NULL ? "'" : "");
    mistake->remedy = line != NULL ? g_strdup_printf("write: %s", line) : NULL;
}

static void
explain_count(const DpIdSpec *spec, const GPtrArray *words, DpIdMistake *mistake)
{
    static const char *const numbers[] = {[3] = "three", [4] = "four"};
    const char *number = numbers[n_fields(spec)];

    if (words->len < n_fields(spec)) {
        mistake->what = g_strdup_printf("the line has %u of %s words: the %s is missing",
                                        words->len, number, field_name(spec, words->len));
        return;
    }
    mistake->what =
        g_strdup_printf("the line has %u words, and an entry has %s", words->len, number);
    mistake->remedy = g_strdup("put # in front of what is a comment");
}

static void
explain(const DpIdSpec *spec, GPtrArray *words, DpIdMistake *mistake)
{
    if (split_colon(spec, words)) {
        explain_colon(spec, words, mistake);
        return;
    }
    if (is_prose(spec, words)) {
        explain_prose(spec, words, mistake);
        return;
    }
    for (guint field = VENDOR; field < n_fields(spec) && field < words->len; field++) {
        if (!field_valid(spec, field, words->pdata[field])) {
            explain_word(spec, words, field, mistake);
            return;
        }
    }
    explain_count(spec, words, mistake);
}

/* "... Controller8086 a282 d3d0 default": a line end was lost, and with it the entry behind. An
 * entry that is commented out on purpose stands apart from what is before it. */
static char *
find_swallowed(const DpIdSpec *spec, const GPtrArray *words)
{
    guint n = n_fields(spec);
    g_auto(GStrv) tail = NULL;
    const char *first;
    size_t len;

    if (words->len < n) {
        return NULL;
    }
    first = words->pdata[words->len - n];
    len = strlen(first);
    if (len <= 4 || g_ascii_isxdigit(first[len - 5]) ||
        !field_valid(spec, VENDOR, first + len - 4)) {
        return NULL;
    }
    tail = g_new0(char *, MAX_FIELDS + 1);
    tail[VENDOR] = g_strdup(first + len - 4);
    for (guint field = DEVICE; field < n; field++) {
        tail[field] = g_strdup(words->pdata[words->len - n + field]);
        if (!field_valid(spec, field, tail[field])) {
            return NULL;
        }
    }
    return g_strjoinv(" ", tail);
}

bool
dp_id_line_scan(
    const DpIdSpec *spec, const char *text, size_t len, DpIdRow *ret_row, DpIdMistake *ret_mistake)
{
    const char *hash = len > 0 ? memchr(text, '#', len) : NULL;
    size_t stop = hash != NULL ? (size_t)(hash - text) : len;
    g_autoptr(GPtrArray) words = split(text, stop);
    g_autoptr(GPtrArray) comment = split(text + stop, len - stop);
    DpIdRow row = {0};
    bool valid = words->len == n_fields(spec);

    *ret_mistake = (DpIdMistake){.swallow = find_swallowed(spec, comment)};
    for (guint field = VENDOR; field < n_fields(spec) && valid; field++) {
        valid = read_field(spec, field, words->pdata[field], &row);
    }
    if (valid) {
        *ret_row = row;
    } else if (words->len > 0) {
        explain(spec, words, ret_mistake);
    }
    return valid;
}
