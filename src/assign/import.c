/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "import.h"

#include "outcome.h"
#include "select.h"

#include <string.h>

const char *
dp_import_result_name(DpImportResult result)
{
    static const char *const names[] = {
        [DP_IMPORT_ACCEPTED] = "accepted",
        [DP_IMPORT_STORED] = "stored",
        [DP_IMPORT_REFUSED] = "refused",
        [DP_IMPORT_ABSENT] = "absent",
    };

    return names[result];
}

static void
entry_free(gpointer data)
{
    DpImportEntry *entry = data;

    g_ptr_array_unref(entry->functions);
    g_ptr_array_unref(entry->reasons);
    g_free(entry);
}

void
dp_import_free(DpImport *import)
{
    if (import == NULL) {
        return;
    }
    g_ptr_array_unref(import->entries);
    g_array_unref(import->names);
    g_free(import->own);
    g_free(import);
}

static void
judge_function(const DpChange *change, DpImportEntry *entry, const DpFunction *fn)
{
    const DpVerdict *verdict = dp_policy_verdict(change->policy, &fn->addr);
    const char *vm = dp_used_by(change, fn);

    for (guint i = 0; i < verdict->diags->len; i++) {
        const DpDiag *diag = verdict->diags->pdata[i];

        if (diag->severity == DP_ERROR_SEVERITY) {
            g_ptr_array_add(entry->reasons, dp_diag_copy(diag));
        }
    }
    if (vm != NULL) {
        dp_diags_add(entry->reasons, DP_DIAG_FUNCTION_IN_USE, fn->name,
                     "%s is used by the running virtual machine \"%s\"", fn->name, vm);
    }
}

static void
judge_present(const DpChange *change, DpImportEntry *entry)
{
    const DpFunction *fn = entry->fn;

    if (dp_is_assignable(change, fn)) {
        g_ptr_array_add(entry->functions, (gpointer)fn);
    } else if (fn->is_bridge) {
        g_ptr_array_unref(entry->functions);
        entry->functions = dp_functions_below(change, fn);
    }
    if (dp_esxconf_owner(change->conf, &entry->addr, NULL) == DP_OWNER_PASSTHRU) {
        entry->result = DP_IMPORT_STORED;
        return;
    }
    if (entry->functions->len == 0) {
        dp_diags_add(entry->reasons, DP_DIAG_NOT_PASSED_THROUGH, fn->name,
                     "%s is part of the platform and never passed through itself", fn->name);
    }
    for (guint i = 0; i < entry->functions->len; i++) {
        judge_function(change, entry, entry->functions->pdata[i]);
    }
    entry->result = entry->reasons->len > 0 ? DP_IMPORT_REFUSED : DP_IMPORT_ACCEPTED;
}

static void
add_entry(const DpChange *change, DpImport *import, const DpAddr *addr)
{
    DpImportEntry *entry = g_new0(DpImportEntry, 1);

    entry->addr = *addr;
    (void)dp_addr_format(addr, entry->name);
    entry->fn = dp_host_find(change->host, addr);
    entry->functions = g_ptr_array_new();
    entry->reasons = dp_diags_new();
    entry->result = DP_IMPORT_ABSENT;
    if (entry->fn != NULL) {
        judge_present(change, entry);
    }
    g_ptr_array_add(import->entries, entry);
}

static int
compare_entries(gconstpointer a, gconstpointer b)
{
    const DpImportEntry *x = *(DpImportEntry *const *)a, *y = *(DpImportEntry *const *)b;

    return dp_addr_compare(&x->addr, &y->addr);
}

static bool
is_taken(const DpChange *change, const DpImport *import, const DpFunction *fn)
{
    if (dp_stored_passthru(change, fn)) {
        return true;
    }
    for (guint i = 0; i < import->entries->len; i++) {
        const DpImportEntry *entry = import->entries->pdata[i];

        if (entry->result == DP_IMPORT_ACCEPTED &&
            g_ptr_array_find(entry->functions, (gpointer)fn, NULL)) {
            return true;
        }
    }
    return false;
}

/* False, with the reason, if a unit of @entry would be split. */
static bool
check_units(const DpChange *change, const DpImport *import, const DpImportEntry *entry)
{
    g_autoptr(GString) missing = g_string_new(NULL);

    for (guint i = 0; i < entry->functions->len; i++) {
        const DpFunction *fn = entry->functions->pdata[i];
        const DpVerdict *verdict = dp_policy_verdict(change->policy, &fn->addr);

        for (guint m = 0; m < verdict->unit->len; m++) {
            const DpFunction *member = g_array_index(verdict->unit, DpUnitMember, m).fn;

            if (!is_taken(change, import, member) && strstr(missing->str, member->name) == NULL) {
                g_string_append_printf(missing, " %s", member->name);
            }
        }
    }
    if (missing->len == 0) {
        return true;
    }
    dp_diag_set_remedy(dp_diags_add(entry->reasons, DP_DIAG_UNIT_INCOMPLETE, entry->name,
                                    "%s goes only together with%s", entry->name, missing->str),
                       "directpath device enable %s --with-unit", entry->name);
    return false;
}

