/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "identity.h"

#include "base/file.h"

#include <fcntl.h>
#include <string.h>

#define STORE_FOLDER    "etc/directpath"
#define IDENTITIES_NAME "devices.json"
#define IDENTITIES_PATH STORE_FOLDER "/" IDENTITIES_NAME

#define IDENTITIES_MAX_BYTES (4u << 20)
#define IDENTITIES_VERSION   1

struct DpIdentities {
    json_t *devices; /* object by address */
    char *bare_end;
};

static DpIdentities *
identities_new(json_t *devices)
{
    DpIdentities *identities = g_new0(DpIdentities, 1);

    identities->devices = devices == NULL ? json_object() : devices;
    return identities;
}

void
dp_identities_free(DpIdentities *identities)
{
    if (identities == NULL) {
        return;
    }
    json_decref(identities->devices);
    g_free(identities->bare_end);
    g_free(identities);
}

static DpIdentities *
parse(const char *text, size_t len, DpDiagList *diags)
{
    json_error_t where;
    json_t *document = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
    json_t *devices = json_object_get(document, "devices");
    json_int_t version = json_integer_value(json_object_get(document, "version"));
    DpIdentities *identities;

    if (!json_is_object(devices) || version != IDENTITIES_VERSION) {
        dp_diags_add(diags, DP_DIAG_IDENTITIES_BROKEN, IDENTITIES_PATH,
                     "the file cannot be used: %s",
                     document == NULL ? where.text : "it lacks what every version has");
        devices = NULL;
    }
    identities = identities_new(json_incref(devices));
    identities->bare_end = g_strdup(json_string_value(json_object_get(document, "bare_end")));
    json_decref(document);
    return identities;
}

DpIdentities *
dp_identities_load(DpRoot *root, DpDiagList *diags, GError **error)
{
    g_autoptr(GError) failure = NULL;
    size_t len = 0;
    g_autofree char *text =
        dp_file_read(root->fd, IDENTITIES_PATH, IDENTITIES_MAX_BYTES, &len, &failure);

    if (text != NULL) {
        return parse(text, len, diags);
    }
    if (g_error_matches(failure, DP_ERROR, DP_ERROR_NOT_FOUND)) {
        return identities_new(NULL);
    }
    g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
}

static char *
to_text(const DpIdentities *identities)
{
    json_t *document = json_object();
    char *text, *line;

    json_object_set_new(document, "version", json_integer(IDENTITIES_VERSION));
    json_object_set(document, "devices", identities->devices);
    if (identities->bare_end != NULL) {
        json_object_set_new(document, "bare_end", json_string(identities->bare_end));
    }
    text = json_dumps(document, JSON_INDENT(2) | JSON_SORT_KEYS);
    line = g_strconcat(text, "\n", NULL);
    free(text);
    json_decref(document);
    return line;
}

bool
dp_identities_save(DpRoot *root, const DpIdentities *identities, GError **error)
{
    dp_autofd int folder = dp_store_folder(root, STORE_FOLDER, error);
    g_autofree char *text = to_text(identities);

    return folder >= 0 && dp_file_replace(folder, IDENTITIES_NAME, text, strlen(text), 0644, error);
}

static const json_t *
entry(const DpIdentities *identities, const DpAddr *addr)
{
    char name[DP_ADDR_LEN];

    return json_object_get(identities->devices, dp_addr_format(addr, name));
}

static void
set_hex(json_t *object, const char *key, unsigned id)
{
    char text[8];

    (void)g_snprintf(text, sizeof text, "%04x", id & 0xffffu);
    json_object_set_new(object, key, json_string(text));
}

void
dp_identities_record(DpIdentities *identities,
                     const DpFunction *fn,
                     bool line_added,
                     const int *overrides,
                     size_t n_overrides)
{
    json_t *object = json_object();
    json_t *ids = json_array();

    if (fn->ids_known != DP_TRI_NO) {
        set_hex(object, "vendor", fn->vendor);
        set_hex(object, "device", fn->device);
        set_hex(object, "subsystem_vendor", fn->subvendor);
        set_hex(object, "subsystem_device", fn->subdevice);
    }
    json_object_set_new(object, "line_added", json_boolean(line_added));
    for (size_t i = 0; i < n_overrides; i++) {
        json_array_append_new(ids, json_integer(overrides[i]));
    }
    json_object_set_new(object, "overrides", ids);
    json_object_set_new(identities->devices, fn->name, object);
}

void
dp_identities_forget(DpIdentities *identities, const DpAddr *addr)
{
    char name[DP_ADDR_LEN];

    (void)json_object_del(identities->devices, dp_addr_format(addr, name));
}

bool
dp_identities_line_added(const DpIdentities *identities, const DpAddr *addr)
{
    return json_is_true(json_object_get(entry(identities, addr), "line_added"));
}

bool
dp_identities_overrides(const DpIdentities *identities, const DpAddr *addr, int id)
{
    const json_t *ids = json_object_get(entry(identities, addr), "overrides");

    for (size_t i = 0; i < json_array_size(ids); i++) {
        if (json_integer_value(json_array_get(ids, i)) == id) {
            return true;
        }
    }
    return false;
}

const char *
dp_identities_bare_end(const DpIdentities *identities)
{
    return identities->bare_end;
}

void
dp_identities_set_bare_end(DpIdentities *identities, const char *text)
{
    g_free(identities->bare_end);
    identities->bare_end = g_strdup(text);
}

bool
dp_identities_any_line_added(const DpIdentities *identities)
{
    const char *name;
    json_t *object;

    json_object_foreach(identities->devices, name, object)
    {
        if (json_is_true(json_object_get(object, "line_added"))) {
            return true;
        }
    }
    return false;
}

bool
dp_identities_match(const DpIdentities *identities, const DpFunction *fn, char **ret_stored)
{
    const json_t *object = entry(identities, &fn->addr);
    const char *vendor = json_string_value(json_object_get(object, "vendor"));
    const char *device = json_string_value(json_object_get(object, "device"));

    if (vendor == NULL || device == NULL || fn->ids_known == DP_TRI_NO) {
        return true;
    }
    if (g_ascii_strtoull(vendor, NULL, 16) == fn->vendor &&
        g_ascii_strtoull(device, NULL, 16) == fn->device) {
        return true;
    }
    *ret_stored = g_strdup_printf("%.8s:%.8s", vendor, device);
    return false;
}
