/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "module.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define MODPROBE_TIMEOUT_MS 20000

/* By absolute path: an administrator's PATH is not to be trusted here. */
static const char *const modprobe_paths[] = {"/usr/sbin/modprobe", "/sbin/modprobe"};

static int
start_modprobe(const char *module, pid_t *ret_pid)
{
    char *const argv[] = {(char *)"modprobe", (char *)"--", (char *)module, NULL};
    char *const envp[] = {(char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
    int r = ENOENT;

    for (size_t i = 0; i < G_N_ELEMENTS(modprobe_paths) && r == ENOENT; i++) {
        r = posix_spawn(ret_pid, modprobe_paths[i], NULL, NULL, argv, envp);
    }
    return -r;
}

/* The exit status, or -errno. */
static int
wait_for(pid_t pid, int timeout_ms)
{
    int status;

    for (int waited = 0; waited <= timeout_ms; waited += 10) {
        pid_t r = waitpid(pid, &status, WNOHANG);

        if (r == pid) {
            return WIFEXITED(status) ? WEXITSTATUS(status) : -ECHILD;
        }
        if (r < 0 && errno != EINTR) {
            return -errno;
        }
        g_usleep(10000);
    }
    (void)kill(pid, SIGKILL);
    return -ETIMEDOUT;
}

bool
dp_module_load(const char *module, GError **error)
{
    pid_t pid;
    int r = start_modprobe(module, &pid);

    if (r == 0) {
        r = wait_for(pid, MODPROBE_TIMEOUT_MS);
    }
    if (r < 0) {
        return dp_fail_errno(error, -r, "cannot run modprobe %s", module);
    }
    if (r > 0) {
        return dp_fail(error, DP_ERROR_IO, "modprobe %s ended with status %d: no such module?",
                       module, r);
    }
    return true;
}
