/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM without passed-through devices, run for real under TCG beneath a root of its own: what is
 * left on disk, who watches, and what is put right after each of them is killed. */
#include "vm/engine.h"
#include "vm/interrupts.h"
#include "vm/nodes.h"
#include "vm/run.h"
#include "vm/state.h"
#include "vm/supervise.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

typedef struct {
    char *path;
    char *vmx_path;
    DpRoot *root;
    DpVmEnv env;
} Place;

static const char vmx_text[] = ".encoding = \"UTF-8\"\n"
                               "config.version = \"8\"\n"
                               "virtualHW.version = \"7\"\n"
                               "displayName = \"Test, with=comma\"\n"
                               "memsize = \"16\"\n"
                               "svga.present = \"FALSE\"\n"
                               "serial0.present = \"TRUE\"\n"
                               "serial0.fileType = \"file\"\n"
                               "serial0.fileName = \"serial.txt\"\n";

static void
place_set_up(Place *place, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;

    (void)unused;
    place->path = g_dir_make_tmp("dp-run-XXXXXX", &error);
    g_assert_no_error(error);
    place->vmx_path = g_build_filename(place->path, "test.vmx", NULL);
    g_assert_true(g_file_set_contents(place->vmx_path, vmx_text, -1, NULL));
    place->root = dp_root_open(place->path, &error);
    g_assert_no_error(error);
    place->env = (DpVmEnv){.root = place->root};
}

static void
remove_tree(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *child = g_build_filename(path, name, NULL);

        remove_tree(child);
    }
    (void)g_remove(path);
}

static void
place_tear_down(Place *place, gconstpointer unused)
{
    (void)unused;
    remove_tree(place->path);
    dp_root_free(place->root);
    g_free(place->path);
    g_free(place->vmx_path);
}

static DpPlan *
plan_of(const Place *place)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    g_autoptr(DpVmx) vmx = NULL;
    DpPlanInput input = {.tcg = true, .file_head = dp_vm_file_head};

    g_assert_true(g_file_get_contents(place->vmx_path, &text, NULL, NULL));
    vmx = dp_vmx_parse("test.vmx", text, strlen(text), NULL, &error);
    g_assert_no_error(error);
    return dp_plan_new(place->vmx_path, vmx, &input);
}

static DpRun *
power_on(const Place *place)
{
    g_autoptr(DpPlan) plan = plan_of(place);
    g_autoptr(DpOutcome) outcome = dp_outcome_new();
    g_autoptr(GError) error = NULL;
    DpRun *run;

    if (!dp_vm_power_on(plan, &place->env, outcome, &error)) {
        const DpDiag *diag = outcome->diags->len > 0 ? g_ptr_array_index(outcome->diags, 0) : NULL;

        g_error("%s: %s", error->message, diag != NULL ? diag->message : "");
    }
    g_assert_true(outcome->changed);
    run = dp_run_find(place->root, place->vmx_path);
    g_assert_nonnull(run);
    return run;
}

static bool
wait_off(const Place *place)
{
    for (int i = 0; i < 6000; i++) {
        g_autoptr(DpRun) run = dp_run_find(place->root, place->vmx_path);

        if (run == NULL) {
            return true;
        }
        g_usleep(10000);
    }
    return false;
}

static void
wait_dead(pid_t pid)
{
    for (int i = 0; i < 6000 && dp_process_start(pid) != 0; i++) {
        g_usleep(10000);
    }
    g_assert_cmpuint(dp_process_start(pid), ==, 0);
}

/* A record as a VM in @phase leaves it, with whoever watches it alive. */
static int
watched_folder(const Place *place, DpVmState phase)
{
    g_autofree char *id = dp_vm_id(place->vmx_path);
    g_autofree char *folder = g_build_filename(place->path, "run/directpath/vm", id, NULL);
    g_autoptr(DpRunState) state = dp_run_state_new();
    dp_autofd int fd = -1;

    g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
    state->id = g_strdup(id);
    state->name = g_strdup("Half");
    state->vmx_path = g_strdup(place->vmx_path);
    state->accel = g_strdup("tcg");
    state->started = g_strdup("2020-01-01T00:00:00Z");
    state->phase = phase;
    fd = dp_run_folder(place->root, id);
    g_assert_true(dp_run_state_save(state, fd, NULL));
    return dp_supervisor_lock(fd);
}

