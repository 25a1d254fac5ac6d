/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's interrupt lines. q35 has eight for PCI, interrupts 16 to 23 of its I/O APIC; which
 * one a pin reaches follows from where the device sits.
 */
#pragma once

#include "build.h"

#define DP_LINE_BASE 16 /* number of the first */

/* The pin by which a virtual device @driver of QEMU interrupts, if it has nothing but INTx; 0
 * otherwise. */
unsigned dp_line_driver_pin(const char *driver);

/* The pin by which @device will interrupt: it has neither MSI nor MSI-X, or the VMX promises INTx.
 * 0: it has messages, or no pin. */
unsigned dp_line_device_pin(const DpVmDevice *device);

/* Bit N is set: line N belongs to a passed-through function (@passthru) or to a virtual device with
 * INTx (@emulated), @self left out. */
unsigned dp_lines_used(const DpBuild *build, bool passthru, bool emulated, const char *self);

/* The pin of what @prefix will be: of a passed-through function, or of a virtual device that
 * interrupts by INTx only; 0 where lines do not matter to it. */
unsigned dp_line_pin(const DpBuild *build, const char *prefix);
