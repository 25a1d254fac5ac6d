/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apparmor.h"

#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define ENABLED            "sys/module/apparmor/parameters/enabled"
#define PROFILES           "sys/kernel/security/apparmor/profiles"
#define PROFILES_MAX_BYTES (1u << 20)

/* "directpath-qemu (enforce)", and what else an administrator may have made of it. */
static bool
is_ours(const char *line)
{
    return g_str_has_prefix(line, DP_APPARMOR_PROFILE " (");
}

DpApparmor
dp_apparmor_look(const DpRoot *root)
{
    g_autofree char *enabled = dp_file_read(root->fd, ENABLED, 16, NULL, NULL);
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;

    if (enabled == NULL || enabled[0] != 'Y') {
        return DP_APPARMOR_OFF;
    }
    text = dp_file_read(root->fd, PROFILES, PROFILES_MAX_BYTES, NULL, NULL);
    lines = g_strsplit(text != NULL ? text : "", "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        if (is_ours(*line)) {
            return DP_APPARMOR_PRESENT;
        }
    }
    return DP_APPARMOR_ABSENT;
}

DpApparmor
dp_apparmor_report(const DpRoot *root, const char *name, DpDiagList *diags)
{
    DpApparmor found = dp_apparmor_look(root);

    if (found == DP_APPARMOR_ABSENT) {
        dp_diags_add(diags, DP_DIAG_VM_NO_PROFILE, name,
                     "%s: AppArmor is on and has no profile %s: the engine runs without", name,
                     DP_APPARMOR_PROFILE);
    }
    return found;
}

/* Kernels before 5.8 have the file that all security modules share. */
bool
dp_apparmor_enter(void)
{
    static const char *const paths[] = {"/proc/thread-self/attr/apparmor/exec",
                                        "/proc/thread-self/attr/exec"};
    static const char word[] = "exec " DP_APPARMOR_PROFILE;
    int fd = -1;
    bool ok;

    for (size_t i = 0; i < G_N_ELEMENTS(paths) && fd < 0; i++) {
        fd = open(paths[i], O_WRONLY | O_CLOEXEC);
    }
    if (fd < 0) {
        return false;
    }
    ok = write(fd, word, sizeof word - 1) == (ssize_t)sizeof word - 1;
    {
        int saved = errno;

        (void)close(fd);
        errno = saved;
    }
    return ok;
}

bool
dp_apparmor_verify_text(const char *label, GError **error)
{
    g_autofree char *shown = NULL;

    if (is_ours(label)) {
        return true;
    }
    shown = dp_text_visible(label, -1);
    return dp_fail(error, DP_ERROR_REFUSED, "AppArmor's profile of the engine is %s, not %s",
                   g_strstrip(shown), DP_APPARMOR_PROFILE);
}

bool
dp_apparmor_verify(pid_t pid, GError **error)
{
    static const char *const names[] = {"attr/apparmor/current", "attr/current"};
    g_autofree char *text = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(names) && text == NULL; i++) {
        g_autofree char *path = g_strdup_printf("/proc/%d/%s", (int)pid, names[i]);

        (void)g_file_get_contents(path, &text, NULL, NULL);
    }
    return text != NULL
               ? dp_apparmor_verify_text(text, error)
               : dp_fail(error, DP_ERROR_IO, "AppArmor's profile of the engine cannot be read");
}
