/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

struct DpVfioDevice {
    DpVfioFakeState *state;
};

static int
fake_open(const DpVfioOps *ops,
          int group G_GNUC_UNUSED,
          const char *name G_GNUC_UNUSED,
          DpVfioDevice **ret_device)
{
    DpVfioFakeState *state = ops->user;

    if (state->open_error != 0) {
        return state->open_error;
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

    if (!in_config(offset, len)) {
        return -EINVAL;
    }
    if (state->dead > 0) {
        state->dead--;
        memset(buf, 0xff, len);
    } else {
        memcpy(buf, state->config + offset, len);
    }
    return (ssize_t)len;
}

static ssize_t
fake_config_write(DpVfioDevice *device, uint32_t offset, const void *buf, size_t len)
{
    if (!in_config(offset, len)) {
        return -EINVAL;
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
    if (device->state->reset_error != 0) {
        return device->state->reset_error;
    }
    device->state->n_resets++;
    lose_state(device->state);
    return 0;
}

static int
fake_hot_reset(DpVfioDevice *device, const int *groups, size_t n_groups)
{
    DpVfioFakeState *state = device->state;

    if (state->hot_reset_error != 0) {
        return state->hot_reset_error;
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
