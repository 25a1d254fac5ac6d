/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device that is not there, for tests: it keeps a configuration space, loses it in a reset as
 * hardware does, and can refuse or fail to come back; vendor and device id are always answered, as
 * the kernel does. Its state is shared with children.
 */
#pragma once

#include "vfio.h"

#define DP_FAKE_CONFIG_SIZE 4096u
#define DP_FAKE_GROUPS_MAX  16u
#define DP_FAKE_REACH_MAX   8u

typedef struct {
    uint8_t config[DP_FAKE_CONFIG_SIZE];
    uint8_t fresh[DP_FAKE_CONFIG_SIZE]; /* what configuration is after a reset */
    /* What it refuses: -errno, 0: nothing. */
    int open_error, reset_error, hot_reset_error;
    bool hang_in_reset;  /* never returns from it */
    unsigned reads_dead; /* so many reads after a reset give all ones */
    unsigned refuse_at;  /* operation n, from 1, fails with refuse_error; 0: none */
    int refuse_error;
    DpVfioRegion regions[DP_VFIO_BARS];
    int irqs[DP_VFIO_IRQS];
    DpAddr reach[DP_FAKE_REACH_MAX]; /* of a hot reset */
    int n_reach;
    /* What was done to it. */
    unsigned n_ops; /* all but close */
    unsigned n_opens, n_closes, n_resets, n_hot_resets;
    int groups[DP_FAKE_GROUPS_MAX]; /* of the last hot reset */
    size_t n_groups;
    unsigned dead; /* reads that still give all ones */
} DpVfioFakeState;

typedef struct {
    DpVfioOps ops; /* first: what the code under test is given */
    DpVfioFakeState *state;
} DpVfioFake;

DpVfioFake *dp_vfio_fake_new(uint16_t vendor, uint16_t device);
void dp_vfio_fake_free(DpVfioFake *fake);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpVfioFake, dp_vfio_fake_free)
