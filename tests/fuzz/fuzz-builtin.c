/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A list of modules that are built into the kernel, of any bytes: its first line is the module that
 * is looked for. Against a second reading, by whole lines. */
#include "host/host.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_line_of(char *line, const char *module)
{
    char *slash = strrchr(line, '/');
    char *name = slash == NULL ? line : slash + 1;
    char *end = strstr(name, ".ko");

    if (end == NULL) {
        return false;
    }
    *end = '\0';
    return strcmp(g_strdelimit(name, "-", '_'), module) == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autofree char *module = g_strdup(lines[0] == NULL ? "" : lines[0]);
    const char *list = strchr(text, '\n');
    bool expected = false;

    list = list == NULL ? "" : list + 1;
    (void)g_strdelimit(module, "-", '_');
    for (guint i = 1; lines[0] != NULL && lines[i] != NULL; i++) {
        expected = is_line_of(lines[i], module) || expected;
    }
    g_assert_cmpint(dp_module_is_listed(list, module), ==, expected);
    return 0;
}
