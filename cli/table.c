/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/text.h"
#include "output.h"

#include <stdio.h>

typedef struct {
    char *text;
    DpColour colour;
} Cell;

struct DpTable {
    const DpColumn *columns;
    size_t n;
    GArray *cells;     /* Cell, row by row */
    GHashTable *notes; /* number of a row -> text below it */
};

static void
cell_clear(Cell *cell)
{
    g_free(cell->text);
}

DpTable *
dp_table_new(const DpColumn *columns, size_t n)
{
    DpTable *table = g_new0(DpTable, 1);

    table->columns = columns;
    table->n = n;
    table->cells = g_array_new(false, false, sizeof(Cell));
    g_array_set_clear_func(table->cells, (GDestroyNotify)cell_clear);
    table->notes = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    return table;
}

void
dp_table_free(DpTable *table)
{
    if (table == NULL) {
        return;
    }
    g_array_unref(table->cells);
    g_hash_table_unref(table->notes);
    g_free(table);
}

void
dp_table_cell(DpTable *table, const char *text, DpColour colour)
{
    Cell cell = {.text = dp_text_visible(text != NULL ? text : "-", -1), .colour = colour};

    g_array_append_val(table->cells, cell);
}

void
dp_table_cellf(DpTable *table, const char *fmt, ...)
{
    g_autofree char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    dp_table_cell(table, text, DP_PLAIN);
}

void
dp_table_note(DpTable *table, const char *text)
{
    gsize row = table->cells->len / table->n - 1;

    g_hash_table_insert(table->notes, GSIZE_TO_POINTER(row),
                        dp_text_visible_max(text, -1, DP_DIAG_TEXT_MAX));
}

bool
dp_table_is_empty(const DpTable *table)
{
    return table->cells->len == 0;
}

/* Columns of a terminal that @text takes. */
static int
columns_of(const char *text)
{
    int columns = 0;

    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);

        columns += g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;
    }
    return columns;
}

/* Prints @text in exactly @width columns, cut with "..." if it is longer; the last column of a
 * table is not padded. */
static void
print_cell(const char *text, int width, bool last)
{
    int room = columns_of(text) > width ? MAX(width - 3, 0) : width;
    int used = 0;
    const char *p = text;

    while (*p != '\0') {
        gunichar c = g_utf8_get_char(p);
        int step = g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;

        if (used + step > room) {
            break;
        }
        used += step;
        p = g_utf8_next_char(p);
    }
    (void)printf("%.*s", (int)(p - text), text);
    if (*p != '\0') {
        (void)fputs("...", stdout);
        used += 3;
    }
    if (!last) {
        (void)printf("%*s", MAX(width - used, 0) + 2, "");
    }
}

static int *
fit_columns(const DpCli *cli, const DpTable *table)
{
    int *widths = g_new0(int, table->n);
    int total = 2 * ((int)table->n - 1);

    for (size_t i = 0; i < table->n; i++) {
        widths[i] = columns_of(table->columns[i].title);
    }
    for (guint i = 0; i < table->cells->len; i++) {
        int *width = &widths[i % table->n];

        *width = MAX(*width, columns_of(g_array_index(table->cells, Cell, i).text));
    }
    for (size_t i = 0; i < table->n; i++) {
        total += widths[i];
    }
    for (size_t i = table->n; i > 0 && total > cli->width; i--) {
        int min = table->columns[i - 1].min;
        int cut = min == 0 ? 0 : MIN(widths[i - 1] - min, total - cli->width);

        widths[i - 1] -= MAX(cut, 0);
        total -= MAX(cut, 0);
    }
    return widths;
}

static const char *
colour_code(DpColour colour)
{
    static const char *const codes[] = {
        [DP_PLAIN] = "",          [DP_BOLD] = "\033[1m", [DP_GREEN] = "\033[32m",
        [DP_YELLOW] = "\033[33m", [DP_RED] = "\033[31m", [DP_DIM] = "\033[2m"};

    return codes[colour];
}

static void
print_coloured(const DpCli *cli, const char *text, DpColour colour, int width, bool last)
{
    bool use = cli->colour && colour != DP_PLAIN;

    (void)fputs(use ? colour_code(colour) : "", stdout);
    print_cell(text, width, last);
    (void)fputs(use ? "\033[0m" : "", stdout);
}

static void
end_row(const DpCli *cli, const DpTable *table, gsize row)
{
    const char *note = g_hash_table_lookup(table->notes, GSIZE_TO_POINTER(row));

    (void)fputc('\n', stdout);
    if (note != NULL) {
        dp_out_wrapped(cli, "        ", note);
    }
}

void
dp_table_print(const DpCli *cli, const DpTable *table, const char *empty)
{
    g_autofree int *widths = fit_columns(cli, table);

    if (dp_options_have(cli->options, DP_OPT_JSON)) {
        return;
    }
    if (dp_table_is_empty(table)) {
        (void)puts(empty);
        return;
    }
    for (size_t i = 0; i < table->n; i++) {
        bool last = i + 1 == table->n;

        print_coloured(cli, table->columns[i].title, DP_BOLD, widths[i], last);
    }
    (void)fputc('\n', stdout);
    for (guint i = 0; i < table->cells->len; i++) {
        const Cell *cell = &g_array_index(table->cells, Cell, i);
        bool last = (i + 1) % table->n == 0;

        print_coloured(cli, cell->text, cell->colour, widths[i % table->n], last);
        if (last) {
            end_row(cli, table, i / table->n);
        }
    }
}
