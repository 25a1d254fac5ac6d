/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process that power-on leaves behind: it starts the engine, looks at it, lets the guest run.
 */
#include "launch.h"

#include "apparmor.h"
#include "base/text.h"
#include "on-fault.h"
#include "scope.h"
#include "successor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#define COMMAND_TIMEOUT_MS 10000
#define REPORT_MAX         8192

static void
report(int fd, bool ok, DpDiagId id, const char *text)
{
    g_autofree char *line = g_strdup_printf("%c%d %s", ok ? 'K' : 'E', (int)id, text);
    size_t len = MIN(strlen(line), REPORT_MAX);
    ssize_t n = write(fd, line, len);

    (void)n; /* the command may have been killed; the VM runs on */
}

/* The engine's last words without the parts that every line of QEMU begins with. */
static char *
last_words(DpSupervisor *supervisor)
{
    g_autofree char *text = NULL;
    char *shown;

    for (int i = 0; supervisor->output >= 0 && i < 100; i++) {
        struct pollfd fd = {.fd = supervisor->output, .events = POLLIN};

        if (poll(&fd, 1, 100) <= 0 || !dp_supervisor_listen(supervisor)) {
            break;
        }
    }
    text = g_strstrip(g_strdup(supervisor->tail->str));
    shown = dp_text_visible_max(text, -1, 1500);
    g_strdelimit(shown, "\n", ' ');
    return shown;
}

static bool
set_password(DpSupervisor *supervisor, const DpPlan *plan, GError **error)
{
    json_t *answer;

    if (plan->vnc_password == NULL) {
        return true;
    }
    answer =
        dp_qmp_execute(supervisor->events, "set_password",
                       json_pack("{s:s, s:s}", "protocol", "vnc", "password", plan->vnc_password),
                       COMMAND_TIMEOUT_MS, error);
    json_decref(answer);
    return answer != NULL;
}

static bool
run_guest(DpSupervisor *supervisor, GError **error)
{
    json_t *answer = dp_qmp_execute(supervisor->events, "cont", NULL, COMMAND_TIMEOUT_MS, error);

    json_decref(answer);
    return answer != NULL;
}

static pid_t
start_engine(const DpLaunch *launch, int output, const int gate[2], GError **error)
{
    g_autofree char **argv = g_new0(char *, launch->plan->argv->len + 1);
    g_autofree int *fds = g_new(int, launch->files->len + 2);
    DpEngineSpec spec = {
        .path = launch->engine,
        .argv = argv,
        .uid = launch->state->uid,
        .kvm_group = launch->kvm_group,
        .memlock = launch->plan->memlock,
        .apparmor = launch->apparmor,
        .fds = fds,
        .n_fds = launch->files->len + 2,
        .output = output,
        .gate = {gate[0], gate[1]},
    };

    for (guint i = 0; i < launch->plan->argv->len; i++) {
        argv[i] = g_ptr_array_index(launch->plan->argv, i);
    }
    fds[0] = launch->listeners[0];
    fds[1] = launch->listeners[1];
    for (guint i = 0; i < launch->files->len; i++) {
        fds[i + 2] = g_array_index(launch->files, int, i);
    }
    return dp_engine_start(&spec, error);
}

/* Once the engine has them nobody else may: its death must end the connections to it. */
void
dp_launch_close(DpLaunch *launch)
{
    for (size_t i = 0; i < G_N_ELEMENTS(launch->listeners); i++) {
        dp_close_fd(&launch->listeners[i]);
        launch->listeners[i] = -1;
    }
    for (guint i = 0; i < launch->files->len; i++) {
        (void)close(g_array_index(launch->files, int, i));
    }
    g_array_set_size(launch->files, 0);
}

static int
launch_timeout_ms(const DpLaunch *launch)
{
    return DP_LAUNCH_TIMEOUT_MS + dp_run_pinning_ms(launch->plan->memlock);
}

