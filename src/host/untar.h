/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads a tar that a stranger may have made: what `host capture` writes, also unpacked and packed
 * again with tar(1) (POSIX ustar, pax, GNU's long names). Files, folders and symbolic links with
 * clean relative names, nothing else; the first entry that is anything else refuses the whole.
 */
#pragma once

#include "base/error.h"

#include <glib.h>

/* Largest file, and most bytes and entries in all. */
#define DP_UNTAR_FILE_MAX    ((size_t)64 << 20)
#define DP_UNTAR_MAX         ((uint64_t)512 << 20)
#define DP_UNTAR_ENTRIES_MAX (1u << 20)

/* What is done with each entry; false with error ends the reading. Names have no empty component,
 * no "." and no "..", targets no NUL. */
typedef struct {
    bool (*file)(void *user, const char *name, const void *bytes, size_t len, GError **error);
    bool (*folder)(void *user, const char *name, GError **error);
    bool (*link)(void *user, const char *name, const char *target, GError **error);
    void *user;
} DpUntarSink;

/* Up to @len bytes into @buf: how many, 0 at the end, or -errno. */
typedef ssize_t (*DpUntarRead)(void *user, void *buf, size_t len);

/* DP_ERROR_PARSE: no archive, cut short, or with something in it that a capture never has.
 * DP_ERROR_IO: reading failed. */
bool dp_untar(DpUntarRead read, void *source, const DpUntarSink *sink, GError **error);

/* The archive of @fd into the empty folder @dir_fd: private files, links last. */
bool dp_untar_into(int fd, int dir_fd, GError **error);

/* Removes the folder @path with all that is in it, never following a link. */
void dp_untar_remove(const char *path);
