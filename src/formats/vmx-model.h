/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What vmx.c and vmx-edit.c share; nobody else includes it. */
#pragma once

#include "vmx-encoding.h"
#include "vmx-line.h"
#include "vmx.h"

/* One line; it owns its strings. Lines are also the keys of the index: @hash is that of the key. */
typedef struct {
    char *text; /* as in the file, NUL-terminated, without its end */
    size_t len;
    const char *end; /* static */
    DpVmxSpans spans;
    guint hash;
    DpVmxEntry entry; /* key NULL where the line is no entry */
} DpVmxLine;

struct DpVmx {
    char *name;
    bool bom;    /* was in the file that was read */
    bool edited; /* and is not written any more once anything changes */
    uint64_t seed;
    GPtrArray *lines;   /* DpVmxLine, owned */
    GPtrArray *entries; /* those of them that are entries */
    GHashTable *index;  /* DpVmxLine to itself: the first line of each key */
    DpVmxEncoding *encoding;
};

/* Takes @text over. */
DpVmxLine *dp_vmx_line_new(const DpVmx *vmx, char *text, size_t len, const char *end);
/* Replaces the text of an entry by one with the same key, and reads its value again. */
void dp_vmx_line_replace(const DpVmx *vmx, DpVmxLine *line, char *text);
/* The first line of @key, or NULL. */
DpVmxLine *dp_vmx_find(const DpVmx *vmx, const char *key);
/* After lines came or went: numbers, entries and index anew. */
void dp_vmx_reindex(DpVmx *vmx);
/* Obeys the .encoding that the file has now. */
void dp_vmx_reload_encoding(DpVmx *vmx);
/* Adds to @diags what is strange about the file: malformed lines, duplicate keys, encoding. */
void dp_vmx_report(const DpVmx *vmx, DpDiagList *diags);