/* Not in the session of whoever typed the command. Before there is a virtual machine: the kernel
 * puts the threads that it makes for one where its engine is then, and leaves them there, where no
 * signal reaches them (KVM's recovery of huge pages). The guest runs in any case. */
static void
leave_session(DpLaunch *launch)
{
    g_autoptr(GError) error = NULL;

    if (!dp_scope_make(launch->env->root, launch->state, &error)) {
        dp_log_line(launch->log, "no unit of systemd's: %s", error->message);
        launch->no_unit = g_strdup(error->message);
    }
}

/* The engine is on record before it is executed: whoever kills this process leaves either none or
 * one that the next command knows of. */
static bool
start_recorded(DpLaunch *launch, DpSupervisor *supervisor, int output, GError **error)
{
    DpRunState *state = supervisor->state;
    bool ok = false;
    int gate[2];
    pid_t pid;

    if (pipe2(gate, O_CLOEXEC) < 0) {
        return dp_fail_errno(error, errno, "cannot make a pipe");
    }
    pid = start_engine(launch, output, gate, error);
    (void)close(output);
    (void)close(gate[0]);
    dp_launch_close(launch);
    if (pid > 0) {
        supervisor->child = true;
        state->engine = (DpProcess){.pid = pid, .start = dp_process_start(pid)};
        ok = dp_run_state_save(state, supervisor->folder, error) && (leave_session(launch), true) &&
             (write(gate[1], "", 1) == 1 || dp_fail_errno(error, errno, "the engine"));
    }
    (void)close(gate[1]);
    return ok;
}

/* Start, record, look, run. False with the diagnostic's id. */
static bool
bring_up(DpLaunch *launch, DpSupervisor *supervisor, int output, DpDiagId *ret_id, GError **error)
{
    DpRunState *state = supervisor->state;
    int version = 0;

    *ret_id = DP_DIAG_VM_ENGINE_FAILED;
    state->supervisor = (DpProcess){.pid = getpid(), .start = dp_process_start(getpid())};
    /* Connected before there is an engine, so that its death ends the connection. */
    if (!dp_supervisor_connect(supervisor, 0, NULL, error) ||
        !dp_run_state_save(state, supervisor->folder, error)) {
        return false;
    }
    if (!start_recorded(launch, supervisor, output, error) ||
        !dp_supervisor_connect(supervisor, launch_timeout_ms(launch), &version, error)) {
        return false;
    }
    if (version < DP_ENGINE_VERSION) {
        *ret_id = DP_DIAG_VM_ENGINE_OLD;
        return dp_fail(error, DP_ERROR_REFUSED, "the engine is QEMU %d.%d", version / 100,
                       version % 100);
    }
    if (!dp_engine_verify(state->engine.pid, state->uid, error) ||
        (launch->apparmor && !dp_apparmor_verify(state->engine.pid, error))) {
        *ret_id = DP_DIAG_VM_ENGINE_UNSAFE;
        return false;
    }
    return set_password(supervisor, launch->plan, error) && run_guest(supervisor, error);
}

static void
log_start(const DpLaunch *launch)
{
    for (guint i = 0; i < launch->plan->argv->len; i++) {
        dp_log_line(launch->log, "argument %u: %s", i,
                    (const char *)g_ptr_array_index(launch->plan->argv, i));
    }
}

static void
fail_start(DpSupervisor *supervisor, int fd, DpDiagId id, const GError *error)
{
    g_autofree char *words = NULL, *text = NULL;

    dp_supervisor_kill(supervisor);
    words = last_words(supervisor);
    text = words[0] != '\0' ? g_strdup_printf("%s (%s)", words, error->message)
                            : g_strdup(error->message);
    dp_log_line(supervisor->log, "the VM was not started: %s", text);
    report(fd, false, id, text);
}

