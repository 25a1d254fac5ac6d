/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#define DP_MAC_LEN 18

/* A unicast MAC address, six pairs of hex digits with ':' or '-', in lower case; @ret_mac of
 * DP_MAC_LEN. */
bool dp_net_mac(const char *text, char *ret_mac);
