/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VMX for strangers. */
#pragma once

#include "formats/vmx.h"
#include "host/mask.h"

/* The keys of @vmx, each on the line that it has; the values of those of which they matter and tell
 * nothing about anybody, "(masked)" for all others. Comments, and lines that are not read, are left
 * out. */
char *dp_vmx_masked(const DpVmx *vmx, DpMask *mask);

/* Learns what the VM at @path and its files are called; @vmx may be NULL. */
void dp_vmx_mask_learn(const DpVmx *vmx, const char *path, DpMask *mask);