G_NORETURN static void
supervisor_main(DpLaunch *launch, int fd)
{
    g_autoptr(GError) error = NULL;
    int output[2] = {-1, -1};
    DpSupervisor supervisor = {
        .root = launch->env->root,
        .vfio = launch->env->vfio,
        .policy = launch->env->policy,
        .state = launch->state,
        .log = launch->log,
        .folder = launch->folder,
        .lock = launch->lock,
        .kmsg = -1,
        .successor = -1,
        .tail = g_string_new(NULL),
    };
    g_autoptr(GArray) keep = g_array_copy(launch->files);
    DpDiagId id = DP_DIAG_VM_ENGINE_FAILED;

    if (pipe2(output, O_CLOEXEC) < 0 || fcntl(output[0], F_SETFL, O_NONBLOCK) < 0) {
        report(fd, false, id, g_strerror(errno));
        _exit(1);
    }
    supervisor.output = output[0];
    g_array_append_val(keep, fd);
    g_array_append_val(keep, output[1]);
    g_array_append_vals(keep, launch->listeners, 2);
    dp_supervisor_detach(&supervisor, (const int *)(void *)keep->data, keep->len);
    log_start(launch);
    dp_on_fault_begin(&supervisor);
    if (!bring_up(launch, &supervisor, output[1], &id, &error)) {
        fail_start(&supervisor, fd, id, error);
        _exit(1);
    }
    launch->state->phase = DP_VM_RUNNING;
    (void)dp_run_state_save(launch->state, launch->folder, NULL);
    dp_log_line(launch->log, "the guest runs: engine %d, user %u, supervisor %d",
                (int)launch->state->engine.pid, launch->state->uid, (int)getpid());
    dp_successor_offer(&supervisor);
    report(fd, true, 0, launch->no_unit != NULL ? launch->no_unit : "");
    (void)close(fd);
    dp_supervisor_run(&supervisor);
    _exit(0);
}

/* All that the other end writes until it closes; NULL after the deadline. */
static char *
read_report(int fd, int timeout_ms)
{
    gint64 deadline = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
    g_autoptr(GString) text = g_string_new(NULL);

    for (;;) {
        gint64 left = (deadline - g_get_monotonic_time()) / 1000;
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        char buf[1024];
        ssize_t n;

        if (left <= 0) {
            return NULL;
        }
        if (poll(&poll_fd, 1, (int)left) <= 0) {
            continue;
        }
        n = read(fd, buf, sizeof buf);
        if (n == 0 || (n < 0 && errno != EINTR)) {
            return g_strndup(text->str, text->len);
        }
        g_string_append_len(text, buf, MAX(n, 0));
    }
}

static bool
parse_report(const char *text, DpLaunchReport *ret_report)
{
    const char *space = text != NULL ? strchr(text, ' ') : NULL;

    if (space == NULL || (text[0] != 'K' && text[0] != 'E')) {
        return false;
    }
    ret_report->ok = text[0] == 'K';
    ret_report->diag = (int)g_ascii_strtoll(text + 1, NULL, 10);
    ret_report->text = g_strdup(space + 1);
    return true;
}

bool
dp_launch_supervisor(DpLaunch *launch, DpLaunchReport *ret_report, GError **error)
{
    g_autofree char *text = NULL;
    dp_autofd int reader = -1;
    int pipe_fds[2];
    pid_t pid;

    if (pipe2(pipe_fds, O_CLOEXEC) < 0) {
        return dp_fail_errno(error, errno, "cannot make a pipe");
    }
    reader = pipe_fds[0];
    pid = fork();
    if (pid == 0) {
        (void)close(reader);
        if (fork() == 0) { /* the supervisor is nobody's child */
            supervisor_main(launch, pipe_fds[1]);
        }
        _exit(0);
    }
    (void)close(pipe_fds[1]);
    dp_launch_close(launch);
    if (pid < 0) {
        return dp_fail_errno(error, errno, "cannot make a process");
    }
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
    text = read_report(reader, launch_timeout_ms(launch) + 30000);
    if (!parse_report(text, ret_report)) {
        return dp_fail(error, text == NULL ? DP_ERROR_TIMEOUT : DP_ERROR_IO,
                       "the process that starts the engine %s",
                       text == NULL ? "does not answer" : "died");
    }
    return true;
}
