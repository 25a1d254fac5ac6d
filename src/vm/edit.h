/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Edits of a VMX as vSphere's Edit Settings makes them: pure, over the lines of the file. Each sets
 * what is missing or wrong and leaves what is right, so that a second time changes nothing; keys
 * that it does not name keep every byte. The strings written are ASCII, the same in every encoding.
 */
#pragma once

#include "vm.h"

/* A key that an edit has added, changed or removed. */
typedef struct {
    char *key;
    char *old_value; /* shown; NULL: it was not there */
    char *new_value; /* shown; NULL: it is gone */
} DpVmxChange;

/* What differs, a GPtrArray of DpVmxChange in the order of @after, then what is gone. Secrets are
 * masked. @before NULL: there was nothing. */
GPtrArray *dp_edit_diff(const DpVmx *before, const DpVmx *after);

/* pciBridge0 and pciBridge4 to 7 with all their keys, as ESX writes them from hardware version 7
 * on. What a bridge says already stays; one that says present = FALSE is left alone. A bridge whose
 * usual place is taken gets the next free one. */
bool dp_edit_bridges(DpVmx *vmx, GError **error);

/* Raises the hardware version to 7 if it is lower or not there, and adds the bridges. */
bool dp_edit_upgrade(DpVmx *vmx, GError **error);

/* The memory reservation becomes memsize: sched.mem.min, or sched.mem.minsize where the file spells
 * it so. */
bool dp_edit_reserve(DpVmx *vmx, GError **error);

/* True if a pciPassthruN of the file is present. */
bool dp_edit_has_passthru(const DpVmx *vmx);

/* The lowest N for which pciPassthruN is free: absent, or a stub that says nothing but that it is
 * not present. */
unsigned dp_edit_free_index(const DpVmx *vmx);

/* pciPassthru@index becomes @fn of the host @system_id (as a VMX writes it). virtualDev "pci" is
 * added for a function without PCI Express; other keys of the entry stay. */
bool dp_edit_passthru(
    DpVmx *vmx, unsigned index, const DpFunction *fn, const char *system_id, GError **error);

/* Writes the places that the plan chose, of @prefix ("pciPassthru0") or of all (NULL). */
bool dp_edit_slots(DpVmx *vmx, const DpPlan *plan, const char *prefix, GError **error);

/* Removes every key of pciPassthru@index; false if it has none. */
bool dp_edit_remove(DpVmx *vmx, unsigned index);
