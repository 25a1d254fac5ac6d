/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The grammar of one line of a VMX and the escapes of its values. Source: the behaviour of the
 * dictionary layer in VMware's open-vm-tools (lib/dict, lib/misc/escape), described in
 * docs/formats.md.
 */
#pragma once

#include "lines.h"

typedef enum {
    DP_VMX_LINE_BLANK,     /* white space only, or a comment */
    DP_VMX_LINE_ENTRY,     /* name = value */
    DP_VMX_LINE_MALFORMED, /* anything else: kept, never read */
} DpVmxLineKind;

/* Where the parts of an entry are, as offsets into the line. */
typedef struct {
    DpVmxLineKind kind;
    bool open_quote; /* malformed because the closing quote is missing */
    size_t key, key_len;
    size_t value, value_len; /* what an edit replaces: with its quotes, if it has them */
    bool quoted;
} DpVmxSpans;

DpVmxSpans dp_vmx_line_scan(const char *line, size_t len);

/* True if the grammar can hold @key: not empty, none of space, tab, CR, LF, '#' and '='. */
bool dp_vmx_key_valid(const char *key);

/* "|22" and the like become bytes; anything else after '|' stays. A NUL from "|00" ends the value
 * for its readers. The caller frees it. */
char *dp_vmx_unescape(const char *text, size_t len);
/* The reverse, upper case: control characters but tab, '"', '|' and DEL. The caller frees it. */
char *dp_vmx_escape(const char *value);
