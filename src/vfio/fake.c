/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* Vendor and device id: the kernel's copy (vfio_pci_config.c, init_pci_cap_basic_perm). */
#define DP_FAKE_ANSWERED 4u

struct DpVfioDevice {
    DpVfioFakeState *state;
};

/* Counts an operation: 0, or what this one is refused with. */
static int
step(DpVfioFakeState *state)
{
    return ++state->n_ops == state->refuse_at ? state->refuse_error : 0;
}

static int
fake_open(const DpVfioOps *ops,
          int group G_GNUC_UNUSED,
          const char *name G_GNUC_UNUSED,
          DpVfioDevice **ret_device)
{
    DpVfioFakeState *state = ops->user;
    int r = step(state);

    if (r != 0 || state->open_error != 0) {
        return r != 0 ? r : state->open_error;
    }
    state->n_opens++;
    *ret_device = g_new0(DpVfioDevice, 1);
    (*ret_device)->state = state;
    return 0;
}

static void
fake_close(DpVfioDevice *device)
{
    device->state->n_closes++;
    g_free(device);
}

static bool
in_config(uint32_t offset, size_t len)
{
    return offset <= DP_FAKE_CONFIG_SIZE && len <= DP_FAKE_CONFIG_SIZE - offset;
}

static ssize_t
fake_config_read(DpVfioDevice *device, uint32_t offset, void *buf, size_t len)
{
    DpVfioFakeState *state = device->state;
    int r = step(state);

    if (r != 0 || !in_config(offset, len)) {
        return r != 0 ? r : -EINVAL;
    }
    memcpy(buf, state->config + offset, len);
    if (state->dead > 0) {
        state->dead--;
        for (size_t i = 0; i < len; i++) {
            ((uint8_t *)buf)[i] |= offset + i < DP_FAKE_ANSWERED ? 0 : 0xff;
        }
    }
    return (ssize_t)len;
}

static ssize_t
fake_config_write(DpVfioDevice *device, uint32_t offset, const void *buf, size_t len)
{
    int r = step(device->state);

    if (r != 0 || !in_config(offset, len)) {
        return r != 0 ? r : -EINVAL;
    }
    memcpy(device->state->config + offset, buf, len);
    return (ssize_t)len;
}

static void
lose_state(DpVfioFakeState *state)
{
    while (state->hang_in_reset) {
        g_usleep(G_USEC_PER_SEC);
    }
    memcpy(state->config, state->fresh, sizeof state->config);
    state->dead = state->reads_dead;
}

static int
fake_reset(DpVfioDevice *device)
{
    int r = step(device->state);

    if (r != 0 || device->state->reset_error != 0) {
        return r != 0 ? r : device->state->reset_error;
    }
    device->state->n_resets++;
    lose_state(device->state);
    return 0;
}

static int
fake_hot_reset(DpVfioDevice *device, const int *groups, size_t n_groups)
{
    DpVfioFakeState *state = device->state;
    int r = step(state);

    if (r != 0 || state->hot_reset_error != 0) {
        return r != 0 ? r : state->hot_reset_error;
    }
    if (n_groups == 0 || n_groups > DP_FAKE_GROUPS_MAX) {
        return -EINVAL;
    }
    state->n_hot_resets++;
    state->n_groups = n_groups;
    memcpy(state->groups, groups, n_groups * sizeof *groups);
    lose_state(state);
    return 0;
}

static int
fake_hot_reset_reach(DpVfioDevice *device, DpAddr *ret_addrs, size_t max)
{
    DpVfioFakeState *state = device->state;
    int r = step(state);

    if (r != 0) {
        return r;
    }
    memcpy(ret_addrs, state->reach, MIN((size_t)state->n_reach, max) * sizeof *ret_addrs);
    return state->n_reach;
}

static int
fake_map_bar(DpVfioDevice *device, unsigned bar, DpVfioRegion *ret_region)
{
    int r = step(device->state);

    *ret_region = device->state->regions[bar];
    if (r != 0) {
        ret_region->mapped = 0;
    }
    return r;
}

static int
fake_count_irqs(DpVfioDevice *device, DpVfioIrq kind)
{
    int r = step(device->state);

    return r != 0 ? r : device->state->irqs[kind];
}

DpVfioFake *
dp_vfio_fake_new(uint16_t vendor, uint16_t device)
{
    DpVfioFake *fake = g_new0(DpVfioFake, 1);
    const uint8_t ids[] = {(uint8_t)vendor, (uint8_t)(vendor >> 8), (uint8_t)device,
                           (uint8_t)(device >> 8)};

    fake->state =
        mmap(NULL, sizeof *fake->state, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    g_assert(fake->state != MAP_FAILED);
    memcpy(fake->state->config, ids, sizeof ids);
    memcpy(fake->state->fresh, ids, sizeof ids);
    fake->ops = (DpVfioOps){
        .open = fake_open,
        .close = fake_close,
        .config_read = fake_config_read,
        .config_write = fake_config_write,
        .reset = fake_reset,
        .hot_reset = fake_hot_reset,
        .hot_reset_reach = fake_hot_reset_reach,
        .map_bar = fake_map_bar,
        .count_irqs = fake_count_irqs,
        .user = fake->state,
    };
    return fake;
}

void
dp_vfio_fake_free(DpVfioFake *fake)
{
    if (fake == NULL) {
        return;
    }
    (void)munmap(fake->state, sizeof *fake->state);
    g_free(fake);
}
