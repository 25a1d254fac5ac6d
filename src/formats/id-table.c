/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "id-table.h"

#include "base/text.h"
#include "lines.h"

#include <string.h>

struct DpIdTable {
    const DpIdSpec *spec;
    GPtrArray *rows;   /* DpIdRow, owned: their addresses stay */
    GPtrArray *files;  /* names of files, owned */
    GHashTable *index; /* vendor<<16|device to the last row of these ids */
};

/* How often each kind of note was made for one file. */
typedef struct {
    unsigned wrong, overridden, swallowed;
} Counts;

static gpointer
index_key(uint16_t vendor, uint16_t device)
{
    return GUINT_TO_POINTER((guint)vendor << 16 | device);
}

DpIdTable *
dp_id_table_new(const DpIdSpec *spec)
{
    DpIdTable *table = g_new0(DpIdTable, 1);

    table->spec = spec;
    table->rows = g_ptr_array_new_with_free_func(g_free);
    table->files = g_ptr_array_new_with_free_func(g_free);
    table->index = g_hash_table_new(g_direct_hash, g_direct_equal);
    return table;
}

void
dp_id_table_free(DpIdTable *table)
{
    if (table == NULL) {
        return;
    }
    g_hash_table_unref(table->index);
    g_ptr_array_unref(table->rows);
    g_ptr_array_unref(table->files);
    g_free(table);
}

static bool
refuse(const DpIdTable *table,
       DpDiagList *diags,
       const char *name,
       const char *sentence,
       GError **error)
{
    g_autofree char *shown = dp_text_visible(name, -1);

    (void)dp_diags_add(diags, table->spec->unreadable, name, "%s", sentence);
    return dp_fail(error, DP_ERROR_PARSE, "%s: %s", shown, sentence);
}

/* Within one file; that the administrator's list overrides the shipped one is what it is for. */
static void
report_overridden(const DpIdTable *table, const DpIdRow *old, const DpIdRow *row, DpDiagList *diags)
{
    g_autofree char *subject = g_strdup_printf("%s:%u", row->file, row->line);

    (void)dp_diags_add(diags, table->spec->overridden, subject,
                       "%04x %04x on line %u overrides line %u", row->vendor, row->device,
                       row->line, old->line);
}

static void
report_mistake(const DpIdTable *table,
               const char *name,
               const DpLine *line,
               const DpIdMistake *mistake,
               DpDiagList *diags)
{
    g_autofree char *subject = g_strdup_printf("%s:%u", name, line->number);
    g_autofree char *shown = dp_text_visible_max(line->text, (gssize)line->len, 80);
    DpDiag *diag = dp_diags_add(diags, table->spec->not_read, subject,
                                "line %u (%s) is left out: %s", line->number, shown, mistake->what);

    if (mistake->remedy != NULL) {
        dp_diag_set_remedy(diag, "%s", mistake->remedy);
    }
}

static void
report_swallowed(const char *name, unsigned number, const char *entry, DpDiagList *diags)
{
    g_autofree char *subject = g_strdup_printf("%s:%u", name, number);
    DpDiag *diag =
        dp_diags_add(diags, DP_DIAG_ID_LINE_SWALLOWED, subject,
                     "the comment on line %u ends in what looks like an entry: %s", number, entry);

    dp_diag_set_remedy(diag, "if it is to count, put it on a line of its own: %s", entry);
}

/* Takes @row over. */
static void
add_row(DpIdTable *table, DpIdRow *row, DpDiagList *diags, Counts *counts)
{
    gpointer key = index_key(row->vendor, row->device);
    const DpIdRow *old = g_hash_table_lookup(table->index, key);

    if (old != NULL && old->n_file == row->n_file &&
        memcmp(old->words, row->words, sizeof old->words) != 0 &&
        dp_note_counts(&counts->overridden)) {
        report_overridden(table, old, row, diags);
    }
    row->position = table->rows->len;
    g_ptr_array_add(table->rows, row);
    g_hash_table_replace(table->index, key, row);
}

static void
add_line(DpIdTable *table, const char *name, const DpLine *line, DpDiagList *diags, Counts *counts)
{
    g_auto(DpIdMistake) mistake = {NULL, NULL, NULL};
    DpIdRow row = {0};

    if (dp_id_line_scan(table->spec, line->text, line->len, &row, &mistake)) {
        row.line = line->number;
        row.n_file = table->files->len;
        row.file = name;
        add_row(table, g_memdup2(&row, sizeof row), diags, counts);
    } else if (mistake.what != NULL && dp_note_counts(&counts->wrong)) {
        report_mistake(table, name, line, &mistake, diags);
    }
    if (mistake.swallow != NULL && dp_note_counts(&counts->swallowed)) {
        report_swallowed(name, line->number, mistake.swallow, diags);
    }
}

bool
dp_id_table_add(DpIdTable *table,
                const char *name,
                const char *bytes,
                size_t len,
                DpDiagList *diags,
                GError **error)
{
    Counts counts = {0, 0, 0};
    DpLines lines;
    DpLine line;
    char *kept;

    if (len > DP_ID_FILE_MAX_BYTES) {
        return refuse(table, diags, name, "the file is larger than 1 MiB", error);
    }
    if (len > 0 && memchr(bytes, '\0', len) != NULL) {
        return refuse(table, diags, name, "the file is not text: it holds NUL bytes", error);
    }
    if (dp_bytes_have_bom(bytes, len)) {
        bytes += DP_BOM_LEN;
        len -= DP_BOM_LEN;
    }
    kept = g_strdup(name);
    g_ptr_array_add(table->files, kept);
    lines = dp_lines_of(bytes, len);
    while (dp_lines_next(&lines, &line)) {
        add_line(table, kept, &line, diags, &counts);
    }
    if (counts.wrong > DP_NOTES_MAX) {
        (void)dp_diags_add(diags, table->spec->not_read, name, "%u more lines are left out",
                           counts.wrong - DP_NOTES_MAX);
    }
    return true;
}

const DpIdRow *
dp_id_table_lookup(const DpIdTable *table, uint16_t vendor, uint16_t device)
{
    const uint16_t ids[][2] = {
        {vendor, device}, {vendor, DP_ID_ANY}, {DP_ID_ANY, device}, {DP_ID_ANY, DP_ID_ANY}};

    for (size_t i = 0; i < G_N_ELEMENTS(ids); i++) {
        const DpIdRow *row = g_hash_table_lookup(table->index, index_key(ids[i][0], ids[i][1]));

        if (row != NULL) {
            return row;
        }
    }
    return NULL;
}

unsigned
dp_id_row_weight(uint16_t vendor, uint16_t device)
{
    return (vendor != DP_ID_ANY ? 2u : 0u) + (device != DP_ID_ANY ? 1u : 0u);
}

guint
dp_id_table_len(const DpIdTable *table)
{
    return table->rows->len;
}

const DpIdRow *
dp_id_table_row(const DpIdTable *table, guint position)
{
    return position < table->rows->len ? table->rows->pdata[position] : NULL;
}
