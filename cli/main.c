/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/text.h"
#include "hostarg.h"
#include "output.h"
#include "verbs.h"

#include <fcntl.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

/* The first option that was given and does not belong to @verb, or NULL. */
static const char *
strange_option(const DpOptions *options, const DpVerb *verb)
{
    unsigned strange = options->given & ~(verb->options | DP_OPT_COMMON);
    size_t n;
    const DpOptRow *rows = dp_opt_rows(&n);

    for (size_t i = 0; i < n; i++) {
        if ((strange & (unsigned)rows[i].bit) != 0) {
            return rows[i].name;
        }
    }
    return NULL;
}

static bool
check_usage(const DpCli *cli, GError **error)
{
    const DpVerb *verb = cli->verb;
    int n = (int)dp_cli_n_args(cli);
    const char *strange = strange_option(cli->options, verb);

    if (strange != NULL) {
        return dp_fail(error, DP_ERROR_USAGE, "'%s' does not take %s", verb->words, strange);
    }
    if (n < verb->min_args) {
        return dp_fail(error, DP_ERROR_USAGE, "'%s' needs its argument: %s", verb->words,
                       verb->args);
    }
    if (verb->max_args >= 0 && n > verb->max_args) {
        g_autofree char *extra = dp_text_visible(dp_cli_arg(cli, (guint)verb->max_args), -1);

        return dp_fail(error, DP_ERROR_USAGE, "'%s' does not take '%s': it takes %s", verb->words,
                       extra, verb->args[0] != '\0' ? verb->args : "no argument");
    }
    return true;
}

static bool
check_needs(DpCli *cli, GError **error)
{
    const DpVerb *verb = cli->verb;
    bool live = strcmp(cli->options->root, "/") == 0;

    if (dp_options_have(cli->options, DP_OPT_DRY_RUN) ||
        ((verb->needs & DP_VERB_YES) != 0 && !dp_options_have(cli->options, DP_OPT_YES))) {
        return true;
    }
    if ((verb->needs & DP_VERB_LIVE) != 0 && !live) {
        dp_diags_add(cli->diags, DP_DIAG_LIVE_ONLY, "directpath",
                     "'%s' acts on the running machine and refuses --root", verb->words);
        return dp_fail(error, DP_ERROR_REFUSED, "refused");
    }
    if ((verb->needs & DP_VERB_ROOT) != 0 && live && geteuid() != 0) {
        dp_diags_add(cli->diags, DP_DIAG_NOT_ROOT, "directpath", "'%s' needs root", verb->words);
        return dp_fail(error, DP_ERROR_REFUSED, "refused");
    }
    return true;
}

/* --help and --version, wherever they stand; true if that was all that was asked. */
static bool
answer_common(DpCli *cli, GError **error)
{
    if (dp_options_have(cli->options, DP_OPT_VERSION)) {
        dp_out(cli, "directpath %s", DP_VERSION);
        json_object_set_new(cli->doc, "version", json_string(DP_VERSION));
        return true;
    }
    if (dp_options_have(cli->options, DP_OPT_HELP)) {
        g_ptr_array_insert(cli->options->words, 0, g_strdup("help"));
        g_ptr_array_set_size(cli->options->words, (gint)MIN(cli->options->words->len, 6u));
        cli->verb = dp_verb_find(cli->options->words, &(guint){0}, error);
        (void)dp_cmd_help(cli, error);
        return true;
    }
    return false;
}

static bool
run(DpCli *cli, GError **error)
{
    guint used;

    if (cli->options->words->len == 0) {
        return dp_fail(error, DP_ERROR_USAGE, "which command? 'directpath help' lists them");
    }
    cli->verb = dp_verb_find(cli->options->words, &used, error);
    if (cli->verb == NULL) {
        return false;
    }
    return check_usage(cli, error) && check_needs(cli, error) && dp_cli_open_host(cli, error) &&
           cli->verb->run(cli, error);
}

/* A descriptor that was closed by the caller must not become a file that output is written into. */
static void
hold_standard_descriptors(void)
{
    for (int fd = 0; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0) {
            _exit(DP_EXIT_FAILED);
        }
    }
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DpCli) cli = NULL;

    hold_standard_descriptors();
    (void)setlocale(LC_CTYPE, "");
    cli = dp_cli_new(dp_options_parse(argc, argv, &error));
    if (error == NULL && !answer_common(cli, &error)) {
        (void)run(cli, &error);
    }
    return (int)dp_cli_finish(cli, error);
}
