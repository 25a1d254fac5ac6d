/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "files.h"

#include "base/text.h"
#include "build.h"
#include "kept.h"
#include "vmdk.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define ISO_DESCRIPTOR 0x8001 /* sector 16, after the type byte */

bool
dp_file_inside(const char *path, const char *folder)
{
    size_t n = strlen(folder);

    return strncmp(path, folder, n) == 0 && (path[n] == '/' || (n > 0 && folder[n - 1] == '/'));
}

bool
dp_file_is_iso(const char *bytes, size_t len)
{
    static const char *const marks[] = {"CD001", "BEA01", "NSR02", "NSR03"};

    for (size_t i = 0; i < G_N_ELEMENTS(marks); i++) {
        if (len >= ISO_DESCRIPTOR + 5 && memcmp(bytes + ISO_DESCRIPTOR, marks[i], 5) == 0) {
            return true;
        }
    }
    return false;
}

static char *
real_path(const char *path)
{
    char *resolved = realpath(path, NULL);
    char *copy = g_strdup(resolved);

    free(resolved);
    return copy;
}

static bool
acceptable_name(const char *name)
{
    return name[0] != '\0' && strlen(name) < PATH_MAX && !dp_text_has_control(name) &&
           !dp_path_climbs(name);
}

/* The path of @key's value and the folder around it, or NULL after a diagnostic. Relative names
 * start at the VMX's folder. */
static char *
value_path(DpBuild *build, const char *key, char **ret_inside)
{
    const DpVmxEntry *entry = dp_vmx_lookup(build->vmx, key);
    const char *name = entry == NULL ? "" : dp_build_utf8(build, key);

    if (acceptable_name(name)) {
        g_autofree char *path =
            name[0] == '/' ? g_strdup(name) : g_build_filename(build->folder, name, NULL);

        return dp_build_site(build, key, path, ret_inside);
    }
    if (entry == NULL || name[0] == '\0') {
        dp_build_diag(build, DP_DIAG_VMX_FILE_NAME, key, "%s is missing or empty", key);
    } else {
        g_autofree char *shown = dp_text_visible(entry->shown, -1);

        dp_build_diag(
            build, DP_DIAG_VMX_FILE_NAME, key,
            "%s = \"%s\" is no name of a file here: \"..\" and control characters are not accepted",
            key, shown);
    }
    return NULL;
}

int
dp_build_add_file(DpBuild *build, DpVmFile file)
{
    file.fdset = (int)build->plan->files->len + 1;
    g_array_append_val(build->plan->files, file);
    return file.fdset;
}

static int
add_file(DpBuild *build, const char *path, DpVmFileKind kind, bool writable, uint64_t size)
{
    return dp_build_add_file(
        build,
        (DpVmFile){.path = g_strdup(path), .writable = writable, .kind = kind, .size = size});
}

static char *
head_of(DpBuild *build, const char *key, const char *path, size_t *ret_len)
{
    g_autoptr(GError) error = NULL;
    char *head = build->input->file_head(path, DP_VMDK_HEAD, ret_len, &error);
    g_autofree char *shown = NULL;

    if (head == NULL) {
        bool missing = g_error_matches(error, DP_ERROR, DP_ERROR_NOT_FOUND);

        shown = dp_text_visible(error->message, -1);
        dp_build_diag(build, missing ? DP_DIAG_VMX_FILE_MISSING : DP_DIAG_VMX_FILE_UNREADABLE, key,
                      "%s: %s", key, shown);
    }
    return head;
}

