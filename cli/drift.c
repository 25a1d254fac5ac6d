/* SPDX-License-Identifier: GPL-2.0-or-later */
/* host drift: what changed since the last good boot, and which VMs that concerns. */
#include "assign/drift.h"

#include "base/text.h"
#include "document.h"
#include "drift.h"
#include "output.h"
#include "verbs.h"
#include "vm/known.h"

#include <string.h>

typedef struct {
    DpCli *cli;
    DpContext *context;
    GPtrArray *vms; /* DpKnownVm */
    json_t *changes;
    DpTable *table;
} Report;

static DpCard *
card_of(const Report *report, const DpDrift *drift)
{
    DpCard *card;

    if (drift->now == NULL) {
        card = dp_card_new();
        (void)dp_card_learn(card, drift->then->card);
        return card;
    }
    card = dp_card_of(drift->now);
    card->name = dp_names_function(dp_context_names(report->context), drift->now);
    return card;
}

/* True if @vm names the function where it is, or where it was. */
static bool
concerns(const DpKnownVm *vm, const DpDrift *drift)
{
    if (drift->then != NULL && dp_known_names(vm, &drift->then->addr, drift->then->card) >= 0) {
        return true;
    }
    return drift->now != NULL && dp_known_names(vm, &drift->now->addr, NULL) >= 0;
}

static bool
is_stored(const Report *report, const DpDrift *drift)
{
    const DpEsxconf *conf = report->context->conf;

    return (drift->now != NULL &&
            dp_policy_stored_owner(conf, drift->now, NULL) == DP_OWNER_PASSTHRU) ||
           (drift->then != NULL &&
            dp_esxconf_owner(conf, &drift->then->addr, NULL) == DP_OWNER_PASSTHRU);
}

/* What changed, in words. */
static char *
sentence(const DpDrift *drift, const DpCard *card)
{
    g_autofree char *is = dp_card_describe(card);
    g_autofree char *was = drift->then != NULL ? dp_card_describe(drift->then->card) : NULL;

    switch (drift->kind) {
    case DP_DRIFT_ADDED:
        return g_strdup_printf("%s is new: %s", drift->name, is);
    case DP_DRIFT_GONE:
        return g_strdup_printf("%s is gone; it was %s", drift->name, was);
    case DP_DRIFT_MOVED:
        return g_strdup_printf("%s was at %s: %s", drift->name, drift->was, is);
    case DP_DRIFT_REPLACED:
        return g_strdup_printf("%s was %s, and is %s", drift->name, was, is);
    case DP_DRIFT_GROUP:
        return g_strdup_printf("the IOMMU group of %s was: %s, and is: %s", drift->name, drift->was,
                               drift->is);
    case DP_DRIFT_DRIVER:
        return g_strdup_printf("the driver of %s was %s, and is %s", drift->name,
                               drift->was != NULL ? drift->was : "none",
                               drift->is != NULL ? drift->is : "none");
    }
    g_return_val_if_reached(NULL);
}

/* The paths as JSON; told in a diagnostic, with what is stored. */
static json_t *
report_concerned(const Report *report, const DpDrift *drift, const DpCard *card)
{
    g_autoptr(GString) names = g_string_new(NULL);
    g_autofree char *text = sentence(drift, card);
    json_t *paths = json_array();

    for (guint i = 0; i < report->vms->len; i++) {
        const DpKnownVm *vm = report->vms->pdata[i];
        g_autofree char *shown = dp_text_visible(vm->path, -1);

        if (concerns(vm, drift)) {
            json_array_append_new(paths, dp_json_text(vm->path));
            g_string_append_printf(names, "%s%s", names->len > 0 ? ", " : "", shown);
        }
    }
    if (names->len > 0) {
        dp_diags_add(report->cli->diags, DP_DIAG_DRIFT, drift->name, "%s; this concerns %s", text,
                     names->str);
    } else if (is_stored(report, drift)) {
        dp_diags_add(report->cli->diags, DP_DIAG_DRIFT, drift->name, "%s; it is stored as passthru",
                     text);
    }
    return paths;
}

/* Of a group's members only how many there are. */
static char *
short_text(const DpDrift *drift, const char *text)
{
    g_auto(GStrv) members = NULL;
    guint n;

    if (text == NULL || drift->kind != DP_DRIFT_GROUP || strcmp(text, DP_DRIFT_NO_GROUP) == 0) {
        return g_strdup(text);
    }
    members = g_strsplit(text, " ", -1);
    n = g_strv_length(members);
    return g_strdup_printf("%u member%s", n, n == 1 ? "" : "s");
}

