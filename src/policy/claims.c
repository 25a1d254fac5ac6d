/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel's command line says of claims: the way back when a wrong device was taken. */
#include "policy.h"

#include <string.h>

#define PARAMETER "directpath="

bool
dp_policy_claims_off(const DpHost *host)
{
    const char *cmdline = host->platform.cmdline;
    g_auto(GStrv) words = cmdline == NULL ? NULL : g_strsplit_set(cmdline, " \t", -1);
    bool off = false;

    /* The last one counts, as for the kernel's own. What stands behind "--" is init's. */
    for (char **word = words; word != NULL && *word != NULL && strcmp(*word, "--") != 0; word++) {
        if (g_str_has_prefix(*word, PARAMETER)) {
            off = strcmp(*word + strlen(PARAMETER), "off") == 0;
        }
    }
    return off;
}
