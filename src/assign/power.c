/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "power.h"

#include "base/file.h"
#include "outcome.h"
#include "run-record.h"

#include <string.h>

/* {ADDRESS: {"power/control", "d3cold_allowed"}} */
#define NAME "power"

static const struct {
    const char *attr;
    const char *held;     /* what keeps the function awake */
    const char *words[2]; /* all that the kernel has */
    bool by_driver;       /* drivers set it too: without one there is nothing to put back */
} settings[] = {
    {"power/control", "on", {"on", "auto"}, true},
    {"d3cold_allowed", "0", {"0", "1"}, false},
};

static char *
path_of(const char *name, size_t i)
{
    return g_strdup_printf("sys/bus/pci/devices/%s/%s", name, settings[i].attr);
}

static char *
read_setting(DpRoot *root, const char *name, size_t i)
{
    g_autofree char *path = path_of(name, i);

    return dp_file_read_line(root->fd, path, NULL);
}

static bool
is_word(size_t i, const char *text)
{
    return text != NULL &&
           (strcmp(text, settings[i].words[0]) == 0 || strcmp(text, settings[i].words[1]) == 0);
}

static void
report(DpOutcome *outcome, DpDiagId id, const char *name, const char *what, const char *why)
{
    if (outcome != NULL) {
        dp_diags_add(outcome->diags, id, name, "%s: %s: %s", name, what, why);
    }
}

/* False if the kernel refuses. */
static bool
write_setting(
    DpRoot *root, const char *name, size_t i, const char *value, DpDiagId id, DpOutcome *outcome)
{
    g_autofree char *path = path_of(name, i);
    g_autofree char *now = read_setting(root, name, i);
    g_autofree char *action = g_strdup_printf("set %s", settings[i].attr);
    g_autofree char *what = g_strdup_printf("%s stays %s", settings[i].attr, now);
    g_autofree char *undo = g_strdup_printf("%s = %s", settings[i].attr, now);
    int r;

    if (now == NULL || strcmp(now, value) == 0) {
        return true;
    }
    r = root->write(root, path, value);
    if (r < 0) {
        report(outcome, id, name, what, g_strerror(-r));
    } else if (outcome != NULL) {
        dp_outcome_step(outcome, action, name, value, undo);
    }
    return r >= 0;
}

/* NULL: the kernel has none of the files. An entry may be empty: there is nothing to put back. */
static json_t *
entry_of(DpRoot *root, const char *name, const char *driver)
{
    json_t *entry = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(settings); i++) {
        g_autofree char *now = read_setting(root, name, i);
        bool wanted = !settings[i].by_driver || driver != NULL;

        if (is_word(i, now)) {
            entry = entry == NULL ? json_object() : entry;
            json_object_set_new(entry, settings[i].attr, wanted ? json_string(now) : json_null());
        }
    }
    return entry;
}

static void
save(DpRoot *root, json_t *functions, const char *name, DpOutcome *outcome)
{
    g_autoptr(GError) error = NULL;

    if (!dp_run_record_save(root, NAME, functions, &error)) {
        report(outcome, DP_DIAG_POWER_NOT_RECORDED, name,
               "its power settings before the change are not on record", error->message);
    }
}

void
dp_power_note(DpRoot *root, const char *name, const char *driver, DpOutcome *outcome)
{
    json_t *functions = dp_run_record_load(root, NAME);
    json_t *entry;

    if (json_object_get(functions, name) == NULL) {
        entry = entry_of(root, name, driver);
        if (entry != NULL) {
            functions = functions == NULL ? json_object() : functions;
            json_object_set_new(functions, name, entry);
            save(root, functions, name, outcome);
        }
    }
    json_decref(functions);
}

void
dp_power_hold(DpRoot *root, const char *name, DpOutcome *outcome)
{
    json_t *functions = dp_run_record_load(root, NAME);
    bool recorded = json_object_get(functions, name) != NULL;

    /* What could not be put back is not changed. */
    for (size_t i = 0; recorded && i < G_N_ELEMENTS(settings); i++) {
        (void)write_setting(root, name, i, settings[i].held, DP_DIAG_POWER_NOT_HELD, outcome);
    }
    json_decref(functions);
}

static bool
put_back(DpRoot *root, const char *name, const json_t *entry, DpOutcome *outcome)
{
    bool done = true;

    for (size_t i = 0; i < G_N_ELEMENTS(settings); i++) {
        const char *value = json_string_value(json_object_get(entry, settings[i].attr));

        if (is_word(i, value)) {
            done &= write_setting(root, name, i, value, DP_DIAG_POWER_NOT_RESTORED, outcome);
        }
    }
    return done;
}

void
dp_power_release(DpRoot *root, const char *name, DpOutcome *outcome)
{
    json_t *functions = dp_run_record_load(root, NAME);
    const json_t *entry = json_object_get(functions, name);

    if (entry != NULL && put_back(root, name, entry, outcome)) {
        (void)json_object_del(functions, name);
        save(root, functions, name, outcome);
    }
    json_decref(functions);
}

void
dp_power_recover(DpRoot *root, DpOutcome *outcome)
{
    json_t *functions = dp_run_record_load(root, NAME), *entry;
    const char *name;
    void *next;

    json_object_foreach_safe(functions, next, name, entry)
    {
        g_autofree char *driver = NULL;
        DpAddr addr;

        if (!dp_addr_parse_sysfs(name, &addr)) {
            continue;
        }
        driver = dp_binding_driver(root, name);
        if (g_strcmp0(driver, DP_VFIO_DRIVER) != 0) {
            dp_power_release(root, name, outcome);
        }
    }
    json_decref(functions);
}
