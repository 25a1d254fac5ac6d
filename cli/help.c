/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "output.h"
#include "verbs.h"

#include <string.h>

static void
help_options(DpCli *cli, unsigned which)
{
    size_t n;
    const DpOptRow *rows = dp_opt_rows(&n);

    for (size_t i = 0; i < n; i++) {
        if ((which & (unsigned)rows[i].bit) != 0) {
            g_autofree char *text =
                g_strdup_printf("%s%s%s %s", rows[i].alias != NULL ? rows[i].alias : "",
                                rows[i].alias != NULL ? ", " : "", rows[i].name,
                                rows[i].arg != NULL ? rows[i].arg : "");

            dp_out(cli, "  %-20s %s", text, rows[i].help);
        }
    }
}

static json_t *
options_json(unsigned which)
{
    json_t *array = json_array();
    size_t n;
    const DpOptRow *rows = dp_opt_rows(&n);

    for (size_t i = 0; i < n; i++) {
        if ((which & (unsigned)rows[i].bit) != 0) {
            json_array_append_new(array,
                                  dp_json_pack("{s:s, s:s?, s:s}", "name", rows[i].name, "argument",
                                               rows[i].arg, "summary", rows[i].help));
        }
    }
    return array;
}

static json_t *
verb_json(const DpVerb *verb)
{
    return dp_json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "command", verb->words, "arguments",
                        verb->args, "summary", verb->summary, "help", verb->help, "example",
                        verb->example, "options", options_json(verb->options));
}

/* The document is the same for one verb and for many: a list of commands, and the options of all.
 */
static void
set_doc(DpCli *cli, json_t *commands)
{
    json_object_set_new(cli->doc, "commands", commands);
    json_object_set_new(cli->doc, "common_options", options_json(DP_OPT_COMMON));
}

void
dp_help_verb(DpCli *cli, const DpVerb *verb)
{
    dp_out(cli, "directpath %s%s%s%s", verb->words, verb->args[0] != '\0' ? " " : "", verb->args,
           verb->options != 0 ? " [OPTION...]" : "");
    dp_out(cli, "%s\n\n%s", verb->summary, verb->help);
    if (verb->options != 0) {
        dp_out(cli, "Options:");
        help_options(cli, verb->options);
    }
    dp_out(cli, "Common options:");
    help_options(cli, DP_OPT_COMMON);
    dp_out(cli, "\nExample:\n  %s\n", verb->example);
    dp_out(cli, "Exit status: 0 done, 1 the answer is no, 2 usage, 3 the system failed, 4 partly.");
    set_doc(cli, dp_json_pack("[o]", verb_json(verb)));
}

void
dp_help_list(DpCli *cli, const char *prefix)
{
    size_t n;
    const DpVerb *verbs = dp_verbs(&n);
    json_t *commands = json_array();

    dp_out(cli, "directpath [--root DIR] [--json] [--quiet|--verbose] COMMAND ...\n"
                "DirectPath I/O for Linux and KVM: guests use physical PCI functions directly.\n");
    for (size_t i = 0; i < n; i++) {
        if (prefix == NULL || g_str_has_prefix(verbs[i].words, prefix)) {
            g_autofree char *text = g_strdup_printf("%s %s", verbs[i].words, verbs[i].args);

            dp_out(cli, "  %-30s %s", text, verbs[i].summary);
            json_array_append_new(commands, verb_json(&verbs[i]));
        }
    }
    dp_out(cli, "\nCommon options:");
    help_options(cli, DP_OPT_COMMON);
    dp_out(cli, "\n'directpath COMMAND --help' teaches a command; the manual: directpath(1).");
    set_doc(cli, commands);
}

/* "help", "help device", "help device list": whatever stands behind the word help. */
bool
dp_cmd_help(DpCli *cli, GError **error)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    g_autoptr(GString) prefix = g_string_new(NULL);
    const DpVerb *verb;
    guint used;
    size_t n;
    const DpVerb *verbs = dp_verbs(&n);

    for (guint i = 0; i < dp_cli_n_args(cli); i++) {
        g_ptr_array_add(words, (gpointer)dp_cli_arg(cli, i));
        g_string_append_printf(prefix, "%s ", dp_cli_arg(cli, i));
    }
    if (words->len == 0) {
        dp_help_list(cli, NULL);
        return true;
    }
    for (size_t i = 0; i < n; i++) {
        if (g_str_has_prefix(verbs[i].words, prefix->str)) {
            dp_help_list(cli, prefix->str);
            return true;
        }
    }
    verb = dp_verb_find(words, &used, error);
    if (verb == NULL) {
        return false;
    }
    dp_help_verb(cli, verb);
    return true;
}
