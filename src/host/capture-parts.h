/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the host room: a capture under way, and its parts. */
#pragma once

#include "host.h"
#include "tar.h"

typedef struct {
    DpRoot *root;
    const DpHost *host;
    DpTar *tar;
    GHashTable *nets;      /* as of dp_scrub_net: interfaces whose names hold a MAC */
    GHashTable *addresses; /* as of dp_scrub_address */
} DpCapture;

/* capture-copy.c: what is at @from beneath the root, if it can be read, as @to. */
void dp_capture_text(const DpCapture *capture, const char *name, const char *text);
/* One attribute of one line. */
void dp_capture_line(const DpCapture *capture, const char *from, const char *to);
/* All lines of @path, in the same place. */
void dp_capture_lines(const DpCapture *capture, const char *path);
/* A file or folder of which only the name matters. */
void dp_capture_presence(const DpCapture *capture, const char *from, const char *to);
void dp_capture_folder(const DpCapture *capture, const char *path);
void dp_capture_link(const DpCapture *capture, const char *from, const char *to);
/* A folder with the names in it. */
void dp_capture_names(const DpCapture *capture, const char *from, const char *to);
/* Where the files of @path really lie: @path itself, or the place its link leads to; NULL: out of
 * the root. The caller frees it. */
char *dp_capture_place(const DpCapture *capture, const char *path);

/* capture-needs.c: of other machines, keyboards, consoles and pools no more than that they are
 * there: addresses are replaced, names and contents left out. */
void dp_capture_needs(const DpCapture *capture);
/* Lines of proc/net/route that lead to what stands for the other machines. */
char *dp_capture_peer_routes(const DpCapture *capture);
/* Of the tunnel @net, to be found at @place, what kind it is, without the addresses of its ends. */
void dp_capture_tunnel(const DpCapture *capture, const char *net, const char *place);

/* capture-platform.c: processor, memory, modules, tables of the firmware. */
void dp_capture_platform(const DpCapture *capture);
/* Who owns what, the map and the compatibility list. */
void dp_capture_store(const DpCapture *capture);
