/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes a tar (POSIX ustar; a pax header where a name or a link's target is longer than ustar
 * allows). Links come last, so that unpacking never writes through one. The first failure is kept
 * and everything after it is a no-op.
 */
#pragma once

#include "base/error.h"

#include <stdint.h>

typedef struct DpTar DpTar;

/* @fd stays the caller's. More than @max bytes in all is a failure. */
DpTar *dp_tar_new(int fd, uint64_t max);
void dp_tar_free(DpTar *tar);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpTar, dp_tar_free)

/* What becomes of the text of file @name: a new one, or NULL if it stays. */
typedef char *(*DpTarFilter)(void *data, const char *name, const char *text);
/* Every file that is added from now on, unless it has NUL bytes, passes @filter. NULL: none does.
 */
void dp_tar_set_filter(DpTar *tar, DpTarFilter filter, void *data);

/* Names are relative; one that is absolute, has "..", or was added before is left out. */
void dp_tar_add_file(DpTar *tar, const char *name, const void *bytes, size_t len);
void dp_tar_add_folder(DpTar *tar, const char *name);
void dp_tar_add_link(DpTar *tar, const char *name, const char *target);

/* Writes links and the end. False: the first failure. */
bool dp_tar_finish(DpTar *tar, GError **error);

/* The place that link @target in the folder of @name leads to, "a/b/c"; NULL if it leads out of the
 * root. */
char *dp_tar_resolve(const char *name, const char *target);
