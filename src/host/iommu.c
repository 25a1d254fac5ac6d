/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/file.h"
#include "base/text.h"
#include "scan.h"

#include <errno.h>
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

/* What the kernel reserves in the addresses of a group's devices. Everyone may read it; kernels
 * before 4.11 have no such file. */
static void
read_regions(DpRoot *root, DpHost *host, int group, const GPtrArray *names)
{
    g_autofree char *path = g_strdup_printf(GROUPS "/%d/reserved_regions", group);
    g_autofree char *text = dp_file_read_line(root->fd, path, NULL);
    g_autoptr(GArray) regions = text == NULL ? NULL : parse_regions(host, path, text);

    for (guint i = 0; regions != NULL && i < names->len; i++) {
        DpFunction *fn = dp_host_find_name(host, names->pdata[i]);

        if (fn != NULL && fn->iommu_group == group && fn->group_reserved == NULL) {
            fn->group_reserved = g_array_ref(regions);
        }
    }
}

static void
read_group(DpRoot *root, DpHost *host, int group)
{
    g_autofree char *path = g_strdup_printf(GROUPS "/%d/devices", group);
    int err = 0;
    g_autoptr(GPtrArray) names = dp_file_list(root->fd, path, &err);

    if (names == NULL) {
        dp_diags_add(host->diags, DP_DIAG_HOST_FILE_UNREADABLE, "host", "cannot read %s: %s", path,
                     g_strerror(err));
    }
    for (guint i = 0; names != NULL && i < names->len; i++) {
        join(host, group, names->pdata[i]);
    }
    if (names != NULL && names->len > 0) {
        read_regions(root, host, group, names);
    }
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

void
dp_scan_groups(DpRoot *root, DpHost *host)
{
    g_autoptr(GPtrArray) names = dp_file_list(root->fd, GROUPS, NULL);

    for (guint i = 0; names != NULL && i < names->len; i++) {
        int64_t group;

        if (dp_scan_number(names->pdata[i], 0, INT32_MAX, &group)) {
            int id = (int)group;

            g_array_append_val(host->group_ids, id);
            read_group(root, host, id);
        }
    }
    if (host->group_ids->len == 0) {
        add_linked_groups(host);
    }
    g_array_sort(host->group_ids, compare_ints);
}
