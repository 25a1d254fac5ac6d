/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Capabilities out of the bytes of configuration space: a pure function, bounded against loops. */
#pragma once

#include "host.h"

/* What was wrong with the chain; bits. */
typedef enum {
    DP_CAPS_OK = 0,
    DP_CAPS_LOOP = 1 << 0,    /* a capability was reached twice, or there were too many */
    DP_CAPS_POINTER = 1 << 1, /* a pointer leads into the header or out of the space */
    DP_CAPS_CUT = 1 << 2,     /* a capability is cut off by the end of the space */
} DpCapsFault;

/* Everything unknown. */
void dp_caps_init(DpCaps *caps);

/* Parses @len bytes of configuration space (0: none could be read). Returns the faults. */
unsigned dp_caps_parse(const uint8_t *config, size_t len, DpCaps *ret_caps);

/* True if the first 64 bytes are all ones: the function does not answer. */
bool dp_caps_all_ones(const uint8_t *config, size_t len);
