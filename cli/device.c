/* SPDX-License-Identifier: GPL-2.0-or-later */
/* device list and device show: looking. */
#include "base/text.h"
#include "document.h"
#include "output.h"
#include "verbs.h"

static DpColour
state_colour(DpState state)
{
    static const DpColour colours[] = {
        [DP_STATE_AVAILABLE] = DP_PLAIN,        [DP_STATE_ACTIVE] = DP_GREEN,
        [DP_STATE_REBOOT_REQUIRED] = DP_YELLOW, [DP_STATE_IN_USE] = DP_GREEN,
        [DP_STATE_UNAVAILABLE] = DP_RED,
    };

    return colours[state];
}

/* The rows that a list shows: what could be passed through, or with --all everything. */
static GPtrArray *
listed(const DpContext *context, bool all)
{
    GPtrArray *list = g_ptr_array_new();

    for (guint i = 0; i < context->policy->verdicts->len; i++) {
        DpVerdict *verdict = context->policy->verdicts->pdata[i];

        if (all || verdict->assignable) {
            g_ptr_array_add(list, verdict);
        }
    }
    return list;
}

static void
list_row(DpCli *cli, DpContext *context, DpTable *table, DpTable *reasons, const DpVerdict *verdict)
{
    const DpFunction *fn = verdict->fn;
    DpState state;
    g_autoptr(DpDiagList) diags = dp_device_diags(context, verdict, &state);
    g_autofree char *name = dp_names_function(dp_context_names(context), fn);

    dp_table_cell(table, fn->name, DP_PLAIN);
    dp_table_cell(table, dp_state_name(state), state_colour(state));
    dp_table_cell(table, fn->driver, DP_PLAIN);
    if (fn->iommu_group < 0) {
        dp_table_cell(table, NULL, DP_PLAIN);
    } else {
        dp_table_cellf(table, "%d", fn->iommu_group);
    }
    dp_table_cell(table, dp_reset_choice_name(&verdict->reset), DP_PLAIN);
    dp_table_cell(table, name, DP_PLAIN);

    if (dp_options_have(cli->options, DP_OPT_VERBOSE)) {
        dp_diags_extend(cli->diags, diags);
    }
    for (guint i = 0; i < diags->len; i++) {
        const DpDiag *diag = diags->pdata[i];
        bool again = i > 0 && ((const DpDiag *)diags->pdata[i - 1])->row == diag->row;

        /* What the host as a whole lacks is told once, below the table. */
        if (diag->severity == DP_ERROR_SEVERITY && verdict->assignable && !again &&
            !dp_diags_have(context->policy->diags, diag->row->id)) {
            dp_table_cell(reasons, fn->name, DP_PLAIN);
            dp_table_cellf(reasons, "DP%d", (int)diag->row->id);
            dp_table_cell(reasons, diag->row->title, DP_PLAIN);
        }
    }
}

static void
list_text(DpCli *cli, DpContext *context, const GPtrArray *list)
{
    static const DpColumn columns[] = {{"ADDRESS", 0}, {"STATE", 0}, {"DRIVER", 8},
                                       {"GROUP", 0},   {"RESET", 0}, {"DEVICE", 12}};
    static const DpColumn reason_columns[] = {{"ADDRESS", 0}, {"ID", 0}, {"WHY NOT", 12}};
    g_autoptr(DpTable) table = dp_table_new(columns, G_N_ELEMENTS(columns));
    g_autoptr(DpTable) reasons = dp_table_new(reason_columns, G_N_ELEMENTS(reason_columns));

    for (guint i = 0; i < list->len; i++) {
        list_row(cli, context, table, reasons, list->pdata[i]);
    }
    dp_table_print(cli, table, "There is no PCI function that could be passed through.");
    if (!dp_table_is_empty(reasons) && !dp_options_have(cli->options, DP_OPT_QUIET)) {
        dp_out(cli, "%s", "");
        dp_table_print(cli, reasons, "");
    }
}

typedef struct {
    DpContext *context;
    const GPtrArray *list;
} Listing;

static json_t *
make_device(size_t i, void *data)
{
    const Listing *listing = data;

    return dp_device_json(listing->context, listing->list->pdata[i]);
}

static void
list_json(DpCli *cli, DpContext *context, const GPtrArray *list)
{
    Listing listing = {context, list};

    (void)dp_context_names(context); /* made here, not by several threads at once */
    json_object_set_new(cli->doc, "host", dp_host_json(context));
    dp_cli_set_rows(cli, "devices", list->len, make_device, &listing);
}

bool
dp_cmd_device_list(DpCli *cli, GError **error)
{
    g_autoptr(DpContext) context = dp_context_new(cli, DP_LOOK, error);
    g_autoptr(GPtrArray) list = NULL;

    if (context == NULL) {
        return false;
    }
    list = listed(context, dp_options_have(cli->options, DP_OPT_ALL));
    dp_diags_extend(cli->diags, context->diags);
    if (dp_options_have(cli->options, DP_OPT_JSON)) {
        list_json(cli, context, list);
    } else {
        list_text(cli, context, list);
        dp_out_armed(cli, context);
    }
    return true;
}

