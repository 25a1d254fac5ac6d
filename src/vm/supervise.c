/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervise.h"

#include "base/file.h"
#include "base/text.h"
#include "on-fault.h"
#include "release.h"
#include "successor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define TAIL_BYTES      4096
#define REPORT_BYTES    65536u
#define POLL_MS         500 /* where the kernel has no pidfd */
#define LOCK_TIMEOUT_MS 60000

int
dp_supervisor_lock(int folder)
{
    return dp_file_lock(folder, DP_STATE_SUPERVISOR, 0, NULL);
}

void
dp_supervisor_write_report(int fd, const DpDiagList *diags)
{
    for (guint i = 0; i < diags->len; i++) {
        const DpDiag *diag = g_ptr_array_index(diags, i);
        g_autofree char *subject = dp_text_visible(diag->subject, -1);
        g_autofree char *message = dp_text_visible(diag->message, -1);

        (void)dprintf(fd, "%d\t%s\t%s\n", (int)diag->row->id, subject, message);
    }
}

bool
dp_supervisor_read_report(int fd, DpDiagList *diags)
{
    g_autofree char *text = g_malloc0(REPORT_BYTES + 1);
    ssize_t n = pread(fd, text, REPORT_BYTES, 0);
    g_auto(GStrv) lines = n > 0 ? g_strsplit(text, "\n", -1) : NULL;
    bool ok = true;

    for (size_t i = 0; lines != NULL && lines[i] != NULL; i++) {
        g_auto(GStrv) parts = g_strsplit(lines[i], "\t", 3);
        const DpDiagRow *row = dp_diag_row((int)g_ascii_strtoll(lines[i], NULL, 10));

        if (row != NULL && g_strv_length(parts) == 3) {
            dp_diags_add(diags, row->id, parts[1], "%s", parts[2]);
            ok = ok && row->severity != DP_ERROR_SEVERITY;
        }
    }
    return ok;
}

static int
compare_int(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Closes everything from 3 on except the sorted @keep. */
static void
close_others(int *keep, size_t n)
{
    unsigned next = 3;

    qsort(keep, n, sizeof *keep, compare_int);
    for (size_t i = 0; i < n; i++) {
        if (keep[i] < (int)next) {
            continue;
        }
        if ((unsigned)keep[i] > next) {
            (void)syscall(SYS_close_range, next, (unsigned)keep[i] - 1, 0);
        }
        next = (unsigned)keep[i] + 1;
    }
    (void)syscall(SYS_close_range, next, ~0u, 0);
}

/* SIGTERM is for the guest at shutdown of the host: the engine gets one of its own and ends, and
 * this process must live to give the devices back. */
static void
ignore_signals(void)
{
    static const int ignored[] = {SIGINT,  SIGHUP,  SIGQUIT, SIGPIPE,
                                  SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU};

    for (size_t i = 0; i < G_N_ELEMENTS(ignored); i++) {
        (void)signal(ignored[i], SIG_IGN);
    }
}

void
dp_supervisor_detach(const DpSupervisor *supervisor, const int *keep, size_t n_keep)
{
    g_autofree int *all = g_new(int, n_keep + 5);
    size_t n = 0;
    int null;

    (void)setsid();
    ignore_signals();
    (void)umask(022);
    (void)chdir("/");
    (void)prctl(PR_SET_NAME, "directpath-vm", 0, 0, 0);
    null = open("/dev/null", O_RDWR);
    for (int fd = 0; null >= 0 && fd < 3; fd++) {
        (void)dup2(null, fd);
    }
    for (size_t i = 0; i < n_keep; i++) {
        all[n++] = keep[i];
    }
    all[n++] = supervisor->root->fd;
    all[n++] = supervisor->folder;
    all[n++] = supervisor->lock;
    all[n++] = supervisor->output;
    all[n++] = dp_log_fd(supervisor->log);
    close_others(all, n);
}

static void
remember(DpSupervisor *supervisor, const char *bytes, size_t len)
{
    g_string_append_len(supervisor->tail, bytes, (gssize)len);
    if (supervisor->tail->len > TAIL_BYTES) {
        g_string_erase(supervisor->tail, 0, (gssize)(supervisor->tail->len - TAIL_BYTES));
    }
}

bool
dp_supervisor_listen(DpSupervisor *supervisor)
{
    char buf[2048];
    ssize_t n = read(supervisor->output, buf, sizeof buf - 1);

    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return true;
    }
    if (n <= 0) {
        dp_close_fd(&supervisor->output);
        supervisor->output = -1;
        return false;
    }
    remember(supervisor, buf, (size_t)n);
    {
        g_autofree char *text = g_strndup(buf, (gsize)n);
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

        for (size_t i = 0; lines[i] != NULL; i++) {
            if (lines[i][0] != '\0') {
                dp_log_line(supervisor->log, "engine: %s", lines[i]);
            }
        }
    }
    return true;
}

