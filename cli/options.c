/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options.h"

#include "base/diag.h"
#include "base/text.h"

#include <string.h>

/* Longest shut-down that makes sense to wait for: a day. */
#define TIMEOUT_MAX_S 86400
/* Longest time that a change may wait for its confirmation: DP_CONFIRM_MAX_S of assign/. */
#define CONFIRM_MAX_S 3600
/* DP_ORDER_MAX of vm/. */
#define ORDER_MAX 9999

static const DpOptRow rows[] = {
    {"--root", "DIR", DP_OPT_ROOT, "look at the captured host in DIR instead of this machine"},
    {"--json", NULL, DP_OPT_JSON, "one JSON document on standard output"},
    {"--quiet", NULL, DP_OPT_QUIET, "no notes, no progress"},
    {"--verbose", NULL, DP_OPT_VERBOSE, "say more: each step, each evidence"},
    {"--help", NULL, DP_OPT_HELP, "teach the command"},
    {"--version", NULL, DP_OPT_VERSION, "print the version"},
    {"--all", NULL, DP_OPT_ALL, "everything; of VMs: all of them"},
    {"--dry-run", NULL, DP_OPT_DRY_RUN, "print what would be done, change nothing"},
    {"--with-unit", NULL, DP_OPT_WITH_UNIT, "take the other functions of the unit along"},
    {"--override", "DPnnnn", DP_OPT_OVERRIDE, "do it in spite of this diagnostic (repeatable)"},
    {"--confirm-within", "S", DP_OPT_CONFIRM, "take it back unless 'device confirm' follows"},
    {"--early", NULL, DP_OPT_EARLY, "claim only what no driver has yet"},
    {"--release", NULL, DP_OPT_RELEASE, "give all back for now; what is stored stays"},
    {"--power-cycled", NULL, DP_OPT_POWER_CYCLED, "the host was without power since"},
    {"--yes", NULL, DP_OPT_YES, "do what is shown without it"},
    {"--take-system-id", NULL, DP_OPT_TAKE_SYSTEM_ID, "the file's systemId replaces this host's"},
    {"--accel", "kvm|tcg", DP_OPT_ACCEL, "how the guest's CPU runs (kvm unless said)"},
    {"--host", "CAPTURE", DP_OPT_HOST, "another host: what 'host capture' wrote there"},
    {"--format", "libvirt", DP_OPT_FORMAT, "whose words to write it in"},
    {"--timeout", "S", DP_OPT_TIMEOUT, "seconds to wait for the guest (120 unless said)"},
    {"--order", "N", DP_OPT_ORDER, "its place among those that start with the host"},
    {"--device-id", "ADDR", DP_OPT_DEVICE_ID, "the function", "esxcli", "-d"},
    {"--enable", "true|false", DP_OPT_ENABLE, "passthru or not", "esxcli", "-e"},
    {"--apply-now", NULL, DP_OPT_APPLY_NOW, "do not wait for the next boot", "esxcli", "-a"},
    {"--list", NULL, DP_OPT_LIST, "list the modules", "esxcfg-module", "-l"},
};

const DpOptRow *
dp_opt_rows(size_t *ret_n)
{
    *ret_n = G_N_ELEMENTS(rows);
    return rows;
}

static bool
is_spelt(const char *option, const char *text, size_t len)
{
    return option != NULL && strlen(option) == len && strncmp(option, text, len) == 0;
}

/* @family: the first word so far, or NULL. */
static const DpOptRow *
find_row(const char *family, const char *text, size_t len)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (rows[i].family != NULL && g_strcmp0(rows[i].family, family) != 0) {
            continue;
        }
        if (is_spelt(rows[i].name, text, len) || is_spelt(rows[i].alias, text, len)) {
            return &rows[i];
        }
    }
    return NULL;
}

static const char *
family_of(const DpOptions *options)
{
    return options->words->len > 0 ? options->words->pdata[0] : NULL;
}

/* `vsish -e cat PATH`: what looks like an option there is a part of the command's words. */
static bool
is_word(const DpOptions *options, const char *text)
{
    return text[0] != '-' || text[1] == '\0' ||
           (strcmp(text, "-e") == 0 && g_strcmp0(family_of(options), "vsish") == 0);
}

bool
dp_options_parse_id(const char *text, int *ret_id)
{
    guint64 id;

    if (g_ascii_strncasecmp(text, "DP", 2) == 0) {
        text += 2;
    }
    if (!g_ascii_string_to_unsigned(text, 10, 1, 99999, &id, NULL)) {
        return false;
    }
    *ret_id = (int)id;
    return true;
}

static bool
take_override(DpOptions *options, const char *value, GError **error)
{
    int id = 0;

    if (!dp_options_parse_id(value, &id) || dp_diag_row(id) == NULL) {
        g_autofree char *shown = dp_text_visible(value, -1);

        return dp_fail(error, DP_ERROR_USAGE, "--override: there is no diagnostic '%s'", shown);
    }
    g_array_append_val(options->overrides, id);
    return true;
}

