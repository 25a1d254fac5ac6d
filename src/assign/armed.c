/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "armed.h"

#include "base/file.h"
#include "base/text.h"
#include "binding-json.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#define RUN_FOLDER "run/directpath"
#define ARMED_NAME "armed"
#define ARMED_PATH RUN_FOLDER "/" ARMED_NAME

#define ARMED_MAX_BYTES (1u << 20)
#define ARMED_VERSION   1
/* A text about one function, in the record. */
#define LEFT_MAX 1024

static const char *const phase_names[] = {
    [DP_ARMED_ARMING] = "arming",
    [DP_ARMED_ARMED] = "armed",
    [DP_ARMED_TAKEN_BACK] = "taken back",
};

gint64
dp_boottime_ms(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (gint64)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

DpArmed *
dp_armed_new(DpRoot *root, int seconds)
{
    DpArmed *armed = g_new0(DpArmed, 1);

    armed->boot_id = dp_boot_id(root);
    armed->seconds = seconds;
    armed->until_ms = dp_boottime_ms() + (gint64)seconds * 1000;
    armed->lines = g_array_new(false, false, sizeof(DpAddr));
    armed->overrides = g_array_new(false, false, sizeof(DpOverride));
    armed->bindings = g_ptr_array_new_with_free_func((GDestroyNotify)dp_binding_free);
    armed->left = g_ptr_array_new_with_free_func(g_free);
    return armed;
}

void
dp_armed_free(DpArmed *armed)
{
    if (armed == NULL) {
        return;
    }
    g_free(armed->boot_id);
    g_array_unref(armed->lines);
    g_array_unref(armed->overrides);
    g_ptr_array_unref(armed->bindings);
    g_ptr_array_unref(armed->left);
    g_free(armed);
}

static json_t *
lines_to_json(const GArray *lines)
{
    json_t *array = json_array();
    char name[DP_ADDR_LEN];

    for (guint i = 0; i < lines->len; i++) {
        dp_addr_format(&g_array_index(lines, DpAddr, i), name);
        json_array_append_new(array, json_string(name));
    }
    return array;
}

static json_t *
overrides_to_json(const GArray *overrides)
{
    json_t *array = json_array();
    char name[DP_ADDR_LEN];

    for (guint i = 0; i < overrides->len; i++) {
        const DpOverride *override = &g_array_index(overrides, DpOverride, i);

        json_array_append_new(array,
                              json_pack("{s:s, s:i}", "address",
                                        dp_addr_format(&override->addr, name), "id", override->id));
    }
    return array;
}

static json_t *
to_json(DpRoot *root, const DpArmed *armed)
{
    json_t *document = json_object();
    json_t *functions = json_array();
    json_t *left = json_array();

    for (guint i = 0; i < armed->bindings->len; i++) {
        json_array_append_new(functions, dp_binding_to_json(root, armed->bindings->pdata[i]));
    }
    for (guint i = 0; i < armed->left->len; i++) {
        json_array_append_new(left, json_string(armed->left->pdata[i]));
    }
    json_object_set_new(document, "version", json_integer(ARMED_VERSION));
    json_object_set_new(document, "phase", json_string(phase_names[armed->phase]));
    json_object_set_new(document, "boot_id", json_string(armed->boot_id));
    json_object_set_new(document, "until_ms", json_integer(armed->until_ms));
    json_object_set_new(document, "seconds", json_integer(armed->seconds));
    json_object_set_new(document, "lines", lines_to_json(armed->lines));
    json_object_set_new(document, "overrides", overrides_to_json(armed->overrides));
    json_object_set_new(document, "functions", functions);
    json_object_set_new(document, "left", left);
    return document;
}

bool
dp_armed_write(DpRoot *root, const DpArmed *armed, GError **error)
{
    return dp_store_save_json(root, RUN_FOLDER, ARMED_NAME, to_json(root, armed), JSON_INDENT(2),
                              error);
}

static bool
take_phase(DpArmed *armed, const char *name)
{
    for (size_t i = 0; name != NULL && i < G_N_ELEMENTS(phase_names); i++) {
        if (strcmp(phase_names[i], name) == 0) {
            armed->phase = (DpArmedPhase)i;
            return true;
        }
    }
    return false;
}

static bool
take_lines(DpArmed *armed, const json_t *array)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *name = json_string_value(json_array_get(array, i));
        DpAddr addr;

        if (name == NULL || !dp_addr_parse_sysfs(name, &addr)) {
            return false;
        }
        g_array_append_val(armed->lines, addr);
    }
    return json_is_array(array);
}

static bool
take_overrides(DpArmed *armed, const json_t *array)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *object = json_array_get(array, i);
        const char *name = json_string_value(json_object_get(object, "address"));
        json_int_t id = json_integer_value(json_object_get(object, "id"));
        DpOverride override = {.id = (int)id};

        if (name == NULL || !dp_addr_parse_sysfs(name, &override.addr) || id <= 0 || id > 99999) {
            return false;
        }
        g_array_append_val(armed->overrides, override);
    }
    return json_is_array(array);
}

