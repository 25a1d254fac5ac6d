/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which reset, and whom it hits. The domain comes from the tree of bridges: a bus reset hits
 * everything below the bridge above the function, FLR and PM hit the function alone. The kernel's
 * reset_method is a hint. It is computed while the bus is scanned, so what it says of `bus` is not
 * believed; a word that it lacks for a reset of the function alone is a quirk of the kernel, or an
 * administrator, that rules this reset out.
 */
#include "private.h"

/* A tree deeper than there are buses is not a tree. */
#define MAX_DEPTH 256

static const char *const method_names[] = {
    [DP_RESET_NONE] = "none", [DP_RESET_DEVICE_SPECIFIC] = "device-specific",
    [DP_RESET_FLR] = "flr",   [DP_RESET_BUS] = "bus",
    [DP_RESET_PM] = "pm",
};

/* PM is not among them: only the map can ask for it (ESX 4 guide, "Reset Method"). */
static const DpResetMethod default_order[] = {DP_RESET_DEVICE_SPECIFIC, DP_RESET_FLR, DP_RESET_BUS};

static const DpResetMethod map_methods[] = {
    [DP_MAP_DEFAULT] = DP_RESET_NONE, [DP_MAP_FLR] = DP_RESET_FLR,    [DP_MAP_D3D0] = DP_RESET_PM,
    [DP_MAP_LINK] = DP_RESET_BUS,     [DP_MAP_BRIDGE] = DP_RESET_BUS,
};

const char *
dp_reset_method_name(DpResetMethod method)
{
    return method_names[method];
}

const char *
dp_reset_choice_name(const DpResetChoice *choice)
{
    return choice->uncertain && choice->method == DP_RESET_NONE ? NULL
                                                                : method_names[choice->method];
}

DpTri
dp_reset_choice_heeds(const DpResetChoice *choice)
{
    DpResetMethod wanted = map_methods[choice->policy];

    if (wanted == DP_RESET_NONE) {
        return DP_TRI_YES;
    }
    if (choice->method != wanted) {
        return DP_TRI_NO;
    }
    return (choice->available & (1u << wanted)) != 0 ? DP_TRI_YES : DP_TRI_UNKNOWN;
}

static bool
hint_has(const DpFunction *fn, const char *word)
{
    return fn->reset_methods != NULL &&
           g_strv_contains((const char *const *)fn->reset_methods, word);
}

/* A capability against the hint: what configuration space promises, less what the kernel rules out;
 * what could not be read there, from the hint. */
static DpTri
weigh(const DpFunction *fn, DpTri promised, bool hinted)
{
    if (promised == DP_TRI_NO || fn->reset_methods == NULL) {
        return promised;
    }
    return hinted ? DP_TRI_YES : DP_TRI_NO;
}

static DpTri
can_flr(const DpFunction *fn)
{
    DpTri promised = DP_TRI_UNKNOWN;

    if (fn->caps.flr == DP_TRI_YES || fn->caps.af_flr == DP_TRI_YES) {
        promised = DP_TRI_YES;
    } else if (fn->caps.flr == DP_TRI_NO && fn->caps.af_flr == DP_TRI_NO) {
        promised = DP_TRI_NO;
    }
    return weigh(fn, promised, hint_has(fn, "flr") || hint_has(fn, "af_flr"));
}

static DpTri
can_pm(const DpFunction *fn)
{
    DpTri promised = fn->caps.pm;

    if (promised == DP_TRI_YES && fn->caps.no_soft_reset != DP_TRI_NO) {
        promised = fn->caps.no_soft_reset == DP_TRI_YES ? DP_TRI_NO : DP_TRI_UNKNOWN;
    }
    return weigh(fn, promised, hint_has(fn, "pm"));
}

/* Virtual functions have no bus of their own to reset: their physical function would go too. */
static DpTri
can_bus(const DpFunction *fn)
{
    return fn->parent != NULL && fn->physfn == NULL ? DP_TRI_YES : DP_TRI_NO;
}

static DpTri
can(const DpFunction *fn, DpResetMethod method)
{
    switch (method) {
    case DP_RESET_DEVICE_SPECIFIC:
        return hint_has(fn, "device_specific") || hint_has(fn, "acpi") ? DP_TRI_YES : DP_TRI_NO;
    case DP_RESET_FLR:
        return can_flr(fn);
    case DP_RESET_BUS:
        return can_bus(fn);
    case DP_RESET_PM:
        return can_pm(fn);
    case DP_RESET_NONE:
        break;
    }
    return DP_TRI_NO;
}

static void
collect_below(const DpFunction *bridge, GPtrArray *found, unsigned depth)
{
    if (bridge->children == NULL || depth == MAX_DEPTH) {
        return;
    }
    for (guint i = 0; i < bridge->children->len; i++) {
        DpFunction *child = bridge->children->pdata[i];

        g_ptr_array_add(found, child);
        collect_below(child, found, depth + 1);
    }
}

