/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a passed-through function interrupts, on the host and in the guest. */
#pragma once

#include "qmp.h"

#include <glib.h>
#include <stdint.h>

#define DP_STATUS_MODE 16

/* The vectors of function @name in the text of /proc/interrupts: [{"irq","vector","count"}], a new
 * reference, with counts summed over processors. @ret_mode of DP_STATUS_MODE receives "msix",
 * "msi", "intx" or "none". */
json_t *dp_status_interrupts(const char *text, const char *name, char *ret_mode);

/* Who else is on the line by which function @name interrupts, in the kernel's own words
 * ("i801_smbus"): an array of strings, a new reference; empty unless it uses INTx. */
json_t *dp_status_line_users(const char *text, const char *name);

typedef struct {
    const char *mode; /* "msix", "msi", "intx", "none": static */
    unsigned vectors; /* 1 for INTx, that are enabled for MSI, of the table for MSI-X */
} DpGuestInterrupts;

/* Reads the 32-bit word at @offset of a function's configuration space as the guest sees it. */
typedef bool (*DpGuestRead)(void *user, unsigned offset, uint32_t *ret_word);

/* What a driver of the guest has switched on, from command register, pin and the capabilities MSI
 * and MSI-X (PCI Local Bus 3.0, 6.2.2 and 6.8). False if the function does not answer. */
bool dp_guest_judge(DpGuestRead read, void *user, DpGuestInterrupts *ret);

/* The same of the guest behind @qmp (may be NULL), where the function is at @function
 * ("0000:03:00.0"). It reads the words above and no others. */
bool dp_guest_interrupts(DpQmp *qmp, const char *function, DpGuestInterrupts *ret);

/* The word in the answer of the monitor to "xp /1wx ADDRESS". */
bool dp_guest_word(const char *answer, uint32_t *ret_word);
