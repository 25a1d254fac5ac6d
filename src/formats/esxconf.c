/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "esxconf.h"

#include "base/text.h"
#include "esxconf-model.h"

#include <string.h>

/* What an owner may be. The first is what no line means too. */
static const char *const owner_words[] = {
    [DP_OWNER_HOST] = "vmkernel",
    [DP_OWNER_PASSTHRU] = "passthru",
};

const char *
dp_owner_word(DpOwner owner)
{
    return owner_words[owner];
}

static guint64
addr_key(const DpAddr *addr)
{
    return (guint64)addr->domain << 16 | (guint64)addr->bus << 8 | (guint64)addr->device << 3 |
           addr->function;
}

static void
line_free(gpointer data)
{
    DpEsxconfLine *line = data;

    g_free(line->text);
    g_free(line->shown_value);
    g_free(line);
}

/* True if what is at @at starts with @word; moves behind it. */
static bool
accept(const DpEsxconfLine *line, size_t *at, const char *word)
{
    size_t n = strlen(word);

    if (line->len - *at < n || memcmp(line->text + *at, word, n) != 0) {
        return false;
    }
    *at += n;
    return true;
}

static void
accept_blanks(const DpEsxconfLine *line, size_t *at)
{
    while (*at < line->len && dp_is_blank(line->text[*at])) {
        (*at)++;
    }
}

/* "/device/ADDRESS/owner", "/device/ADDRESS/vmkname" or "/system/uuid" at @at. */
static DpEsxconfKind
scan_path(DpEsxconfLine *line, size_t *at)
{
    const char *slash;
    size_t start;

    if (accept(line, at, "/system/uuid")) {
        return DP_ESXCONF_SYSTEM;
    }
    if (!accept(line, at, "/device/")) {
        return DP_ESXCONF_OTHER;
    }
    start = *at;
    slash = memchr(line->text + start, '/', line->len - start);
    if (slash == NULL ||
        !dp_addr_parse_esxconf(line->text + start, (size_t)(slash - line->text) - start,
                               &line->addr)) {
        return DP_ESXCONF_OTHER;
    }
    *at = (size_t)(slash - line->text);
    if (accept(line, at, "/owner")) {
        return DP_ESXCONF_OWNER;
    }
    return accept(line, at, "/vmkname") ? DP_ESXCONF_VMKNAME : DP_ESXCONF_OTHER;
}

/* '= "value"' to the end of the line. */
static bool
scan_value(DpEsxconfLine *line, size_t *at)
{
    const char *close;

    accept_blanks(line, at);
    if (!accept(line, at, "=")) {
        return false;
    }
    accept_blanks(line, at);
    if (!accept(line, at, "\"")) {
        return false;
    }
    line->value = *at;
    close = memchr(line->text + *at, '"', line->len - *at);
    if (close == NULL) {
        return false;
    }
    *at = (size_t)(close - line->text);
    line->value_len = *at - line->value;
    (*at)++;
    accept_blanks(line, at);
    return *at == line->len;
}

void
dp_esxconf_line_scan(DpEsxconfLine *line)
{
    size_t at = 0;
    DpEsxconfKind kind;

    (void)accept(line, &at, DP_BOM);
    accept_blanks(line, &at); /* listings that people copied are indented */
    kind = scan_path(line, &at);
    line->kind = kind != DP_ESXCONF_OTHER && scan_value(line, &at) ? kind : DP_ESXCONF_OTHER;
    g_free(line->shown_value);
    line->shown_value = NULL;
    if (line->kind != DP_ESXCONF_OTHER) {
        line->shown_value = g_strndup(line->text + line->value, line->value_len);
    }
}

/* Takes @text over. */
DpEsxconfLine *
dp_esxconf_line_new(char *text, size_t len, const char *end)
{
    DpEsxconfLine *line = g_new0(DpEsxconfLine, 1);

    line->text = text;
    line->len = len;
    line->end = end;
    dp_esxconf_line_scan(line);
    return line;
}

static void
index_line(DpEsxconf *conf, DpEsxconfLine *line)
{
    guint64 key = addr_key(&line->addr);

    if (line->kind == DP_ESXCONF_SYSTEM) {
        conf->system = line;
    } else if (line->kind == DP_ESXCONF_OWNER || line->kind == DP_ESXCONF_VMKNAME) {
        g_hash_table_replace(line->kind == DP_ESXCONF_OWNER ? conf->owners : conf->names,
                             g_memdup2(&key, sizeof(key)), line);
    }
}

void
dp_esxconf_reindex(DpEsxconf *conf)
{
    g_hash_table_remove_all(conf->owners);
    g_hash_table_remove_all(conf->names);
    conf->system = NULL;
    for (guint i = 0; i < conf->lines->len; i++) {
        index_line(conf, conf->lines->pdata[i]);
    }
}

DpEsxconf *
dp_esxconf_new(void)
{
    DpEsxconf *conf = g_new0(DpEsxconf, 1);

    conf->lines = g_ptr_array_new_with_free_func(line_free);
    conf->owners = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    conf->names = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    return conf;
}

