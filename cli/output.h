/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a person sees. Everything here is silent with --json. Strings pass dp_text_visible on the
 * way, so that no device, file or guest can play with the terminal.
 */
#pragma once

#include "cli.h"

typedef enum { DP_PLAIN, DP_BOLD, DP_GREEN, DP_YELLOW, DP_RED, DP_DIM } DpColour;

/* A line of our own words on standard output; foreign strings among the arguments must have passed
 * dp_text_visible. */
void dp_out(const DpCli *cli, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
/* A heading with an empty line before it, unless it is the first thing printed. */
void dp_out_heading(const DpCli *cli, const char *text);
/* "  label    value", the value made visible; NULL prints "unknown". */
void dp_out_field(const DpCli *cli, const char *label, const char *value);
void dp_out_fieldf(const DpCli *cli, const char *label, const char *fmt, ...) G_GNUC_PRINTF(3, 4);

/* @text, already visible, in lines that fit cli->width, each behind as many spaces as @label is
 * long; the first behind @label. */
void dp_out_wrapped(const DpCli *cli, const char *label, const char *text);

/* A table that fits cli->width columns: columns marked as flexible are cut, the last of them first.
 */
typedef struct DpTable DpTable;

typedef struct {
    const char *title;
    int min; /* 0: never cut; else it may be cut down to this many columns */
} DpColumn;

/* @columns must outlive the table. */
DpTable *dp_table_new(const DpColumn *columns, size_t n);
void dp_table_free(DpTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpTable, dp_table_free)
/* Cells are added in the order of the columns; NULL is shown as "-". */
void dp_table_cell(DpTable *table, const char *text, DpColour colour);
void dp_table_cellf(DpTable *table, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
/* Text below the row that was just completed, in lines of its own. */
void dp_table_note(DpTable *table, const char *text);
bool dp_table_is_empty(const DpTable *table);
/* Prints it, or @empty if it has no row. */
void dp_table_print(const DpCli *cli, const DpTable *table, const char *empty);

/* Prints cli->diags on standard error: "error[DP1203] SUBJECT: message" with cause and remedy. */
void dp_out_diags(const DpCli *cli);

/* json_pack that never gives NULL: what could not be packed is {"unpacked": why}, which no schema
 * has.
 */
json_t *dp_json_pack(const char *format, ...);
/* A string of JSON: @text as it is if it is UTF-8, else made visible; null for NULL. */
json_t *dp_json_text(const char *text);
/* An array of the strings of a NULL-terminated list (may be NULL: empty). */
json_t *dp_json_strv(char *const *list);

/* Says on standard error that @what is still going on, from one second on, until ended. Silent with
 * --quiet and --json. */
typedef struct DpProgress DpProgress;
DpProgress *dp_progress_begin(const DpCli *cli, const char *what);
void dp_progress_end(DpProgress *progress);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpProgress, dp_progress_end)
