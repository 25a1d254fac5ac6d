/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "reset-list.h"

#include "base/file.h"
#include "binding.h"
#include "intent.h"
#include "outcome.h"
#include "run-record.h"

#include <string.h>

/* {ADDRESS: {"list", "word"}} */
#define NAME "reset-lists"

static bool
record(DpRoot *root, const char *name, const char *list, const char *word, GError **error)
{
    json_t *functions = dp_run_record_load(root, NAME);
    json_t *entry = json_object();
    bool done;

    if (functions == NULL) {
        functions = json_object();
    }
    json_object_set_new(entry, "list", json_string(list));
    json_object_set_new(entry, "word", json_string(word));
    json_object_set_new(functions, name, entry);
    done = dp_run_record_save(root, NAME, functions, error);
    json_decref(functions);
    return done;
}

static void
forget(DpRoot *root, const char *name)
{
    json_t *functions = dp_run_record_load(root, NAME);

    /* One that cannot be removed speaks of a list that is as it says. */
    if (functions != NULL && json_object_del(functions, name) == 0) {
        (void)dp_run_record_save(root, NAME, functions, NULL);
    }
    json_decref(functions);
}

static char *
list_path(const char *name)
{
    return g_strdup_printf("sys/bus/pci/devices/%s/reset_method", name);
}

static int
put_back(DpRoot *root, const char *name, const char *list, DpDiagList *diags)
{
    g_autofree char *path = list_path(name);
    int r = root->write(root, path, list);

    if (r < 0) {
        dp_diags_add(diags, DP_DIAG_RESET_LIST_CHANGED, name,
                     "%s: cannot write \"%s\" to reset_method: %s", name, list, g_strerror(-r));
    }
    return r;
}

bool
dp_reset_list_narrow(
    DpRoot *root, const char *name, const char *list, const char *word, GError **error)
{
    g_autofree char *path = list_path(name);
    int r;

    if (!record(root, name, list, word, error)) {
        return false;
    }
    r = root->write(root, path, word);
    if (r < 0) {
        forget(root, name);
        return dp_fail_errno(error, -r, "%s: cannot choose %s in reset_method", name, word);
    }
    return true;
}

void
dp_reset_list_widen(DpRoot *root, const char *name, const char *list, DpDiagList *diags)
{
    if (put_back(root, name, list, diags) >= 0) {
        forget(root, name);
    }
}

/* True if nothing is left to do for it. */
static bool
recover_one(DpRoot *root, const char *name, const json_t *entry, DpOutcome *outcome)
{
    const char *list = json_string_value(json_object_get(entry, "list"));
    const char *word = json_string_value(json_object_get(entry, "word"));
    g_autofree char *path = list_path(name);
    g_autofree char *now = NULL;
    DpAddr addr;

    if (list == NULL || word == NULL || !dp_addr_parse_sysfs(name, &addr)) {
        return true;
    }
    now = dp_file_read_line(root->fd, path, NULL);
    if (g_strcmp0(now, word) != 0) {
        return true; /* gone, never narrowed, put back already, or changed by another */
    }
    if (put_back(root, name, list, outcome->diags) < 0) {
        return false;
    }
    dp_outcome_step(outcome, "write reset_method", name, list, NULL);
    dp_diags_add(outcome->diags, DP_DIAG_RESET_LIST_RESTORED, name,
                 "%s: a command that was interrupted had left \"%s\" in reset_method; it is \"%s\" "
                 "again",
                 name, word, list);
    return true;
}

bool
dp_reset_list_recover(DpRoot *root, DpOutcome *outcome, GError **error)
{
    json_t *functions = dp_run_record_load(root, NAME), *entry;
    const char *name;
    void *next;
    bool done = true;
    bool changed = false;

    json_object_foreach_safe(functions, next, name, entry)
    {
        if (recover_one(root, name, entry, outcome)) {
            (void)json_object_del(functions, name);
            changed = true;
        }
    }
    if (changed) {
        outcome->changed = true;
        done = dp_run_record_save(root, NAME, functions, error);
    }
    json_decref(functions);
    return done;
}
