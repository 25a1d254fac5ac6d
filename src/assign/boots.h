/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host was at the end of a good boot: every function with its card, IOMMU group and
 * driver, in var/lib/directpath/last-good.json. `device apply` writes it when all is as stored. The
 * record of this boot and that of the last good one before it are kept, so that what changed from
 * one boot to the next can be told all through the boot.
 */
#pragma once

#include "card.h"

typedef struct {
    DpAddr addr;
    char name[DP_ADDR_LEN];
    DpCard *card;
    char *driver; /* NULL: none */
    int group;    /* -1: none */
    bool bridge;
} DpBootFunction;

typedef struct {
    char *boot_id;        /* "" unknown */
    char *time;           /* ISO 8601, UTC */
    char *kernel;         /* release; "" unknown */
    GPtrArray *functions; /* DpBootFunction, by address */
} DpBoot;

/* The host as it is now. @name_of (may be NULL) tells what people call a function; the caller frees
 * its result. */
DpBoot *dp_boot_of(DpRoot *root,
                   const DpHost *host,
                   char *(*name_of)(const DpFunction *fn, void *user),
                   void *user);
void dp_boot_free(DpBoot *boot);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpBoot, dp_boot_free)

/* Keeps @boot, and the last good one of another boot. The caller holds the store's lock. */
bool dp_boot_record(DpRoot *root, const DpBoot *boot, GError **error);

/* The last good boot: an earlier one if there is any, else this boot's own record. NULL without
 * error: none; a broken record is a warning in @diags and counts as none. */
DpBoot *dp_boot_last(DpRoot *root, DpDiagList *diags, GError **error);

/* The entry of @addr, or NULL. */
const DpBootFunction *dp_boot_find(const DpBoot *boot, const DpAddr *addr);
