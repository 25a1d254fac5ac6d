/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What QEMU does to a passed-through function when the guest reboots or is reset. */
#pragma once

#include "build.h"

/* The method that QEMU's vfio-pci and the kernel behind it would choose for @device of @plan; false
 * where the capabilities that decide it could not be read. DP_RESET_NONE: it is not reset. */
bool dp_guest_reset(const DpPlan *plan, const DpVmDevice *device, DpResetMethod *ret_method);

/* Fills in device->guest_reset, once all devices of the plan are known, and says where that is
 * another method than passthru.map asks for. */
void dp_guest_reset_judge(DpBuild *build, const char *prefix, DpVmDevice *device);
