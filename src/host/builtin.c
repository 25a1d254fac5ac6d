/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Drivers that are part of the kernel have their devices before anything else runs. */
#include "host.h"

#include "base/file.h"

#include <string.h>

/* Of both spellings of a module's name ("vfio-pci", "vfio_pci"). */
static bool
same_module(const char *a, size_t len, const char *b)
{
    for (size_t i = 0; i < len; i++) {
        char x = a[i] == '-' ? '_' : a[i], y = b[i] == '-' ? '_' : b[i];

        if (x != y || b[i] == '\0') {
            return false;
        }
    }
    return b[len] == '\0';
}

bool
dp_module_is_listed(const char *list, const char *module)
{
    for (const char *line = list; *line != '\0';) {
        size_t len = strcspn(line, "\n");
        const char *slash = g_strrstr_len(line, (gssize)len, "/");
        const char *name = slash == NULL ? line : slash + 1;
        const char *dot = g_strstr_len(name, (gssize)(line + len - name), ".ko");

        if (dot != NULL && same_module(name, (size_t)(dot - name), module)) {
            return true;
        }
        line += len + (line[len] == '\n');
    }
    return false;
}

DpTri
dp_host_is_builtin(DpRoot *root, const DpHost *host, const char *driver)
{
    g_autofree char *link = g_strdup_printf("sys/bus/pci/drivers/%s/module", driver);
    g_autofree char *target = dp_file_read_link(root->fd, link);
    g_autofree char *module = g_path_get_basename(target != NULL ? target : driver);
    g_autofree char *path = NULL;
    g_autofree char *list = NULL;

    if (host->platform.kernel == NULL) {
        return DP_TRI_UNKNOWN;
    }
    path = g_strdup_printf("lib/modules/%s/modules.builtin", host->platform.kernel);
    list = dp_file_read(root->fd, path, DP_FILE_MAX, NULL, NULL);
    if (list == NULL) {
        return DP_TRI_UNKNOWN;
    }
    return dp_module_is_listed(list, module) ? DP_TRI_YES : DP_TRI_NO;
}
