/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMs with EFI firmware: what the engine is told, which controllers firmware starts from, the file
 * of variables. */
#include "plan-fixture.h"
#include "vm/files.h"
#include "vm/firmware.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GIB ((uint64_t)1 << 30)

static bool
has(const DpPlan *plan, const char *what)
{
    g_autofree char *argv = plan_argv(plan);

    return strstr(argv, what) != NULL;
}

static const DpVmFile *
file_of(const DpPlan *plan, DpVmFileKind kind)
{
    for (guint i = 0; i < plan->files->len; i++) {
        const DpVmFile *file = &g_array_index(plan->files, DpVmFile, i);

        if (file->kind == kind) {
            return file;
        }
    }
    return NULL;
}

/* BIOS has nothing of it; secure boot has other code, other variables, and SMM. */
static void
test_engine(void)
{
    static const struct {
        const char *changes[3];
        const char *code, *vars;
        bool secure;
    } cases[] = {
        {{"firmware=bios", "uefi.secureBoot.enabled=TRUE"}, NULL, NULL, false},
        {{"firmware=efi"},
         "/usr/share/OVMF/OVMF_CODE_4M.fd",
         "/nowhere/vms/passthru.ovmf-vars.fd",
         false},
        {{"firmware=EFI", "uefi.secureBoot.enabled=TRUE"},
         "/usr/share/OVMF/OVMF_CODE_4M.ms.fd",
         "/nowhere/vms/passthru.ovmf-vars-secure.fd",
         true},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(PlanFixture) fixture = plan_fixture_new();
        g_autoptr(DpPlan) plan = plan_fixture_changed(fixture, cases[i].changes);
        const DpVmFile *code = file_of(plan, DP_VM_FILE_FIRMWARE);
        const DpVmFile *vars = file_of(plan, DP_VM_FILE_EFI_VARS);

        g_assert_false(dp_diags_have_error(plan->diags));
        g_assert_cmpstr(code != NULL ? code->path : NULL, ==, cases[i].code);
        g_assert_cmpstr(vars != NULL ? vars->path : NULL, ==, cases[i].vars);
        g_assert_cmpstr(plan->efi_vars, ==, cases[i].vars);
        g_assert_true(code == NULL || (!code->writable && vars->writable));
        g_assert_cmpint(has(plan, "pflash0=firmware-code,pflash1=firmware-vars"), ==, vars != NULL);
        g_assert_cmpint(has(plan, ",smm=on"), ==, cases[i].secure);
        g_assert_cmpint(has(plan, "driver=cfi.pflash01,property=secure,value=on"), ==,
                        cases[i].secure);
        g_assert_cmpint(has(plan, "ICH9-LPC.disable_s3=1"), ==, cases[i].secure);
        g_assert_false(has(plan, "-fw_cfg"));
        g_assert_false(has(plan, ".fd")); /* files are descriptors */
    }
}

/* VMware's nvram is named, and no file of the plan. */
static void
test_nvram(void)
{
    static const char *const changes[] = {"firmware=efi", "nvram=../../etc/shadow", NULL};
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) plan = plan_fixture_changed(fixture, changes);
    const DpKeyReport *key = plan_key(plan, "nvram");

    for (guint i = 0; i < plan->files->len; i++) {
        g_assert_null(strstr(g_array_index(plan->files, DpVmFile, i).path, "shadow"));
    }
    g_assert_cmpint(key->effect, ==, DP_EFFECT_SUBSTITUTED);
    g_assert_nonnull(strstr(key->note, "*.ovmf-vars.fd"));
}

static void
test_absent(void)
{
    static const char *const efi[] = {"firmware=efi", NULL}, *const bios[] = {NULL};
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) plan = NULL;
    const DpDiag *diag;

    fixture->host->platform.efi_firmware = DP_TRI_NO;
    plan = plan_fixture_changed(fixture, bios);
    g_assert_null(plan_diag(plan, DP_DIAG_VMX_EFI_ABSENT));
    dp_plan_free(plan);
    plan = plan_fixture_changed(fixture, efi);
    diag = plan_diag(plan, DP_DIAG_VMX_EFI_ABSENT);
    g_assert_nonnull(diag);
    g_assert_cmpint(diag->severity, ==, DP_ERROR_SEVERITY);
    g_assert_true(g_str_has_prefix(diag->subject, "passthru.vmx:"));
    g_assert_cmpstr(diag->remedy, ==, "install it: apt install ovmf");
}

