/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vm reset of a VM whose file was moved away while it ran. */
#include "scratch-root.h"

#include "verbs.h"
#include "vm/run.h"
#include "vm/state.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define VMX      "/vmfs/moved.vmx"
#define GREETING "{\"QMP\":{\"version\":{\"qemu\":{\"micro\":0,\"minor\":2,\"major\":7}}}}\n"
#define RESET                                                                                      \
    "{\"event\":\"RESET\",\"data\":{\"guest\":false,\"reason\":\"host-qmp-system-reset\"}}\n"

typedef struct {
    Fixture place;
    DpCli *cli;
    pid_t engine;
} Bench;

static int
listen_at(const char *folder)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int len = g_snprintf(address.sun_path, sizeof address.sun_path, "%s/" DP_STATE_QMP, folder);

    g_assert_cmpint(len, <, sizeof address.sun_path);
    g_assert_cmpint(bind(fd, (const struct sockaddr *)&address, sizeof address), ==, 0);
    g_assert_cmpint(listen(fd, 1), ==, 0);
    return fd;
}

/* Every command succeeds, and the machine has been reset when that is answered. */
static void
serve(int listener)
{
    int fd = accept(listener, NULL, NULL);
    FILE *peer = fdopen(fd, "r");
    char line[512];

    g_assert_nonnull(peer);
    for ((void)dprintf(fd, GREETING); fgets(line, sizeof line, peer) != NULL;) {
        json_t *command = json_loads(line, 0, NULL);

        if (g_strcmp0(json_string_value(json_object_get(command, "execute")), "system_reset") ==
            0) {
            (void)dprintf(fd, RESET);
        }
        (void)dprintf(fd, "{\"return\":{},\"id\":%d}\n",
                      (int)json_integer_value(json_object_get(command, "id")));
        json_decref(command);
    }
    _exit(0);
}

/* The record of a VM with one function, and an engine that is asked once. */
static void
put_run(Bench *bench)
{
    g_autofree char *id = dp_vm_id(VMX);
    g_autofree char *path = g_build_filename(bench->place.path, "run/directpath/vm", id, NULL);
    g_autoptr(DpRunState) state = dp_run_state_new();
    DpRunFunction fn = {.name = "0000:03:00.0", .group = 3};
    dp_autofd int folder = -1, listener = -1;

    g_assert_cmpint(g_mkdir_with_parents(path, 0755), ==, 0);
    listener = listen_at(path);
    bench->engine = fork();
    if (bench->engine == 0) {
        /* Not longer than a test that has failed. */
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(listener);
    }
    state->id = g_strdup(id);
    state->name = g_strdup("Moved");
    state->vmx_path = g_strdup(VMX);
    state->accel = g_strdup("tcg");
    state->started = g_strdup("2020-01-01T00:00:00Z");
    state->phase = DP_VM_RUNNING;
    state->engine.pid = bench->engine;
    state->engine.start = dp_process_start(bench->engine);
    g_array_append_val(state->functions, fn);
    folder = dp_run_folder(bench->place.root, id);
    g_assert_true(dp_run_state_save(state, folder, NULL));
}

static void
bench_set_up(Bench *bench, gconstpointer unused)
{
    const char *argv[] = {"directpath", "--json", "--root", NULL, "vm", "reset", VMX};
    g_autofree char *devices = NULL;

    set_up(&bench->place, unused);
    devices = g_build_filename(bench->place.path, "sys/bus/pci/devices", NULL);
    g_assert_cmpint(g_mkdir_with_parents(devices, 0755), ==, 0);
    argv[3] = bench->place.path;
    bench->cli = dp_cli_new(dp_options_parse(G_N_ELEMENTS(argv), (char **)argv, NULL));
    bench->cli->verb = dp_verb_find(bench->cli->options->words, &(guint){0}, NULL);
    g_assert_nonnull(bench->cli->verb);
    put_run(bench);
}

static void
bench_tear_down(Bench *bench, gconstpointer unused)
{
    int status;

    (void)kill(bench->engine, SIGTERM); /* one that nobody has asked */
    g_assert_cmpint(waitpid(bench->engine, &status, 0), ==, bench->engine);
    dp_cli_free(bench->cli);
    tear_down(&bench->place, unused);
}

/* What is passed through is known from the record, what a reset does to it is not. */
static void
test_reset(Bench *bench, gconstpointer unused G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL;
    const json_t *doc = bench->cli->doc, *device;

    g_assert_true(dp_cmd_vm_reset(bench->cli, &error));
    g_assert_no_error(error);
    g_assert_true(json_is_true(json_object_get(doc, "changed")));
    g_assert_cmpstr(json_string_value(json_object_get(doc, "vmx")), ==, VMX);
    g_assert_cmpuint(json_array_size(json_object_get(doc, "devices")), ==, 1);
    device = json_array_get(json_object_get(doc, "devices"), 0);
    g_assert_cmpstr(json_string_value(json_object_get(device, "address")), ==, "0000:03:00.0");
    g_assert_true(json_is_null(json_object_get(device, "reset")));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/vm-console/reset-without-file", Bench, NULL, bench_set_up, test_reset,
               bench_tear_down);
    return g_test_run();
}
