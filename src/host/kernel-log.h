/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel has said about IOMMU, VFIO and resets. */
#pragma once

#include "root.h"

/* Lines "[seconds] text" of dev/kmsg, the newest DP_KERNEL_LOG_LINES of those that matter here;
 * NULL with errno in @ret_errno if it cannot be read. Never waits. */
char *dp_kernel_log(const DpRoot *root, int *ret_errno);

#define DP_KERNEL_LOG_LINES 2000u
