/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dump-policy TREE: what policy says of a captured host, in the form of tests/golden/policy. */
#include "base/file.h"
#include "policy/policy.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define MAP_MAX (1u << 20)

/* Each id once, ascending. */
static json_t *
ids_of(const DpDiagList *diags)
{
    json_t *ids = json_array();
    size_t n;
    const DpDiagRow *rows = dp_diag_rows(&n);

    for (size_t i = 0; i < n; i++) {
        if (dp_diags_have(diags, rows[i].id)) {
            json_array_append_new(ids, json_sprintf("DP%d", (int)rows[i].id));
        }
    }
    return ids;
}

static json_t *
available_of(const DpResetChoice *reset)
{
    json_t *names = json_array();

    for (int method = DP_RESET_DEVICE_SPECIFIC; method <= DP_RESET_PM; method++) {
        if (reset->available & (1u << method)) {
            json_array_append_new(names, json_string(dp_reset_method_name(method)));
        }
    }
    return names;
}

static json_t *
affected_of(const DpResetChoice *reset)
{
    json_t *names = json_array();

    for (guint i = 0; i < reset->affected->len; i++) {
        const DpFunction *fn = reset->affected->pdata[i];

        json_array_append_new(names, json_string(fn->name));
    }
    return names;
}

static json_t *
unit_of(const DpVerdict *verdict)
{
    json_t *names = json_array();

    for (guint i = 0; i < verdict->unit->len; i++) {
        json_array_append_new(names,
                              json_string(g_array_index(verdict->unit, DpUnitMember, i).fn->name));
    }
    return names;
}

/* What each piece of advice says is to be done. */
static json_t *
remedies_of(const DpDiagList *advice)
{
    json_t *remedies = json_object();

    for (guint i = 0; i < advice->len; i++) {
        const DpDiag *diag = advice->pdata[i];
        g_autofree char *id = g_strdup_printf("DP%d", (int)diag->row->id);

        json_object_set_new(remedies, id, json_string(diag->remedy));
    }
    return remedies;
}

static json_t *
dump_verdict(const DpPolicy *policy, const DpVerdict *verdict)
{
    const DpResetChoice *reset = &verdict->reset;
    g_autoptr(DpDiagList) advice = dp_diags_new();

    if (!verdict->assignable) {
        return json_pack("{s:b, s:o}", "assignable", 0, "ids", ids_of(verdict->diags));
    }
    dp_unit_advise(policy, verdict, advice);
    return json_pack(
        "{s:b, s:b, s:{s:s, s:s, s:o, s:o, s:b}, s:b, s:o, s:s, s:o, s:o, s:o}", "assignable", 1,
        "allowed", verdict->allowed, "reset", "policy", dp_map_method_name(reset->policy), "method",
        dp_reset_method_name(reset->method), "available", available_of(reset), "affected",
        affected_of(reset), "uncertain", reset->uncertain, "shareable", reset->shareable, "unit",
        unit_of(verdict), "support", dp_support_name(verdict->support), "ids",
        ids_of(verdict->diags), "advice", ids_of(advice), "remedies", remedies_of(advice));
}

static json_t *
dump_policy(const DpPolicy *policy)
{
    json_t *functions = json_object();

    for (guint i = 0; i < policy->verdicts->len; i++) {
        const DpVerdict *verdict = policy->verdicts->pdata[i];

        json_object_set_new(functions, verdict->fn->name, dump_verdict(policy, verdict));
    }
    return json_pack("{s:b, s:o, s:o}", "capable", policy->capable, "ids", ids_of(policy->diags),
                     "functions", functions);
}

static void
add_map(DpRoot *root, DpMap *map, const char *path)
{
    g_autoptr(GError) error = NULL;
    size_t len;
    g_autofree char *bytes = dp_file_read(root->fd, path, MAP_MAX, &len, NULL);

    if (bytes != NULL && !dp_map_add(map, path, bytes, len, NULL, &error)) {
        g_printerr("%s: %s\n", path, error->message);
    }
}

static void
add_compat(DpRoot *root, DpCompat *compat)
{
    g_autoptr(GError) error = NULL;
    size_t len;
    g_autofree char *bytes = dp_file_read(root->fd, DP_COMPAT_PATH, MAP_MAX, &len, NULL);

    if (bytes != NULL && !dp_compat_add(compat, DP_COMPAT_PATH, bytes, len, NULL, &error)) {
        g_printerr("%s\n", error->message);
    }
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DpRoot) root = argc == 2 ? dp_root_open(argv[1], &error) : NULL;
    g_autoptr(DpMap) map = dp_map_new();
    g_autoptr(DpCompat) compat = dp_compat_new();
    g_autoptr(DpHost) host = NULL;
    g_autoptr(DpPolicy) policy = NULL;
    json_t *document;

    if (root != NULL) {
        host = dp_host_scan(root, &error);
    }
    if (host == NULL) {
        g_printerr("%s\n", error != NULL ? error->message : "usage: dump-policy TREE");
        return EXIT_FAILURE;
    }
    add_map(root, map, "usr/share/directpath/passthru.map");
    add_map(root, map, "etc/directpath/passthru.map");
    add_compat(root, compat);
    policy = dp_policy_new_listed(host, map, compat);
    document = dump_policy(policy);
    (void)json_dumpf(document, stdout, JSON_INDENT(1) | JSON_SORT_KEYS);
    (void)putchar('\n');
    json_decref(document);
    return EXIT_SUCCESS;
}
