/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One judgement: reset choices first, then units, then what the host needs, then the verdicts. */
#include "private.h"

guint
dp_judge_position(const DpJudge *judge, const DpFunction *fn)
{
    guint position = GPOINTER_TO_UINT(g_hash_table_lookup(judge->positions, fn));

    g_assert(position > 0);
    return position - 1;
}

DpVerdict *
dp_judge_verdict(const DpJudge *judge, const DpFunction *fn)
{
    return judge->policy->verdicts->pdata[dp_judge_position(judge, fn)];
}

static void
verdict_free(gpointer data)
{
    DpVerdict *verdict = data;

    dp_reset_clear(&verdict->reset);
    g_clear_pointer(&verdict->unit, g_array_unref);
    g_ptr_array_unref(verdict->diags);
    g_free(verdict);
}

void
dp_policy_free(DpPolicy *policy)
{
    if (policy == NULL) {
        return;
    }
    g_ptr_array_unref(policy->verdicts);
    g_ptr_array_unref(policy->diags);
    g_clear_pointer(&policy->quarantine, g_ptr_array_unref);
    g_free(policy);
}

static DpVerdict *
verdict_new(DpFunction *fn, const DpJudge *judge)
{
    DpVerdict *verdict = g_new0(DpVerdict, 1);

    verdict->fn = fn;
    verdict->assignable = dp_function_assignable(fn);
    verdict->diags = dp_diags_new();
    verdict->support = dp_support_of(judge->compat, fn->vendor, fn->device);
    dp_reset_choose(fn, judge->map, &verdict->reset);
    return verdict;
}

static void
index_into(GHashTable *table, int key, DpFunction *fn)
{
    GPtrArray *functions = g_hash_table_lookup(table, GINT_TO_POINTER(key));

    if (functions == NULL) {
        functions = g_ptr_array_new();
        g_hash_table_insert(table, GINT_TO_POINTER(key), functions);
    }
    g_ptr_array_add(functions, fn);
}

/* A function takes part in its INTx line if a driver of the host has it and it has no message
 * interrupts. */
static bool
uses_line(const DpFunction *fn)
{
    return fn->irq > 0 && fn->irq_pin != 0 && fn->driver != NULL && fn->n_msi_irqs == 0 &&
           !dp_policy_on_vfio(fn);
}

static void
index_function(DpJudge *judge, DpFunction *fn, guint position)
{
    g_hash_table_insert(judge->positions, fn, GUINT_TO_POINTER(position + 1));
    g_ptr_array_add(judge->policy->verdicts, verdict_new(fn, judge));
    if (fn->iommu_group >= 0) {
        index_into(judge->groups, fn->iommu_group, fn);
    }
    dp_memory_index(judge, fn);
    if (uses_line(fn)) {
        index_into(judge->lines, fn->irq, fn);
    }
}

static void
judge_function(const DpJudge *judge, DpVerdict *verdict)
{
    if (verdict->assignable) {
        dp_unit_judge(judge, verdict);
    } else {
        dp_diags_add(verdict->diags, DP_DIAG_NOT_ASSIGNABLE, verdict->fn->name,
                     "%s is part of the platform (class %06x) and is never passed through itself",
                     verdict->fn->name, verdict->fn->class_code);
    }
    dp_diags_sort(verdict->diags);
    verdict->allowed = !dp_diags_have_error(verdict->diags);
}

static void
judge_all(DpJudge *judge)
{
    const GPtrArray *functions = judge->host->functions;
    GPtrArray *verdicts = judge->policy->verdicts;

    dp_capability_judge(judge);
    for (guint i = 0; i < functions->len; i++) {
        index_function(judge, functions->pdata[i], i);
    }
    dp_units_find(judge);
    dp_needs_judge(judge);
    for (guint i = 0; i < verdicts->len; i++) {
        DpVerdict *verdict = verdicts->pdata[i];

        if (verdict->assignable) {
            dp_function_judge(judge, verdict);
        }
    }
    dp_quarantine_judge(judge);
    for (guint i = 0; i < verdicts->len; i++) { /* now that every need is known */
        judge_function(judge, verdicts->pdata[i]);
    }
}

DpPolicy *
dp_policy_new(const DpHost *host, const DpMap *map)
{
    return dp_policy_new_listed(host, map, NULL);
}

