/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ESX 4's words for two questions: which systemId has this host, and is its IOMMU enabled. */
#include "document.h"
#include "output.h"
#include "verbs.h"

#include <string.h>

bool
dp_out_system_id(DpCli *cli, GError **error)
{
    g_autoptr(DpContext) context = dp_context_new(cli, DP_LOOK, error);
    g_autofree char *uuid = NULL;
    const char *stored;

    if (context == NULL) {
        return false;
    }
    stored = dp_esxconf_system_uuid(context->conf);
    uuid = stored != NULL ? dp_system_uuid_to_vmx(stored) : NULL;
    if (uuid == NULL) {
        dp_diags_add(cli->diags, DP_DIAG_NO_SYSTEM_ID, "host",
                     "etc/directpath/esx.conf has no valid line /system/uuid");
        return dp_fail(error, DP_ERROR_NOT_FOUND, "this host has no systemId");
    }
    json_object_set_new(cli->doc, "system_id", json_string(uuid));
    dp_out(cli, "%s", uuid);
    return true;
}

bool
dp_cmd_vsish_cat(DpCli *cli, GError **error)
{
    if (strcmp(dp_cli_arg(cli, 0), "/system/systemUuid") != 0) {
        return dp_fail(error, DP_ERROR_USAGE, "of vsish only /system/systemUuid is known here");
    }
    return dp_out_system_id(cli, error);
}

/* The first name of what @kind runs on, as the kernel calls its driver; NULL: no IOMMU. */
static const char *
iommu_driver(DpIommuKind kind)
{
    static const char *const drivers[] = {
        [DP_IOMMU_NONE] = NULL,
        [DP_IOMMU_VTD] = "intel_iommu",
        [DP_IOMMU_AMDVI] = "amd_iommu",
        [DP_IOMMU_OTHER] = "iommu",
    };

    return drivers[kind];
}

static unsigned
count_on_vfio(const DpHost *host)
{
    unsigned n = 0;

    for (guint i = 0; i < host->functions->len; i++) {
        n += dp_policy_on_vfio(host->functions->pdata[i]) ? 1 : 0;
    }
    return n;
}

/* The size of a driver that is built in is nobody's; "-" for all. */
static void
module_row(DpCli *cli, json_t *modules, const char *name, unsigned used)
{
    dp_out(cli, "%-24s %4u  -", name, used);
    json_array_append_new(
        modules, dp_json_pack("{s:s, s:i, s:n}", "Name", name, "Used", (int)used, "Size (kb)"));
}

static void
list_modules(DpCli *cli, const DpHost *host, json_t *modules)
{
    const DpPlatform *platform = &host->platform;
    const char *iommu = iommu_driver(platform->iommu);
    unsigned n = count_on_vfio(host);

    dp_out(cli, "%-24s %4s  %s", "Name", "Used", "Size (kb)");
    if (iommu != NULL) {
        module_row(cli, modules, iommu, host->group_ids->len);
    }
    if (platform->vfio == DP_TRI_YES) {
        module_row(cli, modules, "vfio-pci", n);
    }
    if (platform->vfio_iommu_type1 == DP_TRI_YES) {
        module_row(cli, modules, "vfio_iommu_type1", n);
    }
    if (platform->kvm == DP_TRI_YES) {
        module_row(cli, modules, "kvm", 0);
    }
}

static void
say_iommu(const DpCli *cli, DpIommuKind kind)
{
    static const char *const titles[] = {
        [DP_IOMMU_NONE] = "not enabled ('directpath host check' says why)",
        [DP_IOMMU_VTD] = "Intel VT-d is enabled",
        [DP_IOMMU_AMDVI] = "AMD IOMMU is enabled",
        [DP_IOMMU_OTHER] = "one of another kind is enabled",
    };

    if (!dp_options_have(cli->options, DP_OPT_QUIET)) {
        dp_out(cli, "\nIOMMU: %s.", titles[kind]);
    }
}

bool
dp_cmd_esxcfg_module(DpCli *cli, GError **error)
{
    g_autoptr(DpContext) context = NULL;
    json_t *modules = json_array();
    DpIommuKind kind;

    json_object_set_new(cli->doc, "modules", modules);
    if (!dp_options_have(cli->options, DP_OPT_LIST)) {
        return dp_fail(error, DP_ERROR_USAGE, "of esxcfg-module only --list is known here");
    }
    context = dp_context_new(cli, DP_LOOK, error);
    if (context == NULL) {
        return false;
    }
    kind = context->host->platform.iommu;
    list_modules(cli, context->host, modules);
    say_iommu(cli, kind);
    json_object_set_new(cli->doc, "iommu", json_string(dp_iommu_name(kind)));
    json_object_set_new(cli->doc, "enabled", json_boolean(kind != DP_IOMMU_NONE));
    return true;
}
