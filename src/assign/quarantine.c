/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "quarantine.h"

#include "base/file.h"
#include "binding-json.h"
#include "binding.h"
#include "card.h"

#include <string.h>

#define FOLDER "etc/directpath"
#define NAME   "quarantine.json"
#define PATH   FOLDER "/" NAME

#define MAX_BYTES (4u << 20)
#define VERSION   1

#define DOUBT "the record was damaged, and a reset of it that failed may have been in it"

/* What was lost may have said it of each function that vfio-pci has. */
static json_t *
doubt_all(DpRoot *root)
{
    g_autoptr(GPtrArray) names = dp_file_list(root->fd, "sys/bus/pci/devices", NULL);
    json_t *functions = json_object();

    for (guint i = 0; names != NULL && i < names->len; i++) {
        const char *name = names->pdata[i];
        g_autofree char *driver = dp_binding_driver(root, name);
        DpAddr addr;

        if (dp_policy_is_vfio(driver) && dp_addr_parse_sysfs(name, &addr)) {
            json_t *entry = json_object();

            json_object_set_new(entry, "reason", json_string(DOUBT));
            json_object_set_new(functions, name, entry);
        }
    }
    return functions;
}

json_t *
dp_quarantine_parse(const char *text, size_t len, char **ret_why)
{
    json_error_t where = {.text = ""};
    json_t *document = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
    json_t *functions = json_incref(json_object_get(document, "functions")), *entry;
    const char *name, *why = document == NULL ? where.text : NULL;
    DpAddr addr;

    if (document != NULL && (!json_is_object(functions) ||
                             json_integer_value(json_object_get(document, "version")) != VERSION)) {
        why = "it lacks what every version has";
    }
    json_object_foreach(functions, name, entry)
    {
        if (!json_is_object(entry) || !dp_addr_parse_sysfs(name, &addr)) {
            why = "it names what is no function";
        }
    }
    if (why != NULL) {
        *ret_why = g_strdup(why);
        json_decref(functions);
        functions = NULL;
    }
    json_decref(document);
    return functions;
}

/* The object by address: {"since", "reason", "boot_id", and what tells the card}. NULL: there is a
 * record, and it cannot be read. */
static json_t *
load_told(DpRoot *root, DpDiagList *diags)
{
    g_autoptr(GError) failure = NULL;
    g_autofree char *why = NULL;
    size_t len = 0;
    g_autofree char *text = dp_file_read(root->fd, PATH, MAX_BYTES, &len, &failure);
    json_t *functions = NULL;

    if (g_error_matches(failure, DP_ERROR, DP_ERROR_NOT_FOUND)) {
        return json_object();
    }
    if (text != NULL) {
        functions = dp_quarantine_parse(text, len, &why);
    }
    if (functions == NULL) {
        dp_diags_add(diags, DP_DIAG_QUARANTINE_BROKEN, PATH,
                     "the file cannot be used: %s; each function that vfio-pci has counts as "
                     "quarantined",
                     text == NULL ? failure->message : why);
    }
    return functions;
}

/* The same, never NULL. The next save makes a record of what is doubted. */
static json_t *
load(DpRoot *root, DpDiagList *diags)
{
    json_t *functions = load_told(root, diags);

    return functions != NULL ? functions : doubt_all(root);
}

static bool
save(DpRoot *root, json_t *functions, GError **error)
{
    json_t *document = json_object();

    json_object_set_new(document, "version", json_integer(VERSION));
    json_object_set(document, "functions", functions);
    return dp_store_save_json(root, FOLDER, NAME, document, JSON_INDENT(2) | JSON_SORT_KEYS, error);
}

static const char *
text_of(const json_t *entry, const char *key, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(entry, key));

    return text != NULL ? text : otherwise;
}

/* Another model, or a card that is certainly another, was never reset here. */
static bool
is_that_card(const json_t *entry, const DpFunction *fn)
{
    g_autoptr(DpCard) stored = dp_card_from_json(entry);
    g_autoptr(DpCard) now = dp_card_of(fn);
    DpCardMatch match = dp_card_compare(stored, now);

    return match != DP_CARD_OTHER_MODEL && match != DP_CARD_OTHER;
}

static bool
is_earlier_boot(DpRoot *root, const json_t *entry)
{
    g_autofree char *boot_id = dp_boot_id(root);

    return strcmp(text_of(entry, "boot_id", ""), boot_id) != 0;
}

GPtrArray *
dp_quarantine_load(DpRoot *root, const DpHost *host, DpDiagList *diags)
{
    GPtrArray *quarantine = dp_quarantine_new();
    json_t *functions = load(root, diags);

    /* In the order of the host's functions, which is that of their addresses. */
    for (guint i = 0; json_object_size(functions) > 0 && i < host->functions->len; i++) {
        const DpFunction *fn = host->functions->pdata[i];
        const json_t *entry = json_object_get(functions, fn->name);
        DpQuarantined *one;

        if (entry == NULL || !is_that_card(entry, fn)) {
            continue;
        }
        one = g_new0(DpQuarantined, 1);
        one->addr = fn->addr;
        one->since = g_strdup(text_of(entry, "since", "a time that is not recorded"));
        one->reason = g_strdup(text_of(entry, "reason", "the reason is not recorded"));
        one->earlier_boot = is_earlier_boot(root, entry);
        g_ptr_array_add(quarantine, one);
    }
    json_decref(functions);
    return quarantine;
}

bool
dp_quarantine_has(DpRoot *root, const char *name)
{
    json_t *functions = load_told(root, NULL);
    bool has = json_object_get(functions, name) != NULL;

    json_decref(functions);
    return has;
}

