/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VMX made of a text, for unit tests. */
#pragma once

#include "formats/vmx.h"

#include <string.h>

#define parse(text, diags) parse_bytes((text), strlen(text), (diags))

static inline DpVmx *
parse_bytes(const char *text, size_t len, DpDiagList *diags)
{
    g_autoptr(GError) error = NULL;
    DpVmx *vmx = dp_vmx_parse("t.vmx", text, len, diags, &error);

    g_assert_no_error(error);
    g_assert_nonnull(vmx);
    return vmx;
}

static inline void
assert_bytes(const DpVmx *vmx, const char *want)
{
    g_autoptr(GBytes) bytes = dp_vmx_bytes(vmx);
    gsize len = 0;
    const char *data = g_bytes_get_data(bytes, &len);
    g_autofree char *text = g_strndup(data != NULL ? data : "", len);

    g_assert_cmpstr(text, ==, want);
}

static inline const DpDiag *
find(const DpDiagList *diags, DpDiagId id)
{
    for (guint i = 0; i < diags->len; i++) {
        const DpDiag *diag = diags->pdata[i];

        if (diag->row->id == id) {
            return diag;
        }
    }
    g_assert_not_reached();
}
