/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the host room: what a capture keeps of other machines, keyboards, consoles and pools,
 * which is no more than that they are there: addresses are replaced, names and contents left out.
 */
#pragma once

#include "host.h"
#include "tar.h"

typedef struct {
    DpRoot *root;
    const DpHost *host;
    DpTar *tar;
    GHashTable *nets;      /* as of dp_scrub_net */
    GHashTable *addresses; /* as of dp_scrub_address */
} DpCaptureNeeds;

/* Lines of proc/net/route that lead to what stands for the other machines. */
char *dp_capture_peer_routes(const DpCaptureNeeds *capture);
/* Of the tunnel @net, to be found at @place, what kind it is, without the addresses of its ends. */
void dp_capture_tunnel(const DpCaptureNeeds *capture, const char *net, const char *place);
/* Everything else. */
void dp_capture_needs(const DpCaptureNeeds *capture);
