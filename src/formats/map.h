/* SPDX-License-Identifier: GPL-2.0-or-later */
/* passthru.map: which reset a device gets and whether its functions may be split. Rules:
 * docs/formats.md. */
#pragma once

#include "base/diag.h"
#include "base/error.h"
#include "id-line.h"

#define DP_MAP_MAX_BYTES (1u << 20)

/* Where the two files lie beneath the root, in the order in which they count. */
#define DP_MAP_SHIPPED "usr/share/directpath/passthru.map"
#define DP_MAP_OWN     "etc/directpath/passthru.map"

typedef enum {
    DP_MAP_DEFAULT,
    DP_MAP_FLR,
    DP_MAP_D3D0,
    DP_MAP_LINK,
    DP_MAP_BRIDGE,
} DpMapMethod;

typedef struct {
    uint16_t vendor, device; /* 0xffff: any */
    DpMapMethod method;
    bool shareable;
    unsigned line;    /* from 1 */
    const char *file; /* as it was named to dp_map_add; owned by the map */
} DpMapEntry;

typedef struct DpMap DpMap;

DpMap *dp_map_new(void);
/* Adds the entries of one file after those already there. Lines that do not parse are left out with
 * a warning that names line and likely word. */
bool dp_map_add(
    DpMap *map, const char *name, const char *bytes, size_t len, DpDiagList *diags, GError **error);
void dp_map_free(DpMap *map);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpMap, dp_map_free)

/* Most specific entry wins (both ids, then device wildcard, then vendor wildcard, then both); among
 * equals the later. NULL if none. Entries live as long as the map. */
const DpMapEntry *dp_map_lookup(const DpMap *map, uint16_t vendor, uint16_t device);
/* True if @entry is about the device, whether or not another entry counts for it. */
bool dp_map_entry_fits(const DpMapEntry *entry, uint16_t vendor, uint16_t device);
/* True if @entry is of the file that comes with this program, and so not the administrator's. */
bool dp_map_entry_is_shipped(const DpMapEntry *entry);
/* All entries, in their order. */
guint dp_map_len(const DpMap *map);
const DpMapEntry *dp_map_entry(const DpMap *map, guint position);
/* "flr", "d3d0", "link", "bridge", "default". */
const char *dp_map_method_name(DpMapMethod method);
/* The form of its lines. */
const DpIdSpec *dp_map_spec(void);
