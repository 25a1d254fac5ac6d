/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "holders.h"

#include "base/file.h"
#include "base/text.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

/* More names than these help nobody. */
#define NAMES_MAX 8u

/* "/dev/nvme0n1" is meant by "/dev/nvme0n1p2" too, "/dev/vfio/1" not by "/dev/vfio/17". */
static bool
names_node(const char *target, const char *node)
{
    size_t len = strlen(node);
    bool ends_in_digit = len > 0 && g_ascii_isdigit(node[len - 1]);
    const char *rest = target + len;

    if (strncmp(target, node, len) != 0) {
        return false;
    }
    if (g_str_has_prefix(node, "/dev/vfio/")) {
        return rest[0] == '\0' || rest[0] == ' ';
    }
    return rest[0] == '\0' || rest[0] == ' ' ||
           (ends_in_digit ? rest[0] == 'p' : g_ascii_isdigit(rest[0]));
}

static bool
names_any(const char *target, const char *const *nodes)
{
    for (size_t i = 0; nodes[i] != NULL; i++) {
        if (names_node(target, nodes[i])) {
            return true;
        }
    }
    return false;
}

bool
dp_holders_still(DpRoot *root, const char *pid, const char *const *nodes)
{
    g_autofree char *folder = g_strdup_printf("proc/%s/fd", pid);
    g_autoptr(GPtrArray) fds = dp_file_list(root->fd, folder, NULL);
    dp_autofd int dir = fds == NULL ? -1 : dp_file_open(root->fd, folder, O_RDONLY | O_DIRECTORY);
    char target[PATH_MAX];

    for (guint i = 0; dir >= 0 && i < fds->len; i++) {
        ssize_t n = readlinkat(dir, fds->pdata[i], target, sizeof target - 1);

        if (n > 0) {
            target[n] = '\0';
            if (names_any(target, nodes)) {
                return true;
            }
        }
    }
    return false;
}

static char *
process_name(DpRoot *root, const char *pid)
{
    g_autofree char *path = g_strdup_printf("proc/%s/comm", pid);
    g_autofree char *comm = dp_file_read_line(root->fd, path, NULL);
    g_autofree char *shown = dp_text_visible(comm == NULL ? "a process" : comm, -1);

    return g_strdup_printf("%s (pid %s)", shown, pid);
}

static bool
is_number(const char *text)
{
    return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

GPtrArray *
dp_holders_pids(DpRoot *root, const char *const *nodes)
{
    g_autoptr(GPtrArray) processes = dp_file_list(root->fd, "proc", NULL);
    GPtrArray *pids = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; processes != NULL && i < processes->len; i++) {
        const char *pid = processes->pdata[i];

        if (is_number(pid) && dp_holders_still(root, pid, nodes)) {
            g_ptr_array_add(pids, g_strdup(pid));
        }
    }
    return pids;
}

char *
dp_holders_of(DpRoot *root, const char *const *nodes)
{
    g_autoptr(GPtrArray) pids = dp_holders_pids(root, nodes);
    g_autoptr(GString) found = g_string_new(NULL);

    for (guint i = 0; i < MIN(pids->len, NAMES_MAX); i++) {
        g_autofree char *name = process_name(root, pids->pdata[i]);

        g_string_append_printf(found, "%s%s", i == 0 ? "" : ", ", name);
    }
    if (pids->len > NAMES_MAX) {
        g_string_append_printf(found, " and %u more", pids->len - NAMES_MAX);
    }
    return pids->len == 0 ? NULL : g_string_free(g_steal_pointer(&found), false);
}

char *
dp_holders_group_node(DpRoot *root, const char *name)
{
    g_autofree char *path = g_strdup_printf("sys/bus/pci/devices/%s/iommu_group", name);
    g_autofree char *target = dp_file_read_link(root->fd, path);
    g_autofree char *group = target == NULL ? NULL : g_path_get_basename(target);

    return group == NULL ? NULL : g_strdup_printf("/dev/vfio/%s", group);
}

char *
dp_holders_of_group(DpRoot *root, const char *name)
{
    g_autofree char *node = dp_holders_group_node(root, name);
    const char *const nodes[] = {node, NULL};

    return node == NULL ? NULL : dp_holders_of(root, nodes);
}

char *
dp_holders_of_function(DpRoot *root, const DpFunction *fn)
{
    g_autoptr(GPtrArray) nodes = g_ptr_array_new_with_free_func(g_free);

    if (fn->iommu_group >= 0) {
        g_ptr_array_add(nodes, g_strdup_printf("/dev/vfio/%d", fn->iommu_group));
    }
    for (char **name = fn->host_names; name != NULL && *name != NULL; name++) {
        g_ptr_array_add(nodes, g_strdup_printf("/dev/%s", *name));
    }
    g_ptr_array_add(nodes, NULL);
    return dp_holders_of(root, (const char *const *)nodes->pdata);
}
