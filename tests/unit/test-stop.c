/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM whose guest has just ended by itself: the engine is gone, nobody listens at its monitor, and
 * the supervisor still gives back. */
#include "scratch-root.h"

#include "verbs.h"
#include "vm/state.h"
#include "vm/supervise.h"
#include "vmall.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define VMX        "/vmfs/half.vmx"
#define RELEASE_US 300000

typedef struct {
    Fixture place;
    DpCli *cli;
    DpRun *run;
    pid_t supervisor;
} Bench;

/* What an engine that has ended leaves: a name, and nobody behind it. */
static void
put_deaf_socket(const char *folder)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    dp_autofd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(
        g_snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", folder, DP_STATE_QMP), <,
        sizeof address.sun_path);
    g_assert_cmpint(bind(fd, (const struct sockaddr *)&address, sizeof address), ==, 0);
}

/* Holds the supervisor's lock, and ends when all is given back, a while after @go says a word. */
static pid_t
start_supervisor(const Bench *bench, const char *id, int go)
{
    dp_autofd int folder = dp_run_folder(bench->place.root, id);
    dp_autofd int lock = dp_supervisor_lock(folder);
    pid_t pid;
    char word;

    g_assert_cmpint(lock, >=, 0);
    pid = fork();
    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        bool told = read(go, &word, 1) == 1;

        g_usleep(RELEASE_US);
        _exit(told && dp_run_folder_remove(bench->place.root, id, NULL) ? 0 : 1);
    }
    return pid;
}

static void
put_state(const Bench *bench, const char *id, DpProcess engine)
{
    dp_autofd int folder = dp_run_folder(bench->place.root, id);
    g_autoptr(DpRunState) state = dp_run_state_new();

    state->id = g_strdup(id);
    state->name = g_strdup("Half");
    state->vmx_path = g_strdup(VMX);
    state->accel = g_strdup("tcg");
    state->started = g_strdup("2020-01-01T00:00:00Z");
    state->phase = DP_VM_STOPPING;
    state->engine = engine;
    state->supervisor.pid = bench->supervisor;
    state->supervisor.start = dp_process_start(bench->supervisor);
    g_assert_true(dp_run_state_save(state, folder, NULL));
}

/* @supervised: somebody gives back what the VM had. */
static void
put_run(Bench *bench, DpProcess engine, bool supervised)
{
    g_autofree char *id = dp_vm_id(VMX);
    g_autofree char *path = g_build_filename(bench->place.path, "run/directpath/vm", id, NULL);
    int go[2];

    g_assert_cmpint(g_mkdir_with_parents(path, 0755), ==, 0);
    put_deaf_socket(path);
    g_assert_cmpint(pipe(go), ==, 0);
    bench->supervisor = supervised ? start_supervisor(bench, id, go[0]) : 0;
    put_state(bench, id, engine);
    g_assert_cmpint(write(go[1], "x", 1), ==, 1);
    (void)close(go[0]);
    (void)close(go[1]);
    bench->run = dp_run_find(bench->place.root, VMX);
    g_assert_nonnull(bench->run);
}

static void
bench_set_up(Bench *bench, gconstpointer unused)
{
    static const char *const words[] = {"directpath", "--json", "--root", NULL, "vm", "shut-down"};
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    g_autofree char *devices = NULL;

    set_up(&bench->place, unused);
    devices = g_build_filename(bench->place.path, "sys/bus/pci/devices", NULL);
    g_assert_cmpint(g_mkdir_with_parents(devices, 0755), ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        g_ptr_array_add(argv, (gpointer)(words[i] != NULL ? words[i] : bench->place.path));
    }
    bench->cli = dp_cli_new(dp_options_parse((int)argv->len, (char **)argv->pdata, NULL));
}

static void
bench_tear_down(Bench *bench, gconstpointer unused)
{
    int status;

    if (bench->supervisor > 0) {
        g_assert_cmpint(waitpid(bench->supervisor, &status, 0), ==, bench->supervisor);
        g_assert_cmpint(status, ==, 0);
    }
    dp_run_free(bench->run);
    dp_cli_free(bench->cli);
    tear_down(&bench->place, unused);
}

/* Of this number there was another process once. */
static DpProcess
dead_engine(void)
{
    return (DpProcess){.pid = getpid(), .start = 1};
}

