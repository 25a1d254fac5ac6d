/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lines of one or more lists of devices, and which of them counts for a device: the most
 * specific (both ids, then any device of the vendor, then that device of any vendor, then any), and
 * of equally specific ones the last.
 */
#pragma once

#include "base/error.h"
#include "id-line.h"

#define DP_ID_FILE_MAX_BYTES (1u << 20)

typedef struct DpIdTable DpIdTable;

/* @spec must outlive the table. */
DpIdTable *dp_id_table_new(const DpIdSpec *spec);
void dp_id_table_free(DpIdTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpIdTable, dp_id_table_free)

/* Adds the lines of one file after those already there. A line that does not parse is left out with
 * a warning that names line and likely word. False: too large, or not text (DP_ERROR_PARSE). */
bool dp_id_table_add(DpIdTable *table,
                     const char *name,
                     const char *bytes,
                     size_t len,
                     DpDiagList *diags,
                     GError **error);

/* The row that counts for a device, or NULL; rows live as long as the table. */
const DpIdRow *dp_id_table_lookup(const DpIdTable *table, uint16_t vendor, uint16_t device);
/* How specific a row is: 3 both ids, 2 any device of a vendor, 1 that device of any vendor, 0 any.
 */
unsigned dp_id_row_weight(uint16_t vendor, uint16_t device);
/* All rows, in their order. */
guint dp_id_table_len(const DpIdTable *table);
const DpIdRow *dp_id_table_row(const DpIdTable *table, guint position);
