/* SPDX-License-Identifier: GPL-2.0-or-later */
/* passthru.map: which reset a device gets and whether its functions may be split. Rules:
 * docs/formats.md. */
#pragma once

#include "base/diag.h"
#include "base/error.h"

#include <stdint.h>

#define DP_MAP_MAX_BYTES (1u << 20)

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
    unsigned line;
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
 * equals the later. NULL if none. */
const DpMapEntry *dp_map_lookup(const DpMap *map, uint16_t vendor, uint16_t device);
/* "flr", "d3d0", "link", "bridge", "default". */
const char *dp_map_method_name(DpMapMethod method);
