/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "map-line.h"

#include "base/text.h"
#include "lines.h"
#include "words.h"

#include <string.h>

static const char *const methods[] = {
    [DP_MAP_DEFAULT] = "default", [DP_MAP_FLR] = "flr",       [DP_MAP_D3D0] = "d3d0",
    [DP_MAP_LINK] = "link",       [DP_MAP_BRIDGE] = "bridge",
};

/* "default" is the same as "true". */
static const char *const shareables[] = {"false", "true", "default"};

typedef enum { VENDOR, DEVICE, METHOD, SHAREABLE, N_FIELDS } Field;

static const struct {
    const char *name;
    const char *form;
} fields[N_FIELDS] = {
    [VENDOR] = {"vendor", "one to four hexadecimal digits, or ffff for any"},
    [DEVICE] = {"device", "one to four hexadecimal digits, or ffff for any"},
    [METHOD] = {"method", "flr, d3d0, link, bridge or default"},
    [SHAREABLE] = {"shareable", "true, default or false"},
};

const char *
dp_map_method_name(DpMapMethod method)
{
    return methods[method];
}

void
dp_map_mistake_clear(DpMapMistake *mistake)
{
    g_free(mistake->what);
    g_free(mistake->remedy);
    *mistake = (DpMapMistake){NULL, NULL};
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

/* Reads @word as @field into @entry. */
static bool
read_field(Field field, const char *word, DpMapEntry *entry)
{
    size_t index = 0;

    switch (field) {
    case VENDOR:
        return read_id(word, &entry->vendor);
    case DEVICE:
        return read_id(word, &entry->device);
    case METHOD:
        if (!find_word(word, methods, G_N_ELEMENTS(methods), &index)) {
            return false;
        }
        entry->method = (DpMapMethod)index;
        return true;
    default:
        if (!find_word(word, shareables, G_N_ELEMENTS(shareables), &index)) {
            return false;
        }
        entry->shareable = index != 0;
        return true;
    }
}

static bool
field_valid(Field field, const char *word)
{
    DpMapEntry entry;

    return read_field(field, word, &entry);
}

/* What @word was probably meant to be, or NULL; the caller frees it. */
static char *
likely(Field field, const char *word)
{
    const char *nearest;

    if (field_valid(field, word)) {
        return g_ascii_strdown(word, -1);
    }
    if (field <= DEVICE) {
        bool prefixed = g_ascii_strncasecmp(word, "0x", 2) == 0;

        return prefixed && field_valid(field, word + 2) ? g_ascii_strdown(word + 2, -1) : NULL;
    }
    nearest = field == METHOD ? dp_word_nearest(word, methods, G_N_ELEMENTS(methods))
                              : dp_word_nearest(word, shareables, G_N_ELEMENTS(shareables));
    return g_strdup(nearest);
}

/* The words before a comment: a GPtrArray of strings. */
static GPtrArray *
split(const char *text, size_t len)
{
    GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
    const char *hash = len > 0 ? memchr(text, '#', len) : NULL;
    size_t stop = hash != NULL ? (size_t)(hash - text) : len;

    for (size_t at = 0; at < stop;) {
        size_t start = at;

        while (at < stop && !dp_is_blank(text[at])) {
            at++;
        }
        if (at > start) {
            g_ptr_array_add(words, g_strndup(text + start, at - start));
        }
        at++;
    }
    return words;
}

/* The line that four @words were probably meant to be, or NULL. */
static char *
repaired(char *const *words)
{
    g_auto(GStrv) meant = g_new0(char *, N_FIELDS + 1);

    for (Field field = VENDOR; field < N_FIELDS; field++) {
        meant[field] = likely(field, words[field]);
        if (meant[field] == NULL) {
            return NULL;
        }
    }
    return g_strjoinv(" ", meant);
}

/* "8086:7ae2", as lspci writes ids: becomes two words. */
static bool
split_colon(GPtrArray *words)
{
    const char *first = words->len > 0 ? words->pdata[0] : "";
    const char *colon = strchr(first, ':');
    g_autofree char *vendor = NULL, *device = NULL;

    if (colon == NULL) {
        return false;
    }
    vendor = g_strndup(first, (size_t)(colon - first));
    device = g_strdup(colon + 1);
    if (!field_valid(VENDOR, vendor) || !field_valid(DEVICE, device)) {
        return false;
    }
    g_ptr_array_remove_index(words, 0);
    g_ptr_array_insert(words, 0, g_steal_pointer(&device));
    g_ptr_array_insert(words, 0, g_steal_pointer(&vendor));
    return true;
}

static void
explain_colon(const GPtrArray *words, DpMapMistake *mistake)
{
    const char *vendor = words->pdata[0], *device = words->pdata[1];
    g_autofree char *line = words->len == N_FIELDS ? repaired((char **)words->pdata) : NULL;

    mistake->what = g_strdup_printf("%s:%s are two words here, without the colon", vendor, device);
    mistake->remedy = line != NULL ? g_strdup_printf("write: %s", line)
                                   : g_strdup_printf("write %s %s, then method and shareable, for "
                                                     "example: %s %s default default",
                                                     vendor, device, vendor, device);
}

/* Words that are no entry with a mistake, but prose: a comment that lost its mark. */
static bool
is_prose(const GPtrArray *words)
{
    g_autofree char *method = NULL, *shareable = NULL;

    if (field_valid(VENDOR, words->pdata[0]) &&
        (words->len < 2 || field_valid(DEVICE, words->pdata[1]))) {
        return false;
    }
    if (words->len == N_FIELDS) {
        method = likely(METHOD, words->pdata[METHOD]);
        shareable = likely(SHAREABLE, words->pdata[SHAREABLE]);
    }
    return method == NULL && shareable == NULL;
}

static void
explain_prose(const GPtrArray *words, DpMapMistake *mistake)
{
    char **last = (char **)words->pdata + (words->len > N_FIELDS ? words->len - N_FIELDS : 0);
    g_autofree char *line = words->len > N_FIELDS ? repaired(last) : NULL;

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
explain_word(const GPtrArray *words, Field field, DpMapMistake *mistake)
{
    const char *word = words->pdata[field];
    g_autofree char *shown = dp_text_visible_max(word, -1, 40);
    g_autofree char *meant = likely(field, word);
    g_autofree char *line = words->len == N_FIELDS ? repaired((char **)words->pdata) : NULL;

    if (field <= DEVICE && is_placeholder(word)) {
        mistake->what =
            g_strdup_printf("'%s' stands for an id and is none (%s)", shown, fields[field].name);
        mistake->remedy = g_strdup("put the id that lspci -n prints in its place, or ffff for any");
        return;
    }
    mistake->what = g_strdup_printf("'%s' is not a %s (%s)%s%s%s", shown, fields[field].name,
                                    fields[field].form, meant != NULL ? ", probably '" : "",
                                    meant != NULL ? meant : "", meant != NULL ? "'" : "");
    mistake->remedy = line != NULL ? g_strdup_printf("write: %s", line) : NULL;
}

static void
explain_count(const GPtrArray *words, DpMapMistake *mistake)
{
    if (words->len < N_FIELDS) {
        mistake->what = g_strdup_printf("the line has %u of four words: the %s is missing",
                                        words->len, fields[words->len].name);
        return;
    }
    mistake->what = g_strdup_printf("the line has %u words, and an entry has four", words->len);
    mistake->remedy = g_strdup("put # in front of what is a comment");
}

static void
explain(GPtrArray *words, DpMapMistake *mistake)
{
    if (split_colon(words)) {
        explain_colon(words, mistake);
        return;
    }
    if (is_prose(words)) {
        explain_prose(words, mistake);
        return;
    }
    for (Field field = VENDOR; field < N_FIELDS && field < words->len; field++) {
        if (!field_valid(field, words->pdata[field])) {
            explain_word(words, field, mistake);
            return;
        }
    }
    explain_count(words, mistake);
}

bool
dp_map_line_scan(const char *text, size_t len, DpMapEntry *ret_entry, DpMapMistake *ret_mistake)
{
    g_autoptr(GPtrArray) words = split(text, len);
    DpMapEntry entry = {0};
    bool valid = words->len == N_FIELDS;

    *ret_mistake = (DpMapMistake){NULL, NULL};
    for (Field field = VENDOR; field < N_FIELDS && valid; field++) {
        valid = read_field(field, words->pdata[field], &entry);
    }
    if (valid) {
        *ret_entry = entry;
    } else if (words->len > 0) {
        explain(words, ret_mistake);
    }
    return valid;
}
