/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One supervisor takes another one's place: what it is given, and that the lock is never free. */
#include "scratch-root.h"

#include "base/file.h"
#include "vm/successor.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define ID          "0123456789abcdef"
#define FOLDER      "run/directpath/vm/" ID
#define PATIENCE_MS 60000

typedef struct {
    Fixture host;
    DpSupervisor old;
    DpRunState *state;
    int words; /* the engine's end of the pipe that is the supervisor's output */
} Place;

static DpSupervisor
nobody(const Place *p)
{
    return (DpSupervisor){.root = p->host.root,
                          .folder = dp_run_folder(p->host.root, ID),
                          .lock = -1,
                          .output = -1,
                          .kmsg = -1,
                          .successor = -1};
}

static void
place_set_up(Place *p, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *path = NULL;
    int output[2];

    set_up(&p->host, NULL);
    path = g_build_filename(p->host.path, "vm.vmx", NULL);
    put(&p->host, FOLDER "/x", "");
    g_assert_cmpint(pipe2(output, O_CLOEXEC), ==, 0);
    p->state = dp_run_state_new();
    p->state->id = g_strdup(ID);
    p->state->name = g_strdup("web");
    p->state->vmx_path = g_strdup(path);
    p->state->accel = g_strdup("kvm");
    p->state->started = g_strdup("2020-01-01T00:00:00Z");
    p->state->phase = DP_VM_RUNNING;
    p->state->kmsg_number = 17;
    p->old = nobody(p);
    p->old.state = p->state;
    p->old.lock = dp_supervisor_lock(p->old.folder);
    p->old.log = dp_log_start(path, NULL);
    p->old.output = output[0];
    p->words = output[1];
    g_assert_cmpint(p->old.lock, >=, 0);
    g_assert_nonnull(p->old.log);
    dp_successor_offer(&p->old);
    g_assert_cmpint(p->old.successor, >=, 0);
}

static void
place_tear_down(Place *p, gconstpointer data G_GNUC_UNUSED)
{
    dp_close_fd(&p->old.successor);
    dp_close_fd(&p->old.folder);
    dp_close_fd(&p->old.output);
    dp_close_fd(&p->old.lock);
    dp_close_fd(&p->words);
    g_clear_pointer(&p->old.log, dp_log_free);
    g_clear_pointer(&p->state, dp_run_state_free);
    tear_down(&p->host, NULL);
}

/* The old one in a process of its own: its exit status is 0 if it has been succeeded. */
static pid_t
serve_apart(Place *p)
{
    pid_t pid = fork();

    if (pid == 0) {
        struct pollfd fd = {.fd = p->old.successor, .events = POLLIN};

        _exit(poll(&fd, 1, PATIENCE_MS) == 1 && dp_successor_serve(&p->old) ? 0 : 1);
    }
    g_assert_cmpint(pid, >, 0);
    return pid;
}

