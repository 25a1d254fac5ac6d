/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "visit.h"

#include "base/text.h"
#include "document.h"
#include "output.h"

static const char *
result_text(const DpStepMark *mark)
{
    return mark->result == DP_STEP_NOT_REACHED ? "not reached" : dp_step_result_name(mark->result);
}

void
dp_out_stage(const DpCli *cli, const char *step, const DpStepMark *mark, const char *detail)
{
    g_autofree char *time = mark->result == DP_STEP_NOT_REACHED
                                ? g_strdup("")
                                : g_strdup_printf("%.1f ms", (double)mark->us / 1000);
    g_autofree char *label =
        g_strdup_printf("  %-10s  %-11s %10s  ", step, result_text(mark), time);

    if (detail == NULL) {
        dp_out(cli, "%s", g_strchomp(label));
    } else {
        dp_out_wrapped(cli, label, detail);
    }
}

json_t *
dp_stage_json(const char *step, const DpStepMark *mark, const char *detail)
{
    return dp_json_pack("{s:s, s:s, s:f, s:o}", "step", step, "result",
                        dp_step_result_name(mark->result), "milliseconds", (double)mark->us / 1000,
                        "detail", dp_json_text(detail));
}

static unsigned
n_hit(const DpSessionReport *report)
{
    return MIN(report->n_hit, DP_SESSION_HIT_MAX);
}

static char *
reset_detail(const DpSessionReport *report)
{
    const char *method = dp_reset_method_name(report->method);
    g_autoptr(GString) text = g_string_new(NULL);
    char name[DP_ADDR_LEN];

    if (report->n_hit == 1) {
        return g_strdup_printf("%s, of %s alone", method, dp_addr_format(&report->hit[0], name));
    }
    for (unsigned i = 0; i < n_hit(report); i++) {
        g_string_append_printf(text, "%s%s", i == 0 ? "" : ", ",
                               dp_addr_format(&report->hit[i], name));
    }
    return g_strdup_printf("%s, of %u functions: %s%s", method, report->n_hit, text->str,
                           n_hit(report) < report->n_hit ? "..." : "");
}

static char *
read_detail(const DpSessionReport *report)
{
    const uint8_t *header = report->before;

    return g_strdup_printf("class %02x%02x%02x, revision %02x", header[11], header[10], header[9],
                           header[8]);
}

static char *
back_detail(const DpSessionReport *report)
{
    unsigned n = dp_session_n_changed(report);

    return n == 0
               ? g_strdup("as before")
               : g_strdup_printf("the same function; %u of %u bytes differ", n, DP_SESSION_HEADER);
}

static char *
map_detail(const DpSessionReport *report)
{
    GString *text = g_string_new(NULL);

    for (unsigned bar = 0; bar < DP_VFIO_BARS; bar++) {
        const DpVfioRegion *region = &report->regions[bar];
        g_autofree char *size = dp_size_text(region->size);
        g_autofree char *mapped = dp_size_text(region->mapped);

        if (region->size > 0) {
            g_string_append_printf(text, "%sBAR %u: %s", text->len == 0 ? "" : ", ", bar, size);
            if (region->mapped == 0) {
                g_string_append(text, " (through the kernel)");
            } else if (region->mapped < region->size) {
                g_string_append_printf(text, " (%s mapped)", mapped);
            }
        }
    }
    return g_string_free(text, false);
}

static char *
interrupts_detail(const DpSessionReport *report)
{
    return g_strdup_printf("INTx %d, MSI %d, MSI-X %d", report->irqs[DP_VFIO_INTX],
                           report->irqs[DP_VFIO_MSI], report->irqs[DP_VFIO_MSIX]);
}

