/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that VMs of this host have been promised. What a VM has taken the kernel knows and leaves
 * out of MemAvailable; what it was promised at power-on and has not taken yet only its record
 * tells.
 */
#pragma once

#include "run.h"
#include "state.h"

/* Bytes of its promise that the engine does not hold: all of them until there is an engine, none
 * once that has ended. */
uint64_t dp_ledger_missing(DpRoot *root, const DpRunState *state);

/* For DpPlanInput.promises: of all @runs but the one of @vmx_path. The caller unrefs it; names are
 * those of @runs. */
GArray *dp_ledger_promises(const GPtrArray *runs, const char *vmx_path);
