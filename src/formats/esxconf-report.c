/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an esx.conf has that a person should know of. Lines of other parts of ESX are none of it. */
#include "base/text.h"
#include "esxconf-model.h"
#include "words.h"

#include <string.h>

#define SHOWN_MAX 80

typedef struct {
    const char *name;
    DpDiagList *diags;
    unsigned devices, others, indented, unknown, contradicted;
} Report;

/* The part between the first two slashes of @text, which starts with one. */
static char *
first_component(const char *text)
{
    return g_strndup(text + 1, strcspn(text + 1, "/ \t="));
}

/* A line about a device that is not read, though somebody meant it: "/devcie/...", "“passthru”",
 * an address that is none. */
static const char *
broken_device_reason(const char *text)
{
    static const char *const known[] = {"device"};
    g_autofree char *first = first_component(text);

    if (dp_word_nearest(first, known, 1) == NULL) {
        return NULL;
    }
    if (strcmp(first, "device") != 0) {
        return "its first word is not 'device'";
    }
    if (strstr(text, "/owner") == NULL && strstr(text, "/vmkname") == NULL) {
        return NULL;
    }
    if (strchr(text, '"') == NULL) {
        return "its value is not in straight double quotes";
    }
    return "its address or its value is not written as ESX writes it";
}

static void
report_other(Report *report, const DpEsxconfLine *line, unsigned number)
{
    const char *text = line->text + (dp_bytes_have_bom(line->text, line->len) ? DP_BOM_LEN : 0);
    g_autofree char *subject = g_strdup_printf("%s:%u", report->name, number);
    g_autofree char *shown = dp_text_visible_max(line->text, (gssize)line->len, SHOWN_MAX);
    const char *reason;

    text += strspn(text, " \t");
    if (*text == '\0' || *text == '#') {
        return;
    }
    if (*text != '/') {
        if (dp_note_counts(&report->others)) {
            (void)dp_diags_add(report->diags, DP_DIAG_ESXCONF_LINE_NOT_READ, subject,
                               "line %u does not start with '/': %s", number, shown);
        }
        return;
    }
    reason = broken_device_reason(text);
    if (reason != NULL && dp_note_counts(&report->devices)) {
        DpDiag *diag = dp_diags_add(report->diags, DP_DIAG_ESXCONF_DEVICE_NOT_READ, subject,
                                    "line %u is about a device and not read: %s", number, shown);

        dp_diag_set_cause(diag, "%s", reason);
    }
}

static void
report_owner(Report *report, const DpEsxconf *conf, const DpEsxconfLine *line, unsigned number)
{
    const DpEsxconfLine *last = dp_esxconf_find(conf, DP_ESXCONF_OWNER, &line->addr);
    g_autofree char *subject = g_strdup_printf("%s:%u", report->name, number);
    g_autofree char *shown = dp_text_visible_max(line->shown_value, -1, SHOWN_MAX);
    char buf[DP_ADDR_LEN];

    (void)dp_addr_format(&line->addr, buf);
    if (strcmp(line->shown_value, dp_owner_word(DP_OWNER_HOST)) != 0 &&
        strcmp(line->shown_value, dp_owner_word(DP_OWNER_PASSTHRU)) != 0 &&
        dp_note_counts(&report->unknown)) {
        (void)dp_diags_add(report->diags, DP_DIAG_ESXCONF_OWNER_UNKNOWN, subject,
                           "the owner of %s is '%s', which is neither vmkernel nor passthru", buf,
                           shown);
    }
    if (last != line && strcmp(last->shown_value, line->shown_value) != 0 &&
        dp_note_counts(&report->contradicted)) {
        g_autofree char *other = dp_text_visible_max(last->shown_value, -1, SHOWN_MAX);

        (void)dp_diags_add(report->diags, DP_DIAG_ESXCONF_OWNER_CONTRADICTED, subject,
                           "line %u says that %s belongs to '%s', and a later line says '%s'",
                           number, buf, shown, other);
    }
}

static void
report_indented(const Report *report, unsigned first)
{
    g_autofree char *subject = g_strdup_printf("%s:%u", report->name, first);

    if (report->indented > 0) {
        (void)dp_diags_add(report->diags, DP_DIAG_ESXCONF_INDENTED, subject,
                           "%u lines start with white space, the first of them line %u; they are "
                           "read all the same",
                           report->indented, first);
    }
}

/* Each kind is named DP_NOTES_MAX times at most; this says how many more there are. */
static void
report_rest(const Report *report)
{
    const struct {
        unsigned count;
        DpDiagId id;
    } rows[] = {
        {report->devices, DP_DIAG_ESXCONF_DEVICE_NOT_READ},
        {report->others, DP_DIAG_ESXCONF_LINE_NOT_READ},
        {report->unknown, DP_DIAG_ESXCONF_OWNER_UNKNOWN},
        {report->contradicted, DP_DIAG_ESXCONF_OWNER_CONTRADICTED},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (rows[i].count > DP_NOTES_MAX) {
            (void)dp_diags_add(report->diags, rows[i].id, report->name, "%u more lines like this",
                               rows[i].count - DP_NOTES_MAX);
        }
    }
}

void
dp_esxconf_report(const DpEsxconf *conf, const char *name, DpDiagList *diags)
{
    Report report = {.name = name, .diags = diags};
    unsigned first_indented = 0;

    if (diags == NULL) {
        return;
    }
    for (guint i = 0; i < conf->lines->len; i++) {
        const DpEsxconfLine *line = conf->lines->pdata[i];

        if (line->kind == DP_ESXCONF_OTHER) {
            report_other(&report, line, i + 1);
            continue;
        }
        if (line->kind == DP_ESXCONF_OWNER) {
            report_owner(&report, conf, line, i + 1);
        }
        if (dp_is_blank(*line->text) && report.indented++ == 0) {
            first_indented = i + 1;
        }
    }
    report_indented(&report, first_indented);
    report_rest(&report);
    if (conf->system != NULL && dp_esxconf_system_uuid(conf) == NULL) {
        g_autofree char *shown = dp_text_visible_max(conf->system->shown_value, -1, SHOWN_MAX);

        (void)dp_diags_add(diags, DP_DIAG_ESXCONF_UUID_INVALID, name,
                           "/system/uuid is '%s', which has not 32 hexadecimal digits", shown);
    }
}
