/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The record of an armed change (run/directpath/armed) of any bytes. */
#include "assign/armed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
    if (!holds) {
        __builtin_trap();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DpRoot root = {.fd = -1};
    g_autofree char *why = NULL;
    g_autoptr(DpArmed) armed = dp_armed_parse(&root, (const char *)data, size, &why);
    g_autofree char *names = NULL;

    must((armed == NULL) == (why != NULL));
    if (armed == NULL) {
        return 0;
    }
    must(armed->bindings->len > 0 && armed->seconds >= 1 && armed->seconds <= DP_CONFIRM_MAX_S);
    must(dp_armed_left_s(armed) >= 0 && dp_armed_left_s(armed) <= DP_CONFIRM_MAX_S);
    names = dp_armed_names(armed);
    for (guint i = 0; i < armed->bindings->len; i++) {
        const DpBinding *binding = armed->bindings->pdata[i];
        DpAddr addr;

        must(dp_addr_parse_sysfs(binding->name, &addr));
        must(dp_armed_find(armed, binding->name) != NULL);
    }
    for (guint i = 0; i < armed->left->len; i++) {
        must(g_utf8_validate(armed->left->pdata[i], -1, NULL));
    }
    return 0;
}
