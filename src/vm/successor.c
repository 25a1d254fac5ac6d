/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "successor.h"

#include "base/file.h"
#include "on-fault.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define ANSWER_TIMEOUT_MS 10000
#define EVENTS_TIMEOUT_MS 5000

/* What is given over, in this order; one byte says which are there. */
enum { LOCK, LOG, OUTPUT, KMSG, N_GIVEN };

static struct sockaddr_un
address_in(int folder)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    g_snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", folder,
               DP_STATE_SUCCESSOR);
    return address;
}

void
dp_successor_offer(DpSupervisor *supervisor)
{
    struct sockaddr_un address = address_in(supervisor->folder);
    dp_autofd int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t mask = umask(0177);
    int r = -1;

    if (fd >= 0) {
        (void)unlinkat(supervisor->folder, DP_STATE_SUCCESSOR, 0);
        r = bind(fd, (const struct sockaddr *)&address, sizeof address);
    }
    (void)umask(mask);
    if (r == 0 && listen(fd, 1) == 0) {
        supervisor->successor = dp_steal_fd(&fd);
    }
}

static bool
wait_for(int fd, short events, int timeout_ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = events};

    return poll(&poll_fd, 1, timeout_ms) == 1;
}

static bool
is_ours(int connection)
{
    struct ucred peer = {0};
    socklen_t len = sizeof peer;

    return getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
           peer.uid == geteuid();
}

