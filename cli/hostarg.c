/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hostarg.h"

#include "base/text.h"
#include "host/untar.h"
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static bool
refuse(DpCli *cli, const char *shown, const char *why, GError **error)
{
    dp_diags_add(cli->diags, DP_DIAG_CAPTURE_UNUSABLE, shown, "%s", why);
    return dp_fail(error, DP_ERROR_REFUSED, "%s: %s", shown, why);
}

/* The archive of @fd in a folder of its own; what was unpacked of a bad one is removed with @cli.
 */
static bool
unpack(DpCli *cli, int fd, const char *shown, GError **error)
{
    g_autoptr(GError) failure = NULL;
    dp_autofd int dir = -1;

    cli->unpacked = g_dir_make_tmp("directpath-host-XXXXXX", &failure);
    if (cli->unpacked == NULL) {
        return dp_fail(error, DP_ERROR_IO, "cannot make a folder for the capture: %s",
                       failure->message);
    }
    dir = open(cli->unpacked, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) {
        return dp_fail_errno(error, errno, "cannot open the folder of the capture");
    }
    if (!dp_untar_into(fd, dir, &failure)) {
        if (g_error_matches(failure, DP_ERROR, DP_ERROR_PARSE)) {
            return refuse(cli, shown, failure->message, error);
        }
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
    }
    g_free(cli->options->root);
    cli->options->root = g_strdup(cli->unpacked);
    return true;
}

bool
dp_cli_open_host(DpCli *cli, GError **error)
{
    const char *path = cli->options->root;
    g_autofree char *shown = dp_text_visible(path, -1);
    dp_autofd int fd = -1;
    struct stat st;

    if (!dp_options_have(cli->options, DP_OPT_HOST)) {
        return true;
    }
    fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0) {
        return refuse(cli, shown, g_strerror(errno), error);
    }
    if (S_ISDIR(st.st_mode)) {
        return true;
    }
    return S_ISREG(st.st_mode) ? unpack(cli, fd, shown, error)
                               : refuse(cli, shown, "it is neither a file nor a folder", error);
}

typedef struct {
    DpCli *cli;
    const DpPlan *plan;
    DpTable *table;
    json_t *checks;
} Report;

static void
add_check(Report *report, const char *what, DpTri answer, const char *evidence)
{
    const char *word = answer == DP_TRI_YES ? "yes" : answer == DP_TRI_NO ? "no" : "unknown";
    DpColour colour = answer == DP_TRI_YES ? DP_GREEN : answer == DP_TRI_NO ? DP_RED : DP_YELLOW;

    dp_table_cell(report->table, what, DP_PLAIN);
    dp_table_cell(report->table, word, colour);
    dp_table_cell(report->table, evidence, DP_PLAIN);
    json_array_append_new(report->checks, dp_json_pack("{s:s, s:s, s:o}", "check", what, "answer",
                                                       word, "evidence", dp_json_text(evidence)));
}

/* Is @diag about a line that starts with @prefix? */
static bool
is_about(const DpPlan *plan, const DpDiag *diag, const char *prefix)
{
    const char *colon = strrchr(diag->subject, ':');
    guint64 line = colon != NULL ? g_ascii_strtoull(colon + 1, NULL, 10) : 0;

    for (guint i = 0; i < plan->keys->len; i++) {
        const DpKeyReport *key = plan->keys->pdata[i];

        if (key->line == line && g_ascii_strncasecmp(key->key, prefix, strlen(prefix)) == 0) {
            return true;
        }
    }
    return false;
}

/* The first error about pciPassthru@index, or NULL. */
static const DpDiag *
device_error(const DpPlan *plan, unsigned index)
{
    g_autofree char *prefix = g_strdup_printf("pciPassthru%u.", index);

    for (guint i = 0; i < plan->diags->len; i++) {
        const DpDiag *diag = g_ptr_array_index(plan->diags, i);

        if (diag->severity == DP_ERROR_SEVERITY && is_about(plan, diag, prefix)) {
            return diag;
        }
    }
    return NULL;
}

