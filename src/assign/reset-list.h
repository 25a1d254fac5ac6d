/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For the length of a reset the kernel's list of a function's resets (sysfs reset_method) holds one
 * word alone. What it held before is written down first, in run/directpath/reset-lists, so that the
 * next command puts it back if this one dies. Callers hold the store's lock.
 */
#pragma once

#include "assign.h"

/* Writes @word into reset_method of @name, which holds @list. */
bool dp_reset_list_narrow(
    DpRoot *root, const char *name, const char *list, const char *word, GError **error);

/* Puts @list back; a warning in @diags, and the record is kept, if the kernel refuses. */
void dp_reset_list_widen(DpRoot *root, const char *name, const char *list, DpDiagList *diags);

/* Puts back what a command that died has left narrow, and says so in @outcome. A list that another
 * has changed since is left alone. */
bool dp_reset_list_recover(DpRoot *root, DpOutcome *outcome, GError **error);
