/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a VMX file has that a person should know of, before anyone asks what it means. */
#include "base/text.h"
#include "vmx-model.h"

#include <string.h>

/* Bytes of a line that a message repeats. */
#define SHOWN_MAX 80

#define MASK "********"

/* Their values are for nobody's screen or log. */
static const char *const secret_keys[] = {
    "RemoteDisplay.vnc.password",
    "RemoteDisplay.vnc.key",
    "encryption.keySafe",
    "encryption.data",
    "dataFileKey",
};

bool
dp_vmx_key_secret(const char *key)
{
    for (size_t i = 0; i < G_N_ELEMENTS(secret_keys); i++) {
        if (g_ascii_strcasecmp(key, secret_keys[i]) == 0) {
            return true;
        }
    }
    return false;
}

static char *
brief_value(const char *key, const char *shown)
{
    return dp_vmx_key_secret(key) ? g_strdup(MASK) : dp_text_visible_max(shown, -1, SHOWN_MAX);
}

/* A line that is no entry may still be a broken one with a secret in it. */
static char *
brief_line(const DpVmxLine *line)
{
    const char *start = line->text + strspn(line->text, " \t");

    for (size_t i = 0; i < G_N_ELEMENTS(secret_keys); i++) {
        if (g_ascii_strncasecmp(start, secret_keys[i], strlen(secret_keys[i])) == 0) {
            return g_strdup_printf("%s " MASK, secret_keys[i]);
        }
    }
    return dp_text_visible_max(line->text, (gssize)line->len, SHOWN_MAX);
}

static char *
subject_of(const DpVmx *vmx, unsigned line)
{
    return g_strdup_printf("%s:%u", vmx->name, line);
}

/* Says how many more there are than were named. */
static void
report_rest(const DpVmx *vmx, DpDiagList *diags, DpDiagId id, const char *what, unsigned count)
{
    if (count > DP_NOTES_MAX) {
        (void)dp_diags_add(diags, id, vmx->name, "%u more lines %s", count - DP_NOTES_MAX, what);
    }
}

static void
report_malformed(const DpVmx *vmx, DpDiagList *diags)
{
    unsigned count = 0;

    for (guint i = 0; i < vmx->lines->len; i++) {
        const DpVmxLine *line = vmx->lines->pdata[i];
        g_autofree char *subject = NULL, *shown = NULL;
        DpDiag *diag;

        if (line->spans.kind != DP_VMX_LINE_MALFORMED || !dp_note_counts(&count)) {
            continue;
        }
        subject = subject_of(vmx, i + 1);
        shown = brief_line(line);
        diag = dp_diags_add(diags, DP_DIAG_VMX_LINE_MALFORMED, subject, "line %u is not read: %s",
                            i + 1, shown);
        if (line->spans.open_quote) {
            dp_diag_set_cause(diag, "the value begins with a quote that nothing closes");
            dp_diag_set_remedy(diag, "put a \" at the end of the value");
        }
    }
    report_rest(vmx, diags, DP_DIAG_VMX_LINE_MALFORMED, "are not read", count);
}

/* A whole file ends with a line end, or at least with a whole line. */
static void
report_truncated(const DpVmx *vmx, DpDiagList *diags)
{
    const DpVmxLine *last = vmx->lines->pdata[vmx->lines->len - 1];
    g_autofree char *subject = NULL, *shown = NULL;

    if (vmx->lines->len < 2 || *last->end != '\0' || last->spans.kind != DP_VMX_LINE_MALFORMED) {
        return;
    }
    subject = subject_of(vmx, vmx->lines->len);
    shown = brief_line(last);
    (void)dp_diags_add(diags, DP_DIAG_VMX_TRUNCATED, subject,
                       "the file stops in the middle of line %u: %s", vmx->lines->len, shown);
}