/* What is refused may have been the other half of what was accepted. */
static void
check_all_units(const DpChange *change, DpImport *import)
{
    bool again = true;

    while (again) {
        again = false;
        for (guint i = 0; i < import->entries->len; i++) {
            DpImportEntry *entry = import->entries->pdata[i];

            if (entry->result == DP_IMPORT_ACCEPTED && !check_units(change, import, entry)) {
                entry->result = DP_IMPORT_REFUSED;
                again = true;
            }
        }
    }
}

static void
add_names(const DpChange *change, DpImport *import, const DpEsxconf *from)
{
    g_autoptr(GArray) named = dp_esxconf_named(from);

    for (guint i = 0; i < named->len; i++) {
        DpImportName name = {.addr = g_array_index(named, DpAddr, i)};

        name.vmkname = dp_esxconf_vmkname(from, &name.addr);
        name.taken =
            dp_host_find(change->host, &name.addr) != NULL && dp_esxconf_name_valid(name.vmkname);
        g_array_append_val(import->names, name);
    }
}

DpImport *
dp_import_new(const DpChange *change, const DpEsxconf *from)
{
    DpImport *import = g_new0(DpImport, 1);
    g_autoptr(GArray) passthru = dp_esxconf_passthru(from);

    import->entries = g_ptr_array_new_with_free_func(entry_free);
    import->names = g_array_new(false, false, sizeof(DpImportName));
    import->uuid = dp_esxconf_system_uuid(from);
    import->replace = change->take_system_id;
    import->own = g_strdup(dp_esxconf_system_uuid(change->conf));
    for (guint i = 0; i < passthru->len; i++) {
        add_entry(change, import, &g_array_index(passthru, DpAddr, i));
    }
    g_ptr_array_sort(import->entries, compare_entries);
    check_all_units(change, import);
    add_names(change, import, from);
    return import;
}

/* VMX files that were made here name the one that this host has. */
bool
dp_import_takes_uuid(const DpImport *import)
{
    return import->uuid != NULL &&
           (import->own == NULL ||
            (import->replace && !dp_system_uuid_equal(import->uuid, import->own)));
}

static bool
takes_name(const DpChange *change, const DpImportName *name)
{
    return name->taken &&
           g_strcmp0(dp_esxconf_vmkname(change->conf, &name->addr), name->vmkname) != 0;
}

/* systemId and names, in one write; nothing if nothing changes. */
static bool
store_names(const DpChange *change, const DpImport *import, DpOutcome *outcome, GError **error)
{
    bool changed = dp_import_takes_uuid(import);
    char addr[DP_ADDR_LEN];

    if (changed) {
        dp_outcome_step(outcome, "store systemId", "host", import->uuid, import->own);
    }
    for (guint i = 0; i < import->names->len; i++) {
        const DpImportName *name = &g_array_index(import->names, DpImportName, i);

        if (takes_name(change, name)) {
            dp_outcome_step(outcome, "store vmkname", dp_addr_format(&name->addr, addr),
                            name->vmkname, dp_esxconf_vmkname(change->conf, &name->addr));
            changed = true;
        }
    }
    if (change->dry_run || !changed) {
        return true;
    }
    if (dp_import_takes_uuid(import)) {
        (void)dp_esxconf_set_system_uuid(change->conf, import->uuid);
    }
    for (guint i = 0; i < import->names->len; i++) {
        const DpImportName *name = &g_array_index(import->names, DpImportName, i);

        if (takes_name(change, name)) {
            (void)dp_esxconf_set_vmkname(change->conf, &name->addr, name->vmkname);
        }
    }
    return dp_store_save(change->root, change->conf, error);
}

bool
dp_assign_import(const DpChange *change,
                 const DpImport *import,
                 DpOutcome *outcome,
                 bool *ret_stored,
                 GError **error)
{
    g_autoptr(GArray) accepted = g_array_new(false, false, sizeof(DpAddr));

    for (guint i = 0; i < import->entries->len; i++) {
        const DpImportEntry *entry = import->entries->pdata[i];

        if (entry->result == DP_IMPORT_ACCEPTED) {
            g_array_append_val(accepted, entry->addr);
        }
    }
    if (!store_names(change, import, outcome, error)) {
        return false;
    }
    if (ret_stored != NULL) {
        *ret_stored = !change->dry_run && outcome->steps->len > 0;
    }
    outcome->changed = !change->dry_run && outcome->steps->len > 0;
    return accepted->len == 0 || dp_assign_enable(change, (const DpAddr *)(void *)accepted->data,
                                                  accepted->len, outcome, error);
}
