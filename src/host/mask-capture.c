/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mask.h"

#include "scan.h"

#include <string.h>

/* The words of each line of @text at @fields (bits, from 0), which are escaped as in fstab(5). */
static char *
mask_fields(DpMask *mask, const char *text, unsigned fields)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (char **line = lines; *line != NULL; line++) {
        g_auto(GStrv) words = g_strsplit_set(*line, " \t", -1);

        for (unsigned i = 0; words[i] != NULL && i < 32; i++) {
            if ((fields >> i & 1) != 0) {
                g_autofree char *plain = dp_scan_unescape(words[i]);
                g_autofree char *masked = dp_mask_words(mask, plain);

                g_free(words[i]);
                words[i] = dp_scan_escape(masked);
            }
        }
        g_free(*line);
        *line = g_strjoinv(" ", words);
    }
    return g_strjoinv("\n", lines);
}

/* Without what people have written about it. */
static char *
drop_comments(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (char **line = lines; *line != NULL; line++) {
        (*line)[strcspn(*line, "#")] = '\0';
    }
    return g_strjoinv("\n", lines);
}

/* Mount point and source; the path of swap space. */
static const struct {
    const char *name;
    unsigned fields;
} tables[] = {
    {"proc/self/mountinfo", 1u << 4 | 1u << 8},
    {"etc/fstab", 1u << 1},
};

char *
dp_mask_capture(void *mask, const char *name, const char *text)
{
    static const char *const words[] = {"/dm/name", "/mount_tag", "proc/cmdline", "etc/kdump.conf"};
    static const char *const whole[] = {"etc/directpath/esx.conf", "directpath/passthru.map",
                                        "directpath/compatibility"};

    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
        if (strcmp(name, tables[i].name) == 0) {
            return mask_fields(mask, text, tables[i].fields);
        }
    }
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        if (g_str_has_suffix(name, words[i])) {
            return dp_mask_words(mask, text);
        }
    }
    for (size_t i = 0; i < G_N_ELEMENTS(whole); i++) {
        if (g_str_has_suffix(name, whole[i])) {
            g_autofree char *bare = drop_comments(text);

            return dp_mask_text(mask, bare);
        }
    }
    if (strcmp(name, "proc/swaps") == 0) { /* its fields are divided by tabs */
        return dp_mask_words(mask, text);
    }
    return NULL;
}
