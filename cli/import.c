/* SPDX-License-Identifier: GPL-2.0-or-later */
/* import esx-conf: what an ESX host's esx.conf means here, shown first and stored when asked. */
#include "assign/import.h"

#include "base/text.h"
#include "document.h"
#include "namedfile.h"
#include "output.h"
#include "verbs.h"

static DpColour
result_colour(DpImportResult result)
{
    static const DpColour colours[] = {
        [DP_IMPORT_ACCEPTED] = DP_GREEN,
        [DP_IMPORT_STORED] = DP_PLAIN,
        [DP_IMPORT_REFUSED] = DP_RED,
        [DP_IMPORT_ABSENT] = DP_YELLOW,
    };

    return colours[result];
}

/* esx.conf knows no ids: whoever imports has to see what is at the address here. */
static char *
device_text(DpContext *context, const DpImportEntry *entry)
{
    g_autofree char *name = NULL;
    unsigned n = entry->functions->len;

    if (entry->fn == NULL) {
        return NULL;
    }
    name = dp_names_function(dp_context_names(context), entry->fn);
    if (!entry->fn->is_bridge) {
        return g_strdup(name);
    }
    return g_strdup_printf("bridge, %u function%s behind it", n, n == 1 ? "" : "s");
}

static void
report_refused(DpCli *cli, const DpImportEntry *entry, const char *device)
{
    const DpDiag *first = entry->reasons->pdata[0];
    g_autofree char *shown = dp_text_visible(device, -1);
    DpDiag *diag = dp_diags_add(cli->diags, DP_DIAG_IMPORT_REFUSED, entry->name,
                                "%s is not taken over; here it is %s: DP%d, %s", entry->name, shown,
                                (int)first->row->id, first->message);

    dp_diag_set_cause(diag, "%s", first->cause);
    dp_diag_set_remedy(diag, "%s", first->remedy);
}

static json_t *
functions_json(const DpImportEntry *entry)
{
    json_t *array = json_array();

    for (guint i = 0; i < entry->functions->len; i++) {
        const DpFunction *fn = entry->functions->pdata[i];

        json_array_append_new(array, json_string(fn->name));
    }
    return array;
}

static void
show_entry(
    DpCli *cli, DpContext *context, const DpImportEntry *entry, DpTable *table, json_t *array)
{
    g_autofree char *device = device_text(context, entry);
    char esx[DP_ADDR_LEN];

    (void)dp_addr_format_esx(&entry->addr, esx);
    dp_table_cell(table, esx, DP_PLAIN);
    dp_table_cell(table, entry->name, DP_PLAIN);
    dp_table_cell(table, dp_import_result_name(entry->result), result_colour(entry->result));
    dp_table_cell(table, device, DP_PLAIN);
    if (entry->result == DP_IMPORT_REFUSED) {
        report_refused(cli, entry, device);
    } else if (entry->result == DP_IMPORT_ABSENT) {
        dp_diags_add(cli->diags, DP_DIAG_IMPORT_ABSENT, entry->name,
                     "the file gives %s away, and this host has no function there", entry->name);
    }
    json_array_append_new(
        array, dp_json_pack("{s:s, s:s, s:s, s:b, s:o, s:o, s:o}", "address", entry->name,
                            "esx_address", esx, "result", dp_import_result_name(entry->result),
                            "bridge", (int)(entry->fn != NULL && entry->fn->is_bridge), "functions",
                            functions_json(entry), "name", dp_json_text(device), "diagnostics",
                            dp_diags_to_json(entry->reasons)));
}

static json_t *
names_json(const DpImport *import)
{
    json_t *array = json_array();
    char name[DP_ADDR_LEN];

    for (guint i = 0; i < import->names->len; i++) {
        const DpImportName *one = &g_array_index(import->names, DpImportName, i);

        json_array_append_new(
            array, dp_json_pack("{s:s, s:o, s:b}", "address", dp_addr_format(&one->addr, name),
                                "vmkname", dp_json_text(one->vmkname), "taken", (int)one->taken));
    }
    return array;
}

static json_t *
lines_json(const DpEsxconf *from)
{
    DpEsxconfCount count = dp_esxconf_count(from);

    return dp_json_pack("{s:i, s:i, s:i, s:i}", "total", (int)count.lines, "owners",
                        (int)count.owners, "vmknames", (int)count.names, "others",
                        (int)count.others);
}

