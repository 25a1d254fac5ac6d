/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hosts made by hand: what a scan would have found, without a file. */
#pragma once

#include "formats/map.h"
#include "host/host.h"

typedef struct {
    DpHost host;
    GPtrArray *owned; /* everything that was allocated for it */
} FakeHost;

/* VT-d, interrupt remapping, KVM, VFIO; no function yet. */
FakeHost *fake_host_new(void);
void fake_host_free(FakeHost *fake);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FakeHost, fake_host_free)

/* An endpoint 8086:10fb that was read whole: PCI Express, no reset of its own, MSI-X, without a
 * driver. @parent NULL: on a root bus. Functions are to be added in the order of their addresses.
 */
DpFunction *fake_function(FakeHost *fake, const char *name, DpFunction *parent, int group);
/* A port or bridge; ports have ACS switched on. */
DpFunction *
fake_bridge(FakeHost *fake, const char *name, DpFunction *parent, int group, DpPcieType type);
void fake_ids(DpFunction *fn, uint16_t vendor, uint16_t device);
void fake_driver(FakeHost *fake, DpFunction *fn, const char *driver);
/* Words of reset_method, separated by spaces. */
void fake_reset_method(FakeHost *fake, DpFunction *fn, const char *words);

/* Lists are separated by spaces. */
DpMount *fake_mount(FakeHost *fake,
                    const char *device,
                    const char *mountpoint,
                    const char *fstype,
                    const char *source);
DpBlock *fake_block(
    FakeHost *fake, const char *name, const char *devno, const char *below, const char *functions);
DpNet *fake_net(FakeHost *fake, const char *name, const char *below, const char *functions);

/* Belongs to @fake, not to what it is put into. */
DpPeer *fake_peer(FakeHost *fake, const char *address, const char *nets);
/* @seats: keyboards or consoles of the host. */
DpSeat *fake_seat(FakeHost *fake, GPtrArray *seats, const char *name, const char *functions);

/* A map of @text. */
DpMap *fake_map(const char *text);
