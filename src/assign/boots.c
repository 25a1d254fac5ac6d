/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "boots.h"

#include "base/file.h"
#include "binding-json.h"
#include "store.h"

#include <string.h>

#define FOLDER "var/lib/directpath"
#define NAME   "last-good.json"
#define PATH   FOLDER "/" NAME

#define MAX_BYTES (64u << 20)
#define VERSION   1

static void
function_free(gpointer data)
{
    DpBootFunction *fn = data;

    dp_card_free(fn->card);
    g_free(fn->driver);
    g_free(fn);
}

static DpBoot *
boot_new(const char *boot_id, const char *time, const char *kernel)
{
    DpBoot *boot = g_new0(DpBoot, 1);

    boot->boot_id = g_strdup(boot_id != NULL ? boot_id : "");
    boot->time = g_strdup(time != NULL ? time : "");
    boot->kernel = g_strdup(kernel != NULL ? kernel : "");
    boot->functions = g_ptr_array_new_with_free_func(function_free);
    return boot;
}

void
dp_boot_free(DpBoot *boot)
{
    if (boot == NULL) {
        return;
    }
    g_free(boot->boot_id);
    g_free(boot->time);
    g_free(boot->kernel);
    g_ptr_array_unref(boot->functions);
    g_free(boot);
}

/* Takes @card. */
static DpBootFunction *
add(DpBoot *boot, const DpAddr *addr, DpCard *card)
{
    DpBootFunction *fn = g_new0(DpBootFunction, 1);

    fn->addr = *addr;
    (void)dp_addr_format(addr, fn->name);
    fn->card = card;
    fn->group = -1;
    g_ptr_array_add(boot->functions, fn);
    return fn;
}

DpBoot *
dp_boot_of(DpRoot *root,
           const DpHost *host,
           char *(*name_of)(const DpFunction *fn, void *user),
           void *user)
{
    g_autofree char *boot_id = dp_boot_id(root);
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *time = g_date_time_format(now, "%Y-%m-%dT%H:%M:%SZ");
    DpBoot *boot = boot_new(boot_id, time, host->platform.kernel);

    for (guint i = 0; i < host->functions->len; i++) {
        const DpFunction *fn = host->functions->pdata[i];
        DpBootFunction *one = add(boot, &fn->addr, dp_card_of(fn));

        one->card->name = name_of == NULL ? NULL : name_of(fn, user);
        one->driver = g_strdup(fn->driver);
        one->group = fn->iommu_group;
        one->bridge = fn->is_bridge;
    }
    return boot;
}

static json_t *
to_json(const DpBoot *boot)
{
    json_t *document = json_object(), *functions = json_object();

    json_object_set_new(document, "boot_id", json_string(boot->boot_id));
    json_object_set_new(document, "time", json_string(boot->time));
    json_object_set_new(document, "kernel", json_string(boot->kernel));
    json_object_set_new(document, "functions", functions);
    for (guint i = 0; i < boot->functions->len; i++) {
        const DpBootFunction *fn = boot->functions->pdata[i];
        json_t *object = json_object();

        dp_card_to_json(fn->card, object);
        if (fn->driver != NULL) {
            json_object_set_new(object, "driver", json_string(fn->driver));
        }
        if (fn->group >= 0) {
            json_object_set_new(object, "group", json_integer(fn->group));
        }
        if (fn->bridge) {
            json_object_set_new(object, "bridge", json_true());
        }
        json_object_set_new(functions, fn->name, object);
    }
    return document;
}

static int
compare(gconstpointer a, gconstpointer b)
{
    const DpBootFunction *x = *(DpBootFunction *const *)a, *y = *(DpBootFunction *const *)b;

    return dp_addr_compare(&x->addr, &y->addr);
}

static void
read_function(DpBoot *boot, const char *name, const json_t *object)
{
    const json_t *group = json_object_get(object, "group");
    DpBootFunction *fn;
    DpAddr addr;

    if (!dp_addr_parse_sysfs(name, &addr)) {
        return;
    }
    fn = add(boot, &addr, dp_card_from_json(object));
    fn->driver = g_strdup(json_string_value(json_object_get(object, "driver")));
    fn->bridge = json_is_true(json_object_get(object, "bridge"));
    if (json_is_integer(group) && json_integer_value(group) >= 0 &&
        json_integer_value(group) <= G_MAXINT) {
        fn->group = (int)json_integer_value(group);
    }
}

