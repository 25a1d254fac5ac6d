/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "survey.h"

static const struct {
    const char *name, *title;
} columns[DP_SURVEY_N] = {
    [DP_SURVEY_IOMMU] = {"iommu", "IOMMU"}, [DP_SURVEY_GROUP] = {"group", "GROUP"},
    [DP_SURVEY_RESET] = {"reset", "RESET"}, [DP_SURVEY_HOST_NEED] = {"host_need", "NEED"},
    [DP_SURVEY_IRQ] = {"irq", "IRQ"},       [DP_SURVEY_MEMORY] = {"memory", "MEM"},
    [DP_SURVEY_STATE] = {"state", "STATE"},
};

/* Numbers of diagnostics, first to last; those of one rule stand together in the catalogue. A row
 * marked unknown says that the rule could not be judged. */
static const struct {
    int first, last;
    DpSurveyColumn column;
    bool unknown;
} rows[] = {
    {1101, 1105, DP_SURVEY_IOMMU, false},     {1106, 1106, DP_SURVEY_IOMMU, true},
    {1107, 1199, DP_SURVEY_IOMMU, false},     {1201, 1201, DP_SURVEY_STATE, false},
    {1202, 1202, DP_SURVEY_GROUP, false},     {1203, 1209, DP_SURVEY_HOST_NEED, false},
    {1210, 1211, DP_SURVEY_RESET, false},     {1212, 1212, DP_SURVEY_RESET, true},
    {1213, 1219, DP_SURVEY_RESET, false},     {1220, 1220, DP_SURVEY_STATE, false},
    {1221, 1221, DP_SURVEY_STATE, true},      {1222, 1222, DP_SURVEY_IRQ, false},
    {1223, 1225, DP_SURVEY_STATE, false},     {1230, 1239, DP_SURVEY_MEMORY, false},
    {1250, 1269, DP_SURVEY_HOST_NEED, false}, {1301, 1301, DP_SURVEY_HOST_NEED, false},
    {1302, 1303, DP_SURVEY_GROUP, false},     {1304, 1304, DP_SURVEY_RESET, false},
    {1320, 1321, DP_SURVEY_GROUP, false},     {1322, 1322, DP_SURVEY_RESET, false},
    {1323, 1329, DP_SURVEY_GROUP, false},     {1390, 1399, DP_SURVEY_STATE, false},
};

const char *
dp_survey_column_name(DpSurveyColumn column)
{
    return columns[column].name;
}

const char *
dp_survey_column_title(DpSurveyColumn column)
{
    return columns[column].title;
}

const char *
dp_survey_cell_name(DpSurveyCell cell)
{
    static const char *const names[] = {
        [DP_CELL_OK] = "ok", [DP_CELL_UNKNOWN] = "?", [DP_CELL_WARN] = "warn", [DP_CELL_NO] = "no"};

    return names[cell];
}

/* The row of @id, or -1. */
static int
find(int id)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (rows[i].first <= id && id <= rows[i].last) {
            return (int)i;
        }
    }
    return -1;
}

bool
dp_survey_column_of(int id, DpSurveyColumn *ret_column)
{
    int row = find(id);

    if (row >= 0) {
        *ret_column = rows[row].column;
    }
    return row >= 0;
}

/* Facts that a rule needs and that an ordinary user cannot read. */
static bool
is_hidden(const DpVerdict *verdict, DpSurveyColumn column)
{
    const DpCaps *caps = &verdict->fn->caps;

    switch (column) {
    case DP_SURVEY_RESET:
        return verdict->reset.uncertain && verdict->reset.method == DP_RESET_NONE;
    case DP_SURVEY_IRQ: /* a function without INTx shares no line, whatever else it has */
        return verdict->fn->irq_pin != 0 && caps->msi == DP_TRI_UNKNOWN &&
               caps->msix == DP_TRI_UNKNOWN;
    default:
        return false;
    }
}

static DpSurveyCell
cell_of(const DpDiag *diag, bool unknown)
{
    switch (diag->severity) {
    case DP_ERROR_SEVERITY:
        return DP_CELL_NO;
    case DP_WARNING:
        return DP_CELL_WARN;
    default:
        return unknown ? DP_CELL_UNKNOWN : DP_CELL_OK;
    }
}

DpSurveyCell
dp_survey_cell(const DpVerdict *verdict, const DpDiagList *diags, DpSurveyColumn column)
{
    DpSurveyCell worst = is_hidden(verdict, column) ? DP_CELL_UNKNOWN : DP_CELL_OK;

    for (guint i = 0; i < diags->len; i++) {
        const DpDiag *diag = diags->pdata[i];
        int row = find((int)diag->row->id);

        if (row >= 0 && rows[row].column == column) {
            worst = MAX(worst, cell_of(diag, rows[row].unknown));
        }
    }
    return worst;
}
