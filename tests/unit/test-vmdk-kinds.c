/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each kind of VMDK, made by qemu-img: written by QEMU through a plan's own block nodes and
 * descriptors, and read back by qemu-io from the disk as it lies there. */
#include "vm/build.h"
#include "vm/files.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/wait.h>

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

#define HEAD "config.version = \"8\"\nvirtualHW.version = \"9\"\nmemsize = \"64\"\n"

static DpPlan *
plan_of_text(const char *folder, const char *text)
{
    g_autofree char *path = g_build_filename(folder, "a.vmx", NULL);
    g_autoptr(DpVmx) vmx = dp_vmx_parse("a.vmx", text, strlen(text), NULL, NULL);
    DpPlanInput input = {.tcg = true, .file_head = dp_vm_file_head, .file_look = dp_vm_file_look};

    return dp_plan_new(path, vmx, &input);
}

static DpPlan *
plan_of(const char *folder)
{
    return plan_of_text(folder, HEAD "scsi0.present = \"TRUE\"\nscsi0.virtualDev = \"pvscsi\"\n"
                                     "scsi0:0.present = \"TRUE\"\nscsi0:0.fileName = \"a.vmdk\"\n");
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

static char *
make_folder(void)
{
    g_autofree char *made = g_dir_make_tmp("dp-vmdk-XXXXXX", NULL);

    return g_canonicalize_filename(made, NULL);
}

static void
drop_folder(const char *folder)
{
    g_free(run("rm -f ./*", folder));
    g_assert_cmpint(g_rmdir(folder), ==, 0);
}

static const DpDiag *
find(const DpPlan *plan, DpDiagId id)
{
    for (guint i = 0; i < plan->diags->len; i++) {
        const DpDiag *diag = g_ptr_array_index(plan->diags, i);

        if (diag->row->id == id) {
            return diag;
        }
    }
    return NULL;
}

/* An ATA disk of QEMU's cannot be one that is only read. */
static void
test_stream_at_ata(void)
{
    static const struct {
        const char *text;
        bool fits;
    } rows[] = {
        {HEAD "sata0.present = \"TRUE\"\nsata0:0.present = \"TRUE\"\n"
              "sata0:0.fileName = \"a.vmdk\"\n",
         false},
        {HEAD "ide0:0.present = \"TRUE\"\nide0:0.fileName = \"a.vmdk\"\n", false},
        {HEAD "nvme0.present = \"TRUE\"\nnvme0:0.present = \"TRUE\"\n"
              "nvme0:0.fileName = \"a.vmdk\"\n",
         true},
    };
    g_autofree char *folder = make_folder();

    make_disk(&kinds[G_N_ELEMENTS(kinds) - 1], folder);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(DpPlan) plan = plan_of_text(folder, rows[i].text);
        const DpDiag *refused = find(plan, DP_DIAG_VMX_DISK_NO_WRITE);

        g_assert_cmpint(refused == NULL, ==, rows[i].fits);
        g_assert_cmpint(dp_diags_have_error(plan->diags), ==, !rows[i].fits);
        g_assert_true(refused == NULL || strstr(refused->remedy, "qemu-img convert") != NULL);
    }
    drop_folder(folder);
}

/* Each kind with its end cut off: QEMU would start with some of them. */
static void
test_truncated(void)
{
    static const struct {
        size_t kind;
        const char *cut;
    } rows[] = {
        {0, "truncate -s 30K a.vmdk"},
        {1, "truncate -s -1 a-flat.vmdk"},
        {3, "truncate -s 1K a-s002.vmdk"},
        {4, "truncate -s -512 a-f003.vmdk"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *folder = make_folder();
        g_autoptr(DpPlan) plan = NULL;
        const DpDiag *diag;

        make_disk(&kinds[rows[i].kind], folder);
        g_free(run(rows[i].cut, folder));
        plan = plan_of(folder);
        diag = find(plan, DP_DIAG_VMX_DISK_TRUNCATED);
        g_assert_nonnull(diag);
        g_assert_cmpstr(diag->subject, ==, "a.vmx:7");
        drop_folder(folder);
    }
}

/* Held by QEMU itself, here by its tool; and free again once that has ended. */
static void
test_held(void)
{
    g_autofree char *folder = make_folder();
    const char *argv[] = {"qemu-io", "-f", "vmdk", "a.vmdk", NULL};
    g_autoptr(DpPlan) held = NULL;
    g_autoptr(DpPlan) after = NULL;
    char line[16] = "";
    GPid pid;
    int in, out, status;

    make_disk(&kinds[0], folder);
    g_assert_true(g_spawn_async_with_pipes(folder, (char **)(uintptr_t)argv, NULL,
                                           G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL,
                                           NULL, &pid, &in, &out, NULL, NULL));
    /* Its prompt comes when it has the disk. */
    g_assert_cmpint(read(out, line, sizeof line - 1), >, 0);
    held = plan_of(folder);
    g_assert_nonnull(find(held, DP_DIAG_VMX_DISK_HELD));
    g_assert_nonnull(strstr(find(held, DP_DIAG_VMX_DISK_HELD)->message, "a.vmdk"));
    (void)close(in);
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    (void)close(out);
    after = plan_of(folder);
    g_assert_false(dp_diags_have_error(after->diags));
    drop_folder(folder);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vmdk-kinds/stream-at-ata", test_stream_at_ata);
    g_test_add_func("/vmdk-kinds/truncated", test_truncated);
    g_test_add_func("/vmdk-kinds/held", test_held);
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *path = g_strdup_printf("/vmdk-kinds/%s", kinds[i].name);

        g_test_add_data_func(path, &kinds[i], test_kind);
    }
    return g_test_run();
}
