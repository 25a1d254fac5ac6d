/* SPDX-License-Identifier: GPL-2.0-or-later */
/* host check, host status, host capture. */
#include "base/text.h"
#include "document.h"
#include "engine-probe.h"
#include "host/capture.h"
#include "newfile.h"
#include "output.h"
#include "removal.h"
#include "verbs.h"
#include "vm/known.h"

typedef struct {
    DpCli *cli;
    json_t *checks;
} Checks;

static void
check_line(Checks *checks, const char *name, const char *title, DpTri result, const char *detail)
{
    g_autofree char *shown = dp_text_visible(detail, -1);

    g_autofree char *line = g_strdup_printf("  %-22s %-8s %s", title, dp_tri_text(result), shown);

    dp_out(checks->cli, "%s", g_strchomp(line));
    json_array_append_new(
        checks->checks, dp_json_pack("{s:s, s:s, s:s, s:o}", "name", name, "title", title, "result",
                                     dp_tri_text(result), "detail", dp_json_text(detail)));
}

static void
check_iommu(Checks *checks, const DpHost *host)
{
    static const char *const titles[] = {[DP_IOMMU_NONE] = "",
                                         [DP_IOMMU_VTD] = "Intel VT-d",
                                         [DP_IOMMU_AMDVI] = "AMD-Vi",
                                         [DP_IOMMU_OTHER] = "of another kind"};
    const DpPlatform *platform = &host->platform;
    g_autofree char *detail = NULL;

    if (platform->iommu == DP_IOMMU_NONE) {
        detail = g_strdup_printf("in the firmware's tables: %s",
                                 dp_tri_text(platform->iommu_in_firmware));
    } else {
        detail = g_strdup_printf("%s, %u groups", titles[platform->iommu], host->group_ids->len);
    }
    check_line(checks, "iommu", "IOMMU", platform->iommu == DP_IOMMU_NONE ? DP_TRI_NO : DP_TRI_YES,
               detail);
}

static void
check_lines(Checks *checks, const DpContext *context, const DpEngine *engine)
{
    const DpPlatform *platform = &context->host->platform;

    check_line(checks, "cpu_virtualization", "CPU virtualization", platform->cpu_virtualization,
               platform->cpu_vendor != NULL ? platform->cpu_vendor : "");
    check_iommu(checks, context->host);
    check_line(checks, "interrupt_remapping", "Interrupt remapping", platform->interrupt_remapping,
               "");
    check_line(checks, "vfio", "Kernel VFIO", dp_platform_vfio(platform),
               platform->kernel != NULL ? platform->kernel : "");
    check_line(checks, "kvm", "KVM", platform->kvm, "");
    check_line(checks, "engine", "Engine", engine->usable,
               engine->version != NULL ? engine->version : "");
}

static json_t *
platform_json(const DpContext *context)
{
    const DpPlatform *platform = &context->host->platform;
    json_t *host = dp_host_json(context);

    json_object_update_new(
        host,
        dp_json_pack(
            "{s:o, s:o, s:o, s:o, s:o, s:i, s:i}", "cpu_vendor", dp_json_text(platform->cpu_vendor),
            "cpu_virtualization", dp_json_tri(platform->cpu_virtualization), "iommu_in_firmware",
            dp_json_tri(platform->iommu_in_firmware), "kernel", dp_json_text(platform->kernel),
            "lockdown", dp_json_text(platform->lockdown), "iommu_groups",
            (int)context->host->group_ids->len, "functions", (int)context->host->functions->len));
    return host;
}

bool
dp_cmd_host_check(DpCli *cli, GError **error)
{
    g_autoptr(DpContext) context = dp_context_new(cli, DP_LOOK, error);
    g_autoptr(DpEngine) engine = NULL;
    Checks checks = {.cli = cli, .checks = json_array()};
    bool capable;

    json_object_set_new(cli->doc, "checks", checks.checks);
    if (context == NULL) {
        return false;
    }
    dp_diags_extend(cli->diags, context->diags);
    engine = dp_engine_probe(context->root, cli->diags);
    check_lines(&checks, context, engine);
    capable = context->policy->capable && engine->usable != DP_TRI_NO;

    json_object_update_new(cli->doc, platform_json(context));
    json_object_set_new(cli->doc, "capable", json_boolean(capable));
    json_object_set_new(cli->doc, "engine", dp_engine_json(engine));
    dp_out(cli, capable ? "\nThis host is capable of DirectPath I/O."
                        : "\nThis host is not capable of DirectPath I/O; the reasons follow.");
    dp_survey_show(cli, context);
    cli->exit = capable ? DP_EXIT_DONE : DP_EXIT_NO;
    return true;
}

/* True if @verdict's function belongs into a status: stored, bound or used, now or at the next
 * boot. */
static bool
is_of_interest(const DpContext *context, const DpVerdict *verdict)
{
    const DpFunction *fn = verdict->fn;

    return verdict->assignable &&
           (dp_policy_stored_owner(context->conf, fn, NULL) == DP_OWNER_PASSTHRU ||
            verdict->quarantined != NULL || g_strcmp0(fn->driver, "vfio-pci") == 0 ||
            fn->driver_override != NULL ||
            (fn->driver == NULL && dp_diags_have(fn->diags, DP_DIAG_SYSFS_STUCK)) ||
            dp_context_used_by(context, &fn->addr) != NULL);
}

