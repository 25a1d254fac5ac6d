/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "intent.h"

#include "base/file.h"
#include "binding-json.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define RUN_FOLDER  "run/directpath"
#define INTENT_NAME "intent"
#define INTENT_PATH RUN_FOLDER "/" INTENT_NAME

#define INTENT_MAX_BYTES (1u << 20)
#define INTENT_VERSION   1

DpIntent *
dp_intent_new(DpRoot *root, const char *command, const GPtrArray *bindings)
{
    DpIntent *intent = g_new0(DpIntent, 1);

    intent->command = g_strdup(command);
    intent->boot_id = dp_boot_id(root);
    intent->pid = getpid();
    intent->bindings = g_ptr_array_new_with_free_func((GDestroyNotify)dp_binding_free);
    for (guint i = 0; bindings != NULL && i < bindings->len; i++) {
        g_ptr_array_add(intent->bindings, dp_binding_copy(bindings->pdata[i]));
    }
    return intent;
}

void
dp_intent_free(DpIntent *intent)
{
    if (intent == NULL) {
        return;
    }
    g_free(intent->command);
    g_free(intent->boot_id);
    g_ptr_array_unref(intent->bindings);
    g_free(intent);
}

static json_t *
intent_to_json(DpRoot *root, const DpIntent *intent)
{
    json_t *document = json_object();
    json_t *functions = json_array();

    json_object_set_new(document, "version", json_integer(INTENT_VERSION));
    json_object_set_new(document, "command", json_string(intent->command));
    json_object_set_new(document, "pid", json_integer(intent->pid));
    json_object_set_new(document, "pending", json_boolean(intent->pending));
    json_object_set_new(document, "boot_id", json_string(intent->boot_id));
    for (guint i = 0; i < intent->bindings->len; i++) {
        json_array_append_new(functions, dp_binding_to_json(root, intent->bindings->pdata[i]));
    }
    json_object_set_new(document, "functions", functions);
    return document;
}

bool
dp_intent_write(DpRoot *root, const DpIntent *intent, GError **error)
{
    return dp_store_save_json(root, RUN_FOLDER, INTENT_NAME, intent_to_json(root, intent),
                              JSON_INDENT(2), error);
}

static DpIntent *
intent_from_json(DpRoot *root, const json_t *document)
{
    const json_t *functions = json_object_get(document, "functions");
    const char *command = json_string_value(json_object_get(document, "command"));
    const char *boot_id = json_string_value(json_object_get(document, "boot_id"));
    g_autoptr(DpIntent) intent = NULL;

    if (json_integer_value(json_object_get(document, "version")) != INTENT_VERSION ||
        !json_is_array(functions) || command == NULL || boot_id == NULL) {
        return NULL;
    }
    intent = dp_intent_new(root, command, NULL);
    g_free(intent->boot_id);
    intent->boot_id = g_strdup(boot_id);
    intent->pid = (pid_t)json_integer_value(json_object_get(document, "pid"));
    intent->pending = json_is_true(json_object_get(document, "pending"));
    for (size_t i = 0; i < json_array_size(functions); i++) {
        DpBinding *binding = dp_binding_from_json(root, json_array_get(functions, i));

        if (binding == NULL) {
            return NULL;
        }
        g_ptr_array_add(intent->bindings, binding);
    }
    return g_steal_pointer(&intent);
}

static DpIntent *
parse(DpRoot *root, const char *text, size_t len, DpDiagList *diags)
{
    json_error_t where;
    json_t *document = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
    DpIntent *intent = document == NULL ? NULL : intent_from_json(root, document);

    if (intent == NULL) {
        dp_diags_add(diags, DP_DIAG_INTENT_BROKEN, INTENT_PATH,
                     "the record of an interrupted command cannot be read: %s",
                     document == NULL ? where.text : "it lacks what every record has");
    }
    json_decref(document);
    return intent;
}

DpIntent *
dp_intent_read(DpRoot *root, DpDiagList *diags, GError **error)
{
    g_autoptr(GError) failure = NULL;
    size_t len = 0;
    g_autofree char *text = dp_file_read(root->fd, INTENT_PATH, INTENT_MAX_BYTES, &len, &failure);
    g_autofree char *boot_id = dp_boot_id(root);
    g_autoptr(DpIntent) intent = NULL;

    if (text == NULL) {
        if (!g_error_matches(failure, DP_ERROR, DP_ERROR_NOT_FOUND)) {
            g_propagate_error(error, g_steal_pointer(&failure));
        }
        return NULL;
    }
    intent = parse(root, text, len, diags);
    if (intent == NULL || strcmp(intent->boot_id, boot_id) != 0) {
        return NULL;
    }
    return g_steal_pointer(&intent);
}

const DpBinding *
dp_intent_find(const DpIntent *intent, const char *name)
{
    for (guint i = 0; i < intent->bindings->len; i++) {
        const DpBinding *binding = intent->bindings->pdata[i];

        if (strcmp(binding->name, name) == 0) {
            return binding;
        }
    }
    return NULL;
}

bool
dp_intent_remove(DpRoot *root, GError **error)
{
    dp_autofd int folder = dp_file_open(root->fd, RUN_FOLDER, O_RDONLY | O_DIRECTORY);

    if (folder == -ENOENT) {
        return true;
    }
    if (folder < 0) {
        return dp_fail_errno(error, -folder, "cannot open %s", RUN_FOLDER);
    }
    if (unlinkat(folder, INTENT_NAME, 0) < 0 && errno != ENOENT) {
        return dp_fail_errno(error, errno, "cannot remove %s", INTENT_PATH);
    }
    return fsync(folder) == 0 || dp_fail_errno(error, errno, "cannot sync %s", RUN_FOLDER);
}
