/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options.h"
#include "verbs.h"

#include <string.h>

static DpOptions *
parse(const char *line, GError **error)
{
    g_auto(GStrv) argv = g_strsplit(line, " ", -1);

    return dp_options_parse((int)g_strv_length(argv), argv, error);
}

static void
test_defaults(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DpOptions) options = parse("directpath device list", &error);

    g_assert_no_error(error);
    g_assert_cmpstr(options->root, ==, "/");
    g_assert_cmpstr(options->accel, ==, "kvm");
    g_assert_cmpint(options->timeout_s, ==, -1);
    g_assert_cmpuint(options->given, ==, 0);
    g_assert_cmpuint(options->words->len, ==, 2);
    g_assert_cmpstr(options->words->pdata[1], ==, "list");
}

static void
test_anywhere(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DpOptions) options =
        parse("directpath --root /a device --json enable 03:00.0 --override DP1203 --override=9002 "
              "--timeout 7 --with-unit --root=/b",
              &error);

    g_assert_no_error(error);
    g_assert_cmpstr(options->root, ==, "/b");
    g_assert_cmpint(options->timeout_s, ==, 7);
    g_assert_true(dp_options_have(options, DP_OPT_JSON));
    g_assert_true(dp_options_have(options, DP_OPT_WITH_UNIT));
    g_assert_false(dp_options_have(options, DP_OPT_DRY_RUN));
    g_assert_cmpuint(options->words->len, ==, 3);
    g_assert_cmpstr(options->words->pdata[2], ==, "03:00.0");
}

static void
test_words_only(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DpOptions) options = parse("directpath vm log -- --json", &error);

    g_assert_no_error(error);
    g_assert_false(dp_options_have(options, DP_OPT_JSON));
    g_assert_cmpstr(options->words->pdata[2], ==, "--json");
}

/* Each is a mistake, and the sentence says which. */
static const struct {
    const char *line, *says;
} mistakes[] = {
    {"directpath --bogus", "no option '--bogus'"},
    {"directpath --roo /", "no option '--roo'"},
    {"directpath -x", "no option '-x'"},
    {"directpath --root", "--root needs its argument"},
    {"directpath --root=", "--root: nothing is named"},
    {"directpath --host=", "--host: nothing is named"},
    {"directpath --root / --host /", "--root and --host exclude each other"},
    {"directpath --json=1", "--json takes no argument"},
    {"directpath --accel xen", "neither kvm nor tcg"},
    {"directpath --timeout -1", "not 0 to"},
    {"directpath --timeout 99999999999999999999", "not 0 to"},
    {"directpath --timeout 5x", "not 0 to"},
    {"directpath --order 0", "--order: '0' is not 1 to 9999"},
    {"directpath --override DP1", "no diagnostic 'DP1'"},
    {"directpath --override", "--override needs its argument"},
    {"directpath --quiet --verbose", "exclude each other"},
    {"directpath -d 03:00.0 esxcli", "no option '-d'"},
    {"directpath device list -d 03:00.0", "no option '-d'"},
    {"directpath device -e true", "no option '-e'"},
    {"directpath esxcli --list", "no option '--list'"},
    {"directpath vsish -d x", "no option '-d'"},
    {"directpath esxcli -d", "--device-id needs its argument"},
    {"directpath esxcli -e 1", "neither true nor false"},
    {"directpath esxcli -a=1", "--apply-now takes no argument"},
};

static void
test_mistakes(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(mistakes); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(DpOptions) options = parse(mistakes[i].line, &error);

        g_assert_error(error, DP_ERROR, DP_ERROR_USAGE);
        g_assert_nonnull(options);
        g_assert_nonnull(g_strstr_len(error->message, -1, mistakes[i].says));
    }
}

