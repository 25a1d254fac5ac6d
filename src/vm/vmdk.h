/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a VMDK is, from its first bytes (VMware Virtual Disk Format 5.0). QEMU opens and writes
 * every path that a descriptor names, so the descriptor is read here first and QEMU is given the
 * data as a descriptor of ours.
 */
#pragma once

#include "base/diag.h"

#include <stdint.h>

/* Bytes of a disk's head that dp_vmdk_parse wants. */
#define DP_VMDK_HEAD (64u << 10)

typedef enum {
    DP_VMDK_SPARSE, /* one file, grain tables and descriptor inside */
    DP_VMDK_STREAM, /* the same, compressed: cannot be written */
    DP_VMDK_FLAT,   /* a descriptor whose one extent is a raw file beside it */
    DP_VMDK_SPLIT,  /* a descriptor whose extents, raw or sparse, are several files beside it */
} DpVmdkKind;

/* Extents of a split disk: each is a descriptor that QEMU inherits. */
#define DP_VMDK_EXTENTS_MAX 240

typedef struct {
    char name[256]; /* base name of the file */
    uint64_t sectors;
    bool flat; /* raw; else sparse */
} DpVmdkExtent;

typedef struct {
    DpVmdkKind kind;
    char extent[256]; /* FLAT: base name of the raw file */
    uint64_t size;    /* FLAT: its bytes */
} DpVmdk;

/* @bytes are the first @len of the file. @extents (GArray of DpVmdkExtent, or NULL) gets those of a
 * split disk, in their order. False: the disk cannot be used; @ret_id tells which diagnostic,
 * @ret_why the reason in words (the caller frees it). */
bool dp_vmdk_parse_extents(const char *bytes,
                           size_t len,
                           DpVmdk *ret_vmdk,
                           GArray *extents,
                           DpDiagId *ret_id,
                           char **ret_why);

/* The same, without the extents. */
bool
dp_vmdk_parse(const char *bytes, size_t len, DpVmdk *ret_vmdk, DpDiagId *ret_id, char **ret_why);

/* True if @bytes are the head of one sparse extent of a split disk that QEMU takes for nothing
 * else: with a capacity, so that it believes no descriptor inside. */
bool dp_vmdk_is_extent(const char *bytes, size_t len);

/* Bytes that a sparse disk or extent has at least, by its head: everything before its first grain.
 * 0: the head does not say. */
uint64_t dp_vmdk_least(const char *bytes, size_t len);
