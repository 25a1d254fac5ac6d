/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VMX file as bytes: lines in, the same lines out. Rules: docs/formats.md, after VMware's own
 * dictionary layer. Untouched lines never change a byte; an edited line keeps its place, key
 * spelling, line ending and comment.
 */
#pragma once

#include "base/diag.h"
#include "base/error.h"

/* Limits: a larger file, line count or line is refused with DP_ERROR_PARSE. */
#define DP_VMX_MAX_BYTES      (4u << 20)
#define DP_VMX_MAX_LINES      100000u
#define DP_VMX_MAX_LINE_BYTES (1u << 20)

typedef struct DpVmx DpVmx;

/* Parses @len bytes; keeps a copy. Malformed lines are kept and noted in @diags (subject
 * "NAME:LINE"); so are duplicate keys (error when values differ, warning when equal) and an unknown
 * .encoding. Fails only where nothing can be made of it: NUL bytes (binary), over the limits,
 * empty. The reason is also a diagnostic in @diags. @name is for subjects. */
DpVmx *
dp_vmx_parse(const char *name, const char *bytes, size_t len, DpDiagList *diags, GError **error);
void dp_vmx_free(DpVmx *vmx);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpVmx, dp_vmx_free)

/* The name given to dp_vmx_parse: a file's base name as a rule. */
const char *dp_vmx_name(const DpVmx *vmx);

/* The file's bytes as they would be written now. */
GBytes *dp_vmx_bytes(const DpVmx *vmx);

/* One key of the file. Strings are owned by the DpVmx and live until the next edit. */
typedef struct {
    const char *key;   /* as spelt in the file */
    const char *value; /* unescaped bytes in the file's encoding; ends at a NUL that |00 made */
    char *shown;       /* the value in UTF-8 for display */
    unsigned line;     /* from 1 */
} DpVmxEntry;

/* Entries in file order. */
size_t dp_vmx_n_entries(const DpVmx *vmx);
const DpVmxEntry *dp_vmx_entry(const DpVmx *vmx, size_t index);

/* Key without regard to case; the first of duplicates; NULL if there is none. */
const DpVmxEntry *dp_vmx_lookup(const DpVmx *vmx, const char *key);
const char *dp_vmx_get(const DpVmx *vmx, const char *key);

/* True if the value of @key is a password or a key to something: never repeated in a message. */
bool dp_vmx_key_secret(const char *key);

/* Typed view. False with *ret_value untouched if the key is absent. A value of another type adds an
 * error that names key and line to @diags and returns false. */
bool dp_vmx_get_bool(const DpVmx *vmx, const char *key, bool *ret_value, DpDiagList *diags);
bool dp_vmx_get_int(const DpVmx *vmx,
                    const char *key,
                    int64_t min,
                    int64_t max,
                    int64_t *ret_value,
                    DpDiagList *diags);

/* The UTF-8 text @shown as a value of this file, in its encoding; NULL with DP_ERROR_USAGE where
 * the encoding has no such character. The caller frees it. */
char *dp_vmx_encode(const DpVmx *vmx, const char *shown, GError **error);

/* Sets @key to @value (bytes in the file's encoding, unescaped). An existing line is edited in
 * place; a new one goes after the last relative (same text before the last '.'; else the same
 * device with another number), else at the end. Fails on a key that the grammar cannot hold. */
bool dp_vmx_set(DpVmx *vmx, const char *key, const char *value, GError **error);
/* Removes the line(s) of @key; true if there was one. */
bool dp_vmx_remove(DpVmx *vmx, const char *key);
