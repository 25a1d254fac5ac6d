/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What has to be put back some day, by function, in a file of run/directpath: in memory that a
 * reboot empties, as the kernel's settings are. Callers hold the store's lock.
 */
#pragma once

#include "assign.h"

#include <jansson.h>

/* The object by address that file @name holds; NULL: none, or one that cannot be read. */
json_t *dp_run_record_load(DpRoot *root, const char *name);

/* Writes it durably; an empty one is no file. */
bool dp_run_record_save(DpRoot *root, const char *name, json_t *functions, GError **error);
