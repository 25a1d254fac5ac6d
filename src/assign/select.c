/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "select.h"

/* Buses nest no deeper than there are bus numbers. */
#define DEPTH_MAX 256u

void
dp_selection_free(DpSelection *selection)
{
    if (selection == NULL) {
        return;
    }
    g_ptr_array_unref(selection->functions);
    g_array_unref(selection->lines);
    g_free(selection);
}

DpSelection *
dp_selection_new(void)
{
    DpSelection *selection = g_new0(DpSelection, 1);

    selection->functions = g_ptr_array_new();
    selection->lines = g_array_new(false, false, sizeof(DpAddr));
    return selection;
}

static int
compare_functions(gconstpointer a, gconstpointer b)
{
    const DpFunction *x = *(DpFunction *const *)a, *y = *(DpFunction *const *)b;

    return dp_addr_compare(&x->addr, &y->addr);
}

static int
compare_addrs(gconstpointer a, gconstpointer b)
{
    return dp_addr_compare(a, b);
}

void
dp_selection_add(DpSelection *selection, const DpFunction *fn)
{
    if (!g_ptr_array_find(selection->functions, fn, NULL)) {
        g_ptr_array_add(selection->functions, (gpointer)fn);
    }
}

void
dp_selection_add_line(DpSelection *selection, const DpAddr *addr)
{
    for (guint i = 0; i < selection->lines->len; i++) {
        if (dp_addr_compare(&g_array_index(selection->lines, DpAddr, i), addr) == 0) {
            return;
        }
    }
    g_array_append_val(selection->lines, *addr);
}

void
dp_selection_sort(DpSelection *selection)
{
    g_ptr_array_sort(selection->functions, compare_functions);
    g_array_sort(selection->lines, compare_addrs);
}

/* Refused if an error was added to @outcome since it held @before diagnostics. */
bool
dp_selection_refused(const DpOutcome *outcome, guint before, GError **error)
{
    for (guint i = before; i < outcome->diags->len; i++) {
        const DpDiag *diag = outcome->diags->pdata[i];

        if (diag->severity == DP_ERROR_SEVERITY) {
            dp_fail(error, DP_ERROR_REFUSED, "refused: %s", diag->message);
            return true;
        }
    }
    return false;
}

bool
dp_stored_passthru(const DpChange *change, const DpFunction *fn)
{
    return dp_policy_stored_owner(change->conf, fn, NULL) == DP_OWNER_PASSTHRU;
}

bool
dp_is_quarantined(const DpChange *change, const DpFunction *fn)
{
    const DpVerdict *verdict =
        change->policy == NULL ? NULL : dp_policy_verdict(change->policy, &fn->addr);

    return verdict != NULL && verdict->quarantined != NULL;
}

bool
dp_report_claims_off(const DpChange *change, DpSeverity severity, DpOutcome *outcome)
{
    DpDiag *diag;

    if (!dp_policy_claims_off(change->host)) {
        return false;
    }
    diag = dp_diags_add(outcome->diags, DP_DIAG_CLAIMS_OFF, "host",
                        "the kernel was booted with directpath=off: nothing is given to vfio-pci");
    if (diag != NULL) {
        diag->severity = severity;
    }
    return true;
}

const char *
dp_used_by(const DpChange *change, const DpFunction *fn)
{
    return change->used_by == NULL ? NULL : change->used_by(&fn->addr, change->used_by_user);
}

bool
dp_is_assignable(const DpChange *change, const DpFunction *fn)
{
    const DpVerdict *verdict = dp_policy_verdict(change->policy, &fn->addr);

    return verdict != NULL && verdict->assignable;
}

static void
add_below(const DpChange *change, const DpFunction *bridge, unsigned depth, GPtrArray *functions)
{
    for (guint i = 0; depth < DEPTH_MAX && bridge->children != NULL && i < bridge->children->len;
         i++) {
        const DpFunction *child = bridge->children->pdata[i];

        if (dp_is_assignable(change, child)) {
            g_ptr_array_add(functions, (gpointer)child);
        }
        add_below(change, child, depth + 1, functions);
    }
}

GPtrArray *
dp_functions_below(const DpChange *change, const DpFunction *bridge)
{
    GPtrArray *functions = g_ptr_array_new();

    add_below(change, bridge, 0, functions);
    return functions;
}

void
dp_report_absent(DpOutcome *outcome, const DpAddr *addr)
{
    char name[DP_ADDR_LEN];

    dp_addr_format(addr, name);
    dp_diags_add(outcome->diags, DP_DIAG_NO_SUCH_FUNCTION, name, "there is no function at %s",
                 name);
}

void
dp_report_used(DpOutcome *outcome, const DpFunction *fn, const char *vm)
{
    dp_diags_add(outcome->diags, DP_DIAG_FUNCTION_IN_USE, fn->name,
                 "%s is used by the running virtual machine \"%s\"", fn->name, vm);
}
