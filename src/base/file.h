/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one way to read and to write a file. All paths are relative to a directory descriptor and are
 * resolved beneath it (openat2 with RESOLVE_IN_ROOT where the kernel has it), so that a captured
 * tree can never lead out of itself.
 */
#pragma once

#include "error.h"

#include <sys/types.h>

/* Largest file that is read whole unless the caller says otherwise. */
#define DP_FILE_MAX (16u << 20)

/* Opens @path beneath @root_fd; returns a descriptor or -errno. @flags as for openat; O_CLOEXEC is
 * added. */
int dp_file_open(int root_fd, const char *path, int flags);

/* Reads at most @max bytes; more than that fails with DP_ERROR_PARSE. NUL-terminates (not counted
 * in @ret_len). Missing file: DP_ERROR_NOT_FOUND. @ret_len may be NULL. The caller frees the
 * result. */
char *dp_file_read(int root_fd, const char *path, size_t max, size_t *ret_len, GError **error);

/* Reads once, at @offset: bytes, or -errno. What is no file (a FIFO, a socket, a terminal) fails
 * instead of blocking. */
int dp_file_read_at(int fd, void *buf, size_t len, off_t offset);

/* The bytes of a large file without a copy, NULL: unreadable. Only for files of the system, which
 * are replaced and never cut: the bytes are those of the file as long as they are held. */
GBytes *dp_file_map(int root_fd, const char *path);

/* As dp_file_read for one-line attributes: white space at the end is removed; NULL if unreadable,
 * with errno in
 * @ret_errno (may be NULL) and no GError, because an absent attribute is an ordinary thing in
 * sysfs. */
char *dp_file_read_line(int root_fd, const char *path, int *ret_errno);

/* The target of the symbolic link @path beneath @root_fd, or NULL. */
char *dp_file_read_link(int root_fd, const char *path);

/* Names in directory @path beneath @root_fd, sorted bytewise, without "." and ".."; NULL with
 * -errno in @ret_errno. */
GPtrArray *dp_file_list(int root_fd, const char *path, int *ret_errno);

/* Writes all of it, however often it takes: 0 or -errno. */
int dp_file_write_all(int fd, const void *data, size_t len);

/* Replaces @name in @dir_fd so that after a crash there is the old or the new content, never a mix:
 * temporary file, fsync, rename, fsync of the folder. Keeps the owner and mode of an existing file,
 * else @mode. Writes nothing if the content is the same, but what another has written and not
 * synced is synced then. */
bool dp_file_replace(
    int dir_fd, const char *name, const void *bytes, size_t len, mode_t mode, GError **error);

/* Makes @name in @dir_fd, and that it is there, durable: whoever wrote it may have been killed
 * before. 0, also if there is no such file, or -errno. */
int dp_file_sync(int dir_fd, const char *name);

/* Takes an exclusive lock on @name in @dir_fd (created 0600), waiting at most @timeout_ms; returns
 * a descriptor that holds the lock until closed, or -1 with DP_ERROR_BUSY. */
int dp_file_lock(int dir_fd, const char *name, int timeout_ms, GError **error);

/* Opens the folder @path under the same lock, without a file of its own. The descriptor is the
 * folder's, and holds the lock until closed; none where the file system has no locks for folders.
 * -1: DP_ERROR_BUSY, or what opening it said. */
int dp_file_lock_folder(const char *path, int timeout_ms, GError **error);
