/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Resets one function by the method that policy chose, through VFIO. The kernel takes the first
 * method of `reset_method` for VFIO_DEVICE_RESET (and for the resets it does at open and close), so
 * for the length of the reset the list holds that one alone. A bus reset is a hot reset with the
 * groups of all that lie below the bridge.
 */
#include "base/file.h"
#include "binding.h"
#include "quarantine.h"
#include "reset-list.h"
#include "session.h"

#include <string.h>

/* Words of reset_method, by method; the first that the kernel offers is taken. */
static const char *const words_of[][3] = {
    [DP_RESET_NONE] = {NULL},
    [DP_RESET_DEVICE_SPECIFIC] = {"device_specific", "acpi", NULL},
    [DP_RESET_FLR] = {"flr", "af_flr", NULL},
    [DP_RESET_BUS] = {NULL},
    [DP_RESET_PM] = {"pm", NULL},
};

/* What it does, and where it leaves word of it. */
typedef struct {
    DpRoot *root;
    DpSession session;
    DpSessionReport *report;
    DpDiagList *diags;
} Job;

static bool
run(const Job *job, GError **error)
{
    return dp_session_run(&job->session, job->report, job->diags, error);
}

static char *
list_path(const DpFunction *fn)
{
    return g_strdup_printf("sys/bus/pci/devices/%s/reset_method", fn->name);
}

/* The word of the kernel's list that means @method, or NULL. */
static const char *
choose_word(char **offered, DpResetMethod method)
{
    for (size_t i = 0; words_of[method][i] != NULL; i++) {
        if (g_strv_contains((const char *const *)offered, words_of[method][i])) {
            return words_of[method][i];
        }
    }
    return NULL;
}

static bool
refuse_unoffered(
    const DpFunction *fn, const char *method, const char *list, DpDiagList *diags, GError **error)
{
    dp_diags_add(diags, DP_DIAG_RESET_NOT_OFFERED, fn->name,
                 "%s: %s was chosen, but the kernel offers %s", fn->name, method,
                 list[0] == '\0' ? "none" : list);
    return dp_fail(error, DP_ERROR_REFUSED, "%s: the kernel does not offer %s", fn->name, method);
}

/* A reset of the function alone, with the kernel's list reduced to it meanwhile. A kernel before
 * 5.15 has no list, and chooses itself. */
static bool
reset_alone(const Job *job, GError **error)
{
    DpRoot *root = job->root;
    const DpFunction *fn = job->session.fn;
    g_autofree char *path = list_path(fn);
    g_autofree char *list = dp_file_read_line(root->fd, path, NULL);
    g_auto(GStrv) offered = list == NULL ? NULL : g_strsplit(list, " ", -1);
    const char *name = dp_reset_method_name(job->session.method);
    const char *word = offered == NULL ? NULL : choose_word(offered, job->session.method);
    bool done;

    if (list != NULL && word == NULL) {
        return refuse_unoffered(fn, name, list, job->diags, error);
    }
    if (word == NULL || strcmp(offered[0], word) == 0) {
        return run(job, error);
    }
    if (!dp_reset_list_narrow(root, fn->name, list, word, error)) {
        return false;
    }
    done = run(job, error);
    dp_reset_list_widen(root, fn->name, list, job->diags);
    return done;
}

static bool
has_group(const GArray *groups, int group)
{
    for (guint i = 0; i < groups->len; i++) {
        if (g_array_index(groups, int, i) == group) {
            return true;
        }
    }
    return false;
}

