/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Live facts of a running VM: from its state on disk, its monitor and the host's /proc. */
#include "run.h"

#include "base/file.h"
#include "fault.h"
#include "interrupts.h"
#include "placement.h"
#include "qmp.h"
#include "state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QMP_TIMEOUT_MS 2000
#define PROC_MAX       (4u << 20)

/* What passthrough takes away, in the words of the vSphere documentation. */
static const struct {
    const char *feature;
    const char *reason;
} unavailable[] = {
    {"suspend and resume", "the state of a physical device cannot be saved"},
    {"snapshots", "the state of a physical device cannot be saved"},
    {"vMotion and Storage vMotion", "the device is in this host"},
    {"hot-adding and hot-removing devices", "configured when the VM is off"},
    {"fault tolerance", "the device is in one host only"},
    {"high availability", "the device is in this host"},
    {"DRS", "the VM can be part of a cluster, but cannot move between hosts"},
    {"record and replay", "what a physical device does cannot be replayed"},
};

/* Where the guest's firmware put the function: "0000:03:00.0", or NULL. */
static char *
guest_function(const json_t *devices, const char *qdev_id)
{
    size_t i;
    json_t *device;

    json_array_foreach(devices, i, device)
    {
        const json_t *bridge = json_object_get(device, "pci_bridge");
        char *found;

        if (g_strcmp0(json_string_value(json_object_get(device, "qdev_id")), qdev_id) == 0) {
            return g_strdup_printf(
                "0000:%02x:%02x.%x", (unsigned)json_integer_value(json_object_get(device, "bus")),
                (unsigned)json_integer_value(json_object_get(device, "slot")),
                (unsigned)json_integer_value(json_object_get(device, "function")));
        }
        found = bridge != NULL ? guest_function(json_object_get(bridge, "devices"), qdev_id) : NULL;
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

static char *
find_in_guest(const json_t *pci, const char *qdev_id)
{
    size_t i;
    json_t *bus;

    json_array_foreach(pci, i, bus)
    {
        char *found = guest_function(json_object_get(bus, "devices"), qdev_id);

        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

static json_t *
device_json(const DpRunFunction *fn, const char *interrupts, DpQmp *qmp, const json_t *pci)
{
    g_autofree char *id = g_strdup_printf("pciPassthru%u", fn->index);
    g_autofree char *where = find_in_guest(pci, id);
    DpGuestInterrupts guest = {0};
    char mode[DP_STATUS_MODE];
    json_t *vectors = dp_status_interrupts(interrupts, fn->name, mode);
    bool known = where != NULL && dp_guest_interrupts(qmp, where, &guest);

    return json_pack("{s:i, s:s, s:i, s:s?, s:i, s:s, s:b, s:s, s:o, s:s?, s:o, s:o}", "index",
                     (int)fn->index, "address", fn->name, "slot", fn->slot, "guest_function", where,
                     "iommu_group", fn->group, "reset", fn->reset[0] != '\0' ? fn->reset : "none",
                     "msi_enabled", fn->msi_enabled, "interrupt_mode", mode, "interrupts", vectors,
                     "guest_interrupt_mode", known ? guest.mode : NULL, "guest_vectors",
                     known ? json_integer(guest.vectors) : json_null(), "line_users",
                     dp_status_line_users(interrupts, fn->name));
}

/* The monitor, or NULL if nobody answers there. */
static DpQmp *
open_engine(DpRoot *root, const DpRun *run)
{
    g_autofree char *path =
        g_build_filename(root->path, "run/directpath/vm", run->id, DP_STATE_QMP, NULL);
    g_autoptr(DpQmp) qmp = access(path, W_OK) == 0 ? dp_qmp_connect(path, NULL, NULL, NULL) : NULL;

    if (qmp == NULL || !dp_qmp_handshake(qmp, QMP_TIMEOUT_MS, NULL, NULL)) {
        return NULL;
    }
    return g_steal_pointer(&qmp);
}

/* NULL: no answer. */
static json_t *
ask_engine(DpQmp *qmp, const char *command)
{
    return qmp != NULL ? dp_qmp_execute(qmp, command, NULL, QMP_TIMEOUT_MS, NULL) : NULL;
}

static json_t *
unavailable_json(void)
{
    json_t *list = json_array();

    for (size_t i = 0; i < G_N_ELEMENTS(unavailable); i++) {
        (void)json_array_append_new(list, json_pack("{s:s, s:s}", "feature", unavailable[i].feature,
                                                    "reason", unavailable[i].reason));
    }
    return list;
}

/* kB of "NAME:" in /proc/PID/status; -1 unknown. */
static json_int_t
process_kib(DpRoot *root, pid_t pid, const char *name)
{
    g_autofree char *path = g_strdup_printf("proc/%d/status", (int)pid);
    g_autofree char *text = pid > 0 ? dp_file_read(root->fd, path, PROC_MAX, NULL, NULL) : NULL;
    g_autofree char *start = g_strdup_printf("\n%s:", name);
    const char *line = text != NULL ? strstr(text, start) : NULL;

    return line != NULL ? (json_int_t)g_ascii_strtoll(line + strlen(start), NULL, 10) : -1;
}

static json_t *
pid_json(pid_t pid)
{
    return pid > 0 ? json_integer(pid) : json_null();
}

static json_t *
devices_json(DpRoot *root, const DpRunState *state, DpQmp *qmp, const json_t *pci)
{
    g_autofree char *interrupts = dp_file_read(root->fd, "proc/interrupts", PROC_MAX, NULL, NULL);
    json_t *devices = json_array();

    for (guint i = 0; i < state->functions->len; i++) {
        (void)json_array_append_new(devices,
                                    device_json(&g_array_index(state->functions, DpRunFunction, i),
                                                interrupts != NULL ? interrupts : "", qmp, pci));
    }
    return devices;
}

json_t *
dp_vm_status_json(DpRoot *root, const DpRun *run, DpDiagList *diags)
{
    dp_autofd int folder = dp_run_folder(root, run->id);
    g_autoptr(DpRunState) state = folder >= 0 ? dp_run_state_load(folder, NULL) : NULL;
    g_autoptr(DpQmp) qmp = NULL;
    json_t *status, *pci, *document;

    if (state == NULL) {
        return json_pack("{s:s, s:s, s:s, s:o}", "name", run->name, "vmx", run->vmx_path, "state",
                         "off", "dma_faults", dp_vm_faults_report(root, run->id, run->name, diags));
    }
    qmp = open_engine(root, run);
    status = ask_engine(qmp, "query-status");
    pci = ask_engine(qmp, "query-pci");
    if (run->qemu_pid > 0 && run->supervisor_pid == 0) {
        dp_diags_add(diags, DP_DIAG_VM_SUPERVISOR_DIED, run->name,
                     "the guest of \"%s\" runs without a supervisor", run->name);
    }
    document = json_pack(
        "{s:s, s:s, s:s, s:s, s:s?, s:o, s:o, s:I, s:s, s:s, s:s?, s:s, s:I, s:I, s:I, s:I, s:o, "
        "s:o}",
        "name", run->name, "vmx", run->vmx_path, "id", run->id, "state",
        dp_vm_state_name(run->state), "engine_status",
        json_string_value(json_object_get(status, "status")), "pid", pid_json(run->qemu_pid),
        "supervisor_pid", pid_json(run->supervisor_pid), "uid", (json_int_t)run->uid, "accel",
        run->accel, "started", run->started, "vnc", state->vnc, "log", run->log_path, "memory_mib",
        (json_int_t)(state->memory >> 20), "locked_kib", process_kib(root, run->qemu_pid, "VmLck"),
        "reserved_mib", (json_int_t)(run->reserved >> 20), "page_kib",
        (json_int_t)(run->page >> 10), "devices", devices_json(root, state, qmp, pci),
        "unavailable", state->functions->len > 0 ? unavailable_json() : json_array());
    (void)json_object_set_new(document, "dma_faults_watched",
                              json_boolean(state->kmsg_number >= 0 && run->supervisor_pid > 0));
    (void)json_object_set_new(document, "dma_faults",
                              dp_vm_faults_report(root, run->id, run->name, diags));
    json_decref(status);
    json_decref(pci);
    return document;
}
