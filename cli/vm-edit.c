/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vm set, remove-device and upgrade: edits that need no host. */
#include "base/text.h"
#include "output.h"
#include "verbs.h"
#include "vm/edit.h"
#include "vmxedit.h"

#include <string.h>

#define MAX_INDEX 127

bool
dp_vmx_edit_set(DpVmx *vmx, const char *word, GError **error)
{
    const char *equals = strchr(word, '=');
    g_autofree char *shown = dp_text_visible_max(word, -1, 80);
    g_autofree char *key = equals != NULL ? g_strndup(word, (gsize)(equals - word)) : NULL;
    g_autofree char *value = NULL;

    if (key == NULL || key[0] == '\0') {
        return dp_fail(error, DP_ERROR_USAGE, "'%s' is not of the form KEY=VALUE", shown);
    }
    value = dp_vmx_encode(vmx, equals + 1, error);
    return value != NULL && dp_vmx_set(vmx, key, value, error);
}

/* True if one of the words sets @key. */
static bool
sets(DpCli *cli, const char *key)
{
    size_t len = strlen(key);

    for (guint i = 1; i < dp_cli_n_args(cli); i++) {
        const char *word = dp_cli_arg(cli, i);

        if (g_ascii_strncasecmp(word, key, len) == 0 && word[len] == '=') {
            return true;
        }
    }
    return false;
}

/* As Edit Settings does: where devices are passed through the reservation is the memory, unless the
 * command says another one. */
static bool
move_reservation(DpCli *cli, DpVmx *vmx, GError **error)
{
    return !sets(cli, "memsize") || sets(cli, "sched.mem.min") || sets(cli, "sched.mem.minsize") ||
           !dp_edit_has_passthru(vmx) || dp_edit_reserve(vmx, error);
}

bool
dp_cmd_vm_set(DpCli *cli, GError **error)
{
    g_autoptr(DpVmxEdit) edit = dp_vmx_edit_begin(cli, error);

    for (guint i = 1; edit != NULL && i < dp_cli_n_args(cli); i++) {
        if (!dp_vmx_edit_set(edit->file->vmx, dp_cli_arg(cli, i), error)) {
            return false;
        }
    }
    return edit != NULL && move_reservation(cli, edit->file->vmx, error) &&
           dp_vmx_edit_finish(cli, edit, error);
}

bool
dp_cmd_vm_remove_device(DpCli *cli, GError **error)
{
    const char *word = dp_cli_arg(cli, 1);
    g_autofree char *shown = dp_text_visible_max(word, -1, 80);
    g_autoptr(DpVmxEdit) edit = NULL;
    guint64 index = 0;

    if (!g_ascii_string_to_unsigned(word, 10, 0, MAX_INDEX, &index, NULL)) {
        return dp_fail(error, DP_ERROR_USAGE,
                       "'%s' is no number of a device: N of pciPassthruN, 0 to %d", shown,
                       MAX_INDEX);
    }
    edit = dp_vmx_edit_begin(cli, error);
    if (edit == NULL) {
        return false;
    }
    (void)dp_edit_remove(edit->file->vmx, (unsigned)index);
    return dp_vmx_edit_finish(cli, edit, error);
}

bool
dp_cmd_vm_upgrade(DpCli *cli, GError **error)
{
    g_autoptr(DpVmxEdit) edit = dp_vmx_edit_begin(cli, error);
    g_autoptr(DpPlan) plan = NULL;

    if (edit == NULL || !dp_edit_upgrade(edit->file->vmx, error)) {
        return false;
    }
    plan = dp_vmx_edit_check(cli, NULL, edit, error);
    return plan != NULL && dp_vmx_edit_finish(cli, edit, error);
}
