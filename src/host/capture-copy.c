/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/file.h"
#include "capture-parts.h"
#include "scan.h"

#include <string.h>

#define TEXT_MAX (1u << 20)

void
dp_capture_text(const DpCapture *capture, const char *name, const char *text)
{
    dp_tar_add_file(capture->tar, name, text, strlen(text));
}

void
dp_capture_line(const DpCapture *capture, const char *from, const char *to)
{
    g_autofree char *text = dp_file_read_line(capture->root->fd, from, NULL);
    g_autofree char *line = text == NULL ? NULL : g_strdup_printf("%s\n", text);

    if (line != NULL) {
        dp_capture_text(capture, to, line);
    }
}

void
dp_capture_presence(const DpCapture *capture, const char *from, const char *to)
{
    if (dp_scan_exists(capture->root->fd, from)) {
        dp_capture_text(capture, to, "");
    }
}

void
dp_capture_folder(const DpCapture *capture, const char *path)
{
    if (dp_scan_exists(capture->root->fd, path)) {
        dp_tar_add_folder(capture->tar, path);
    }
}

void
dp_capture_link(const DpCapture *capture, const char *from, const char *to)
{
    g_autofree char *target = dp_file_read_link(capture->root->fd, from);

    if (target != NULL) {
        dp_tar_add_link(capture->tar, to, target);
    }
}

void
dp_capture_names(const DpCapture *capture, const char *from, const char *to)
{
    g_autoptr(GPtrArray) names = dp_file_list(capture->root->fd, from, NULL);

    if (names != NULL) {
        dp_tar_add_folder(capture->tar, to);
    }
    for (guint i = 0; names != NULL && i < names->len; i++) {
        g_autofree char *name = g_strdup_printf("%s/%s", to, (char *)names->pdata[i]);

        dp_capture_text(capture, name, "");
    }
}

char *
dp_capture_place(const DpCapture *capture, const char *path)
{
    g_autofree char *target = dp_file_read_link(capture->root->fd, path);

    return target == NULL ? g_strdup(path) : dp_tar_resolve(path, target);
}

void
dp_capture_lines(const DpCapture *capture, const char *path)
{
    g_autofree char *text = dp_file_read(capture->root->fd, path, TEXT_MAX, NULL, NULL);

    if (text != NULL) {
        dp_capture_text(capture, path, text);
    }
}
