/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmx.h"

#include "base/text.h"
#include "vmx-model.h"

#include <string.h>

/* Keys are chosen by strangers: a seed of our own keeps them from aiming at one bucket. */
static guint
hash_key(const DpVmx *vmx, const char *key)
{
    uint64_t hash = vmx->seed;

    for (const char *p = key; *p != '\0'; p++) {
        hash = (hash ^ (unsigned char)g_ascii_tolower(*p)) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
    }
    return (guint)(hash ^ hash >> 32);
}

static guint
line_hash(gconstpointer line)
{
    return ((const DpVmxLine *)line)->hash;
}

static gboolean
line_equal(gconstpointer a, gconstpointer b)
{
    const DpVmxLine *x = a, *y = b;

    return x->hash == y->hash && g_ascii_strcasecmp(x->entry.key, y->entry.key) == 0;
}

static void
read_value(const DpVmx *vmx, DpVmxLine *line)
{
    size_t quotes = line->spans.quoted ? 1 : 0;

    g_free((char *)line->entry.value);
    g_free(line->entry.shown);
    line->entry.value = dp_vmx_unescape(line->text + line->spans.value + quotes,
                                        line->spans.value_len - 2 * quotes);
    line->entry.shown = dp_vmx_encoding_show(vmx->encoding, line->entry.value, NULL);
}

DpVmxLine *
dp_vmx_line_new(const DpVmx *vmx, char *text, size_t len, const char *end)
{
    DpVmxLine *line = g_new0(DpVmxLine, 1);

    line->text = text;
    line->len = len;
    line->end = end;
    line->spans = dp_vmx_line_scan(text, len);
    if (line->spans.kind == DP_VMX_LINE_ENTRY) {
        line->entry.key = g_strndup(text + line->spans.key, line->spans.key_len);
        line->hash = hash_key(vmx, line->entry.key);
        read_value(vmx, line);
    }
    return line;
}

void
dp_vmx_line_replace(const DpVmx *vmx, DpVmxLine *line, char *text)
{
    g_free(line->text);
    line->text = text;
    line->len = strlen(text);
    line->spans = dp_vmx_line_scan(text, line->len);
    g_assert(line->spans.kind == DP_VMX_LINE_ENTRY);
    read_value(vmx, line);
}

static void
line_free(gpointer data)
{
    DpVmxLine *line = data;

    g_free(line->text);
    g_free((char *)line->entry.key);
    g_free((char *)line->entry.value);
    g_free(line->entry.shown);
    g_free(line);
}

void
dp_vmx_reindex(DpVmx *vmx)
{
    g_ptr_array_set_size(vmx->entries, 0);
    g_hash_table_remove_all(vmx->index);
    for (guint i = 0; i < vmx->lines->len; i++) {
        DpVmxLine *line = vmx->lines->pdata[i];

        line->entry.line = i + 1;
        if (line->entry.key == NULL) {
            continue;
        }
        g_ptr_array_add(vmx->entries, line);
        if (!g_hash_table_contains(vmx->index, line)) {
            g_hash_table_add(vmx->index, line);
        }
    }
}

DpVmxLine *
dp_vmx_find(const DpVmx *vmx, const char *key)
{
    DpVmxLine probe = {.entry.key = key, .hash = hash_key(vmx, key)};

    return g_hash_table_lookup(vmx->index, &probe);
}

void
dp_vmx_reload_encoding(DpVmx *vmx)
{
    dp_vmx_encoding_free(vmx->encoding);
    vmx->encoding = dp_vmx_encoding_new(dp_vmx_get(vmx, ".encoding"));
    for (guint i = 0; i < vmx->entries->len; i++) {
        DpVmxLine *line = vmx->entries->pdata[i];

        g_free(line->entry.shown);
        line->entry.shown = dp_vmx_encoding_show(vmx->encoding, line->entry.value, NULL);
    }
}

