/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scope.h"

#include "base/child.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define SYSTEMD_RUN "/usr/bin/systemd-run"
#define SYSTEMCTL   "/usr/bin/systemctl"
#define SUCCESSOR   "directpath-vm@"
#define GUARD       "directpath-vms.service"
#define PREFIX      "directpath-vm-"
#define TIMEOUT_MS  10000

#define CGROUP_MAX_BYTES (64u << 10)

/* sd_booted(3): systemd is the init of this host. */
static bool
has_systemd(const DpRoot *root)
{
    dp_autofd int fd =
        root->live ? dp_file_open(root->fd, "run/systemd/system", O_RDONLY | O_DIRECTORY) : -1;

    return fd >= 0;
}

/* Run by systemd-run as the first process of the scope: takes the others in and ends. */
static const char take_in[] =
    "procs=/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)/cgroup.procs; "
    "echo \"$1\" >\"$procs\" && echo \"$2\" >\"$procs\"";

char **
dp_scope_call(const DpRunState *state)
{
    /* Stopped in reverse order of starts: the guard first. */
    static const char *const rest[] = {"--quiet",
                                       "--scope",
                                       "--collect",
                                       "--slice=machine.slice",
                                       "--property=Before=" GUARD,
                                       "--property=Wants=" GUARD,
                                       "--",
                                       "/bin/sh",
                                       "-c",
                                       take_in,
                                       "sh"};
    GPtrArray *words = g_ptr_array_new();
    g_autofree char *shown = dp_text_visible(state->name, -1);

    g_ptr_array_add(words, g_strdup(SYSTEMD_RUN));
    g_ptr_array_add(words, g_strdup_printf("--unit=" PREFIX "%s.scope", state->id));
    g_ptr_array_add(words, g_strdup_printf("--description=Virtual machine %s", shown));
    for (size_t i = 0; i < G_N_ELEMENTS(rest); i++) {
        g_ptr_array_add(words, g_strdup(rest[i]));
    }
    g_ptr_array_add(words, g_strdup_printf("%d", (int)state->engine.pid));
    g_ptr_array_add(words, g_strdup_printf("%d", (int)state->supervisor.pid));
    g_ptr_array_add(words, NULL);
    return (char **)(void *)g_ptr_array_free(words, FALSE);
}

bool
dp_scope_make(DpRoot *root, const DpRunState *state, GError **error)
{
    g_auto(GStrv) words = NULL;
    int r;

    if (geteuid() != 0 || !has_systemd(root)) {
        return true;
    }
    words = dp_scope_call(state);
    r = dp_child_program((const char *const *)(void *)words, true, TIMEOUT_MS);
    if (r < 0) {
        return dp_fail_errno(error, -r, "cannot run " SYSTEMD_RUN);
    }
    return r == 0 ||
           dp_fail(error, DP_ERROR_IO,
                   "systemd made no unit for it: " SYSTEMD_RUN " ended with status %d", r);
}

/* Where systemd looks for units of packages and of the administrator. */
static bool
has_unit(const DpRoot *root)
{
    static const char *const folders[] = {"etc/systemd/system", "run/systemd/system",
                                          "usr/lib/systemd/system", "lib/systemd/system"};

    for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *path = g_strdup_printf("%s/%s.service", folders[i], SUCCESSOR);

        if (faccessat(root->fd, path, F_OK, 0) == 0) {
            return true;
        }
    }
    return false;
}

bool
dp_scope_succeed(DpRoot *root, const char *id, GError **error)
{
    g_autofree char *unit = g_strdup_printf(SUCCESSOR "%s.service", id);
    const char *const words[] = {SYSTEMCTL, "--quiet", "--no-block", "start", unit, NULL};
    int r;

    if (geteuid() != 0 || !has_systemd(root) || !has_unit(root)) {
        return true;
    }
    r = dp_child_program(words, true, TIMEOUT_MS);
    if (r < 0) {
        return dp_fail_errno(error, -r, "cannot run " SYSTEMCTL);
    }
    return r == 0 ||
           dp_fail(error, DP_ERROR_IO, SYSTEMCTL " start %s ended with status %d", unit, r);
}

char *
dp_scope_procs(const char *cgroups)
{
    g_auto(GStrv) lines = g_strsplit(cgroups, "\n", -1);

    for (char **line = lines; *line != NULL; line++) {
        const char *path = *line + strlen("0::/");

        if (g_str_has_prefix(*line, "0::/") && strstr(path, "/" PREFIX) != NULL &&
            !dp_path_climbs(path)) {
            return g_strdup_printf("sys/fs/cgroup/%s/cgroup.procs", path);
        }
    }
    return NULL;
}

void
dp_scope_join(DpRoot *root, pid_t engine)
{
    g_autofree char *record = g_strdup_printf("proc/%d/cgroup", (int)engine);
    g_autofree char *text =
        has_systemd(root) ? dp_file_read(root->fd, record, CGROUP_MAX_BYTES, NULL, NULL) : NULL;
    g_autofree char *procs = text != NULL ? dp_scope_procs(text) : NULL;
    char pid[16];

    if (procs != NULL) {
        (void)g_snprintf(pid, sizeof pid, "%d", (int)getpid());
        (void)root->write(root, procs, pid);
    }
}