/* The file beside the VMX: none, a right one, another one. */
static void
test_vars_seen(void)
{
    static const char *const changes[] = {"firmware=efi", NULL};
    static const struct {
        const char *signature;
        size_t len;
        bool is_new, refused;
    } cases[] = {
        {NULL, 0, true, false},    {"_FVH", 540672, false, false}, {"_FVX", 540672, false, true},
        {"_FVH", 43, false, true}, {"", 1, false, true},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(PlanFixture) fixture = plan_fixture_new();
        g_autoptr(DpPlan) plan = NULL;
        const DpDiag *diag;

        if (cases[i].signature != NULL) {
            char *bytes = g_malloc0(cases[i].len + 64);

            memcpy(bytes + 40, cases[i].signature, strlen(cases[i].signature));
            g_hash_table_insert(fixture->files, g_strdup("passthru.ovmf-vars.fd"),
                                g_bytes_new_take(bytes, cases[i].len));
        }
        plan = plan_fixture_changed(fixture, changes);
        g_assert_cmpint(plan_diag(plan, DP_DIAG_VMX_EFI_NEW_VARS) != NULL, ==, cases[i].is_new);
        diag = plan_diag(plan, DP_DIAG_VMX_EFI_VARS);
        g_assert_cmpint(diag != NULL, ==, cases[i].refused);
        if (diag != NULL) {
            g_assert_nonnull(strstr(diag->message, "/nowhere/vms/passthru.ovmf-vars.fd"));
            g_assert_nonnull(strstr(diag->remedy, "move it away"));
        }
    }
}

/* Firmware starts from no SCSI controller of VMware's; what stands for it is the guest's choice. */
static void
test_stand_ins(void)
{
    static const struct {
        const char *guest, *model, *driver, *drive;
    } cases[] = {
        {"debian12-64", "pvscsi", "virtio-scsi-pci", "scsi-hd"},
        {"rhel8-64", "lsilogic", "virtio-scsi-pci", "scsi-hd"},
        {"freebsd12-64", "lsisas1068", "virtio-scsi-pci", "scsi-hd"},
        {"windows9-64", "lsisas1068", "ich9-ahci", "ide-hd"},
        {"windows2019srv-64", "pvscsi", "ich9-ahci", "ide-hd"},
        {"longhorn-64", "lsisas1068", "ich9-ahci", "ide-hd"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *guest = g_strdup_printf("guestOS=%s", cases[i].guest);
        g_autofree char *model = g_strdup_printf("scsi0.virtualDev=%s", cases[i].model);
        const char *const changes[] = {"firmware=efi", guest, model, NULL};
        g_autofree char *controller =
            g_strdup_printf("{\"driver\":\"%s\",\"id\":\"scsi0\"", cases[i].driver);
        g_autofree char *drive = g_strdup_printf(
            "{\"driver\":\"%s\",\"id\":\"scsi0-0\",\"bus\":\"scsi0.0\",%s", cases[i].drive,
            strcmp(cases[i].drive, "ide-hd") == 0 ? "\"drive\"" : "\"scsi-id\":0,\"lun\":0,");
        g_autoptr(PlanFixture) fixture = plan_fixture_new();
        g_autoptr(DpPlan) plan = plan_fixture_changed(fixture, changes);

        g_assert_false(dp_diags_have_error(plan->diags));
        g_assert_nonnull(plan_diag(plan, DP_DIAG_VMX_SUBSTITUTED));
        g_assert_true(has(plan, controller));
        g_assert_true(has(plan, drive));
    }
}

/* Six ports, where VMware's controller has fifteen targets. */
static void
test_ports(void)
{
    static const char *const changes[] = {"firmware=efi", "guestOS=windows9-64",
                                          "scsi0:6.present=TRUE", "scsi0:6.fileName=passthru.vmdk",
                                          NULL};
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) plan = plan_fixture_changed(fixture, changes);
    const DpDiag *diag = plan_diag(plan, DP_DIAG_VMX_DISK_PLACE);

    g_assert_nonnull(diag);
    g_assert_nonnull(strstr(diag->message, "scsi0:6"));
}

/* BIOS takes what the BARs need; EFI is told, and not of what it reserves anyway. */
static void
test_window(void)
{
    static const struct {
        uint64_t bar;
        const char *firmware, *size, *argument;
        bool warned;
    } cases[] = {
        {GIB, "firmware=efi", "hpet0.present=FALSE", NULL, false},
        {8 * GIB, "firmware=efi", "hpet0.present=FALSE", NULL, false},
        {32 * GIB, "firmware=efi", "hpet0.present=FALSE", "string=65536", false},
        {32 * GIB, "firmware=bios", "hpet0.present=FALSE", NULL, true},
        {GIB, "firmware=efi", "pciPassthru.64bitMMIOSizeGB=128", "string=131072", false},
        /* more than the processor has addresses for */
        {GIB, "firmware=efi", "pciPassthru.64bitMMIOSizeGB=1048576", NULL, false},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const char *const changes[] = {cases[i].firmware, cases[i].size, NULL};
        g_autoptr(PlanFixture) fixture = plan_fixture_new();
        g_autoptr(DpPlan) plan = NULL;
        DpBar *bar = &dp_host_find_name(fixture->host, DISK)->bars[0];

        bar->size = cases[i].bar;
        bar->flags |= DP_BAR_MEM | DP_BAR_64 | DP_BAR_PREFETCH;
        plan = plan_fixture_changed(fixture, changes);
        g_assert_cmpint(plan_diag(plan, DP_DIAG_VMX_MMIO_BIOS) != NULL, ==, cases[i].warned);
        g_assert_cmpint(has(plan, "opt/ovmf/X-PciMmio64Mb"), ==, cases[i].argument != NULL);
        g_assert_true(cases[i].argument == NULL || has(plan, cases[i].argument));
    }
}