static DpBoot *
from_json(const json_t *document)
{
    json_t *functions = json_object_get(document, "functions"), *object;
    DpBoot *boot;
    const char *name;

    if (!json_is_object(functions)) {
        return NULL;
    }
    boot = boot_new(json_string_value(json_object_get(document, "boot_id")),
                    json_string_value(json_object_get(document, "time")),
                    json_string_value(json_object_get(document, "kernel")));
    json_object_foreach(functions, name, object)
    {
        read_function(boot, name, object);
    }
    g_ptr_array_sort(boot->functions, compare);
    return boot;
}

/* The array of boots, oldest first; NULL without error: no file, or a broken one. */
static json_t *
load(DpRoot *root, DpDiagList *diags, GError **error)
{
    g_autoptr(GError) failure = NULL;
    size_t len = 0;
    g_autofree char *text = dp_file_read(root->fd, PATH, MAX_BYTES, &len, &failure);
    json_t *document, *boots;
    json_error_t where;

    if (text == NULL) {
        if (!g_error_matches(failure, DP_ERROR, DP_ERROR_NOT_FOUND)) {
            g_propagate_error(error, g_steal_pointer(&failure));
        }
        return NULL;
    }
    document = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
    boots = json_object_get(document, "boots");
    if (json_integer_value(json_object_get(document, "version")) != VERSION ||
        !json_is_array(boots)) {
        dp_diags_add(diags, DP_DIAG_LAST_GOOD_BROKEN, PATH, "the file cannot be used: %s",
                     document == NULL ? where.text : "it lacks what every version has");
        boots = NULL;
    }
    json_incref(boots);
    json_decref(document);
    return boots;
}

static bool
is_of_boot(const json_t *document, const char *boot_id)
{
    const char *id = json_string_value(json_object_get(document, "boot_id"));

    return boot_id[0] != '\0' && g_strcmp0(id, boot_id) == 0;
}

/* The newest of @boots that is of another boot than @boot_id. */
static json_t *
newest_other(const json_t *boots, const char *boot_id)
{
    for (size_t i = json_array_size(boots); i > 0; i--) {
        json_t *document = json_array_get(boots, i - 1);

        if (!is_of_boot(document, boot_id)) {
            return document;
        }
    }
    return NULL;
}

static bool
save(DpRoot *root, json_t *boots, GError **error)
{
    json_t *document = json_object();

    json_object_set_new(document, "version", json_integer(VERSION));
    json_object_set(document, "boots", boots);
    return dp_store_save_json(root, FOLDER, NAME, document, JSON_INDENT(1) | JSON_SORT_KEYS, error);
}

bool
dp_boot_record(DpRoot *root, const DpBoot *boot, GError **error)
{
    json_t *before = load(root, NULL, NULL); /* what cannot be read is written anew */
    json_t *other = newest_other(before, boot->boot_id);
    json_t *boots = json_array();
    bool done;

    if (other != NULL) {
        json_array_append(boots, other);
    }
    json_array_append_new(boots, to_json(boot));
    done = save(root, boots, error);
    json_decref(boots);
    json_decref(before);
    return done;
}

DpBoot *
dp_boot_last(DpRoot *root, DpDiagList *diags, GError **error)
{
    g_autofree char *boot_id = dp_boot_id(root);
    json_t *boots = load(root, diags, error);
    json_t *document = newest_other(boots, boot_id);
    DpBoot *boot = NULL;

    if (document == NULL && json_array_size(boots) > 0) {
        document = json_array_get(boots, json_array_size(boots) - 1);
    }
    if (document != NULL) {
        boot = from_json(document);
    }
    json_decref(boots);
    return boot;
}

const DpBootFunction *
dp_boot_find(const DpBoot *boot, const DpAddr *addr)
{
    G_STATIC_ASSERT(offsetof(DpBootFunction, addr) == 0);
    return dp_addr_search(boot->functions, addr);
}
