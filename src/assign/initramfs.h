/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The copy of the store in the initramfs, from which functions are claimed before any driver comes.
 */
#pragma once

#include "assign.h"

/* True if initramfs-tools beneath @root copies the store into the initramfs. */
bool dp_initramfs_copies(DpRoot *root);

/* The store has changed: says how the copy is made anew, if there is one. */
void dp_initramfs_note(DpRoot *root, DpDiagList *diags);