typedef struct {
    char *folder, *path, *template;
    DpVmFile file;
} Place;

static void
set_up(Place *place, gconstpointer unused G_GNUC_UNUSED)
{
    char *bytes = g_malloc0(4096);

    memcpy(bytes + 40, "_FVH", 4);
    bytes[100] = 'T';
    place->folder = g_dir_make_tmp("directpath-XXXXXX", NULL);
    place->path = g_build_filename(place->folder, "vm.ovmf-vars.fd", NULL);
    place->template = g_build_filename(place->folder, "TEMPLATE.fd", NULL);
    g_assert_true(g_file_set_contents(place->template, bytes, 4096, NULL));
    g_free(bytes);
    place->file = (DpVmFile){.path = place->path,
                             .kind = DP_VM_FILE_EFI_VARS,
                             .writable = true,
                             .made_from = place->template};
}

static void
tear_down(Place *place, gconstpointer unused G_GNUC_UNUSED)
{
    g_autoptr(GDir) dir = g_dir_open(place->folder, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(place->folder, name, NULL);

        g_assert_cmpint(g_unlink(path), ==, 0);
    }
    g_assert_cmpint(g_rmdir(place->folder), ==, 0);
    g_free(place->folder);
    g_free(place->path);
    g_free(place->template);
}

static int
open_vars(Place *place, GError **error)
{
    return dp_file_open_for_vm(&place->file, place->folder, error);
}

/* Made once, private, and what firmware wrote is there the next time. */
static void
test_vars_made(Place *place, gconstpointer unused G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL;
    struct stat st;
    char byte = 0;

    for (int round = 0; round < 2; round++) {
        int fd = open_vars(place, &error);

        g_assert_no_error(error);
        g_assert_cmpint(fstat(fd, &st), ==, 0);
        g_assert_cmpint(st.st_size, ==, 4096);
        g_assert_cmpint(st.st_mode & 07777, ==, 0600);
        g_assert_cmpint(pread(fd, &byte, 1, 100), ==, 1);
        g_assert_cmpint(byte, ==, round == 0 ? 'T' : 'W');
        g_assert_cmpint(pwrite(fd, "W", 1, 100), ==, 1);
        (void)close(fd);
    }
}

static void
test_vars_refused(Place *place, gconstpointer unused G_GNUC_UNUSED)
{
    g_autofree char *other = g_build_filename(place->folder, "other", NULL);
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(symlink("TEMPLATE.fd", place->path), ==, 0);
    g_assert_cmpint(open_vars(place, &error), ==, -1);
    g_assert_nonnull(error);
    g_clear_error(&error);
    g_assert_cmpint(g_unlink(place->path), ==, 0);

    g_assert_cmpint(link(place->template, place->path), ==, 0);
    g_assert_cmpint(open_vars(place, &error), ==, -1);
    g_assert_error(error, DP_ERROR, DP_ERROR_REFUSED);
    g_clear_error(&error);
    g_assert_cmpint(g_unlink(place->path), ==, 0);

    g_assert_true(g_file_set_contents(place->path, "short", -1, NULL));
    g_assert_cmpint(open_vars(place, &error), ==, -1);
    g_assert_error(error, DP_ERROR, DP_ERROR_REFUSED);
    g_clear_error(&error);
    g_assert_cmpint(g_unlink(place->path), ==, 0);

    place->file.made_from = other;
    g_assert_cmpint(open_vars(place, &error), ==, -1);
    g_assert_error(error, DP_ERROR, DP_ERROR_NOT_FOUND);
    g_assert_false(g_file_test(place->path, G_FILE_TEST_EXISTS));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/efi/engine", test_engine);
    g_test_add_func("/efi/nvram", test_nvram);
    g_test_add_func("/efi/absent", test_absent);
    g_test_add_func("/efi/variables-seen", test_vars_seen);
    g_test_add_func("/efi/stand-ins", test_stand_ins);
    g_test_add_func("/efi/ports", test_ports);
    g_test_add_func("/efi/window", test_window);
    g_test_add("/efi/variables-made", Place, NULL, set_up, test_vars_made, tear_down);
    g_test_add("/efi/variables-refused", Place, NULL, set_up, test_vars_refused, tear_down);
    return g_test_run();
}