static int
status_of(pid_t pid)
{
    int status = -1;

    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
test_succeeded(Place *p, gconstpointer data G_GNUC_UNUSED)
{
    pid_t pid = serve_apart(p);
    DpSupervisor heir = nobody(p);
    g_autoptr(GError) error = NULL;
    dp_autofd int connection = dp_successor_ask(&heir, PATIENCE_MS, &error);
    g_autoptr(DpRunState) state = NULL;
    char word[8] = "";

    g_assert_no_error(error);
    g_assert_cmpint(connection, >=, 0);
    state = dp_run_state_load(heir.folder, NULL);
    g_assert_nonnull(state);
    g_assert_cmpint(state->kmsg_number, ==, 17);
    g_assert_true(dp_successor_confirm(connection));
    g_assert_cmpint(status_of(pid), ==, 0);

    /* This process has the first one's lock, too. */
    dp_close_fd(&p->old.lock);
    p->old.lock = -1;
    g_assert_cmpint(dp_supervisor_lock(heir.folder), <, 0);
    g_assert_cmpint(write(p->words, "said", 4), ==, 4);
    g_assert_cmpint(read(heir.output, word, sizeof word), ==, 4);
    g_assert_cmpstr(word, ==, "said");
    g_assert_nonnull(heir.log);
    dp_log_line(heir.log, "by the heir");
    g_assert_cmpint(heir.kmsg, <, 0); /* the VM has no function: nothing was watched */
    g_assert_cmpint(fcntl(heir.lock, F_GETFD), ==, FD_CLOEXEC);

    dp_close_fd(&heir.lock);
    dp_close_fd(&heir.output);
    dp_close_fd(&heir.folder);
    dp_log_free(heir.log);
}

/* Whoever asks and does not confirm has not become the supervisor. */
static void
test_not_confirmed(Place *p, gconstpointer data G_GNUC_UNUSED)
{
    pid_t pid = serve_apart(p);
    DpSupervisor heir = nobody(p);
    int connection = dp_successor_ask(&heir, PATIENCE_MS, NULL);
    g_autofree char *log = NULL;

    g_assert_cmpint(connection, >=, 0);
    dp_close_fd(&connection);
    g_assert_cmpint(status_of(pid), ==, 1);
    log = dp_vm_log_read(p->state->vmx_path, 4096, NULL);
    g_assert_nonnull(strstr(log, "has not taken over"));
    dp_close_fd(&heir.lock);
    dp_close_fd(&heir.output);
    dp_close_fd(&heir.folder);
    dp_log_free(heir.log);
}

/* While an engine is being ended for its DMA nobody gets the place. */
static void
test_not_now(Place *p, gconstpointer data G_GNUC_UNUSED)
{
    DpSupervisor heir = nobody(p);
    g_autoptr(GError) error = NULL;
    pid_t pid;

    p->old.duty.kill_at = g_get_monotonic_time() + G_USEC_PER_SEC;
    pid = serve_apart(p);
    g_assert_cmpint(dp_successor_ask(&heir, PATIENCE_MS, &error), <, 0);
    g_assert_error(error, DP_ERROR, DP_ERROR_IO);
    g_assert_cmpint(status_of(pid), ==, 1);
    dp_close_fd(&heir.folder);
}

static void
test_nobody_offers(Place *p, gconstpointer data G_GNUC_UNUSED)
{
    const DpVmEnv env = {.root = p->host.root};
    DpSupervisor heir = nobody(p);
    g_autoptr(GError) error = NULL, unknown = NULL, invalid = NULL;

    g_assert_cmpint(unlinkat(p->old.folder, DP_STATE_SUCCESSOR, 0), ==, 0);
    g_assert_cmpint(dp_successor_ask(&heir, PATIENCE_MS, &error), <, 0);
    g_assert_error(error, DP_ERROR, DP_ERROR_NOT_FOUND);
    g_assert_false(dp_successor_run(&env, "fedcba9876543210", &unknown));
    g_assert_error(unknown, DP_ERROR, DP_ERROR_NOT_FOUND);
    g_assert_false(dp_successor_run(&env, "../" ID, &invalid));
    g_assert_error(invalid, DP_ERROR, DP_ERROR_NOT_FOUND);
    dp_close_fd(&heir.folder);
}

/* What answers at the socket is root's, or this user's; it is read with care all the same. */
static void
test_answers_that_are_none(Place *p, gconstpointer data G_GNUC_UNUSED)
{
    static const char *const words[] = {"", "x", "\x0f", "\x01"};

    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        DpSupervisor heir = nobody(p);
        g_autoptr(GError) error = NULL;
        pid_t pid = fork();

        if (pid == 0) {
            struct pollfd fd = {.fd = p->old.successor, .events = POLLIN};
            int connection =
                poll(&fd, 1, PATIENCE_MS) == 1 ? accept(p->old.successor, NULL, NULL) : -1;

            _exit(send(connection, words[i], strlen(words[i]), MSG_NOSIGNAL) < 0);
        }
        g_assert_cmpint(dp_successor_ask(&heir, PATIENCE_MS, &error), <, 0);
        g_assert_error(error, DP_ERROR, DP_ERROR_IO);
        g_assert_cmpint(heir.lock, ==, -1);
        g_assert_cmpint(status_of(pid), ==, 0);
        dp_close_fd(&heir.folder);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, func)                                                                            \
    g_test_add("/successor/" name, Place, NULL, place_set_up, func, place_tear_down)
    ADD("succeeded", test_succeeded);
    ADD("not-confirmed", test_not_confirmed);
    ADD("not-now", test_not_now);
    ADD("nobody-offers", test_nobody_offers);
    ADD("answers-that-are-none", test_answers_that_are_none);
#undef ADD
    return g_test_run();
}
