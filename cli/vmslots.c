/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What power-on writes into a VMX, and how a file that was changed since is seen. */
#include "base/file.h"
#include "vm/edit.h"
#include "vmxedit.h"

/* How long power-on waits for an edit in the same folder. */
#define LOCK_TIMEOUT_MS 1000

/* Writes @vmx over the file of @path, unless that is not any more what the plan was made of. */
static bool
write_over(const char *path, const DpVmx *vmx, const char *sum, GError **error)
{
    g_autofree char *dir = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(path);
    dp_autofd int folder = dp_file_lock_folder(dir, LOCK_TIMEOUT_MS, error);
    g_autoptr(DpVmxFile) now = folder >= 0 ? dp_vmx_file_load(path, NULL, error) : NULL;
    g_autofree char *now_sum = now != NULL ? dp_vm_vmx_sum(now->vmx) : NULL;
    g_autoptr(GBytes) bytes = dp_vmx_bytes(vmx);
    size_t len = 0;
    const void *data = g_bytes_get_data(bytes, &len);

    if (now_sum == NULL) {
        return false;
    }
    if (g_strcmp0(now_sum, sum) != 0) {
        return dp_fail(error, DP_ERROR_BUSY, "the file was changed while it was being planned");
    }
    return dp_file_replace(folder, name, data, len, 0644, error);
}

void
dp_vmx_write_slots(const DpVmxFile *file, DpPlan *plan, DpDiagList *diags)
{
    g_autoptr(GError) error = NULL;

    if (plan->chosen->len == 0) {
        return;
    }
    if (dp_edit_slots(file->vmx, plan, NULL, &error) &&
        write_over(file->path, file->vmx, plan->vmx_sum, &error)) {
        g_free(plan->vmx_sum);
        plan->vmx_sum = dp_vm_vmx_sum(file->vmx);
        return;
    }
    dp_diags_add(diags, DP_DIAG_VMX_SLOT_NOT_WRITTEN, dp_vmx_name(file->vmx),
                 "the places that were chosen could not be written into the file: %s",
                 error->message);
}

DpTri
dp_vmx_changed_since(const char *path, const DpRun *run, DpDiagList *diags)
{
    g_autoptr(DpVmxFile) file = run->vmx_sum != NULL ? dp_vmx_file_load(path, NULL, NULL) : NULL;
    g_autofree char *sum = file != NULL ? dp_vm_vmx_sum(file->vmx) : NULL;

    if (sum == NULL) {
        return DP_TRI_UNKNOWN;
    }
    if (g_strcmp0(sum, run->vmx_sum) == 0) {
        return DP_TRI_NO;
    }
    dp_diags_add(diags, DP_DIAG_VMX_CHANGED_SINCE, dp_vmx_name(file->vmx),
                 "the file was changed after power-on; the change takes effect at next power-on");
    return DP_TRI_YES;
}
