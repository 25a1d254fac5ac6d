/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Resets one function by the method that policy chose, through VFIO. The kernel takes the first
 * method of `reset_method` for VFIO_DEVICE_RESET (and for the resets it does at open and close), so
 * for the length of the reset the list holds that one alone. A bus reset is a hot reset with the
 * groups of all that lie below the bridge.
 */
#include "base/child.h"
#include "base/file.h"
#include "binding.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* Longest reset, and how long the function may take to answer after it (PCIe 6.6.1: it may ask for
 * retries for up to a second; some take longer). */
#define RESET_TIMEOUT_MS 15000
#define BACK_TIMEOUT_MS  5000
#define BACK_STEP_US     20000

#define ALL_ONES 0xffffffffu

/* Words of reset_method, by method; the first that the kernel offers is taken. */
static const char *const words_of[][3] = {
    [DP_RESET_NONE] = {NULL},
    [DP_RESET_DEVICE_SPECIFIC] = {"device_specific", "acpi", NULL},
    [DP_RESET_FLR] = {"flr", "af_flr", NULL},
    [DP_RESET_BUS] = {NULL},
    [DP_RESET_PM] = {"pm", NULL},
};

typedef enum { STAGE_OPEN, STAGE_READ, STAGE_RESET, STAGE_BACK, STAGE_DONE } Stage;

/* What the child tells the parent. */
typedef struct {
    Stage stage;
    uint32_t ids_before, ids_after;
} Report;

typedef struct {
    const DpVfioOps *ops;
    const DpFunction *fn;
    bool hot;
    const int *groups;
    size_t n_groups;
    Report *report; /* shared */
} Job;

static int
read_ids(const Job *job, DpVfioDevice *device, uint32_t *ret_ids)
{
    uint8_t bytes[4];
    ssize_t n = job->ops->config_read(device, 0, bytes, sizeof bytes);

    if (n != (ssize_t)sizeof bytes) {
        return n < 0 ? (int)n : -EIO;
    }
    *ret_ids =
        bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
    return 0;
}

/* One that was dead before should come back as what sysfs remembers. */
static uint32_t
expected_ids(const Job *job)
{
    if (job->report->ids_before != ALL_ONES) {
        return job->report->ids_before;
    }
    return job->fn->vendor | (uint32_t)job->fn->device << 16;
}

static int
wait_back(const Job *job, DpVfioDevice *device)
{
    gint64 end = g_get_monotonic_time() + (gint64)BACK_TIMEOUT_MS * 1000;
    int r;

    for (;;) {
        job->report->ids_after = ALL_ONES;
        r = read_ids(job, device, &job->report->ids_after);
        if (r == 0 && job->report->ids_after != ALL_ONES &&
            job->report->ids_after == expected_ids(job)) {
            return 0;
        }
        if (g_get_monotonic_time() >= end) {
            return r < 0 ? r : -ENODEV;
        }
        g_usleep(BACK_STEP_US);
    }
}

static int
reset_open_device(const Job *job, DpVfioDevice *device)
{
    int r;

    job->report->stage = STAGE_READ;
    r = read_ids(job, device, &job->report->ids_before);
    if (r < 0) {
        return r;
    }
    job->report->stage = STAGE_RESET;
    r = job->hot ? job->ops->hot_reset(device, job->groups, job->n_groups)
                 : job->ops->reset(device);
    if (r < 0) {
        return r;
    }
    job->report->stage = STAGE_BACK;
    return wait_back(job, device);
}

static int
reset_in_child(void *data)
{
    const Job *job = data;
    DpVfioDevice *device = NULL;
    int r;

    job->report->stage = STAGE_OPEN;
    r = job->ops->open(job->ops, job->fn->iommu_group, job->fn->name, &device);
    if (r < 0) {
        return r;
    }
    r = reset_open_device(job, device);
    job->ops->close(device);
    if (r == 0) {
        job->report->stage = STAGE_DONE;
    }
    /* ETIMEDOUT is kept for the deadline of this child. */
    return r == -ETIMEDOUT ? -ETIME : r;
}

static DpDiagId
diag_of(Stage stage, int r)
{
    if (r == -ETIMEDOUT) {
        return DP_DIAG_RESET_STUCK;
    }
    switch (stage) {
    case STAGE_OPEN:
        return DP_DIAG_RESET_BUSY;
    case STAGE_BACK:
        return DP_DIAG_RESET_NOT_BACK;
    default:
        return DP_DIAG_RESET_FAILED;
    }
}

