/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "newfile.h"

#include "base/text.h"
#include "output.h"
#include "verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

/* The file appears under its name only when it is whole. What lies in the place of its first part
 * is not written into: in a folder for all, somebody else may have put it there. */
static bool
write_whole(const char *path, DpNewFileWrite write, void *data, GError **error)
{
    g_autofree char *part = g_strdup_printf("%s.part", path);
    dp_autofd int fd = -1;

    (void)unlink(part);
    fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return dp_fail_errno(error, errno, "%s", part);
    }
    if (!write(fd, data, error)) {
        (void)unlink(part);
        return false;
    }
    if (fsync(fd) < 0 || rename(part, path) < 0) {
        (void)dp_fail_errno(error, errno, "%s", path);
        (void)unlink(part);
        return false;
    }
    return true;
}

bool
dp_newfile_write(DpCli *cli, const DpRoot *root, DpNewFileWrite write, void *data, GError **error)
{
    const char *path = dp_cli_arg(cli, 0);
    g_autofree char *shown = dp_text_visible(path, -1);
    g_autofree char *size = NULL;
    struct stat st;

    if (!write_whole(path, write, data, error)) {
        return false;
    }
    if (stat(path, &st) < 0) {
        return dp_fail_errno(error, errno, "%s", shown);
    }
    if (root->live && geteuid() != 0) {
        dp_diags_add(cli->diags, DP_DIAG_CAPTURE_PARTIAL, shown,
                     "an ordinary user reads 64 bytes of each configuration space");
    }
    size = dp_size_text((uint64_t)st.st_size);
    json_object_set_new(cli->doc, "file", dp_json_text(path));
    json_object_set_new(cli->doc, "bytes", json_integer((json_int_t)st.st_size));
    dp_out(cli, "%s: %s. Unpack it into a folder and give that to --root.", shown, size);
    return true;
}
