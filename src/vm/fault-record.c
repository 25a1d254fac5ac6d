/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is kept and told of a VM's refused DMA. */
#include "fault.h"

#include "assign/store.h"
#include "base/file.h"
#include "run.h"

#include <fcntl.h>
#include <string.h>

#define FOLDER    "run/directpath/dma-faults"
#define MAX_BYTES 4096u

void
dp_vm_faults_clear(DpVmFaults *faults)
{
    g_clear_pointer(&faults->time, g_free);
}

void
dp_vm_faults_add(DpVmFaults *faults, const DpVmFault *fault)
{
    if (faults->count++ == 0) {
        g_autoptr(GDateTime) now = g_date_time_new_now_utc();

        faults->first = *fault;
        g_free(faults->time);
        faults->time = g_date_time_format(now, "%Y-%m-%dT%H:%M:%SZ");
    }
}

/* ESXi's sentence up to its first full stop, for those who search for it, and what it leaves out.
 */
char *
dp_vm_faults_text(const DpVmFaults *faults)
{
    const DpVmFault *first = &faults->first;
    GString *text = g_string_new(NULL);
    char requester[DP_ADDR_LEN];

    g_string_append_printf(text, "PCI passthru device %s caused an IOMMU fault", first->name);
    if (first->fault.reason >= 0) {
        g_string_append_printf(text, " type %d", first->fault.reason);
    }
    g_string_append_printf(text, " at address 0x%" G_GINT64_MODIFIER "x (%s", first->fault.address,
                           dp_dma_access_name(first->fault.access));
    if (first->by_group) {
        g_string_append_printf(text, ", by the id %s of its IOMMU group",
                               dp_addr_format(&first->fault.requester, requester));
    }
    if (!first->certain) {
        g_string_append(text, ", or a function of another segment with the same id");
    }
    g_string_append_c(text, ')');
    return g_string_free(text, FALSE);
}

static json_t *
to_json(const DpVmFaults *faults)
{
    const DpVmFault *first = &faults->first;
    g_autofree char *address = g_strdup_printf("0x%" G_GINT64_MODIFIER "x", first->fault.address);
    char requester[DP_ADDR_LEN];

    return json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:i, s:b, s:b, s:b}", "count",
                     (json_int_t)faults->count, "time", faults->time, "device", first->name,
                     "requester", dp_addr_format(&first->fault.requester, requester), "access",
                     dp_dma_access_name(first->fault.access), "address", address, "reason",
                     first->fault.reason, "certain", (int)first->certain, "by_group",
                     (int)first->by_group, "powered_off", (int)faults->powered_off);
}

static DpDmaAccess
access_from(const char *name)
{
    for (DpDmaAccess access = DP_DMA_READ; access <= DP_DMA_WRITE; access++) {
        if (g_strcmp0(name, dp_dma_access_name(access)) == 0) {
            return access;
        }
    }
    return DP_DMA_UNKNOWN;
}

/* False: not what was written there. */
static bool
from_json(const json_t *object, DpVmFaults *faults)
{
    const char *name = json_string_value(json_object_get(object, "device"));
    const char *requester = json_string_value(json_object_get(object, "requester"));
    const char *address = json_string_value(json_object_get(object, "address"));
    const char *time = json_string_value(json_object_get(object, "time"));
    json_int_t count = json_integer_value(json_object_get(object, "count"));
    DpVmFault *first = &faults->first;
    DpAddr addr;

    if (name == NULL || !dp_addr_parse_sysfs(name, &addr) || requester == NULL ||
        !dp_addr_parse_sysfs(requester, &first->fault.requester) || address == NULL ||
        time == NULL || count <= 0) {
        return false;
    }
    g_strlcpy(first->name, name, sizeof first->name);
    first->fault.address = g_ascii_strtoull(address, NULL, 16);
    first->fault.access = access_from(json_string_value(json_object_get(object, "access")));
    first->fault.reason = (int)json_integer_value(json_object_get(object, "reason"));
    first->certain = json_is_true(json_object_get(object, "certain"));
    first->by_group = json_is_true(json_object_get(object, "by_group"));
    faults->count = (uint64_t)count;
    faults->powered_off = json_is_true(json_object_get(object, "powered_off"));
    g_free(faults->time);
    faults->time = g_strdup(time);
    return true;
}

bool
dp_vm_faults_save(const DpVmFaults *faults, DpRoot *root, const char *id, GError **error)
{
    return dp_store_save_json(root, FOLDER, id, to_json(faults), JSON_INDENT(1), error);
}

bool
dp_vm_faults_load(DpVmFaults *faults, DpRoot *root, const char *id)
{
    g_autofree char *path = g_build_filename(FOLDER, id, NULL);
    size_t len = 0;
    g_autofree char *text = dp_file_read(root->fd, path, MAX_BYTES, &len, NULL);
    json_t *object = text != NULL ? json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL) : NULL;
    bool ok = object != NULL && from_json(object, faults);

    json_decref(object);
    return ok;
}

void
dp_vm_faults_forget(DpRoot *root, const char *id)
{
    dp_autofd int folder = dp_file_open(root->fd, FOLDER, O_RDONLY | O_DIRECTORY);

    if (folder >= 0) {
        (void)unlinkat(folder, id, 0);
    }
}

json_t *
dp_vm_faults_report(DpRoot *root, const char *id, const char *name, DpDiagList *diags)
{
    g_auto(DpVmFaults) faults = {0};
    g_autofree char *text = NULL;
    json_t *object;
    DpDiag *diag;

    if (!dp_vm_faults_load(&faults, root, id)) {
        return json_null();
    }
    text = dp_vm_faults_text(&faults);
    diag = dp_diags_add(diags, DP_DIAG_VM_DMA_FAULT, name, "%s. %s", text,
                        faults.powered_off ? "The virtual machine was powered off"
                                           : "The virtual machine runs on");
    dp_diag_set_cause(
        diag,
        "its guest, or the device's own firmware, let %s reach for memory that is not "
        "the guest's; the IOMMU refused it (%s; %" G_GUINT64_FORMAT
        " such lines in the kernel's log)",
        faults.first.name, faults.time, faults.count);
    object = to_json(&faults);
    (void)json_object_del(object, "certain");
    (void)json_object_del(object, "by_group");
    if (faults.first.fault.reason < 0) {
        (void)json_object_set_new(object, "reason", json_null());
    }
    return object;
}
