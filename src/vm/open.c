/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM's files opened for QEMU: what was planned is what is handed over. */
#include "base/file.h"
#include "base/text.h"
#include "files.h"
#include "firmware.h"
#include "vmdk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* @name beneath the folder @dir (AT_FDCWD: a path); @path is what messages call it. */
static int
open_regular_at(int dir, const char *name, const char *path, int flags, GError **error)
{
    dp_autofd int fd = openat(dir, name, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
    struct stat st;

    if (fd < 0) {
        int err = errno;
        g_autofree char *shown = dp_text_visible(path, -1);

        if (err == ENOENT || err == ENOTDIR) {
            return dp_fail(error, DP_ERROR_NOT_FOUND, "%s is not there", shown), -1;
        }
        return dp_fail_errno(error, err, "cannot open %s", shown), -1;
    }
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        g_autofree char *shown = dp_text_visible(path, -1);

        return dp_fail(error, DP_ERROR_REFUSED, "%s is no regular file", shown), -1;
    }
    return dp_steal_fd(&fd);
}

static int
open_regular(const char *path, int flags, GError **error)
{
    return open_regular_at(AT_FDCWD, path, path, flags, error);
}

static char *
read_head(int fd, size_t max, size_t *ret_len, GError **error)
{
    g_autofree char *bytes = g_malloc(max + 1);
    size_t len = 0;

    while (len < max) {
        ssize_t n = pread(fd, bytes + len, max - len, (off_t)len);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return dp_fail_errno(error, errno, "cannot read"), NULL;
        }
        if (n == 0) {
            break;
        }
        len += (size_t)n;
    }
    bytes[len] = '\0';
    *ret_len = len;
    return g_steal_pointer(&bytes);
}

char *
dp_vm_file_head(const char *path, size_t max, size_t *ret_len, GError **error)
{
    dp_autofd int fd = open_regular(path, O_RDONLY, error);

    return fd >= 0 ? read_head(fd, max, ret_len, error) : NULL;
}

/* Where a descriptor leads, without links. */
static char *
real_of(int fd)
{
    g_autofree char *self = g_strdup_printf("/proc/self/fd/%d", fd);

    return g_file_read_link(self, NULL);
}

/* @fd is where the plan found it: in the folder of the VM, or in the datastore. */
static bool
check_inside(int fd, const DpVmFile *file, const char *folder, GError **error)
{
    g_autofree char *real = real_of(fd);
    const char *around = file->inside != NULL ? file->inside : folder;

    return (real != NULL && (strcmp(real, around) == 0 || dp_file_inside(real, around))) ||
           dp_fail(error, DP_ERROR_REFUSED, "%s does not lie in %s", file->path, around);
}

/* A disk or an image that QEMU may see: of the kind that was planned. */
static bool
recheck(int fd, const DpVmFile *file, const char *folder, GError **error)
{
    g_autofree char *real = real_of(fd);
    g_autofree char *head = NULL, *why = NULL;
    size_t len = 0;
    DpVmdk vmdk;
    DpDiagId id;

    head = read_head(fd, DP_VMDK_HEAD, &len, error);
    if (head == NULL) {
        return false;
    }
    if (file->kind == DP_VM_FILE_VMDK) {
        if (!dp_vmdk_parse(head, len, &vmdk, &id, &why) || vmdk.kind == DP_VMDK_FLAT ||
            vmdk.kind == DP_VMDK_SPLIT) {
            return dp_fail(error, DP_ERROR_REFUSED, "%s is not the disk that was planned",
                           file->path);
        }
        return true;
    }
    return (real != NULL && dp_file_inside(real, folder)) || dp_file_is_iso(head, len) ||
           dp_fail(error, DP_ERROR_REFUSED, "%s is no CD image", file->path);
}

static bool
names_extent(const DpVmdk *vmdk, const GArray *extents, const char *name, uint64_t size)
{
    if (vmdk->kind == DP_VMDK_FLAT) {
        return strcmp(vmdk->extent, name) == 0 && vmdk->size == size;
    }
    for (guint i = 0; vmdk->kind == DP_VMDK_SPLIT && i < extents->len; i++) {
        const DpVmdkExtent *extent = &g_array_index(extents, DpVmdkExtent, i);

        if (strcmp(extent->name, name) == 0 && extent->sectors * 512 == size) {
            return true;
        }
    }
    return false;
}

