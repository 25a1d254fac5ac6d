/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Power-on: each step with its undo, the state on disk before each thing that is done. */
#include "apparmor.h"
#include "base/file.h"
#include "base/text.h"
#include "base/undo.h"
#include "files.h"
#include "known.h"
#include "launch.h"
#include "nodes.h"
#include "release.h"
#include "scope.h"
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define KILL_TIMEOUT_MS 5000

typedef struct {
    DpLaunch launch;
    DpOutcome *outcome;
} PowerOn;

static void
note(PowerOn *on, const char *action, const char *subject, const char *detail)
{
    DpStep *step = g_new0(DpStep, 1);

    step->action = g_strdup(action);
    step->subject = g_strdup(subject);
    step->detail = g_strdup(detail);
    g_ptr_array_add(on->outcome->steps, step);
}

static void
undo_folder(gpointer data)
{
    const PowerOn *on = data;

    (void)dp_run_folder_remove(on->launch.env->root, on->launch.plan->id, NULL);
}

static void
undo_nodes(gpointer data)
{
    PowerOn *on = data;
    g_autoptr(GError) error = NULL;

    if (!dp_nodes_take_back(on->launch.env->root, on->launch.state, &error)) {
        dp_diags_add(on->outcome->diags, DP_DIAG_VM_GIVE_BACK, on->launch.plan->name, "%s",
                     error->message);
    }
}

/* A process that did not answer in time is ended before anything is given back. */
static void
undo_processes(gpointer data)
{
    const PowerOn *on = data;
    g_autoptr(DpRunState) state = dp_run_state_load(on->launch.folder, NULL);
    const DpProcess *processes[2] = {state != NULL ? &state->supervisor : NULL,
                                     state != NULL ? &state->engine : NULL};

    int tries = (KILL_TIMEOUT_MS + dp_run_pinning_ms(on->launch.plan->memlock)) / 10;

    for (size_t i = 0; i < G_N_ELEMENTS(processes); i++) {
        for (int n = 0; processes[i] != NULL && dp_process_alive(processes[i]) && n < tries; n++) {
            (void)kill(processes[i]->pid, SIGKILL);
            g_usleep(10000);
        }
    }
}

/* A user number that no other VM has; the store's lock keeps two commands apart. */
static uint32_t
free_uid(DpRoot *root)
{
    g_autoptr(GPtrArray) runs = dp_run_list(root);
    g_autoptr(GHashTable) used = g_hash_table_new(g_direct_hash, g_direct_equal);

    if (geteuid() != 0) {
        return geteuid(); /* an ordinary user's VM, without devices, runs as that user */
    }
    for (guint i = 0; i < runs->len; i++) {
        const DpRun *run = g_ptr_array_index(runs, i);

        g_hash_table_add(used, GUINT_TO_POINTER(run->uid));
    }
    for (uint32_t i = 0; i < DP_VM_UID_N; i++) {
        if (!g_hash_table_contains(used, GUINT_TO_POINTER(DP_VM_UID_BASE + i))) {
            return DP_VM_UID_BASE + i;
        }
    }
    return 0;
}

static DpRunState *
first_state(const DpPlan *plan, uint32_t uid)
{
    DpRunState *state = dp_run_state_new();
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();

    state->id = g_strdup(plan->id);
    state->name = g_strdup(plan->name);
    state->vmx_path = g_strdup(plan->vmx_path);
    state->accel = g_strdup(plan->tcg ? "tcg" : "kvm");
    state->started = g_date_time_format(now, "%Y-%m-%dT%H:%M:%SZ");
    state->vnc = g_strdup(plan->vnc);
    state->vmx_sum = g_strdup(plan->vmx_sum);
    state->uid = uid;
    state->phase = DP_VM_STARTING;
    state->starter = (DpProcess){.pid = getpid(), .start = dp_process_start(getpid())};
    state->memory = plan->memory;
    state->memlock = plan->memlock;
    state->reserved = plan->reserved;
    state->page = plan->page;
    state->runs_on_at_fault = plan->runs_on_at_fault;
    for (guint i = 0; i < plan->devices->len; i++) {
        const DpVmDevice *device = g_ptr_array_index(plan->devices, i);
        DpRunFunction fn = {.index = device->index,
                            .slot = device->slot,
                            .group = device->fn->iommu_group,
                            .msi_enabled = device->msi_enabled};

        g_strlcpy(fn.name, device->fn->name, sizeof fn.name);
        g_array_append_val(state->functions, fn);
    }
    return state;
}

