/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verdicts as a table: one row a function, one column a rule. Which diagnostic speaks in which
 * column is a table by number, so that a new one needs a row there at most.
 */
#pragma once

#include "policy.h"

typedef enum {
    DP_SURVEY_IOMMU,     /* what the host as a whole lacks */
    DP_SURVEY_GROUP,     /* isolation */
    DP_SURVEY_RESET,     /* is there one, and whom does it hit */
    DP_SURVEY_HOST_NEED, /* what the host would lose */
    DP_SURVEY_IRQ,       /* interrupts */
    DP_SURVEY_MEMORY,    /* BARs, reserved memory */
    DP_SURVEY_STATE,     /* the device itself, and who has it */
    DP_SURVEY_N,
} DpSurveyColumn;

/* Graver ones are greater. */
typedef enum { DP_CELL_OK, DP_CELL_UNKNOWN, DP_CELL_WARN, DP_CELL_NO } DpSurveyCell;

/* "host_need" for programs, "NEED" for a table. */
const char *dp_survey_column_name(DpSurveyColumn column);
const char *dp_survey_column_title(DpSurveyColumn column);
/* "ok", "?", "warn", "no". */
const char *dp_survey_cell_name(DpSurveyCell cell);

/* The column in which diagnostic @id speaks; false if in none. */
bool dp_survey_column_of(int id, DpSurveyColumn *ret_column);

/* What @diags, all that is to be said about @verdict's function, come to in @column. Notes leave it
 * ok. */
DpSurveyCell
dp_survey_cell(const DpVerdict *verdict, const DpDiagList *diags, DpSurveyColumn column);
