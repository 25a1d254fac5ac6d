/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A port of a bridge of the host for one interface of a guest. */
#pragma once

#include "vm.h"

/* Makes a tap interface, up, and a port of @tap's bridge, for which root is needed; the engine gets
 * the descriptor and no right. The interface is gone when the last descriptor is closed, however
 * the engine ends. -1 with error, and nothing is left. */
int dp_tap_open(const DpVmTap *tap, GError **error);
