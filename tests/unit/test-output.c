/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What reaches the terminal: caught at descriptor 1 or 2. */
#include "base/text.h"
#include "document.h"
#include "engine-probe.h"
#include "output.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    DpCli *cli;
    int fd, saved;
    char *path;
} Caught;

static void
catch_begin(Caught *caught, int fd)
{
    int file = g_file_open_tmp("directpath-output-XXXXXX", &caught->path, NULL);

    g_assert_cmpint(file, >=, 0);
    (void)fflush(NULL);
    caught->fd = fd;
    caught->saved = dup(fd);
    g_assert_cmpint(dup2(file, fd), ==, fd);
    (void)close(file);
}

static char *
catch_end(Caught *caught)
{
    char *text = NULL;

    (void)fflush(NULL);
    g_assert_cmpint(dup2(caught->saved, caught->fd), ==, caught->fd);
    (void)close(caught->saved);
    g_assert_true(g_file_get_contents(caught->path, &text, NULL, NULL));
    (void)unlink(caught->path);
    g_clear_pointer(&caught->path, g_free);
    return text;
}

static void
set_up(Caught *caught, gconstpointer line)
{
    g_auto(GStrv) argv = g_strsplit(line, " ", -1);

    caught->cli = dp_cli_new(dp_options_parse((int)g_strv_length(argv), argv, NULL));
    caught->cli->colour = false;
    caught->cli->colour_err = false;
    caught->cli->width = 80;
}

static void
tear_down(Caught *caught, gconstpointer unused G_GNUC_UNUSED)
{
    dp_cli_free(caught->cli);
}

static const DpColumn columns[] = {{"A", 0}, {"LONG", 8}, {"LAST", 6}};

static char *
print_row(Caught *caught, const char *a, const char *b, const char *c, const char *note)
{
    g_autoptr(DpTable) table = dp_table_new(columns, G_N_ELEMENTS(columns));

    dp_table_cell(table, a, DP_PLAIN);
    dp_table_cell(table, b, DP_RED);
    dp_table_cell(table, c, DP_PLAIN);
    if (note != NULL) {
        dp_table_note(table, note);
    }
    catch_begin(caught, STDOUT_FILENO);
    dp_table_print(caught->cli, table, "empty");
    return catch_end(caught);
}

static void
test_table(Caught *caught, gconstpointer unused G_GNUC_UNUSED)
{
    g_autofree char *text = print_row(caught, "1", "two", NULL, "below");

    g_assert_cmpstr(text, ==, "A  LONG  LAST\n1  two   -\n        below\n");
}

/* The last flexible column is cut first, then the one before it; none below its least width. */
static void
test_table_fits(Caught *caught, gconstpointer unused G_GNUC_UNUSED)
{
    g_autofree char *wide = g_strnfill(100, 'x');
    g_autofree char *text = print_row(caught, "1", wide, wide, NULL);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    g_assert_cmpuint(strlen(lines[1]), ==, 80);
    g_assert_true(g_str_has_suffix(lines[1], "  xxx..."));
}

static void
test_table_wide_characters(Caught *caught, gconstpointer unused G_GNUC_UNUSED)
{
    g_autofree char *text = print_row(caught, "\xe6\xbc\xa2", "b", "c", NULL);

    g_assert_cmpstr(text, ==, "A   LONG  LAST\n\xe6\xbc\xa2  b     c\n");
}

static void
test_table_hostile(Caught *caught, gconstpointer unused G_GNUC_UNUSED)
{
    g_autofree char *text = print_row(caught, "\033[2J", "\xff", "\xe2\x80\xae", "a\nb\033");

    g_assert_null(strchr(text, '\033'));
    g_assert_nonnull(strstr(text, "\\x1b[2J"));
    g_assert_nonnull(strstr(text, "\\xff"));
    g_assert_nonnull(strstr(text, "\\u{202e}"));
}

static void
test_table_empty(Caught *caught, gconstpointer unused G_GNUC_UNUSED)
{
    g_autoptr(DpTable) table = dp_table_new(columns, G_N_ELEMENTS(columns));
    g_autofree char *text = NULL;

    catch_begin(caught, STDOUT_FILENO);
    dp_table_print(caught->cli, table, "There is none.");
    text = catch_end(caught);
    g_assert_cmpstr(text, ==, "There is none.\n");
}

static void
test_wrapped(Caught *caught, gconstpointer unused G_GNUC_UNUSED)
{
    g_autofree char *text = NULL;

    caught->cli->width = 20;
    catch_begin(caught, STDOUT_FILENO);
    dp_out_wrapped(caught->cli, "  x: ", "one two three four five averyveryverylongword six");
    text = catch_end(caught);
    g_assert_cmpstr(text, ==,
                    "  x: one two three\n     four five\n     averyveryverylongword\n     six\n");
}

