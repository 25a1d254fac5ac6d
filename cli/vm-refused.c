/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vm suspend, resume, snapshot, migrate, hot-add and hot-remove: what passthrough takes away. */
#include "base/text.h"
#include "output.h"
#include "verbs.h"
#include "vmplan.h"

#include <string.h>

#define N_PASSTHRU 128

/* What the device keeps that the verb would have to carry. */
static const struct {
    const char *word, *feature, *why;
} refused[] = {
    {"vm suspend", "suspend and resume", "the state inside the device cannot be saved"},
    {"vm resume", "suspend and resume", "the state inside the device cannot be restored"},
    {"vm snapshot", "snapshots", "the state inside the device cannot be saved"},
    {"vm migrate", "vMotion and Storage vMotion",
     "the device stays in this host, and writes into memory that is not tracked"},
    {"vm hot-add", "hot adding of virtual devices",
     "all of the VM's memory is pinned for the device at power-on"},
    {"vm hot-remove", "hot removing of virtual devices",
     "all of the VM's memory is pinned for the device at power-on"},
};

static unsigned
count_passthru(const DpVmx *vmx)
{
    unsigned n = 0;

    for (unsigned i = 0; i < N_PASSTHRU; i++) {
        g_autofree char *key = g_strdup_printf("pciPassthru%u.present", i);
        bool present = false;

        n += dp_vmx_get_bool(vmx, key, &present, NULL) && present ? 1 : 0;
    }
    return n;
}

bool
dp_cmd_vm_refused(DpCli *cli, GError **error)
{
    g_autoptr(DpVmxFile) file = dp_vmx_file_load(dp_cli_arg(cli, 0), cli->diags, error);
    g_autofree char *shown = NULL;
    unsigned n;

    if (file == NULL) {
        return false;
    }
    json_object_set_new(cli->doc, "changed", json_false());
    shown = dp_text_visible(file->path, -1);
    n = count_passthru(file->vmx);
    for (size_t i = 0; n > 0 && i < G_N_ELEMENTS(refused); i++) {
        if (strcmp(refused[i].word, cli->verb->words) == 0) {
            (void)dp_diags_add(
                cli->diags, DP_DIAG_VM_FEATURE_LOST, shown,
                "%s: unavailable with DirectPath; %u passed-through device%s, and %s",
                refused[i].feature, n, n == 1 ? "" : "s", refused[i].why);
        }
    }
    return dp_fail(error, DP_ERROR_REFUSED,
                   n > 0 ? "'%s' is refused" : "'%s' is not offered by this version",
                   cli->verb->words);
}