static bool
refuse(PowerOn *on, GError **error)
{
    return dp_fail(error, DP_ERROR_REFUSED, "%s is not powered on", on->launch.plan->name);
}

/* QEMU says only that binding failed; who looks for the reason wants the port. */
static bool
check_vnc(PowerOn *on, GError **error)
{
    const char *vnc = on->launch.plan->vnc;
    const char *colon = vnc != NULL ? strrchr(vnc, ':') : NULL;
    g_autofree char *host = NULL;
    struct sockaddr_in in = {.sin_family = AF_INET};
    dp_autofd int fd = -1;
    int one = 1;

    if (colon == NULL || vnc[0] == '[') {
        return true;
    }
    host = g_strndup(vnc, (gsize)(colon - vnc));
    in.sin_port = htons((uint16_t)g_ascii_strtoull(colon + 1, NULL, 10));
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || inet_pton(AF_INET, host, &in.sin_addr) != 1) {
        return true;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (const struct sockaddr *)&in, sizeof in) == 0 && listen(fd, 1) == 0) {
        return true;
    }
    dp_diags_add(on->outcome->diags, DP_DIAG_VM_VNC_PORT, on->launch.plan->name,
                 "VNC cannot listen on %s: %s", vnc, g_strerror(errno));
    return refuse(on, error);
}

static bool
check_host(PowerOn *on, GError **error)
{
    DpLaunch *launch = &on->launch;
    const DpPlan *plan = launch->plan;

    launch->engine = dp_engine_find();
    if (launch->engine == NULL) {
        dp_diags_add(on->outcome->diags, DP_DIAG_VM_ENGINE_ABSENT, plan->name,
                     "there is no qemu-system-x86_64 on this host");
        return refuse(on, error);
    }
    if (!dp_nodes_check(launch->env->root, !plan->tcg, plan->devices->len > 0, &launch->kvm_group,
                        on->outcome->diags)) {
        return refuse(on, error);
    }
    return check_vnc(on, error);
}

static bool
make_folder(PowerOn *on, DpUndo *undo, GError **error)
{
    DpLaunch *launch = &on->launch;
    dp_autofd int all = dp_store_folder(launch->env->root, "run/directpath/vm", error);

    if (all < 0) {
        return false;
    }
    if (mkdirat(all, launch->plan->id, 0755) < 0 && errno != EEXIST) {
        return dp_fail_errno(error, errno, "cannot make the run folder");
    }
    launch->folder = dp_run_folder(launch->env->root, launch->plan->id);
    if (launch->folder < 0) {
        return dp_fail_errno(error, errno, "cannot open the run folder");
    }
    launch->lock = dp_supervisor_lock(launch->folder);
    if (launch->lock < 0) {
        return dp_fail(error, DP_ERROR_BUSY, "%s has a supervisor", launch->plan->name);
    }
    /* Not before: a folder that somebody watches is not this command's to remove. */
    dp_undo_push(undo, undo_folder, on, NULL);
    return true;
}

static void
open_log(PowerOn *on)
{
    DpLaunch *launch = &on->launch;
    g_autoptr(GError) error = NULL;

    launch->log = dp_log_start(launch->plan->vmx_path, &error);
    if (launch->log == NULL) {
        dp_diags_add(on->outcome->diags, DP_DIAG_VM_LOG, launch->plan->name, "%s", error->message);
        return;
    }
    dp_log_line(launch->log, "directpath %s: power-on of \"%s\", %s, as user %u", DP_VERSION,
                launch->plan->name, launch->plan->vmx_path, launch->state->uid);
    for (guint i = 0; i < launch->plan->diags->len; i++) {
        const DpDiag *diag = g_ptr_array_index(launch->plan->diags, i);

        dp_log_line(launch->log, "%s DP%d %s: %s", dp_severity_name(diag->severity),
                    (int)diag->row->id, diag->subject, diag->message);
    }
}

