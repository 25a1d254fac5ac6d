/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/file.h"
#include "base/text.h"
#include "scan.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* Paths and kernel command lines are shown whole. */
#define VISIBLE_MAX 4096

char *
dp_scan_visible(char *bytes)
{
    g_autofree char *owned = bytes;

    return owned == NULL ? NULL : dp_text_visible_max(owned, -1, VISIBLE_MAX);
}

char *
dp_scan_unescape(const char *text)
{
    GString *out = g_string_new(NULL);

    for (const char *c = text; *c != '\0'; c++) {
        if (c[0] == '\\' && c[1] >= '0' && c[1] <= '3' && c[2] >= '0' && c[2] <= '7' &&
            c[3] >= '0' && c[3] <= '7') {
            g_string_append_c(out, (char)((c[1] - '0') << 6 | (c[2] - '0') << 3 | (c[3] - '0')));
            c += 3;
        } else {
            g_string_append_c(out, *c);
        }
    }
    return dp_scan_visible(g_string_free(out, false));
}

char *
dp_scan_escape(const char *text)
{
    GString *out = g_string_new(NULL);

    for (const char *c = text; *c != '\0'; c++) {
        if (strchr(" \t\n\\", *c) != NULL) {
            g_string_append_printf(out, "\\%03o", (unsigned)(unsigned char)*c);
        } else {
            g_string_append_c(out, *c);
        }
    }
    return g_string_free(out, false);
}

char *
dp_scan_link_name(int root_fd, const char *path)
{
    g_autofree char *target = dp_file_read_link(root_fd, path);

    return target == NULL ? NULL : g_path_get_basename(target);
}

/* A single name that is no link leads nowhere, so that it needs no descriptor. */
bool
dp_scan_exists(int root_fd, const char *path)
{
    struct stat st = {0};
    bool there = strchr(path, '/') == NULL && fstatat(root_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
    dp_autofd int fd = -1;

    if (strchr(path, '/') == NULL && !(there && S_ISLNK(st.st_mode))) {
        return there;
    }
    fd = dp_file_open(root_fd, path, O_PATH);
    return fd >= 0;
}

char **
dp_scan_lines(DpRoot *root, DpHost *host, const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = dp_file_read(root->fd, path, DP_FILE_MAX, NULL, &error);

    if (text == NULL) {
        if (!g_error_matches(error, DP_ERROR, DP_ERROR_NOT_FOUND)) {
            dp_diags_add(host->diags, DP_DIAG_HOST_FILE_UNREADABLE, "host", "%s", error->message);
        }
        return NULL;
    }
    return g_strsplit(text, "\n", -1);
}

char **
dp_scan_words(const char *line)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    g_auto(GStrv) all = g_strsplit_set(line, " \t", -1);

    for (char **word = all; *word != NULL; word++) {
        if (**word != '\0') {
            g_ptr_array_add(words, g_strdup(*word));
        }
    }
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_steal(words, NULL);
}

bool
dp_scan_number(const char *text, int64_t min, int64_t max, int64_t *ret_value)
{
    bool hex = g_str_has_prefix(text, "0x");
    gint64 value;

    if (!g_ascii_string_to_signed(hex ? text + 2 : text, hex ? 16 : 10, min, max, &value, NULL)) {
        return false;
    }
    *ret_value = value;
    return true;
}

char **
dp_scan_path_functions(const DpHost *host, const char *path)
{
    g_autoptr(GPtrArray) addresses = dp_path_functions(path);
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (guint i = addresses->len; i > 0; i--) {
        if (dp_host_find_name(host, addresses->pdata[i - 1]) != NULL) {
            g_ptr_array_add(names, g_strdup(addresses->pdata[i - 1]));
        }
    }
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_steal(names, NULL);
}