/* A status tells no verdicts, but this is a state. */
static void
report_quarantine(DpCli *cli, const DpVerdict *verdict)
{
    for (guint i = 0; i < verdict->diags->len; i++) {
        const DpDiag *diag = verdict->diags->pdata[i];

        if (dp_policy_is_quarantine(diag->row->id)) {
            g_ptr_array_add(cli->diags, dp_diag_copy(diag));
        }
    }
}

static void
status_device(
    DpCli *cli, const DpContext *context, const DpVerdict *verdict, DpTable *table, json_t *devices)
{
    const DpFunction *fn = verdict->fn;
    g_autoptr(DpDiagList) pending = dp_diags_new();
    DpState state = dp_context_state(context, verdict, pending);
    const char *used_by = dp_context_used_by(context, &fn->addr);
    bool passthru = dp_policy_stored_owner(context->conf, fn, NULL) == DP_OWNER_PASSTHRU;

    dp_table_cell(table, fn->name, DP_PLAIN);
    dp_table_cell(table, passthru ? "passthru" : "host", DP_PLAIN);
    dp_table_cell(table, fn->driver, DP_PLAIN);
    dp_table_cell(table, dp_state_name(state), DP_PLAIN);
    dp_table_cell(table, used_by, DP_PLAIN);
    json_array_append_new(
        devices, dp_json_pack("{s:s, s:s, s:o, s:o, s:s, s:o, s:b}", "address", fn->name, "owner",
                              passthru ? "passthru" : "host", "driver", dp_json_text(fn->driver),
                              "driver_override", dp_json_text(fn->driver_override), "state",
                              dp_state_name(state), "used_by", dp_json_text(used_by), "pending",
                              (int)(state == DP_STATE_REBOOT_REQUIRED)));
    dp_diags_extend(cli->diags, pending);
    report_quarantine(cli, verdict);
}

static json_t *
status_devices(DpCli *cli, const DpContext *context)
{
    static const DpColumn columns[] = {
        {"ADDRESS", 0}, {"STORED", 0}, {"DRIVER", 8}, {"STATE", 0}, {"USED BY", 8}};
    g_autoptr(DpTable) table = dp_table_new(columns, G_N_ELEMENTS(columns));
    json_t *devices = json_array();

    for (guint i = 0; i < context->policy->verdicts->len; i++) {
        const DpVerdict *verdict = context->policy->verdicts->pdata[i];

        if (is_of_interest(context, verdict)) {
            status_device(cli, context, verdict, table, devices);
        }
    }
    dp_table_print(cli, table, "No device is enabled for passthrough.");
    return devices;
}

/* Stored for passthrough, and nothing is at the address. */
static json_t *
status_absent(const DpContext *context)
{
    json_t *absent = json_array();

    for (guint i = 0; i < context->gone->len; i++) {
        const DpStoredGone *gone = context->gone->pdata[i];

        if (gone->reason == DP_STORED_ABSENT) {
            json_array_append_new(absent, json_string(gone->name));
        }
    }
    return absent;
}

/* The VM files are looked for only where something is gone: they may lie on a server that does not
 * answer, and a status is wanted at once. */
static GPtrArray *
find_vms(const DpContext *context)
{
    return context->gone->len > 0 ? dp_known_vms(context->root, context->runs) : NULL;
}

/* The same and those that others have taken the place of, with what is known of them and the VM
 * files that name them. */
static json_t *
status_gone(DpCli *cli, const DpContext *context)
{
    g_autoptr(GPtrArray) vms = find_vms(context);
    json_t *array = json_array();

    dp_stored_report(context->gone, cli->diags);

    for (guint i = 0; i < context->gone->len; i++) {
        const DpStoredGone *gone = context->gone->pdata[i];

        json_array_append_new(
            array,
            dp_json_pack("{s:s, s:s, s:o, s:s?, s:b, s:o}", "address", gone->name, "reason",
                         dp_stored_reason_name(gone->reason), "card", dp_card_json(gone->card),
                         "now_at", gone->now_at != NULL ? gone->now_at->name : NULL, "certain",
                         (int)(gone->now_at != NULL && gone->certain), "vms",
                         dp_report_still_named(cli, context, vms, &gone->addr)));
    }
    return array;
}

bool
dp_cmd_host_status(DpCli *cli, GError **error)
{
    g_autoptr(DpContext) context = dp_context_new(cli, DP_GLANCE, error);

    if (context == NULL) {
        return false;
    }
    json_object_set_new(cli->doc, "host", dp_host_json(context));
    json_object_set_new(cli->doc, "devices", status_devices(cli, context));
    json_object_set_new(cli->doc, "absent", status_absent(context));
    json_object_set_new(cli->doc, "armed", dp_armed_json(context));
    json_object_set_new(cli->doc, "gone", status_gone(cli, context));
    json_object_set_new(cli->doc, "vms", dp_runs_json(context));
    dp_out_armed(cli, context);
    dp_out_heading(cli, "Virtual machines");
    dp_out_runs(cli, context);
    if (dp_context_reboot_required(context)) {
        dp_out(cli, "\nA reboot is required: what is stored and what is real differ.");
    }
    return true;
}

static bool
write_capture(int fd, void *data, GError **error)
{
    return dp_host_capture(data, fd, error);
}

bool
dp_cmd_host_capture(DpCli *cli, GError **error)
{
    g_autoptr(DpProgress) progress G_GNUC_UNUSED = dp_progress_begin(cli, "capturing");
    g_autoptr(DpRoot) root = dp_root_open(cli->options->root, error);

    return root != NULL && dp_newfile_write(cli, root, write_capture, root, error);
}