/* The file of @extent beside the descriptor @path; 0 after a diagnostic. */
static int
add_extent(
    DpBuild *build, const char *key, const char *path, const DpVmdkExtent *extent, bool writable)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *file = g_build_filename(folder, extent->name, NULL);
    g_autofree char *shown = dp_text_visible(file, -1);
    g_autofree char *head = NULL;
    size_t len = 0;
    DpVmFile *added;
    int fdset;

    if (!dp_kept_check_name(build, key, file)) {
        return 0;
    }
    if (g_file_test(file, G_FILE_TEST_IS_SYMLINK)) {
        dp_build_diag(build, DP_DIAG_VMX_DISK_EXTENT, key,
                      "%s: %s is a link, and an extent is a file in the folder of the disk", key,
                      shown);
        return 0;
    }
    head = head_of(build, key, file, &len);
    if (head == NULL) {
        return 0;
    }
    if (!extent->flat && !dp_vmdk_is_extent(head, len)) {
        dp_build_diag(build, DP_DIAG_VMX_DISK_KIND, key,
                      "%s: %s is no extent of a disk, or has no capacity", key, shown);
        return 0;
    }
    fdset = add_file(build, file, extent->flat ? DP_VM_FILE_FLAT : DP_VM_FILE_EXTENT, writable,
                     extent->sectors * 512);
    added = &g_array_index(build->plan->files, DpVmFile, build->plan->files->len - 1);
    added->descriptor = g_path_get_basename(path);
    added->least = extent->flat ? extent->sectors * 512 : dp_vmdk_least(head, len);
    return fdset;
}

/* QEMU puts the files together by a descriptor of ours, in which each is a descriptor that it has.
 * What it writes there, a new CID, is not kept: no snapshot refers to it. */
static bool
split_image(DpBuild *build,
            const char *key,
            const char *path,
            const GArray *extents,
            bool writable,
            DpImage *ret_image)
{
    g_autoptr(GString) text =
        g_string_new("# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\n");

    g_string_append_printf(text, "createType=\"%s\"\n",
                           g_array_index(extents, DpVmdkExtent, 0).flat ? "twoGbMaxExtentFlat"
                                                                        : "twoGbMaxExtentSparse");
    for (guint i = 0; i < extents->len; i++) {
        const DpVmdkExtent *extent = &g_array_index(extents, DpVmdkExtent, i);
        int fdset = add_extent(build, key, path, extent, writable);

        if (fdset == 0) {
            return false;
        }
        g_string_append_printf(text, "RW %" G_GUINT64_FORMAT " %s \"/dev/fdset/%d\"%s\n",
                               extent->sectors, extent->flat ? "FLAT" : "SPARSE", fdset,
                               extent->flat ? " 0" : "");
    }
    ret_image->fdset = add_file(build, path, DP_VM_FILE_TEXT, writable, 0);
    g_array_index(build->plan->files, DpVmFile, build->plan->files->len - 1).text =
        g_string_free(g_steal_pointer(&text), FALSE);
    return true;
}

static bool
flat_image(DpBuild *build,
           const char *key,
           const char *path,
           const DpVmdk *vmdk,
           bool writable,
           DpImage *ret_image)
{
    DpVmdkExtent extent = {.sectors = vmdk->size / 512, .flat = true};

    g_strlcpy(extent.name, vmdk->extent, sizeof extent.name);
    ret_image->fdset = add_extent(build, key, path, &extent, writable);
    return ret_image->fdset != 0;
}

static bool
disk_image(DpBuild *build, const char *key, const char *path, bool writable, DpImage *ret_image)
{
    g_autofree char *head = NULL, *why = NULL, *shown = NULL;
    g_autoptr(GArray) extents = g_array_new(FALSE, FALSE, sizeof(DpVmdkExtent));
    DpVmdk vmdk = {.kind = DP_VMDK_SPARSE};
    size_t len = 0;
    DpDiagId id;

    if (build->input->file_head != NULL) {
        head = head_of(build, key, path, &len);
        if (head == NULL) {
            return false;
        }
        if (!dp_vmdk_parse_extents(head, len, &vmdk, extents, &id, &why)) {
            shown = dp_text_visible(path, -1);
            dp_build_diag(build, id, key, "%s: %s cannot be used: %s", key, shown, why);
            return false;
        }
    }
    ret_image->driver = vmdk.kind == DP_VMDK_FLAT ? "raw" : "vmdk";
    ret_image->size = vmdk.size;
    ret_image->read_only = vmdk.kind == DP_VMDK_STREAM;
    writable = writable && !ret_image->read_only;
    if (vmdk.kind == DP_VMDK_FLAT) {
        return flat_image(build, key, path, &vmdk, writable, ret_image);
    }
    if (vmdk.kind == DP_VMDK_SPLIT) {
        return split_image(build, key, path, extents, writable, ret_image);
    }
    ret_image->fdset = add_file(build, path, DP_VM_FILE_VMDK, writable, 0);
    g_array_index(build->plan->files, DpVmFile, build->plan->files->len - 1).least =
        head != NULL ? dp_vmdk_least(head, len) : 0;
    return true;
}