static void
test_power_on_and_off(Place *place, gconstpointer unused)
{
    g_autoptr(DpRun) run = power_on(place);
    g_autoptr(DpOutcome) outcome = dp_outcome_new();
    g_autoptr(GError) error = NULL;
    g_autofree char *sockets =
        g_build_filename(place->path, "run/directpath/vm", run->id, "qmp.sock", NULL);
    g_autofree char *log = NULL;
    GStatBuf st;

    (void)unused;
    g_assert_cmpstr(run->name, ==, "Test, with=comma");
    g_assert_cmpint(run->state, ==, DP_VM_RUNNING);
    g_assert_cmpint(run->qemu_pid, >, 0);
    g_assert_cmpint(run->supervisor_pid, >, 0);
    g_assert_cmpint(run->supervisor_pid, !=, getpid());
    g_assert_true(dp_engine_verify(run->qemu_pid, run->uid, &error));
    g_assert_no_error(error);
    if (geteuid() == 0) {
        g_assert_cmpuint(run->uid, >=, DP_VM_UID_BASE);
    }
    g_assert_cmpint(g_stat(sockets, &st), ==, 0);
    g_assert_cmpint(st.st_mode & 0777, ==, 0600);

    g_assert_true(dp_vm_power_off(place->root, run, outcome, &error));
    g_assert_no_error(error);
    g_assert_true(outcome->changed);
    g_assert_null(dp_run_find(place->root, place->vmx_path));
    g_assert_cmpuint(dp_process_start(run->qemu_pid), ==, 0);
    g_assert_cmpuint(dp_process_start(run->supervisor_pid), ==, 0);
    log = dp_vm_log_read(place->vmx_path, 1 << 20, &error);
    g_assert_no_error(error);
    g_assert_nonnull(strstr(log, "qemu-system-x86_64"));
    g_assert_nonnull(strstr(log, "guest=Test,, with=comma"));
    g_assert_nonnull(strstr(log, "host-qmp-quit"));
    g_assert_nonnull(strstr(log, "the VM is off"));
}

static void
test_status_and_repeat(Place *place, gconstpointer unused)
{
    g_autoptr(DpRun) run = power_on(place);
    g_autoptr(DpPlan) plan = plan_of(place);
    g_autoptr(DpOutcome) outcome = dp_outcome_new();
    g_autoptr(GPtrArray) runs = dp_run_list(place->root);
    json_t *status = dp_vm_status_json(place->root, run, NULL);

    (void)unused;
    g_assert_cmpuint(runs->len, ==, 1);
    g_assert_cmpstr(json_string_value(json_object_get(status, "state")), ==, "running");
    g_assert_cmpstr(json_string_value(json_object_get(status, "engine_status")), ==, "running");
    g_assert_cmpint(json_integer_value(json_object_get(status, "pid")), ==, run->qemu_pid);
    json_decref(status);

    g_assert_true(dp_vm_power_on(plan, &place->env, outcome, NULL));
    g_assert_false(outcome->changed);
    g_assert_true(dp_vm_power_off(place->root, run, outcome, NULL));
}