static bool
take_functions(DpRoot *root, DpArmed *armed, const json_t *array)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        DpBinding *binding = dp_binding_from_json(root, json_array_get(array, i));

        if (binding == NULL) {
            return false;
        }
        g_ptr_array_add(armed->bindings, binding);
    }
    return json_array_size(array) > 0;
}

static void
take_left(DpArmed *armed, const json_t *array)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *text = json_string_value(json_array_get(array, i));

        if (text != NULL) {
            g_ptr_array_add(armed->left, dp_text_visible_max(text, -1, LEFT_MAX));
        }
    }
}

static DpArmed *
from_json(DpRoot *root, const json_t *document)
{
    g_autoptr(DpArmed) armed = dp_armed_new(root, 0);
    const char *boot_id = json_string_value(json_object_get(document, "boot_id"));
    const json_t *until = json_object_get(document, "until_ms");
    json_int_t seconds = json_integer_value(json_object_get(document, "seconds"));

    if (json_integer_value(json_object_get(document, "version")) != ARMED_VERSION ||
        boot_id == NULL || !json_is_integer(until) || json_integer_value(until) < 0 ||
        seconds < 1 || seconds > DP_CONFIRM_MAX_S ||
        !take_phase(armed, json_string_value(json_object_get(document, "phase"))) ||
        !take_lines(armed, json_object_get(document, "lines")) ||
        !take_overrides(armed, json_object_get(document, "overrides")) ||
        !take_functions(root, armed, json_object_get(document, "functions"))) {
        return NULL;
    }
    g_free(armed->boot_id);
    armed->boot_id = g_strdup(boot_id);
    armed->until_ms = json_integer_value(until);
    armed->seconds = (int)seconds;
    take_left(armed, json_object_get(document, "left"));
    return g_steal_pointer(&armed);
}

DpArmed *
dp_armed_parse(DpRoot *root, const char *text, size_t len, char **ret_why)
{
    json_error_t where = {.text = ""};
    json_t *document = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
    DpArmed *armed = document == NULL ? NULL : from_json(root, document);

    if (armed == NULL) {
        *ret_why = dp_text_visible(
            document == NULL ? where.text : "it lacks what every such record has", -1);
    }
    json_decref(document);
    return armed;
}

DpArmed *
dp_armed_read(DpRoot *root, DpDiagList *diags, GError **error)
{
    g_autoptr(GError) failure = NULL;
    size_t len = 0;
    g_autofree char *text = dp_file_read(root->fd, ARMED_PATH, ARMED_MAX_BYTES, &len, &failure);
    g_autofree char *boot_id = dp_boot_id(root);
    g_autofree char *why = NULL;
    g_autoptr(DpArmed) armed = NULL;

    if (text == NULL) {
        if (!g_error_matches(failure, DP_ERROR, DP_ERROR_NOT_FOUND)) {
            g_propagate_error(error, g_steal_pointer(&failure));
        }
        return NULL;
    }
    armed = dp_armed_parse(root, text, len, &why);
    if (armed == NULL) {
        dp_diags_add(diags, DP_DIAG_ARMED_BROKEN, ARMED_PATH,
                     "the record of an armed change cannot be read: %s", why);
        return NULL;
    }
    return strcmp(armed->boot_id, boot_id) == 0 ? g_steal_pointer(&armed) : NULL;
}

bool
dp_armed_remove(DpRoot *root, GError **error)
{
    dp_autofd int folder = dp_file_open(root->fd, RUN_FOLDER, O_RDONLY | O_DIRECTORY);

    if (folder == -ENOENT) {
        return true;
    }
    if (folder < 0) {
        return dp_fail_errno(error, -folder, "cannot open %s", RUN_FOLDER);
    }
    if (unlinkat(folder, ARMED_NAME, 0) < 0 && errno != ENOENT) {
        return dp_fail_errno(error, errno, "cannot remove %s", ARMED_PATH);
    }
    return true;
}

int
dp_armed_left_s(const DpArmed *armed)
{
    gint64 left_ms = armed->until_ms - dp_boottime_ms();

    return left_ms <= 0 ? 0 : (int)MIN((left_ms + 999) / 1000, DP_CONFIRM_MAX_S);
}

char *
dp_armed_names(const DpArmed *armed)
{
    g_autoptr(GString) names = g_string_new(NULL);

    for (guint i = 0; i < armed->bindings->len; i++) {
        const DpBinding *binding = armed->bindings->pdata[i];

        g_string_append_printf(names, "%s%s", i == 0 ? "" : ", ", binding->name);
    }
    return g_string_free(g_steal_pointer(&names), false);
}

const DpBinding *
dp_armed_find(const DpArmed *armed, const char *name)
{
    for (guint i = 0; i < armed->bindings->len; i++) {
        const DpBinding *binding = armed->bindings->pdata[i];

        if (strcmp(binding->name, name) == 0) {
            return binding;
        }
    }
    return NULL;
}
