/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "text.h"

#include <stdbool.h>
#include <string.h>

/* Characters that change how their neighbours are shown: bidirectional controls, zero-width ones,
 * line separators. */
static bool
misleading(gunichar c)
{
    return (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x2069) || c == 0xfeff || c == 0x061c;
}

static void
append_visible(GString *out, gunichar c)
{
    if (misleading(c)) {
        g_string_append_printf(out, "\\u{%04x}", (unsigned)c);
    } else if (c < 0x20 || (c >= 0x7f && c < 0xa0)) {
        g_string_append_printf(out, "\\x%02x", (unsigned)c);
    } else {
        g_string_append_unichar(out, c);
    }
}

char *
dp_text_visible_max(const char *bytes, gssize len, size_t max)
{
    const char *end = bytes + (len < 0 ? strlen(bytes) : (size_t)len);
    GString *out = g_string_new(NULL);

    while (bytes < end) {
        gunichar c = g_utf8_get_char_validated(bytes, end - bytes);

        if (out->len >= max) {
            g_string_append(out, "...");
            break;
        }
        if (c == (gunichar)-1 || c == (gunichar)-2) {
            g_string_append_printf(out, "\\x%02x", (unsigned char)*bytes++);
            continue;
        }
        append_visible(out, c);
        /* A NUL is one byte here, though g_utf8_next_char would take it for an end. */
        bytes = c == 0 ? bytes + 1 : g_utf8_next_char(bytes);
    }
    return g_string_free(out, false);
}

char *
dp_text_visible(const char *bytes, gssize len)
{
    return dp_text_visible_max(bytes, len, DP_TEXT_MAX);
}

char *
dp_size_text(uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t unit = 0;

    while (bytes >= 1024 && bytes % 1024 == 0 && unit + 1 < G_N_ELEMENTS(units)) {
        bytes /= 1024;
        unit++;
    }
    return g_strdup_printf("%" G_GUINT64_FORMAT " %s", bytes, units[unit]);
}

bool
dp_text_has_control(const char *text)
{
    for (; *text != '\0'; text++) {
        if (g_ascii_iscntrl(*text)) {
            return true;
        }
    }
    return false;
}

bool
dp_path_climbs(const char *path)
{
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);

    return g_strv_contains((const char *const *)parts, "..");
}
