/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An ESX host's esx.conf against this host: which of its passthru lines may be taken over here, and
 * why the others may not. Of its thousands of lines owners, vmknames and the systemId are taken.
 */
#pragma once

#include "assign.h"

typedef enum {
    DP_IMPORT_ACCEPTED, /* may be stored, and is with dp_assign_import */
    DP_IMPORT_STORED,   /* is so already */
    DP_IMPORT_REFUSED,  /* a rule says no */
    DP_IMPORT_ABSENT,   /* there is no function at the address */
} DpImportResult;

/* "accepted", "stored", "refused", "absent". */
const char *dp_import_result_name(DpImportResult result);

typedef struct {
    DpAddr addr;
    char name[DP_ADDR_LEN];
    const DpFunction *fn; /* what is at the address here; NULL: nothing */
    GPtrArray *functions; /* DpFunction that the line gives away: more than one behind a bridge */
    DpImportResult result;
    DpDiagList *reasons; /* why it is refused */
} DpImportEntry;

typedef struct {
    DpAddr addr;
    const char *vmkname; /* borrowed from the file */
    bool taken;          /* there is a function here, and it is a name */
} DpImportName;

typedef struct {
    GPtrArray *entries; /* DpImportEntry, by address */
    GArray *names;      /* DpImportName, in the order of the file */
    const char *uuid;   /* /system/uuid of the file, borrowed; NULL: none */
    char *own;          /* the one here before; NULL: none */
    bool replace;       /* own gives way to uuid */
} DpImport;

/* Judges the lines of @from. @from and the host must outlive the result. */
DpImport *dp_import_new(const DpChange *change, const DpEsxconf *from);
/* True if the file's systemId is stored: there is none here, or another one that gives way. */
bool dp_import_takes_uuid(const DpImport *import);
void dp_import_free(DpImport *import);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpImport, dp_import_free)

/* Stores systemId and names, then enables what was accepted, as dp_assign_enable does. The caller
 * holds the lock. @ret_stored (may be NULL): systemId and names are stored, whatever came after. */
bool dp_assign_import(const DpChange *change,
                      const DpImport *import,
                      DpOutcome *outcome,
                      bool *ret_stored,
                      GError **error);
