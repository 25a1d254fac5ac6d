/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is seen of a VM's files before any device is touched: lengths, names, holders. */
#include "plan-fixture.h"

#include <string.h>

#define NOTHING ((DpDiagId)0)

#define FLAT                                                                                       \
    "# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\n"                         \
    "createType=\"monolithicFlat\"\nRW 131072 FLAT \"flat-flat.vmdk\" 0\n"

#define OWN                                                                                        \
    "# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\n"                         \
    "createType=\"monolithicFlat\"\nRW 8 FLAT \"passthru.vmx\" 0\n"

typedef struct {
    const char *name;
    const char *changes[6];
    const char *file; /* base name of the one with @facts */
    DpVmFileFacts facts;
    DpDiagId id;
    const char *about, *says, *remedy;
} Case;

/* What the guest prints would go into a file by which its VM is kept. */
#define SERIAL_INTO(name, file)                                                                    \
    {                                                                                              \
        name, {"serial0.fileName=" file}, "", {0}, DP_DIAG_VMX_FILE_NAME, "serial0.fileName",      \
            "no guest gets one", "another name"                                                    \
    }

static const Case cases[] = {
    {"flat-truncated",
     {"scsi0:0.fileName=flat.vmdk"},
     "flat-flat.vmdk",
     {.size = 67108863, .inode = 1, .links = 1},
     DP_DIAG_VMX_DISK_TRUNCATED,
     "scsi0:0.fileName",
     "flat-flat.vmdk has 67108863 bytes, and must have at least 67108864",
     "copy"},
    {"flat-whole",
     {"scsi0:0.fileName=flat.vmdk"},
     "flat-flat.vmdk",
     {.size = 67108864, .inode = 1, .links = 1},
     NOTHING,
     NULL,
     NULL,
     NULL},
    {"linked",
     {NULL},
     "passthru.vmdk",
     {.size = 1 << 20, .inode = 1, .links = 2},
     DP_DIAG_VMX_DISK_LINKED,
     "scsi0:0.fileName",
     "passthru.vmdk has 2 names",
     "cp "},
    {"linked-cd", /* nobody writes to it */
     {NULL},
     "guest.iso",
     {.size = 1 << 20, .inode = 1, .links = 2},
     NOTHING,
     NULL,
     NULL,
     NULL},
    {"held-by-a-vm",
     {NULL},
     "passthru.vmdk",
     {.size = 1 << 20, .inode = 7, .links = 1, .held = true},
     DP_DIAG_VMX_DISK_HELD,
     "scsi0:0.fileName",
     "the VM \"Other\" has /nowhere/vms/passthru.vmdk open",
     "power \"Other\" off"},
    {"held-by-another",
     {NULL},
     "passthru.vmdk",
     {.size = 1 << 20, .inode = 8, .links = 1, .held = true},
     DP_DIAG_VMX_DISK_HELD,
     "scsi0:0.fileName",
     "no VM of this program has /nowhere/vms/passthru.vmdk open",
     "fuser"},
    {"twice",
     {"scsi0:1.present=TRUE", "scsi0:1.fileName=./passthru.vmdk"},
     "passthru.vmdk",
     {.size = 1 << 20, .inode = 1, .links = 1},
     DP_DIAG_VMX_DISK_TWICE,
     "scsi0:1.fileName",
     "are one file",
     "one of the two lines"},
    {"cd-twice", /* two readers */
     {"ide0:1.present=TRUE", "ide0:1.deviceType=cdrom-image", "ide0:1.fileName=guest.iso"},
     "guest.iso",
     {.size = 1 << 20, .inode = 1, .links = 1},
     NOTHING,
     NULL,
     NULL,
     NULL},
    {"two-serials",
     {"serial1.present=TRUE", "serial1.fileType=file", "serial1.fileName=out.txt",
      "serial0.fileName=out.txt", "serial0.fileType=file"},
     "out.txt",
     {.size = 1 << 20, .inode = 1, .links = 1},
     NOTHING,
     NULL,
     NULL,
     NULL},
    {"serial-into-vmx",
     {"serial0.fileName=./passthru.vmx"},
     "",
     {0},
     DP_DIAG_VMX_FILE_NAME,
     "serial0.fileName",
     "passthru.vmx is a VMX",
     "another name"},
    SERIAL_INTO("serial-into-other-vmx", "other/Web.VMX"),
    SERIAL_INTO("serial-into-log", "directpath.log"),
    SERIAL_INTO("serial-into-old-log", "Directpath-3.log"),
    SERIAL_INTO("serial-into-variables", "passthru.ovmf-vars-secure.fd"),
    SERIAL_INTO("serial-into-log-by-another-name", "as-directpath-2.log"),
    {"serial-into-variables-by-another-name",
     {"firmware=efi", "serial0.fileName=as-passthru.ovmf-vars.fd"},
     "",
     {0},
     DP_DIAG_VMX_FILE_NAME,
     "serial0.fileName",
     "no guest gets one",
     "another name"},
    {"disk-is-vmx-by-another-name",
     {"scsi0:0.fileName=as-passthru.vmx"},
     "",
     {0},
     DP_DIAG_VMX_FILE_NAME,
     "scsi0:0.fileName",
     "no guest gets one",
     "another name"},
    {"extent-is-vmx",
     {"scsi0:0.fileName=own.vmdk"},
     "",
     {0},
     DP_DIAG_VMX_FILE_NAME,
     "scsi0:0.fileName",
     "passthru.vmx is a VMX",
     "another name"},
    {"cd-is-log",
     {"ide0:0.fileName=directpath-1.log"},
     "",
     {0},
     DP_DIAG_VMX_FILE_NAME,
     "ide0:0.fileName",
     "no guest gets one",
     "another name"},
    {"serial-like-a-log", /* names that only look like it */
     {"serial0.fileName=directpath.log.txt", "serial1.present=TRUE", "serial1.fileType=file",
      "serial1.fileName=vmx"},
     "",
     {0},
     NOTHING,
     NULL,
     NULL,
     NULL},
    {"serial-into-disk", /* what the guest prints would be appended to its disk */
     {"serial0.fileName=passthru.vmdk"},
     "passthru.vmdk",
     {.size = 1 << 20, .inode = 1, .links = 1},
     DP_DIAG_VMX_DISK_TWICE,
     "serial0.fileName",
     "scsi0:0.fileName (line ",
     "line"},
};

