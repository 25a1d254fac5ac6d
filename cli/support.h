/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of a bundle for whoever helps: `host support`. */
#pragma once

#include "context.h"
#include "host/mask.h"
#include "host/tar.h"

typedef struct {
    DpCli *cli;
    DpContext *context;
    DpMask *mask;
    DpTar *tar;
    GPtrArray *vms; /* DpKnownVm */
    json_t *about;
} DpBundle;

/* What the commands that look print. */
void dp_support_documents(const DpBundle *bundle);
/* What this program keeps on disk: identities, quarantine, good boots, runs. */
void dp_support_records(const DpBundle *bundle);
/* What the kernel has said. */
void dp_support_kernel(const DpBundle *bundle);
/* VMX and logs of each VM that this host knows. */
void dp_support_vms(const DpBundle *bundle);
