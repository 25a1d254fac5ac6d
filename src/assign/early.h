/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Claiming before the drivers come: in the initramfs, at the start of the boot, and when a card is
 * plugged in. Only driver_override is written, of functions that no driver has; who probes them
 * next is vfio-pci or nobody. Loading one card's driver binds all its twins at once, so this has to
 * be by address, and first.
 */
#pragma once

#include "assign.h"

/* Claims what is stored, if a person or `device apply` has judged it once (it has a card on record)
 * and the card at the address is that one. Looks at the host by itself; takes the store's lock if
 * it is free, and leaves everything to `device apply` if it is not. False with @error if the store
 * cannot be used; one function that fails is told and leaves the others alone. */
bool dp_assign_early(DpRoot *root, int64_t until_us, DpOutcome *outcome, GError **error);

/* Says so if the driver that has @fn is built into the kernel: nothing can claim before it does. */
void dp_early_note_builtin(const DpChange *change, const DpFunction *fn, DpOutcome *outcome);
