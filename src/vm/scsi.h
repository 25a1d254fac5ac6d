/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SCSI controllers: what QEMU has of VMware's, and what stands for the others. */
#pragma once

#include "build.h"

#define DP_AHCI_PORTS 6 /* of ich9-ahci; ESX has 30 */

/* Adds controller @n, scsiN in @prefix; false if it is not there or was refused. A controller that
 * QEMU lacks is replaced by one for which the guest's system has a driver, with a warning. */
bool dp_scsi_controller(DpBuild *build, const char *prefix, unsigned n);

/* How many targets that controller has here: less than VMware's sixteen in some. */
unsigned dp_scsi_units(DpBuild *build, unsigned n);

/* Names the disk or drive @device at @unit of controller @n as that controller needs it. */
void dp_scsi_identify(DpBuild *build, unsigned n, unsigned unit, json_t *device);

/* True if an AHCI controller stands for that controller: its units are ports. */
bool dp_scsi_is_ahci(const DpBuild *build, unsigned n);

/* disks.c: a controller that is a PCI device and no more. */
void
dp_disks_add_controller(DpBuild *build, const char *driver, const char *id, const DpPlace *place);
