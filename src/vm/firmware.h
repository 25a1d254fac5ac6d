/* SPDX-License-Identifier: GPL-2.0-or-later */
/* EFI firmware of guests: which files of the host's package, and what of it is the VM's own. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Where Debian's package ovmf has its files. */
#define DP_EFI_FOLDER "/usr/share/OVMF"

/* So much of a file of variables tells what it is. */
#define DP_EFI_VARS_HEAD 56

typedef struct {
    const char *code;   /* the firmware: read by the engine, written by nobody */
    const char *vars;   /* the template of its variables */
    const char *suffix; /* of the VM's own variables, in place of ".vmx" */
} DpEfiFirmware;

/* Without and with secure boot. Each has variables of its own: a file that began without
 * certificates would leave secure boot off without a word. */
extern const DpEfiFirmware dp_efi_firmware[2];

/* True if a file that begins with @head is a volume of firmware variables. */
bool dp_efi_is_vars(const char *head, size_t len);