/* The record goes with the VM; who waited for its end still hears what went wrong. */
static void
test_report_outlives_its_name(Place *place, gconstpointer unused)
{
    g_autoptr(DpDiagList) said = dp_diags_new(), heard = dp_diags_new();
    dp_autofd int lock = watched_folder(place, DP_VM_RUNNING);
    g_autofree char *id = dp_vm_id(place->vmx_path);
    dp_autofd int folder = dp_run_folder(place->root, id);
    dp_autofd int waiting = openat(folder, DP_STATE_SUPERVISOR, O_RDONLY | O_CLOEXEC);

    (void)unused;
    g_assert_true(dp_supervisor_read_report(waiting, heard));
    g_assert_cmpuint(heard->len, ==, 0);
    dp_diags_add(said, DP_DIAG_VM_NOT_RESET, "0000:03:00.0", "one\ttwo\nthree");
    dp_supervisor_write_report(lock, said);
    g_assert_true(dp_run_folder_remove(place->root, id, NULL));
    g_assert_false(dp_supervisor_read_report(waiting, heard));
    g_assert_cmpuint(heard->len, ==, 1);
    g_assert_cmpstr(((DpDiag *)heard->pdata[0])->subject, ==, "0000:03:00.0");
    g_assert_nonnull(strstr(((DpDiag *)heard->pdata[0])->message, "three"));
}

static void
test_engine_killed(Place *place, gconstpointer unused)
{
    g_autoptr(DpRun) run = power_on(place);
    g_autofree char *log = NULL;

    (void)unused;
    g_assert_cmpint(kill(run->qemu_pid, SIGKILL), ==, 0);
    g_assert_true(wait_off(place));
    wait_dead(run->supervisor_pid);
    log = dp_vm_log_read(place->vmx_path, 1 << 20, NULL);
    g_assert_nonnull(strstr(log, "killed by signal 9"));
}

static void
test_supervisor_killed(Place *place, gconstpointer unused)
{
    g_autoptr(DpRun) run = power_on(place);
    g_autoptr(DpRun) again = NULL;
    g_autoptr(DpOutcome) outcome = dp_outcome_new();
    g_autoptr(DpOutcome) quiet = dp_outcome_new();
    g_autoptr(GError) error = NULL;

    (void)unused;
    g_assert_cmpint(kill(run->supervisor_pid, SIGKILL), ==, 0);
    wait_dead(run->supervisor_pid);
    g_assert_true(dp_vm_recover(&place->env, outcome, &error));
    g_assert_no_error(error);
    g_assert_true(outcome->changed);
    g_assert_true(dp_diags_have(outcome->diags, DP_DIAG_VM_SUPERVISOR_DIED));
    again = dp_run_find(place->root, place->vmx_path);
    g_assert_cmpint(again->qemu_pid, ==, run->qemu_pid);
    g_assert_cmpint(again->supervisor_pid, >, 0);
    g_assert_cmpint(again->supervisor_pid, !=, run->supervisor_pid);

    g_assert_true(dp_vm_recover(&place->env, quiet, &error));
    g_assert_false(quiet->changed);
    g_assert_cmpuint(quiet->diags->len, ==, 0);
    g_assert_true(dp_vm_power_off(place->root, again, outcome, &error));
    g_assert_no_error(error);
}

/* While somebody waits for what it would give back: that one is told at once. */
static void
test_supervisor_killed_in_power_off(Place *place, gconstpointer unused)
{
    g_autoptr(DpRun) run = power_on(place);
    g_autoptr(DpOutcome) outcome = dp_outcome_new();
    g_autoptr(GError) error = NULL;
    gint64 begin = g_get_monotonic_time();

    (void)unused;
    g_assert_false(dp_run_is_orphan(place->root, run->id));
    g_assert_cmpint(kill(run->supervisor_pid, SIGKILL), ==, 0);
    wait_dead(run->supervisor_pid);
    g_assert_false(dp_vm_power_off(place->root, run, outcome, &error));
    g_assert_error(error, DP_ERROR, DP_ERROR_BUSY);
    g_assert_cmpint(g_get_monotonic_time() - begin, <, 100 * G_USEC_PER_SEC);
    g_clear_error(&error);
    g_assert_true(dp_run_is_orphan(place->root, run->id));
    g_assert_true(dp_vm_recover(&place->env, outcome, &error));
    g_assert_no_error(error);
    g_assert_false(dp_run_is_orphan(place->root, run->id));
    g_assert_null(dp_run_find(place->root, place->vmx_path));
}

