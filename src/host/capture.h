/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes everything that dp_host_scan reads, and the ownership store, into a tar that `--root` can
 * use once unpacked. Serial numbers, MACs, VPD, gateways, options of mounts and words of the kernel
 * command line that have nothing to do with passthrough are left out. */
#pragma once

#include "host.h"
#include "tar.h"

#define DP_CAPTURE_MAX                                                                             \
    ((uint64_t)512 << 20) /* ten thousand functions need some ten million bytes */

/* Streams a POSIX ustar archive to @fd. Only files the scan reads are included; bounded in size. */
bool dp_host_capture(DpRoot *root, int fd, GError **error);

/* Adds the same to @tar, which the caller finishes. */
bool dp_host_capture_add(DpRoot *root, DpTar *tar, GError **error);
