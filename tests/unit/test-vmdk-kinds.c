/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each kind of VMDK, made by qemu-img: written by QEMU through a plan's own block nodes and
 * descriptors, and read back by qemu-io from the disk as it lies there. */
#include "vm/build.h"
#include "vm/files.h"

#include <glib/gstdio.h>
#include <string.h>

#define SIZE "5G" /* three extents of 2 GiB at most */

typedef struct {
    const char *name, *subformat;
    bool writable;
    guint files;
} Kind;

static const Kind kinds[] = {
    {"sparse", "monolithicSparse", true, 1},
    {"flat", "monolithicFlat", true, 1},
    {"vmfs", "monolithicFlat", true, 1},
    {"split-sparse", "twoGbMaxExtentSparse", true, 4},
    {"split-flat", "twoGbMaxExtentFlat", true, 4},
    {"stream", "streamOptimized", false, 1},
};

static char *
run(const char *command, const char *folder)
{
    char *argv[] = {(char *)"sh", (char *)"-ec", (char *)(uintptr_t)command, NULL};
    g_autoptr(GError) error = NULL;
    char *out = NULL;
    int status;

    g_assert_true(g_spawn_sync(folder, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out, NULL,
                               &status, &error));
    if (status != 0) {
        g_error("%s: %s", command, out);
    }
    return out;
}

static void
make_disk(const Kind *kind, const char *folder)
{
    g_autofree char *command = NULL;
    char *out;

    if (kind->writable) {
        command = g_strdup_printf("qemu-img create -q -f vmdk -o subformat=%s a.vmdk " SIZE,
                                  kind->subformat);
    } else {
        command = g_strdup_printf("truncate -s 1M raw; qemu-io -f raw -c 'write -P 90 0 64k' raw; "
                                  "qemu-img convert -O vmdk -o subformat=%s raw a.vmdk",
                                  kind->subformat);
    }
    out = run(command, folder);
    g_free(out);
    if (strcmp(kind->name, "vmfs") == 0) {
        out = run("sed -i 's/monolithicFlat/vmfs/; s/ FLAT \\(.*\\) 0$/ VMFS \\1/' a.vmdk", folder);
        g_free(out);
    }
}

static DpPlan *
plan_of(const char *folder)
{
    static const char text[] =
        "config.version = \"8\"\nvirtualHW.version = \"9\"\nmemsize = \"64\"\n"
        "scsi0.present = \"TRUE\"\nscsi0.virtualDev = \"pvscsi\"\n"
        "scsi0:0.present = \"TRUE\"\nscsi0:0.fileName = \"a.vmdk\"\n";
    g_autofree char *path = g_build_filename(folder, "a.vmx", NULL);
    g_autoptr(DpVmx) vmx = dp_vmx_parse("a.vmx", text, strlen(text), NULL, NULL);
    DpPlanInput input = {.tcg = true, .file_head = dp_vm_file_head};

    return dp_plan_new(path, vmx, &input);
}