static void
test_both_killed(Place *place, gconstpointer unused)
{
    g_autoptr(DpRun) run = power_on(place);
    g_autoptr(DpOutcome) outcome = dp_outcome_new();
    g_autoptr(GError) error = NULL;

    (void)unused;
    (void)kill(run->supervisor_pid, SIGKILL);
    (void)kill(run->qemu_pid, SIGKILL);
    wait_dead(run->supervisor_pid);
    wait_dead(run->qemu_pid);
    g_assert_true(dp_vm_recover(&place->env, outcome, &error));
    g_assert_no_error(error);
    g_assert_true(dp_diags_have(outcome->diags, DP_DIAG_VM_DIED));
    g_assert_null(dp_run_find(place->root, place->vmx_path));
}

static void
test_engine_refuses(Place *place, gconstpointer unused)
{
    g_autoptr(DpPlan) plan = plan_of(place);
    g_autoptr(DpOutcome) outcome = dp_outcome_new();
    g_autoptr(GError) error = NULL;
    const DpDiag *diag;

    (void)unused;
    g_ptr_array_add(plan->argv, g_strdup("-device"));
    g_ptr_array_add(plan->argv, g_strdup("{\"driver\":\"no-such-device\"}"));
    g_assert_false(dp_vm_power_on(plan, &place->env, outcome, &error));
    g_assert_error(error, DP_ERROR, DP_ERROR_IO);
    g_assert_cmpuint(outcome->diags->len, ==, 1);
    diag = g_ptr_array_index(outcome->diags, 0);
    g_assert_cmpint(diag->row->id, ==, DP_DIAG_VM_ENGINE_FAILED);
    g_assert_nonnull(strstr(diag->message, "no-such-device"));
    g_assert_null(dp_run_find(place->root, place->vmx_path));
    g_assert_false(outcome->changed);
}

static void
test_a_command_that_died_while_starting(Place *place, gconstpointer unused)
{
    g_autofree char *id = dp_vm_id(place->vmx_path);
    g_autofree char *folder = g_build_filename(place->path, "run/directpath/vm", id, NULL);
    g_autoptr(DpRunState) state = dp_run_state_new();
    g_autoptr(DpOutcome) outcome = dp_outcome_new();
    g_autoptr(GError) error = NULL;
    dp_autofd int fd = -1;

    (void)unused;
    g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
    state->id = g_strdup(id);
    state->name = g_strdup("Half");
    state->vmx_path = g_strdup(place->vmx_path);
    state->accel = g_strdup("tcg");
    state->started = g_strdup("2020-01-01T00:00:00Z");
    state->phase = DP_VM_STARTING;
    fd = dp_run_folder(place->root, id);
    g_assert_true(dp_run_state_save(state, fd, &error));
    g_assert_true(dp_vm_recover(&place->env, outcome, &error));
    g_assert_no_error(error);
    g_assert_true(dp_diags_have(outcome->diags, DP_DIAG_VM_DIED));
    g_assert_false(g_file_test(folder, G_FILE_TEST_EXISTS));
}

static void
test_a_broken_record(Place *place, gconstpointer unused)
{
    g_autofree char *id = dp_vm_id(place->vmx_path);
    g_autofree char *folder = g_build_filename(place->path, "run/directpath/vm", id, NULL);
    g_autofree char *file = g_build_filename(folder, DP_STATE_NAME, NULL);
    g_autoptr(DpOutcome) outcome = dp_outcome_new();
    g_autoptr(GPtrArray) runs = NULL;

    (void)unused;
    g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
    g_assert_true(g_file_set_contents(file, "{\"id\": 7, \"functions\": {}}", -1, NULL));
    runs = dp_run_list(place->root);
    g_assert_cmpuint(runs->len, ==, 0);
    g_assert_true(dp_vm_recover(&place->env, outcome, NULL));
    g_assert_true(dp_diags_have(outcome->diags, DP_DIAG_VM_STATE_BROKEN));
    g_assert_false(g_file_test(folder, G_FILE_TEST_EXISTS));
}

