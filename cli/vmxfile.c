/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmxfile.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

void
dp_vmx_file_free(DpVmxFile *file)
{
    if (file == NULL) {
        return;
    }
    dp_vmx_free(file->vmx);
    g_free(file->path);
    g_free(file);
}

/* At most one byte more than the limit: a file that grows while it is read is seen to be too much.
 */
static GByteArray *
read_bounded(int fd)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    guint8 block[65536];

    while (bytes->len <= DP_VMX_MAX_BYTES) {
        size_t room = MIN(sizeof block, DP_VMX_MAX_BYTES + 1 - bytes->len);
        ssize_t n = read(fd, block, room);

        if (n == 0) {
            break;
        }
        if (n < 0 && errno != EINTR) {
            return NULL;
        }
        g_byte_array_append(bytes, block, n > 0 ? (guint)n : 0);
    }
    return g_steal_pointer(&bytes);
}

static bool
check_kind(const struct stat *st, const char *shown, DpDiagList *diags, GError **error)
{
    if (!S_ISREG(st->st_mode)) {
        return dp_fail(error, DP_ERROR_PARSE, "%s: it is no regular file", shown);
    }
    if (st->st_size > (off_t)DP_VMX_MAX_BYTES) {
        dp_diags_add(diags, DP_DIAG_VMX_TOO_LARGE, shown,
                     "the file has %lld bytes, and a VMX at most %u", (long long)st->st_size,
                     DP_VMX_MAX_BYTES);
        return dp_fail(error, DP_ERROR_PARSE, "%s: too large", shown);
    }
    return true;
}

static GByteArray *
read_file(const char *path, const char *shown, DpDiagList *diags, GError **error)
{
    dp_autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    GByteArray *bytes = NULL;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0) {
        (void)dp_fail_errno(error, errno, "%s", shown);
        return NULL;
    }
    if (!check_kind(&st, shown, diags, error)) {
        return NULL;
    }
    bytes = read_bounded(fd);
    if (bytes == NULL) {
        (void)dp_fail_errno(error, errno, "%s", shown);
    }
    return bytes;
}

DpVmxFile *
dp_vmx_file_load(const char *path, DpDiagList *diags, GError **error)
{
    g_autoptr(DpVmxFile) file = g_new0(DpVmxFile, 1);
    g_autofree char *shown = dp_text_visible(path, -1);
    g_autoptr(GByteArray) bytes = read_file(path, shown, diags, error);
    g_autofree char *name = g_path_get_basename(path);
    char *real;

    if (bytes == NULL) {
        return NULL;
    }
    real = realpath(path, NULL);
    if (real == NULL) {
        (void)dp_fail_errno(error, errno, "%s", shown);
        return NULL;
    }
    file->path = g_strdup(real);
    free(real);
    file->vmx = dp_vmx_parse(name, bytes->data != NULL ? (const char *)bytes->data : "", bytes->len,
                             diags, error);
    return file->vmx != NULL ? g_steal_pointer(&file) : NULL;
}
