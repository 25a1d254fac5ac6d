/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "namedfile.h"

#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

char *
dp_named_file_read(const char *path, size_t max, size_t *ret_len, GError **error)
{
    g_autofree char *shown = dp_text_visible(path, -1);
    char *real = realpath(path, NULL);
    g_autofree char *folder = real != NULL ? g_path_get_dirname(real) : NULL;
    g_autofree char *name = real != NULL ? g_path_get_basename(real) : NULL;
    dp_autofd int fd = real != NULL ? open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

    if (fd < 0) {
        (void)dp_fail_errno(error, errno, "%s", shown);
        free(real);
        return NULL;
    }
    free(real);
    return dp_file_read(fd, name, max, ret_len, error);
}