/* "It is powered on already" would be a lie. */
static void
test_one_that_ends_is_not_on(Place *place, gconstpointer unused)
{
    static const DpVmState phases[] = {DP_VM_STARTING, DP_VM_RUNNING, DP_VM_STOPPING};

    (void)unused;
    for (size_t i = 0; i < G_N_ELEMENTS(phases); i++) {
        dp_autofd int lock = watched_folder(place, phases[i]);
        g_autoptr(DpPlan) plan = plan_of(place);
        g_autoptr(DpOutcome) outcome = dp_outcome_new();
        g_autoptr(GError) error = NULL;

        g_assert_cmpint(lock, >=, 0);
        g_assert_false(dp_vm_power_on(plan, &place->env, outcome, &error));
        g_assert_error(error, DP_ERROR, DP_ERROR_BUSY);
        g_assert_false(outcome->changed);
    }
}

/* There is no engine to end yet, so its absence is no end. */
static void
test_one_that_starts_is_not_powered_off(Place *place, gconstpointer unused)
{
    dp_autofd int lock = watched_folder(place, DP_VM_STARTING);
    g_autoptr(DpRun) run = dp_run_find(place->root, place->vmx_path);
    g_autoptr(DpOutcome) outcome = dp_outcome_new();
    g_autoptr(GError) error = NULL;

    (void)unused;
    g_assert_cmpint(lock, >=, 0);
    g_assert_nonnull(run);
    g_assert_false(dp_vm_power_off(place->root, run, outcome, &error));
    g_assert_error(error, DP_ERROR, DP_ERROR_BUSY);
    g_clear_error(&error);
    /* Not "off", which the end of all VMs would take for a guest that has shut down. */
    g_assert_null(dp_vm_stop_ask(place->root, run, &error));
    g_assert_error(error, DP_ERROR, DP_ERROR_BUSY);
}

/* Who waits for the store's lock, or for one that waits for it, knows how long it may be held. */
static void
test_how_long_a_start_may_take(Place *place, gconstpointer unused)
{
    static const DpVmState phases[] = {DP_VM_STARTING, DP_VM_RUNNING};
    g_autofree char *id = dp_vm_id(place->vmx_path);

    (void)unused;
    g_assert_cmpint(dp_run_starting_ms(place->root), ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(phases); i++) {
        dp_autofd int lock = watched_folder(place, phases[i]);
        dp_autofd int folder = -1;
        g_autoptr(DpRunState) state = NULL;

        g_assert_cmpint(lock, >=, 0);
        g_assert_cmpint(dp_run_starting_ms(place->root), ==, i == 0 ? 90000 : 0);
        folder = dp_run_folder(place->root, id);
        state = dp_run_state_load(folder, NULL);
        state->reserved = (uint64_t)2 << 30;
        g_assert_true(dp_run_state_save(state, folder, NULL));
        g_assert_cmpint(dp_run_starting_ms(place->root), ==, i == 0 ? 98000 : 0);
    }
}

static void
test_a_watched_folder_is_left_alone(Place *place, gconstpointer unused)
{
    dp_autofd int lock = watched_folder(place, DP_VM_RUNNING);
    g_autofree char *id = dp_vm_id(place->vmx_path);
    g_autofree char *file =
        g_build_filename(place->path, "run/directpath/vm", id, DP_STATE_NAME, NULL);
    g_autoptr(DpPlan) plan = plan_of(place);
    g_autoptr(DpOutcome) outcome = dp_outcome_new();
    g_autoptr(GError) error = NULL;

    (void)unused;
    g_assert_cmpint(lock, >=, 0);
    g_assert_true(g_file_set_contents(file, "not to be understood", -1, NULL));
    g_assert_false(dp_vm_power_on(plan, &place->env, outcome, &error));
    g_assert_error(error, DP_ERROR, DP_ERROR_BUSY);
    g_assert_true(g_file_test(file, G_FILE_TEST_EXISTS));
}

