/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files about the host's needs share: indexes of the snapshot, and how a need is said. */
#pragma once

#include "private.h"

#define DP_NEED_MAX_DEPTH 32 /* of volumes on volumes, interfaces on interfaces */
#define DP_NEED_MAX_NAMED 3  /* mounts of one device, and the like; the rest is counted */

typedef struct {
    DpJudge *judge;
    GHashTable *nets;          /* DpNet.name -> DpNet */
    GHashTable *net_members;   /* names of interfaces that another one is made of */
    GHashTable *blocks;        /* DpBlock.name -> DpBlock */
    GHashTable *devnos;        /* DpBlock.devno -> DpBlock */
    GHashTable *block_members; /* names of devices that another one is made of */
    GHashTable *mounts;        /* DpBlock -> GPtrArray of DpMount */
    GPtrArray *unseen; /* char *: what is needed over a network by a way that no file tells */
} DpNeeds;

/* need.c */
/* Says that the host needs the function of that name, unless it is one that never goes. An error
 * counts for its unit too. */
void dp_need_add(const DpNeeds *needs, const char *function, DpDiagId id, const char *fmt, ...)
    G_GNUC_PRINTF(4, 5);
/* True if function @name goes together with function @with. */
bool dp_need_in_unit(const DpNeeds *needs, const char *name, const char *with);
/* "A and B and 2 more" of strings. */
char *dp_need_join(const GPtrArray *items);

/* need-net.c */
void dp_needs_of_nets(const DpNeeds *needs);
/* Refuses what interface @net stands on: "0000:03:00.0 is eth0, beneath br0, USE". */
void dp_need_net(const DpNeeds *needs, const char *net, DpDiagId id, const char *use);

/* need-disk.c */
void dp_needs_of_disks(const DpNeeds *needs);
/* Refuses what @block stands on: "0000:03:00.0 carries sda, sda1, which USE". */
void dp_need_block(const DpNeeds *needs, const DpBlock *block, DpDiagId id, const char *use);

/* True if a host does not start or run without what is mounted at @mountpoint. */
bool dp_need_is_system(const char *mountpoint);
/* need-await.c: what is not in use yet. */
void dp_needs_of_awaited(const DpNeeds *needs);

/* need-place.c: files and folders of the host, wherever they lie. */
void dp_needs_of_places(const DpNeeds *needs);
/* need-peer.c: other machines. */
void dp_needs_of_peers(const DpNeeds *needs);
/* need-unseen.c: notes what leads over a network nobody knows where, in words ("wg0 (WireGuard),
 * which carries the default route"); then says it of each function with a network interface. */
void dp_need_unseen(const DpNeeds *needs, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
void dp_needs_of_unseen(const DpNeeds *needs);
/* need-seat.c: keyboards and consoles. */
void dp_needs_of_seats(const DpNeeds *needs);