static int
compare_functions(gconstpointer a, gconstpointer b)
{
    return dp_addr_compare(&(*(DpFunction *const *)a)->addr, &(*(DpFunction *const *)b)->addr);
}

static GPtrArray *
affected_by(const DpFunction *fn, DpResetMethod method)
{
    GPtrArray *affected = g_ptr_array_new();

    if (method == DP_RESET_BUS) {
        collect_below(fn->parent, affected, 0);
        g_ptr_array_sort(affected, compare_functions);
    } else {
        g_ptr_array_add(affected, (gpointer)fn);
    }
    return affected;
}

static DpResetMethod
choose_by_default(const DpFunction *fn, bool *ret_uncertain)
{
    *ret_uncertain = false;
    for (size_t i = 0; i < G_N_ELEMENTS(default_order); i++) {
        DpTri possible = can(fn, default_order[i]);

        if (possible == DP_TRI_YES) {
            return default_order[i];
        }
        *ret_uncertain |= possible == DP_TRI_UNKNOWN;
    }
    return DP_RESET_NONE;
}

void
dp_reset_choose(const DpFunction *fn, const DpMap *map, DpResetChoice *ret_choice)
{
    const DpMapEntry *entry = dp_map_lookup(map, fn->vendor, fn->device);
    DpResetMethod wanted;

    *ret_choice = (DpResetChoice){.policy = DP_MAP_DEFAULT, .shareable = true};
    if (entry != NULL) {
        ret_choice->policy = entry->method;
        ret_choice->shareable = entry->shareable;
        ret_choice->entry = entry;
    }
    for (DpResetMethod method = DP_RESET_DEVICE_SPECIFIC; method <= DP_RESET_PM; method++) {
        ret_choice->available |= can(fn, method) == DP_TRI_YES ? 1u << method : 0;
    }
    wanted = map_methods[ret_choice->policy];
    if (wanted != DP_RESET_NONE && can(fn, wanted) != DP_TRI_NO) {
        ret_choice->method = wanted;
        ret_choice->uncertain = can(fn, wanted) == DP_TRI_UNKNOWN;
    } else {
        ret_choice->method = choose_by_default(fn, &ret_choice->uncertain);
    }
    ret_choice->affected = affected_by(fn, ret_choice->method);
}

void
dp_reset_clear(DpResetChoice *choice)
{
    g_clear_pointer(&choice->affected, g_ptr_array_unref);
}

static void
judge_missing(const DpFunction *fn, const DpResetChoice *choice, DpDiagList *diags)
{
    DpDiag *diag;

    if (choice->method != DP_RESET_NONE) {
        return;
    }
    if (choice->uncertain) {
        dp_diags_add(diags, DP_DIAG_RESET_UNKNOWN, fn->name,
                     "%s: which resets it has could not be read", fn->name);
        return;
    }
    if ((choice->available & (1u << DP_RESET_PM)) == 0) {
        dp_diags_add(diags, DP_DIAG_RESET_NONE, fn->name, "%s has no function-level reset and %s",
                     fn->name,
                     fn->physfn != NULL ? "is a virtual function, which has no other"
                                        : "sits on a root bus, where there is no bus to reset");
        return;
    }
    diag = dp_diags_add(diags, DP_DIAG_RESET_PM_ONLY, fn->name,
                        "%s has only its power-management reset (D3 to D0), and passthru.map does "
                        "not ask for it",
                        fn->name);
    dp_diag_set_remedy(
        diag,
        "if the device is known to reset itself through D3 to D0, add the line "
        "\"%04x %04x d3d0 default\" to /etc/directpath/passthru.map; otherwise use a "
        "slot behind a root port",
        fn->vendor, fn->device);
}

/* vfio_pci_dev_set_resettable of the kernel: every function that the reset hits must be held. */
static void
judge_domain(const DpFunction *fn, const DpResetChoice *choice, DpDiagList *diags)
{
    for (guint i = 0; choice->method == DP_RESET_BUS && i < choice->affected->len; i++) {
        const DpFunction *other = choice->affected->pdata[i];

        if (!dp_function_assignable(other)) {
            dp_diags_add(diags, DP_DIAG_RESET_HITS_BRIDGE, fn->name,
                         "%s is reset by its bus, and that reset would also hit %s, which VFIO "
                         "cannot hold",
                         fn->name, other->name);
            return;
        }
    }
}

void
dp_reset_judge(const DpFunction *fn, const DpResetChoice *choice, DpDiagList *diags)
{
    DpResetMethod wanted = map_methods[choice->policy];

    if (wanted != DP_RESET_NONE && wanted != choice->method) {
        dp_diags_add(diags, DP_DIAG_RESET_MAP_IMPOSSIBLE, fn->name,
                     "%s: line %u of %s says %s, which the function cannot do; %s is used",
                     fn->name, choice->entry->line, choice->entry->file,
                     dp_map_method_name(choice->policy), dp_reset_method_name(choice->method));
    }
    judge_missing(fn, choice, diags);
    judge_domain(fn, choice, diags);
}
