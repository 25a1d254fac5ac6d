/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmx-line.h"

#include <string.h>

static size_t
skip_blanks(const char *line, size_t at, size_t len)
{
    while (at < len && dp_is_blank(line[at])) {
        at++;
    }
    return at;
}

static bool
ends_name(char c)
{
    return dp_is_blank(c) || c == '#' || c == '=' || c == '\0';
}

/* The value that starts at @at; false if its closing quote is missing. */
static bool
scan_value(const char *line, size_t at, size_t len, DpVmxSpans *spans)
{
    size_t end = at;

    spans->value = at;
    spans->quoted = at < len && line[at] == '"';
    if (spans->quoted) {
        const char *close = memchr(line + at + 1, '"', len - at - 1);

        if (close == NULL) {
            return false;
        }
        end = (size_t)(close - line) + 1;
    } else {
        while (end < len && !dp_is_blank(line[end]) && line[end] != '#') {
            end++;
        }
    }
    spans->value_len = end - at;
    return true;
}

DpVmxSpans
dp_vmx_line_scan(const char *line, size_t len)
{
    DpVmxSpans spans = {.kind = DP_VMX_LINE_MALFORMED};
    size_t at = skip_blanks(line, 0, len);

    if (at == len || line[at] == '#') {
        spans.kind = DP_VMX_LINE_BLANK;
        return spans;
    }
    spans.key = at;
    while (at < len && !ends_name(line[at])) {
        at++;
    }
    spans.key_len = at - spans.key;
    at = skip_blanks(line, at, len);
    if (spans.key_len == 0 || at == len || line[at] != '=') {
        return spans;
    }
    if (!scan_value(line, skip_blanks(line, at + 1, len), len, &spans)) {
        spans.open_quote = true;
        return spans;
    }
    at = skip_blanks(line, spans.value + spans.value_len, len);
    if (at < len && line[at] != '#') {
        return spans;
    }
    if (spans.value_len == 0) {
        /* Nothing between '=' and the comment: a value goes directly behind the '='. */
        while (spans.value > 0 && line[spans.value - 1] != '=') {
            spans.value--;
        }
    }
    spans.kind = DP_VMX_LINE_ENTRY;
    return spans;
}

bool
dp_vmx_key_valid(const char *key)
{
    for (const char *p = key; *p != '\0'; p++) {
        if (ends_name(*p) || *p == '\n' || *p == '\r') {
            return false;
        }
    }
    /* At the start of a file the BOM would be taken for one. */
    return *key != '\0' && !g_str_has_prefix(key, DP_BOM);
}

/* A byte that turns out not to continue an escape is used up by that: "||22" and "|2|22" stay as
 * they are, "|g|22" becomes |g". */
char *
dp_vmx_unescape(const char *text, size_t len)
{
    char *value = g_malloc(len + 1);
    size_t n = 0, i = 0;

    while (i < len) {
        int high, low;

        if (text[i] != '|') {
            value[n++] = text[i++];
            continue;
        }
        high = i + 1 < len ? g_ascii_xdigit_value(text[i + 1]) : -1;
        low = high >= 0 && i + 2 < len ? g_ascii_xdigit_value(text[i + 2]) : -1;
        if (low >= 0) {
            value[n++] = (char)(high << 4 | low);
            i += 3;
            continue;
        }
        for (size_t used = high >= 0 ? 3 : 2; used > 0 && i < len; used--) {
            value[n++] = text[i++];
        }
    }
    value[n] = '\0';
    return value;
}

char *
dp_vmx_escape(const char *value)
{
    GString *text = g_string_new(NULL);

    for (const char *p = value; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;

        if ((c < 0x20 && c != '\t') || c == '"' || c == '|' || c == 0x7f) {
            g_string_append_printf(text, "|%02X", c);
        } else {
            g_string_append_c(text, *p);
        }
    }
    return g_string_free(text, false);
}
