/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small conversions between VMware's and QEMU's notations. */
#pragma once

#include <stdbool.h>

#define DP_UUID_LEN 37

/* "56 4d ... - ..." as a VMX writes it to the text form of the same SMBIOS bytes; @ret_uuid of
 * DP_UUID_LEN. False if @text is not sixteen bytes in hex. */
bool dp_machine_uuid(const char *text, char *ret_uuid);

/* @text as a value of a comma-separated option of QEMU; the caller frees it. */
char *dp_machine_escape(const char *text);
