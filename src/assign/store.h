/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ownership store on disk: etc/directpath/esx.conf beneath a root, under a lock. */
#pragma once

#include "formats/compat.h"
#include "formats/esxconf.h"
#include "formats/map.h"
#include "host/root.h"

#include <jansson.h>

/* Reads the store; a missing file is an empty store. A broken line is a note in @diags. */
DpEsxconf *dp_store_load(DpRoot *root, DpDiagList *diags, GError **error);

/* Writes it atomically (dp_file_replace). The caller holds the lock. */
bool dp_store_save(DpRoot *root, const DpEsxconf *conf, GError **error);

/* Makes what the store says durable before anything is built on it: a command may have been killed
 * between its rename and the sync of the folder. */
bool dp_store_sync(DpRoot *root, GError **error);

/* Gives @conf a systemId if it has none: the first write makes it. True if @conf changed. */
bool dp_store_ensure_system_uuid(DpEsxconf *conf);

/* Takes the one lock of this program beneath @root (run/directpath/lock when live, else
 * etc/directpath/lock); -1 with DP_ERROR_BUSY naming the holder's pid. */
int dp_store_lock(DpRoot *root, int timeout_ms, GError **error);

/* The effective passthru.map: the shipped file, then the administrator's. Missing files are fine.
 */
DpMap *dp_store_load_map(DpRoot *root, DpDiagList *diags, GError **error);
/* Adds one of them (DP_MAP_SHIPPED, DP_MAP_OWN) to @map. */
bool
dp_store_add_map(DpRoot *root, DpMap *map, const char *path, DpDiagList *diags, GError **error);

/* The administrator's compatibility list; a missing file is an empty one. */
DpCompat *dp_store_load_compat(DpRoot *root, DpDiagList *diags, GError **error);

/* Opens the folder @path beneath @root ("etc/directpath"), making what is missing of it 0755 and
 * durable. A descriptor, or -1. */
int dp_store_folder(DpRoot *root, const char *path, GError **error);

/* Writes @document atomically as the file @name of that folder @path, with these flags of
 * json_dumps. Takes @document. */
bool dp_store_save_json(DpRoot *root,
                        const char *path,
                        const char *name,
                        json_t *document,
                        size_t flags,
                        GError **error);
