/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/each.h"
#include "base/file.h"
#include "base/text.h"
#include "scan.h"

#include <fcntl.h>
#include <string.h>

#define GROUPS "sys/kernel/iommu_groups"

/* Regions of one group that are kept: far more than any firmware reserves. */
#define REGIONS_MAX 64u

/* The group's own list and the function's link are two sides of one fact. */
static void
join(DpHost *host, int group, const char *name)
{
    DpFunction *fn = dp_host_find_name(host, name);

    if (fn == NULL) { /* platform devices have groups too */
        return;
    }
    if (fn->iommu_group < 0) {
        fn->iommu_group = group;
    } else if (fn->iommu_group != group) {
        dp_diags_add(fn->diags, DP_DIAG_GROUP_CONFLICT, fn->name,
                     "%s: its link says IOMMU group %d, and group %d lists it", fn->name,
                     fn->iommu_group, group);
    }
}

/* The direct ones of a table of some lines; at most REGIONS_MAX. */
static GArray *
parse_regions(DpHost *host, const char *path, const char *text)
{
    GArray *regions = g_array_new(false, false, sizeof(DpReserved));

    for (const char *line = text; line != NULL && *line != '\0' && regions->len < REGIONS_MAX;) {
        const char *end = strchr(line, '\n');
        DpReserved region;
        bool direct;

        if (!dp_parse_region(line, &region, &direct)) {
            dp_diags_add(host->diags, DP_DIAG_HOST_FILE_STRANGE, "host", "%s holds '%.*s'", path,
                         end == NULL ? (int)strnlen(line, 64) : (int)MIN(end - line, 64), line);
            break;
        }
        if (direct) {
            g_array_append_val(regions, region);
        }
        line = end == NULL ? NULL : end + 1;
    }
    return regions;
}

/* What lies in one group's folder. */
typedef struct {
    int group;
    GPtrArray *names; /* NULL: unreadable */
    int err;
    char *regions; /* NULL: kernels before 4.11 have no such file */
} Folder;

typedef struct {
    int groups_fd;
    GArray *folders;
} Pass;

static void
read_folder(size_t i, void *data)
{
    const Pass *pass = data;
    Folder *folder = &g_array_index(pass->folders, Folder, i);
    g_autofree char *devices = g_strdup_printf("%d/devices", folder->group);
    g_autofree char *regions = g_strdup_printf("%d/reserved_regions", folder->group);

    folder->names = dp_file_list(pass->groups_fd, devices, &folder->err);
    if (folder->names != NULL && folder->names->len > 0) {
        folder->regions = dp_file_read_line(pass->groups_fd, regions, NULL);
    }
}

/* What the kernel reserves in the addresses of a group's devices. */
static void
take_regions(DpHost *host, const Folder *folder)
{
    g_autofree char *path = g_strdup_printf(GROUPS "/%d/reserved_regions", folder->group);
    g_autoptr(GArray) regions =
        folder->regions == NULL ? NULL : parse_regions(host, path, folder->regions);

    for (guint i = 0; regions != NULL && i < folder->names->len; i++) {
        DpFunction *fn = dp_host_find_name(host, folder->names->pdata[i]);

        if (fn != NULL && fn->iommu_group == folder->group && fn->group_reserved == NULL) {
            fn->group_reserved = g_array_ref(regions);
        }
    }
}

static void
take_folder(DpHost *host, const Folder *folder)
{
    g_array_append_val(host->group_ids, folder->group);
    if (folder->names == NULL) {
        dp_diags_add(host->diags, DP_DIAG_HOST_FILE_UNREADABLE, "host",
                     "cannot read " GROUPS "/%d/devices: %s", folder->group,
                     g_strerror(folder->err));
    }
    for (guint i = 0; folder->names != NULL && i < folder->names->len; i++) {
        join(host, folder->group, folder->names->pdata[i]);
    }
    take_regions(host, folder);
}

static void
folder_clear(gpointer data)
{
    Folder *folder = data;

    g_clear_pointer(&folder->names, g_ptr_array_unref);
    g_free(folder->regions);
}

static int
compare_ints(gconstpointer a, gconstpointer b)
{
    int x = *(const int *)a, y = *(const int *)b;

    return (x > y) - (x < y);
}

static void
add_group(DpHost *host, int group)
{
    for (guint i = 0; i < host->group_ids->len; i++) {
        if (g_array_index(host->group_ids, int, i) == group) {
            return;
        }
    }
    g_array_append_val(host->group_ids, group);
}

/* A captured tree may have the functions' links only. */
static void
add_linked_groups(DpHost *host)
{
    for (guint i = 0; i < host->functions->len; i++) {
        const DpFunction *fn = host->functions->pdata[i];

        if (fn->iommu_group >= 0) {
            add_group(host, fn->iommu_group);
        }
    }
}

static GArray *
folders_new(int groups_fd)
{
    g_autoptr(GPtrArray) names = dp_file_list(groups_fd, ".", NULL);
    GArray *folders = g_array_new(false, false, sizeof(Folder));

    g_array_set_clear_func(folders, folder_clear);
    for (guint i = 0; names != NULL && i < names->len; i++) {
        int64_t group;

        if (dp_scan_number(names->pdata[i], 0, INT32_MAX, &group)) {
            Folder folder = {.group = (int)group};

            g_array_append_val(folders, folder);
        }
    }
    return folders;
}

void
dp_scan_groups(DpRoot *root, DpHost *host)
{
    dp_autofd int groups_fd = dp_file_open(root->fd, GROUPS, O_RDONLY | O_DIRECTORY);
    g_autoptr(GArray) folders = folders_new(groups_fd);
    Pass pass = {groups_fd, folders};

    dp_each(folders->len, read_folder, &pass);
    for (guint i = 0; i < folders->len; i++) {
        take_folder(host, &g_array_index(folders, Folder, i));
    }
    if (host->group_ids->len == 0) {
        add_linked_groups(host);
    }
    g_array_sort(host->group_ids, compare_ints);
}
