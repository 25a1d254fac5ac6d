/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An esx.conf of any bytes: read, edited, and edited back to the same bytes. */
#include "formats/esxconf.h"
#include "formats/lines.h"

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
same_bytes(const DpEsxconf *conf, const char *want, size_t len)
{
    g_autoptr(GBytes) bytes = dp_esxconf_bytes(conf);

    must(g_bytes_get_size(bytes) == len);
    must(len == 0 || memcmp(g_bytes_get_data(bytes, NULL), want, len) == 0);
}

/* Owners that are changed and changed back leave no trace. */
static void
check_owners(DpEsxconf *conf, const char *text, size_t len)
{
    g_autoptr(GArray) passthru = dp_esxconf_passthru(conf);

    for (guint i = 0; i < passthru->len; i++) {
        const DpAddr *addr = &g_array_index(passthru, DpAddr, i);
        bool present = false;

        must(dp_esxconf_owner(conf, addr, &present) == DP_OWNER_PASSTHRU && present);
        must(dp_esxconf_set_owner(conf, addr, DP_OWNER_HOST));
        must(dp_esxconf_owner(conf, addr, NULL) == DP_OWNER_HOST);
        (void)dp_esxconf_vmkname(conf, addr);
    }
    for (guint i = 0; i < passthru->len; i++) {
        must(dp_esxconf_set_owner(conf, &g_array_index(passthru, DpAddr, i), DP_OWNER_PASSTHRU));
    }
    same_bytes(conf, text, len);
}

/* A new line goes behind all others, which stay as they are. */
static void
check_append(DpEsxconf *conf, size_t len)
{
    const DpAddr addr = {.domain = 0xfedc, .bus = 1, .device = 2, .function = 3};
    g_autoptr(GBytes) bytes = NULL, removed = NULL;
    g_autoptr(DpEsxconf) again = NULL;
    const char *data;
    gsize n = 0;

    (void)dp_esxconf_remove_owner(conf, &addr);
    removed = dp_esxconf_bytes(conf);
    must(g_bytes_get_size(removed) <= len);
    must(dp_esxconf_set_owner(conf, &addr, DP_OWNER_PASSTHRU));
    bytes = dp_esxconf_bytes(conf);
    data = g_bytes_get_data(bytes, &n);
    must(g_bytes_get_size(removed) == 0 ||
         memcmp(data, g_bytes_get_data(removed, NULL), g_bytes_get_size(removed)) == 0);
    again = dp_esxconf_parse("again", data, n, NULL, NULL);
    must(again != NULL && dp_esxconf_owner(again, &addr, NULL) == DP_OWNER_PASSTHRU);
}

static void
check_uuid(DpEsxconf *conf)
{
    static const char uuid[] = "473027ac-5705f21d-6d09-000c2918f3dd";
    const char *now = dp_esxconf_system_uuid(conf);

    must(now == NULL || dp_system_uuid_equal(now, now));
    (void)dp_esxconf_set_system_uuid(conf, uuid);
    must(dp_system_uuid_equal(dp_esxconf_system_uuid(conf), uuid));
    must(!dp_esxconf_set_system_uuid(conf, uuid));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autoptr(GError) error = NULL;
    const char *text = (const char *)data;
    g_autoptr(DpEsxconf) conf = dp_esxconf_parse("esx.conf", text, size, diags, &error);

    if (conf == NULL) {
        must(error != NULL && dp_diags_have_error(diags));
        return 0;
    }
    must(error == NULL);
    must(diags->len <= 6 * (DP_NOTES_MAX + 1));
    same_bytes(conf, text, size);
    check_owners(conf, text, size);
    check_append(conf, size);
    check_uuid(conf);
    return 0;
}
