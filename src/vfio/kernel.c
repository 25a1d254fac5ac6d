/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The group API of VFIO: linux/vfio.h, driver-api/vfio.rst. Debian's kernels have no other. */
#include "vfio.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

/* More functions than a bus with ARI holds are not reset together. */
#define HOT_RESET_MAX 256u

struct DpVfioDevice {
    int container;
    int group;
    int device;
    int group_number;
    uint64_t config_offset;
    uint64_t config_size;
};

static int
open_node(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY);

    return fd < 0 ? -errno : fd;
}

static int
open_group(int number)
{
    char path[32];

    (void)snprintf(path, sizeof path, "/dev/vfio/%d", number);
    return open_node(path);
}

/* The group must be whole: every function of it with a VFIO driver or none. */
static int
join_container(int group, int container)
{
    struct vfio_group_status status = {.argsz = sizeof status};

    if (ioctl(group, VFIO_GROUP_GET_STATUS, &status) < 0) {
        return -errno;
    }
    if ((status.flags & VFIO_GROUP_FLAGS_VIABLE) == 0) {
        return -EPERM;
    }
    return ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) < 0 ? -errno : 0;
}

static int
open_container(void)
{
    int fd = open_node("/dev/vfio/vfio");

    if (fd >= 0 && ioctl(fd, VFIO_GET_API_VERSION) != VFIO_API_VERSION) {
        (void)close(fd);
        return -EPROTO;
    }
    return fd;
}

static int
find_config(DpVfioDevice *device)
{
    struct vfio_region_info info = {.argsz = sizeof info, .index = VFIO_PCI_CONFIG_REGION_INDEX};

    if (ioctl(device->device, VFIO_DEVICE_GET_REGION_INFO, &info) < 0) {
        return -errno;
    }
    device->config_offset = info.offset;
    device->config_size = info.size;
    return 0;
}

static int
open_device(DpVfioDevice *device, const char *name)
{
    int r = device->container = open_container();

    if (r < 0) {
        return r;
    }
    r = device->group = open_group(device->group_number);
    if (r < 0) {
        return r;
    }
    r = join_container(device->group, device->container);
    if (r < 0) {
        return r;
    }
    if (ioctl(device->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) < 0) {
        return -errno;
    }
    device->device = ioctl(device->group, VFIO_GROUP_GET_DEVICE_FD, name);
    return device->device < 0 ? -errno : find_config(device);
}

static void
kernel_close(DpVfioDevice *device)
{
    if (device == NULL) {
        return;
    }
    dp_close_fd(&device->device);
    dp_close_fd(&device->group);
    dp_close_fd(&device->container);
    g_free(device);
}

static int
kernel_open(const DpVfioOps *ops G_GNUC_UNUSED,
            int group,
            const char *name,
            DpVfioDevice **ret_device)
{
    DpVfioDevice *device = g_new0(DpVfioDevice, 1);
    int r;

    *device = (DpVfioDevice){.container = -1, .group = -1, .device = -1, .group_number = group};
    r = open_device(device, name);
    if (r < 0) {
        kernel_close(device);
        return r;
    }
    *ret_device = device;
    return 0;
}

static bool
in_config(const DpVfioDevice *device, uint32_t offset, size_t len)
{
    return offset <= device->config_size && len <= device->config_size - offset;
}

static ssize_t
kernel_config_read(DpVfioDevice *device, uint32_t offset, void *buf, size_t len)
{
    ssize_t n;

    if (!in_config(device, offset, len)) {
        return -EINVAL;
    }
    n = pread(device->device, buf, len, (off_t)(device->config_offset + offset));
    return n < 0 ? -errno : n;
}

static ssize_t
kernel_config_write(DpVfioDevice *device, uint32_t offset, const void *buf, size_t len)
{
    ssize_t n;

    if (!in_config(device, offset, len)) {
        return -EINVAL;
    }
    n = pwrite(device->device, buf, len, (off_t)(device->config_offset + offset));
    return n < 0 ? -errno : n;
}

