/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "run.h"

#define DP_STATUS_MODE 16

/* The vectors of function @name in the text of /proc/interrupts: [{"irq","vector","count"}], a new
 * reference, with counts summed over processors. @ret_mode of DP_STATUS_MODE receives "msix",
 * "msi", "intx" or "none". */
json_t *dp_status_interrupts(const char *text, const char *name, char *ret_mode);