static void
on_event(const char *name, const json_t *data, void *user)
{
    DpSupervisor *supervisor = user;
    const char *reason = json_string_value(json_object_get(data, "reason"));

    if (strcmp(name, "SHUTDOWN") == 0 || strcmp(name, "RESET") == 0) {
        dp_log_line(supervisor->log, "%s: %s", name, reason != NULL ? reason : "no reason given");
    } else if (strcmp(name, "GUEST_PANICKED") == 0 || strcmp(name, "STOP") == 0 ||
               strcmp(name, "RESUME") == 0 || strcmp(name, "POWERDOWN") == 0 ||
               strcmp(name, "BLOCK_IO_ERROR") == 0 || strcmp(name, "DEVICE_DELETED") == 0) {
        dp_log_line(supervisor->log, "%s", name);
    }
    if (strcmp(name, "SHUTDOWN") == 0 && reason != NULL) {
        g_free(supervisor->reason);
        supervisor->reason = g_strdup(reason);
    }
}

bool
dp_supervisor_connect(DpSupervisor *supervisor, int timeout_ms, int *ret_version, GError **error)
{
    g_autofree char *path =
        g_strdup_printf("/proc/self/fd/%d/%s", supervisor->folder, DP_STATE_EVENTS);

    if (supervisor->events == NULL) {
        supervisor->events = dp_qmp_connect(path, on_event, supervisor, error);
    }
    return supervisor->events != NULL &&
           (timeout_ms == 0 ||
            dp_qmp_handshake(supervisor->events, timeout_ms, ret_version, error));
}

void
dp_supervisor_kill(DpSupervisor *supervisor)
{
    const DpProcess *engine = &supervisor->state->engine;

    /* A child's number is nobody else's before it is waited for. */
    if (dp_process_alive(engine) || (supervisor->child && engine->pid > 0)) {
        (void)kill(engine->pid, SIGKILL);
    }
    if (supervisor->child && engine->pid > 0) {
        (void)waitpid(engine->pid, NULL, 0);
        supervisor->child = false;
    }
    for (int i = 0; !supervisor->child && dp_process_alive(engine) && i < 1000; i++) {
        g_usleep(10000);
    }
}

/* True when the engine has ended; @ret_how says how, for the log: NULL if that is for its parent
 * to know, and this is another process. */
static bool
engine_ended(DpSupervisor *supervisor, char **ret_how)
{
    const DpProcess *engine = &supervisor->state->engine;
    int status;

    if (!supervisor->child) {
        if (dp_process_alive(engine)) {
            return false;
        }
        return true;
    }
    if (waitpid(engine->pid, &status, WNOHANG) != engine->pid) {
        return false;
    }
    supervisor->child = false; /* its number may be another process's from now on */
    *ret_how = WIFSIGNALED(status)
                   ? g_strdup_printf("it was killed by signal %d (%s)", WTERMSIG(status),
                                     strsignal(WTERMSIG(status)))
                   : g_strdup_printf("it ended with status %d", WEXITSTATUS(status));
    return true;
}

