/* SPDX-License-Identifier: GPL-2.0-or-later */
/* esx.conf, the store of ownership: lossless for every line that it did not write. Seed: ESXi
 * passthru config samples. */
#pragma once

#include "address.h"
#include "base/diag.h"

#define DP_ESXCONF_MAX_BYTES (4u << 20)
#define DP_ESXCONF_MAX_LINES 100000u

typedef enum { DP_OWNER_HOST, DP_OWNER_PASSTHRU } DpOwner;

typedef struct DpEsxconf DpEsxconf;

/* Never fails on content: lines that are not understood are kept and noted in @diags (may be NULL).
 * Over the limit or binary: error. */
DpEsxconf *dp_esxconf_parse(
    const char *name, const char *bytes, size_t len, DpDiagList *diags, GError **error);
DpEsxconf *dp_esxconf_new(void);
void dp_esxconf_free(DpEsxconf *conf);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpEsxconf, dp_esxconf_free)
GBytes *dp_esxconf_bytes(const DpEsxconf *conf);

/* What the line for @addr itself says; no entry: host. @ret_present (may be NULL) tells whether
 * there is a line. Last line wins. */
DpOwner dp_esxconf_owner(const DpEsxconf *conf, const DpAddr *addr, bool *ret_present);
/* Edits the line in place or appends one. True if anything changed. */
bool dp_esxconf_set_owner(DpEsxconf *conf, const DpAddr *addr, DpOwner owner);
bool dp_esxconf_remove_owner(DpEsxconf *conf, const DpAddr *addr);

/* Addresses whose own line says passthru, in file order: a GArray of DpAddr. */
GArray *dp_esxconf_passthru(const DpEsxconf *conf);

/* vmkname of @addr ("vmnic0"), or NULL; owned by @conf. */
const char *dp_esxconf_vmkname(const DpEsxconf *conf, const DpAddr *addr);
/* Visible ASCII without quotes: "vmnic0". */
bool dp_esxconf_name_valid(const char *name);
/* As dp_esxconf_set_owner. False, and nothing changed, if @name is not valid. */
bool dp_esxconf_set_vmkname(DpEsxconf *conf, const DpAddr *addr, const char *name);
/* Addresses that have a vmkname, in file order: a GArray of DpAddr. */
GArray *dp_esxconf_named(const DpEsxconf *conf);

/* How many lines of each kind there are. */
typedef struct {
    unsigned lines;  /* all */
    unsigned owners; /* /device/ADDRESS/owner */
    unsigned names;  /* /device/ADDRESS/vmkname */
    unsigned others; /* of other parts of ESX, blank, comments, not understood */
} DpEsxconfCount;
DpEsxconfCount dp_esxconf_count(const DpEsxconf *conf);

/* /system/uuid, or NULL; owned by @conf. Written as ESX does: 8-8-4-12
 * ("473027ac-5705f21d-6d09-000c2918f3dd"). */
const char *dp_esxconf_system_uuid(const DpEsxconf *conf);
bool dp_esxconf_set_system_uuid(DpEsxconf *conf, const char *uuid);
/* A random (version 4) uuid in that form; the caller frees it. */
char *dp_esxconf_make_system_uuid(void);
/* Compares two systemIds: 32 hex digits, dashes, white space and case ignored. False if either is
 * not one. */
bool dp_system_uuid_equal(const char *a, const char *b);
/* 8-4-4-4-12, as a VMX writes it ("48c4619b-6d58-18db-2a0e-000423d1e6f6"); NULL if @uuid is not 32
 * hex digits. */
char *dp_system_uuid_to_vmx(const char *uuid);
