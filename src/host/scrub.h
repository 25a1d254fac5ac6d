/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a capture keeps of files that hold more than it needs. */
#pragma once

#include "host.h"

/*
 * Copies of @len bytes of configuration space what the scan understands: the header, and of each
 * capability on the chains the registers of a table; the rest (VPD, serial numbers,
 * vendors' own) is zero. Returns the bytes of @out (DP_CONFIG_EXTENDED) that are worth keeping.
 */
size_t dp_scrub_config(const uint8_t *config, size_t len, uint8_t *out);

/* Of a kernel command line the words about IOMMU, VFIO, PCI and what the root is. */
char *dp_scrub_cmdline(const char *cmdline);

/* "enx525400123456" holds a MAC: becomes "enx" and a number that @numbers (name to number) gives.
 */
char *dp_scrub_net(GHashTable *numbers, const char *name);

/* With "wwid" for each run of sixteen and more hexadecimal digits: without names of their own,
 * multipath maps are called after the serial numbers of their disks. */
char *dp_scrub_volume(const char *name);

/* An address of RFC 2544's range for tests, 198.18.0.1 and on; @addresses (address to number) gives
 * the same one for the same. */
char *dp_scrub_address(GHashTable *addresses, const char *address);

/* Without "user:password@" after "://"; of "server:/path" and "//server/path" neither of both. */
char *dp_scrub_source(const char *source);

/* Of esx.conf the owners of devices and the host's systemId. */
char *dp_scrub_esxconf(const char *text);
