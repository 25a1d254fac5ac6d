/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli.h"

#include "base/each.h"
#include "host/untar.h"
#include "output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Tables fit this many columns, and more only where the terminal has them. */
#define WIDTH_MIN 80

static bool
wants_colour(int fd)
{
    const char *no_color = g_getenv("NO_COLOR");
    const char *term = g_getenv("TERM");

    return isatty(fd) && (no_color == NULL || no_color[0] == '\0') && g_strcmp0(term, "dumb") != 0;
}

static int
terminal_width(void)
{
    struct winsize size;

    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0) {
        return WIDTH_MIN;
    }
    return MAX((int)size.ws_col, WIDTH_MIN);
}

DpCli *
dp_cli_new(DpOptions *options)
{
    DpCli *cli = g_new0(DpCli, 1);

    cli->options = options;
    cli->doc = json_object();
    cli->diags = dp_diags_new();
    cli->colour = wants_colour(STDOUT_FILENO);
    cli->colour_err = wants_colour(STDERR_FILENO);
    cli->width = terminal_width();
    return cli;
}

void
dp_cli_free(DpCli *cli)
{
    if (cli == NULL) {
        return;
    }
    if (cli->unpacked != NULL) {
        dp_untar_remove(cli->unpacked);
        g_free(cli->unpacked);
    }
    dp_options_free(cli->options);
    json_decref(cli->doc);
    g_clear_pointer(&cli->rows, g_ptr_array_unref);
    g_ptr_array_unref(cli->diags);
    g_free(cli);
}

/* What an error code means for the exit status, and the row for an error that no diagnostic
 * explains. */
static const struct {
    DpError code;
    DpExit exit;
    DpDiagId id;
} ends[] = {
    {DP_ERROR_IO, DP_EXIT_FAILED, DP_DIAG_SYSTEM_FAILED},
    {DP_ERROR_NOT_FOUND, DP_EXIT_NO, DP_DIAG_NOT_FOUND},
    {DP_ERROR_BUSY, DP_EXIT_NO, DP_DIAG_BUSY},
    {DP_ERROR_TIMEOUT, DP_EXIT_FAILED, DP_DIAG_DEADLINE},
    {DP_ERROR_PARSE, DP_EXIT_NO, DP_DIAG_INPUT_MALFORMED},
    {DP_ERROR_REFUSED, DP_EXIT_NO, DP_DIAG_RULE_REFUSED},
    {DP_ERROR_USAGE, DP_EXIT_USAGE, DP_DIAG_USAGE},
};

/* The kernel's refusal is always told; a rule's only if no diagnostic has told it. */
static bool
already_told(const DpCli *cli, const GError *error)
{
    if (g_error_matches(error, DP_ERROR, DP_ERROR_IO) ||
        g_error_matches(error, DP_ERROR, DP_ERROR_TIMEOUT)) {
        return false;
    }
    return dp_diags_have_error(cli->diags);
}

static DpExit
report_error(DpCli *cli, const GError *error)
{
    size_t i = 0; /* a stranger's error counts as the system's */

    for (size_t k = 0; k < G_N_ELEMENTS(ends); k++) {
        i = g_error_matches(error, DP_ERROR, (gint)ends[k].code) ? k : i;
    }
    if (!already_told(cli, error)) {
        dp_diags_add(cli->diags, ends[i].id, "directpath", "%s", error->message);
    }
    return ends[i].exit;
}

/* ASCII only: a name from a device or a guest cannot play with the terminal here either. */
#define DUMP_FLAGS (JSON_INDENT(2) | JSON_ENSURE_ASCII)

typedef struct {
    char **texts;
    DpRowMake make;
    void *data;
} Rows;

static void
make_row(size_t i, void *data)
{
    const Rows *rows = data;
    json_t *row = rows->make(i, rows->data);

    rows->texts[i] = json_dumps(row, DUMP_FLAGS);
    json_decref(row);
}

void
dp_cli_set_rows(DpCli *cli, const char *key, size_t n, DpRowMake make, void *data)
{
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(free);
    Rows rows = {.make = make, .data = data};

    g_ptr_array_set_size(texts, (gint)n);
    rows.texts = (char **)texts->pdata;
    dp_each(n, make_row, &rows);
    json_object_set_new(cli->doc, key, json_null()); /* its place among the keys */
    cli->rows_key = key;
    g_clear_pointer(&cli->rows, g_ptr_array_unref);
    cli->rows = g_steal_pointer(&texts);
}

/* One element, as deep as the elements of an array in the document are. */
static void
print_row(const char *row)
{
    for (const char *end; (end = strchr(row, '\n')) != NULL; row = end + 1) {
        (void)fwrite(row, 1, (size_t)(end - row), stdout);
        (void)fputs("\n    ", stdout);
    }
    (void)fputs(row, stdout);
}

static void
print_rows(const GPtrArray *rows)
{
    for (guint i = 0; i < rows->len; i++) {
        (void)fputs(i == 0 ? "[\n    " : ",\n    ", stdout);
        print_row(rows->pdata[i]);
    }
    (void)fputs(rows->len == 0 ? "[]" : "\n  ]", stdout);
}

/* As one text: jansson writes each word on its own, which stdio makes slow. The rows come where
 * their key has null: no other line is indented like it. */
static bool
print_doc(DpCli *cli)
{
    char *text, *rest;

    json_object_set_new(cli->doc, "diagnostics", dp_diags_to_json(cli->diags));
    text = rest = json_dumps(cli->doc, DUMP_FLAGS);
    if (text == NULL) {
        return false;
    }
    if (cli->rows_key != NULL) {
        g_autofree char *line = g_strdup_printf("\n  \"%s\": null", cli->rows_key);
        char *end = strstr(text, line) + strlen(line);

        (void)fwrite(text, 1, (size_t)(end - strlen("null") - text), stdout);
        print_rows(cli->rows);
        rest = end;
    }
    (void)puts(rest);
    free(text);
    return true;
}

/* Says why the verb failed, if it did, and how it ends. */
static DpExit
settle(DpCli *cli, const GError *error)
{
    DpExit failed = error != NULL ? report_error(cli, error) : cli->exit;

    dp_diags_sort(cli->diags);
    return cli->exit == DP_EXIT_PARTLY ? cli->exit : failed;
}

json_t *
dp_cli_document(DpCli *cli, const GError *error)
{
    json_t *rows = json_array();

    (void)settle(cli, error);
    for (guint i = 0; cli->rows != NULL && i < cli->rows->len; i++) {
        json_array_append_new(rows, json_loads(cli->rows->pdata[i], 0, NULL));
    }
    if (cli->rows_key != NULL) {
        json_object_set(cli->doc, cli->rows_key, rows);
    }
    json_decref(rows);
    json_object_set_new(cli->doc, "diagnostics", dp_diags_to_json(cli->diags));
    return json_incref(cli->doc);
}

DpExit
dp_cli_finish(DpCli *cli, const GError *error)
{
    DpExit status = settle(cli, error);
    bool written = true;

    if (dp_options_have(cli->options, DP_OPT_JSON)) {
        written = print_doc(cli);
    } else {
        dp_out_diags(cli);
    }
    if (fflush(stdout) != 0 || ferror(stdout) || !written) {
        (void)fprintf(stderr, "directpath: the output could not be written\n");
        return DP_EXIT_FAILED;
    }
    return status;
}
