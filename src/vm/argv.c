/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU's arguments in the order in which it wants them, and the steps of power-on in words. */
#include "base/text.h"
#include "build.h"

static void
add_json(DpBuild *build, const char *option, const json_t *array)
{
    size_t i;
    json_t *item;

    json_array_foreach(array, i, item)
    {
        char *text = json_dumps(item, JSON_COMPACT);

        dp_build_arg(build, option, text);
        free(text);
    }
}

/* Disks before CD-ROMs before floppies, or as bios.bootOrder says. */
static void
number_boot(DpBuild *build)
{
    int index = 0;

    for (size_t k = 0; k < DP_BOOT_N; k++) {
        for (guint i = 0; i < build->boot->len; i++) {
            const DpBootEntry *entry = &g_array_index(build->boot, DpBootEntry, i);

            if (entry->kind == build->order[k]) {
                (void)json_object_set_new(entry->device, "bootindex", json_integer(index++));
            }
        }
    }
}

static void
add_files(DpBuild *build)
{
    for (guint i = 0; i < build->plan->files->len; i++) {
        dp_build_argf(build, "-add-fd", "fd=%d,set=%d", DP_VM_FD_FILES + (int)i,
                      g_array_index(build->plan->files, DpVmFile, i).fdset);
    }
}

/* Their numbers follow those of the files, of which there will be no more. */
static void
add_taps(DpBuild *build)
{
    for (guint i = 0; i < build->plan->taps->len; i++) {
        dp_build_argf(build, "-netdev", "tap,id=net-%s,fd=%d",
                      g_array_index(build->plan->taps, DpVmTap, i).interface,
                      DP_VM_FD_FILES + (int)(build->plan->files->len + i));
    }
}

static void
add_monitors(DpBuild *build)
{
    static const struct {
        const char *id;
        int fd;
    } monitors[] = {{"qmp", DP_VM_FD_QMP}, {"events", DP_VM_FD_EVENTS}};

    dp_build_arg(build, "-monitor", "none");
    for (size_t i = 0; i < G_N_ELEMENTS(monitors); i++) {
        dp_build_argf(build, "-chardev", "socket,id=%s,fd=%d,server=on,wait=off", monitors[i].id,
                      monitors[i].fd);
        dp_build_argf(build, "-mon", "chardev=%s,mode=control", monitors[i].id);
    }
}

void
dp_build_argv(DpBuild *build)
{
    number_boot(build);
    add_monitors(build);
    /* Native hot-plug keeps the slot numbers of the VMX: a guest names its interfaces after them.
     */
    dp_build_arg(build, "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off");
    add_files(build);
    for (guint i = 0; i < build->extra->len; i++) {
        dp_build_arg(build, g_ptr_array_index(build->extra, i), NULL);
    }
    add_taps(build);
    add_json(build, "-blockdev", build->blockdevs);
    add_json(build, "-device", build->devices);
}

static void
device_steps(DpBuild *build, const DpVmDevice *device)
{
    const DpVerdict *verdict = device->verdict;
    g_autofree char *reset = g_strdup_printf(
        "method %s%s", verdict != NULL ? dp_reset_method_name(verdict->reset.method) : "unknown",
        verdict != NULL && verdict->reset.affected != NULL && verdict->reset.affected->len > 1
            ? ", shared with other functions"
            : "");
    g_autofree char *node = g_strdup_printf("/dev/vfio/%d", device->fn->iommu_group);

    dp_build_step(build, "reset", device->fn->name, reset, NULL);
    dp_build_step(build, "give the VFIO group to the VM's user", node, device->fn->name,
                  "give it back to root");
}

static char *
memory_text(const DpPlan *plan)
{
    g_autofree char *page = plan->page != 0 ? dp_size_text(plan->page) : NULL;

    return g_strdup_printf("%" G_GUINT64_FORMAT " MiB%s%s", plan->memory >> 20,
                           page != NULL ? ", in huge pages of " : "", page != NULL ? page : "");
}

void
dp_build_steps(DpBuild *build)
{
    const DpPlan *plan = build->plan;
    g_autofree char *memory = memory_text(plan);

    if (plan->chosen->len > 0) {
        dp_build_step(build, "write the places that were chosen", plan->vmx_path, "pciSlotNumber",
                      NULL);
    }
    dp_build_step(build, "make the run folder", plan->run_dir, NULL, "remove it");
    for (guint i = 0; i < plan->files->len; i++) {
        const DpVmFile *file = &g_array_index(plan->files, DpVmFile, i);

        if (file->kind == DP_VM_FILE_EFI_VARS) {
            dp_build_step(build, "make where there is none", file->path, file->made_from, NULL);
        }
        dp_build_step(build, "open", file->path, file->writable ? "for writing" : "for reading",
                      "close it");
    }
    for (guint i = 0; i < plan->taps->len; i++) {
        const DpVmTap *tap = &g_array_index(plan->taps, DpVmTap, i);

        dp_build_step(build, "make a port of the bridge", tap->bridge, tap->interface, "remove it");
    }
    for (guint i = 0; i < plan->devices->len; i++) {
        const DpVmDevice *device = g_ptr_array_index(plan->devices, i);

        if (device->resolved) {
            device_steps(build, device);
        }
    }
    if (plan->memlock != 0) {
        dp_build_step(build, "pin memory", plan->name, memory, "unpin it");
    }
    dp_build_step(build, "start the engine", "qemu-system-x86_64",
                  "as a user of its own, without rights, paused", "end it");
    dp_build_step(build, "start the supervisor", plan->name,
                  plan->devices->len == 0  ? NULL
                  : plan->runs_on_at_fault ? "reports DMA that the IOMMU refuses"
                                           : "powers it off at DMA that the IOMMU refuses",
                  "end it");
    dp_build_step(build, "run the guest", plan->name, NULL, "power it off");
}