static void
show_path(const DpCli *cli, DpContext *context, const DpFunction *fn)
{
    g_autoptr(GPtrArray) path = g_ptr_array_new();

    for (const DpFunction *at = fn; at != NULL; at = at->parent) {
        g_ptr_array_insert(path, 0, (gpointer)at);
    }
    dp_out_heading(cli, "Path, from the root bus down");
    for (guint i = 0; i < path->len; i++) {
        const DpFunction *at = path->pdata[i];
        g_autofree char *name = dp_names_function(dp_context_names(context), at);
        g_autofree char *shown = dp_text_visible(name, -1);

        g_autofree char *head = g_strdup_printf("  %*s%s  ", (int)i * 2, "", at->name);

        dp_out_wrapped(cli, head, shown);
    }
}

static void
show_identity(const DpCli *cli, DpContext *context, const DpVerdict *verdict, DpState state)
{
    const DpFunction *fn = verdict->fn;
    char esx[DP_ADDR_LEN], vmx[DP_ADDR_LEN];
    g_autofree char *name = dp_names_function(dp_context_names(context), fn);
    g_autofree char *class_name = dp_names_class(dp_context_names(context), fn);
    g_autofree char *host_names = g_strjoinv(", ", fn->host_names);
    const DpFunction *bridge = NULL;
    DpOwner owner = dp_policy_stored_owner(context->conf, fn, &bridge);

    dp_out(cli, "%s%s%s", cli->colour ? "\033[1m" : "", fn->name, cli->colour ? "\033[0m" : "");
    dp_out_field(cli, "device", name);
    dp_out_field(cli, "class", class_name);
    dp_out_fieldf(cli, "ids", "%04x:%04x, subsystem %04x:%04x, revision %02x", fn->vendor,
                  fn->device, fn->subvendor, fn->subdevice, fn->revision);
    dp_out_fieldf(cli, "ESX address", "%s (in a VMX: %s)", dp_addr_format_esx(&fn->addr, esx),
                  dp_addr_format_vmx(&fn->addr, vmx));
    dp_out_field(cli, "state", dp_state_name(state));
    dp_out_fieldf(cli, "owner", "%s%s%s", owner == DP_OWNER_PASSTHRU ? "passthru" : "host",
                  bridge != NULL ? ", through the bridge " : "",
                  bridge != NULL ? bridge->name : "");
    dp_out_field(cli, "driver", fn->driver != NULL ? fn->driver : "none");
    dp_out_field(cli, "the host calls it", host_names[0] != '\0' ? host_names : "nothing");
    if (dp_esxconf_vmkname(context->conf, &fn->addr) != NULL) {
        dp_out_field(cli, "ESX called it", dp_esxconf_vmkname(context->conf, &fn->addr));
    }
    if (dp_context_used_by(context, &fn->addr) != NULL) {
        dp_out_field(cli, "used by VM", dp_context_used_by(context, &fn->addr));
    }
    dp_out_field(cli, "support", dp_support_name(verdict->support));
}

/* "yes", or "yes, 11 vectors". */
static void
show_vectors(const DpCli *cli, const char *label, DpTri has, unsigned vectors)
{
    if (has == DP_TRI_YES) {
        dp_out_fieldf(cli, label, "yes, %u vector%s", vectors, vectors == 1 ? "" : "s");
    } else {
        dp_out_field(cli, label, dp_tri_text(has));
    }
}

static void
show_caps(const DpCli *cli, const DpFunction *fn)
{
    const DpCaps *caps = &fn->caps;
    const char *type = dp_pcie_type_name(caps->pcie_type);

    dp_out_heading(cli, "Capabilities");
    dp_out_fieldf(cli, "PCI Express", "%s%s%s", dp_tri_text(caps->pcie), type != NULL ? ", " : "",
                  type != NULL ? type : "");
    dp_out_field(cli, "FLR",
                 dp_tri_text(caps->flr == DP_TRI_YES ? caps->flr : MAX(caps->flr, caps->af_flr)));
    dp_out_field(cli, "power management", dp_tri_text(caps->pm));
    dp_out_field(cli, "no soft reset", dp_tri_text(caps->no_soft_reset));
    show_vectors(cli, "MSI", caps->msi, caps->msi_vectors);
    show_vectors(cli, "MSI-X", caps->msix, caps->msix_vectors);
    dp_out_field(cli, "ACS", dp_tri_text(caps->acs));
    dp_out_field(cli, "SR-IOV", dp_tri_text(caps->sriov));
    dp_out_field(cli, "power state", dp_power_name(fn->power_state));
}