void
dp_esxconf_free(DpEsxconf *conf)
{
    if (conf == NULL) {
        return;
    }
    g_hash_table_unref(conf->owners);
    g_hash_table_unref(conf->names);
    g_ptr_array_unref(conf->lines);
    g_free(conf);
}

GBytes *
dp_esxconf_bytes(const DpEsxconf *conf)
{
    GByteArray *bytes = g_byte_array_new();

    for (guint i = 0; i < conf->lines->len; i++) {
        const DpEsxconfLine *line = conf->lines->pdata[i];

        g_byte_array_append(bytes, (const guint8 *)line->text, (guint)line->len);
        g_byte_array_append(bytes, (const guint8 *)line->end, (guint)strlen(line->end));
    }
    return g_byte_array_free_to_bytes(bytes);
}

static bool
refuse(DpDiagList *diags, const char *name, const char *sentence, GError **error)
{
    g_autofree char *shown = dp_text_visible(name, -1);

    (void)dp_diags_add(diags, DP_DIAG_ESXCONF_UNREADABLE, name, "%s", sentence);
    return dp_fail(error, DP_ERROR_PARSE, "%s: %s", shown, sentence);
}

static bool
split_lines(DpEsxconf *conf,
            const char *name,
            const char *bytes,
            size_t len,
            DpDiagList *diags,
            GError **error)
{
    DpLines lines = dp_lines_of(bytes, len);
    DpLine line;

    while (dp_lines_next(&lines, &line)) {
        if (line.number > DP_ESXCONF_MAX_LINES) {
            return refuse(diags, name, "the file has more than 100,000 lines", error);
        }
        g_ptr_array_add(conf->lines,
                        dp_esxconf_line_new(g_strndup(line.text, line.len), line.len, line.end));
    }
    return true;
}

DpEsxconf *
dp_esxconf_parse(const char *name, const char *bytes, size_t len, DpDiagList *diags, GError **error)
{
    g_autoptr(DpEsxconf) conf = dp_esxconf_new();

    if (len > DP_ESXCONF_MAX_BYTES) {
        (void)refuse(diags, name, "the file is larger than 4 MiB", error);
        return NULL;
    }
    if (len > 0 && memchr(bytes, '\0', len) != NULL) {
        (void)refuse(diags, name, "the file is not text: it holds NUL bytes", error);
        return NULL;
    }
    if (!split_lines(conf, name, bytes, len, diags, error)) {
        return NULL;
    }
    dp_esxconf_reindex(conf);
    dp_esxconf_report(conf, name, diags);
    return g_steal_pointer(&conf);
}

DpEsxconfLine *
dp_esxconf_find(const DpEsxconf *conf, DpEsxconfKind kind, const DpAddr *addr)
{
    guint64 key = addr_key(addr);

    return g_hash_table_lookup(kind == DP_ESXCONF_OWNER ? conf->owners : conf->names, &key);
}

static bool
says_passthru(const DpEsxconfLine *line)
{
    return strcmp(line->shown_value, owner_words[DP_OWNER_PASSTHRU]) == 0;
}

DpOwner
dp_esxconf_owner(const DpEsxconf *conf, const DpAddr *addr, bool *ret_present)
{
    const DpEsxconfLine *line = dp_esxconf_find(conf, DP_ESXCONF_OWNER, addr);

    if (ret_present != NULL) {
        *ret_present = line != NULL;
    }
    return line != NULL && says_passthru(line) ? DP_OWNER_PASSTHRU : DP_OWNER_HOST;
}

/* The addresses of the lines that count among those of @kind, and that @wanted (NULL: all) takes.
 */
static GArray *
addresses(const DpEsxconf *conf, DpEsxconfKind kind, bool (*wanted)(const DpEsxconfLine *line))
{
    GArray *addrs = g_array_new(false, false, sizeof(DpAddr));

    for (guint i = 0; i < conf->lines->len; i++) {
        const DpEsxconfLine *line = conf->lines->pdata[i];

        if (line->kind == kind && (wanted == NULL || wanted(line)) &&
            dp_esxconf_find(conf, kind, &line->addr) == line) {
            g_array_append_val(addrs, line->addr);
        }
    }
    return addrs;
}

GArray *
dp_esxconf_passthru(const DpEsxconf *conf)
{
    return addresses(conf, DP_ESXCONF_OWNER, says_passthru);
}

GArray *
dp_esxconf_named(const DpEsxconf *conf)
{
    return addresses(conf, DP_ESXCONF_VMKNAME, NULL);
}

DpEsxconfCount
dp_esxconf_count(const DpEsxconf *conf)
{
    DpEsxconfCount count = {.lines = conf->lines->len};

    for (guint i = 0; i < conf->lines->len; i++) {
        const DpEsxconfLine *line = conf->lines->pdata[i];

        count.owners += line->kind == DP_ESXCONF_OWNER;
        count.names += line->kind == DP_ESXCONF_VMKNAME;
        count.others += line->kind == DP_ESXCONF_OTHER;
    }
    return count;
}

const char *
dp_esxconf_vmkname(const DpEsxconf *conf, const DpAddr *addr)
{
    const DpEsxconfLine *line = dp_esxconf_find(conf, DP_ESXCONF_VMKNAME, addr);

    return line != NULL ? line->shown_value : NULL;
}
