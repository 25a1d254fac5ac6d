/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of ESX and what they are on this host: etc/directpath/datastores (a folder) and
 * etc/directpath/networks (a bridge, the user network of the engine, or nothing). A line is
 * NAME = VALUE; either may be in double quotes; # starts a comment line. Rules: docs/formats.md.
 */
#pragma once

#include "base/diag.h"
#include "base/error.h"

#include <glib.h>

#define DP_ALIASES_MAX_BYTES  (1u << 20)
#define DP_ALIASES_DATASTORES "etc/directpath/datastores"
#define DP_ALIASES_NETWORKS   "etc/directpath/networks"

typedef enum { DP_ALIAS_DATASTORES, DP_ALIAS_NETWORKS } DpAliasKind;

typedef struct DpAliases DpAliases;

DpAliases *dp_aliases_new(DpAliasKind kind);
void dp_aliases_free(DpAliases *names);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpAliases, dp_aliases_free)

/* Adds the lines of one file, called @file in messages. A line that does not parse is left out with
 * a warning; of two lines with one name the later holds, with a warning. False if it is no text. */
bool dp_aliases_read(DpAliases *names,
                     const char *file,
                     const char *bytes,
                     size_t len,
                     DpDiagList *diags,
                     GError **error);

/* The value of @name, letter by letter, or NULL; as long as @names lives. Both may be NULL. */
const char *dp_aliases_lookup(const DpAliases *names, const char *name);
/* All values, in no order: a GPtrArray of borrowed strings. @names may be NULL. */
GPtrArray *dp_aliases_values(const DpAliases *names);
/* The line that would give @name @value; the caller frees it. */
char *dp_aliases_line(const char *name, const char *value);

typedef enum { DP_NETWORK_NONE, DP_NETWORK_USER, DP_NETWORK_BRIDGE } DpNetworkKind;

#define DP_BRIDGE_LEN 16 /* IFNAMSIZ */

typedef struct {
    DpNetworkKind kind;
    char bridge[DP_BRIDGE_LEN]; /* DP_NETWORK_BRIDGE: its name */
} DpNetworkTarget;

/* "none", "user" or "bridge:NAME" with a name that an interface can have. */
bool dp_network_parse(const char *word, DpNetworkTarget *ret_target);
