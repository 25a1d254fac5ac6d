/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's log, record by record, and what it has said about IOMMU, VFIO and resets. */
#pragma once

#include "formats/dma-fault.h"
#include "root.h"

#define DP_KMSG "dev/kmsg"

typedef struct DpKmsgReader DpKmsgReader;

/* From the oldest record on, @max_bytes of it; NULL with errno in @ret_errno. */
DpKmsgReader *dp_kmsg_open(const DpRoot *root, uint64_t max_bytes, int *ret_errno);
/* The same of @fd, which somebody who may has opened; it is the reader's from now on. */
DpKmsgReader *dp_kmsg_take(int fd);
void dp_kmsg_close(DpKmsgReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpKmsgReader, dp_kmsg_close)

/* To wait with: readable when there is more. */
int dp_kmsg_fd(const DpKmsgReader *reader);

typedef enum {
    DP_KMSG_RECORD,
    DP_KMSG_AT_END, /* no more for now */
    DP_KMSG_LOST,   /* some were overwritten before they were read: ask again */
    DP_KMSG_ENDED,  /* no more ever */
} DpKmsgRead;

/* The next record, valid until the next call; lines that are none are left out. Never waits. */
DpKmsgRead dp_kmsg_next(DpKmsgReader *reader, DpKmsg *ret_record);

/* Lines "[seconds] text" of it, the newest DP_KERNEL_LOG_LINES of those that matter here; NULL with
 * errno in @ret_errno if it cannot be read. Never waits. */
char *dp_kernel_log(const DpRoot *root, int *ret_errno);

#define DP_KERNEL_LOG_LINES 2000u
