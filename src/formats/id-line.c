/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "id-line.h"

#include "base/text.h"
#include "id-fields.h"

#include <string.h>

void
dp_id_mistake_clear(DpIdMistake *mistake)
{
    g_free(mistake->what);
    g_free(mistake->remedy);
    g_free(mistake->swallow);
    *mistake = (DpIdMistake){NULL, NULL, NULL};
}

/* The line that as many @words as an entry has were probably meant to be, or NULL. */
static char *
repaired(const DpIdSpec *spec, char *const *words)
{
    g_auto(GStrv) meant = g_new0(char *, DP_ID_FIELDS_MAX + 1);

    for (guint field = DP_ID_VENDOR; field < dp_id_n_fields(spec); field++) {
        meant[field] = dp_id_field_likely(spec, field, words[field]);
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
    if (!dp_id_field_valid(spec, DP_ID_VENDOR, vendor) ||
        !dp_id_field_valid(spec, DP_ID_DEVICE, device)) {
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
        words->len == dp_id_n_fields(spec) ? repaired(spec, (char **)words->pdata) : NULL;
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
    if (dp_id_field_valid(spec, DP_ID_VENDOR, words->pdata[0]) &&
        (words->len < 2 || dp_id_field_valid(spec, DP_ID_DEVICE, words->pdata[1]))) {
        return false;
    }
    for (guint field = DP_ID_FIRST_WORD; words->len == dp_id_n_fields(spec) && field < words->len;
         field++) {
        g_autofree char *meant = dp_id_field_likely(spec, field, words->pdata[field]);

        if (meant != NULL) {
            return false;
        }
    }
    return true;
}

static void
explain_prose(const DpIdSpec *spec, const GPtrArray *words, DpIdMistake *mistake)
{
    guint n = dp_id_n_fields(spec);
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
    g_autofree char *meant = dp_id_field_likely(spec, field, word);
    g_autofree char *line =
        words->len == dp_id_n_fields(spec) ? repaired(spec, (char **)words->pdata) : NULL;

    if (field <= DP_ID_DEVICE && is_placeholder(word)) {
        mistake->what = g_strdup_printf("'%s' stands for an id and is none (%s)", shown,
                                        dp_id_field_name(spec, field));
        mistake->remedy = g_strdup("put the id that lspci -n prints in its place, or ffff for any");
        return;
    }
    mistake->what =
        g_strdup_printf("'%s' is not a %s (%s)%s%s%s", shown, dp_id_field_name(spec, field),
                        dp_id_field_form(spec, field), meant != NULL ? ", probably '" : "",
                        meant != NULL ? meant : "", meant != NULL ? "'" : "");
    mistake->remedy = line != NULL ? g_strdup_printf("write: %s", line) : NULL;
}

static void
explain_count(const DpIdSpec *spec, const GPtrArray *words, DpIdMistake *mistake)
{
    static const char *const numbers[] = {[3] = "three", [4] = "four"};
    const char *number = numbers[dp_id_n_fields(spec)];

    if (words->len < dp_id_n_fields(spec)) {
        mistake->what = g_strdup_printf("the line has %u of %s words: the %s is missing",
                                        words->len, number, dp_id_field_name(spec, words->len));
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
    for (guint field = DP_ID_VENDOR; field < dp_id_n_fields(spec) && field < words->len; field++) {
        if (!dp_id_field_valid(spec, field, words->pdata[field])) {
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
    guint n = dp_id_n_fields(spec);
    g_auto(GStrv) tail = NULL;
    const char *first;
    size_t len;

    if (words->len < n) {
        return NULL;
    }
    first = words->pdata[words->len - n];
    len = strlen(first);
    if (len <= 4 || g_ascii_isxdigit(first[len - 5]) ||
        !dp_id_field_valid(spec, DP_ID_VENDOR, first + len - 4)) {
        return NULL;
    }
    tail = g_new0(char *, DP_ID_FIELDS_MAX + 1);
    tail[DP_ID_VENDOR] = g_strdup(first + len - 4);
    for (guint field = DP_ID_DEVICE; field < n; field++) {
        tail[field] = g_strdup(words->pdata[words->len - n + field]);
        if (!dp_id_field_valid(spec, field, tail[field])) {
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
    g_autoptr(GPtrArray) words = dp_id_split(text, stop);
    g_autoptr(GPtrArray) comment = dp_id_split(text + stop, len - stop);
    DpIdRow row = {0};
    bool valid = words->len == dp_id_n_fields(spec);

    *ret_mistake = (DpIdMistake){.swallow = find_swallowed(spec, comment)};
    for (guint field = DP_ID_VENDOR; field < dp_id_n_fields(spec) && valid; field++) {
        valid = dp_id_field_read(spec, field, words->pdata[field], &row);
    }
    if (valid) {
        *ret_row = row;
    } else if (words->len > 0) {
        explain(spec, words, ret_mistake);
    }
    return valid;
}
