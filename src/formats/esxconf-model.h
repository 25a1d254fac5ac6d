/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of esxconf share; nobody else includes it. */
#pragma once

#include "esxconf.h"
#include "lines.h"

typedef enum {
    DP_ESXCONF_OTHER,   /* of another part of ESX, blank, a comment, or not understood */
    DP_ESXCONF_OWNER,   /* /device/ADDRESS/owner */
    DP_ESXCONF_VMKNAME, /* /device/ADDRESS/vmkname */
    DP_ESXCONF_SYSTEM,  /* /system/uuid */
} DpEsxconfKind;

typedef struct {
    char *text; /* NUL-terminated, without its end */
    size_t len;
    const char *end;
    DpEsxconfKind kind;
    DpAddr addr;
    size_t value, value_len; /* what is between the quotes, as a span of @text */
    char *shown_value;       /* the same as a string */
} DpEsxconfLine;

struct DpEsxconf {
    GPtrArray *lines;   /* DpEsxconfLine, owned */
    GHashTable *owners; /* packed address to DpEsxconfLine: the last of each address */
    GHashTable *names;
    DpEsxconfLine *system;
};

/* "vmkernel", "passthru". */
const char *dp_owner_word(DpOwner owner);
/* Takes @text over. */
DpEsxconfLine *dp_esxconf_line_new(char *text, size_t len, const char *end);
/* Reads the text of @line anew. */
void dp_esxconf_line_scan(DpEsxconfLine *line);
/* After lines came, went or changed. */
void dp_esxconf_reindex(DpEsxconf *conf);
/* The last line of @kind for @addr, or NULL. */
DpEsxconfLine *dp_esxconf_find(const DpEsxconf *conf, DpEsxconfKind kind, const DpAddr *addr);
/* Adds to @diags what is strange about the file. */
void dp_esxconf_report(const DpEsxconf *conf, const char *name, DpDiagList *diags);
