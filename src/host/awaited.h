/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the host room: lines of /etc/fstab, and what udev knows of a block device. */
#pragma once

#include "host.h"

/* One line, unescaped (fstab(5)). */
typedef struct {
    char *source, *mountpoint, *fstype;
    bool by_hand; /* noauto, and nothing mounts it when it is touched */
} DpFstabLine;

/* NULL: @line is empty, a comment, or has less than three words. */
DpFstabLine *dp_fstab_parse(const char *line);
void dp_fstab_free(DpFstabLine *line);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpFstabLine, dp_fstab_free)

/* The lines of udev's record of @block (run/udev/data/b8:1), NULL: there is none. */
char **dp_udev_lines(DpRoot *root, const DpBlock *block);
/* True if the device with that record is what @source names:
 * "UUID=...", "LABEL=...", "PARTUUID=...", "PARTLABEL=...", or a link, "/dev/disk/by-id/...". */
bool dp_udev_is_source(char **lines, const char *source);
/* True if the type of its partition says EFI system partition (UEFI 5.3.3, or 0xef in an MBR). */
bool dp_udev_is_esp(char **lines);