static void
check_devices(Report *report, DpContext *context)
{
    for (guint i = 0; i < report->plan->devices->len; i++) {
        const DpVmDevice *device = report->plan->devices->pdata[i];
        const DpDiag *diag = device_error(report->plan, device->index);
        g_autofree char *what = g_strdup_printf("pciPassthru%u", device->index);
        g_autofree char *name =
            device->fn != NULL ? dp_names_function(dp_context_names(context), device->fn) : NULL;
        g_autofree char *evidence =
            diag != NULL       ? g_strdup_printf("DP%d: %s", (int)diag->row->id, diag->message)
            : device->resolved ? g_strdup_printf("%s %s", device->fn->name, name)
                               : g_strdup("no function of that host was found for it");

        add_check(report, what, diag == NULL && device->resolved ? DP_TRI_YES : DP_TRI_NO,
                  evidence);
    }
}

static void
check_memory(Report *report, const DpPlatform *platform)
{
    bool short_of = dp_diags_have(report->plan->diags, DP_DIAG_VM_MEMORY_SHORT);
    uint64_t have = platform->mem_available;
    g_autofree char *evidence =
        g_strdup_printf("%" G_GUINT64_FORMAT " MiB%s; of %" G_GUINT64_FORMAT
                        " MiB there %" G_GUINT64_FORMAT " MiB were free",
                        report->plan->memory >> 20, report->plan->memlock != 0 ? ", pinned" : "",
                        platform->mem_total >> 20, have >> 20);

    add_check(report, "memory",
              short_of ? DP_TRI_NO
              : have == 0 || (report->plan->memlock == 0 && report->plan->memory > have)
                  ? DP_TRI_UNKNOWN
                  : DP_TRI_YES,
              evidence);
}

/* Memory and BARs of the guest have to fit into the addresses of the processor. */
static void
check_addresses(Report *report, const DpPlatform *platform)
{
    uint64_t bars = 0;
    DpTri answer = DP_TRI_UNKNOWN;
    g_autofree char *size = NULL, *evidence = NULL;

    for (guint i = 0; i < report->plan->devices->len; i++) {
        const DpVmDevice *device = report->plan->devices->pdata[i];

        for (unsigned b = 0; device->fn != NULL && b < DP_N_BARS; b++) {
            bars += (device->fn->bars[b].flags & DP_BAR_MEM) != 0 ? device->fn->bars[b].size : 0;
        }
    }
    size = dp_size_text(bars);
    evidence = g_strdup_printf("%s of BARs; the processor has %u address bits", size,
                               platform->address_bits);
    if (dp_diags_have(report->plan->diags, DP_DIAG_VMX_WINDOW_CPU) ||
        dp_diags_have(report->plan->diags, DP_DIAG_VMX_MEMORY_IOMMU)) {
        answer = DP_TRI_NO;
    } else if (platform->address_bits != 0) {
        answer = DP_TRI_YES;
    }
    add_check(report, "addresses", answer, evidence);
}

static void
check_firmware(Report *report, const DpPlatform *platform)
{
    if (!report->plan->efi) {
        add_check(report, "firmware", DP_TRI_YES, "BIOS, which comes with QEMU");
        return;
    }
    add_check(report, "firmware", platform->efi_firmware,
              report->plan->secure_boot ? "EFI with secure boot, of the package ovmf"
                                        : "EFI, of the package ovmf");
}

static void
check_processor(Report *report, const DpPlatform *platform)
{
    if (report->plan->tcg) {
        add_check(report, "processor", DP_TRI_YES, "emulated: --accel tcg");
        return;
    }
    if (dp_diags_have(report->plan->diags, DP_DIAG_KVM_MISSING) ||
        dp_diags_have(report->plan->diags, DP_DIAG_CPU_VIRT_MISSING)) {
        add_check(report, "processor", DP_TRI_NO, "no KVM");
    } else {
        add_check(report, "processor", platform->kvm, "KVM");
    }
}

json_t *
dp_plan_host_report(DpCli *cli, DpContext *context, const DpPlan *plan)
{
    static const DpColumn columns[] = {{"CHECK", 0}, {"ANSWER", 0}, {"EVIDENCE", 30}};
    g_autoptr(DpTable) table = dp_table_new(columns, G_N_ELEMENTS(columns));
    Report report = {.cli = cli, .plan = plan, .table = table, .checks = json_array()};
    const DpPlatform *platform = &context->host->platform;

    check_devices(&report, context);
    check_memory(&report, platform);
    check_addresses(&report, platform);
    check_firmware(&report, platform);
    check_processor(&report, platform);
    add_check(&report, "files", DP_TRI_UNKNOWN,
              "a capture holds no disks; they are looked at on the host itself");
    dp_out_heading(cli, "On that host");
    dp_table_print(cli, table, "Nothing.");
    return dp_json_pack("{s:o}", "checks", report.checks);
}
