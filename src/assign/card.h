/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tells one card from another: its ids, its Device Serial Number or the permanent address of
 * its network interface, and the place where it sits. Kept beside the store and in the record of
 * the last good boot, and compared with what a scan finds at the same address or elsewhere.
 */
#pragma once

#include "host/host.h"

typedef struct {
    bool ids_known;
    uint16_t vendor, device;
    uint16_t subvendor, subdevice; /* 0 or 0xffff: none or unknown */
    char *serial; /* "00-1b-21-ff-ff-aa-bb-cc", as lspci writes it; NULL: unknown */
    char *mac;    /* NULL: unknown */
    char *path;   /* dp_function_path; NULL: unknown */
    char *name;   /* for people; NULL: unknown */
} DpCard;

/* The name is left to the caller. */
DpCard *dp_card_of(const DpFunction *fn);
DpCard *dp_card_new(void);
void dp_card_free(DpCard *card);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpCard, dp_card_free)

/* {"vendor","device","subsystem_vendor","subsystem_device","serial","mac","path","name"} without
 * what is unknown; written into @object. */
void dp_card_to_json(const DpCard *card, json_t *object);
/* Never NULL: what is strange in @object (may be NULL) is unknown. */
DpCard *dp_card_from_json(const json_t *object);

/* From no to yes. Where something is unknown on either side it tells nothing. */
typedef enum {
    DP_CARD_OTHER_MODEL, /* the ids differ */
    DP_CARD_OTHER,       /* serial number or MAC differ */
    DP_CARD_ELSEWHERE,   /* the same model, which nothing tells apart, in another place */
    DP_CARD_ALIKE,       /* the same model, and nothing speaks against it */
    DP_CARD_SAME,        /* serial number or MAC are the same */
} DpCardMatch;

DpCardMatch dp_card_compare(const DpCard *a, const DpCard *b);

/* Takes from @from what @card does not know; true if that was anything. */
bool dp_card_learn(DpCard *card, const DpCard *from);

/* "82574L Gigabit Network Connection (8086:10d3), serial 52-54-..., at 0000:00:04.0/00.0" of what
 * is known, made visible. */
char *dp_card_describe(const DpCard *card);
