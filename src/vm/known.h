/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VMX files that this host knows of: those of VMs that run, and those that were ever powered on
 * here, one absolute path a line in var/lib/directpath/vms. Who takes a card away wants to know
 * which of them still name it.
 */
#pragma once

#include "assign/card.h"
#include "formats/vmx.h"

/* Adds @vmx_path to the list unless it is there. The caller holds the store's lock. */
bool dp_known_add(DpRoot *root, const char *vmx_path, GError **error);

typedef struct {
    char *path;
    DpVmx *vmx;
} DpKnownVm;

/* Those whose file still exists and can be read: a GPtrArray of DpKnownVm, by path. Files lie where
 * they want, on a server that does not answer too: what has not been read within two seconds is
 * left out. @runs: DpRun, whose files are known as well. */
GPtrArray *dp_known_vms(DpRoot *root, const GPtrArray *runs);

/* The same of @paths (char *, absolute, beneath @root): those whose file can be read. */
GPtrArray *dp_known_read(DpRoot *root, const GPtrArray *paths);

/* True if nothing is at @path (absolute, beneath @root): what cannot be read, or does not answer
 * within two seconds, is not gone. */
bool dp_known_gone(DpRoot *root, const char *path);

/* The N of the first pciPassthruN that is present and names @addr, and the model of @card where
 * both tell one (@card may be NULL); -1: none does. */
int dp_known_names(const DpKnownVm *vm, const DpAddr *addr, const DpCard *card);
