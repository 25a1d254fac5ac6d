/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Takes out of texts for strangers what is nobody's business: serial numbers, MAC and IP addresses,
 * passwords, names of hosts, users and virtual machines. Each becomes a stand-in with a number
 * ("host1"), the same one for the same thing, so that it can still be seen what belongs together.
 * Two things find them: words that were learned from the host, and the forms that such things have.
 */
#pragma once

#include "host.h"

#include <jansson.h>

typedef enum {
    DP_MASK_HOST,   /* "host1" */
    DP_MASK_USER,   /* "user1" */
    DP_MASK_SERIAL, /* "serial1" */
    DP_MASK_SECRET, /* "secret1" */
    DP_MASK_VM,     /* "vm1" */
    DP_MASK_FILE,   /* "file1" */
    DP_MASK_MAC,    /* "02:00:00:00:00:01" */
    DP_MASK_UUID,   /* "00000000-0000-0000-0000-000000000001", as the original is divided */
    DP_MASK_IP,     /* "address1" */
    DP_MASK_HEX,    /* "hex1" */
    DP_MASK_N,
} DpMaskKind;

typedef struct DpMask DpMask;

DpMask *dp_mask_new(void);
void dp_mask_free(DpMask *mask);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpMask, dp_mask_free)

/* From now on @word is replaced wherever it stands as a word, in any case. One that is too short to
 * be told from any other, or is everybody's ("localhost", "root"), is not learned. */
void dp_mask_learn(DpMask *mask, DpMaskKind kind, const char *word);
/* From now on @word stays, whatever it looks like. */
void dp_mask_keep(DpMask *mask, const char *word);

/* What stands for @word as a whole; owned by @mask. */
const char *dp_mask_token(DpMask *mask, DpMaskKind kind, const char *word);

/* @text without both. */
char *dp_mask_text(DpMask *mask, const char *text);
/* @text without the words that were learned; what only looks like something stays. */
char *dp_mask_words(DpMask *mask, const char *text);
/* A new value: each string without both, and of keys such as "serial" the whole. */
json_t *dp_mask_json(DpMask *mask, const json_t *value);

/* Learns the names, users, serial numbers and addresses of the host beneath @root; @host is its
 * scan. */
void dp_mask_learn_host(DpMask *mask, const DpRoot *root, const DpHost *host);

/* What becomes of the text of file @name of a capture (DpTarFilter), whose forms were taken out
 * when it was made: in what people have named, the words that were learned. NULL: it stays. */
char *dp_mask_capture(void *mask, const char *name, const char *text);