static bool
raw_image(DpBuild *build, const char *key, const char *path, DpVmFileKind kind, DpImage *ret_image)
{
    g_autofree char *head = NULL, *real = NULL, *shown = NULL;
    size_t len = 0;

    if (build->input->file_head != NULL) {
        head = head_of(build, key, path, &len);
        if (head == NULL) {
            return false;
        }
        real = real_path(path);
        if (real != NULL && !dp_file_inside(real, build->folder) && !dp_file_is_iso(head, len)) {
            shown = dp_text_visible(path, -1);
            dp_build_diag(build, DP_DIAG_VMX_FILE_KIND, key,
                          "%s: %s is no CD image, and not in the folder of the VM", key, shown);
            return false;
        }
    }
    ret_image->driver = "raw";
    ret_image->read_only = true;
    ret_image->fdset = add_file(build, path, kind, false, 0);
    return true;
}

static bool
output_file(DpBuild *build, const char *key, const char *path, DpImage *ret_image)
{
    g_autofree char *dir = g_path_get_dirname(path);
    g_autofree char *real = real_path(dir);
    g_autofree char *shown = NULL;

    if (real != NULL && strcmp(real, build->folder) != 0 && !dp_file_inside(real, build->folder)) {
        shown = dp_text_visible(path, -1);
        dp_build_diag(build, DP_DIAG_VMX_FILE_NAME, key,
                      "%s: %s is not in the folder of the VM, and nothing is written elsewhere",
                      key, shown);
        return false;
    }
    ret_image->fdset = add_file(build, path, DP_VM_FILE_OUTPUT, true, 0);
    return true;
}

static bool
image_of(DpBuild *build,
         const char *key,
         const char *path,
         DpVmFileKind kind,
         bool writable,
         DpImage *ret_image)
{
    switch (kind) {
    case DP_VM_FILE_VMDK:
    case DP_VM_FILE_FLAT:
    case DP_VM_FILE_EXTENT:
    case DP_VM_FILE_TEXT:
        return disk_image(build, key, path, writable, ret_image);
    case DP_VM_FILE_ISO:
    case DP_VM_FILE_FLOPPY:
        return raw_image(build, key, path, kind, ret_image);
    case DP_VM_FILE_OUTPUT:
        return output_file(build, key, path, ret_image);
    case DP_VM_FILE_FIRMWARE:
    case DP_VM_FILE_EFI_VARS:
        return false; /* no key names them */
    }
    return false;
}

bool
dp_build_image(
    DpBuild *build, const char *key, DpVmFileKind kind, bool writable, DpImage *ret_image)
{
    g_autofree char *inside = NULL;
    g_autofree char *path = value_path(build, key, &inside);
    guint before = build->plan->files->len;

    memset(ret_image, 0, sizeof *ret_image);
    if (path == NULL || !dp_kept_check_name(build, key, path) ||
        !image_of(build, key, path, kind, writable, ret_image)) {
        return false;
    }
    for (guint i = before; i < build->plan->files->len; i++) {
        DpVmFile *file = &g_array_index(build->plan->files, DpVmFile, i);

        file->inside = g_strdup(inside);
        file->key = g_strdup(key);
    }
    return true;
}

void
dp_build_blockdev(DpBuild *build, const char *node, const DpImage *image, bool writable)
{
    g_autofree char *below = g_strdup_printf("%s-file", node);
    g_autofree char *path = g_strdup_printf("/dev/fdset/%d", image->fdset);
    bool read_only = !writable || image->read_only;
    json_t *file = json_pack("{s:s, s:s, s:s, s:b}", "driver", "file", "node-name", below,
                             "filename", path, "read-only", read_only);
    json_t *top = json_pack("{s:s, s:s, s:s, s:b}", "driver", image->driver, "node-name", node,
                            "file", below, "read-only", read_only);

    if (image->size != 0) {
        (void)json_object_set_new(top, "size", json_integer((json_int_t)image->size));
    } else if (strcmp(image->driver, "vmdk") == 0) {
        (void)json_object_set_new(top, "backing", json_null()); /* no parent, whatever it says */
    }
    (void)json_array_append_new(build->blockdevs, file);
    (void)json_array_append_new(build->blockdevs, top);
}