static DpVmx *
vmx_new(const char *name)
{
    DpVmx *vmx = g_new0(DpVmx, 1);

    vmx->name = g_strdup(name);
    vmx->seed = (uint64_t)g_random_int() << 32 | g_random_int();
    vmx->lines = g_ptr_array_new_with_free_func(line_free);
    vmx->entries = g_ptr_array_new();
    vmx->index = g_hash_table_new(line_hash, line_equal);
    vmx->encoding = dp_vmx_encoding_new(NULL);
    return vmx;
}

void
dp_vmx_free(DpVmx *vmx)
{
    if (vmx == NULL) {
        return;
    }
    g_hash_table_unref(vmx->index);
    g_ptr_array_unref(vmx->entries);
    g_ptr_array_unref(vmx->lines);
    dp_vmx_encoding_free(vmx->encoding);
    g_free(vmx->name);
    g_free(vmx);
}

/* Nothing can be made of the file: the same sentence as a diagnostic and as the error. */
static bool
refuse(DpDiagList *diags, DpDiagId id, const char *name, const char *sentence, GError **error)
{
    g_autofree char *shown = dp_text_visible(name, -1);

    (void)dp_diags_add(diags, id, name, "%s", sentence);
    return dp_fail(error, DP_ERROR_PARSE, "%s: %s", shown, sentence);
}

static bool
only_white_space(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!g_ascii_isspace(bytes[i])) {
            return false;
        }
    }
    return true;
}

/* What can be said of the bytes before any line is looked at. */
static bool
check_bytes(const char *name, const char *bytes, size_t len, DpDiagList *diags, GError **error)
{
    g_autofree char *sentence = NULL;

    if (len > DP_VMX_MAX_BYTES) {
        sentence = g_strdup_printf("the file has %zu bytes, and a VMX at most %u", len,
                                   (unsigned)DP_VMX_MAX_BYTES);
        return refuse(diags, DP_DIAG_VMX_TOO_LARGE, name, sentence, error);
    }
    if (len > 0 && memchr(bytes, '\0', len) != NULL) {
        size_t at = (size_t)((const char *)memchr(bytes, '\0', len) - bytes);
        bool utf16 =
            len >= 2 && (memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0);

        sentence = utf16
                       ? g_strdup("the file is in UTF-16")
                       : g_strdup_printf("byte %zu of the file is NUL, which no text has", at + 1);
        return refuse(diags, DP_DIAG_VMX_BINARY, name, sentence, error);
    }
    if (len == 0 || only_white_space(bytes, len)) {
        return refuse(diags, DP_DIAG_VMX_EMPTY, name, "the file says nothing", error);
    }
    return true;
}

static bool
split_lines(DpVmx *vmx, const char *bytes, size_t len, DpDiagList *diags, GError **error)
{
    DpLines lines = dp_lines_of(bytes, len);
    g_autofree char *sentence = NULL;
    DpLine line;

    while (dp_lines_next(&lines, &line)) {
        if (line.number > DP_VMX_MAX_LINES) {
            sentence = g_strdup_printf("the file has more than %u lines", DP_VMX_MAX_LINES);
            return refuse(diags, DP_DIAG_VMX_TOO_LARGE, vmx->name, sentence, error);
        }
        if (line.len > DP_VMX_MAX_LINE_BYTES) {
            sentence = g_strdup_printf("line %u has %zu bytes, and a line of a VMX at most %u",
                                       line.number, line.len, (unsigned)DP_VMX_MAX_LINE_BYTES);
            return refuse(diags, DP_DIAG_VMX_TOO_LARGE, vmx->name, sentence, error);
        }
        g_ptr_array_add(vmx->lines,
                        dp_vmx_line_new(vmx, g_strndup(line.text, line.len), line.len, line.end));
    }
    return true;
}

DpVmx *
dp_vmx_parse(const char *name, const char *bytes, size_t len, DpDiagList *diags, GError **error)
{
    g_autoptr(DpVmx) vmx = vmx_new(name);
    bool bom = dp_bytes_have_bom(bytes, len);
    size_t skip = bom ? DP_BOM_LEN : 0;

    bytes = bom ? bytes + skip : bytes; /* which may be NULL when there are none */
    if (!check_bytes(name, bytes, len - skip, diags, error) ||
        !split_lines(vmx, bytes, len - skip, diags, error)) {
        return NULL;
    }
    vmx->bom = bom;
    dp_vmx_reindex(vmx);
    dp_vmx_reload_encoding(vmx);
    dp_vmx_report(vmx, diags);
    return g_steal_pointer(&vmx);
}