static void
test_shut_down(Bench *bench, gconstpointer unused G_GNUC_UNUSED)
{
    g_autoptr(DpOutcome) outcome = dp_outcome_new();
    g_autoptr(GError) error = NULL;
    bool already = true;

    put_run(bench, dead_engine(), true);
    g_assert_true(dp_cli_end_run(bench->cli, bench->place.root, bench->run, false, outcome,
                                 &already, &error));
    g_assert_no_error(error);
    g_assert_false(already);
    g_assert_true(outcome->changed);
    g_assert_cmpuint(outcome->diags->len, ==, 0);
    g_assert_null(dp_run_find(bench->place.root, VMX));
}

static void
test_shut_down_all(Bench *bench, gconstpointer unused G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL;
    const json_t *vms;

    put_run(bench, dead_engine(), true);
    g_assert_true(dp_cli_shut_down_all(bench->cli, &error));
    g_assert_no_error(error);
    vms = json_object_get(bench->cli->doc, "vms");
    g_assert_cmpuint(json_array_size(vms), ==, 1);
    g_assert_cmpstr(json_string_value(json_object_get(json_array_get(vms, 0), "how")), ==, "guest");
    g_assert_false(dp_diags_have(bench->cli->diags, DP_DIAG_VM_FORCED_OFF));
    g_assert_null(dp_run_find(bench->place.root, VMX));
}

/* A list of registered VMs that cannot be read is told, and keeps no guest from its end. */
static void
test_shut_down_all_without_list(Bench *bench, gconstpointer unused)
{
    put(&bench->place, DP_REGISTRY_PATH "/x", "");
    test_shut_down_all(bench, unused);
    g_assert_true(dp_diags_have(bench->cli->diags, DP_DIAG_VM_REGISTRY_BROKEN));
}

/* It was seen to run, and its folder is gone by now. */
static void
test_gone_meanwhile(Bench *bench, gconstpointer unused G_GNUC_UNUSED)
{
    put_run(bench, dead_engine(), true);
    g_assert_true(dp_run_folder_remove(bench->place.root, bench->run->id, NULL));
    for (int hard = 0; hard <= 1; hard++) {
        g_autoptr(DpOutcome) outcome = dp_outcome_new();
        g_autoptr(GError) error = NULL;
        bool already = false;

        g_assert_true(dp_cli_end_run(bench->cli, bench->place.root, bench->run, hard == 1, outcome,
                                     &already, &error));
        g_assert_no_error(error);
        g_assert_true(already);
        g_assert_false(outcome->changed);
    }
}

/* Nobody resets what has ended. */
static void
test_reset(Bench *bench, gconstpointer unused G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL;

    put_run(bench, dead_engine(), true);
    g_assert_false(dp_run_is_on(bench->run, &error));
    g_assert_error(error, DP_ERROR, DP_ERROR_BUSY);
    g_clear_error(&error);
    g_assert_false(dp_vm_reset(bench->place.root, bench->run, &error));
    g_assert_error(error, DP_ERROR, DP_ERROR_IO);
}

/* An engine that lives and cannot be asked is neither off nor ended, with or without a monitor. */
static void
test_living_engine(Bench *bench, gconstpointer unused G_GNUC_UNUSED)
{
    g_autofree char *socket = NULL;
    DpProcess living = {.pid = getpid(), .start = dp_process_start(getpid())};

    put_run(bench, living, false);
    socket = g_build_filename(bench->place.path, "run/directpath/vm", bench->run->id, DP_STATE_QMP,
                              NULL);
    for (int i = 0; i < 2; i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(dp_vm_stop_ask(bench->place.root, bench->run, &error));
        g_assert_error(error, DP_ERROR, DP_ERROR_IO);
        (void)g_unlink(socket);
    }
}

#define ADD(path, func) g_test_add(path, Bench, NULL, bench_set_up, func, bench_tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/stop/shut-down", test_shut_down);
    ADD("/stop/shut-down-all", test_shut_down_all);
    ADD("/stop/shut-down-all-without-list", test_shut_down_all_without_list);
    ADD("/stop/gone-meanwhile", test_gone_meanwhile);
    ADD("/stop/reset", test_reset);
    ADD("/stop/living-engine", test_living_engine);
    return g_test_run();
}