static void
report_duplicate(const DpVmx *vmx,
                 DpDiagList *diags,
                 const DpVmxEntry *first,
                 const DpVmxEntry *again,
                 unsigned *count)
{
    g_autofree char *subject = subject_of(vmx, again->line);
    g_autofree char *one = brief_value(first->key, first->shown);
    g_autofree char *other = brief_value(again->key, again->shown);
    bool equal = strcmp(first->value, again->value) == 0;
    DpDiag *diag;

    if (!dp_note_counts(count)) {
        return;
    }
    if (equal) {
        (void)dp_diags_add(diags, DP_DIAG_VMX_KEY_REPEATED, subject,
                           "%s is on line %u and again, with the same value, on line %u",
                           again->key, first->line, again->line);
        return;
    }
    diag = dp_diags_add(diags, DP_DIAG_VMX_KEY_CONTRADICTED, subject,
                        "%s is '%s' on line %u and '%s' on line %u", again->key, one, first->line,
                        other, again->line);
    dp_diag_set_remedy(diag, "delete line %u or line %u, whichever is not meant", first->line,
                       again->line);
}

/* Contradictions first: an error must not drown in repetitions. */
static void
report_duplicates(const DpVmx *vmx, DpDiagList *diags, bool equal)
{
    unsigned count = 0;

    for (guint i = 0; i < vmx->entries->len; i++) {
        const DpVmxLine *line = vmx->entries->pdata[i];
        const DpVmxLine *first = dp_vmx_find(vmx, line->entry.key);

        if (first != line && equal == (strcmp(first->entry.value, line->entry.value) == 0)) {
            report_duplicate(vmx, diags, &first->entry, &line->entry, &count);
        }
    }
    report_rest(vmx, diags, equal ? DP_DIAG_VMX_KEY_REPEATED : DP_DIAG_VMX_KEY_CONTRADICTED,
                "have a key that an earlier line has", count);
}

static void
report_values(const DpVmx *vmx, DpDiagList *diags)
{
    unsigned count = 0;

    for (guint i = 0; i < vmx->entries->len; i++) {
        const DpVmxLine *line = vmx->entries->pdata[i];
        g_autofree char *subject = NULL, *shown = NULL, *brief = NULL;
        bool valid = true;

        shown = dp_vmx_encoding_show(vmx->encoding, line->entry.value, &valid);
        if (valid || !dp_note_counts(&count)) {
            continue;
        }
        subject = subject_of(vmx, line->entry.line);
        brief = brief_value(line->entry.key, shown);
        (void)dp_diags_add(diags, DP_DIAG_VMX_VALUE_NOT_IN_ENCODING, subject,
                           "%s is not text in the encoding of the file: %s", line->entry.key,
                           brief);
    }
    report_rest(vmx, diags, DP_DIAG_VMX_VALUE_NOT_IN_ENCODING, "are not in the encoding", count);
}

static void
report_encoding(const DpVmx *vmx, DpDiagList *diags)
{
    const DpVmxEntry *entry = dp_vmx_lookup(vmx, ".encoding");

    if (vmx->bom) {
        (void)dp_diags_add(diags, DP_DIAG_VMX_BOM, vmx->name,
                           "the file starts with a byte order mark; it is left out when the file "
                           "is next written");
    }
    if (dp_vmx_encoding_known(vmx->encoding)) {
        report_values(vmx, diags);
    } else {
        g_autofree char *subject = subject_of(vmx, entry->line);
        g_autofree char *shown = dp_text_visible_max(entry->shown, -1, SHOWN_MAX);

        (void)dp_diags_add(diags, DP_DIAG_VMX_ENCODING_UNKNOWN, subject,
                           ".encoding is '%s', which is not known here", shown);
    }
}

void
dp_vmx_report(const DpVmx *vmx, DpDiagList *diags)
{
    if (diags == NULL) {
        return;
    }
    report_truncated(vmx, diags);
    report_duplicates(vmx, diags, false);
    report_duplicates(vmx, diags, true);
    report_encoding(vmx, diags);
    report_malformed(vmx, diags);
}
