/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The group API of VFIO: linux/vfio.h, driver-api/vfio.rst. Debian's kernels have no other. */
#include "vfio.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

/* More functions than a bus with ARI holds are not reset together. */
#define HOT_RESET_MAX 256u
/* A region's description with its capabilities is far smaller. */
#define REGION_INFO_MAX 65536u

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
kernel_hot_reset_reach(DpVfioDevice *device, DpAddr *ret_addrs, size_t max)
{
    int r;
    g_autofree struct vfio_pci_hot_reset_info *info = hot_reset_info(device, &r);

    if (info == NULL) {
        return r;
    }
    for (uint32_t i = 0; i < MIN(MIN(info->count, HOT_RESET_MAX), max); i++) {
        const struct vfio_pci_dependent_device *hit = &info->devices[i];

        ret_addrs[i] = (DpAddr){.domain = hit->segment,
                                .bus = hit->bus,
                                .device = hit->devfn >> 3,
                                .function = hit->devfn & 7};
    }
    return (int)MIN(info->count, HOT_RESET_MAX);
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

/* Region @bar with its list of capabilities; NULL with -errno in @ret_errno. */
static struct vfio_region_info *
region_info(DpVfioDevice *device, unsigned bar, int *ret_errno)
{
    struct vfio_region_info *info = g_malloc0(sizeof *info);
    uint32_t size = sizeof *info;

    for (;;) {
        info->argsz = size;
        info->index = bar;
        if (ioctl(device->device, VFIO_DEVICE_GET_REGION_INFO, info) < 0) {
            *ret_errno = -errno;
            g_free(info);
            return NULL;
        }
        if (info->argsz <= size || info->argsz > REGION_INFO_MAX) {
            info->argsz = size;
            return info;
        }
        size = info->argsz;
        g_free(info);
        info = g_malloc0(size);
    }
}

/* The areas that can be mapped where that is not the whole region; NULL: it is the whole. */
static const struct vfio_region_info_cap_sparse_mmap *
sparse_areas(const struct vfio_region_info *info)
{
    uint32_t at = (info->flags & VFIO_REGION_INFO_FLAG_CAPS) != 0 ? info->cap_offset : 0;

    /* Each capability lies behind the one before it, so that a circle cannot be. */
    while (at >= sizeof *info && at <= info->argsz - sizeof(struct vfio_info_cap_header)) {
        const struct vfio_info_cap_header *cap = (const void *)((const char *)info + at);
        const struct vfio_region_info_cap_sparse_mmap *sparse = (const void *)cap;

        if (cap->id == VFIO_REGION_INFO_CAP_SPARSE_MMAP && sizeof *sparse <= info->argsz - at &&
            sparse->nr_areas <= (info->argsz - at - sizeof *sparse) / sizeof *sparse->areas) {
            return sparse;
        }
        if (cap->next <= at) {
            break;
        }
        at = cap->next;
    }
    return NULL;
}

static int
map_area(DpVfioDevice *device, uint64_t offset, uint64_t size, DpVfioRegion *region)
{
    void *address = size == 0 ? MAP_FAILED
                              : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, device->device,
                                     (off_t)offset);

    if (address == MAP_FAILED) {
        return size == 0 ? 0 : -errno;
    }
    region->mapped += size;
    return munmap(address, size) < 0 ? -errno : 0;
}

static int
kernel_map_bar(DpVfioDevice *device, unsigned bar, DpVfioRegion *ret_region)
{
    int r = 0;
    g_autofree struct vfio_region_info *info =
        region_info(device, VFIO_PCI_BAR0_REGION_INDEX + bar, &r);
    const struct vfio_region_info_cap_sparse_mmap *sparse;

    *ret_region = (DpVfioRegion){.size = info == NULL ? 0 : info->size};
    if (info == NULL || (info->flags & VFIO_REGION_INFO_FLAG_MMAP) == 0) {
        return r;
    }
    sparse = sparse_areas(info);
    if (sparse == NULL) {
        return map_area(device, info->offset, info->size, ret_region);
    }
    for (uint32_t i = 0; r == 0 && i < sparse->nr_areas; i++) {
        r = map_area(device, info->offset + sparse->areas[i].offset, sparse->areas[i].size,
                     ret_region);
    }
    return r;
}

static int
kernel_count_irqs(DpVfioDevice *device, DpVfioIrq kind)
{
    static const uint32_t indexes[] = {
        [DP_VFIO_INTX] = VFIO_PCI_INTX_IRQ_INDEX,
        [DP_VFIO_MSI] = VFIO_PCI_MSI_IRQ_INDEX,
        [DP_VFIO_MSIX] = VFIO_PCI_MSIX_IRQ_INDEX,
    };
    struct vfio_irq_info info = {.argsz = sizeof info, .index = indexes[kind]};

    return ioctl(device->device, VFIO_DEVICE_GET_IRQ_INFO, &info) < 0 ? -errno : (int)info.count;
}

static const DpVfioOps kernel_ops = {
    .open = kernel_open,
    .close = kernel_close,
    .config_read = kernel_config_read,
    .config_write = kernel_config_write,
    .reset = kernel_reset,
    .hot_reset = kernel_hot_reset,
    .hot_reset_reach = kernel_hot_reset_reach,
    .map_bar = kernel_map_bar,
    .count_irqs = kernel_count_irqs,
};

const DpVfioOps *
dp_vfio_kernel(void)
{
    return &kernel_ops;
}
