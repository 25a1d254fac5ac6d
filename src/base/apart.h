/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that lie where somebody else wants, on a server that does not answer too: read in a child
 * with a deadline. */
#pragma once

#include "error.h"

/* In the child, which of its parent's descriptors has @root_fd alone: the bytes of @path beneath
 * that, NULL if they cannot be had. */
typedef char *(*DpApartRead)(int root_fd, const char *path, size_t *ret_len);
/* In the caller, once for each of the paths that was read: @bytes are lent. */
typedef void (*DpApartTake)(void *data, const char *path, const char *bytes, size_t len);

/* Reads @paths (char *) in their order; what has not been read within @timeout_ms, or is beyond 64
 * MiB in all, is left out. */
void dp_apart_read(int root_fd,
                   const GPtrArray *paths,
                   int timeout_ms,
                   DpApartRead read,
                   DpApartTake take,
                   void *data);
