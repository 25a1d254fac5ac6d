/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "registry.h"

#include "assign/store.h"
#include "base/file.h"
#include "base/text.h"

#include <string.h>

#define FOLDER  "etc/directpath"
#define NAME    "vms.json"
#define VERSION 1

static void
registered_free(gpointer data)
{
    DpRegistered *vm = data;

    g_free(vm->vmx);
    g_free(vm->name);
    g_free(vm->uuid);
    g_free(vm);
}

DpRegistry *
dp_registry_new(void)
{
    DpRegistry *registry = g_new0(DpRegistry, 1);

    registry->vms = g_ptr_array_new_with_free_func(registered_free);
    return registry;
}

void
dp_registry_free(DpRegistry *registry)
{
    if (registry == NULL) {
        return;
    }
    g_ptr_array_unref(registry->vms);
    g_free(registry);
}

/* A whole number of @object between @min and @max; @fallback where there is none of that name. */
static bool
read_int(const json_t *object, const char *name, int min, int max, int fallback, int *ret_value)
{
    const json_t *value = json_object_get(object, name);
    json_int_t number = value == NULL ? fallback : json_integer_value(value);

    *ret_value = (int)CLAMP(number, min, max);
    return value == NULL || (json_is_integer(value) && number == *ret_value);
}

/* Why @object is no entry, or NULL: then it has become the last of @registry. */
static const char *
read_entry(DpRegistry *registry, const json_t *object)
{
    const char *vmx = json_string_value(json_object_get(object, "vmx"));
    const char *name = json_string_value(json_object_get(object, "name"));
    const char *uuid = json_string_value(json_object_get(object, "uuid"));
    int order, timeout_s;
    DpRegistered *vm;

    if (vmx == NULL || vmx[0] != '/' || dp_path_climbs(vmx)) {
        return "an entry has no absolute path";
    }
    if (dp_registry_find(registry, vmx) != NULL) {
        return "a path comes twice";
    }
    if (!read_int(object, "order", 0, DP_ORDER_MAX, 0, &order) ||
        !read_int(object, "timeout", 0, DP_STOP_TIMEOUT_MAX_S, DP_STOP_TIMEOUT_S, &timeout_s)) {
        return "an order or a time-out is no number, or out of range";
    }
    vm = dp_registry_add(registry, vmx, name != NULL ? name : vmx, uuid);
    if (vm == NULL) {
        return "there are too many entries";
    }
    vm->order = order;
    vm->timeout_s = timeout_s;
    return NULL;
}

DpRegistry *
dp_registry_parse(const char *text, size_t len, char **ret_why)
{
    g_autoptr(DpRegistry) registry = dp_registry_new();
    json_error_t where;
    json_t *document = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
    const json_t *vms = json_object_get(document, "vms");
    const char *why = document == NULL ? where.text : NULL;
    json_t *entry;
    size_t i;

    if (why == NULL && (json_integer_value(json_object_get(document, "version")) != VERSION ||
                        !json_is_array(vms))) {
        why = "it lacks what every version has";
    }
    json_array_foreach(vms, i, entry)
    {
        why = why == NULL ? read_entry(registry, entry) : why;
    }
    *ret_why = g_strdup(why);
    json_decref(document);
    return why == NULL ? g_steal_pointer(&registry) : NULL;
}

static void
fail_broken(const char *why, DpDiagList *diags, GError **error)
{
    g_autofree char *shown = dp_text_visible(why, -1);

    dp_diags_add(diags, DP_DIAG_VM_REGISTRY_BROKEN, DP_REGISTRY_PATH,
                 "which VMs are registered cannot be read: %s", shown);
    (void)dp_fail(error, DP_ERROR_REFUSED, "%s: %s", DP_REGISTRY_PATH, shown);
}

