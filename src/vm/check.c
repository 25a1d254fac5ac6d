/* SPDX-License-Identifier: GPL-2.0-or-later */
/* May this function go to this VM now: owner, users, verdict, unit, and what the host lacks. */
#include "resolve.h"

#include "base/text.h"
#include "run.h"

#include <string.h>

/* What an administrator overrode when the function was enabled does not come back as a refusal at
 * each power-on. */
static bool
was_overridden(const DpBuild *build, const DpFunction *fn, DpDiagId id)
{
    const DpIdentities *identities = build->input->identities;

    return identities != NULL && dp_identities_overrides(identities, &fn->addr, (int)id);
}

const DpRun *
dp_build_used_by(const DpBuild *build, const DpFunction *fn)
{
    const DpPlanInput *input = build->input;

    return input->used_by != NULL ? input->used_by(&fn->addr, input->used_by_user) : NULL;
}

bool
dp_build_is_own(const DpBuild *build, const DpRun *run)
{
    return run != NULL && strcmp(run->id, build->plan->id) == 0;
}

const char *
dp_build_other_user(const DpBuild *build, const DpFunction *fn)
{
    const DpRun *run = dp_build_used_by(build, fn);

    return run == NULL || dp_build_is_own(build, run) ? NULL : run->name;
}

char *
dp_resolve_other_card(const DpBuild *build, const DpFunction *fn)
{
    const DpFunction *bridge = NULL;
    g_autoptr(DpCard) stored = NULL, now = NULL;
    g_autofree char *was = NULL, *is = NULL;

    if (build->input->identities == NULL || build->input->conf == NULL) {
        return NULL;
    }
    (void)dp_policy_stored_owner(build->input->conf, fn, &bridge);
    if (dp_identities_compare(build->input->identities, fn, bridge, &stored) >= DP_CARD_ALIKE ||
        stored == NULL) {
        return NULL;
    }
    now = dp_card_of(fn);
    was = dp_card_describe(stored);
    is = dp_card_describe(now);
    return g_strdup_printf("%s was enabled, and %s is there now", was, is);
}

/* Where one host's function of a model is another of the same model, nothing in the VMX tells. */
static bool
check_card(DpBuild *build, const char *key, const char *prefix, const DpFunction *fn)
{
    g_autofree char *other = dp_resolve_other_card(build, fn);
    g_autofree char *path = NULL;
    DpDiag *diag;

    if (other == NULL) {
        return true;
    }
    path = dp_text_visible(build->plan->vmx_path, -1);
    diag = dp_build_diag(build, DP_DIAG_VMX_PASSTHRU_OTHER_CARD, key,
                         "%s: the card at %s is another one: %s", prefix, fn->name, other);
    dp_diag_set_remedy(diag,
                       "if it is meant: directpath device enable %s; if the card has moved: "
                       "directpath vm relocate %s",
                       fn->name, path);
    return false;
}

/* Reports the first thing that is wrong with who has the function; false then. */
static bool
check_owner(DpBuild *build, const char *key, const char *prefix, const DpFunction *fn)
{
    const char *user = dp_build_other_user(build, fn);
    DpDiag *diag;

    if (user != NULL) {
        dp_build_diag(build, DP_DIAG_VMX_PASSTHRU_IN_USE, key, "%s: the running VM \"%s\" has %s",
                      prefix, user, fn->name);
        return false;
    }
    if (build->input->conf == NULL) {
        return true;
    }
    if (dp_policy_stored_owner(build->input->conf, fn, NULL) != DP_OWNER_PASSTHRU) {
        diag = dp_build_diag(build, DP_DIAG_VMX_PASSTHRU_NOT_ENABLED, key,
                             "%s: %s is not enabled for passthrough", prefix, fn->name);
        dp_diag_set_remedy(diag, "directpath device enable %s", fn->name);
        return false;
    }
    if (!check_card(build, key, prefix, fn)) {
        return false;
    }
    if (!dp_policy_on_vfio(fn)) {
        dp_build_diag(build, DP_DIAG_VMX_PASSTHRU_PENDING, key,
                      "%s: %s is enabled, but %s%s has it until a reboot", prefix, fn->name,
                      fn->driver != NULL ? "the driver " : "no driver",
                      fn->driver != NULL ? fn->driver : "");
        return false;
    }
    return true;
}

static void
check_verdict(DpBuild *build, const char *key, const char *prefix, const DpVmDevice *device)
{
    const DpVerdict *verdict = device->verdict;

    for (guint i = 0; verdict != NULL && i < verdict->diags->len; i++) {
        const DpDiag *reason = g_ptr_array_index(verdict->diags, i);
        DpDiag *diag;

        if (reason->severity != DP_ERROR_SEVERITY) {
            continue;
        }
        diag = dp_build_diag(build, DP_DIAG_VMX_PASSTHRU_NOT_ALLOWED, key, "%s: %s: DP%d: %s",
                             prefix, device->fn->name, (int)reason->row->id, reason->message);
        dp_diag_set_cause(diag, "%s", reason->cause);
        dp_diag_set_remedy(diag, "%s", reason->remedy);
        if (was_overridden(build, device->fn, reason->row->id)) {
            diag->severity = DP_WARNING;
        }
    }
}

bool
dp_resolve_in_vm(const DpBuild *build, const DpFunction *fn)
{
    for (guint i = 0; i < build->plan->devices->len; i++) {
        const DpVmDevice *device = g_ptr_array_index(build->plan->devices, i);

        if (device->fn == fn) {
            return true;
        }
    }
    return false;
}