DpPolicy *
dp_policy_new_listed(const DpHost *host, const DpMap *map, const DpCompat *compat)
{
    return dp_policy_new_with(host, map, compat, NULL);
}

DpPolicy *
dp_policy_new_with(const DpHost *host,
                   const DpMap *map,
                   const DpCompat *compat,
                   GPtrArray *quarantine)
{
    g_autoptr(GHashTable) positions = g_hash_table_new(NULL, NULL);
    g_autoptr(GHashTable) groups =
        g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_ptr_array_unref);
    g_autoptr(GHashTable) lines =
        g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_ptr_array_unref);
    g_autoptr(GHashTable) reserved = g_hash_table_new(NULL, NULL);
    g_autoptr(GHashTable) bus_resets =
        g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_ptr_array_unref);
    g_autoptr(DpDiagList) blockers = dp_diags_new();
    g_autofree const DpDiag **needs = g_new0(const DpDiag *, host->functions->len + 1);
    DpPolicy *policy = g_new0(DpPolicy, 1);
    DpJudge judge = {.host = host,
                     .map = map,
                     .compat = compat,
                     .policy = policy,
                     .positions = positions,
                     .groups = groups,
                     .lines = lines,
                     .reserved = reserved,
                     .bus_resets = bus_resets,
                     .needs = needs,
                     .blockers = blockers};

    policy->host = host;
    policy->quarantine = quarantine != NULL ? g_ptr_array_ref(quarantine) : NULL;
    policy->diags = dp_diags_new();
    policy->verdicts = g_ptr_array_new_with_free_func(verdict_free);
    judge_all(&judge);
    return policy;
}

const DpVerdict *
dp_policy_verdict(const DpPolicy *policy, const DpAddr *addr)
{
    guint low = 0, high = policy->verdicts->len;

    while (low < high) {
        guint middle = low + (high - low) / 2;
        const DpVerdict *verdict = policy->verdicts->pdata[middle];
        int order = dp_addr_compare(addr, &verdict->fn->addr);

        if (order == 0) {
            return verdict;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

bool
dp_policy_is_host_need(DpDiagId id)
{
    switch (id) {
    case DP_DIAG_HOST_NEEDS_FILESYSTEM:
    case DP_DIAG_HOST_NEEDS_SWAP:
    case DP_DIAG_HOST_NEEDS_DEFAULT_ROUTE:
    case DP_DIAG_HOST_NEEDS_INTERFACE:
    case DP_DIAG_HOST_NEEDS_VOLUME:
    case DP_DIAG_HOST_NEEDS_CONSOLE:
    case DP_DIAG_HOST_NEEDS_STORE:
    case DP_DIAG_HOST_NEEDS_SWAP_FILE:
    case DP_DIAG_HOST_NEEDS_PATH:
    case DP_DIAG_HOST_NEEDS_REMOTE_PATH:
    case DP_DIAG_HOST_NEEDS_FSTAB:
    case DP_DIAG_HOST_NEEDS_ESP:
    case DP_DIAG_HOST_NEEDS_REMOTE_FILESYSTEM:
    case DP_DIAG_HOST_NEEDS_REMOTE_DISK:
    case DP_DIAG_HOST_NEEDS_LOGIN:
    case DP_DIAG_HOST_NEEDS_CRASH_DUMP:
    case DP_DIAG_HOST_NEEDS_CRASH_SERVER:
    case DP_DIAG_HOST_NEEDS_KEYBOARD:
    case DP_DIAG_HOST_NEEDS_SERIAL_CONSOLE:
        return true;
    default:
        return false;
    }
}

bool
dp_policy_is_network_need(DpDiagId id)
{
    switch (id) {
    case DP_DIAG_HOST_NEEDS_DEFAULT_ROUTE:
    case DP_DIAG_HOST_NEEDS_INTERFACE:
    case DP_DIAG_HOST_NEEDS_REMOTE_FILESYSTEM:
    case DP_DIAG_HOST_NEEDS_REMOTE_DISK:
    case DP_DIAG_HOST_NEEDS_REMOTE_PATH:
    case DP_DIAG_HOST_NEEDS_LOGIN:
    case DP_DIAG_HOST_NEEDS_CRASH_SERVER:
        return true;
    default:
        return false;
    }
}
