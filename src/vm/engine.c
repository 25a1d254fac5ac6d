/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine.h"

#include "apparmor.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "build.h"

#define ENGINE_FILES 16384 /* two eventfds for each of up to 2048 vectors of some devices */
#define HIGH_FD      512   /* above every number that QEMU is told */

char *
dp_engine_find(void)
{
    static const char *const folders[] = {"/usr/bin", "/usr/local/bin", "/usr/libexec"};

    for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *path = g_build_filename(folders[i], "qemu-system-x86_64", NULL);

        if (access(path, X_OK) == 0) {
            return g_steal_pointer(&path);
        }
    }
    return NULL;
}

static bool
set_limit(int resource, rlim_t value)
{
    struct rlimit limit = {.rlim_cur = value, .rlim_max = value};

    return setrlimit(resource, &limit) == 0;
}

/* At least @value: what is there already needs no privilege. */
static bool
raise_limit(int resource, rlim_t value)
{
    struct rlimit limit;

    if (getrlimit(resource, &limit) < 0) {
        return false;
    }
    if (limit.rlim_max < value) {
        return set_limit(resource, value);
    }
    limit.rlim_cur = value;
    return setrlimit(resource, &limit) == 0;
}

/* Each descriptor first out of the way of all targets, then to its number. */
static bool
place_descriptors(const DpEngineSpec *spec)
{
    int moved[HIGH_FD];

    if (spec->n_fds >= HIGH_FD) {
        return false;
    }
    for (size_t i = 0; i < spec->n_fds; i++) {
        moved[i] = fcntl(spec->fds[i], F_DUPFD, HIGH_FD);
        if (moved[i] < 0) {
            return false;
        }
    }
    for (size_t i = 0; i < spec->n_fds; i++) {
        if (dup2(moved[i], DP_VM_FD_QMP + (int)i) < 0) {
            return false;
        }
    }
    return syscall(SYS_close_range, DP_VM_FD_QMP + (unsigned)spec->n_fds, ~0u, 0) == 0;
}

static bool
place_standard(int output)
{
    int null = open("/dev/null", O_RDWR);

    return null >= 0 && dup2(output, STDOUT_FILENO) >= 0 && dup2(output, STDERR_FILENO) >= 0 &&
           dup2(null, STDIN_FILENO) >= 0;
}

static void
default_signals(void)
{
    sigset_t none;

    for (int n = 1; n < NSIG; n++) {
        (void)signal(n, SIG_DFL);
    }
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool
drop_bounding(void)
{
    for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
        if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0) {
            return false;
        }
    }
    return true;
}

static bool
drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {0};

    return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0 &&
           syscall(SYS_capset, &header, data) == 0;
}

/* Order matters: the bounding set and the user need privilege, which the last steps end for good.
 */
static bool
drop_rights(const DpEngineSpec *spec)
{
    gid_t group = spec->kvm_group;

    if (geteuid() == 0) {
        if (!drop_bounding() || setgroups(group != 0 ? 1 : 0, &group) < 0 ||
            setresgid(spec->uid, spec->uid, spec->uid) < 0 ||
            setresuid(spec->uid, spec->uid, spec->uid) < 0) {
            return false;
        }
    }
    return drop_capabilities() && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

static bool
set_limits(const DpEngineSpec *spec)
{
    return (spec->memlock == 0 || raise_limit(RLIMIT_MEMLOCK, spec->memlock)) &&
           set_limit(RLIMIT_CORE, 0) && raise_limit(RLIMIT_NOFILE, ENGINE_FILES);
}

/* Says on the way what failed: the last words of a process that never became QEMU. */
G_NORETURN static void
child_fail(const char *what)
{
    (void)dprintf(STDERR_FILENO, "cannot start the engine: %s: %s\n", what, strerror(errno));
    _exit(127);
}

/* False if whoever was to open the gate is no more. */
static bool
pass_gate(const DpEngineSpec *spec)
{
    char byte;

    (void)close(spec->gate[1]);
    return read(spec->gate[0], &byte, 1) == 1;
}

G_NORETURN static void
child_main(const DpEngineSpec *spec)
{
    static char *const environment[] = {(char *)(uintptr_t) "PATH=/usr/bin:/bin",
                                        (char *)(uintptr_t) "LANG=C", NULL};

    default_signals();
    if (!pass_gate(spec)) {
        _exit(127);
    }
    if (!place_standard(spec->output) || !place_descriptors(spec)) {
        child_fail("descriptors");
    }
    (void)setsid();
    (void)umask(077);
    if (chdir("/") < 0 || !set_limits(spec)) {
        child_fail("memory lock or descriptor limit");
    }
    /* Before privileges end for good, so that nothing speaks against it. */
    if (spec->apparmor && !dp_apparmor_enter()) {
        child_fail("AppArmor's profile " DP_APPARMOR_PROFILE);
    }
    if (!drop_rights(spec)) {
        child_fail("giving up rights");
    }
    (void)execve(spec->path, spec->argv, environment);
    child_fail(spec->path);
}

pid_t
dp_engine_start(const DpEngineSpec *spec, GError **error)
{
    pid_t pid = fork();

    if (pid == 0) {
        child_main(spec);
    }
    if (pid < 0) {
        dp_fail_errno(error, errno, "cannot make a process");
    }
    return pid;
}

/* The rest of the line "NAME:\t..." or NULL. */
static const char *
status_line(const char *status, const char *name)
{
    size_t n = strlen(name);

    for (const char *line = status; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, n) == 0 && line[n] == ':') {
            return line + n + 1;
        }
    }
    return NULL;
}

static bool
check_user(const char *status, const char *name, uint32_t uid, GError **error)
{
    const char *line = status_line(status, name);
    unsigned ids[4];

    if (line == NULL || sscanf(line, "%u %u %u %u", &ids[0], &ids[1], &ids[2], &ids[3]) != 4) {
        return dp_fail(error, DP_ERROR_PARSE, "%s of the engine cannot be read", name);
    }
    for (size_t i = 0; i < 4; i++) {
        if (ids[i] != uid) {
            return dp_fail(error, DP_ERROR_REFUSED, "%s of the engine is %u, not %u", name, ids[i],
                           uid);
        }
    }
    return true;
}

bool
dp_engine_verify_text(const char *status, uint32_t uid, GError **error)
{
    static const struct {
        const char *name;
        int base;
        unsigned long long value;
    } wanted[] = {
        {"CapInh", 16, 0},     {"CapPrm", 16, 0},  {"CapEff", 16, 0}, {"CapAmb", 16, 0},
        {"NoNewPrivs", 10, 1}, {"Seccomp", 10, 2}, {"CapBnd", 16, 0},
    };
    /* Only root may empty the bounding set; without capabilities it gives nothing. */
    size_t n = G_N_ELEMENTS(wanted) - (uid < DP_VM_UID_BASE ? 1 : 0);

    if (!check_user(status, "Uid", uid, error)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const char *line = status_line(status, wanted[i].name);
        guint64 value = line != NULL ? g_ascii_strtoull(line, NULL, (guint)wanted[i].base) : 99;

        if (value != wanted[i].value) {
            return dp_fail(error, DP_ERROR_REFUSED, "%s of the engine is %" G_GINT64_MODIFIER "x",
                           wanted[i].name, value);
        }
    }
    return true;
}

bool
dp_engine_verify(pid_t pid, uint32_t uid, GError **error)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/status", (int)pid);
    g_autofree char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL)) {
        return dp_fail(error, DP_ERROR_IO, "the engine's %s cannot be read", path);
    }
    return dp_engine_verify_text(text, uid, error);
}
