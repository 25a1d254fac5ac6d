/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The value of .encoding: a converter name of ICU, and how to show text that it encodes. */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef struct DpVmxEncoding DpVmxEncoding;

/* @name as in the file, NULL for none (then UTF-8). Never NULL; an unknown name gives a converter
 * that makes the bytes visible. */
DpVmxEncoding *dp_vmx_encoding_new(const char *name);
void dp_vmx_encoding_free(DpVmxEncoding *encoding);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpVmxEncoding, dp_vmx_encoding_free)

/* False if the name is not in the table, or this machine has no converter for it. */
bool dp_vmx_encoding_known(const DpVmxEncoding *encoding);

/* @value for display: UTF-8 without control characters. @ret_valid (may be NULL) tells whether the
 * bytes are valid in the encoding; else they are shown as they are, broken ones as \xNN. The caller
 * frees it. */
char *dp_vmx_encoding_show(const DpVmxEncoding *encoding, const char *value, bool *ret_valid);

/* UTF-8 text @shown in the encoding; NULL where it has no such character or is not known. The
 * caller frees it. */
char *dp_vmx_encoding_encode(const DpVmxEncoding *encoding, const char *shown);
