/* SPDX-License-Identifier: GPL-2.0-or-later */
/* map check: what each line of a passthru.map means, and what it decides on this host. */
#include "assign/store.h"
#include "base/text.h"
#include "document.h"
#include "namedfile.h"
#include "output.h"
#include "verbs.h"

/* How each method is carried out here (docs/policy.md, "Reset"). */
static const char *const method_texts[] = {
    [DP_MAP_DEFAULT] = "reset as by default: the device's own reset, then FLR, then bus",
    [DP_MAP_FLR] = "reset by FLR",
    [DP_MAP_D3D0] = "reset by turning its power state to D3 and back",
    [DP_MAP_LINK] = "reset by its link, which here is the bus below the bridge above it",
    [DP_MAP_BRIDGE] = "reset by the bridge above it: everything on its bus together",
};

/* The map in question. */
typedef struct {
    DpCli *cli;
    DpRoot *root;
    DpMap *map;
    DpHost *host;     /* NULL: none could be looked at */
    DpPolicy *policy; /* of this map; NULL without a host */
    DpNames *names;
    const char *only; /* the file whose lines are explained; NULL: all */
} Check;

static void
check_clear(Check *check)
{
    g_clear_pointer(&check->names, dp_names_free);
    g_clear_pointer(&check->policy, dp_policy_free);
    g_clear_pointer(&check->host, dp_host_free);
    g_clear_pointer(&check->map, dp_map_free);
    g_clear_pointer(&check->root, dp_root_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Check, check_clear)

static bool
add_named(Check *check, const char *path, GError **error)
{
    size_t len = 0;
    g_autofree char *bytes = dp_named_file_read(path, DP_MAP_MAX_BYTES + 1, &len, error);

    return bytes != NULL && dp_map_add(check->map, path, bytes, len, check->cli->diags, error);
}

static bool
load_maps(Check *check, GError **error)
{
    const char *path = dp_cli_arg(check->cli, 0);

    check->only = path;
    if (path == NULL) {
        check->map = dp_store_load_map(check->root, check->cli->diags, error);
        return check->map != NULL;
    }
    check->map = dp_map_new();
    return dp_store_add_map(check->root, check->map, DP_MAP_SHIPPED, NULL, error) &&
           add_named(check, path, error);
}

/* A map can be looked over where there is no PCI: then no line decides anything. */
static bool
load(Check *check, GError **error)
{
    g_autoptr(DpCompat) compat = NULL;

    check->root = dp_root_open(check->cli->options->root, error);
    if (check->root == NULL || !load_maps(check, error)) {
        return false;
    }
    if (check->only == NULL) {
        compat = dp_store_load_compat(check->root, check->cli->diags, error);
        if (compat == NULL) {
            return false;
        }
    }
    check->names = dp_names_new();
    check->host = dp_host_scan(check->root, NULL);
    if (check->host != NULL) {
        check->policy = dp_policy_new(check->host, check->map);
    }
    return true;
}

static json_t *
decided_json(const DpVerdict *verdict, const char *name)
{
    return dp_json_pack("{s:s, s:o, s:o, s:s?}", "address", verdict->fn->name, "name",
                        dp_json_text(name), "possible",
                        dp_json_tri(dp_reset_choice_heeds(&verdict->reset)), "reset",
                        dp_reset_choice_name(&verdict->reset));
}

static json_t *
beaten_json(const DpVerdict *verdict)
{
    const DpMapEntry *by = verdict->reset.entry;

    return dp_json_pack("{s:s, s:o, s:i}", "address", verdict->fn->name, "file",
                        dp_json_text(by->file), "line", (int)by->line);
}

static void
show_decided(const DpCli *cli, const DpMapEntry *entry, const DpVerdict *verdict, const char *name)
{
    bool exact = entry->vendor != DP_ID_ANY && entry->device != DP_ID_ANY;
    DpTri heeds = dp_reset_choice_heeds(&verdict->reset);
    const char *word = dp_map_method_name(verdict->reset.policy);
    const char *method = dp_reset_choice_name(&verdict->reset);
    g_autofree char *label = g_strdup_printf("    decides %s  ", verdict->fn->name);
    g_autoptr(GString) text = g_string_new(NULL);

    if (heeds == DP_TRI_NO) {
        g_string_append_printf(text, "which cannot do %s; the reset is %s", word,
                               method != NULL ? method : "unknown");
    } else if (heeds == DP_TRI_UNKNOWN) {
        g_string_append_printf(text, "whether it can do %s could not be read", word);
    } else {
        g_string_append_printf(text, "%s", method != NULL ? method : "unknown");
    }
    if (!exact) {
        g_string_append_printf(text, "; %s", name); /* else the line has told it */
    }
    dp_out_wrapped(cli, label, text->str);
}

static void
show_beaten(const DpCli *cli, const DpVerdict *verdict)
{
    const DpMapEntry *by = verdict->reset.entry;
    g_autofree char *label = g_strdup_printf("    not for %s  ", verdict->fn->name);
    g_autofree char *file = dp_text_visible(by->file, -1);
    g_autofree char *text =
        g_strdup_printf("line %u of %s counts there: it is more specific", by->line, file);

    dp_out_wrapped(cli, label, text);
}

/* One function that the ids of @entry are about. */
static void
explain_function(Check *check,
                 const DpMapEntry *entry,
                 const DpVerdict *verdict,
                 json_t *decides,
                 json_t *beaten)
{
    g_autofree char *name = NULL;

    if (verdict->reset.entry != entry) {
        json_array_append_new(beaten, beaten_json(verdict));
        if (dp_map_lookup(check->map, entry->vendor, entry->device) == entry) {
            show_beaten(check->cli, verdict); /* else that is true of all, and told once */
        }
        return;
    }
    name = dp_names_function(check->names, verdict->fn);
    json_array_append_new(decides, decided_json(verdict, name));
    show_decided(check->cli, entry, verdict, name);
    for (guint i = 0; i < verdict->diags->len; i++) {
        const DpDiag *diag = verdict->diags->pdata[i];

        if (diag->row->id == DP_DIAG_RESET_MAP_IMPOSSIBLE) {
            g_ptr_array_add(check->cli->diags, dp_diag_copy(diag));
        }
    }
}

/* The line with the same ids that counts in place of @entry for every device, or null. */
static json_t *
explain_overridden(const Check *check, const DpMapEntry *entry)
{
    const DpMapEntry *by = dp_map_lookup(check->map, entry->vendor, entry->device);
    g_autofree char *file = dp_text_visible(by->file, -1);
    g_autofree char *text = g_strdup_printf(
        "overridden: line %u of %s has the same ids, and the later one counts", by->line, file);

    if (by == entry) {
        return json_null();
    }
    dp_out_wrapped(check->cli, "    ", text);
    return dp_json_pack("{s:o, s:i}", "file", dp_json_text(by->file), "line", (int)by->line);
}

static json_t *
explain_entry(Check *check, const DpMapEntry *entry)
{
    g_autofree char *name = dp_names_ids(check->names, entry->vendor, entry->device);
    json_t *decides = json_array(), *beaten = json_array();
    json_t *json = dp_json_pack("{s:o, s:i, s:o, s:o, s:o, s:s, s:b, s:o, s:o}", "file",
                                dp_json_text(entry->file), "line", (int)entry->line, "vendor_id",
                                json_sprintf("%04x", entry->vendor), "device_id",
                                json_sprintf("%04x", entry->device), "name", dp_json_text(name),
                                "method", dp_map_method_name(entry->method), "shareable",
                                (int)entry->shareable, "decides", decides, "beaten", beaten);

    dp_out(check->cli, "  line %u: %04x %04x %s %s", entry->line, entry->vendor, entry->device,
           dp_map_method_name(entry->method), entry->shareable ? "true" : "false");
    dp_out_wrapped(check->cli, "    ", name);
    dp_out_wrapped(check->cli, "    ", method_texts[entry->method]);
    dp_out(check->cli, "    %s",
           entry->shareable ? "shareable: functions of its slot may have different owners"
                            : "not shareable: all functions of its slot have one owner");
    json_object_set_new(json, "overridden_by", explain_overridden(check, entry));
    for (guint i = 0; check->policy != NULL && i < check->policy->verdicts->len; i++) {
        const DpVerdict *verdict = check->policy->verdicts->pdata[i];

        if (verdict->assignable &&
            dp_map_entry_fits(entry, verdict->fn->vendor, verdict->fn->device)) {
            explain_function(check, entry, verdict, decides, beaten);
        }
    }
    if (check->policy != NULL && json_array_size(decides) == 0) {
        dp_out(check->cli, "    decides no function of this host");
    }
    return json;
}

static void
explain_all(Check *check, json_t *entries)
{
    const char *file = NULL;

    for (guint i = 0; i < dp_map_len(check->map); i++) {
        const DpMapEntry *entry = dp_map_entry(check->map, i);

        if (check->only != NULL && dp_map_entry_is_shipped(entry) &&
            g_strcmp0(check->only, entry->file) != 0) {
            continue;
        }
        if (file == NULL || g_strcmp0(file, entry->file) != 0) {
            g_autofree char *shown = dp_text_visible(entry->file, -1);

            if (file == NULL) {
                dp_out(check->cli, "%s", shown);
            } else {
                dp_out_heading(check->cli, shown);
            }
            file = entry->file;
        }
        json_array_append_new(entries, explain_entry(check, entry));
    }
}

bool
dp_cmd_map_check(DpCli *cli, GError **error)
{
    g_auto(Check) check = {.cli = cli};
    json_t *entries = json_array();

    json_object_set_new(cli->doc, "entries", entries);
    if (!load(&check, error)) {
        return false;
    }
    json_object_set_new(cli->doc, "host_seen", json_boolean(check.host != NULL));
    explain_all(&check, entries);
    if (json_array_size(entries) == 0) {
        dp_out(cli, "No entry: every device is reset as by default.");
    }
    if (check.host == NULL) {
        dp_out(cli, "What the lines decide is not said: this machine has no PCI to look at.");
    }
    return true;
}
