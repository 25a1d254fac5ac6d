/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "create.h"

#include <string.h>

/* In this order, as ESX writes a new file. */
static const struct {
    const char *key, *value; /* NULL: made below */
} defaults[] = {
    {"config.version", "8"}, {"virtualHW.version", "11"}, /* sixteen passed-through devices;
                                                             ESXi 6.0 and later take it */
    {"displayName", NULL},   {"guestOS", "other-64"},     {"numvcpus", "1"},
    {"memsize", "1024"},     {"uuid.bios", NULL},
};

/* Sixteen bytes as a VMX has them, "56 4d .. ..-..": VMware's begin with VM's letters. */
static char *
make_uuid(void)
{
    g_autofree char *random = g_uuid_string_random();
    GString *text = g_string_new(NULL);
    unsigned n = 0;

    for (const char *p = random; *p != '\0'; p++) {
        if (*p == '-') {
            continue;
        }
        if (n > 0 && n % 2 == 0) {
            g_string_append_c(text, n == 16 ? '-' : ' ');
        }
        g_string_append_c(text, n < 4 ? "564d"[n] : *p);
        n++;
    }
    return g_string_free(text, FALSE);
}

DpVmx *
dp_vmx_create(const char *name, const char *title, GError **error)
{
    static const char first[] = ".encoding = \"UTF-8\"\n";
    g_autoptr(DpVmx) vmx = dp_vmx_parse(name, first, strlen(first), NULL, error);
    g_autofree char *uuid = make_uuid();

    for (size_t i = 0; vmx != NULL && i < G_N_ELEMENTS(defaults); i++) {
        bool titled = strcmp(defaults[i].key, "displayName") == 0;
        const char *made = titled ? title : uuid;
        g_autofree char *value =
            dp_vmx_encode(vmx, defaults[i].value != NULL ? defaults[i].value : made, error);

        if (value == NULL || !dp_vmx_set(vmx, defaults[i].key, value, error)) {
            return NULL;
        }
    }
    return g_steal_pointer(&vmx);
}
