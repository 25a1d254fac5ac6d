/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One change of a VMX file: read under a lock, edited in memory, shown, written as a whole. */
#pragma once

#include "vmplan.h"

typedef struct {
    DpVmxFile *file; /* its vmx is what is edited */
    DpVmx *before;   /* as it was read; NULL: there was no file */
    int folder;      /* of the file, locked: two commands do not write at once */
} DpVmxEdit;

/* Reads the file that argument 0 names. Refused where its VM is powered on, or where the file has
 * errors that an edit would hide. */
DpVmxEdit *dp_vmx_edit_begin(DpCli *cli, GError **error);
/* The same for a file that need not be there: then *ret_exists is false, and edit->file has a path
 * and no vmx yet. */
DpVmxEdit *dp_vmx_edit_begin_new(DpCli *cli, bool *ret_exists, GError **error);
void dp_vmx_edit_free(DpVmxEdit *edit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpVmxEdit, dp_vmx_edit_free)

/* Plans the VM before and after the edit, over @context's host (NULL: over none), and refuses with
 * what the edit makes wrong. Returns the plan after it, or NULL. */
DpPlan *
dp_vmx_edit_check(DpCli *cli, const DpContext *context, const DpVmxEdit *edit, GError **error);

/* Shows what changes and, unless --dry-run, writes it: "changed", "dry_run", "vmx", "edits". */
bool dp_vmx_edit_finish(DpCli *cli, const DpVmxEdit *edit, GError **error);

/* At power-on: writes the places that @plan chose into @file, which it was made of, and takes the
 * new content for what the VM was powered on from. Where it cannot (a file on read-only media, or
 * one that another has just changed) the VM starts all the same, with a warning in @diags. */
void dp_vmx_write_slots(const DpVmxFile *file, DpPlan *plan, DpDiagList *diags);

/* True if the file @path is not any more what @run was powered on from; then a note says so.
 * Unknown where the file cannot be read, or an older version powered it on. */
DpTri dp_vmx_changed_since(const char *path, const DpRun *run, DpDiagList *diags);

/* The same as dp_vmx_edit_finish without the writing: of the file @path. */
void dp_vmx_edit_report(DpCli *cli, const char *path, const GPtrArray *changes, bool dry);

/* vm-edit.c: sets what @word, "KEY=VALUE" in UTF-8, says. */
bool dp_vmx_edit_set(DpVmx *vmx, const char *word, GError **error);
