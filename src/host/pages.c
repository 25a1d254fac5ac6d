/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages larger than the smallest: what the administrator has reserved, and what the kernel makes by
 * itself. */
#include "base/file.h"
#include "scan.h"

#include <string.h>

/* x86 has these two (Documentation/admin-guide/mm/hugetlbpage.rst). */
static const unsigned sizes_kib[DP_N_HUGE] = {1048576, 2048};

static uint64_t
count_of(DpRoot *root, unsigned kib, const char *name)
{
    g_autofree char *path = g_strdup_printf(DP_HUGE_PAGES "/hugepages-%ukB/%s", kib, name);
    g_autofree char *text = dp_file_read_line(root->fd, path, NULL);
    int64_t count = 0;

    return text != NULL && dp_scan_number(text, 0, G_MAXINT32, &count) ? (uint64_t)count : 0;
}

/* Free ones that nobody has mapped yet: `free_hugepages` counts those that are promised too. */
static void
read_pool(DpRoot *root, unsigned kib, DpHugePool *pool)
{
    uint64_t free = count_of(root, kib, "free_hugepages");
    uint64_t promised = count_of(root, kib, "resv_hugepages");

    pool->page = (uint64_t)kib << 10;
    pool->free = free > promised ? (free - promised) * pool->page : 0;
}

/* "always [madvise] never": the engine asks for them, so only "never" keeps them away. */
static DpTri
read_transparent(DpRoot *root)
{
    g_autofree char *text = dp_file_read_line(root->fd, DP_TRANSPARENT, NULL);

    if (text == NULL) {
        return DP_TRI_UNKNOWN;
    }
    return strstr(text, "[never]") != NULL ? DP_TRI_NO : DP_TRI_YES;
}

void
dp_scan_pages(DpRoot *root, DpHost *host)
{
    DpPlatform *platform = &host->platform;

    for (size_t i = 0; i < DP_N_HUGE; i++) {
        read_pool(root, sizes_kib[i], &platform->huge[i]);
    }
    platform->transparent = read_transparent(root);
}