const char *
dp_vmx_name(const DpVmx *vmx)
{
    return vmx->name;
}

/* Of a file that is unchanged the mark is a part. Else it is left out, unless the first line would
 * lose bytes that look like one. */
static bool
writes_bom(const DpVmx *vmx)
{
    const DpVmxLine *first = vmx->lines->len > 0 ? vmx->lines->pdata[0] : NULL;

    return vmx->edited ? first != NULL && dp_bytes_have_bom(first->text, first->len) : vmx->bom;
}

GBytes *
dp_vmx_bytes(const DpVmx *vmx)
{
    GByteArray *bytes = g_byte_array_new();

    if (writes_bom(vmx)) {
        g_byte_array_append(bytes, (const guint8 *)DP_BOM, DP_BOM_LEN);
    }
    for (guint i = 0; i < vmx->lines->len; i++) {
        const DpVmxLine *line = vmx->lines->pdata[i];

        g_byte_array_append(bytes, (const guint8 *)line->text, (guint)line->len);
        g_byte_array_append(bytes, (const guint8 *)line->end, (guint)strlen(line->end));
    }
    return g_byte_array_free_to_bytes(bytes);
}

size_t
dp_vmx_n_entries(const DpVmx *vmx)
{
    return vmx->entries->len;
}

const DpVmxEntry *
dp_vmx_entry(const DpVmx *vmx, size_t index)
{
    g_assert(index < vmx->entries->len);
    return &((const DpVmxLine *)vmx->entries->pdata[index])->entry;
}

const DpVmxEntry *
dp_vmx_lookup(const DpVmx *vmx, const char *key)
{
    const DpVmxLine *line = dp_vmx_find(vmx, key);

    return line != NULL ? &line->entry : NULL;
}

const char *
dp_vmx_get(const DpVmx *vmx, const char *key)
{
    const DpVmxEntry *entry = dp_vmx_lookup(vmx, key);

    return entry != NULL ? entry->value : NULL;
}

bool
dp_vmx_get_bool(const DpVmx *vmx, const char *key, bool *ret_value, DpDiagList *diags)
{
    const DpVmxEntry *entry = dp_vmx_lookup(vmx, key);
    g_autofree char *subject = NULL, *shown = NULL;
    bool value;

    if (entry == NULL) {
        return false;
    }
    value = g_ascii_strcasecmp(entry->value, "TRUE") == 0;
    if (value || g_ascii_strcasecmp(entry->value, "FALSE") == 0) {
        *ret_value = value;
        return true;
    }
    subject = g_strdup_printf("%s:%u", vmx->name, entry->line);
    shown = dp_text_visible_max(entry->shown, -1, 100);
    (void)dp_diags_add(diags, DP_DIAG_VMX_NOT_BOOLEAN, subject,
                       "%s is '%s', and must be TRUE or FALSE", entry->key, shown);
    return false;
}

bool
dp_vmx_get_int(const DpVmx *vmx,
               const char *key,
               int64_t min,
               int64_t max,
               int64_t *ret_value,
               DpDiagList *diags)
{
    const DpVmxEntry *entry = dp_vmx_lookup(vmx, key);
    g_autofree char *subject = NULL, *shown = NULL;
    gint64 value;

    if (entry == NULL) {
        return false;
    }
    if (g_ascii_string_to_signed(entry->value, 10, min, max, &value, NULL)) {
        *ret_value = value;
        return true;
    }
    subject = g_strdup_printf("%s:%u", vmx->name, entry->line);
    shown = dp_text_visible_max(entry->shown, -1, 100);
    (void)dp_diags_add(diags, DP_DIAG_VMX_NOT_NUMBER, subject,
                       "%s is '%s', and must be a whole number from %" G_GINT64_FORMAT
                       " to %" G_GINT64_FORMAT,
                       entry->key, shown, (gint64)min, (gint64)max);
    return false;
}
