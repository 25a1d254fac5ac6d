/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Editing a VMX: what is not edited keeps every byte. */
#include "base/text.h"
#include "vmx-model.h"

#include <string.h>

/* The line as it is, with @escaped in quotes where its value is. */
static char *
text_with_value(const DpVmxLine *line, const char *escaped)
{
    const DpVmxSpans *spans = &line->spans;
    const char *rest = line->text + spans->value + spans->value_len;
    bool bare = spans->value_len == 0; /* nothing but "name =", perhaps a comment */

    return g_strdup_printf("%.*s%s\"%s\"%s%s", (int)spans->value, line->text, bare ? " " : "",
                           escaped, bare && *rest == '#' ? " " : "", rest);
}

static size_t
total_bytes(const DpVmx *vmx)
{
    size_t total = 0;

    for (guint i = 0; i < vmx->lines->len; i++) {
        const DpVmxLine *line = vmx->lines->pdata[i];

        total += line->len + strlen(line->end);
    }
    return total;
}

/* What is written must be readable again: the limits of reading hold for writing. Four bytes are
 * the ends of two lines. */
static bool
check_limits(const DpVmx *vmx,
             size_t old_len,
             size_t new_len,
             guint n_lines,
             const char *key,
             GError **error)
{
    g_autofree char *shown = dp_text_visible_max(key, -1, 80);

    if (new_len > DP_VMX_MAX_LINE_BYTES ||
        total_bytes(vmx) - old_len + new_len + 4 > DP_VMX_MAX_BYTES || n_lines > DP_VMX_MAX_LINES) {
        return dp_fail(error, DP_ERROR_USAGE,
                       "%s: with this value the file would be too large to be read again", shown);
    }
    return true;
}

/* True if @line has a key that begins with the @len bytes of @prefix and a dot. */
static bool
is_relative(const DpVmxLine *line, const char *prefix, size_t len)
{
    const char *key = line->entry.key;

    return key != NULL && g_ascii_strncasecmp(key, prefix, len) == 0 && key[len] == '.';
}

/* True if @line is of a device with the name of @key's, "pciPassthru" of @len bytes, and a number.
 */
static bool
is_sibling(const DpVmxLine *line, const char *key, size_t len)
{
    const char *other = line->entry.key;

    return other != NULL && g_ascii_strncasecmp(other, key, len) == 0 &&
           g_ascii_isdigit(other[len]);
}

/* Behind the last key of a device of the same kind; else at the end. */
static guint
place_of_first(const DpVmx *vmx, const char *key)
{
    size_t len = strcspn(key, ".");

    while (len > 0 && g_ascii_isdigit(key[len - 1])) {
        len--;
    }
    for (guint i = vmx->lines->len; len > 0 && g_ascii_isdigit(key[len]) && i > 0; i--) {
        if (is_sibling(vmx->lines->pdata[i - 1], key, len)) {
            return i;
        }
    }
    return vmx->lines->len;
}

/* Where a new key goes: behind the last key of the same device or group, "pciPassthru0.cfg." before
 * "pciPassthru0."; else behind its siblings. */
static guint
place_of(const DpVmx *vmx, const char *key)
{
    size_t len = strlen(key);

    while (len > 0) {
        const char *dot = g_strrstr_len(key, (gssize)len, ".");

        len = dot != NULL ? (size_t)(dot - key) : 0;
        for (guint i = vmx->lines->len; len > 0 && i > 0; i--) {
            if (is_relative(vmx->lines->pdata[i - 1], key, len)) {
                return i;
            }
        }
    }
    return place_of_first(vmx, key);
}

/* True if the line at @place is empty but for an LF, which a CR in front of it would swallow. */
static bool
starts_with_lf(const DpVmx *vmx, guint place)
{
    const DpVmxLine *line = place < vmx->lines->len ? vmx->lines->pdata[place] : NULL;

    return line != NULL && line->len == 0 && *line->end == '\n';
}

/* The line end that the neighbourhood has. */
static const char *
end_at(const DpVmx *vmx, guint place)
{
    const DpVmxLine *line;

    if (vmx->lines->len == 0) {
        return "\n";
    }
    line = vmx->lines->pdata[place > 0 ? place - 1 : 0];
    if (*line->end == '\0') {
        line = vmx->lines->pdata[0];
    }
    if (strcmp(line->end, "\r") == 0 && starts_with_lf(vmx, place)) {
        return "\r\n";
    }
    return *line->end != '\0' ? line->end : "\n";
}

