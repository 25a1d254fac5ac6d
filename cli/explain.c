/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/text.h"
#include "output.h"
#include "verbs.h"

#include <stdio.h>

/* The headings of the text, in their order; the title stands in the line above them. */
static const struct {
    const char *heading;
    size_t field; /* of DpDiagRow, a const char * */
} headings[] = {
    {"  what:            ", offsetof(DpDiagRow, cause)},
    {"  why:             ", offsetof(DpDiagRow, why)},
    {"  how it is seen:  ", offsetof(DpDiagRow, seen)},
    {"  what to do:      ", offsetof(DpDiagRow, remedy)},
    {"  where from:      ", offsetof(DpDiagRow, source)},
};

static json_t *
row_json(const DpDiagRow *row)
{
    g_autofree char *id = g_strdup_printf("DP%d", (int)row->id);
    g_autofree char *text = g_strdup_printf("%s %s %s", row->why, row->seen, row->source);

    return dp_json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "id", id, "name",
                        row->name, "severity", dp_severity_name(row->severity), "title", row->title,
                        "cause", row->cause, "remedy", row->remedy, "why", row->why, "seen",
                        row->seen, "source", row->source, "text", text);
}

static void
explain_row(DpCli *cli, json_t *list, const DpDiagRow *row)
{
    g_autofree char *head =
        g_strdup_printf("DP%d  %s: ", (int)row->id, dp_severity_name(row->severity));

    dp_out_wrapped(cli, head, row->title);
    for (size_t i = 0; i < G_N_ELEMENTS(headings); i++) {
        dp_out_wrapped(cli, headings[i].heading,
                       G_STRUCT_MEMBER(const char *, row, headings[i].field));
    }
    json_array_append_new(list, row_json(row));
}

static void
explain_all(DpCli *cli, json_t *list)
{
    size_t n;
    const DpDiagRow *rows = dp_diag_rows(&n);

    for (size_t i = 0; i < n; i++) {
        if (i > 0) {
            dp_out(cli, "%s", "");
        }
        explain_row(cli, list, &rows[i]);
    }
}

bool
dp_cmd_explain(DpCli *cli, GError **error)
{
    bool all = dp_options_have(cli->options, DP_OPT_ALL);
    const char *text = dp_cli_arg(cli, 0);
    json_t *list = json_array();
    int id;

    json_object_set_new(cli->doc, "explanations", list);
    if (all != (text == NULL)) {
        return dp_fail(error, DP_ERROR_USAGE, "explain takes one id, or --all");
    }
    if (all) {
        explain_all(cli, list);
        return true;
    }
    if (!dp_options_parse_id(text, &id)) {
        g_autofree char *shown = dp_text_visible(text, -1);

        return dp_fail(error, DP_ERROR_USAGE, "'%s' is not an id like DP1203", shown);
    }
    if (dp_diag_row(id) == NULL) {
        return dp_fail(error, DP_ERROR_NOT_FOUND, "there is no diagnostic DP%d", id);
    }
    explain_row(cli, list, dp_diag_row(id));
    return true;
}
