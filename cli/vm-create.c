/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vm create: a new VMX; none that is there is ever replaced. */
#include "vm/create.h"

#include "base/text.h"
#include "output.h"
#include "verbs.h"
#include "vm/edit.h"
#include "vmxedit.h"

#include <string.h>

/* "web" of "web.vmx". */
static char *
title_of(const char *name)
{
    size_t len = strlen(name);

    return g_strndup(name, len > 4 && g_str_has_suffix(name, ".vmx") ? len - 4 : len);
}

static bool
set_all(const DpCli *cli, DpVmx *vmx, GError **error)
{
    for (guint i = 1; i < dp_cli_n_args(cli); i++) {
        if (!dp_vmx_edit_set(vmx, dp_cli_arg(cli, i), error)) {
            return false;
        }
    }
    return true;
}

/* A file that says all that is asked for is what an earlier run of this command left. */
static bool
settle_existing(DpCli *cli, DpVmxEdit *edit, GError **error)
{
    g_autoptr(GPtrArray) changes = NULL;
    const char *name = dp_vmx_name(edit->file->vmx);

    if (!set_all(cli, edit->file->vmx, error)) {
        return false;
    }
    changes = dp_edit_diff(edit->before, edit->file->vmx);
    if (changes->len == 0) {
        dp_vmx_edit_report(cli, edit->file->path, changes, false);
        return true;
    }
    dp_diags_add(cli->diags, DP_DIAG_VMX_EXISTS, name, "the file is there, and says %s of %s",
                 ((const DpVmxChange *)changes->pdata[0])->old_value != NULL ? "something else"
                                                                             : "nothing",
                 ((const DpVmxChange *)changes->pdata[0])->key);
    return dp_fail(error, DP_ERROR_REFUSED, "%s: the file is there already", edit->file->path);
}

static bool
fill(const DpCli *cli, DpVmx *vmx, GError **error)
{
    int64_t version = 0;

    if (!set_all(cli, vmx, error)) {
        return false;
    }
    (void)dp_vmx_get_int(vmx, "virtualHW.version", 0, G_MAXINT32, &version, NULL);
    return version < 7 || dp_edit_bridges(vmx, error);
}

bool
dp_cmd_vm_create(DpCli *cli, GError **error)
{
    bool exists = false;
    g_autoptr(DpVmxEdit) edit = dp_vmx_edit_begin_new(cli, &exists, error);
    g_autofree char *name = g_path_get_basename(dp_cli_arg(cli, 0));
    g_autofree char *title = title_of(name);
    g_autoptr(DpPlan) plan = NULL;

    if (edit == NULL) {
        return false;
    }
    if (exists) {
        return settle_existing(cli, edit, error);
    }
    edit->file->vmx = dp_vmx_create(name, title, error);
    if (edit->file->vmx == NULL || !fill(cli, edit->file->vmx, error)) {
        return false;
    }
    plan = dp_vmx_edit_check(cli, NULL, edit, error);
    return plan != NULL && dp_vmx_edit_finish(cli, edit, error);
}