/* A node that a VM left behind is root's, not that of whoever gets the number next. */
static void
test_a_node_left_over(Place *place, gconstpointer unused)
{
    g_autofree char *folder = g_build_filename(place->path, "dev/vfio", NULL);
    g_autofree char *node = g_build_filename(folder, "7", NULL);
    g_autoptr(DpRunState) state = dp_run_state_new();
    DpRunFunction fn = {.name = "0000:03:00.0", .group = 7};
    g_autoptr(GError) error = NULL;
    GStatBuf st;

    (void)unused;
    if (geteuid() != 0) {
        return; /* only root gives files away */
    }
    g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
    g_assert_true(g_file_set_contents(node, "", -1, NULL));
    g_assert_cmpint(chown(node, DP_VM_UID_BASE + 5, DP_VM_UID_BASE + 5), ==, 0);
    state->id = g_strdup("0123456789abcdef");
    state->name = g_strdup("a");
    state->vmx_path = g_strdup("/a.vmx");
    state->accel = g_strdup("tcg");
    state->started = g_strdup("");
    state->uid = DP_VM_UID_BASE + 6;
    state->phase = DP_VM_STARTING;
    g_array_append_val(state->functions, fn);
    g_assert_true(dp_nodes_give(place->root, state, place->root->fd, &error));
    g_assert_no_error(error);
    g_assert_cmpint(g_stat(node, &st), ==, 0);
    g_assert_cmpuint(st.st_uid, ==, state->uid);
    g_assert_true(dp_nodes_take_back(place->root, state, &error));
    g_assert_cmpint(g_stat(node, &st), ==, 0);
    g_assert_cmpuint(st.st_uid, ==, 0);
    g_assert_cmpuint(st.st_mode & 0777, ==, 0600);
}

static void
test_log_by_a_link(Place *place, gconstpointer unused)
{
    g_autofree char *other = g_build_filename(place->path, "other", NULL);
    g_autofree char *by_link = g_build_filename(other, "test.vmx", NULL);
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    DpLog *log = dp_log_start(place->vmx_path, &error);

    (void)unused;
    g_assert_no_error(error);
    dp_log_line(log, "hello");
    dp_log_free(log);
    g_assert_cmpint(g_mkdir(other, 0755), ==, 0);
    g_assert_cmpint(symlink("../test.vmx", by_link), ==, 0);
    text = dp_vm_log_read(by_link, 4096, &error);
    g_assert_no_error(error);
    g_assert_nonnull(strstr(text, "hello"));
}

#define ADD(path, func) g_test_add(path, Place, NULL, place_set_up, func, place_tear_down)

int
main(int argc, char **argv)
{
    g_autofree char *engine = dp_engine_find();

    g_test_init(&argc, &argv, NULL);
    ADD("/run/recover/starting", test_a_command_that_died_while_starting);
    ADD("/run/recover/broken", test_a_broken_record);
    g_assert_nonnull(engine);
    ADD("/run/power", test_power_on_and_off);
    ADD("/run/node", test_a_node_left_over);
    ADD("/run/log", test_log_by_a_link);
    ADD("/run/report", test_report_outlives_its_name);
    ADD("/run/ending", test_one_that_ends_is_not_on);
    ADD("/run/power-off-while-starting", test_one_that_starts_is_not_powered_off);
    ADD("/run/starting-time", test_how_long_a_start_may_take);
    ADD("/run/watched", test_a_watched_folder_is_left_alone);
    ADD("/run/status", test_status_and_repeat);
    ADD("/run/killed/engine", test_engine_killed);
    ADD("/run/killed/supervisor", test_supervisor_killed);
    ADD("/run/killed/supervisor-in-power-off", test_supervisor_killed_in_power_off);
    ADD("/run/killed/both", test_both_killed);
    ADD("/run/refused", test_engine_refuses);
    return g_test_run();
}
