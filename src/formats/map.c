/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "map.h"

#include "id-table.h"

#include <string.h>

static const char *const methods[] = {
    [DP_MAP_DEFAULT] = "default", [DP_MAP_FLR] = "flr",       [DP_MAP_D3D0] = "d3d0",
    [DP_MAP_LINK] = "link",       [DP_MAP_BRIDGE] = "bridge",
};

/* "default" is the same as "true". */
static const char *const shareables[] = {"false", "true", "default"};

static const DpIdSpec spec = {
    .words = {{"method", "flr, d3d0, link, bridge or default", methods, G_N_ELEMENTS(methods), 0},
              {"shareable", "true, default or false", shareables, G_N_ELEMENTS(shareables), 2}},
    .n_words = 2,
    .example = "default default",
    .unreadable = DP_DIAG_MAP_UNREADABLE,
    .not_read = DP_DIAG_MAP_LINE_NOT_READ,
    .overridden = DP_DIAG_MAP_ENTRY_OVERRIDDEN,
};

struct DpMap {
    DpIdTable *table;
    GPtrArray *entries; /* DpMapEntry, owned, one for each row of the table */
};

const DpIdSpec *
dp_map_spec(void)
{
    return &spec;
}

const char *
dp_map_method_name(DpMapMethod method)
{
    return methods[method];
}

DpMap *
dp_map_new(void)
{
    DpMap *map = g_new0(DpMap, 1);

    map->table = dp_id_table_new(&spec);
    map->entries = g_ptr_array_new_with_free_func(g_free);
    return map;
}

void
dp_map_free(DpMap *map)
{
    if (map == NULL) {
        return;
    }
    g_ptr_array_unref(map->entries);
    dp_id_table_free(map->table);
    g_free(map);
}

static DpMapEntry *
entry_new(const DpIdRow *row)
{
    DpMapEntry entry = {
        .vendor = row->vendor,
        .device = row->device,
        .method = (DpMapMethod)row->words[0],
        .shareable = row->words[1] != 0,
        .line = row->line,
        .file = row->file,
    };

    return g_memdup2(&entry, sizeof entry);
}

bool
dp_map_add(
    DpMap *map, const char *name, const char *bytes, size_t len, DpDiagList *diags, GError **error)
{
    if (!dp_id_table_add(map->table, name, bytes, len, diags, error)) {
        return false;
    }
    while (map->entries->len < dp_id_table_len(map->table)) {
        g_ptr_array_add(map->entries, entry_new(dp_id_table_row(map->table, map->entries->len)));
    }
    return true;
}

const DpMapEntry *
dp_map_lookup(const DpMap *map, uint16_t vendor, uint16_t device)
{
    const DpIdRow *row = dp_id_table_lookup(map->table, vendor, device);

    return row != NULL ? map->entries->pdata[row->position] : NULL;
}

bool
dp_map_entry_fits(const DpMapEntry *entry, uint16_t vendor, uint16_t device)
{
    return (entry->vendor == DP_ID_ANY || entry->vendor == vendor) &&
           (entry->device == DP_ID_ANY || entry->device == device);
}

bool
dp_map_entry_is_shipped(const DpMapEntry *entry)
{
    return strcmp(entry->file, DP_MAP_SHIPPED) == 0;
}

guint
dp_map_len(const DpMap *map)
{
    return map->entries->len;
}

const DpMapEntry *
dp_map_entry(const DpMap *map, guint position)
{
    return position < map->entries->len ? map->entries->pdata[position] : NULL;
}