DpRegistry *
dp_registry_load(DpRoot *root, DpDiagList *diags, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autofree char *why = NULL;
    DpRegistry *registry;
    size_t len = 0;
    g_autofree char *text =
        dp_file_read(root->fd, DP_REGISTRY_PATH, DP_REGISTRY_MAX_BYTES, &len, &failure);

    if (g_error_matches(failure, DP_ERROR, DP_ERROR_NOT_FOUND)) {
        return dp_registry_new();
    }
    if (text == NULL) {
        fail_broken(failure->message, diags, error);
        return NULL;
    }
    registry = dp_registry_parse(text, len, &why);
    if (registry == NULL) {
        fail_broken(why, diags, error);
    }
    return registry;
}

static json_t *
entry_json(const DpRegistered *vm)
{
    return json_pack("{s:s, s:s, s:s*, s:i, s:i}", "vmx", vm->vmx, "name", vm->name, "uuid",
                     vm->uuid, "order", vm->order, "timeout", vm->timeout_s);
}

bool
dp_registry_save(DpRoot *root, const DpRegistry *registry, GError **error)
{
    json_t *vms = json_array();

    for (guint i = 0; i < registry->vms->len; i++) {
        if (json_array_append_new(vms, entry_json(registry->vms->pdata[i])) < 0) {
            json_decref(vms);
            return dp_fail(error, DP_ERROR_PARSE, "a path or a name is no text in UTF-8");
        }
    }
    return dp_store_save_json(root, FOLDER, NAME,
                              json_pack("{s:i, s:o}", "version", VERSION, "vms", vms),
                              JSON_INDENT(2), error);
}

DpRegistered *
dp_registry_find(const DpRegistry *registry, const char *vmx)
{
    for (guint i = 0; i < registry->vms->len; i++) {
        DpRegistered *vm = registry->vms->pdata[i];

        if (strcmp(vm->vmx, vmx) == 0) {
            return vm;
        }
    }
    return NULL;
}

DpRegistered *
dp_registry_twin(const DpRegistry *registry, const char *vmx, const char *uuid)
{
    for (guint i = 0; uuid != NULL && i < registry->vms->len; i++) {
        DpRegistered *vm = registry->vms->pdata[i];

        if (g_strcmp0(vm->uuid, uuid) == 0 && strcmp(vm->vmx, vmx) != 0) {
            return vm;
        }
    }
    return NULL;
}

DpRegistered *
dp_registry_add(DpRegistry *registry, const char *vmx, const char *name, const char *uuid)
{
    DpRegistered *vm;

    if (registry->vms->len >= DP_REGISTRY_MAX) {
        return NULL;
    }
    vm = g_new0(DpRegistered, 1);
    vm->vmx = g_strdup(vmx);
    vm->name = g_strdup(name);
    vm->uuid = g_strdup(uuid);
    vm->timeout_s = DP_STOP_TIMEOUT_S;
    g_ptr_array_add(registry->vms, vm);
    return vm;
}

void
dp_registry_remove(DpRegistry *registry, DpRegistered *vm)
{
    (void)g_ptr_array_remove(registry->vms, vm);
}

int
dp_registry_next_order(const DpRegistry *registry)
{
    int last = 0;

    for (guint i = 0; i < registry->vms->len; i++) {
        last = MAX(last, ((const DpRegistered *)registry->vms->pdata[i])->order);
    }
    return MIN(last + 1, DP_ORDER_MAX);
}

static int
compare_order(gconstpointer a, gconstpointer b)
{
    return (*(DpRegistered *const *)a)->order - (*(DpRegistered *const *)b)->order;
}

GPtrArray *
dp_registry_in_order(const DpRegistry *registry)
{
    GPtrArray *ordered = g_ptr_array_new();

    for (guint i = 0; i < registry->vms->len; i++) {
        DpRegistered *vm = registry->vms->pdata[i];

        if (vm->order > 0) {
            g_ptr_array_add(ordered, vm);
        }
    }
    g_ptr_array_sort(ordered, compare_order); /* which is stable */
    return ordered;
}