/* Only root's commands may change a profile; without it the engine is confined by the rest. */
static void
look_for_profile(PowerOn *on)
{
    DpLaunch *launch = &on->launch;
    DpApparmor found = geteuid() == 0 ? dp_apparmor_report(launch->env->root, launch->plan->name,
                                                           on->outcome->diags)
                                      : DP_APPARMOR_OFF;

    launch->apparmor = found == DP_APPARMOR_PRESENT;
    if (found == DP_APPARMOR_ABSENT) {
        dp_log_line(launch->log, "AppArmor is on and has no profile %s: the engine runs without",
                    DP_APPARMOR_PROFILE);
    }
}

static bool
open_files(PowerOn *on, GError **error)
{
    const DpPlan *plan = on->launch.plan;
    g_autofree char *folder = g_path_get_dirname(plan->vmx_path);

    for (guint i = 0; i < plan->files->len; i++) {
        const DpVmFile *file = &g_array_index(plan->files, DpVmFile, i);
        g_autoptr(GError) failure = NULL;
        int fd = dp_file_open_for_vm(file, folder, &failure);
        g_autofree char *shown = NULL;

        if (fd < 0) {
            shown = dp_text_visible(failure->message, -1);
            dp_diags_add(on->outcome->diags,
                         g_error_matches(failure, DP_ERROR, DP_ERROR_NOT_FOUND)
                             ? DP_DIAG_VMX_FILE_MISSING
                             : DP_DIAG_VMX_FILE_UNREADABLE,
                         plan->name, "%s", shown);
            return refuse(on, error);
        }
        g_array_append_val(on->launch.files, fd);
    }
    return true;
}

/* Behind the files, in the order of the plan. */
static bool
open_taps(PowerOn *on, GError **error)
{
    const DpPlan *plan = on->launch.plan;

    for (guint i = 0; i < plan->taps->len; i++) {
        const DpVmTap *tap = &g_array_index(plan->taps, DpVmTap, i);
        g_autoptr(GError) failure = NULL;
        int fd = dp_tap_open(tap, &failure);

        if (fd < 0) {
            dp_diags_add(on->outcome->diags, DP_DIAG_VM_NETWORK_BRIDGE, plan->name, "%s",
                         failure->message);
            return refuse(on, error);
        }
        g_array_append_val(on->launch.files, fd);
        note(on, "make a port of the bridge", tap->bridge, tap->interface);
        dp_log_line(on->launch.log, "%s is a port of the bridge %s", tap->interface, tap->bridge);
    }
    return true;
}

/* A listening socket in the run folder that only its owner may connect to. */
static int
listen_on(const PowerOn *on, const char *name, GError **error)
{
    const DpRoot *root = on->launch.env->root;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_autofree char *path =
        g_build_filename(root->path, "run/directpath/vm", on->launch.plan->id, name, NULL);
    dp_autofd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    mode_t mask = umask(0177);
    int r = -1;

    if (strlen(path) >= sizeof address.sun_path) {
        g_free(path);
        path = g_strdup_printf("/proc/self/fd/%d/%s", on->launch.folder, name);
    }
    g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    if (fd >= 0) {
        (void)unlinkat(on->launch.folder, name, 0);
        r = bind(fd, (const struct sockaddr *)&address, sizeof address);
    }
    (void)umask(mask);
    if (r < 0 || listen(fd, 4) < 0) {
        return dp_fail_errno(error, errno, "cannot listen on %s", path), -1;
    }
    return dp_steal_fd(&fd);
}

static bool
open_sockets(PowerOn *on, GError **error)
{
    on->launch.listeners[0] = listen_on(on, DP_STATE_QMP, error);
    if (on->launch.listeners[0] < 0) {
        return false;
    }
    on->launch.listeners[1] = listen_on(on, DP_STATE_EVENTS, error);
    return on->launch.listeners[1] >= 0;
}

static bool
prepare_devices(PowerOn *on, DpUndo *undo, GError **error)
{
    DpLaunch *launch = &on->launch;
    DpRelease release = {
        .root = launch->env->root,
        .vfio = launch->env->vfio,
        .policy = launch->env->policy,
        .state = launch->state,
        .log = launch->log,
    };

    if (!dp_release_reset(&release, on->outcome->diags, error)) {
        return false;
    }
    for (guint i = 0; i < launch->state->functions->len; i++) {
        const DpRunFunction *fn = &g_array_index(launch->state->functions, DpRunFunction, i);

        note(on, "reset", fn->name, fn->reset);
    }
    dp_undo_push(undo, undo_nodes, on, NULL);
    return dp_nodes_give(launch->env->root, launch->state, launch->folder, error);
}