/* The groups that the hot reset needs; NULL if a function in its reach is the host's. */
static GArray *
groups_in_reach(DpRoot *root, const DpVerdict *verdict, DpDiagList *diags, GError **error)
{
    const GPtrArray *affected = verdict->reset.affected;
    GArray *groups = g_array_new(false, false, sizeof(int));
    const DpFunction *foreign = NULL;

    g_array_append_val(groups, verdict->fn->iommu_group);
    for (guint i = 0; affected != NULL && i < affected->len && foreign == NULL; i++) {
        const DpFunction *fn = affected->pdata[i];
        g_autoptr(DpBinding) binding = dp_binding_read(root, fn->name, NULL);

        if (fn->is_bridge || binding == NULL || (!binding->stuck && binding->driver == NULL)) {
            continue;
        }
        if (!dp_binding_is_vfio(binding)) {
            foreign = fn;
        } else if (!has_group(groups, fn->iommu_group)) {
            g_array_append_val(groups, fn->iommu_group);
        }
    }
    if (foreign == NULL) {
        return groups;
    }
    g_array_unref(groups);
    dp_diags_add(diags, DP_DIAG_RESET_SHARED, verdict->fn->name,
                 "%s: a bus reset would also reset %s, which the host drives", verdict->fn->name,
                 foreign->name);
    dp_fail(error, DP_ERROR_REFUSED, "%s: the reset is shared with the host", verdict->fn->name);
    return NULL;
}

static bool
reset_bus(Job *job, const DpVerdict *verdict, GError **error)
{
    g_autoptr(GArray) groups = groups_in_reach(job->root, verdict, job->diags, error);

    if (groups == NULL) {
        return false;
    }
    job->session.hot = true;
    job->session.groups = (const int *)(void *)groups->data;
    job->session.n_groups = groups->len;
    return run(job, error);
}

static bool
check_ready(DpRoot *root, const DpVerdict *verdict, DpDiagList *diags, GError **error)
{
    const DpFunction *fn = verdict->fn;
    g_autoptr(DpBinding) binding = NULL;

    if (verdict->reset.method == DP_RESET_NONE) {
        dp_diags_add(diags, DP_DIAG_RESET_NO_METHOD, fn->name, "%s: no reset can be done here",
                     fn->name);
        return dp_fail(error, DP_ERROR_REFUSED, "%s: there is no way to reset it", fn->name);
    }
    if (root->write == NULL) {
        return dp_fail(error, DP_ERROR_REFUSED, "%s: this root is not the machine", fn->name);
    }
    binding = dp_binding_read(root, fn->name, error);
    if (binding == NULL) {
        return false;
    }
    if (!dp_binding_is_vfio(binding) || fn->iommu_group < 0) {
        dp_diags_add(diags, DP_DIAG_RESET_NEEDS_VFIO, fn->name, "%s is with %s", fn->name,
                     binding->driver == NULL ? "no driver" : binding->driver);
        return dp_fail(error, DP_ERROR_REFUSED, "%s is not with vfio-pci", fn->name);
    }
    return true;
}

bool
dp_assign_visit(DpRoot *root,
                const DpVfioOps *ops,
                const DpVerdict *verdict,
                bool rehearsal,
                DpSessionReport *ret_report,
                DpDiagList *diags,
                GError **error)
{
    Job job = {.root = root, .report = ret_report, .diags = diags};
    g_autoptr(GError) failure = NULL;
    bool done;

    memset(ret_report, 0, sizeof *ret_report);
    ret_report->method = verdict->reset.method;
    ret_report->quarantined = verdict->quarantined != NULL;
    job.session = (DpSession){
        .ops = ops, .fn = verdict->fn, .method = verdict->reset.method, .rehearsal = rehearsal};
    if (!check_ready(root, verdict, diags, error)) {
        return false;
    }
    done = job.session.method == DP_RESET_BUS ? reset_bus(&job, verdict, &failure)
                                              : reset_alone(&job, &failure);
    dp_quarantine_settle(root, verdict, ret_report, failure, diags);
    if (!done) {
        g_propagate_error(error, g_steal_pointer(&failure));
    }
    return done;
}

bool
dp_assign_reset(DpRoot *root,
                const DpVfioOps *ops,
                const DpVerdict *verdict,
                DpResetMethod *ret_used,
                DpDiagList *diags,
                GError **error)
{
    DpSessionReport report;

    if (!dp_assign_visit(root, ops, verdict, false, &report, diags, error)) {
        return false;
    }
    if (ret_used != NULL) {
        *ret_used = report.method;
    }
    return true;
}
