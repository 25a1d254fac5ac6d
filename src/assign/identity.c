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

static json_t *
entry(const DpIdentities *identities, const DpAddr *addr)
{
    char name[DP_ADDR_LEN];

    return json_object_get(identities->devices, dp_addr_format(addr, name));
}

/* Cards behind a bridge, in the entry of the bridge. */
#define BELOW "below"
/* Buses nest no deeper than there are bus numbers. */
#define DEPTH_MAX 256u

static json_t *
card_json(const DpFunction *fn)
{
    g_autoptr(DpCard) card = dp_card_of(fn);
    json_t *object = json_object();

    dp_card_to_json(card, object);
    return object;
}

static void
add_below(const DpFunction *bridge, unsigned depth, json_t *below)
{
    for (guint i = 0; depth < DEPTH_MAX && i < bridge->children->len; i++) {
        const DpFunction *fn = bridge->children->pdata[i];

        if (!fn->is_bridge) {
            json_object_set_new(below, fn->name, card_json(fn));
        }
        add_below(fn, depth + 1, below);
    }
}

void
dp_identities_record(DpIdentities *identities,
                     const DpFunction *fn,
                     bool line_added,
                     const int *overrides,
                     size_t n_overrides)
{
    json_t *object = card_json(fn);
    json_t *ids = json_array();

    json_object_set_new(object, "line_added", json_boolean(line_added));
    for (size_t i = 0; i < n_overrides; i++) {
        json_array_append_new(ids, json_integer(overrides[i]));
    }
    json_object_set_new(object, "overrides", ids);
    if (fn->is_bridge) {
        json_object_set_new(object, BELOW, json_object());
        add_below(fn, 0, json_object_get(object, BELOW));
    }
    json_object_set_new(identities->devices, fn->name, object);
}

void
dp_identities_set_name(DpIdentities *identities, const DpAddr *addr, const char *name)
{
    g_autoptr(DpCard) card = dp_card_new();
    json_t *object = entry(identities, addr);

    card->name = g_strdup(name);
    if (object != NULL) {
        dp_card_to_json(card, object);
    }
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

DpCard *
dp_identities_card(const DpIdentities *identities, const DpAddr *addr)
{
    const json_t *object = entry(identities, addr);

    return object == NULL ? NULL : dp_card_from_json(object);
}

/* Where the card of @fn is written: its own entry, else among those of @bridge. */
static json_t *
card_entry(const DpIdentities *identities, const DpFunction *fn, const DpFunction *bridge)
{
    json_t *own = entry(identities, &fn->addr);

    if (bridge == NULL || bridge == fn) {
        return own;
    }
    return json_object_get(json_object_get(entry(identities, &bridge->addr), BELOW), fn->name);
}

static DpCardMatch
compare(const json_t *object, const DpFunction *fn, DpCard **ret_stored)
{
    g_autoptr(DpCard) now = dp_card_of(fn);
    g_autoptr(DpCard) stored = dp_card_from_json(object);
    DpCardMatch match = dp_card_compare(stored, now);

    if (ret_stored != NULL) {
        *ret_stored = object == NULL ? NULL : g_steal_pointer(&stored);
    }
    return match;
}

DpCardMatch
dp_identities_compare(const DpIdentities *identities,
                      const DpFunction *fn,
                      const DpFunction *bridge,
                      DpCard **ret_stored)
{
    if (bridge != NULL && bridge != fn) {
        g_autoptr(DpCard) stored = NULL;
        DpCardMatch match = compare(entry(identities, &bridge->addr), bridge, &stored);

        /* Not the bridge that was meant, so nothing behind it was. */
        if (match < DP_CARD_ALIKE) {
            if (ret_stored != NULL) {
                *ret_stored = g_steal_pointer(&stored);
            }
            return match;
        }
    }
    return compare(card_entry(identities, fn, bridge), fn, ret_stored);
}

/* The object to write the card of @fn into, made if there is none. */
static json_t *
make_card_entry(DpIdentities *identities, const DpFunction *fn, const DpFunction *bridge)
{
    json_t *object = card_entry(identities, fn, bridge);
    json_t *above, *below;

    if (object != NULL) {
        return object;
    }
    if (bridge == NULL || bridge == fn) {
        dp_identities_record(identities, fn, false, NULL, 0);
        return entry(identities, &fn->addr);
    }
    above = make_card_entry(identities, bridge, NULL);
    below = json_object_get(above, BELOW);
    if (!json_is_object(below)) {
        below = json_object();
        json_object_set_new(above, BELOW, below);
    }
    object = json_object();
    json_object_set_new(below, fn->name, object);
    return object;
}

bool
dp_identities_learn(DpIdentities *identities,
                    const DpFunction *fn,
                    const DpFunction *bridge,
                    const char *name)
{
    bool made = card_entry(identities, fn, bridge) == NULL;
    json_t *object = make_card_entry(identities, fn, bridge);
    g_autoptr(DpCard) card = dp_card_from_json(object);
    g_autoptr(DpCard) now = dp_card_of(fn);

    now->name = g_strdup(name);
    if (dp_card_learn(card, now)) {
        dp_card_to_json(card, object);
        return true;
    }
    return made;
}
