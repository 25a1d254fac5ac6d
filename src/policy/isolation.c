/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a unit and an IOMMU group mean for one of their functions. */
#include "private.h"

#define MAX_DEPTH 256

/* What the kernel asks of a port before it lets what is below have a group of its own:
 * REQ_ACS_FLAGS of drivers/iommu/iommu.c (PCIe 7.7.11.3): source validation, P2P request redirect,
 * completion redirect, upstream forwarding. */
#define ACS_REQUIRED 0x001du

static bool
is_port(const DpFunction *bridge)
{
    return bridge->caps.pcie_type == DP_PCIE_ROOT_PORT ||
           bridge->caps.pcie_type == DP_PCIE_DOWNSTREAM;
}

/* Why @bridge does not keep what is below it apart; NULL: it does, or it is none that could
 * (an upstream port of a switch). */
static const char *
why_not_isolating(const DpFunction *bridge)
{
    if (bridge->caps.pcie == DP_TRI_UNKNOWN) {
        return "its capabilities could not be read";
    }
    if (bridge->caps.pcie == DP_TRI_NO || bridge->caps.pcie_type == DP_PCIE_TO_PCI_BRIDGE) {
        return "a bridge to conventional PCI, where functions share one bus";
    }
    if (!is_port(bridge)) {
        return NULL;
    }
    if (bridge->caps.acs == DP_TRI_UNKNOWN) {
        return "its ACS capability could not be read";
    }
    if (bridge->caps.acs == DP_TRI_NO) {
        return "no ACS capability";
    }
    return (bridge->caps.acs_ctrl & ACS_REQUIRED) == ACS_REQUIRED ? NULL : "ACS not switched on";
}

/* The bridges above @fn that are in its group are those that failed to isolate it. */
static char *
describe_culprits(const DpFunction *fn)
{
    g_autoptr(GString) text = g_string_new(NULL);
    unsigned depth = 0;

    for (const DpFunction *bridge = fn->parent; bridge != NULL && depth < MAX_DEPTH;
         bridge = bridge->parent, depth++) {
        const char *why = bridge->iommu_group == fn->iommu_group ? why_not_isolating(bridge) : NULL;

        if (why != NULL) {
            g_string_append_printf(text, "%s%s (%s)", text->len > 0 ? ", " : "", bridge->name, why);
        }
    }
    return text->len > 0 ? g_strdup(text->str) : NULL;
}

/* Neighbours in the group that one message names. */
#define NEIGHBOURS_MAX 4u

/* Who of @verdict's unit is in the group too: "A", "A, B" or "A, B, C, D and others"; NULL: nobody.
 * @ret_n receives how many, as far as they are named, or one more. */
static char *
describe_neighbours(const DpVerdict *verdict, unsigned *ret_n)
{
    g_autoptr(GString) text = g_string_new(NULL);
    unsigned n = 0;

    for (guint i = 0; i < verdict->unit->len && n <= NEIGHBOURS_MAX; i++) {
        const DpFunction *other = g_array_index(verdict->unit, DpUnitMember, i).fn;

        if (other == verdict->fn || other->iommu_group != verdict->fn->iommu_group) {
            continue;
        }
        if (++n > NEIGHBOURS_MAX) {
            g_string_append(text, " and others");
        } else {
            g_string_append_printf(text, "%s%s", n > 1 ? ", " : "", other->name);
        }
    }
    *ret_n = n;
    return n > 0 ? g_strdup(text->str) : NULL;
}

static bool
same_slot(const DpFunction *a, const DpFunction *b)
{
    return a->addr.domain == b->addr.domain && a->addr.bus == b->addr.bus &&
           a->addr.device == b->addr.device;
}

/* Whether another function of @fn's slot is in its group; functions lie in order of addresses. */
static bool
slot_is_joined(const DpJudge *judge, const DpFunction *fn)
{
    const GPtrArray *functions = judge->host->functions;
    guint position = dp_judge_position(judge, fn), first = position;

    while (first > 0 && same_slot(functions->pdata[first - 1], fn)) {
        first--;
    }
    for (guint i = first; i < functions->len && same_slot(functions->pdata[i], fn); i++) {
        const DpFunction *other = functions->pdata[i];

        if (other != fn && other->iommu_group == fn->iommu_group) {
            return true;
        }
    }
    return false;
}

/* pci_device_group of drivers/iommu/iommu.c joins functions below a bridge that does not isolate,
 * functions of one slot without ACS, and those that use one requester id. */
