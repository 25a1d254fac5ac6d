/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/error.h"

/* Loads a module of the running kernel with modprobe, without a shell and with a deadline. */
bool dp_module_load(const char *module, GError **error);