/* A reset that fails again is the newest that failed: power has to go after it. */
static json_t *
make_entry(DpRoot *root, const DpFunction *fn, const char *reason, const json_t *earlier)
{
    g_autoptr(DpCard) card = dp_card_of(fn);
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *time = g_date_time_format(now, "%Y-%m-%dT%H:%M:%SZ");
    g_autofree char *boot_id = dp_boot_id(root);
    json_t *entry = json_object();

    dp_card_to_json(card, entry);
    json_object_set_new(entry, "since", json_string(text_of(earlier, "since", time)));
    json_object_set_new(entry, "reason", json_string(reason));
    json_object_set_new(entry, "boot_id", json_string(boot_id));
    return entry;
}

void
dp_quarantine_begin(DpRoot *root, const DpFunction *fn, const char *reason, DpDiagList *diags)
{
    json_t *functions = load(root, NULL);
    json_t *earlier = json_object_get(functions, fn->name);
    g_autoptr(GError) error = NULL;
    DpDiag *diag = dp_diags_add(diags, DP_DIAG_QUARANTINE_BEGUN, fn->name,
                                "%s is quarantined: it stays with vfio-pci and is handed to "
                                "nobody: %s",
                                fn->name, reason);

    dp_diag_set_remedy(diag,
                       "directpath device reset %s; or take the host's power away, and say so "
                       "afterwards: directpath device reset %s --power-cycled",
                       fn->name, fn->name);
    if (earlier != NULL && !is_that_card(earlier, fn)) {
        earlier = NULL;
    }
    json_object_set_new(functions, fn->name, make_entry(root, fn, reason, earlier));
    if (!save(root, functions, &error)) {
        diag =
            dp_diags_add(diags, DP_DIAG_RECORD_NOT_WRITTEN, fn->name,
                         "that %s is quarantined is not on record: %s", fn->name, error->message);
        if (diag != NULL) {
            diag->severity = DP_ERROR_SEVERITY;
        }
    }
    json_decref(functions);
}

bool
dp_quarantine_end(DpRoot *root, const char *name, const char *why, DpDiagList *diags)
{
    json_t *functions = load(root, NULL);
    g_autoptr(GError) error = NULL;
    bool done = true;

    if (json_object_del(functions, name) == 0) {
        done = save(root, functions, &error);
        if (done) {
            dp_diags_add(diags, DP_DIAG_QUARANTINE_ENDED, name, "%s: its quarantine is over: %s",
                         name, why);
        } else {
            dp_diags_add(diags, DP_DIAG_RECORD_NOT_WRITTEN, name,
                         "%s is still quarantined, since its record cannot be changed: %s", name,
                         error->message);
        }
    }
    json_decref(functions);
    return done;
}

/* What came to grief before the reset itself concerns the function alone. */
bool
dp_quarantine_covers(const DpVerdict *verdict, const DpSessionReport *report, const DpFunction *fn)
{
    const GPtrArray *affected = verdict->reset.affected;

    if (!report->quarantined || !dp_session_is_dirty(report)) {
        return false;
    }
    return fn == verdict->fn ||
           (report->method == DP_RESET_BUS && affected != NULL && !fn->is_bridge &&
            report->steps[DP_SESSION_RESET].result != DP_STEP_NOT_REACHED &&
            g_ptr_array_find((GPtrArray *)affected, fn, NULL));
}

static void
begin_all(DpRoot *root,
          const DpVerdict *verdict,
          const DpSessionReport *report,
          const char *reason,
          DpDiagList *diags)
{
    const GPtrArray *affected = verdict->reset.affected;

    dp_quarantine_begin(root, verdict->fn, reason, diags);
    for (guint i = 0; affected != NULL && i < affected->len; i++) {
        const DpFunction *fn = affected->pdata[i];
        g_autoptr(DpBinding) binding = NULL;

        if (fn == verdict->fn || !dp_quarantine_covers(verdict, report, fn)) {
            continue;
        }
        binding = dp_binding_read(root, fn->name, NULL);
        if (binding != NULL && dp_binding_is_vfio(binding)) {
            dp_quarantine_begin(root, fn, reason, diags);
        }
    }
}

void
dp_quarantine_settle(DpRoot *root,
                     const DpVerdict *verdict,
                     DpSessionReport *report,
                     const GError *failure,
                     DpDiagList *diags)
{
    g_autofree char *reason = NULL;

    if (failure != NULL && dp_session_is_dirty(report)) {
        report->quarantined = true;
        reason = g_strdup_printf(
            "%s reset of %s: %s%s", dp_reset_method_name(report->method), verdict->fn->name,
            failure->message,
            report->bus_master_off ? "" : "; whether it still writes to memory is not known");
        begin_all(root, verdict, report, reason, diags);
    } else if (report->steps[DP_SESSION_BACK].result == DP_STEP_PASSED) {
        report->quarantined =
            !dp_quarantine_end(root, verdict->fn->name, "a reset succeeded", diags);
    }
}

bool
dp_quarantine_power_cycled(
    DpRoot *root, const DpVerdict *verdict, bool dry_run, DpDiagList *diags, GError **error)
{
    const char *name = verdict->fn->name;

    if (verdict->quarantined == NULL) {
        return true;
    }
    if (!verdict->quarantined->earlier_boot) {
        dp_diags_add(diags, DP_DIAG_NOT_POWER_CYCLED, name,
                     "%s: its reset failed at %s, and the host was not booted since", name,
                     verdict->quarantined->since);
        return dp_fail(error, DP_ERROR_REFUSED, "%s stays quarantined", name);
    }
    return dry_run || dp_quarantine_end(root, name, "the host was without power", diags) ||
           dp_fail(error, DP_ERROR_IO, "%s stays quarantined", name);
}
