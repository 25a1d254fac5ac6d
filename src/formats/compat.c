/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compat.h"

#include "id-table.h"

static const char *const statuses[] = {
    [DP_SUPPORT_UNLISTED] = "unlisted",
    [DP_SUPPORT_EXPERIMENTAL] = "experimental",
    [DP_SUPPORT_SUPPORTED] = "supported",
};

static const DpIdSpec spec = {
    .words = {{"status", "supported, experimental or unlisted", statuses, G_N_ELEMENTS(statuses),
               0}},
    .n_words = 1,
    .example = "supported",
    .unreadable = DP_DIAG_COMPAT_UNREADABLE,
    .not_read = DP_DIAG_COMPAT_LINE_NOT_READ,
    .overridden = DP_DIAG_COMPAT_OVERRIDDEN,
};

struct DpCompat {
    DpIdTable *table;
};

const DpIdSpec *
dp_compat_spec(void)
{
    return &spec;
}

const char *
dp_support_name(DpSupport support)
{
    return statuses[support];
}

DpCompat *
dp_compat_new(void)
{
    DpCompat *compat = g_new0(DpCompat, 1);

    compat->table = dp_id_table_new(&spec);
    return compat;
}

void
dp_compat_free(DpCompat *compat)
{
    if (compat == NULL) {
        return;
    }
    dp_id_table_free(compat->table);
    g_free(compat);
}

bool
dp_compat_add(DpCompat *compat,
              const char *name,
              const char *bytes,
              size_t len,
              DpDiagList *diags,
              GError **error)
{
    return dp_id_table_add(compat->table, name, bytes, len, diags, error);
}

bool
dp_compat_lookup(const DpCompat *compat,
                 uint16_t vendor,
                 uint16_t device,
                 DpSupport *ret_support,
                 bool *ret_exact)
{
    const DpIdRow *row = dp_id_table_lookup(compat->table, vendor, device);

    if (row == NULL) {
        return false;
    }
    *ret_support = (DpSupport)row->words[0];
    *ret_exact = row->vendor != DP_ID_ANY && row->device != DP_ID_ANY;
    return true;
}
