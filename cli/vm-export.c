/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vm export: the plan in another tool's words. */
#include "output.h"
#include "verbs.h"
#include "vm/export.h"
#include "vmplan.h"

#include <stdio.h>

bool
dp_cmd_vm_export(DpCli *cli, GError **error)
{
    g_autoptr(DpContext) context = NULL;
    g_autoptr(DpVmxFile) file = NULL;
    g_autoptr(DpPlan) plan = NULL;
    g_autofree char *xml = NULL;

    if (cli->options->format == NULL) {
        return dp_fail(error, DP_ERROR_USAGE, "vm export: say --format libvirt");
    }
    file = dp_vmx_file_load(dp_cli_arg(cli, 0), cli->diags, error);
    context = file != NULL ? dp_context_new(cli, DP_LOOK, error) : NULL;
    if (context == NULL) {
        return false;
    }
    plan = dp_cli_plan(cli, context, file);
    dp_diags_extend(cli->diags, plan->diags);
    if (dp_diags_have_error(cli->diags)) {
        return dp_fail(error, DP_ERROR_REFUSED, "%s: it could not be powered on here", plan->name);
    }
    xml = dp_export_libvirt(plan, cli->diags, error);
    if (xml == NULL) {
        return false;
    }
    json_object_set_new(cli->doc, "format", json_string(cli->options->format));
    json_object_set_new(cli->doc, "text", dp_json_text(xml));
    if (!dp_options_have(cli->options, DP_OPT_JSON)) {
        (void)fputs(xml, stdout);
    }
    return true;
}
