/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel's log says of a DMA that an IOMMU has refused. A record of /dev/kmsg
 * (Documentation/ABI/testing/dev-kmsg) is "prefix,number,time,flags;text\n", with lines that begin
 * with a blank for the device that it is about.
 */
#pragma once

#include "address.h"

#include <stddef.h>

/* Longest record that the kernel gives out (CONSOLE_EXT_LOG_MAX). */
#define DP_KMSG_MAX 8192u

typedef struct {
    uint64_t number;  /* grows by one a record */
    uint64_t time_us; /* since the boot */
    bool of_kernel;   /* facility 0, which no process can give to its own words */
    const char *text; /* within what was parsed; not terminated */
    size_t len;
} DpKmsg;

/* The first record in @bytes. */
bool dp_kmsg_parse(const char *bytes, size_t len, DpKmsg *ret_record);

typedef enum { DP_DMA_UNKNOWN, DP_DMA_READ, DP_DMA_WRITE } DpDmaAccess;

/* "DMA", "DMA read", "DMA write". */
const char *dp_dma_access_name(DpDmaAccess access);

typedef struct {
    DpAddr requester;   /* the id that the request bore: of the function, or of a bridge above it */
    bool any_domain;    /* the log names no segment: requester.domain says nothing */
    DpDmaAccess access; /* what the device wanted to do to memory */
    uint64_t address;
    int reason; /* of VT-d's list (fault reason), -1: not said */
} DpDmaFault;

/*
 * The text of a record of the kernel. VT-d: "DMAR: [DMA Write NO_PASID] Request device [02:00.0]
 * fault addr 0x1000 [fault reason 0x05] ..." and the older forms of it
 * (drivers/iommu/intel/dmar.c). AMD-Vi: "AMD-Vi: Event logged [IO_PAGE_FAULT device=0000:02:00.0
 * ... address=0x1000 flags=0x0020]", and with "vfio-pci 0000:02:00.0: " in front and no device=
 * (drivers/iommu/amd/iommu.c); with neither the device is not named, and that is no fault that
 * could be told of anybody.
 */
bool dp_dma_fault_parse(const char *text, size_t len, DpDmaFault *ret_fault);