static bool
insert(DpVmx *vmx, const char *key, const char *escaped, GError **error)
{
    g_autofree char *text = g_strdup_printf("%s = \"%s\"", key, escaped);
    size_t len = strlen(text);
    guint place = place_of(vmx, key);
    const char *end = end_at(vmx, place);

    if (!dp_vmx_key_valid(key)) {
        g_autofree char *shown = dp_text_visible_max(key, -1, 80);

        return dp_fail(error, DP_ERROR_USAGE,
                       "'%s' cannot be a key of a VMX: a key is not empty and has no white space, "
                       "'#' or '='",
                       shown);
    }
    if (!check_limits(vmx, 0, len, vmx->lines->len + 1, key, error)) {
        return false;
    }
    if (place == vmx->lines->len && place > 0) {
        DpVmxLine *last = vmx->lines->pdata[place - 1];

        last->end = *last->end == '\0' ? end : last->end;
    }
    g_ptr_array_insert(vmx->lines, (gint)place,
                       dp_vmx_line_new(vmx, g_steal_pointer(&text), len, end));
    dp_vmx_reindex(vmx);
    return true;
}

char *
dp_vmx_encode(const DpVmx *vmx, const char *shown, GError **error)
{
    char *bytes = dp_vmx_encoding_encode(vmx->encoding, shown);

    if (bytes == NULL) {
        const char *name = dp_vmx_get(vmx, ".encoding");
        g_autofree char *encoding = dp_text_visible(name != NULL ? name : "UTF-8", -1);

        (void)dp_fail(error, DP_ERROR_USAGE,
                      "the value cannot be written in the file's encoding, %s", encoding);
    }
    return bytes;
}

static bool
replace(DpVmx *vmx, DpVmxLine *line, const char *escaped, GError **error)
{
    g_autofree char *text = text_with_value(line, escaped);

    if (!check_limits(vmx, line->len, strlen(text), vmx->lines->len, line->entry.key, error)) {
        return false;
    }
    dp_vmx_line_replace(vmx, line, g_steal_pointer(&text));
    return true;
}

/* After any edit of @key. */
static void
edited(DpVmx *vmx, const char *key)
{
    vmx->edited = true;
    if (g_ascii_strcasecmp(key, ".encoding") == 0) {
        dp_vmx_reload_encoding(vmx);
    }
}

bool
dp_vmx_set(DpVmx *vmx, const char *key, const char *value, GError **error)
{
    DpVmxLine *line = dp_vmx_find(vmx, key);
    g_autofree char *escaped = dp_vmx_escape(value);

    if (line != NULL && strcmp(line->entry.value, value) == 0) {
        return true;
    }
    if (line != NULL ? !replace(vmx, line, escaped, error) : !insert(vmx, key, escaped, error)) {
        return false;
    }
    edited(vmx, key);
    return true;
}

/* Removes the line at @place. A CR and an LF that meet by that are one line end to every reader,
 * and so they are here. */
static void
remove_line(DpVmx *vmx, guint place)
{
    DpVmxLine *before = place > 0 ? vmx->lines->pdata[place - 1] : NULL;

    g_ptr_array_remove_index(vmx->lines, place);
    if (before != NULL && strcmp(before->end, "\r") == 0 && starts_with_lf(vmx, place)) {
        before->end = "\r\n";
        g_ptr_array_remove_index(vmx->lines, place);
    }
}

bool
dp_vmx_remove(DpVmx *vmx, const char *key)
{
    g_autofree char *name = g_strdup(key); /* @key may be a string of the line that goes */
    bool found = false;

    for (guint i = vmx->lines->len; i > 0; i--) {
        const DpVmxLine *line = vmx->lines->pdata[i - 1];

        if (line->entry.key != NULL && g_ascii_strcasecmp(line->entry.key, name) == 0) {
            remove_line(vmx, i - 1);
            found = true;
        }
    }
    if (found) {
        dp_vmx_reindex(vmx);
        edited(vmx, name);
    }
    return found;
}
