/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "context.h"

/* After functions were given back or forgotten: what comes before the card is taken out, and which
 * VMX files still name it. "next" of the document, and diagnostics. A bridge in @addrs stands for
 * what lies behind it. */
void dp_report_removal(DpCli *cli, DpContext *context, const GArray *addrs);

/* The paths of those of @vms (DpKnownVm) that name the function at @addr, or the card that is
 * stored for it: an array, and a diagnostic for each. */
json_t *dp_report_still_named(DpCli *cli,
                              const DpContext *context,
                              const GPtrArray *vms,
                              const DpAddr *addr);
