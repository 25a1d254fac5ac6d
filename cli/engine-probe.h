/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine that runs guests: is it there, and which version. */
#pragma once

#include "host/host.h"

typedef struct {
    DpTri usable;  /* unknown on a captured host, which holds no programs */
    char *path;    /* NULL: none was found, or nobody looked */
    char *version; /* "7.2.9"; NULL: unknown */
} DpEngine;

/* Asks the program for its version; adds what is wrong with it to @diags. Never NULL. */
DpEngine *dp_engine_probe(const DpRoot *root, DpDiagList *diags);
void dp_engine_free(DpEngine *engine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpEngine, dp_engine_free)

/* {"path","version","usable"}. */
json_t *dp_engine_json(const DpEngine *engine);

/* Finds "version 7.2.9" in what `--version` printed; false if it is not there. */
bool dp_engine_parse_version(const char *text,
                             unsigned *ret_major,
                             unsigned *ret_minor,
                             char **ret_version);
