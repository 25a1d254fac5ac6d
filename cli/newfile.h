/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tar that a command writes: whole, under the name that was asked for, or not at all. */
#pragma once

#include "cli.h"
#include "host/root.h"

typedef bool (*DpNewFileWrite)(int fd, void *data, GError **error);

/* Writes the file that the verb's argument names, for its owner alone, and says in the document and
 * to people how large it has become; a warning says what an ordinary user could not read. */
bool
dp_newfile_write(DpCli *cli, const DpRoot *root, DpNewFileWrite write, void *data, GError **error);
