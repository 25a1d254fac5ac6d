/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binding-json.h"

#include "base/file.h"
#include "sysfs.h"

#include <string.h>

char *
dp_boot_id(DpRoot *root)
{
    char *id = dp_file_read_line(root->fd, "proc/sys/kernel/random/boot_id", NULL);

    return id == NULL ? g_strdup("") : id;
}

static json_t *
string_or_null(const char *text)
{
    json_t *value = text == NULL ? json_null() : json_string(text);

    return value == NULL ? json_null() : value;
}

json_t *
dp_binding_to_json(DpRoot *root, const DpBinding *binding)
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

DpBinding *
dp_binding_from_json(DpRoot *root, const json_t *object)
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
