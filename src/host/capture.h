/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes everything that dp_host_scan reads, and the ownership store, into a tar that `--root` can
 * use once unpacked. Serial numbers, MACs, VPD, gateways, options of mounts and words of the kernel
 * command line that have nothing to do with passthrough are left out. */
#pragma once

#include "host.h"

/* Streams a POSIX ustar archive to @fd. Only files the scan reads are included; bounded in size. */
bool dp_host_capture(DpRoot *root, int fd, GError **error);
