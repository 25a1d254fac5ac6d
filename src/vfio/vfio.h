/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device seam: what is done to one function goes through these operations and the VFIO
 * descriptor, never through sysfs `config` or `resourceN`, so that it works under lockdown. Kernel
 * document: driver-api/vfio.rst, linux/vfio.h.
 */
#pragma once

#include "base/error.h"
#include "formats/address.h"

#include <stdint.h>

typedef struct DpVfioOps DpVfioOps;
typedef struct DpVfioDevice DpVfioDevice;

/* BAR 0 to 5, as VFIO numbers its regions. */
#define DP_VFIO_BARS 6u

/* What a BAR is, and how much of it a process can map; the rest (I/O ports, the page of the MSI-X
 * table on old kernels) is reached through the kernel. Bytes; size 0: there is no such BAR. */
typedef struct {
    uint64_t size;
    uint64_t mapped;
} DpVfioRegion;

/* Kinds of interrupt, as VFIO numbers them. */
typedef enum { DP_VFIO_INTX, DP_VFIO_MSI, DP_VFIO_MSIX, DP_VFIO_IRQS } DpVfioIrq;

/* All return 0 (or a count) or -errno. */
struct DpVfioOps {
    /* Opens group @group and in it function @name ("0000:03:00.0"). */
    int (*open)(const DpVfioOps *ops, int group, const char *name, DpVfioDevice **ret_device);
    void (*close)(DpVfioDevice *device);
    /* Vendor and device id, BARs, capability pointer and interrupt pin are answered by the kernel
     * from its own copy (vfio_pci_config.c): they say nothing about whether the function lives. */
    ssize_t (*config_read)(DpVfioDevice *device, uint32_t offset, void *buf, size_t len);
    ssize_t (*config_write)(DpVfioDevice *device, uint32_t offset, const void *buf, size_t len);
    /* VFIO_DEVICE_RESET: the kernel takes the first method of `reset_method`. */
    int (*reset)(DpVfioDevice *device);
    /* VFIO_DEVICE_PCI_HOT_RESET with @groups opened for it: the bus reset shared by all that lie
     * below the bridge. */
    int (*hot_reset)(DpVfioDevice *device, const int *groups, size_t n_groups);
    /* Which functions the kernel says a hot reset hits: at most @max into @ret_addrs; how many
     * there are. */
    int (*hot_reset_reach)(DpVfioDevice *device, DpAddr *ret_addrs, size_t max);
    /* Maps all of BAR @bar that can be mapped, and unmaps it. Nothing is read or written: there are
     * devices that take a read for a command. -EBUSY where a driver of the host holds the memory (a
     * framebuffer). */
    int (*map_bar)(DpVfioDevice *device, unsigned bar, DpVfioRegion *ret_region);
    /* How many interrupts of @kind the function has. */
    int (*count_irqs)(DpVfioDevice *device, DpVfioIrq kind);
    void *user;
};

/* The kernel's VFIO (group API) under /dev/vfio. */
const DpVfioOps *dp_vfio_kernel(void);