static bool
report_failure(const Job *job, const char *method, int r, DpDiagList *diags, GError **error)
{
    static const char *const doing[] = {
        [STAGE_OPEN] = "cannot open it",
        [STAGE_READ] = "cannot read its configuration",
        [STAGE_RESET] = "the reset was refused",
        [STAGE_BACK] = "it did not come back",
        [STAGE_DONE] = "the reset did not end well",
    };
    Stage stage = MIN(job->report->stage, STAGE_DONE);
    g_autofree char *ids = NULL;

    if (stage == STAGE_BACK) {
        ids = g_strdup_printf(", ids were %08x and are %08x", job->report->ids_before,
                              job->report->ids_after);
    }
    dp_diags_add(diags, diag_of(stage, r), job->fn->name, "%s: %s reset: %s: %s%s", job->fn->name,
                 method, doing[stage], g_strerror(-r), ids == NULL ? "" : ids);
    return dp_fail(error, r == -ETIMEDOUT ? DP_ERROR_TIMEOUT : DP_ERROR_IO, "%s: %s: %s",
                   job->fn->name, doing[stage], g_strerror(-r));
}

static bool
run(Job *job, const char *method, DpDiagList *diags, GError **error)
{
    int r;

    job->report =
        mmap(NULL, sizeof(Report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (job->report == MAP_FAILED) {
        return dp_fail_errno(error, errno, "cannot share memory");
    }
    r = dp_child_run_apart(reset_in_child, job, RESET_TIMEOUT_MS, -1, NULL);
    if (r < 0) {
        (void)report_failure(job, method, r, diags, error);
    }
    (void)munmap(job->report, sizeof(Report));
    return r == 0;
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

static void
put_list_back(
    DpRoot *root, const DpFunction *fn, const char *path, const char *list, DpDiagList *diags)
{
    int r = root->write(root, path, list);

    if (r < 0) {
        dp_diags_add(diags, DP_DIAG_RESET_LIST_CHANGED, fn->name,
                     "%s: cannot write \"%s\" to reset_method: %s", fn->name, list, g_strerror(-r));
    }
}

/* A reset of the function alone, with the kernel's list reduced to it meanwhile. A kernel before
 * 5.15 has no list, and chooses itself. */
static bool
reset_alone(DpRoot *root, Job *job, DpResetMethod method, DpDiagList *diags, GError **error)
{
    g_autofree char *path = list_path(job->fn);
    g_autofree char *list = dp_file_read_line(root->fd, path, NULL);
    g_auto(GStrv) offered = list == NULL ? NULL : g_strsplit(list, " ", -1);
    const char *name = dp_reset_method_name(method);
    const char *word = offered == NULL ? NULL : choose_word(offered, method);
    bool done;
    int r;

    if (list != NULL && word == NULL) {
        return refuse_unoffered(job->fn, name, list, diags, error);
    }
    if (word == NULL || strcmp(offered[0], word) == 0) {
        return run(job, name, diags, error);
    }
    r = root->write(root, path, word);
    if (r < 0) {
        return dp_fail_errno(error, -r, "%s: cannot choose %s in reset_method", job->fn->name,
                             word);
    }
    done = run(job, name, diags, error);
    put_list_back(root, job->fn, path, list, diags);
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
reset_bus(DpRoot *root, Job *job, const DpVerdict *verdict, DpDiagList *diags, GError **error)
{
    g_autoptr(GArray) groups = groups_in_reach(root, verdict, diags, error);

    if (groups == NULL) {
        return false;
    }
    job->hot = true;
    job->groups = (const int *)(void *)groups->data;
    job->n_groups = groups->len;
    return run(job, dp_reset_method_name(DP_RESET_BUS), diags, error);
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
dp_assign_reset(DpRoot *root,
                const DpVfioOps *ops,
                const DpVerdict *verdict,
                DpResetMethod *ret_used,
                DpDiagList *diags,
                GError **error)
{
    Job job = {.ops = ops, .fn = verdict->fn};
    DpResetMethod method = verdict->reset.method;
    bool done;

    if (!check_ready(root, verdict, diags, error)) {
        return false;
    }
    done = method == DP_RESET_BUS ? reset_bus(root, &job, verdict, diags, error)
                                  : reset_alone(root, &job, method, diags, error);
    if (done && ret_used != NULL) {
        *ret_used = method;
    }
    return done;
}