/* What QEMU's monitor prints when it executes @command on the disk of the plan. */
static char *
ask_qemu(const DpPlan *plan, const char *folder, const char *command)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    g_autoptr(GArray) fds = g_array_new(FALSE, FALSE, sizeof(int));
    g_autoptr(GArray) targets = g_array_new(FALSE, FALSE, sizeof(int));
    g_autoptr(GError) error = NULL;
    g_autofree char *input = g_strdup_printf("qemu-io scsi0-0-disk \"%s\"\nquit\n", command);
    g_autoptr(GIOChannel) channel = NULL;
    char *out = NULL;
    int in, back;

    for (guint i = 0; i < plan->files->len; i++) {
        int fd = dp_file_open_for_vm(&g_array_index(plan->files, DpVmFile, i), folder, &error);
        int target = DP_VM_FD_FILES + (int)i;

        g_assert_no_error(error);
        g_array_append_val(fds, fd);
        g_array_append_val(targets, target);
    }
    for (const char *const *word =
             (const char *const[]){"qemu-system-x86_64", "-M", "none", "-nodefaults", "-display",
                                   "none", "-S", "-monitor", "stdio", NULL};
         *word != NULL; word++) {
        g_ptr_array_add(argv, (gpointer)(uintptr_t)*word);
    }
    for (guint i = 0; i + 1 < plan->argv->len; i++) {
        if (strcmp(plan->argv->pdata[i], "-add-fd") == 0 ||
            strcmp(plan->argv->pdata[i], "-blockdev") == 0) {
            g_ptr_array_add(argv, plan->argv->pdata[i]);
            g_ptr_array_add(argv, plan->argv->pdata[i + 1]);
        }
    }
    g_ptr_array_add(argv, NULL);
    g_assert_true(g_spawn_async_with_pipes_and_fds(
        NULL, (const char *const *)argv->pdata, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, -1, -1, -1,
        (const int *)(void *)fds->data, (const int *)(void *)targets->data, fds->len, NULL, &in,
        &back, NULL, &error));
    g_assert_no_error(error);
    for (guint i = 0; i < fds->len; i++) {
        (void)close(g_array_index(fds, int, i));
    }
    g_assert_cmpint(write(in, input, strlen(input)), ==, (gssize)strlen(input));
    channel = g_io_channel_unix_new(back);
    (void)g_io_channel_set_encoding(channel, NULL, NULL);
    (void)g_io_channel_read_to_end(channel, &out, NULL, NULL);
    (void)close(in);
    (void)close(back);
    return out;
}

/* That the guest cannot write to its disk is said, of the disk's own line. */
static void
check_said(const DpPlan *plan, const Kind *kind)
{
    const DpDiag *said = NULL;

    for (guint i = 0; i < plan->diags->len; i++) {
        const DpDiag *diag = g_ptr_array_index(plan->diags, i);

        said = diag->row->id == DP_DIAG_VMX_DISK_READ_ONLY ? diag : said;
    }
    g_assert_cmpint(said != NULL, ==, !kind->writable);
    if (said != NULL) {
        g_assert_cmpstr(said->subject, ==, "a.vmx:7");
        g_assert_nonnull(strstr(said->message, "scsi0:0"));
        g_assert_nonnull(strstr(said->remedy, "qemu-img"));
    }
}

static void
test_kind(gconstpointer data)
{
    const Kind *kind = data;
    g_autofree char *made = g_dir_make_tmp("dp-vmdk-XXXXXX", NULL);
    g_autofree char *folder = g_canonicalize_filename(made, NULL);
    g_autofree char *out = NULL, *back = NULL;
    g_autoptr(DpPlan) plan = NULL;

    make_disk(kind, folder);
    plan = plan_of(folder);
    g_assert_false(dp_diags_have_error(plan->diags));
    g_assert_cmpuint(plan->files->len, ==, kind->files);
    check_said(plan, kind);
    if (kind->writable) {
        out = ask_qemu(plan, folder, "write -P 90 4831838208 64k"); /* 4.5 GiB */
        g_assert_nonnull(strstr(out, "wrote 65536/65536"));
        back = run("qemu-io -r -f vmdk -c 'read -P 90 4831838208 64k' a.vmdk", folder);
    } else {
        out = ask_qemu(plan, folder, "write -P 1 0 64k");
        g_assert_null(strstr(out, "wrote 65536"));
        back = ask_qemu(plan, folder, "read -P 90 0 64k");
    }
    g_assert_nonnull(strstr(back, "read 65536/65536"));
    g_assert_null(strstr(back, "verification failed"));
    g_free(run("rm -f ./*", folder));
    g_assert_cmpint(g_rmdir(folder), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *path = g_strdup_printf("/vmdk-kinds/%s", kinds[i].name);

        g_test_add_data_func(path, &kinds[i], test_kind);
    }
    return g_test_run();
}
