/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU 7.2 and later, hw/vfio/pci.c, vfio_pci_reset, at every reset of the machine: the kernel's
 * reset of the function (VFIO_DEVICE_RESET) where it has a function-level reset or no
 * power-management reset; else a reset of its bus, if QEMU has the groups of all that hangs on it;
 * else the kernel's reset after all. passthru.map is not asked.
 */
#include "guest-reset.h"

#include <string.h>

/* A tree deeper than there are buses is not a tree. */
#define MAX_DEPTH 256u

/* The kernel's words of reset_method, as drivers/pci/pci.c has them. */
static const struct {
    const char *word;
    DpResetMethod method;
} kernel_words[] = {
    {"device_specific", DP_RESET_DEVICE_SPECIFIC},
    {"acpi", DP_RESET_DEVICE_SPECIFIC},
    {"flr", DP_RESET_FLR},
    {"af_flr", DP_RESET_FLR},
    {"pm", DP_RESET_PM},
    {"bus", DP_RESET_BUS},
};

/* The kernel takes the first of its list. */
static DpResetMethod
kernel_choice(const DpFunction *fn)
{
    const char *first = fn->reset_methods != NULL ? fn->reset_methods[0] : NULL;

    for (size_t i = 0; first != NULL && i < G_N_ELEMENTS(kernel_words); i++) {
        if (strcmp(first, kernel_words[i].word) == 0) {
            return kernel_words[i].method;
        }
    }
    return DP_RESET_NONE;
}

/* True if a device of @plan is in the group of @fn: QEMU has that group open. */
static bool
has_group(const DpPlan *plan, const DpFunction *fn)
{
    for (guint i = 0; i < plan->devices->len; i++) {
        const DpVmDevice *device = g_ptr_array_index(plan->devices, i);

        if (device->fn != NULL && device->fn->iommu_group == fn->iommu_group) {
            return true;
        }
    }
    return false;
}

/* Every function below @bridge is in a group of @plan's. */
static bool
has_all_below(const DpPlan *plan, const DpFunction *bridge, unsigned depth)
{
    for (guint i = 0; bridge->children != NULL && i < bridge->children->len; i++) {
        const DpFunction *fn = bridge->children->pdata[i];

        if (depth == MAX_DEPTH || !has_group(plan, fn) || !has_all_below(plan, fn, depth + 1)) {
            return false;
        }
    }
    return true;
}

static bool
can_bus(const DpPlan *plan, const DpFunction *fn)
{
    return fn->parent != NULL && fn->physfn == NULL && has_all_below(plan, fn->parent, 0);
}

/* QEMU's has_flr and has_pm_reset; false: unknown. */
static bool
read_caps(const DpFunction *fn, bool *ret_flr, bool *ret_pm)
{
    *ret_flr = fn->caps.flr == DP_TRI_YES || fn->caps.af_flr == DP_TRI_YES;
    *ret_pm = fn->caps.pm == DP_TRI_YES && fn->caps.no_soft_reset == DP_TRI_NO;
    return *ret_flr || (fn->caps.flr == DP_TRI_NO && fn->caps.af_flr == DP_TRI_NO &&
                        (fn->caps.pm == DP_TRI_NO ||
                         (fn->caps.pm == DP_TRI_YES && fn->caps.no_soft_reset != DP_TRI_UNKNOWN)));
}

bool
dp_guest_reset(const DpPlan *plan, const DpVmDevice *device, DpResetMethod *ret_method)
{
    const DpFunction *fn = device->fn;
    bool flr, pm, works;

    if (fn == NULL || !read_caps(fn, &flr, &pm)) {
        return false;
    }
    works = kernel_choice(fn) != DP_RESET_NONE;
    if (works && (flr || !pm)) {
        *ret_method = kernel_choice(fn);
    } else if (can_bus(plan, fn)) {
        *ret_method = DP_RESET_BUS;
    } else {
        *ret_method = works && pm ? kernel_choice(fn) : DP_RESET_NONE;
    }
    return true;
}

/* The map's wish is for this method, and can be fulfilled. */
static bool
map_asks(const DpResetChoice *choice)
{
    return choice->entry != NULL && choice->policy != DP_MAP_DEFAULT &&
           dp_reset_choice_heeds(choice) == DP_TRI_YES;
}

void
dp_guest_reset_judge(DpBuild *build, const char *prefix, DpVmDevice *device)
{
    const DpResetChoice *choice = device->verdict != NULL ? &device->verdict->reset : NULL;
    g_autofree char *key = dp_build_key(prefix, device->dynamic ? "allowedDevices" : "id");
    DpResetMethod method;

    if (!dp_guest_reset(build->plan, device, &method)) {
        return;
    }
    device->guest_reset = dp_reset_method_name(method);
    if (choice != NULL && map_asks(choice) && method != choice->method) {
        dp_build_diag(
            build, DP_DIAG_VMX_PASSTHRU_GUEST_RESET, key,
            "%s: when the guest reboots, QEMU's reset of %s is %s; line %u of %s says %s, "
            "which is done at power-on and power-off",
            prefix, device->fn->name, device->guest_reset, choice->entry->line, choice->entry->file,
            dp_map_method_name(choice->policy));
    }
}
