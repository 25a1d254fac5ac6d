/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has changed on the host since a good boot. */
#pragma once

#include "boots.h"
#include "policy/policy.h"

typedef enum {
    DP_DRIFT_ADDED,
    DP_DRIFT_GONE,
    DP_DRIFT_MOVED,    /* the card is at another address */
    DP_DRIFT_REPLACED, /* another card is at the address */
    DP_DRIFT_GROUP,    /* its IOMMU group has other members */
    DP_DRIFT_DRIVER,   /* another driver has it, and the store does not tell why */
} DpDriftKind;

/* "added", "gone", "moved", "replaced", "group", "driver". */
const char *dp_drift_kind_name(DpDriftKind kind);

/* What `was` or `is` says of a function without an IOMMU group. */
#define DP_DRIFT_NO_GROUP "no group"

typedef struct {
    DpDriftKind kind;
    char name[DP_ADDR_LEN];     /* its address now; where it was if it is gone */
    const DpBootFunction *then; /* NULL: added; borrowed from the boot */
    const DpFunction *now;      /* NULL: gone; borrowed from the host */
    char *was, *is;             /* moved: addresses; group: its members; driver; else NULL */
} DpDrift;

/* By address: a GPtrArray of DpDrift. Numbers of groups may change from boot to boot; only their
 * members count. A driver that `device enable` or `device disable` changed is no drift. */
GPtrArray *dp_drift_find(const DpBoot *then, const DpHost *now, const DpEsxconf *conf);