static void
add_row(const Report *report, const DpDrift *drift, const DpCard *card, size_t n_vms)
{
    g_autofree char *was = short_text(drift, drift->was), *is = short_text(drift, drift->is);

    dp_table_cell(report->table, drift->name, DP_PLAIN);
    dp_table_cell(report->table, dp_drift_kind_name(drift->kind), DP_YELLOW);
    dp_table_cell(report->table, was, DP_PLAIN);
    dp_table_cell(report->table, is, DP_PLAIN);
    dp_table_cellf(report->table, "%zu", n_vms);
    if (card->name != NULL) {
        dp_table_cell(report->table, card->name, DP_PLAIN);
    } else {
        dp_table_cellf(report->table, "%04x:%04x", card->vendor, card->device);
    }
}

static void
report_one(const Report *report, const DpDrift *drift)
{
    g_autoptr(DpCard) card = card_of(report, drift);
    json_t *vms = report_concerned(report, drift, card);
    bool other = drift->kind == DP_DRIFT_MOVED || drift->kind == DP_DRIFT_REPLACED;

    add_row(report, drift, card, json_array_size(vms));
    json_array_append_new(report->changes,
                          dp_json_pack("{s:s, s:s, s:s?, s:o, s:o, s:o, s:o, s:b, s:o}", "address",
                                       drift->name, "change", dp_drift_kind_name(drift->kind),
                                       "was_address",
                                       drift->then != NULL ? drift->then->name : NULL, "was",
                                       dp_json_text(drift->was), "is", dp_json_text(drift->is),
                                       "card", dp_card_json(card), "was_card",
                                       other ? dp_card_json(drift->then->card) : json_null(),
                                       "stored", (int)is_stored(report, drift), "vms", vms));
}

static void
report_all(DpCli *cli, DpContext *context, const DpBoot *last)
{
    static const DpColumn columns[] = {{"ADDRESS", 0}, {"CHANGE", 0}, {"WAS", 8},
                                       {"IS", 8},      {"VMS", 0},    {"DEVICE", 12}};
    g_autoptr(DpTable) table = dp_table_new(columns, G_N_ELEMENTS(columns));
    g_autoptr(GPtrArray) vms = dp_known_vms(context->root, context->runs);
    g_autoptr(GPtrArray) found = dp_drift_find(last, context->host, context->conf);
    Report report = {cli, context, vms, json_array(), table};
    g_autofree char *time = dp_text_visible(last->time, -1);
    g_autofree char *kernel = dp_text_visible(last->kernel, -1);

    for (guint i = 0; i < found->len; i++) {
        report_one(&report, found->pdata[i]);
    }
    dp_table_print(cli, table, "Nothing has changed since the last good boot.");
    if (!dp_options_have(cli->options, DP_OPT_QUIET)) {
        dp_out(cli, "Last good boot: %s, kernel %s.", time, kernel);
    }
    json_object_set_new(cli->doc, "drift", json_boolean(found->len > 0));
    json_object_set_new(cli->doc, "changes", report.changes);
    json_object_set_new(cli->doc, "since",
                        dp_json_pack("{s:o, s:o, s:o}", "boot_id", dp_json_text(last->boot_id),
                                     "time", dp_json_text(last->time), "kernel",
                                     dp_json_text(last->kernel)));
}

bool
dp_cmd_host_drift(DpCli *cli, GError **error)
{
    g_autoptr(DpContext) context = dp_context_new(cli, DP_LOOK, error);
    g_autoptr(GError) failure = NULL;
    g_autoptr(DpBoot) last = NULL;

    if (context == NULL) {
        return false;
    }
    last = dp_boot_last(context->root, cli->diags, &failure);
    if (failure != NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
    }
    if (last == NULL) {
        dp_diags_add(cli->diags, DP_DIAG_NO_LAST_GOOD, "host",
                     "there is no record of a good boot to compare with");
        return dp_fail(error, DP_ERROR_REFUSED, "nothing to compare with");
    }
    report_all(cli, context, last);
    return true;
}

void
dp_record_good_boot(DpCli *cli, DpContext *context, const DpChange *change)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DpHost) now = dp_host_scan(context->root, &error);
    g_autoptr(DpBoot) boot = NULL;

    if (now != NULL) {
        boot = dp_boot_of(context->root, now, change->name_of, change->name_of_user);
    }
    if (boot == NULL || !dp_boot_record(context->root, boot, &error)) {
        dp_diags_add(cli->diags, DP_DIAG_RECORD_NOT_WRITTEN, "host", "%s", error->message);
    }
}
