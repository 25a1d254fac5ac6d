/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/text.h"
#include "build.h"
#include "resolve.h"

#include <limits.h>
#include <stdlib.h>

static void
key_report_free(gpointer data)
{
    DpKeyReport *report = data;

    g_free(report->key);
    g_free(report->value);
    g_free(report->note);
    g_free(report);
}

static void
vm_device_free(gpointer data)
{
    DpVmDevice *device = data;

    g_free(device->guest_address);
    g_free(device);
}

static void
vm_file_clear(gpointer data)
{
    DpVmFile *file = data;

    g_free(file->path);
    g_free(file->key);
    g_free(file->descriptor);
    g_free(file->text);
    g_free(file->inside);
}

/* The path with every link and dot resolved; where the file is gone its folder's, at least. */
static char *
real_path(const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *base = g_path_get_basename(path);
    char *resolved = realpath(path, NULL);
    char *copy = g_strdup(resolved);

    free(resolved);
    if (copy != NULL) {
        return copy;
    }
    resolved = realpath(folder, NULL);
    copy = resolved != NULL ? g_build_filename(resolved, base, NULL)
                            : g_canonicalize_filename(path, NULL);
    free(resolved);
    return copy;
}

char *
dp_vm_id(const char *vmx_path)
{
    g_autofree char *path = real_path(vmx_path);
    g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, path, -1);

    sum[16] = '\0';
    return g_steal_pointer(&sum);
}

char *
dp_vm_vmx_sum(const DpVmx *vmx)
{
    g_autoptr(GBytes) bytes = dp_vmx_bytes(vmx);

    return g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, bytes);
}

static DpPlan *
plan_alloc(const char *vmx_path, const DpPlanInput *input)
{
    DpPlan *plan = g_new0(DpPlan, 1);
    const char *base = input->run_dir != NULL ? input->run_dir : "/run/directpath";

    plan->vmx_path = real_path(vmx_path);
    plan->id = dp_vm_id(vmx_path);
    plan->run_dir = g_strdup_printf("%s/vm/%s", base, plan->id);
    plan->tcg = input->tcg;
    plan->keys = g_ptr_array_new_with_free_func(key_report_free);
    plan->devices = g_ptr_array_new_with_free_func(vm_device_free);
    plan->interfaces = g_ptr_array_new_with_free_func((GDestroyNotify)dp_vm_interface_free);
    plan->argv = g_ptr_array_new_with_free_func(g_free);
    plan->steps = g_ptr_array_new_with_free_func((GDestroyNotify)dp_step_free);
    plan->chosen = g_array_new(FALSE, TRUE, sizeof(DpChosenSlot));
    plan->files = g_array_new(FALSE, TRUE, sizeof(DpVmFile));
    g_array_set_clear_func(plan->files, vm_file_clear);
    plan->taps = g_array_new(FALSE, TRUE, sizeof(DpVmTap));
    plan->diags = dp_diags_new();
    return plan;
}

void
dp_plan_free(DpPlan *plan)
{
    if (plan == NULL) {
        return;
    }
    g_free(plan->vmx_path);
    g_free(plan->name);
    g_free(plan->id);
    g_free(plan->efi_vars);
    g_free(plan->run_dir);
    g_free(plan->vnc);
    g_free(plan->vnc_password);
    g_free(plan->vmx_sum);
    g_array_unref(plan->chosen);
    g_ptr_array_unref(plan->keys);
    g_ptr_array_unref(plan->devices);
    g_ptr_array_unref(plan->interfaces);
    g_ptr_array_unref(plan->argv);
    g_ptr_array_unref(plan->steps);
    g_array_unref(plan->files);
    g_array_unref(plan->taps);
    g_ptr_array_unref(plan->diags);
    g_free(plan);
}

static void
build_clear(DpBuild *build)
{
    g_free(build->folder);
    dp_placement_free(build->place);
    json_decref(build->blockdevs);
    json_decref(build->devices);
    g_ptr_array_unref(build->extra);
    g_ptr_array_unref(build->seen);
    g_array_unref(build->boot);
}

/* Buses before what sits on them; fixed places before chosen ones. */
static void
build_all(DpBuild *build)
{
    dp_build_keys(build);
    dp_build_machine(build);
    dp_build_bridges(build);
    dp_build_resolve(build);
    dp_build_reserve(build);
    dp_resolve_check_count(build);
    dp_build_disks(build);
    dp_build_networks(build);
    dp_build_devices(build);
    dp_build_disk_files(build);
    dp_build_left_out(build);
    dp_build_passthru(build);
    dp_build_window(build);
    dp_build_firmware_window(build);
    dp_build_interfaces(build);
    dp_build_lines(build);
    dp_build_advice(build);
    dp_build_memory(build);
    dp_build_differences(build);
    dp_build_argv(build);
    dp_build_steps(build);
}

DpPlan *
dp_plan_new(const char *vmx_path, const DpVmx *vmx, const DpPlanInput *input)
{
    DpPlan *plan = plan_alloc(vmx_path, input);
    DpBuild build = {
        .vmx = vmx,
        .input = input,
        .plan = plan,
        .folder = g_path_get_dirname(plan->vmx_path),
        .place = dp_placement_new(),
        .blockdevs = json_array(),
        .devices = json_array(),
        .extra = g_ptr_array_new_with_free_func(g_free),
        .seen = g_ptr_array_new(),
        .boot = g_array_new(FALSE, FALSE, sizeof(DpBootEntry)),
        .order = {DP_BOOT_DISK, DP_BOOT_CDROM, DP_BOOT_FLOPPY},
    };

    plan->vmx_sum = dp_vm_vmx_sum(vmx);
    build_all(&build);
    build_clear(&build);
    return plan;
}

const char *
dp_vm_state_name(DpVmState state)
{
    static const char *const names[] = {
        [DP_VM_OFF] = "off",
        [DP_VM_STARTING] = "starting",
        [DP_VM_RUNNING] = "running",
        [DP_VM_STOPPING] = "stopping",
    };

    return names[state];
}
