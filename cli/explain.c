/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/text.h"
#include "output.h"
#include "verbs.h"

#include <stdio.h>

static json_t *
row_json(const DpDiagRow *row)
{
    g_autofree char *id = g_strdup_printf("DP%d", (int)row->id);

    return dp_json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "id", id, "name", row->name,
                        "severity", dp_severity_name(row->severity), "title", row->title, "cause",
                        row->cause, "remedy", row->remedy, "text", row->text);
}

static void
explain_row(DpCli *cli, json_t *list, const DpDiagRow *row)
{
    g_autofree char *head =
        g_strdup_printf("DP%d  %s: ", (int)row->id, dp_severity_name(row->severity));

    dp_out_wrapped(cli, head, row->title);
    dp_out_wrapped(cli, "  cause:  ", row->cause);
    dp_out_wrapped(cli, "  remedy: ", row->remedy);
    if (row->text[0] != '\0') {
        dp_out_wrapped(cli, "  ", row->text);
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
