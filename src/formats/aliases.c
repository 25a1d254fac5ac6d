/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "aliases.h"

#include "base/text.h"
#include "lines.h"

#include <string.h>

#define PATH_LEN_MAX 4096
#define NAME_LEN_MAX 1024

struct DpAliases {
    DpAliasKind kind;
    GHashTable *values; /* name -> value */
};

static const char *const forms[] = {
    [DP_ALIAS_DATASTORES] = "an absolute path without \"..\"",
    [DP_ALIAS_NETWORKS] = "none, user or bridge:NAME",
};

DpAliases *
dp_aliases_new(DpAliasKind kind)
{
    DpAliases *names = g_new0(DpAliases, 1);

    names->kind = kind;
    names->values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return names;
}

void
dp_aliases_free(DpAliases *names)
{
    if (names != NULL) {
        g_hash_table_unref(names->values);
        g_free(names);
    }
}

bool
dp_network_parse(const char *word, DpNetworkTarget *ret_target)
{
    static const char prefix[] = "bridge:";
    DpNetworkTarget target = {.kind = DP_NETWORK_BRIDGE};
    const char *name = word + sizeof prefix - 1;

    if (strcmp(word, "none") == 0 || strcmp(word, "user") == 0) {
        target.kind = word[0] == 'n' ? DP_NETWORK_NONE : DP_NETWORK_USER;
    } else {
        if (!g_str_has_prefix(word, prefix) || name[0] == '\0' || name[0] == '.' ||
            strlen(name) >= DP_BRIDGE_LEN ||
            strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") !=
                strlen(name)) {
            return false;
        }
        g_strlcpy(target.bridge, name, sizeof target.bridge);
    }
    *ret_target = target;
    return true;
}

static bool
is_folder(const char *path)
{
    return path[0] == '/' && strlen(path) < PATH_LEN_MAX && !dp_path_climbs(path);
}

static bool
value_fits(DpAliasKind kind, const char *value)
{
    DpNetworkTarget target;

    return kind == DP_ALIAS_DATASTORES ? is_folder(value) : dp_network_parse(value, &target);
}

/* Where the name ends and where its = is. A quoted name ends at the first quote that only blanks
 * part from a =. */
static const char *
find_equals(const char *text, const char **ret_end)
{
    if (text[0] != '"') {
        *ret_end = strchr(text, '=');
        return *ret_end;
    }
    for (const char *quote = strchr(text + 1, '"'); quote != NULL; quote = strchr(quote + 1, '"')) {
        const char *next = quote + 1 + strspn(quote + 1, " \t");

        if (*next == '=') {
            *ret_end = quote;
            return next;
        }
    }
    return NULL;
}

/* NAME = VALUE of a line without its blanks around; false if it has not that form. */
static bool
split(const char *text, char **ret_name, char **ret_value)
{
    const char *end;
    const char *equals = find_equals(text, &end);
    const char *start = text[0] == '"' ? text + 1 : text;
    g_autofree char *name = NULL, *value = NULL;
    size_t len;

    if (equals == NULL) {
        return false;
    }
    name = g_strndup(start, (size_t)(end - start));
    value = g_strstrip(g_strdup(equals + 1));
    if (text[0] != '"') {
        g_strchomp(name);
    }
    len = strlen(value);
    if (len >= 2 && value[0] == '"' && value[len - 1] == '"') {
        value[len - 1] = '\0';
        memmove(value, value + 1, len - 1);
    }
    if (name[0] == '\0' || strlen(name) > NAME_LEN_MAX || dp_text_has_control(name) ||
        dp_text_has_control(value)) {
        return false;
    }
    *ret_name = g_steal_pointer(&name);
    *ret_value = g_steal_pointer(&value);
    return true;
}

static void
leave_out(DpAliases *names, const char *file, const DpLine *line, DpDiagList *diags)
{
    g_autofree char *subject = g_strdup_printf("%s:%u", file, line->number);
    g_autofree char *shown = dp_text_visible_max(line->text, (gssize)line->len, 80);

    dp_diags_add(diags, DP_DIAG_ALIAS_LINE_NOT_READ, subject,
                 "\"%s\" is not NAME = VALUE with a value that is %s", shown, forms[names->kind]);
}

static void
add_line(
    DpAliases *names, const char *file, const DpLine *line, DpDiagList *diags, unsigned *n_notes)
{
    g_autofree char *text = g_strstrip(g_strndup(line->text, line->len));
    g_autofree char *name = NULL, *value = NULL;
    const char *old;

    if (text[0] == '\0' || text[0] == '#') {
        return;
    }
    if (!split(text, &name, &value) || !value_fits(names->kind, value)) {
        if (dp_note_counts(n_notes) && diags != NULL) {
            leave_out(names, file, line, diags);
        }
        return;
    }
    old = g_hash_table_lookup(names->values, name);
    if (old != NULL && strcmp(old, value) != 0 && dp_note_counts(n_notes) && diags != NULL) {
        g_autofree char *subject = g_strdup_printf("%s:%u", file, line->number);
        g_autofree char *shown = dp_text_visible_max(name, -1, 80);

        dp_diags_add(diags, DP_DIAG_ALIAS_TWICE, subject,
                     "\"%s\" stands in an earlier line, too, with another value", shown);
    }
    g_hash_table_replace(names->values, g_steal_pointer(&name), g_steal_pointer(&value));
}

bool
dp_aliases_read(DpAliases *names,
                const char *file,
                const char *bytes,
                size_t len,
                DpDiagList *diags,
                GError **error)
{
    size_t skip = dp_bytes_have_bom(bytes, len) ? DP_BOM_LEN : 0;
    DpLines lines = dp_lines_of(bytes + skip, len - skip);
    unsigned n_notes = 0;
    DpLine line;

    if (len > DP_ALIASES_MAX_BYTES || memchr(bytes, '\0', len) != NULL) {
        if (diags != NULL) {
            dp_diags_add(diags, DP_DIAG_ALIASES_UNREADABLE, file, "%s is no text of at most 1 MiB",
                         file);
        }
        return dp_fail(error, DP_ERROR_PARSE, "%s is no text of at most 1 MiB", file);
    }
    while (dp_lines_next(&lines, &line)) {
        add_line(names, file, &line, diags, &n_notes);
    }
    return true;
}

const char *
dp_aliases_lookup(const DpAliases *names, const char *name)
{
    return names != NULL && name != NULL ? g_hash_table_lookup(names->values, name) : NULL;
}

GPtrArray *
dp_aliases_values(const DpAliases *names)
{
    GPtrArray *values = g_ptr_array_new();
    GHashTableIter iter;
    gpointer value;

    if (names != NULL) {
        g_hash_table_iter_init(&iter, names->values);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
            g_ptr_array_add(values, value);
        }
    }
    return values;
}

char *
dp_aliases_line(const char *name, const char *value)
{
    bool plain = name[0] != '\0' && name[0] != '#' && strpbrk(name, " \t=\"") == NULL;

    return plain ? g_strdup_printf("%s = %s", name, value)
                 : g_strdup_printf("\"%s\" = %s", name, value);
}
