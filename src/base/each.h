/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The same work for each of many things, on several processors. */
#pragma once

#include <stddef.h>

/* Must touch nothing that the work for another index touches, and must not fail: it notes what went
 * wrong with its own thing. */
typedef void (*DpEachFunc)(size_t index, void *data);

/* Calls @work for every index below @n, in any order, and returns when all is done; no thread is
 * left. For few things, on one processor, or where no thread can be made, it all happens here. */
void dp_each(size_t n, DpEachFunc work, void *data);
