/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmxedit.h"

#include "base/file.h"
#include "base/text.h"
#include "output.h"
#include "verbs.h"
#include "vm/edit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* How long an edit waits for another one in the same folder. */
#define LOCK_TIMEOUT_MS 5000
/* Of a VMX that is new. */
#define VMX_MODE 0644

void
dp_vmx_edit_free(DpVmxEdit *edit)
{
    if (edit == NULL) {
        return;
    }
    dp_vmx_file_free(edit->file);
    dp_vmx_free(edit->before);
    dp_close_fd(&edit->folder);
    g_free(edit);
}

static bool
lock_folder(DpVmxEdit *edit, const char *dir, GError **error)
{
    edit->folder = dp_file_lock_folder(dir, LOCK_TIMEOUT_MS, error);
    return edit->folder >= 0;
}

/* The folder of the file itself, not that of a link to it: the file is replaced where it is. */
static bool
lock_folder_of(DpVmxEdit *edit, const char *path, GError **error)
{
    g_autofree char *shown = dp_text_visible(path, -1);
    char *real = realpath(path, NULL);
    g_autofree char *dir = real != NULL ? g_path_get_dirname(real) : NULL;

    free(real);
    return dir != NULL ? lock_folder(edit, dir, error) : dp_fail_errno(error, errno, "%s", shown);
}

/* Twice the same bytes: one to edit, one to compare with. */
static bool
copy_before(DpVmxEdit *edit, GError **error)
{
    g_autoptr(GBytes) bytes = dp_vmx_bytes(edit->file->vmx);
    size_t len = 0;
    const char *data = g_bytes_get_data(bytes, &len);

    edit->before = dp_vmx_parse(dp_vmx_name(edit->file->vmx), data, len, NULL, error);
    return edit->before != NULL;
}

static bool
check_off(DpCli *cli, const DpVmxFile *file, GError **error)
{
    g_autoptr(DpRoot) root = dp_root_open(cli->options->root, error);
    g_autoptr(DpRun) run = root != NULL ? dp_run_find(root, file->path) : NULL;

    if (run == NULL) {
        return root != NULL;
    }
    dp_diags_add(cli->diags, DP_DIAG_VMX_EDIT_RUNNING, dp_vmx_name(file->vmx),
                 "the VM of this file is %s, and its settings are changed when it is off",
                 dp_vm_state_name(run->state));
    return dp_fail(error, DP_ERROR_REFUSED, "%s: the VM is powered on", file->path);
}

DpVmxEdit *
dp_vmx_edit_begin(DpCli *cli, GError **error)
{
    g_autoptr(DpVmxEdit) edit = g_new0(DpVmxEdit, 1);
    const char *path = dp_cli_arg(cli, 0);

    edit->folder = -1;
    if (!lock_folder_of(edit, path, error)) {
        return NULL;
    }
    edit->file = dp_vmx_file_load(path, cli->diags, error);
    if (edit->file == NULL || !copy_before(edit, error) || !check_off(cli, edit->file, error)) {
        return NULL;
    }
    if (dp_diags_have_error(cli->diags)) {
        (void)dp_fail(error, DP_ERROR_REFUSED, "%s: the file has errors", edit->file->path);
        return NULL;
    }
    return g_steal_pointer(&edit);
}

/* The path that a file which is not there yet will have. */
static char *
new_path(const char *path, GError **error)
{
    g_autofree char *dir = g_path_get_dirname(path);
    g_autofree char *base = g_path_get_basename(path);
    g_autofree char *shown = dp_text_visible(path, -1);
    char *real = realpath(dir, NULL);
    char *whole = real != NULL ? g_build_filename(real, base, NULL) : NULL;

    if (whole == NULL) {
        (void)dp_fail_errno(error, errno, "%s", shown);
    }
    free(real);
    return whole;
}

DpVmxEdit *
dp_vmx_edit_begin_new(DpCli *cli, bool *ret_exists, GError **error)
{
    const char *path = dp_cli_arg(cli, 0);
    g_autoptr(DpVmxEdit) edit = NULL;
    g_autofree char *dir = NULL;
    struct stat st;

    *ret_exists = lstat(path, &st) == 0;
    if (*ret_exists) {
        return dp_vmx_edit_begin(cli, error);
    }
    edit = g_new0(DpVmxEdit, 1);
    edit->folder = -1;
    edit->file = g_new0(DpVmxFile, 1);
    edit->file->path = new_path(path, error);
    dir = edit->file->path != NULL ? g_path_get_dirname(edit->file->path) : NULL;
    return dir != NULL && lock_folder(edit, dir, error) ? g_steal_pointer(&edit) : NULL;
}

/* What is wrong whatever was wrong before: an edit that relies on it would be none. */
static bool
always_counts(const DpDiag *diag)
{
    DpDiagId id = diag->row->id;

    return id == DP_DIAG_VMX_VERSION_OLD || id == DP_DIAG_VMX_TOO_MANY ||
           id == DP_DIAG_VMX_MEM_LIMIT;
}

