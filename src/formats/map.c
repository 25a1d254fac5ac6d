/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "map.h"

#include "base/text.h"
#include "lines.h"
#include "map-line.h"

#include <string.h>

#define ANY 0xffffu

/* An entry and the file that it is from. */
typedef struct {
    DpMapEntry entry;
    unsigned file;
} Row;

struct DpMap {
    GPtrArray *rows;   /* Row, owned: their addresses stay */
    GHashTable *index; /* vendor<<16|device to the last Row of these ids */
    unsigned n_files;
};

static gpointer
index_key(uint16_t vendor, uint16_t device)
{
    return GUINT_TO_POINTER((guint)vendor << 16 | device);
}

DpMap *
dp_map_new(void)
{
    DpMap *map = g_new0(DpMap, 1);

    map->rows = g_ptr_array_new_with_free_func(g_free);
    map->index = g_hash_table_new(g_direct_hash, g_direct_equal);
    return map;
}

void
dp_map_free(DpMap *map)
{
    if (map == NULL) {
        return;
    }
    g_hash_table_unref(map->index);
    g_ptr_array_unref(map->rows);
    g_free(map);
}

static bool
refuse(DpDiagList *diags, const char *name, const char *sentence, GError **error)
{
    g_autofree char *shown = dp_text_visible(name, -1);

    (void)dp_diags_add(diags, DP_DIAG_MAP_UNREADABLE, name, "%s", sentence);
    return dp_fail(error, DP_ERROR_PARSE, "%s: %s", shown, sentence);
}

/* Within one file; that the administrator's map overrides the shipped one is what it is for. */
static void
report_overridden(const char *name, const Row *old, const Row *row, DpDiagList *diags)
{
    g_autofree char *subject = g_strdup_printf("%s:%u", name, row->entry.line);

    (void)dp_diags_add(diags, DP_DIAG_MAP_ENTRY_OVERRIDDEN, subject,
                       "%04x %04x on line %u overrides line %u", row->entry.vendor,
                       row->entry.device, row->entry.line, old->entry.line);
}

static void
report_mistake(const char *name,
               unsigned number,
               const DpLine *line,
               const DpMapMistake *mistake,
               DpDiagList *diags)
{
    g_autofree char *subject = g_strdup_printf("%s:%u", name, number);
    g_autofree char *shown = dp_text_visible_max(line->text, (gssize)line->len, 80);
    DpDiag *diag = dp_diags_add(diags, DP_DIAG_MAP_LINE_NOT_READ, subject,
                                "line %u (%s) is left out: %s", number, shown, mistake->what);

    if (mistake->remedy != NULL) {
        dp_diag_set_remedy(diag, "%s", mistake->remedy);
    }
}

/* Takes @row over; @count of the notes about overridden lines. */
static void
add_row(DpMap *map, const char *name, Row *row, DpDiagList *diags, unsigned *count)
{
    gpointer key = index_key(row->entry.vendor, row->entry.device);
    const Row *old = g_hash_table_lookup(map->index, key);

    if (old != NULL && old->file == row->file &&
        (old->entry.method != row->entry.method || old->entry.shareable != row->entry.shareable) &&
        dp_note_counts(count)) {
        report_overridden(name, old, row, diags);
    }
    g_ptr_array_add(map->rows, row);
    g_hash_table_replace(map->index, key, row);
}

bool
dp_map_add(
    DpMap *map, const char *name, const char *bytes, size_t len, DpDiagList *diags, GError **error)
{
    unsigned wrong = 0, overridden = 0;
    DpLines lines;
    DpLine line;

    if (len > DP_MAP_MAX_BYTES) {
        return refuse(diags, name, "the file is larger than 1 MiB", error);
    }
    if (len > 0 && memchr(bytes, '\0', len) != NULL) {
        return refuse(diags, name, "the file is not text: it holds NUL bytes", error);
    }
    if (dp_bytes_have_bom(bytes, len)) {
        bytes += DP_BOM_LEN;
        len -= DP_BOM_LEN;
    }
    map->n_files++;
    lines = dp_lines_of(bytes, len);
    while (dp_lines_next(&lines, &line)) {
        g_auto(DpMapMistake) mistake = {NULL, NULL};
        Row row = {.file = map->n_files};

        if (dp_map_line_scan(line.text, line.len, &row.entry, &mistake)) {
            row.entry.line = line.number;
            add_row(map, name, g_memdup2(&row, sizeof(row)), diags, &overridden);
        } else if (mistake.what != NULL && dp_note_counts(&wrong)) {
            report_mistake(name, line.number, &line, &mistake, diags);
        }
    }
    if (wrong > DP_NOTES_MAX) {
        (void)dp_diags_add(diags, DP_DIAG_MAP_LINE_NOT_READ, name, "%u more lines are left out",
                           wrong - DP_NOTES_MAX);
    }
    return true;
}

const DpMapEntry *
dp_map_lookup(const DpMap *map, uint16_t vendor, uint16_t device)
{
    const uint16_t ids[][2] = {{vendor, device}, {vendor, ANY}, {ANY, device}, {ANY, ANY}};

    for (size_t i = 0; i < G_N_ELEMENTS(ids); i++) {
        const Row *row = g_hash_table_lookup(map->index, index_key(ids[i][0], ids[i][1]));

        if (row != NULL) {
            return &row->entry;
        }
    }
    return NULL;
}
