/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The administrator's lists of datastores and networks, of any bytes: what is believed is a folder
 * or a network, and what is believed can be written and read again. */
#include "formats/aliases.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
    if (!holds) {
        __builtin_trap();
    }
}

static void
check_value(DpAliasKind kind, const char *value)
{
    g_autofree char *line = dp_aliases_line("VM Network", value);
    g_autoptr(DpAliases) again = dp_aliases_new(kind);
    DpNetworkTarget target;

    if (kind == DP_ALIAS_DATASTORES) {
        must(value[0] == '/' && !g_str_has_suffix(value, "/..") && strstr(value, "/../") == NULL);
    } else {
        must(dp_network_parse(value, &target));
        must(target.kind == DP_NETWORK_BRIDGE || target.bridge[0] == '\0');
        must(strchr(target.bridge, '/') == NULL && strchr(target.bridge, ',') == NULL);
    }
    must(dp_aliases_read(again, "again", line, strlen(line), NULL, NULL));
    /* Quotes and blanks around a value belong to the line, not to it. */
    must(strpbrk(value, "\" \t") != NULL ||
         g_strcmp0(dp_aliases_lookup(again, "VM Network"), value) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (DpAliasKind kind = DP_ALIAS_DATASTORES; kind <= DP_ALIAS_NETWORKS; kind++) {
        g_autoptr(DpAliases) names = dp_aliases_new(kind);
        g_autoptr(DpDiagList) diags = dp_diags_new();
        g_autoptr(GPtrArray) values = NULL;

        (void)dp_aliases_read(names, "names", (const char *)data, size, diags, NULL);
        must(diags->len <= 60);
        values = dp_aliases_values(names);
        for (guint i = 0; i < values->len; i++) {
            check_value(kind, values->pdata[i]);
        }
    }
    return 0;
}