/* The descriptor beside the extent @name must still name it: any other file of any folder could
 * have come into its place. */
static bool
check_extent(int dir, const char *name, const DpVmFile *file, GError **error)
{
    dp_autofd int fd = open_regular_at(dir, file->descriptor, file->descriptor, O_RDONLY, error);
    g_autofree char *head = NULL, *why = NULL;
    g_autoptr(GArray) extents = g_array_new(FALSE, FALSE, sizeof(DpVmdkExtent));
    size_t len = 0;
    DpVmdk vmdk;
    DpDiagId id;

    head = fd >= 0 ? read_head(fd, DP_VMDK_HEAD, &len, error) : NULL;
    if (head == NULL) {
        return false;
    }
    if (!dp_vmdk_parse_extents(head, len, &vmdk, extents, &id, &why) ||
        !names_extent(&vmdk, extents, name, file->size)) {
        return dp_fail(error, DP_ERROR_REFUSED, "%s is not the disk that was planned", file->path);
    }
    return true;
}

static bool
check_sparse(int fd, const DpVmFile *file, GError **error)
{
    size_t len = 0;
    g_autofree char *head = read_head(fd, DP_VMDK_HEAD, &len, error);

    return head != NULL &&
           (dp_vmdk_is_extent(head, len) ||
            dp_fail(error, DP_ERROR_REFUSED, "%s is no extent of a disk", file->path));
}

/* Text in memory that QEMU reads as a file. */
static int
open_text(const DpVmFile *file, GError **error)
{
    size_t len = file->text != NULL ? strlen(file->text) : 0;
    dp_autofd int fd = memfd_create("directpath-vmdk", MFD_CLOEXEC);

    if (len == 0) {
        return dp_fail(error, DP_ERROR_REFUSED, "%s has no text", file->path), -1;
    }
    if (fd < 0 || write(fd, file->text, len) != (ssize_t)len) {
        return dp_fail_errno(error, errno, "%s: cannot make its descriptor", file->path), -1;
    }
    return dp_steal_fd(&fd);
}

static bool
check_output_folder(int dir, const DpVmFile *file, const char *folder, GError **error)
{
    g_autofree char *real = real_of(dir);

    return (real != NULL && (strcmp(real, folder) == 0 || dp_file_inside(real, folder))) ||
           dp_fail(error, DP_ERROR_REFUSED, "%s is not in the folder of the VM", file->path);
}

/* What is written to has one name only: by another one it could be anybody's file. */
static bool
check_single(int fd, const DpVmFile *file, GError **error)
{
    struct stat st;

    return (fstat(fd, &st) == 0 && st.st_nlink == 1) ||
           dp_fail(error, DP_ERROR_REFUSED, "%s has a second name", file->path);
}

/* What the plan saw of a disk holds still. */
static bool
check_disk(int fd, const DpVmFile *file, GError **error)
{
    struct stat st;

    if (file->writable && !check_single(fd, file, error)) {
        return false;
    }
    return (fstat(fd, &st) == 0 && (uint64_t)st.st_size >= file->least) ||
           dp_fail(error, DP_ERROR_REFUSED, "%s is cut off", file->path);
}

/* Extents and outputs are files of one folder, never reached through a link of their own; the
 * folder is looked at before anything is opened or made in it. */
static int
open_in_folder(const DpVmFile *file, int flags, const char *folder, GError **error)
{
    g_autofree char *parent = g_path_get_dirname(file->path);
    g_autofree char *name = g_path_get_basename(file->path);
    dp_autofd int dir = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    dp_autofd int fd = -1;
    bool output = file->kind == DP_VM_FILE_OUTPUT;

    if (dir < 0) {
        return dp_fail_errno(error, errno, "cannot open the folder %s", parent), -1;
    }
    if (!(output
              ? check_output_folder(dir, file, folder, error)
              : check_inside(dir, file, folder, error) && check_extent(dir, name, file, error))) {
        return -1;
    }
    fd = open_regular_at(dir, name, file->path, flags | O_NOFOLLOW, error);
    if (fd < 0 || !(output ? check_single(fd, file, error) : check_disk(fd, file, error)) ||
        (file->kind == DP_VM_FILE_EXTENT && !check_sparse(fd, file, error))) {
        return -1;
    }
    return dp_steal_fd(&fd);
}

