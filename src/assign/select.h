/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which functions a change concerns, which lines of the store, and which rules say no. */
#pragma once

#include "assign.h"

typedef struct {
    GPtrArray *functions; /* DpFunction whose driver has to change, borrowed, by address */
    GArray *lines;        /* DpAddr whose line in the store changes, by address */
} DpSelection;

void dp_selection_free(DpSelection *selection);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpSelection, dp_selection_free)

/* What enabling (disabling) @addrs means; what is so already is left out. NULL with
 * DP_ERROR_REFUSED and the reasons in @outcome. */
DpSelection *dp_select_enable(
    const DpChange *change, const DpAddr *addrs, size_t n, DpOutcome *outcome, GError **error);
DpSelection *dp_select_disable(
    const DpChange *change, const DpAddr *addrs, size_t n, DpOutcome *outcome, GError **error);

/* Does the store give @fn to virtual machines? */
bool dp_stored_passthru(const DpChange *change, const DpFunction *fn);

/* Is it with vfio-pci until its reset succeeds, whatever the store says? */
bool dp_is_quarantined(const DpChange *change, const DpFunction *fn);

/* Says so in @outcome, this grave, and returns true if the kernel was booted with directpath=off.
 */
bool dp_report_claims_off(const DpChange *change, DpSeverity severity, DpOutcome *outcome);

const char *dp_used_by(const DpChange *change, const DpFunction *fn);

/* The assignable functions on the buses below @bridge: a new array of borrowed DpFunction. */
GPtrArray *dp_functions_below(const DpChange *change, const DpFunction *bridge);

/* What the two share. */
DpSelection *dp_selection_new(void);
void dp_selection_add(DpSelection *selection, const DpFunction *fn);
void dp_selection_add_line(DpSelection *selection, const DpAddr *addr);
void dp_selection_sort(DpSelection *selection);
bool dp_is_assignable(const DpChange *change, const DpFunction *fn);
void dp_report_absent(DpOutcome *outcome, const DpAddr *addr);
void dp_report_used(DpOutcome *outcome, const DpFunction *fn, const char *vm);
/* True, with @error, if an error was added to @outcome since it held @before diagnostics. */
bool dp_selection_refused(const DpOutcome *outcome, guint before, GError **error);
