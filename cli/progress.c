/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A process, not a thread: what runs beside it forks, and a fork in a program with threads is a
 * trap. It holds none of our descriptors and dies with us. */
#include "output.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct DpProgress {
    pid_t pid;
};

static G_NORETURN void
tell(const char *what, pid_t parent)
{
    unsigned waited = 1;
    char line[512];

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)signal(SIGTERM, SIG_DFL);
    for (int fd = 3; fd < 256; fd++) {
        (void)close(fd);
    }
    (void)sleep(1);
    while (getppid() == parent) {
        int len = g_snprintf(line, sizeof line, "directpath: %s (%u s)\n", what, waited);

        if (write(STDERR_FILENO, line, MIN((size_t)len, sizeof line - 1)) < 0) {
            break;
        }
        (void)sleep(5);
        waited += 5;
    }
    _exit(0);
}

DpProgress *
dp_progress_begin(const DpCli *cli, const char *what)
{
    DpProgress *progress;
    pid_t parent = getpid();
    pid_t pid;

    if (dp_options_have(cli->options, DP_OPT_QUIET) || dp_options_have(cli->options, DP_OPT_JSON)) {
        return NULL;
    }
    (void)fflush(NULL);
    pid = fork();
    if (pid == 0) {
        tell(what, parent);
    }
    if (pid < 0) {
        return NULL; /* no progress is no reason to stop */
    }
    progress = g_new0(DpProgress, 1);
    progress->pid = pid;
    return progress;
}

void
dp_progress_end(DpProgress *progress)
{
    if (progress == NULL) {
        return;
    }
    (void)kill(progress->pid, SIGKILL);
    (void)waitpid(progress->pid, NULL, 0);
    g_free(progress);
}