bool
dp_resolve_allows(const DpBuild *build, const DpVerdict *verdict)
{
    for (guint i = 0; i < verdict->diags->len; i++) {
        const DpDiag *reason = g_ptr_array_index(verdict->diags, i);

        if (reason->severity == DP_ERROR_SEVERITY &&
            !was_overridden(build, verdict->fn, reason->row->id)) {
            return false;
        }
    }
    return true;
}

static const DpMapEntry *
entry_with_false(const DpBuild *build, const DpFunction *fn)
{
    const DpVerdict *verdict = dp_policy_verdict(build->input->policy, &fn->addr);

    return verdict != NULL && !verdict->reset.shareable ? verdict->reset.entry : NULL;
}

/* The line of the map that ties @member to the function through which it came, or, if another rule
 * did, to @fn itself; NULL if none does. */
static const DpMapEntry *
false_line(const DpBuild *build, const DpFunction *fn, const DpUnitMember *member)
{
    const DpFunction *other = member->rule == DP_RULE_NOT_SHAREABLE ? member->because_of : fn;
    const DpAddr *a = &member->fn->addr, *b = &other->addr;
    const DpMapEntry *entry;

    if (a->domain != b->domain || a->bus != b->bus || a->device != b->device ||
        member->fn->physfn != NULL || other->physfn != NULL) {
        return NULL;
    }
    entry = entry_with_false(build, member->fn);
    return entry != NULL ? entry : entry_with_false(build, other);
}

/* "iommu-group 8", "shared-reset through 0000:07:01.0", "not-shareable: line 3 of FILE". A line of
 * the map that ties the two beside another rule is told too: who takes only one of them away is
 * refused again. */
static char *
describe_rule(const DpBuild *build, const DpFunction *fn, const DpUnitMember *member)
{
    g_autoptr(GString) text = g_string_new(dp_unit_rule_name(member->rule));
    const DpMapEntry *line = false_line(build, fn, member);

    if (member->rule == DP_RULE_IOMMU_GROUP) {
        g_string_append_printf(text, " %d", member->fn->iommu_group);
    }
    if (member->because_of != NULL && member->because_of != fn) {
        g_string_append_printf(text, " through %s", member->because_of->name);
    }
    if (line != NULL) {
        g_string_append_printf(text, "%s: line %u of %s",
                               member->rule == DP_RULE_NOT_SHAREABLE ? "" : " and not-shareable",
                               line->line, line->file);
    }
    return g_strdup(text->str);
}

/* Unbound, bound for passthrough, or kept from drivers: the host does nothing with it. */
static bool
host_leaves_alone(const DpFunction *fn)
{
    return fn->driver == NULL || dp_policy_on_vfio(fn) || strcmp(fn->driver, "pci-stub") == 0;
}

/* Functions of one unit change hands together: none may be with the host's driver or in another VM.
 */
static void
check_member(DpBuild *build,
             const char *key,
             const char *prefix,
             const DpVmDevice *device,
             const DpUnitMember *member)
{
    const char *user = dp_build_other_user(build, member->fn);
    g_autofree char *rule = describe_rule(build, device->fn, member);
    g_autofree char *shown = user != NULL ? dp_text_visible(user, -1) : NULL;
    DpDiag *diag;

    if (user != NULL) {
        diag = dp_build_diag(build, DP_DIAG_VMX_PASSTHRU_UNIT_IN_USE, key,
                             "%s: %s goes together with %s (%s), which the running VM \"%s\" has",
                             prefix, device->fn->name, member->fn->name, rule, shown);
        dp_diag_set_remedy(diag, "power off \"%s\" first, or give both functions to one VM", shown);
    } else if (!host_leaves_alone(member->fn)) {
        diag = dp_build_diag(build, DP_DIAG_VMX_PASSTHRU_UNIT_IN_USE, key,
                             "%s: %s goes together with %s (%s), which the host's driver %s has",
                             prefix, device->fn->name, member->fn->name, rule, member->fn->driver);
        dp_diag_set_remedy(diag, "take it from the host too: directpath device enable %s",
                           member->fn->name);
    }
}

static void
check_unit(DpBuild *build, const char *key, const char *prefix, const DpVmDevice *device)
{
    const GArray *unit = device->verdict != NULL ? device->verdict->unit : NULL;

    for (guint i = 0; unit != NULL && i < unit->len; i++) {
        const DpUnitMember *member = &g_array_index(unit, DpUnitMember, i);

        if (member->fn != device->fn && !dp_resolve_in_vm(build, member->fn)) {
            check_member(build, key, prefix, device, member);
        }
    }
}

void
dp_resolve_check(DpBuild *build, const char *prefix, const DpVmDevice *device)
{
    g_autofree char *key = dp_build_key(prefix, device->dynamic ? "allowedDevices" : "id");

    if (check_owner(build, key, prefix, device->fn)) {
        check_verdict(build, key, prefix, device);
        check_unit(build, key, prefix, device);
    }
}

/* What only KVM needs is no reason to refuse a VM under TCG, and what only passthrough needs none
 * to refuse one without. */
static bool
concerns(const DpBuild *build, DpDiagId id)
{
    if (id == DP_DIAG_KVM_MISSING || id == DP_DIAG_CPU_VIRT_MISSING) {
        return !build->plan->tcg;
    }
    return build->wants_passthru;
}

void
dp_resolve_check_host(DpBuild *build)
{
    const DpPolicy *policy = build->input->policy;

    for (guint i = 0; policy != NULL && i < policy->diags->len; i++) {
        const DpDiag *diag = g_ptr_array_index(policy->diags, i);

        if (diag->severity == DP_ERROR_SEVERITY && concerns(build, diag->row->id)) {
            g_ptr_array_add(build->plan->diags, dp_diag_copy(diag));
        }
    }
}