static bool
send_all(int connection, const int given[N_GIVEN])
{
    union {
        char bytes[CMSG_SPACE(N_GIVEN * sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    unsigned char there = 0;
    struct iovec word = {.iov_base = &there, .iov_len = 1};
    struct msghdr message = {.msg_iov = &word, .msg_iovlen = 1, .msg_control = &control};
    struct cmsghdr *head = &control.align;
    int fds[N_GIVEN];
    size_t n = 0;

    for (unsigned i = 0; i < N_GIVEN; i++) {
        if (given[i] >= 0) {
            there |= (unsigned char)(1u << i);
            fds[n++] = given[i];
        }
    }
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(n * sizeof *fds);
    memcpy(CMSG_DATA(head), fds, n * sizeof *fds);
    message.msg_controllen = CMSG_SPACE(n * sizeof *fds);
    return sendmsg(connection, &message, MSG_NOSIGNAL) == 1;
}

/* Whether the other one has taken over. After the deadline none of his words can come any more, so
 * that never both believe to be the supervisor. */
static bool
is_confirmed(int connection)
{
    char byte;

    if (!wait_for(connection, POLLIN, ANSWER_TIMEOUT_MS)) {
        (void)shutdown(connection, SHUT_RD);
    }
    return recv(connection, &byte, 1, MSG_DONTWAIT) == 1;
}

static bool
hand_over(DpSupervisor *supervisor, int connection)
{
    const int given[N_GIVEN] = {
        [LOCK] = supervisor->lock,
        [LOG] = dp_log_fd(supervisor->log),
        [OUTPUT] = supervisor->output,
        [KMSG] = supervisor->duty.watch != NULL ? dp_fault_watch_fd(supervisor->duty.watch) : -1,
    };

    return dp_run_state_save(supervisor->state, supervisor->folder, NULL) &&
           send_all(connection, given) && is_confirmed(connection);
}

bool
dp_successor_serve(DpSupervisor *supervisor)
{
    dp_autofd int connection = accept4(supervisor->successor, NULL, NULL, SOCK_CLOEXEC);

    /* Not in the middle of ending an engine: whoever asks then gets no answer. */
    if (connection < 0 || !is_ours(connection) || !dp_on_fault_is_idle(supervisor)) {
        return false;
    }
    /* The engine's monitor talks to one at a time. */
    g_clear_pointer(&supervisor->events, dp_qmp_free);
    if (hand_over(supervisor, connection)) {
        return true;
    }
    dp_log_line(supervisor->log, "a supervisor of systemd's has not taken over");
    (void)dp_run_state_save(supervisor->state, supervisor->folder, NULL);
    if (!dp_supervisor_connect(supervisor, EVENTS_TIMEOUT_MS, NULL, NULL)) {
        g_clear_pointer(&supervisor->events, dp_qmp_free);
    }
    return false;
}

static int
connect_to(int folder, GError **error)
{
    struct sockaddr_un address = address_in(folder);
    dp_autofd int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        return dp_fail_errno(error, errno, "no supervisor offers its place"), -1;
    }
    return dp_steal_fd(&fd);
}

/* False, and nothing kept, if not just what was announced came. */
static bool
receive_all(int connection, int ret_given[N_GIVEN])
{
    union {
        char bytes[CMSG_SPACE(N_GIVEN * sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    unsigned char there = 0;
    struct iovec word = {.iov_base = &there, .iov_len = 1};
    struct msghdr message = {.msg_iov = &word,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t got = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
    const struct cmsghdr *head = got == 1 ? CMSG_FIRSTHDR(&message) : NULL;
    int fds[N_GIVEN];
    size_t n = 0, next = 0, wanted = 0;

    if (head != NULL && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS) {
        n = (head->cmsg_len - CMSG_LEN(0)) / sizeof *fds;
        memcpy(fds, CMSG_DATA(head), n * sizeof *fds);
    }
    for (unsigned i = 0; i < N_GIVEN; i++) {
        wanted += there >> i & 1;
    }
    if (n == 0 || n != wanted || (there & 1u << LOCK) == 0) {
        for (size_t i = 0; i < n; i++) {
            (void)close(fds[i]);
        }
        return false;
    }
    for (unsigned i = 0; i < N_GIVEN; i++) {
        ret_given[i] = (there >> i & 1) != 0 ? fds[next++] : -1;
    }
    return true;
}

int
dp_successor_ask(DpSupervisor *supervisor, int timeout_ms, GError **error)
{
    dp_autofd int connection = connect_to(supervisor->folder, error);
    int given[N_GIVEN];

    if (connection < 0) {
        return -1;
    }
    if (!wait_for(connection, POLLIN, timeout_ms) || !receive_all(connection, given)) {
        return dp_fail(error, DP_ERROR_IO, "the supervisor does not give its place away"), -1;
    }
    supervisor->lock = given[LOCK];
    supervisor->log = given[LOG] >= 0 ? dp_log_take(given[LOG]) : NULL;
    supervisor->output = given[OUTPUT];
    supervisor->kmsg = given[KMSG];
    return dp_steal_fd(&connection);
}

bool
dp_successor_confirm(int connection)
{
    return send(connection, "", 1, MSG_NOSIGNAL) == 1;
}

static bool
take_over(DpSupervisor *supervisor, int connection, GError **error)
{
    const int keep[] = {connection, supervisor->kmsg};
    pid_t before = supervisor->state->supervisor.pid;

    dp_supervisor_detach(supervisor, keep, G_N_ELEMENTS(keep));
    dp_on_fault_begin(supervisor);
    if (!dp_supervisor_connect(supervisor, EVENTS_TIMEOUT_MS, NULL, NULL)) {
        g_clear_pointer(&supervisor->events, dp_qmp_free);
    }
    supervisor->state->supervisor =
        (DpProcess){.pid = getpid(), .start = dp_process_start(getpid())};
    if (!dp_run_state_save(supervisor->state, supervisor->folder, error)) {
        return false;
    }
    if (!dp_successor_confirm(connection)) {
        return dp_fail(error, DP_ERROR_IO, "the supervisor has withdrawn its place");
    }
    dp_log_line(supervisor->log, "supervisor %d, in systemd's sandbox, has taken over from %d",
                (int)getpid(), (int)before);
    return true;
}

bool
dp_successor_run(const DpVmEnv *env, const char *id, GError **error)
{
    DpSupervisor supervisor = {
        .root = env->root,
        .vfio = env->vfio,
        .policy = env->policy,
        .folder = dp_run_id_valid(id) ? dp_run_folder(env->root, id) : -1,
        .lock = -1,
        .output = -1,
        .kmsg = -1,
        .successor = -1,
        .tail = g_string_new(NULL),
    };
    g_autoptr(DpRunState) state = NULL;
    dp_autofd int connection = -1;
    bool ok = false;

    if (supervisor.folder < 0) {
        return dp_fail(error, DP_ERROR_NOT_FOUND, "no virtual machine %s runs", id);
    }
    connection = dp_successor_ask(&supervisor, ANSWER_TIMEOUT_MS, error);
    state = connection >= 0 ? dp_run_state_load(supervisor.folder, error) : NULL;
    if (state != NULL) {
        supervisor.state = state;
        ok = take_over(&supervisor, connection, error);
        dp_close_fd(&connection);
        connection = -1;
        if (ok) {
            dp_supervisor_run(&supervisor);
        }
    }
    return ok;
}
