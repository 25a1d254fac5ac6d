/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diag.h"

#include "text.h"

static const DpDiagRow rows[] = {
#define DP_ROW(number, name_, severity_, title_, cause_, remedy_, why_, seen_, source_)            \
    {.id = DP_DIAG_##name_,                                                                        \
     .name = #name_,                                                                               \
     .severity = (severity_),                                                                      \
     .title = (title_),                                                                            \
     .cause = (cause_),                                                                            \
     .remedy = (remedy_),                                                                          \
     .why = (why_),                                                                                \
     .seen = (seen_),                                                                              \
     .source = (source_)},
#include "catalogue/catalogue.inc"
#undef DP_ROW
};

const DpDiagRow *
dp_diag_row(int id)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if ((int)rows[i].id == id) {
            return &rows[i];
        }
    }
    return NULL;
}

const DpDiagRow *
dp_diag_rows(size_t *ret_n)
{
    *ret_n = G_N_ELEMENTS(rows);
    return rows;
}

const char *
dp_severity_name(DpSeverity severity)
{
    static const char *const names[] = {"note", "warning", "error"};

    return names[severity];
}

static DpDiag *
diag_new(DpDiagId id, const char *subject, const char *fmt, va_list ap)
{
    g_autofree char *message = g_strdup_vprintf(fmt, ap);
    const DpDiagRow *row = dp_diag_row((int)id);
    DpDiag *diag = g_new0(DpDiag, 1);

    g_assert(row != NULL);
    diag->row = row;
    diag->severity = row->severity;
    diag->subject = dp_text_visible(subject, -1);
    diag->message = dp_text_visible_max(message, -1, DP_DIAG_TEXT_MAX);
    diag->cause = g_strdup(row->cause);
    diag->remedy = g_strdup(row->remedy);
    return diag;
}

DpDiag *
dp_diag_new(DpDiagId id, const char *subject, const char *fmt, ...)
{
    DpDiag *diag;
    va_list ap;

    va_start(ap, fmt);
    diag = diag_new(id, subject, fmt, ap);
    va_end(ap);
    return diag;
}

DpDiag *
dp_diag_copy(const DpDiag *diag)
{
    DpDiag *copy = g_new0(DpDiag, 1);

    copy->row = diag->row;
    copy->severity = diag->severity;
    copy->subject = g_strdup(diag->subject);
    copy->message = g_strdup(diag->message);
    copy->cause = g_strdup(diag->cause);
    copy->remedy = g_strdup(diag->remedy);
    return copy;
}

void
dp_diag_free(DpDiag *diag)
{
    if (diag == NULL) {
        return;
    }
    g_free(diag->subject);
    g_free(diag->message);
    g_free(diag->cause);
    g_free(diag->remedy);
    g_free(diag);
}

static void
replace_text(char **field, const char *fmt, va_list ap)
{
    g_autofree char *text = g_strdup_vprintf(fmt, ap);

    g_free(*field);
    *field = dp_text_visible_max(text, -1, DP_DIAG_TEXT_MAX);
}

void
dp_diag_set_cause(DpDiag *diag, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    if (diag != NULL) {
        replace_text(&diag->cause, fmt, ap);
    }
    va_end(ap);
}

void
dp_diag_set_remedy(DpDiag *diag, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    if (diag != NULL) {
        replace_text(&diag->remedy, fmt, ap);
    }
    va_end(ap);
}

json_t *
dp_diag_to_json(const DpDiag *diag)
{
    g_autofree char *id = g_strdup_printf("DP%d", (int)diag->row->id);

    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "id", id, "severity",
                     dp_severity_name(diag->severity), "subject", diag->subject, "message",
                     diag->message, "cause", diag->cause, "remedy", diag->remedy);
}

DpDiagList *
dp_diags_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)dp_diag_free);
}

DpDiag *
dp_diags_add(DpDiagList *diags, DpDiagId id, const char *subject, const char *fmt, ...)
{
    DpDiag *diag;
    va_list ap;

    if (diags == NULL) {
        return NULL;
    }
    va_start(ap, fmt);
    diag = diag_new(id, subject, fmt, ap);
    va_end(ap);
    g_ptr_array_add(diags, diag);
    return diag;
}

void
dp_diags_extend(DpDiagList *diags, const DpDiagList *from)
{
    for (guint i = 0; i < from->len; i++) {
        g_ptr_array_add(diags, dp_diag_copy(from->pdata[i]));
    }
}

bool
dp_diags_have_error(const DpDiagList *diags)
{
    for (guint i = 0; i < diags->len; i++) {
        const DpDiag *diag = diags->pdata[i];

        if (diag->severity == DP_ERROR_SEVERITY) {
            return true;
        }
    }
    return false;
}

static int
compare_weight(gconstpointer a, gconstpointer b)
{
    const DpDiag *left = *(const DpDiag *const *)a, *right = *(const DpDiag *const *)b;

    if (left->severity != right->severity) {
        return (int)right->severity - (int)left->severity;
    }
    return (int)(strcmp(right->subject, "host") == 0) - (int)(strcmp(left->subject, "host") == 0);
}

void
dp_diags_sort(DpDiagList *diags)
{
    g_ptr_array_sort(diags, compare_weight); /* stable */
}

bool
dp_diags_have(const DpDiagList *diags, DpDiagId id)
{
    for (guint i = 0; i < diags->len; i++) {
        const DpDiag *diag = diags->pdata[i];

        if (diag->row->id == id) {
            return true;
        }
    }
    return false;
}

json_t *
dp_diags_to_json(const DpDiagList *diags)
{
    json_t *array = json_array();

    for (guint i = 0; i < diags->len; i++) {
        json_array_append_new(array, dp_diag_to_json(diags->pdata[i]));
    }
    return array;
}
