/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Power of a function that is enabled: it is kept awake (power/control is "on") and out of D3cold
 * (d3cold_allowed is 0), because a device that sleeps when its guest opens it may never wake, and
 * one that lost its power has lost its reset state. What was there before is recorded in
 * run/directpath/power and put back on release. A kernel without these files is left as it is; what
 * it refuses is a warning, never a reason to fail. Sources: Documentation/ABI/testing/
 * sysfs-devices-power and sysfs-bus-pci (d3cold_allowed). Callers hold the store's lock.
 */
#pragma once

#include "binding.h"

/* Records what is there, before function @name leaves @driver (NULL: none): vfio-pci allows runtime
 * suspend when it takes a function, so that later is too late. What is recorded already stays:
 * it was not put back since. */
void dp_power_note(DpRoot *root, const char *name, const char *driver, DpOutcome *outcome);

/* Keeps the function awake, if it was noted. After vfio-pci has it. */
void dp_power_hold(DpRoot *root, const char *name, DpOutcome *outcome);

/* Puts back what was recorded and forgets it. After the host's driver has it. What the kernel
 * refuses stays on record. */
void dp_power_release(DpRoot *root, const char *name, DpOutcome *outcome);

/* Puts back what stayed on record for functions that vfio-pci does not have, because the kernel
 * refused or a command died. Not while a change of drivers is under way. */
void dp_power_recover(DpRoot *root, DpOutcome *outcome);