/* As much as the template has, and a volume of variables: firmware takes no other. */
static bool
check_vars(int fd, const DpVmFile *file, GError **error)
{
    g_autofree char *head = NULL;
    struct stat st, model;
    size_t len = 0;

    head = read_head(fd, DP_EFI_VARS_HEAD, &len, error);
    if (head == NULL) {
        return false;
    }
    return (fstat(fd, &st) == 0 && stat(file->made_from, &model) == 0 &&
            st.st_size == model.st_size && dp_efi_is_vars(head, len)) ||
           dp_fail(error, DP_ERROR_REFUSED, "%s holds no variables of this firmware", file->path);
}

static bool
make_vars(int dir, const char *name, const DpVmFile *file, GError **error)
{
    dp_autofd int model = open_regular(file->made_from, O_RDONLY, error);
    g_autofree char *bytes = NULL;
    size_t len = 0;

    bytes = model >= 0 ? read_head(model, DP_FILE_MAX, &len, error) : NULL;
    return bytes != NULL && dp_file_replace(dir, name, bytes, len, 0600, error);
}

/* EFI's variables: a file of its own in the folder of the VM, the template's content the first
 * time. */
static int
open_vars(const DpVmFile *file, const char *folder, GError **error)
{
    g_autofree char *name = g_path_get_basename(file->path);
    dp_autofd int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    dp_autofd int fd = -1;
    struct stat st;

    if (dir < 0) {
        return dp_fail_errno(error, errno, "cannot open the folder %s", folder), -1;
    }
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT &&
        !make_vars(dir, name, file, error)) {
        return -1;
    }
    fd = open_regular_at(dir, name, file->path, O_RDWR | O_NOFOLLOW, error);
    if (fd < 0 || !check_single(fd, file, error) || !check_vars(fd, file, error)) {
        return -1;
    }
    return dp_steal_fd(&fd);
}

static int
open_firmware(const DpVmFile *file, const char *folder, GError **error)
{
    dp_autofd int fd = open_regular(file->path, O_RDONLY, error);

    return fd >= 0 && check_inside(fd, file, folder, error) ? dp_steal_fd(&fd) : -1;
}

static int
open_checked(const DpVmFile *file, const char *folder, GError **error)
{
    dp_autofd int fd = open_regular(file->path, file->writable ? O_RDWR : O_RDONLY, error);

    return fd >= 0 && check_inside(fd, file, folder, error) && recheck(fd, file, folder, error) &&
                   (file->kind != DP_VM_FILE_VMDK || check_disk(fd, file, error))
               ? dp_steal_fd(&fd)
               : -1;
}

int
dp_file_open_for_vm(const DpVmFile *file, const char *folder, GError **error)
{
    dp_autofd int fd = -1;

    if (file->kind == DP_VM_FILE_OUTPUT) {
        fd = open_in_folder(file, O_WRONLY | O_CREAT | O_APPEND, folder, error);
    } else if (file->kind == DP_VM_FILE_TEXT) {
        fd = open_text(file, error);
    } else if (file->kind == DP_VM_FILE_FIRMWARE) {
        fd = open_firmware(file, folder, error);
    } else if (file->kind == DP_VM_FILE_EFI_VARS) {
        fd = open_vars(file, folder, error);
    } else if (file->kind == DP_VM_FILE_FLAT || file->kind == DP_VM_FILE_EXTENT) {
        fd = open_in_folder(file, file->writable ? O_RDWR : O_RDONLY, folder, error);
    } else {
        fd = open_checked(file, folder, error);
    }
    if (fd < 0) {
        return -1;
    }
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK) < 0) {
        return dp_fail_errno(error, errno, "cannot open %s", file->path), -1;
    }
    return dp_steal_fd(&fd);
}
