/* SPDX-License-Identifier: GPL-2.0-or-later */
/* host check's table: every function that could be passed through against every rule. */
#include "policy/survey.h"
#include "document.h"
#include "output.h"

#include "base/text.h"

/* Of a table: the address, a column a rule, the ids. */
#define N_COLUMNS (DP_SURVEY_N + 2)

static DpColour
cell_colour(DpSurveyCell cell)
{
    static const DpColour colours[] = {[DP_CELL_OK] = DP_PLAIN,
                                       [DP_CELL_UNKNOWN] = DP_DIM,
                                       [DP_CELL_WARN] = DP_YELLOW,
                                       [DP_CELL_NO] = DP_RED};

    return colours[cell];
}

/* True if an earlier one has the same id: one function may be in the way for another twice. */
static bool
is_repeated(const DpDiagList *diags, guint index)
{
    for (guint i = 0; i < index; i++) {
        if (((const DpDiag *)diags->pdata[i])->row == ((const DpDiag *)diags->pdata[index])->row) {
            return true;
        }
    }
    return false;
}

/* The ids that speak in @column, each once. */
static json_t *
ids_json(const DpDiagList *diags, DpSurveyColumn column)
{
    json_t *ids = json_array();

    for (guint i = 0; i < diags->len; i++) {
        const DpDiag *diag = diags->pdata[i];
        DpSurveyColumn speaks;

        if (dp_survey_column_of((int)diag->row->id, &speaks) && speaks == column &&
            !is_repeated(diags, i)) {
            g_autofree char *id = g_strdup_printf("DP%d", (int)diag->row->id);

            json_array_append_new(ids, json_string(id));
        }
    }
    return ids;
}

static json_t *
row_json(const DpVerdict *verdict, const DpDiagList *diags)
{
    json_t *cells = json_object();

    for (DpSurveyColumn column = 0; column < DP_SURVEY_N; column++) {
        DpSurveyCell cell = dp_survey_cell(verdict, diags, column);

        json_object_set_new(cells, dp_survey_column_name(column),
                            dp_json_pack("{s:s, s:o}", "verdict", dp_survey_cell_name(cell), "ids",
                                         ids_json(diags, column)));
    }
    return dp_json_pack("{s:s, s:o}", "address", verdict->fn->name, "cells", cells);
}

/* True if @diag is why a cell is not "ok". */
static bool
explains(const DpVerdict *verdict, const DpDiagList *diags, const DpDiag *diag)
{
    DpSurveyColumn column;

    return dp_survey_column_of((int)diag->row->id, &column) &&
           (diag->severity != DP_NOTE || dp_survey_cell(verdict, diags, column) == DP_CELL_UNKNOWN);
}

/* "1203 1205": what to look up in @legend, a set of DpDiagRow that grows. */
static char *
reasons(GHashTable *legend, const DpVerdict *verdict, const DpDiagList *diags)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < diags->len; i++) {
        const DpDiag *diag = diags->pdata[i];

        if (explains(verdict, diags, diag) && !is_repeated(diags, i)) {
            g_string_append_printf(text, "%s%d", text->len > 0 ? " " : "", (int)diag->row->id);
            g_hash_table_add(legend, (gpointer)diag->row);
        }
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void
add_row(GHashTable *legend, DpTable *table, const DpVerdict *verdict, const DpDiagList *diags)
{
    g_autofree char *why = reasons(legend, verdict, diags);

    dp_table_cell(table, verdict->fn->name, DP_PLAIN);
    for (DpSurveyColumn column = 0; column < DP_SURVEY_N; column++) {
        DpSurveyCell cell = dp_survey_cell(verdict, diags, column);

        dp_table_cell(table, dp_survey_cell_name(cell), cell_colour(cell));
    }
    dp_table_cell(table, why[0] != '\0' ? why : NULL, DP_PLAIN);
}

static void
print_legend(const DpCli *cli, GHashTable *legend)
{
    size_t n;
    const DpDiagRow *rows = dp_diag_rows(&n);

    if (dp_options_have(cli->options, DP_OPT_QUIET)) {
        return;
    }
    dp_out(cli, "\n  ok: no objection   warn: possible, with care   no: refused   ?: not known");
    for (size_t i = 0; i < n; i++) {
        DpSurveyColumn column;

        if (g_hash_table_contains(legend, &rows[i]) &&
            dp_survey_column_of((int)rows[i].id, &column)) {
            g_autofree char *label =
                g_strdup_printf("  DP%d  %-5s  ", (int)rows[i].id, dp_survey_column_title(column));

            dp_out_wrapped(cli, label, rows[i].title);
        }
    }
    if (g_hash_table_size(legend) > 0) {
        dp_out(cli, "  'directpath explain DPnnnn' tells more, 'device show ADDR' the evidence.");
    }
}

void
dp_survey_show(DpCli *cli, const DpContext *context)
{
    g_autoptr(GHashTable) legend = g_hash_table_new(NULL, NULL);
    DpColumn columns[N_COLUMNS] = {{"ADDRESS", 0}};
    g_autoptr(DpTable) table = NULL;
    json_t *array = json_array();

    for (DpSurveyColumn column = 0; column < DP_SURVEY_N; column++) {
        columns[column + 1] = (DpColumn){dp_survey_column_title(column), 0};
    }
    columns[DP_SURVEY_N + 1] = (DpColumn){"WHY (DP)", 8};
    table = dp_table_new(columns, N_COLUMNS);
    for (guint i = 0; i < context->policy->verdicts->len; i++) {
        const DpVerdict *verdict = context->policy->verdicts->pdata[i];
        DpState state;
        g_autoptr(DpDiagList) diags = dp_device_diags(context, verdict, &state);

        if (verdict->assignable) {
            add_row(legend, table, verdict, diags);
            json_array_append_new(array, row_json(verdict, diags));
        }
    }
    json_object_set_new(cli->doc, "survey", array);
    dp_out_heading(cli, "Every function that could be passed through, rule by rule");
    dp_table_print(cli, table, "  There is none.");
    print_legend(cli, legend);
}