static bool
was_there(const DpPlan *before, const DpDiag *diag)
{
    for (guint i = 0; before != NULL && i < before->diags->len; i++) {
        const DpDiag *old = before->diags->pdata[i];

        if (old->row == diag->row && strcmp(old->message, diag->message) == 0) {
            return true;
        }
    }
    return false;
}

/* What is new is about lines that the file does not have yet: named without their number. */
static void
drop_line(DpDiag *diag)
{
    char *colon = strrchr(diag->subject, ':');

    if (colon != NULL && colon[1] != '\0' && colon[1 + strspn(colon + 1, "0123456789")] == '\0') {
        *colon = '\0';
    }
}

/* Whether there is memory enough shows at power-on; now it is only worth a warning. */
static void
report_new(DpCli *cli, const DpPlan *before, const DpPlan *after)
{
    for (guint i = 0; i < after->diags->len; i++) {
        const DpDiag *diag = after->diags->pdata[i];
        DpDiag *copy;

        if (diag->severity == DP_NOTE || (was_there(before, diag) && !always_counts(diag))) {
            continue;
        }
        copy = dp_diag_copy(diag);
        if (!was_there(before, diag)) {
            drop_line(copy);
        }
        if (copy->row->id == DP_DIAG_VM_MEMORY_SHORT) {
            copy->severity = DP_WARNING;
        }
        g_ptr_array_add(cli->diags, copy);
    }
}

static DpPlan *
plan_of(const DpCli *cli, const DpContext *context, const DpVmxEdit *edit, DpVmx *vmx)
{
    DpVmxFile file = {.path = edit->file->path, .vmx = vmx};
    DpPlanInput none = {0};

    return context != NULL ? dp_cli_plan(cli, context, &file) : dp_plan_new(file.path, vmx, &none);
}

DpPlan *
dp_vmx_edit_check(DpCli *cli, const DpContext *context, const DpVmxEdit *edit, GError **error)
{
    g_autoptr(DpPlan) before =
        edit->before != NULL ? plan_of(cli, context, edit, edit->before) : NULL;
    g_autoptr(DpPlan) after = plan_of(cli, context, edit, edit->file->vmx);

    report_new(cli, before, after);
    if (dp_diags_have_error(cli->diags)) {
        (void)dp_fail(error, DP_ERROR_REFUSED, "%s: refused, nothing is changed", edit->file->path);
        return NULL;
    }
    return g_steal_pointer(&after);
}

static void
out_line(const DpCli *cli, const char *label, const char *key, const char *value)
{
    g_autofree char *text = g_strdup_printf("%s = \"%s\"", key, value);
    g_autofree char *shown = dp_text_visible_max(text, -1, DP_DIAG_TEXT_MAX);

    dp_out_wrapped(cli, label, shown);
}

static json_t *
report_change(const DpCli *cli, const DpVmxChange *change)
{
    if (change->old_value != NULL) {
        out_line(cli, "  - ", change->key, change->old_value);
    }
    if (change->new_value != NULL) {
        out_line(cli, "  + ", change->key, change->new_value);
    }
    return dp_json_pack("{s:o, s:o, s:o}", "key", dp_json_text(change->key), "old",
                        dp_json_text(change->old_value), "new", dp_json_text(change->new_value));
}

void
dp_vmx_edit_report(DpCli *cli, const char *path, const GPtrArray *changes, bool dry)
{
    json_t *edits = json_array();

    for (guint i = 0; i < changes->len; i++) {
        json_array_append_new(edits, report_change(cli, changes->pdata[i]));
    }
    json_object_set_new(cli->doc, "changed", json_boolean(changes->len > 0 && !dry));
    json_object_set_new(cli->doc, "dry_run", json_boolean(dry));
    json_object_set_new(cli->doc, "vmx", dp_json_text(path));
    json_object_set_new(cli->doc, "edits", edits);
    if (!dp_options_have(cli->options, DP_OPT_QUIET)) {
        dp_out(cli, "%s",
               changes->len == 0 ? "Nothing to do: it is so already."
               : dry             ? "Nothing was written: --dry-run."
                                 : "Written.");
    }
}

bool
dp_vmx_edit_finish(DpCli *cli, const DpVmxEdit *edit, GError **error)
{
    bool dry = dp_options_have(cli->options, DP_OPT_DRY_RUN);
    g_autoptr(GPtrArray) changes = dp_edit_diff(edit->before, edit->file->vmx);
    g_autoptr(GBytes) bytes = dp_vmx_bytes(edit->file->vmx);
    g_autofree char *name = g_path_get_basename(edit->file->path);
    size_t len = 0;
    const void *data = g_bytes_get_data(bytes, &len);

    /* Also where nothing changes: what a killed command has written is durable then. */
    if (!dry && !dp_file_replace(edit->folder, name, data, len, VMX_MODE, error)) {
        return false;
    }
    dp_vmx_edit_report(cli, edit->file->path, changes, dry);
    return true;
}