static void
show_unit(const DpCli *cli, const DpVerdict *verdict)
{
    static const DpColumn columns[] = {{"  ADDRESS", 0}, {"WHY", 10}, {"THROUGH", 0}};
    g_autoptr(DpTable) table = dp_table_new(columns, G_N_ELEMENTS(columns));

    for (guint i = 0; i < verdict->unit->len; i++) {
        const DpUnitMember *member = &g_array_index(verdict->unit, DpUnitMember, i);

        dp_table_cellf(table, "  %s", member->fn->name);
        dp_table_cell(table, dp_unit_rule_name(member->rule), DP_PLAIN);
        dp_table_cell(table, member->because_of != NULL ? member->because_of->name : NULL,
                      DP_PLAIN);
    }
    dp_out_heading(cli, "Unit: what must change hands together");
    if (verdict->fn->iommu_group >= 0) {
        dp_out(cli, "  IOMMU group %d", verdict->fn->iommu_group);
    } else {
        dp_out(cli, "  no IOMMU group");
    }
    dp_table_print(cli, table, "  none: it cannot be passed through itself");
}

static void
show_reset(const DpCli *cli, const DpVerdict *verdict)
{
    const DpResetChoice *reset = &verdict->reset;
    g_autofree char *available = dp_reset_available_text(reset);
    g_autoptr(GString) affected = g_string_new(NULL);

    for (guint i = 0; reset->affected != NULL && i < reset->affected->len; i++) {
        const DpFunction *fn = reset->affected->pdata[i];

        g_string_append_printf(affected, "%s%s", i > 0 ? ", " : "", fn->name);
    }
    dp_out_heading(cli, "Reset");
    dp_out_field(cli, "method here",
                 dp_reset_choice_name(reset) != NULL ? dp_reset_choice_name(reset) : "unknown");
    dp_out_field(cli, "available", available);
    dp_out_fieldf(cli, "passthru.map says", "%s, %sshareable", dp_map_method_name(reset->policy),
                  reset->shareable ? "" : "not ");
    dp_out_field(cli, "resets", affected->len > 0 ? affected->str : "nothing");
}

static void
show_bars(const DpCli *cli, const DpFunction *fn)
{
    static const DpColumn columns[] = {{"  BAR", 0}, {"TYPE", 0}, {"ADDRESS", 0}, {"SIZE", 0}};
    g_autoptr(DpTable) table = dp_table_new(columns, G_N_ELEMENTS(columns));

    for (int i = 0; i < DP_N_BARS; i++) {
        const DpBar *bar = &fn->bars[i];
        g_autofree char *size = dp_size_text(bar->size);

        if (bar->size > 0) {
            dp_table_cellf(table, i == DP_N_BARS - 1 ? "  ROM" : "  %d", i);
            dp_table_cellf(table, "%s%s%s", (bar->flags & DP_BAR_IO) != 0 ? "I/O" : "memory",
                           (bar->flags & DP_BAR_64) != 0 ? ", 64-bit" : "",
                           (bar->flags & DP_BAR_PREFETCH) != 0 ? ", prefetchable" : "");
            dp_table_cellf(table, "0x%" G_GINT64_MODIFIER "x", bar->start);
            dp_table_cell(table, size, DP_PLAIN);
        }
    }
    dp_out_heading(cli, "Resources");
    dp_table_print(cli, table, "  no BAR");
    if (fn->irq_pin > 0 && fn->irq > 0) {
        dp_out(cli, "  INT%c on line %d, %u MSI or MSI-X vectors in use", 'A' + fn->irq_pin - 1,
               fn->irq, fn->n_msi_irqs);
    } else {
        dp_out(cli, "  no INTx line known, %u MSI or MSI-X vectors in use", fn->n_msi_irqs);
    }
}

static void
show_verdict(const DpCli *cli, const DpVerdict *verdict)
{
    dp_out_heading(cli, "Verdict");
    if (!verdict->assignable) {
        dp_out(cli, "  A bridge: it is never passed through itself.");
    } else if (verdict->allowed) {
        dp_out(cli, "  It may be passed through.");
    } else {
        dp_out(cli, "  It may not be passed through; the reasons follow.");
    }
}

bool
dp_cmd_device_show(DpCli *cli, GError **error)
{
    g_autoptr(DpContext) context = dp_context_new(cli, DP_LOOK, error);
    g_autoptr(DpDiagList) diags = NULL;
    const DpVerdict *verdict;
    json_t *device;
    DpState state;

    verdict = context != NULL ? dp_context_arg(context, cli, 0, error) : NULL;
    if (verdict == NULL) {
        return false;
    }
    diags = dp_device_diags(context, verdict, &state);
    dp_unit_advise(context->policy, verdict, diags);
    show_identity(cli, context, verdict, state);
    show_path(cli, context, verdict->fn);
    show_caps(cli, verdict->fn);
    show_unit(cli, verdict);
    show_reset(cli, verdict);
    show_bars(cli, verdict->fn);
    show_verdict(cli, verdict);

    device = dp_device_json(context, verdict);
    dp_device_json_more(context, verdict, device);
    json_object_set_new(cli->doc, "device", device);
    json_object_set_new(cli->doc, "host", dp_host_json(context));
    dp_diags_extend(cli->diags, context->diags);
    if (!dp_options_have(cli->options, DP_OPT_JSON)) {
        dp_diags_extend(cli->diags, diags); /* in JSON they stand in the device */
    }
    return true;
}
