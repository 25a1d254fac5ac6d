/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a power failure may leave of a folder, given what was written, renamed and synced in it: the
 * least that POSIX promises, not what one file system does. Bytes that were not synced may be
 * there, in part, as zeros, or not at all; each change of a name that was not synced with its
 * folder may be there or not, whatever became of the others.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef struct DiskModel DiskModel;

/* Knows of @folder (an absolute path) what is in it now, all of it durable. */
DiskModel *disk_model_new(const char *folder);
void disk_model_free(DiskModel *model);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DiskModel, disk_model_free)

/* True if @path lies in the folder, at any depth, or is the folder. */
bool disk_model_has(const DiskModel *model, const char *path);

/* What was done, by absolute paths. */
void disk_model_make(DiskModel *model, const char *path, bool is_folder);
void disk_model_truncate(DiskModel *model, const char *path, size_t len);
void
disk_model_write(DiskModel *model, const char *path, size_t offset, const void *bytes, size_t len);
void disk_model_rename(DiskModel *model, const char *from, const char *to);
void disk_model_unlink(DiskModel *model, const char *path);
void disk_model_sync(DiskModel *model, const char *path);

/* Calls @check with the content of @a and of @b (NULL: not there) for every state that a power
 * failure may leave now. Returns how many there were. */
typedef void (*DiskCheck)(GBytes *a, GBytes *b, void *user);
unsigned disk_model_states(
    const DiskModel *model, const char *a, const char *b, DiskCheck check, void *user);
