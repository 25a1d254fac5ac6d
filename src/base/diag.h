/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Diagnostics: every problem that a person can act on is one row of one catalogue. A row has an id
 * that never changes its meaning, a severity, a title, a default cause and remedy, and what
 * `directpath explain` tells beyond them: why it matters, how it is seen, where the rule comes
 * from. A diagnostic is one occurrence of a row: the subject it is about (a device address, a file
 * and line, a VM) and a sentence with the evidence.
 */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

typedef enum { DP_NOTE, DP_WARNING, DP_ERROR_SEVERITY } DpSeverity;

/* One enumerator per row: DP_DIAG_<NAME> = number. Rows live in catalogue/<room>.inc. */
typedef enum {
#define DP_ROW(number, name, severity, title, cause, remedy, why, seen, source)                    \
    DP_DIAG_##name = (number),
#include "catalogue/catalogue.inc"
#undef DP_ROW
} DpDiagId;

typedef struct {
    DpDiagId id;
    const char *name; /* "IOMMU_ABSENT" */
    DpSeverity severity;
    const char *title;  /* what: a few words */
    const char *cause;  /* default cause: one sentence */
    const char *remedy; /* default remedy: one sentence */
    const char *why;    /* why it matters: sentences */
    const char *seen;   /* where the evidence comes from: a sentence */
    const char *source; /* which document, specification or rule of ours says so: a sentence */
} DpDiagRow;

/* The row of @id, or NULL if there is none. */
const DpDiagRow *dp_diag_row(int id);

/* All rows, ascending by id; @ret_n receives their number. */
const DpDiagRow *dp_diag_rows(size_t *ret_n);

/* Longest message, cause or remedy, in bytes; each foreign string in it should have passed
 * dp_text_visible before. */
#define DP_DIAG_TEXT_MAX 4096

typedef struct {
    const DpDiagRow *row;
    DpSeverity severity; /* the row's, unless raised or lowered for this occurrence */
    char *subject;       /* "0000:03:00.0", "vm.vmx:12", "host" */
    char *
        message; /* the sentence, with the evidence; one line of UTF-8 without control characters */
    char *cause;
    char *remedy;
} DpDiag;

/* A new occurrence with the row's cause and remedy. Foreign bytes in the text are made visible
 * (dp_text_visible). */
DpDiag *dp_diag_new(DpDiagId id, const char *subject, const char *fmt, ...) G_GNUC_PRINTF(3, 4);
DpDiag *dp_diag_copy(const DpDiag *diag);
void dp_diag_free(DpDiag *diag);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpDiag, dp_diag_free)

/* Replace the row's default cause or remedy by one that fits the case. */
void dp_diag_set_cause(DpDiag *diag, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
void dp_diag_set_remedy(DpDiag *diag, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/* "error", "warning", "note". */
const char *dp_severity_name(DpSeverity severity);

/* {"id","severity","subject","message","cause","remedy"}: a new reference. */
json_t *dp_diag_to_json(const DpDiag *diag);

/* A list of diagnostics that owns them: a GPtrArray of DpDiag. */
typedef GPtrArray DpDiagList;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpDiagList, g_ptr_array_unref)
DpDiagList *dp_diags_new(void);

/* Appends a new diagnostic and returns it (still owned by @diags) so that cause and remedy can be
 * set.
 * @diags may be NULL: then a no-op that returns NULL (dp_diag_set_* accept NULL). */
DpDiag *dp_diags_add(DpDiagList *diags, DpDiagId id, const char *subject, const char *fmt, ...)
    G_GNUC_PRINTF(4, 5);
/* Appends copies of all of @from. */
void dp_diags_extend(DpDiagList *diags, const DpDiagList *from);
bool dp_diags_have_error(const DpDiagList *diags);
/* Errors first, then warnings, then notes; among equals what concerns the whole host first. Stable.
 */
void dp_diags_sort(DpDiagList *diags);
/* True if an occurrence of @id is in the list. */
bool dp_diags_have(const DpDiagList *diags, DpDiagId id);
json_t *dp_diags_to_json(const DpDiagList *diags);