/* False when somebody else has become the supervisor. */
static bool
wait_once(DpSupervisor *supervisor, int pidfd)
{
    struct pollfd fds[5] = {
        {.fd = pidfd, .events = POLLIN},
        {.fd = supervisor->output, .events = POLLIN},
        {.fd = supervisor->events != NULL ? dp_qmp_fd(supervisor->events) : -1, .events = POLLIN},
        {.fd = dp_on_fault_fd(supervisor), .events = POLLIN},
        {.fd = supervisor->successor, .events = POLLIN},
    };
    int timeout_ms = dp_on_fault_timeout_ms(supervisor);

    if (pidfd < 0) {
        timeout_ms = timeout_ms < 0 ? POLL_MS : MIN(timeout_ms, POLL_MS);
    }
    if (poll(fds, G_N_ELEMENTS(fds), timeout_ms) < 0) {
        return true;
    }
    dp_on_fault_look(supervisor);
    if (fds[1].revents != 0) {
        (void)dp_supervisor_listen(supervisor);
    }
    if (fds[2].revents != 0 && !dp_qmp_drain(supervisor->events, NULL)) {
        g_clear_pointer(&supervisor->events, dp_qmp_free);
    }
    return fds[4].revents == 0 || !dp_successor_serve(supervisor);
}

static void
log_end(const DpSupervisor *supervisor, const char *how)
{
    const char *reason = supervisor->reason;

    if (how == NULL && reason == NULL) {
        how = "without a word, and its exit status is not known here";
    }
    dp_log_line(supervisor->log, "the engine has ended: %s%s%s%s", how != NULL ? how : "",
                how != NULL && reason != NULL ? "; " : "", reason != NULL ? "reason: " : "",
                reason != NULL ? reason : "");
}

static bool
wait_for_end(DpSupervisor *supervisor)
{
    pid_t pid = supervisor->state->engine.pid;
    dp_autofd int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    g_autofree char *how = NULL;

    while (!engine_ended(supervisor, &how)) {
        if (!wait_once(supervisor, pidfd)) {
            return false;
        }
    }
    while (supervisor->output >= 0 && dp_supervisor_listen(supervisor)) {
        struct pollfd fd = {.fd = supervisor->output, .events = POLLIN};

        if (poll(&fd, 1, 0) <= 0) {
            break;
        }
    }
    dp_on_fault_end(supervisor);
    log_end(supervisor, how);
    return true;
}

/* The devices wait for it as long as it takes; the log is told once. */
static int
lock_store(DpSupervisor *supervisor)
{
    for (bool told = false;; told = true) {
        g_autoptr(GError) error = NULL;
        int lock = dp_store_lock(supervisor->root, LOCK_TIMEOUT_MS, &error);

        if (lock >= 0) {
            return lock;
        }
        if (!told) {
            dp_log_line(supervisor->log, "waiting for the store's lock: %s", error->message);
        }
        if (!g_error_matches(error, DP_ERROR, DP_ERROR_BUSY)) {
            g_usleep(G_USEC_PER_SEC);
        }
    }
}

static void
give_back(DpSupervisor *supervisor)
{
    dp_autofd int lock = lock_store(supervisor);
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(DpEsxconf) conf = dp_store_load(supervisor->root, NULL, &error);
    DpRelease release = {
        .root = supervisor->root,
        .vfio = supervisor->vfio,
        .policy = supervisor->policy,
        .state = supervisor->state,
        .log = supervisor->log,
    };

    (void)lock;
    dp_release_all(&release, conf, diags);
    for (guint i = 0; i < diags->len; i++) {
        const DpDiag *diag = g_ptr_array_index(diags, i);

        dp_log_line(supervisor->log, "%s DP%d: %s", dp_severity_name(diag->severity),
                    (int)diag->row->id, diag->message);
    }
    dp_supervisor_write_report(supervisor->lock, diags);
    dp_log_line(supervisor->log, "the VM is off");
    (void)dp_run_folder_remove(supervisor->root, supervisor->state->id, NULL);
}

void
dp_supervisor_run(DpSupervisor *supervisor)
{
    if (!wait_for_end(supervisor)) {
        return;
    }
    supervisor->state->phase = DP_VM_STOPPING;
    (void)dp_run_state_save(supervisor->state, supervisor->folder, NULL);
    give_back(supervisor);
}
