/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "output.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

static bool
silent(const DpCli *cli)
{
    return dp_options_have(cli->options, DP_OPT_JSON);
}

void
dp_out(const DpCli *cli, const char *fmt, ...)
{
    va_list ap;

    if (silent(cli)) {
        return;
    }
    va_start(ap, fmt);
    (void)vfprintf(stdout, fmt, ap);
    va_end(ap);
    (void)fputc('\n', stdout);
}

void
dp_out_heading(const DpCli *cli, const char *text)
{
    if (!silent(cli)) {
        (void)printf(cli->colour ? "\n\033[1m%s\033[0m\n" : "\n%s\n", text);
    }
}

void
dp_out_field(const DpCli *cli, const char *label, const char *value)
{
    g_autofree char *shown = dp_text_visible_max(value != NULL ? value : "unknown", -1, 4096);
    g_autofree char *head = g_strdup_printf("  %-18s ", label);

    if (g_utf8_strlen(head, -1) + g_utf8_strlen(shown, -1) > cli->width) {
        dp_out_wrapped(cli, head, shown);
    } else {
        dp_out(cli, "%s%s", head, shown); /* with every space of the value */
    }
}

void
dp_out_fieldf(const DpCli *cli, const char *label, const char *fmt, ...)
{
    g_autofree char *value = NULL;
    va_list ap;

    va_start(ap, fmt);
    value = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    dp_out_field(cli, label, value);
}

void
dp_out_wrapped(const DpCli *cli, const char *label, const char *text)
{
    g_auto(GStrv) words = g_strsplit_set(text, " \n", -1);
    g_autoptr(GString) line = g_string_new(label);
    gsize empty = line->len;

    for (size_t i = 0; words[i] != NULL; i++) {
        glong used = g_utf8_strlen(line->str, -1) + g_utf8_strlen(words[i], -1) + 1;

        if (used > cli->width && line->len > empty) {
            dp_out(cli, "%s", line->str);
            g_string_printf(line, "%*s", (int)empty, "");
        }
        if (words[i][0] != '\0') {
            g_string_append_printf(line, "%s%s", line->len > empty ? " " : "", words[i]);
        }
    }
    dp_out(cli, "%s", line->str);
}

static const char *
severity_colour(DpSeverity severity)
{
    static const char *const codes[] = {
        [DP_NOTE] = "\033[36m", [DP_WARNING] = "\033[33m", [DP_ERROR_SEVERITY] = "\033[31m"};

    return codes[severity];
}

/* The message without its subject in front: that is printed before it anyway. */
static const char *
without_subject(const DpDiag *diag)
{
    size_t len = strlen(diag->subject);
    const char *rest = diag->message + len;

    if (len == 0 || strncmp(diag->message, diag->subject, len) != 0) {
        return diag->message;
    }
    return g_str_has_prefix(rest, ": ") ? rest + 2 : rest[0] == ' ' ? rest + 1 : diag->message;
}

static void
print_diag(const DpCli *cli, const DpDiag *diag)
{
    (void)fprintf(stderr, "%s%s[DP%d]%s %s: %s\n",
                  cli->colour_err ? severity_colour(diag->severity) : "",
                  dp_severity_name(diag->severity), (int)diag->row->id,
                  cli->colour_err ? "\033[0m" : "", diag->subject, without_subject(diag));
    if (diag->cause[0] != '\0') {
        (void)fprintf(stderr, "  cause:  %s\n", diag->cause);
    }
    if (diag->remedy[0] != '\0') {
        (void)fprintf(stderr, "  remedy: %s\n", diag->remedy);
    }
}

void
dp_out_diags(const DpCli *cli)
{
    bool quiet = dp_options_have(cli->options, DP_OPT_QUIET);

    (void)fflush(stdout);
    for (guint i = 0; i < cli->diags->len; i++) {
        const DpDiag *diag = cli->diags->pdata[i];

        if (!quiet || diag->severity > DP_NOTE) {
            print_diag(cli, diag);
        }
    }
}

json_t *
dp_json_pack(const char *format, ...)
{
    json_error_t error;
    json_t *value;
    va_list ap;

    va_start(ap, format);
    value = json_vpack_ex(&error, 0, format, ap);
    va_end(ap);
    return value != NULL ? value : json_pack("{s:s}", "unpacked", error.text);
}

json_t *
dp_json_text(const char *text)
{
    g_autofree char *shown = NULL;

    if (text == NULL) {
        return json_null();
    }
    if (g_utf8_validate(text, -1, NULL)) {
        return json_string(text);
    }
    shown = dp_text_visible_max(text, -1, DP_DIAG_TEXT_MAX);
    return json_string(shown);
}

json_t *
dp_json_strv(char *const *list)
{
    json_t *array = json_array();

    for (size_t i = 0; list != NULL && list[i] != NULL; i++) {
        json_array_append_new(array, dp_json_text(list[i]));
    }
    return array;
}