static char *
detail_of(const DpVerdict *verdict, const DpSessionReport *report, DpSessionStep step)
{
    const DpStepMark *mark = &report->steps[step];

    if (mark->result == DP_STEP_FAILED) {
        return g_strdup(g_strerror(-mark->error));
    }
    switch (step) {
    case DP_SESSION_OPEN:
        return g_strdup_printf("IOMMU group %d", verdict->fn->iommu_group);
    case DP_SESSION_READ:
        return read_detail(report);
    case DP_SESSION_RESET:
        return reset_detail(report);
    case DP_SESSION_BACK:
        return back_detail(report);
    case DP_SESSION_MAP:
        return map_detail(report);
    case DP_SESSION_INTERRUPTS:
        return interrupts_detail(report);
    default:
        return NULL;
    }
}

void
dp_out_visit(const DpCli *cli, const DpVerdict *verdict, const DpSessionReport *report)
{
    for (unsigned step = 0; step < DP_SESSION_STEPS; step++) {
        const DpStepMark *mark = &report->steps[step];
        g_autofree char *detail = detail_of(verdict, report, (DpSessionStep)step);

        if (mark->result != DP_STEP_NOT_REACHED) {
            dp_out_stage(cli, dp_session_step_name((DpSessionStep)step), mark, detail);
        }
    }
}

void
dp_visit_stages(json_t *stages, const DpVerdict *verdict, const DpSessionReport *report)
{
    for (unsigned step = 0; step < DP_SESSION_STEPS; step++) {
        const DpStepMark *mark = &report->steps[step];
        g_autofree char *detail = detail_of(verdict, report, (DpSessionStep)step);

        if (mark->result != DP_STEP_NOT_REACHED) {
            json_array_append_new(
                stages, dp_stage_json(dp_session_step_name((DpSessionStep)step), mark, detail));
        }
    }
}

static json_t *
header_json(const uint8_t *header)
{
    g_autofree char *ids =
        g_strdup_printf("%02x%02x:%02x%02x", header[1], header[0], header[3], header[2]);
    g_autofree char *class_code =
        g_strdup_printf("%02x%02x%02x", header[11], header[10], header[9]);
    g_autofree char *revision = g_strdup_printf("%02x", header[8]);

    return dp_json_pack("{s:s, s:s, s:s}", "ids", ids, "class", class_code, "revision", revision);
}

void
dp_visit_reset_json(json_t *doc, const DpSessionReport *report)
{
    bool done = report->steps[DP_SESSION_RESET].result == DP_STEP_PASSED;
    json_t *affected = json_array();
    char name[DP_ADDR_LEN];

    for (unsigned i = 0; done && i < n_hit(report); i++) {
        json_array_append_new(affected, json_string(dp_addr_format(&report->hit[i], name)));
    }
    json_object_set_new(doc, "reset", json_string(dp_reset_method_name(report->method)));
    json_object_set_new(doc, "affected", affected);
    if (done) {
        json_object_set_new(doc, "read_back",
                            dp_json_pack("{s:o, s:o, s:i}", "before", header_json(report->before),
                                         "after", header_json(report->after), "changed_bytes",
                                         (int)dp_session_n_changed(report)));
    }
}

static void
report_used(DpCli *cli, const DpContext *context, const DpVerdict *verdict, const DpFunction *fn)
{
    const char *used_by = dp_context_used_by(context, &fn->addr);

    if (used_by != NULL) {
        dp_diags_add(cli->diags, DP_DIAG_FUNCTION_IN_USE, fn->name,
                     "%s: the running VM '%s' has it, and a reset%s%s would pull it from under the "
                     "guest",
                     fn->name, used_by, fn == verdict->fn ? "" : " of ",
                     fn == verdict->fn ? "" : verdict->fn->name);
    }
}

bool
dp_check_resettable(DpCli *cli, const DpContext *context, const DpVerdict *verdict, GError **error)
{
    const GPtrArray *affected = verdict->reset.affected;
    guint before = cli->diags->len;

    report_used(cli, context, verdict, verdict->fn);
    for (guint i = 0; affected != NULL && i < affected->len; i++) {
        if (affected->pdata[i] != verdict->fn) {
            report_used(cli, context, verdict, affected->pdata[i]);
        }
    }
    return cli->diags->len == before ||
           dp_fail(error, DP_ERROR_REFUSED, "%s: in use", verdict->fn->name);
}