static void
show_system_id(DpCli *cli, const DpImport *import)
{
    bool taken = dp_import_takes_uuid(import);

    if (import->uuid != NULL && import->own != NULL &&
        !dp_system_uuid_equal(import->uuid, import->own)) {
        g_autofree char *uuid = dp_text_visible(import->uuid, -1);
        DpDiag *diag = dp_diags_add(cli->diags, DP_DIAG_IMPORT_SYSTEM_ID, "/system/uuid",
                                    taken ? "this host's systemId %s is replaced by the file's, %s"
                                          : "this host keeps its systemId %s; the file's is %s",
                                    import->own, uuid);

        if (taken) {
            dp_diag_set_remedy(diag, "run 'directpath vm relocate' on each VMX that names %s",
                               import->own);
        }
    }
    json_object_set_new(cli->doc, "system_id",
                        dp_json_pack("{s:o, s:o, s:b}", "file", dp_json_text(import->uuid), "here",
                                     dp_json_text(import->own), "taken", (int)taken));
}

static void
show(DpCli *cli, DpContext *context, const DpImport *import, const DpEsxconf *from)
{
    static const DpColumn columns[] = {
        {"ESX", 0}, {"ADDRESS", 0}, {"RESULT", 0}, {"DEVICE HERE", 12}};
    g_autoptr(DpTable) table = dp_table_new(columns, G_N_ELEMENTS(columns));
    DpEsxconfCount count = dp_esxconf_count(from);
    json_t *entries = json_array();

    for (guint i = 0; i < import->entries->len; i++) {
        show_entry(cli, context, import->entries->pdata[i], table, entries);
    }
    dp_table_print(cli, table, "The file gives no device away.");
    if (!dp_options_have(cli->options, DP_OPT_QUIET)) {
        dp_out(cli, "Lines of the file: %u owners, %u names, %u others, which are left aside.",
               count.owners, count.names, count.others);
    }
    json_object_set_new(cli->doc, "entries", entries);
    json_object_set_new(cli->doc, "names", names_json(import));
    json_object_set_new(cli->doc, "lines", lines_json(from));
    show_system_id(cli, import);
}

static void
say(const DpCli *cli, const DpContext *context, const DpOutcome *outcome, bool yes)
{
    if (!yes) {
        dp_out_heading(cli, "With --yes this would be done");
        dp_out_steps(cli, outcome->steps);
    } else if (!outcome->changed) {
        dp_out(cli, "Nothing was changed: there is nothing to be taken over.");
    } else {
        dp_out(cli, "%s",
               context->root->live ? "Stored, and carried out."
                                   : "Stored; carried out when that host boots.");
    }
}

static bool
carry_out(DpCli *cli, DpContext *context, const DpEsxconf *from, GError **error)
{
    bool yes = dp_options_have(cli->options, DP_OPT_YES), stored = false, ok;
    g_autoptr(DpOutcome) outcome = dp_outcome_new();
    g_autoptr(DpImport) import = NULL;
    DpChange change = dp_context_change(context, cli);

    change.dry_run = !yes;
    import = dp_import_new(&change, from);
    show(cli, context, import, from);
    ok = dp_assign_import(&change, import, outcome, &stored, error);
    dp_report_outcome(cli, outcome);
    json_object_set_new(cli->doc, "changed", json_boolean(yes && (outcome->changed || stored)));
    json_object_set_new(cli->doc, "dry_run", json_boolean(!yes));
    if (ok) {
        say(cli, context, outcome, yes);
    } else if (stored) {
        cli->exit = DP_EXIT_PARTLY; /* systemId and names are stored, owners are not */
    }
    return ok;
}

bool
dp_cmd_import_esxconf(DpCli *cli, GError **error)
{
    const char *path = dp_cli_arg(cli, 0);
    g_autofree char *shown = dp_text_visible(path, -1);
    size_t len = 0;
    g_autofree char *bytes = dp_named_file_read(path, DP_ESXCONF_MAX_BYTES + 1, &len, error);
    g_autoptr(DpEsxconf) from = NULL;
    g_autoptr(DpContext) context = NULL;

    from = bytes != NULL ? dp_esxconf_parse(shown, bytes, len, cli->diags, error) : NULL;
    if (from == NULL) {
        return false;
    }
    context =
        dp_context_new(cli, dp_options_have(cli->options, DP_OPT_YES) ? DP_CHANGE : DP_LOOK, error);
    return context != NULL && carry_out(cli, context, from, error);
}