static char *
describe_cause(const DpJudge *judge, const DpFunction *fn)
{
    char *culprits = describe_culprits(fn);

    if (culprits != NULL) {
        return culprits;
    }
    if (slot_is_joined(judge, fn)) {
        return g_strdup_printf("functions of one device, %04x:%02x:%02x, without ACS",
                               fn->addr.domain, fn->addr.bus, fn->addr.device);
    }
    return g_strdup("nothing that is seen here; it may be a bridge above, or one requester id");
}

/* Only what is plugged in can be moved, and functions of one device stay together wherever it is.
 */
static bool
other_slot_helps(const DpVerdict *verdict)
{
    const DpFunction *fn = verdict->fn->physfn != NULL ? verdict->fn->physfn : verdict->fn;

    for (guint i = 0; fn->parent != NULL && i < verdict->unit->len; i++) {
        const DpFunction *other = g_array_index(verdict->unit, DpUnitMember, i).fn;

        if (other->iommu_group == verdict->fn->iommu_group &&
            !same_slot(fn, other->physfn != NULL ? other->physfn : other)) {
            return true;
        }
    }
    return false;
}

static void
judge_isolation(const DpJudge *judge, DpVerdict *verdict)
{
    const DpFunction *fn = verdict->fn;
    unsigned n = 0;
    g_autofree char *others = fn->iommu_group >= 0 ? describe_neighbours(verdict, &n) : NULL;
    g_autofree char *cause = NULL;
    DpDiag *diag;

    if (others == NULL) {
        return;
    }
    cause = describe_cause(judge, fn);
    diag = dp_diags_add(
        verdict->diags, DP_DIAG_GROUP_NOT_ISOLATED, fn->name,
        "%s shares IOMMU group %d with %s and has to go with %s; not kept apart by: %s", fn->name,
        fn->iommu_group, others, n > 1 ? "them" : "it", cause);
    if (!other_slot_helps(verdict)) {
        dp_diag_set_remedy(diag, "give the functions of the group to one owner: %s",
                           fn->physfn == NULL && fn->parent == NULL
                               ? "they are built into the board, and no slot changes that"
                               : "they are of one device, and no slot keeps them apart");
    }
}

/* Drivers that leave DMA to the owner of the group (driver_managed_dma in the kernel). */
static bool
driver_is_harmless(const DpFunction *fn)
{
    static const char *const drivers[] = {"pcieport", "shpchp", "pci-stub", NULL};

    return fn->driver == NULL || g_strv_contains(drivers, fn->driver) || dp_policy_on_vfio(fn);
}

static void
judge_viability(const DpJudge *judge, DpVerdict *verdict)
{
    const DpFunction *fn = verdict->fn;
    const GPtrArray *group = g_hash_table_lookup(judge->groups, GINT_TO_POINTER(fn->iommu_group));

    for (guint i = 0; fn->iommu_group >= 0 && i < group->len; i++) {
        const DpFunction *other = group->pdata[i];

        if (dp_judge_verdict(judge, other)->assignable || driver_is_harmless(other)) {
            continue;
        }
        dp_diags_add(verdict->diags, DP_DIAG_GROUP_NOT_VIABLE, fn->name,
                     "%s is in IOMMU group %d with %s, which is never passed through and is driven "
                     "by %s",
                     fn->name, fn->iommu_group, other->name, other->driver);
    }
}

static void
judge_needs(const DpJudge *judge, DpVerdict *verdict)
{
    const DpFunction *fn = verdict->fn;

    for (guint i = 0; i < verdict->unit->len; i++) {
        const DpUnitMember *member = &g_array_index(verdict->unit, DpUnitMember, i);
        const DpDiag *need = judge->needs[dp_judge_position(judge, member->fn)];

        if (member->fn == fn || need == NULL) {
            continue;
        }
        dp_diags_add(verdict->diags, DP_DIAG_UNIT_HOST_NEEDS, fn->name,
                     "%s can only go together with %s (%s through %s), which the host needs: %s",
                     fn->name, member->fn->name, dp_unit_rule_name(member->rule),
                     member->because_of->name, need->message);
    }
}

void
dp_unit_judge(const DpJudge *judge, DpVerdict *verdict)
{
    judge_viability(judge, verdict);
    judge_isolation(judge, verdict);
    judge_needs(judge, verdict);
}