static void
test_silent_with_json(Caught *caught, gconstpointer unused G_GNUC_UNUSED)
{
    g_autofree char *text = NULL;
    g_autofree char *row = print_row(caught, "1", "2", "3", "note");

    catch_begin(caught, STDOUT_FILENO);
    dp_out(caught->cli, "x");
    dp_out_heading(caught->cli, "x");
    dp_out_field(caught->cli, "x", "y");
    text = catch_end(caught);
    g_assert_cmpstr(text, ==, "");
    g_assert_cmpstr(row, ==, "");
}

static char *
finish(Caught *caught, int fd, const GError *error, DpExit *ret_exit)
{
    catch_begin(caught, fd);
    *ret_exit = dp_cli_finish(caught->cli, error);
    return catch_end(caught);
}

static void
test_diags(Caught *caught, gconstpointer unused G_GNUC_UNUSED)
{
    g_autofree char *text = NULL;
    DpExit status;

    dp_diags_add(caught->cli->diags, DP_DIAG_NOT_ROOT, "subject", "subject: the sentence");
    text = finish(caught, STDERR_FILENO, NULL, &status);
    g_assert_true(g_str_has_prefix(text, "error[DP9001] subject: the sentence\n  cause:  "));
    g_assert_nonnull(strstr(text, "\n  remedy: "));
    g_assert_cmpint(status, ==, DP_EXIT_DONE);
}

/* What stands for the rows, where it must not be taken for them. */
static char tricky[] = "\n  \"rows\": null";

static json_t *
make_number(size_t i, void *data)
{
    return json_pack("{s:i, s:[s, i]}", "n", (int)i, tricky, (const char *)data, (int)i);
}

/* Rows come out as jansson itself would have written the whole document. */
static void
test_rows(Caught *caught, gconstpointer unused G_GNUC_UNUSED)
{
    static const size_t sizes[] = {0, 1, 3, 500};

    for (size_t k = 0; k < G_N_ELEMENTS(sizes); k++) {
        json_t *doc = json_pack("{s:{s:n}, s:[], s:s, s:[]}", "first", "rows", "rows", "last",
                                tricky, "diagnostics");
        g_autofree char *text = NULL, *expected = NULL;
        DpExit status;

        json_object_clear(caught->cli->doc);
        json_object_set(caught->cli->doc, "first", json_object_get(doc, "first"));
        dp_cli_set_rows(caught->cli, "rows", sizes[k], make_number, tricky);
        json_object_set(caught->cli->doc, "last", json_object_get(doc, "last"));
        for (size_t i = 0; i < sizes[k]; i++) {
            json_array_append_new(json_object_get(doc, "rows"), make_number(i, tricky));
        }
        text = finish(caught, STDOUT_FILENO, NULL, &status);
        expected = json_dumps(doc, JSON_INDENT(2) | JSON_ENSURE_ASCII);
        g_assert_cmpint(status, ==, DP_EXIT_DONE);
        g_assert_cmpstr(g_strchomp(text), ==, expected);
        json_decref(doc);
    }
}

/* Error codes and what they mean for scripts. */
static const struct {
    int code;
    DpExit exit;
    const char *id;
} ends[] = {
    {DP_ERROR_IO, DP_EXIT_FAILED, "DP9004"},   {DP_ERROR_NOT_FOUND, DP_EXIT_NO, "DP9005"},
    {DP_ERROR_BUSY, DP_EXIT_NO, "DP9006"},     {DP_ERROR_TIMEOUT, DP_EXIT_FAILED, "DP9007"},
    {DP_ERROR_PARSE, DP_EXIT_NO, "DP9008"},    {DP_ERROR_REFUSED, DP_EXIT_NO, "DP9009"},
    {DP_ERROR_USAGE, DP_EXIT_USAGE, "DP9002"},
};

static void
test_ends(Caught *caught, gconstpointer unused G_GNUC_UNUSED)
{
    for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
        g_autoptr(GError) error = g_error_new(DP_ERROR, ends[i].code, "what happened");
        g_autofree char *text = NULL;
        json_t *doc, *diag;
        DpExit status;

        g_ptr_array_set_size(caught->cli->diags, 0);
        text = finish(caught, STDOUT_FILENO, error, &status);
        doc = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        g_assert_nonnull(doc);
        diag = json_array_get(json_object_get(doc, "diagnostics"), 0);
        g_assert_cmpint(status, ==, ends[i].exit);
        g_assert_cmpstr(json_string_value(json_object_get(diag, "id")), ==, ends[i].id);
        g_assert_cmpstr(json_string_value(json_object_get(diag, "message")), ==, "what happened");
        json_decref(doc);
    }
}