static const Case *current;

static bool
fake_look(const char *path, bool writable, DpVmFileFacts *ret_facts)
{
    g_autofree char *base = g_path_get_basename(path);
    const char *name = g_str_has_prefix(base, "as-") ? base + strlen("as-") : base; /* a link */

    (void)writable;
    *ret_facts = (DpVmFileFacts){.size = 1 << 20, .inode = g_str_hash(name) | 1024u, .links = 1};
    if (strcmp(name, current->file) == 0) {
        *ret_facts = current->facts;
    }
    return true;
}

static char *
fake_holder(const DpVmFileFacts *facts, void *user)
{
    (void)user;
    return facts->inode == 7 ? g_strdup("Other") : NULL;
}

static void
expect(const DpPlan *plan, const Case *c, const char *text)
{
    const DpDiag *diag = plan_diag(plan, c->id);
    g_autofree char *all = plan_diags(plan);
    g_autofree char *subject = NULL;
    g_autoptr(DpVmx) vmx = dp_vmx_parse("passthru.vmx", text, strlen(text), NULL, NULL);

    if (c->id == NOTHING) {
        g_assert_false(dp_diags_have_error(plan->diags));
        return;
    }
    if (diag == NULL) {
        g_error("%s: DP%d is not among:\n%s", c->name, (int)c->id, all);
    }
    subject = g_strdup_printf("passthru.vmx:%u", dp_vmx_lookup(vmx, c->about)->line);
    g_assert_cmpstr(diag->subject, ==, subject);
    g_assert_true(dp_diags_have_error(plan->diags));
    g_assert_nonnull(strstr(diag->message, c->says));
    g_assert_nonnull(strstr(diag->remedy, c->remedy));
}

static void
test_case(gconstpointer data)
{
    const Case *c = data;
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autofree char *text = plan_fixture_sample(c->changes);
    g_autoptr(DpPlan) plan = NULL;

    current = c;
    g_hash_table_insert(fixture->files, g_strdup("flat.vmdk"),
                        g_bytes_new_static(FLAT, strlen(FLAT)));
    g_hash_table_insert(fixture->files, g_strdup("own.vmdk"), g_bytes_new_static(OWN, strlen(OWN)));
    g_hash_table_insert(fixture->files, g_strdup("as-passthru.vmx"),
                        g_bytes_ref(g_hash_table_lookup(fixture->files, "passthru.vmdk")));
    g_hash_table_insert(fixture->files, g_strdup("flat-flat.vmdk"), g_bytes_new_static("x", 1));
    fixture->input.file_look = fake_look;
    fixture->input.holder = fake_holder;
    plan = plan_fixture_plan(fixture, text);
    expect(plan, c, text);
}

/* A VM that runs has its own disks. */
static void
test_own(void)
{
    static const Case own = {.file = "passthru.vmdk",
                             .facts = {.size = 1 << 20, .inode = 7, .links = 1, .held = true}};
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) plan = NULL;

    current = &own;
    fixture->input.file_look = fake_look;
    fixture->input.holder = fake_holder;
    fixture->input.running = true;
    plan = plan_fixture_changed(fixture, NULL);
    g_assert_false(dp_diags_have_error(plan->diags));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strdup_printf("/plan-files/%s", cases[i].name);

        g_test_add_data_func(path, &cases[i], test_case);
    }
    g_test_add_func("/plan-files/own", test_own);
    return g_test_run();
}
