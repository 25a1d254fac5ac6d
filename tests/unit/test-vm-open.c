/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is handed to the engine when a VM's folder is not what it was, or comes from a stranger. */
#include "vm/files.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#define DESCRIPTOR                                                                                 \
    "# Disk DescriptorFile\nversion=1\nparentCID=ffffffff\ncreateType=\"monolithicFlat\"\n"

typedef struct {
    char *base, *folder, *outside; /* the VM's folder, and one beside it */
    GError *error;
} Place;

static char *
path_in(const char *folder, const char *name)
{
    return g_build_filename(folder, name, NULL);
}

static void
put(const char *folder, const char *name, const char *text)
{
    g_autofree char *path = path_in(folder, name);

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void
put_link(const char *folder, const char *name, const char *target)
{
    g_autofree char *path = path_in(folder, name);

    (void)g_unlink(path);
    g_assert_cmpint(symlink(target, path), ==, 0);
}

static void
set_up(Place *place, gconstpointer unused)
{
    g_autofree char *made = g_dir_make_tmp("dp-open-XXXXXX", NULL);

    (void)unused;
    place->base = realpath(made, NULL);
    place->folder = path_in(place->base, "vm");
    place->outside = path_in(place->base, "outside");
    g_assert_cmpint(g_mkdir(place->folder, 0755), ==, 0);
    g_assert_cmpint(g_mkdir(place->outside, 0755), ==, 0);
    put(place->outside, "shadow", "root:secret\n");
    put(place->folder, "disk.vmdk", DESCRIPTOR "RW 1 FLAT \"disk-flat.vmdk\" 0\n");
    put(place->folder, "disk-flat.vmdk", "data\n");
}

static void
remove_tree(const char *path)
{
    g_autoptr(GDir) dir =
        g_file_test(path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open(path, 0, NULL);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *child = path_in(path, name);

        remove_tree(child);
    }
    (void)g_remove(path);
}

static void
tear_down(Place *place, gconstpointer unused)
{
    (void)unused;
    remove_tree(place->base);
    free(place->base);
    g_free(place->folder);
    g_free(place->outside);
    g_clear_error(&place->error);
}

/* "FOLDER/NAME" as a plan would have it. */
static bool
opens(Place *place, const char *name, DpVmFileKind kind)
{
    g_autofree char *path = path_in(place->folder, name);
    DpVmFile file = {.path = path, .writable = true, .fdset = 1, .kind = kind, .size = 512};
    g_autofree char *descriptor = g_strdup("disk.vmdk");
    dp_autofd int fd = -1;

    if (kind == DP_VM_FILE_FLAT || kind == DP_VM_FILE_EXTENT) {
        file.descriptor = descriptor;
    }
    g_clear_error(&place->error);
    fd = dp_file_open_for_vm(&file, place->folder, &place->error);
    return fd >= 0;
}

static void
refused(Place *place, const char *name, DpVmFileKind kind)
{
    g_assert_false(opens(place, name, kind));
    g_assert_nonnull(place->error);
}

static void
test_extent(Place *place, gconstpointer unused)
{
    (void)unused;
    g_assert_true(opens(place, "disk-flat.vmdk", DP_VM_FILE_FLAT));
}

static void
test_extent_is_a_link(Place *place, gconstpointer unused)
{
    (void)unused;
    put_link(place->folder, "disk-flat.vmdk", "../outside/shadow");
    refused(place, "disk-flat.vmdk", DP_VM_FILE_FLAT);
}

/* A second name, and a file that has become shorter than it was when it was planned. */
static void
test_extent_is_not_what_was_planned(Place *place, gconstpointer unused)
{
    g_autofree char *disk = path_in(place->folder, "disk-flat.vmdk");
    g_autofree char *other = path_in(place->outside, "backup");
    g_autofree char *descriptor = g_strdup("disk.vmdk");
    DpVmFile file = {
        .path = disk, .kind = DP_VM_FILE_FLAT, .size = 512, .least = 512, .descriptor = descriptor};

    (void)unused;
    g_assert_cmpint(dp_file_open_for_vm(&file, place->folder, &place->error), ==, -1);
    g_assert_nonnull(strstr(place->error->message, "is cut off"));
    g_assert_cmpint(link(disk, other), ==, 0);
    refused(place, "disk-flat.vmdk", DP_VM_FILE_FLAT);
    g_assert_nonnull(strstr(place->error->message, "has a second name"));
}

/* The folder that held descriptor and extent when it was planned leads elsewhere now. */
static void
test_folder_of_extent_replaced(Place *place, gconstpointer unused)
{
    (void)unused;
    put_link(place->folder, "disks", "../outside");
    refused(place, "disks/shadow", DP_VM_FILE_FLAT);
}

static void
test_descriptor_names_another(Place *place, gconstpointer unused)
{
    (void)unused;
    put(place->folder, "other", "x");
    refused(place, "other", DP_VM_FILE_FLAT);
}

static void
test_output(Place *place, gconstpointer unused)
{
    (void)unused;
    g_assert_true(opens(place, "serial.txt", DP_VM_FILE_OUTPUT));
    g_assert_true(opens(place, "serial.txt", DP_VM_FILE_OUTPUT));
}

static void
test_output_elsewhere_is_not_even_made(Place *place, gconstpointer unused)
{
    g_autofree char *made = path_in(place->outside, "serial.txt");

    (void)unused;
    put_link(place->folder, "out", "../outside");
    refused(place, "out/serial.txt", DP_VM_FILE_OUTPUT);
    g_assert_false(g_file_test(made, G_FILE_TEST_EXISTS));
    put_link(place->folder, "serial.txt", "../outside/shadow");
    refused(place, "serial.txt", DP_VM_FILE_OUTPUT);
}

static void
test_output_with_a_second_name(Place *place, gconstpointer unused)
{
    g_autofree char *secret = path_in(place->outside, "shadow");
    g_autofree char *name = path_in(place->folder, "serial.txt");

    (void)unused;
    g_assert_cmpint(link(secret, name), ==, 0);
    refused(place, "serial.txt", DP_VM_FILE_OUTPUT);
}

/* A disk is taken only from where the plan found it, links or not. */
static void
test_disk_elsewhere(Place *place, gconstpointer unused)
{
    (void)unused;
    put_link(place->folder, "link.iso", "../outside/shadow");
    refused(place, "link.iso", DP_VM_FILE_ISO);
    refused(place, "link.iso", DP_VM_FILE_VMDK);
    g_assert_nonnull(strstr(place->error->message, "does not lie in"));
}

/* An extent without a capacity would make QEMU believe the descriptor inside it. */
static void
test_split_disk(Place *place, gconstpointer unused)
{
    g_autofree char *extent = path_in(place->folder, "disk-s001.vmdk");
    char head[512] = "KDMV\1";

    (void)unused;
    put(place->folder, "disk.vmdk",
        "# Disk DescriptorFile\nparentCID=ffffffff\ncreateType=\"twoGbMaxExtentSparse\"\n"
        "RW 1 SPARSE \"disk-s001.vmdk\"\n");
    g_assert_true(g_file_set_contents(extent, head, sizeof head, NULL));
    refused(place, "disk-s001.vmdk", DP_VM_FILE_EXTENT);
    head[12] = 1;
    g_assert_true(g_file_set_contents(extent, head, sizeof head, NULL));
    g_assert_true(opens(place, "disk-s001.vmdk", DP_VM_FILE_EXTENT));
    refused(place, "disk-flat.vmdk", DP_VM_FILE_EXTENT);
    put_link(place->folder, "disk-s001.vmdk", "../outside/shadow");
    refused(place, "disk-s001.vmdk", DP_VM_FILE_EXTENT);
}

static void
test_no_files(Place *place, gconstpointer unused)
{
    g_autofree char *fifo = path_in(place->folder, "fifo");

    (void)unused;
    g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
    for (DpVmFileKind kind = DP_VM_FILE_VMDK; kind <= DP_VM_FILE_OUTPUT; kind++) {
        refused(place, "fifo", kind);
    }
}

#define ADD(path, func) g_test_add(path, Place, NULL, set_up, func, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/open/extent", test_extent);
    ADD("/open/extent/link", test_extent_is_a_link);
    ADD("/open/extent/changed", test_extent_is_not_what_was_planned);
    ADD("/open/extent/folder", test_folder_of_extent_replaced);
    ADD("/open/extent/other", test_descriptor_names_another);
    ADD("/open/output", test_output);
    ADD("/open/output/elsewhere", test_output_elsewhere_is_not_even_made);
    ADD("/open/output/link", test_output_with_a_second_name);
    ADD("/open/disk/elsewhere", test_disk_elsewhere);
    ADD("/open/disk/split", test_split_disk);
    ADD("/open/no-files", test_no_files);
    return g_test_run();
}