/* A rule's refusal that a diagnostic has told is not told twice; the system's failure is. */
static void
test_told_once(Caught *caught, gconstpointer unused G_GNUC_UNUSED)
{
    g_autoptr(GError) refused = g_error_new(DP_ERROR, DP_ERROR_REFUSED, "again");
    g_autoptr(GError) failed = g_error_new(DP_ERROR, DP_ERROR_IO, "also");
    g_autofree char *first = NULL;
    g_autofree char *second = NULL;
    DpExit status;

    dp_diags_add(caught->cli->diags, DP_DIAG_NOT_ROOT, "x", "the reason");
    first = finish(caught, STDERR_FILENO, refused, &status);
    g_assert_cmpint(status, ==, DP_EXIT_NO);
    g_assert_null(strstr(first, "again"));
    second = finish(caught, STDERR_FILENO, failed, &status);
    g_assert_cmpint(status, ==, DP_EXIT_FAILED);
    g_assert_nonnull(strstr(second, "also"));
}

static void
test_partly(Caught *caught, gconstpointer unused G_GNUC_UNUSED)
{
    g_autoptr(GError) error = g_error_new(DP_ERROR, DP_ERROR_IO, "one of two");
    g_autofree char *text = NULL;
    DpExit status;

    caught->cli->exit = DP_EXIT_PARTLY;
    text = finish(caught, STDERR_FILENO, error, &status);
    g_assert_cmpint(status, ==, DP_EXIT_PARTLY);
    g_assert_nonnull(strstr(text, "one of two"));
}

static void
test_progress(Caught *caught, gconstpointer unused G_GNUC_UNUSED)
{
    g_autofree char *text = NULL;
    DpProgress *progress;

    catch_begin(caught, STDERR_FILENO);
    progress = dp_progress_begin(caught->cli, "working");
    g_usleep(3 * G_USEC_PER_SEC); /* it is told at the first and at the sixth second */
    dp_progress_end(progress);
    text = catch_end(caught);
    g_assert_cmpstr(text, ==, "directpath: working (1 s)\n");
}

static void
test_no_progress(Caught *caught, gconstpointer unused G_GNUC_UNUSED)
{
    g_assert_null(dp_progress_begin(caught->cli, "working"));
}

static void
test_json_text(void)
{
    json_t *plain = dp_json_text("\xc3\xa4");
    json_t *broken = dp_json_text("a\xff");
    json_t *none = dp_json_text(NULL);

    g_assert_cmpstr(json_string_value(plain), ==, "\xc3\xa4");
    g_assert_cmpstr(json_string_value(broken), ==, "a\\xff");
    g_assert_true(json_is_null(none));
    json_decref(plain);
    json_decref(broken);
}

static void
test_size_text(void)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } sizes[] = {{0, "0 B"},          {64, "64 B"},
                 {1024, "1 KiB"},     {1536, "1536 B"},
                 {1u << 20, "1 MiB"}, {UINT64_C(1) << 62, "4 EiB"},
                 {16384, "16 KiB"},   {UINT64_MAX, "18446744073709551615 B"}};

    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autofree char *text = dp_size_text(sizes[i].bytes);

        g_assert_cmpstr(text, ==, sizes[i].text);
    }
}

static void
test_engine_version(void)
{
    unsigned major = 0, minor = 0;
    g_autofree char *version = NULL;

    g_assert_true(dp_engine_parse_version(
        "QEMU emulator version 7.2.9 (Debian 1:7.2+dfsg-7)\nCopyright", &major, &minor, &version));
    g_assert_cmpuint(major, ==, 7);
    g_assert_cmpuint(minor, ==, 2);
    g_assert_cmpstr(version, ==, "7.2.9");
    g_assert_false(dp_engine_parse_version("", &major, &minor, &version));
    g_assert_false(dp_engine_parse_version("version x", &major, &minor, &version));
    g_assert_false(dp_engine_parse_version("version 7", &major, &minor, &version));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, line, func) g_test_add(path, Caught, line, set_up, func, tear_down)
    ADD("/output/table", "directpath x", test_table);
    ADD("/output/table-fits", "directpath x", test_table_fits);
    ADD("/output/table-wide-characters", "directpath x", test_table_wide_characters);
    ADD("/output/table-hostile", "directpath x", test_table_hostile);
    ADD("/output/table-empty", "directpath x", test_table_empty);
    ADD("/output/wrapped", "directpath x", test_wrapped);
    ADD("/output/silent-with-json", "directpath --json x", test_silent_with_json);
    ADD("/output/diags", "directpath x", test_diags);
    ADD("/output/rows", "directpath --json x", test_rows);
    ADD("/output/ends", "directpath --json x", test_ends);
    ADD("/output/told-once", "directpath x", test_told_once);
    ADD("/output/partly", "directpath x", test_partly);
    ADD("/output/progress", "directpath x", test_progress);
    ADD("/output/progress-quiet", "directpath --quiet x", test_no_progress);
    ADD("/output/progress-json", "directpath --json x", test_no_progress);
#undef ADD
    g_test_add_func("/output/json-text", test_json_text);
    g_test_add_func("/output/size-text", test_size_text);
    g_test_add_func("/output/engine-version", test_engine_version);
    return g_test_run();
}