/* Other programs' options, each behind its program's word only. */
static void
test_foreign(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DpOptions) set = parse("directpath esxcli x -d 03:00.0 -e TRUE -a", &error);
    g_autoptr(DpOptions) longer =
        parse("directpath esxcli x --device-id=04:00.0 --enable=true --enable false", &error);
    g_autoptr(DpOptions) module = parse("directpath esxcfg-module -l", &error);
    g_autoptr(DpOptions) vsish = parse("directpath vsish -e cat /system/systemUuid", &error);

    g_assert_no_error(error);
    g_assert_cmpstr(set->device_id, ==, "03:00.0");
    g_assert_true(set->enable);
    g_assert_true(dp_options_have(set, DP_OPT_APPLY_NOW));
    g_assert_cmpuint(set->words->len, ==, 2);
    g_assert_cmpstr(longer->device_id, ==, "04:00.0");
    g_assert_false(longer->enable);
    g_assert_true(dp_options_have(longer, DP_OPT_ENABLE));
    g_assert_false(dp_options_have(longer, DP_OPT_APPLY_NOW));
    g_assert_true(dp_options_have(module, DP_OPT_LIST));
    g_assert_cmpuint(vsish->words->len, ==, 4);
    g_assert_cmpuint(vsish->given, ==, 0);
}

static void
test_mistake_before_json(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DpOptions) options = parse("directpath --bogus --json", &error);

    g_assert_error(error, DP_ERROR, DP_ERROR_USAGE);
    g_assert_true(dp_options_have(options, DP_OPT_JSON));
}

static void
test_ids(void)
{
    int id = 0;

    g_assert_true(dp_options_parse_id("DP1203", &id));
    g_assert_cmpint(id, ==, 1203);
    g_assert_true(dp_options_parse_id("dp9001", &id));
    g_assert_true(dp_options_parse_id("9002", &id));
    g_assert_cmpint(id, ==, 9002);
    g_assert_false(dp_options_parse_id("", &id));
    g_assert_false(dp_options_parse_id("DP", &id));
    g_assert_false(dp_options_parse_id("DP12x", &id));
    g_assert_false(dp_options_parse_id("DP-5", &id));
    g_assert_false(dp_options_parse_id("99999999999", &id));
}

/* The table of verbs holds what help, man page and completion rely on. */
static void
test_verbs(void)
{
    size_t n;
    const DpVerb *verbs = dp_verbs(&n);

    for (size_t i = 0; i < n; i++) {
        g_auto(GStrv) lines = g_strsplit(verbs[i].help, "\n", -1);

        g_assert_true(g_str_has_prefix(verbs[i].example, "directpath "));
        g_assert_nonnull(strstr(verbs[i].example, verbs[i].words));
        g_assert_true(g_str_has_suffix(verbs[i].help, "\n"));
        g_assert_cmpuint(strlen(verbs[i].words) + strlen(verbs[i].args), <=, 48);
        g_assert_cmpuint(verbs[i].options & DP_OPT_COMMON, ==, 0);
        g_assert_nonnull(verbs[i].run);
        for (size_t k = 0; lines[k] != NULL; k++) {
            g_assert_cmpuint(strlen(lines[k]), <=, 80);
        }
    }
}

static void
test_find(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    guint used = 0;

    g_ptr_array_add(words, (gpointer) "explain");
    g_ptr_array_add(words, (gpointer) "DP9001");
    g_assert_cmpstr(dp_verb_find(words, &used, &error)->words, ==, "explain");
    g_assert_cmpuint(used, ==, 1);

    g_ptr_array_set_size(words, 0);
    g_ptr_array_add(words, (gpointer) "host");
    g_ptr_array_add(words, (gpointer) "frobnicate");
    g_assert_null(dp_verb_find(words, &used, &error));
    g_assert_error(error, DP_ERROR, DP_ERROR_USAGE);
    g_assert_nonnull(strstr(error->message, "there is no command 'host frobnicate'"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/options/defaults", test_defaults);
    g_test_add_func("/options/anywhere", test_anywhere);
    g_test_add_func("/options/words-only", test_words_only);
    g_test_add_func("/options/mistakes", test_mistakes);
    g_test_add_func("/options/foreign", test_foreign);
    g_test_add_func("/options/mistake-before-json", test_mistake_before_json);
    g_test_add_func("/options/ids", test_ids);
    g_test_add_func("/verbs/table", test_verbs);
    g_test_add_func("/verbs/find", test_find);
    return g_test_run();
}