/* @unit stands behind the range in the message: " seconds", or nothing. */
static bool
take_number(const DpOptRow *row,
            const char *value,
            guint min,
            guint max,
            const char *unit,
            int *ret_number,
            GError **error)
{
    g_autofree char *shown = dp_text_visible(value, -1);
    guint64 number = 0;

    if (!g_ascii_string_to_unsigned(value, 10, min, max, &number, NULL)) {
        return dp_fail(error, DP_ERROR_USAGE, "%s: '%s' is not %u to %u%s", row->name, shown, min,
                       max, unit);
    }
    *ret_number = (int)number;
    return true;
}

static bool
take_value(DpOptions *options, const DpOptRow *row, const char *value, GError **error)
{
    g_autofree char *shown = dp_text_visible(value, -1);

    switch (row->bit) {
    case DP_OPT_ROOT:
    case DP_OPT_HOST:
        g_free(options->root);
        options->root = g_strdup(value);
        return value[0] != '\0' ||
               dp_fail(error, DP_ERROR_USAGE, "%s: nothing is named", row->name);
    case DP_OPT_OVERRIDE:
        return take_override(options, value, error);
    case DP_OPT_FORMAT:
        g_free(options->format);
        options->format = g_strdup(value);
        return strcmp(value, "libvirt") == 0 ||
               dp_fail(error, DP_ERROR_USAGE, "--format: '%s' is not libvirt", shown);
    case DP_OPT_ACCEL:
        g_free(options->accel);
        options->accel = g_strdup(value);
        return strcmp(value, "kvm") == 0 || strcmp(value, "tcg") == 0 ||
               dp_fail(error, DP_ERROR_USAGE, "--accel: '%s' is neither kvm nor tcg", shown);
    case DP_OPT_TIMEOUT:
        return take_number(row, value, 0, TIMEOUT_MAX_S, " seconds", &options->timeout_s, error);
    case DP_OPT_ORDER:
        return take_number(row, value, 1, ORDER_MAX, "", &options->order, error);
    case DP_OPT_CONFIRM:
        return take_number(row, value, 1, CONFIRM_MAX_S, " seconds", &options->confirm_within_s,
                           error);
    case DP_OPT_DEVICE_ID:
        g_free(options->device_id);
        options->device_id = g_strdup(value);
        return true;
    case DP_OPT_ENABLE:
        options->enable = g_ascii_strcasecmp(value, "true") == 0;
        return options->enable || g_ascii_strcasecmp(value, "false") == 0 ||
               dp_fail(error, DP_ERROR_USAGE, "--enable: '%s' is neither true nor false", shown);
    default:
        g_return_val_if_reached(false);
    }
}

/* Takes the option at argv[*at], and the argument behind it if it needs one. */
static bool
take_option(DpOptions *options, int argc, char **argv, int *at, GError **error)
{
    const char *text = strcmp(argv[*at], "-h") == 0 ? "--help" : argv[*at];
    const char *equals = strchr(text, '=');
    const DpOptRow *row =
        find_row(family_of(options), text, equals != NULL ? (size_t)(equals - text) : strlen(text));
    g_autofree char *shown = dp_text_visible(text, -1);

    if (row == NULL) {
        return dp_fail(error, DP_ERROR_USAGE, "there is no option '%s'", shown);
    }
    options->given |= (unsigned)row->bit;
    if (row->arg == NULL) {
        return equals == NULL || dp_fail(error, DP_ERROR_USAGE, "%s takes no argument", row->name);
    }
    if (equals != NULL) {
        return take_value(options, row, equals + 1, error);
    }
    if (*at + 1 >= argc) {
        return dp_fail(error, DP_ERROR_USAGE, "%s needs its argument: %s", row->name, row->arg);
    }
    *at += 1;
    return take_value(options, row, argv[*at], error);
}

/* True if --json stands anywhere: a mistake before it is to be told in JSON as well. */
static bool
asks_for_json(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            return true;
        }
    }
    return false;
}

DpOptions *
dp_options_parse(int argc, char **argv, GError **error)
{
    DpOptions *options = g_new0(DpOptions, 1);
    bool only_words = false;

    options->root = g_strdup("/");
    options->accel = g_strdup("kvm");
    options->timeout_s = -1;
    options->overrides = g_array_new(false, false, sizeof(int));
    options->words = g_ptr_array_new_with_free_func(g_free);
    options->given = asks_for_json(argc, argv) ? DP_OPT_JSON : 0;

    for (int i = 1; i < argc; i++) {
        if (only_words || is_word(options, argv[i])) {
            g_ptr_array_add(options->words, g_strdup(argv[i]));
        } else if (strcmp(argv[i], "--") == 0) {
            only_words = true;
        } else if (!take_option(options, argc, argv, &i, error)) {
            return options;
        }
    }
    if (dp_options_have(options, DP_OPT_ROOT) && dp_options_have(options, DP_OPT_HOST)) {
        (void)dp_fail(error, DP_ERROR_USAGE, "--root and --host exclude each other");
    } else if (dp_options_have(options, DP_OPT_QUIET) && dp_options_have(options, DP_OPT_VERBOSE)) {
        (void)dp_fail(error, DP_ERROR_USAGE, "--quiet and --verbose exclude each other");
    }
    return options;
}

void
dp_options_free(DpOptions *options)
{
    if (options == NULL) {
        return;
    }
    g_free(options->root);
    g_free(options->accel);
    g_free(options->format);
    g_free(options->device_id);
    g_array_unref(options->overrides);
    g_ptr_array_unref(options->words);
    g_free(options);
}