static int
kernel_reset(DpVfioDevice *device)
{
    return ioctl(device->device, VFIO_DEVICE_RESET) < 0 ? -errno : 0;
}

/* Room for every function that the reset would touch; NULL with -errno in @ret_errno. */
static struct vfio_pci_hot_reset_info *
hot_reset_info(DpVfioDevice *device, int *ret_errno)
{
    size_t size = sizeof(struct vfio_pci_hot_reset_info) +
                  HOT_RESET_MAX * sizeof(struct vfio_pci_dependent_device);
    struct vfio_pci_hot_reset_info *info = g_malloc0(size);

    info->argsz = (uint32_t)size;
    if (ioctl(device->device, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, info) < 0) {
        *ret_errno = -errno;
        g_free(info);
        return NULL;
    }
    *ret_errno = 0;
    return info;
}

static bool
has_group(const int *groups, size_t n_groups, unsigned wanted)
{
    for (size_t i = 0; i < n_groups; i++) {
        if (groups[i] >= 0 && (unsigned)groups[i] == wanted) {
            return true;
        }
    }
    return false;
}

/* What the reset touches must lie in the groups that the caller means to reset. */
static int
check_reach(DpVfioDevice *device, const int *groups, size_t n_groups)
{
    int r;
    g_autofree struct vfio_pci_hot_reset_info *info = hot_reset_info(device, &r);

    if (info == NULL) {
        return r;
    }
    for (uint32_t i = 0; i < MIN(info->count, HOT_RESET_MAX); i++) {
        if (!has_group(groups, n_groups, info->devices[i].group_id)) {
            return -EPERM;
        }
    }
    return 0;
}

static int
hot_reset_with(DpVfioDevice *device, const int *fds, uint32_t count)
{
    size_t size = sizeof(struct vfio_pci_hot_reset) + count * sizeof(int32_t);
    g_autofree struct vfio_pci_hot_reset *reset = g_malloc0(size);

    reset->argsz = (uint32_t)size;
    reset->count = count;
    for (uint32_t i = 0; i < count; i++) {
        reset->group_fds[i] = fds[i];
    }
    return ioctl(device->device, VFIO_DEVICE_PCI_HOT_RESET, reset) < 0 ? -errno : 0;
}

/* Opens the groups that are not the device's own, into @fds; 0 or -errno. */
static int
open_others(DpVfioDevice *device, const int *groups, size_t n_groups, int *fds)
{
    for (size_t i = 0; i < n_groups; i++) {
        int r;

        if (groups[i] == device->group_number) {
            fds[i] = device->group;
            continue;
        }
        fds[i] = open_group(groups[i]);
        if (fds[i] < 0) {
            return fds[i];
        }
        r = join_container(fds[i], device->container);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int
kernel_hot_reset(DpVfioDevice *device, const int *groups, size_t n_groups)
{
    g_autofree int *fds = NULL;
    int r =
        n_groups == 0 || n_groups > HOT_RESET_MAX ? -EINVAL : check_reach(device, groups, n_groups);

    if (r < 0) {
        return r;
    }
    fds = g_new(int, n_groups);
    memset(fds, 0xff, n_groups * sizeof *fds);
    r = open_others(device, groups, n_groups, fds);
    if (r == 0) {
        r = hot_reset_with(device, fds, (uint32_t)n_groups);
    }
    for (size_t i = 0; i < n_groups; i++) {
        if (fds[i] != device->group) {
            dp_close_fd(&fds[i]);
        }
    }
    return r;
}

static const DpVfioOps kernel_ops = {
    .open = kernel_open,
    .close = kernel_close,
    .config_read = kernel_config_read,
    .config_write = kernel_config_write,
    .reset = kernel_reset,
    .hot_reset = kernel_hot_reset,
};

const DpVfioOps *
dp_vfio_kernel(void)
{
    return &kernel_ops;
}
