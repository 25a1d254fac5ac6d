/* SPDX-License-Identifier: GPL-2.0-or-later */
/* device test: what a rehearsal found. */
#include "assign/rehearsal.h"
#include "document.h"
#include "output.h"
#include "verbs.h"
#include "visit.h"

/* "0000:03:00.0 from nvme", or with @back "0000:03:00.0 to nvme". */
static char *
moved_text(const DpRehearsal *rehearsal, bool back)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < rehearsal->moved->len; i++) {
        const DpFunction *fn = rehearsal->moved->pdata[i];
        bool kept = back && g_ptr_array_find(rehearsal->kept, fn, NULL);

        g_string_append_printf(text, "%s%s %s", i == 0 ? "" : ", ", fn->name,
                               kept   ? "stays with vfio-pci"
                               : back ? "to "
                                      : "from ");
        if (!kept) {
            g_string_append(text, fn->driver == NULL ? "no driver" : fn->driver);
        }
    }
    if (text->len == 0) {
        g_string_append(text, back ? "stays with vfio-pci" : "with vfio-pci already");
    }
    return g_string_free(text, false);
}

static void
say(const DpCli *cli, const DpRehearsal *rehearsal)
{
    const char *name = rehearsal->verdict->fn->name;
    bool back = rehearsal->give_back.result == DP_STEP_PASSED;
    g_autofree char *from = moved_text(rehearsal, false);
    g_autofree char *to = moved_text(rehearsal, true);

    dp_out(cli, "%s: %s", name,
           rehearsal->passed ? "passed. It can be given to a VM, and everything is as it was."
           : rehearsal->visit.quarantined
               ? "failed, and its reset is why: it is quarantined, and handed to nobody."
           : back ? "failed. Everything is as it was."
                  : "failed, and not everything could be given back.");
    if (dp_options_have(cli->options, DP_OPT_QUIET)) {
        return;
    }
    dp_out_stage(cli, "bind", &rehearsal->bind, from);
    dp_out_visit(cli, rehearsal->verdict, &rehearsal->visit);
    dp_out_stage(cli, "give back", &rehearsal->give_back, to);
}

static json_t *
regions_json(const DpSessionReport *report)
{
    json_t *regions = json_array();

    for (unsigned bar = 0; bar < DP_VFIO_BARS; bar++) {
        const DpVfioRegion *region = &report->regions[bar];

        if (region->size > 0) {
            json_array_append_new(regions, dp_json_pack("{s:i, s:I, s:I}", "bar", (int)bar, "size",
                                                        (json_int_t)region->size, "mapped",
                                                        (json_int_t)region->mapped));
        }
    }
    return regions;
}

static void
fill(DpCli *cli, const DpRehearsal *rehearsal)
{
    const DpSessionReport *visit = &rehearsal->visit;
    g_autofree char *from = moved_text(rehearsal, false);
    g_autofree char *to = moved_text(rehearsal, true);
    json_t *stages = json_array();

    json_array_append_new(stages, dp_stage_json("bind", &rehearsal->bind, from));
    dp_visit_stages(stages, rehearsal->verdict, visit);
    json_array_append_new(stages, dp_stage_json("give-back", &rehearsal->give_back, to));
    json_object_set_new(cli->doc, "stages", stages);
    json_object_set_new(cli->doc, "passed", json_boolean(rehearsal->passed));
    json_object_set_new(
        cli->doc, "given_back",
        json_boolean(rehearsal->give_back.result == DP_STEP_PASSED && rehearsal->kept->len == 0));
    json_object_set_new(cli->doc, "quarantined", json_boolean(visit->quarantined));
    dp_visit_reset_json(cli->doc, visit);
    json_object_set_new(cli->doc, "regions", regions_json(visit));
    if (visit->steps[DP_SESSION_INTERRUPTS].result == DP_STEP_PASSED) {
        json_object_set_new(cli->doc, "interrupts",
                            dp_json_pack("{s:i, s:i, s:i}", "intx", visit->irqs[DP_VFIO_INTX],
                                         "msi", visit->irqs[DP_VFIO_MSI], "msix",
                                         visit->irqs[DP_VFIO_MSIX]));
    }
}

static bool
test(DpCli *cli, DpContext *context, const DpVerdict *verdict, GError **error)
{
    g_autoptr(DpRehearsal) rehearsal = dp_rehearsal_new();
    g_autoptr(DpOutcome) outcome = dp_outcome_new();
    DpChange change = dp_context_change(context, cli);
    bool ok;

    change.one_function = true;
    ok = dp_assign_rehearse(&change, dp_vfio_kernel(), &verdict->fn->addr, rehearsal, outcome,
                            error);

    /* Nothing is ever stored, so nothing waits for a reboot either. */
    outcome->reboot_required = false;
    dp_report_outcome(cli, outcome);
    if (change.dry_run && ok) {
        dp_out_steps(cli, outcome->steps);
    } else if (rehearsal->bind.result != DP_STEP_NOT_REACHED) {
        fill(cli, rehearsal);
        say(cli, rehearsal);
    }
    return ok;
}

bool
dp_cmd_device_test(DpCli *cli, GError **error)
{
    g_autoptr(DpProgress) progress G_GNUC_UNUSED = dp_progress_begin(cli, "rehearsing");
    g_autoptr(DpContext) context = dp_context_new(cli, DP_CHANGE, error);
    const DpVerdict *verdict = context != NULL ? dp_context_arg(context, cli, 0, error) : NULL;

    if (verdict == NULL) {
        return false;
    }
    json_object_set_new(cli->doc, "device", json_string(verdict->fn->name));
    return test(cli, context, verdict, error);
}
