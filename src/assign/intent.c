/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "intent.h"

#include "base/file.h"
#include "sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define RUN_FOLDER  "run/directpath"
#define INTENT_NAME "intent"
#define INTENT_PATH RUN_FOLDER "/" INTENT_NAME

#define INTENT_MAX_BYTES (1u << 20)
#define INTENT_VERSION   1

static char *
read_boot_id(DpRoot *root)
{
    char *id = dp_file_read_line(root->fd, "proc/sys/kernel/random/boot_id", NULL);

    return id == NULL ? g_strdup("") : id;
}

DpIntent *
dp_intent_new(DpRoot *root, const char *command, const GPtrArray *bindings)
{
    DpIntent *intent = g_new0(DpIntent, 1);

    intent->command = g_strdup(command);
    intent->boot_id = read_boot_id(root);
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
string_or_null(const char *text)
{
    json_t *value = text == NULL ? json_null() : json_string(text);

    return value == NULL ? json_null() : value;
}

static json_t *
binding_to_json(DpRoot *root, const DpBinding *binding)
{
    json_t *object = json_object();

    json_object_set_new(object, "address", json_string(binding->name));
    json_object_set_new(object, "driver", string_or_null(binding->driver));
    json_object_set_new(object, "override", string_or_null(binding->override));
    json_object_set_new(object, "vendor", string_or_null(binding->vendor));
    json_object_set_new(object, "device", string_or_null(binding->device));
    if (binding->waiting > 0) {
        json_int_t start = (json_int_t)dp_sysfs_process_start(root, binding->waiting);

        json_object_set_new(object, "waiting", json_integer(binding->waiting));
        json_object_set_new(object, "waiting_since", json_integer(start));
    }
    return object;
}

static char *
intent_to_text(DpRoot *root, const DpIntent *intent)
{
    json_t *document = json_object();
    json_t *functions = json_array();
    char *text;

    json_object_set_new(document, "version", json_integer(INTENT_VERSION));
    json_object_set_new(document, "command", json_string(intent->command));
    json_object_set_new(document, "pid", json_integer(intent->pid));
    json_object_set_new(document, "pending", json_boolean(intent->pending));
    json_object_set_new(document, "boot_id", json_string(intent->boot_id));
    for (guint i = 0; i < intent->bindings->len; i++) {
        json_array_append_new(functions, binding_to_json(root, intent->bindings->pdata[i]));
    }
    json_object_set_new(document, "functions", functions);
    text = json_dumps(document, JSON_INDENT(2));
    json_decref(document);
    return text;
}

bool
dp_intent_write(DpRoot *root, const DpIntent *intent, GError **error)
{
    dp_autofd int folder = dp_store_folder(root, RUN_FOLDER, error);
    char *text = intent_to_text(root, intent);
    bool done = folder >= 0 && text != NULL &&
                dp_file_replace(folder, INTENT_NAME, text, strlen(text), 0600, error);

    free(text);
    return done;
}

/* A word that may stand in a path of sysfs. */
static char *
take_word(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    if (text == NULL || text[0] == '\0' || strlen(text) > 255 || strchr(text, '/') != NULL ||
        strcmp(text, ".") == 0 || strcmp(text, "..") == 0) {
        return NULL;
    }
    return g_strdup(text);
}

/* The waiting process of then, if it is the same one still. */
static pid_t
still_waiting(DpRoot *root, const json_t *object)
{
    json_int_t pid = json_integer_value(json_object_get(object, "waiting"));
    json_int_t since = json_integer_value(json_object_get(object, "waiting_since"));

    if (pid <= 0 || pid > G_MAXINT || since <= 0 ||
        dp_sysfs_process_start(root, (pid_t)pid) != (unsigned long long)since) {
        return 0;
    }
    return (pid_t)pid;
}

static DpBinding *
binding_from_json(DpRoot *root, const json_t *object)
{
    const char *address = json_string_value(json_object_get(object, "address"));
    DpBinding *binding;
    DpAddr addr;

    if (address == NULL || !dp_addr_parse_sysfs(address, &addr)) {
        return NULL;
    }
    binding = g_new0(DpBinding, 1);
    dp_addr_format(&addr, binding->name);
    binding->driver = take_word(object, "driver");
    binding->override = take_word(object, "override");
    binding->vendor = take_word(object, "vendor");
    binding->device = take_word(object, "device");
    binding->waiting = still_waiting(root, object);
    binding->stuck = binding->waiting > 0;
    return binding;
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
        DpBinding *binding = binding_from_json(root, json_array_get(functions, i));

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
    g_autofree char *boot_id = read_boot_id(root);
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