static bool
start(PowerOn *on, DpUndo *undo, GError **error)
{
    DpLaunchReport report = {0};
    g_autofree char *text = NULL;

    dp_undo_push(undo, undo_processes, on, NULL);
    if (!dp_launch_supervisor(&on->launch, &report, error)) {
        return false;
    }
    text = report.text;
    if (!report.ok) {
        dp_diags_add(on->outcome->diags, (DpDiagId)report.diag, on->launch.plan->name, "%s", text);
        /* An engine that will not do is an answer; one that failed is a failure. */
        return report.diag == DP_DIAG_VM_ENGINE_FAILED
                   ? dp_fail(error, DP_ERROR_IO, "%s was not started", on->launch.plan->name)
                   : refuse(on, error);
    }
    if (text[0] != '\0') {
        dp_diags_add(on->outcome->diags, DP_DIAG_VM_NO_UNIT, on->launch.plan->name, "%s", text);
    }
    note(on, "start the engine", on->launch.plan->name, on->launch.engine);
    return true;
}

static bool
power_on(PowerOn *on, DpUndo *undo, GError **error)
{
    DpLaunch *launch = &on->launch;
    uint32_t uid = free_uid(launch->env->root);

    if (uid == 0) {
        return dp_fail(error, DP_ERROR_BUSY, "all %u users for VMs are taken", DP_VM_UID_N);
    }
    launch->state = first_state(launch->plan, uid);
    return check_host(on, error) && make_folder(on, undo, error) &&
           dp_run_state_save(launch->state, launch->folder, error) &&
           (open_log(on), look_for_profile(on), true) && open_files(on, error) &&
           open_taps(on, error) && open_sockets(on, error) && prepare_devices(on, undo, error) &&
           start(on, undo, error);
}

static void
clear(PowerOn *on)
{
    DpLaunch *launch = &on->launch;

    dp_launch_close(launch);
    g_array_unref(launch->files);
    dp_close_fd(&launch->folder);
    dp_close_fd(&launch->lock);
    g_clear_pointer(&launch->log, dp_log_free);
    g_clear_pointer(&launch->state, dp_run_state_free);
    g_free(launch->engine);
}

/* To systemd's sandbox, if the VM has a unit of systemd's at all. */
static void
succeed(PowerOn *on)
{
    g_autoptr(GError) error = NULL;

    if (dp_diags_have(on->outcome->diags, DP_DIAG_VM_NO_UNIT)) {
        return;
    }
    if (!dp_scope_succeed(on->launch.env->root, on->launch.plan->id, &error)) {
        dp_log_line(on->launch.log, "the supervisor stays without systemd's sandbox: %s",
                    error->message);
    }
}

/* Who takes a card away later is told which files name it. */
static void
remember(PowerOn *on)
{
    g_autoptr(GError) error = NULL;

    if (!dp_known_add(on->launch.env->root, on->launch.plan->vmx_path, &error)) {
        dp_diags_add(on->outcome->diags, DP_DIAG_RECORD_NOT_WRITTEN, on->launch.plan->name, "%s",
                     error->message);
    }
}

bool
dp_vm_power_on(const DpPlan *plan, const DpVmEnv *env, DpOutcome *outcome, GError **error)
{
    PowerOn on = {
        .launch = {.plan = plan,
                   .env = env,
                   .folder = -1,
                   .lock = -1,
                   .listeners = {-1, -1},
                   .files = g_array_new(FALSE, FALSE, sizeof(int))},
        .outcome = outcome,
    };
    g_autoptr(DpRun) running = dp_run_find(env->root, plan->vmx_path);
    bool ok = false;

    if (running != NULL) {
        ok = dp_run_is_on(running, error); /* nothing to do, and nothing changed */
    } else if (dp_diags_have_error(plan->diags)) {
        (void)refuse(&on, error);
    } else {
        DpUndo *undo = dp_undo_new();

        ok = power_on(&on, undo, error);
        if (ok) {
            outcome->changed = true;
            dp_undo_commit(undo);
            succeed(&on);
            remember(&on);
        } else {
            dp_log_line(on.launch.log, "power-on failed; everything is taken back");
        }
        dp_undo_free(undo);
    }
    clear(&on);
    return ok;
}
