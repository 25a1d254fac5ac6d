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

/* Another assignable function in the group of @verdict's function. */
static const DpFunction *
group_neighbour(const DpVerdict *verdict)
{
    for (guint i = 0; i < verdict->unit->len; i++) {
        const DpFunction *other = g_array_index(verdict->unit, DpUnitMember, i).fn;

        if (other != verdict->fn && other->iommu_group == verdict->fn->iommu_group) {
            return other;
        }
    }
    return NULL;
}

static void
judge_isolation(DpVerdict *verdict)
{
    const DpFunction *fn = verdict->fn;
    const DpFunction *other = fn->iommu_group >= 0 ? group_neighbour(verdict) : NULL;
    g_autofree char *culprits = NULL;

    if (other == NULL) {
        return;
    }
    culprits = describe_culprits(fn);
    if (culprits == NULL) {
        culprits = g_strdup(fn->parent == NULL || fn->parent->iommu_group != fn->iommu_group
                                ? "functions of one device without ACS, or one requester id"
                                : "the path above");
    }
    dp_diags_add(verdict->diags, DP_DIAG_GROUP_NOT_ISOLATED, fn->name,
                 "%s shares IOMMU group %d with %s and has to go with it; not kept apart by: %s",
                 fn->name, fn->iommu_group, other->name, culprits);
}

/* Drivers that leave DMA to the owner of the group (driver_managed_dma in the kernel). */
static bool
driver_is_harmless(const DpFunction *fn)
{
    static const char *const drivers[] = {"pcieport", "pci-stub", NULL};

    return fn->driver == NULL || g_strv_contains(drivers, fn->driver) || dp_policy_on_vfio(fn);
}

static void
judge_viability(const DpJudge *judge, DpVerdict *verdict)
{
    const DpFunction *fn = verdict->fn;
    const GPtrArray *group = g_hash_table_lookup(judge->groups, GINT_TO_POINTER(fn->iommu_group));

    for (guint i = 0; fn->iommu_group >= 0 && i < group->len; i++) {
        const DpFunction *other = group->pdata[i];

        if (dp_judge_verdict(judge, other)->assignable || other->is_bridge ||
            driver_is_harmless(other)) {
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

/* Whether the bus reset ties @verdict's function to others that its group does not tie anyway. */
static bool
reset_ties(const DpJudge *judge, const DpVerdict *verdict)
{
    const GPtrArray *affected = verdict->reset.affected;

    for (guint i = 0; verdict->reset.method == DP_RESET_BUS && i < affected->len; i++) {
        const DpFunction *other = affected->pdata[i];

        if (other != verdict->fn && dp_judge_verdict(judge, other)->assignable &&
            (other->iommu_group < 0 || other->iommu_group != verdict->fn->iommu_group)) {
            return true;
        }
    }
    return false;
}

static void
judge_size(const DpJudge *judge, DpVerdict *verdict)
{
    const DpFunction *fn = verdict->fn;
    DpDiag *diag;

    if ((verdict->reset.available & (1u << DP_RESET_PM)) == 0 || !reset_ties(judge, verdict)) {
        return;
    }
    diag = dp_diags_add(verdict->diags, DP_DIAG_UNIT_COULD_SHRINK, fn->name,
                        "the bus reset of %s hits %u functions; its power-management reset (D3 to "
                        "D0) would hit it alone",
                        fn->name, verdict->reset.affected->len);
    dp_diag_set_remedy(diag,
                       "if the device is known to reset itself through D3 to D0, add the line "
                       "\"%04x %04x d3d0 default\" to /etc/directpath/passthru.map",
                       fn->vendor, fn->device);
}

void
dp_unit_judge(const DpJudge *judge, DpVerdict *verdict)
{
    judge_viability(judge, verdict);
    judge_isolation(verdict);
    judge_needs(judge, verdict);
    judge_size(judge, verdict);
}
