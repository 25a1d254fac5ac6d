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

/* All return 0 (or a count) or -errno. */
struct DpVfioOps {
    /* Opens group @group and in it function @name ("0000:03:00.0"). */
    int (*open)(const DpVfioOps *ops, int group, const char *name, DpVfioDevice **ret_device);
    void (*close)(DpVfioDevice *device);
    ssize_t (*config_read)(DpVfioDevice *device, uint32_t offset, void *buf, size_t len);
    ssize_t (*config_write)(DpVfioDevice *device, uint32_t offset, const void *buf, size_t len);
    /* VFIO_DEVICE_RESET: the kernel takes the first method of `reset_method`. */
    int (*reset)(DpVfioDevice *device);
    /* VFIO_DEVICE_PCI_HOT_RESET with @groups opened for it: the bus reset shared by all that lie
     * below the bridge. */
    int (*hot_reset)(DpVfioDevice *device, const int *groups, size_t n_groups);
    void *user;
};

/* The kernel's VFIO (group API) under /dev/vfio. */
const DpVfioOps *dp_vfio_kernel(void);
