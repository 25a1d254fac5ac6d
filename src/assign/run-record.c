/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-record.h"

#include "base/file.h"

#include <errno.h>
#include <string.h>

#define FOLDER    "run/directpath"
#define MAX_BYTES (1u << 20)
#define VERSION   1

json_t *
dp_run_record_load(DpRoot *root, const char *name)
{
    g_autofree char *path = g_strdup_printf(FOLDER "/%s", name);
    size_t len = 0;
    g_autofree char *text = dp_file_read(root->fd, path, MAX_BYTES, &len, NULL);
    json_t *document = text == NULL ? NULL : json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    json_t *functions = json_object_get(document, "functions");

    if (json_integer_value(json_object_get(document, "version")) != VERSION ||
        !json_is_object(functions)) {
        functions = NULL;
    }
    json_incref(functions);
    json_decref(document);
    return functions;
}

static bool
drop(DpRoot *root, const char *name, GError **error)
{
    dp_autofd int folder = dp_store_folder(root, FOLDER, error);

    if (folder < 0) {
        return false;
    }
    if (unlinkat(folder, name, 0) < 0 && errno != ENOENT) {
        return dp_fail_errno(error, errno, "cannot remove %s/%s", FOLDER, name);
    }
    return fsync(folder) == 0 || dp_fail_errno(error, errno, "cannot sync %s", FOLDER);
}

bool
dp_run_record_save(DpRoot *root, const char *name, json_t *functions, GError **error)
{
    json_t *document;

    if (json_object_size(functions) == 0) {
        return drop(root, name, error);
    }
    document = json_object();
    json_object_set_new(document, "version", json_integer(VERSION));
    json_object_set(document, "functions", functions);
    return dp_store_save_json(root, FOLDER, name, document, JSON_INDENT(2) | JSON_SORT_KEYS, error);
}
