/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a plan refuses or warns about: one line of the sample changed, one diagnostic, the right
 * line, a remedy. */
#include "plan-fixture.h"
#include "vm/keys.h"

#include <string.h>

typedef struct {
    const char *name;
    const char *changes[8]; /* NULL-terminated */
    DpDiagId id;
    DpSeverity severity;
    const char *about; /* the key whose line the subject names; NULL: the file */
    const char *says;  /* part of message or remedy */
} Case;

#define E DP_ERROR_SEVERITY
#define W DP_WARNING
#define N DP_NOTE

static const Case cases[] = {
    /* hardware and machine */
    {"version-4",
     {"virtualHW.version=4"},
     DP_DIAG_VMX_VERSION_OLD,
     E,
     "virtualHW.version",
     "upgrade"},
    {"third-device",
     {"pciPassthru2.present=TRUE", "pciPassthru2.id=00000:007:01.0"},
     DP_DIAG_VMX_TOO_MANY,
     E,
     "virtualHW.version",
     "takes 2"},
    {"firmware", {"firmware=coreboot"}, DP_DIAG_VMX_FIRMWARE, E, "firmware", "firmware=efi"},
    {"efi-vars", {"firmware=efi"}, DP_DIAG_VMX_EFI_NEW_VARS, W, "firmware", "BOOTX64.EFI"},
    {"efi-nvram", {"firmware=EFI", "nvram=a.nvram"}, DP_DIAG_VMX_EFI_NEW_VARS, W, "nvram", "VNC"},
    {"efi-scsi", {"firmware=efi"}, DP_DIAG_VMX_SUBSTITUTED, W, "scsi0.virtualDev", "NVMe"},
    {"efi-file",
     {"firmware=efi", "efi64.filename=x.rom"},
     DP_DIAG_VMX_LEFT_OUT,
     W,
     "efi64.filename",
     "remove the line"},
    {"efi-certificate",
     {"firmware=efi", "uefi.secureBoot.dbDefault.file0=x.cer"},
     DP_DIAG_VMX_LEFT_OUT,
     W,
     "uefi.secureBoot.dbDefault.file0",
     "remove the line"},
    {"memsize", {"memsize=510"}, DP_DIAG_VMX_MEMSIZE, E, "memsize", "512"},
    {"memory-limit", {"sched.mem.max=256"}, DP_DIAG_VMX_MEM_LIMIT, E, "sched.mem.max", "unlimited"},
    {"memory-short",
     {"memsize=8192", "sched.mem.max=unlimited"},
     DP_DIAG_VM_MEMORY_SHORT,
     E,
     "memsize",
     "MiB"},
    {"cores",
     {"numvcpus=3", "cpuid.coresPerSocket=2"},
     DP_DIAG_VMX_CPUS,
     E,
     "cpuid.coresPerSocket",
     "correct one of them"},
    {"uuid", {"uuid.bios=56 4d"}, DP_DIAG_VMX_UUID, E, "uuid.bios", "correct the line"},
    {"suspended",
     {"checkpoint.vmState=a.vmss"},
     DP_DIAG_VMX_SUSPENDED,
     E,
     "checkpoint.vmState",
     "shut the guest down"},
    {"vnc-port",
     {"RemoteDisplay.vnc.port=80"},
     DP_DIAG_VMX_VNC,
     E,
     "RemoteDisplay.vnc.port",
     "5900"},
    {"vnc-ip",
     {"RemoteDisplay.vnc.ip=localhost"},
     DP_DIAG_VMX_VNC,
     E,
     "RemoteDisplay.vnc.ip",
     "5900 to 65535"},
    {"vnc-key",
     {"RemoteDisplay.vnc.key=abcd"},
     DP_DIAG_VMX_VNC_KEY,
     E,
     "RemoteDisplay.vnc.key",
     "password"},
    {"vnc-open",
     {"RemoteDisplay.vnc.ip=0.0.0.0"},
     DP_DIAG_VMX_VNC_OPEN,
     W,
     "RemoteDisplay.vnc.ip",
     "tunnel"},
    {"index", {"scsi9.present=TRUE"}, DP_DIAG_VMX_INDEX, E, "scsi9.present", "3"},
    {"index-huge",
     {"pciPassthru99999.present=TRUE"},
     DP_DIAG_VMX_INDEX,
     E,
     "pciPassthru99999.present",
     "127"},
    {"index-zeros", {"scsi0:01.present=TRUE"}, DP_DIAG_VMX_INDEX, E, "scsi0:01.present", "with 0"},
    {"unit-scsi",
     {"scsi0.virtualDev=pvscsi", "scsi0:20.present=TRUE", "scsi0:20.fileName=passthru.vmdk"},
     DP_DIAG_VMX_DISK_PLACE,
     E,
     "scsi0:20.present",
     "end at 15"},
    {"unit-sata",
     {"sata0.present=TRUE", "sata0:40.present=TRUE", "sata0:40.fileName=passthru.vmdk"},
     DP_DIAG_VMX_DISK_PLACE,
     E,
     "sata0:40.present",
     "end at 5"},
    {"unit-nvme",
     {"nvme0.present=TRUE", "nvme0:15.present=TRUE", "nvme0:15.fileName=passthru.vmdk"},
     DP_DIAG_VMX_DISK_PLACE,
     E,
     "nvme0:15.present",
     "end at 14"},
    {"unit-ide",
     {"ide0:2.present=TRUE", "ide0:2.fileName=passthru.vmdk"},
     DP_DIAG_VMX_DISK_PLACE,
     E,
     "ide0:2.present",
     "another unit"},
    {"unit-huge",
     {"scsi0:18446744073709551616.present=TRUE"},
     DP_DIAG_VMX_DISK_PLACE,
     E,
     "scsi0:18446744073709551616.present",
     "another unit"},
    /* places */
    {"bridge-kind",
     {"pciBridge5.virtualDev=pcieUpstream"},
     DP_DIAG_VMX_BRIDGE,
     E,
     "pciBridge5.virtualDev",
     "pciBridge4 to 7"},
    {"bridge-taken",
     {"pciBridge5.pciSlotNumber=21"},
     DP_DIAG_VMX_BRIDGE,
     E,
     "pciBridge5.pciSlotNumber",
     "pciBridge4"},
    {"bridge-gone",
     {"pciBridge5.present=FALSE"},
     DP_DIAG_VMX_SLOT_INVALID,
     E,
     "pciPassthru1.pciSlotNumber",
     "pciBridge"},
    {"slot-twice",
     {"pciPassthru1.pciSlotNumber=160"},
     DP_DIAG_VMX_SLOT_TAKEN,
     E,
     "pciPassthru1.pciSlotNumber",
     "pciPassthru0"},
    {"slot-moved",
     {"pciPassthru0.virtualDev=pci"},
     DP_DIAG_VMX_SLOT_MOVED,
     W,
     "pciPassthru0.pciSlotNumber",
     "conventional"},
    {"slot-chosen",
     {"pciPassthru0.pciSlotNumber=-1"},
     DP_DIAG_VMX_SLOT_CHOSEN,
     N,
     "scsi0.present",
     "nothing needs"},
    {"no-slot",
     {"pciBridge4.functions=1", "pciBridge5.present=FALSE", "pciBridge6.present=FALSE",
      "pciBridge7.present=FALSE", "pciPassthru0.pciSlotNumber=-1", "pciPassthru1.pciSlotNumber=-1"},
     DP_DIAG_VMX_NO_SLOT,
     E,
     "pciPassthru1.present",
     "1 PCI Express ports, 0 of them free"},
    /* disks and drives */
    {"disk-unnamed", {"scsi0:0.fileName"}, DP_DIAG_VMX_FILE_NAME, E, NULL, "missing"},
    {"disk-dots",
     {"scsi0:0.fileName=../../etc/shadow"},
     DP_DIAG_VMX_FILE_NAME,
     E,
     "scsi0:0.fileName",
     ".."},
    {"disk-missing",
     {"scsi0:0.fileName=other.vmdk"},
     DP_DIAG_VMX_FILE_MISSING,
     E,
     "scsi0:0.fileName",
     "other.vmdk"},
    {"disk-no-vmdk",
     {"scsi0:0.fileName=guest.iso"},
     DP_DIAG_VMX_FILE_KIND,
     E,
     "scsi0:0.fileName",
     "no VMDK"},
    {"disk-mode",
     {"scsi0:0.mode=independent-nonpersistent"},
     DP_DIAG_VMX_DISK_MODE,
     E,
     "scsi0:0.mode",
     "persistent"},
    {"disk-redo",
     {"scsi0:0.redo=a.REDO"},
     DP_DIAG_VMX_DISK_MODE,
     E,
     "scsi0:0.redo",
     "on the old host"},
    {"disk-raw",
     {"scsi0:0.deviceType=rawDisk"},
     DP_DIAG_VMX_DISK_RAW,
     E,
     "scsi0:0.deviceType",
     "copy the data into a VMDK"},
    {"disk-kind",
     {"scsi0:0.deviceType=tape"},
     DP_DIAG_VMX_VALUE,
     E,
     "scsi0:0.deviceType",
     "correct the value"},
    {"disk-unit-7",
     {"scsi0:7.present=TRUE", "scsi0:7.fileName=passthru.vmdk"},
     DP_DIAG_VMX_DISK_PLACE,
     E,
     "scsi0:7.present",
     "another unit"},
    {"disk-orphan", {"scsi0.present=FALSE"}, DP_DIAG_VMX_DISK_PLACE, E, "scsi0:0.present", "scsi0"},
    {"disk-shared",
     {"scsi0.sharedBus=physical"},
     DP_DIAG_VMX_DISK_MODE,
     E,
     "scsi0.sharedBus",
     "a disk of its own"},
    {"disk-multi-writer",
     {"scsi0:0.sharing=multi-writer"},
     DP_DIAG_VMX_DISK_MODE,
     E,
     "scsi0:0.sharing",
     "a disk of its own"},
    {"reflect-host",
     {"SMBIOS.reflectHost=TRUE"},
     DP_DIAG_VMX_LEFT_OUT,
     W,
     "SMBIOS.reflectHost",
     "SMBIOS"},
    {"cpuid-mask", {"cpuid.1.ecx=----"}, DP_DIAG_VMX_LEFT_OUT, W, "cpuid.1.ecx", "mask"},
    {"controller",
     {"scsi0.virtualDev=ncr"},
     DP_DIAG_VMX_VALUE,
     E,
     "scsi0.virtualDev",
     "correct the value"},
    {"controller-substitute",
     {"scsi0.virtualDev=buslogic"},
     DP_DIAG_VMX_SUBSTITUTED,
     W,
     "scsi0.virtualDev",
     "sym53c8xx"},
    {"serial-outside",
     {"serial0.fileName=/tmp/out.txt"},
     DP_DIAG_VMX_FILE_OUTSIDE,
     E,
     "serial0.fileName",
     "folder"},
    {"serial-pipe",
     {"serial0.fileType=pipe"},
     DP_DIAG_VMX_LEFT_OUT,
     W,
     "serial0.fileType",
     "remove the line"},
    {"serial-print",
     {"serial0.fileType=thinprint"},
     DP_DIAG_VMX_LEFT_OUT,
     N,
     "serial0.fileType",
     "remove the line"},
    /* network */
    {"net-unknown",
     {"ethernet0.present=TRUE", "ethernet0.virtualDev=e1000", "ethernet0.networkName=VM Network"},
     DP_DIAG_VMX_NETWORK,
     E,
     "ethernet0.networkName",
     "VM Network"},
    {"disk-datastore",
     {"scsi0:0.fileName=/vmfs/volumes/big/a.vmdk"},
     DP_DIAG_VMX_DATASTORE,
     E,
     "scsi0:0.fileName",
     "\"big\""},
    {"disk-outside",
     {"scsi0:0.fileName=/etc/shadow"},
     DP_DIAG_VMX_FILE_OUTSIDE,
     E,
     "scsi0:0.fileName",
     "/etc/shadow"},
    {"net-kind",
     {"ethernet0.present=TRUE", "ethernet0.virtualDev=rtl"},
     DP_DIAG_VMX_VALUE,
     E,
     "ethernet0.virtualDev",
     "correct the value"},
    {"net-mac",
     {"ethernet0.present=TRUE", "ethernet0.virtualDev=e1000",
      "ethernet0.address=01:50:56:00:00:01"},
     DP_DIAG_VMX_MAC,
     E,
     "ethernet0.address",
     "delete the line"},
    {"net-no-mac",
     {"ethernet0.present=TRUE", "ethernet0.virtualDev=vmxnet3", "ethernet0.startConnected=FALSE"},
     DP_DIAG_VMX_MAC_CHOSEN,
     N,
     "ethernet0.present",
     "00:0c:29:"},
    /* passed-through devices */
    {"no-id",
     {"pciPassthru0.id"},
     DP_DIAG_VMX_PASSTHRU_ID,
     E,
     "pciPassthru0.present",
     "00000:003:00.0"},
    {"bad-id",
     {"pciPassthru0.id=here"},
     DP_DIAG_VMX_PASSTHRU_ID,
     E,
     "pciPassthru0.id",
     "00000:003:00.0"},
    {"bad-vendor",
     {"pciPassthru0.vendorId=12345"},
     DP_DIAG_VMX_PASSTHRU_ID,
     E,
     "pciPassthru0.vendorId",
     "hex"},
    {"lspci-id",
     {"pciPassthru0.id=0000:03:00.0"},
     DP_DIAG_VMX_PASSTHRU_ID_HEX,
     N,
     "pciPassthru0.id",
     "decimal"},
    {"absent",
     {"pciPassthru0.id=00000:099:00.0"},
     DP_DIAG_VMX_PASSTHRU_ABSENT,
     E,
     "pciPassthru0.id",
     "The systemId does not match the current system"},
    {"other-model",
     {"pciPassthru0.deviceId=4321"},
     DP_DIAG_VMX_PASSTHRU_MISMATCH,
     E,
     "pciPassthru0.id",
     "the device currently at 003:00.0."},
    {"other-host",
     {"pciPassthru0.systemId=11111111-2222-3333-4444-555555555555"},
     DP_DIAG_VMX_PASSTHRU_SYSTEM,
     E,
     "pciPassthru0.systemId",
     "48c4619b-6d58-18db-2a0e-000423d1e6f6"},
    {"twice",
     {"pciPassthru1.id=00000:003:00.0", "pciPassthru1.vendorId=1b36", "pciPassthru1.deviceId=0010"},
     DP_DIAG_VMX_PASSTHRU_TWICE,
     E,
     "pciPassthru1.id",
     "pciPassthru0"},
    {"not-enabled",
     {"pciPassthru0.id=00000:004:00.0", "pciPassthru0.vendorId=8086", "pciPassthru0.deviceId=10d3"},
     DP_DIAG_VMX_PASSTHRU_NOT_ENABLED,
     E,
     "pciPassthru0.id",
     "device enable 0000:04:00.0"},
    {"dynamic-list",
     {"pciPassthru0.allowedDevices=0x1b36", "pciPassthru0.id"},
     DP_DIAG_VMX_DYNAMIC_LIST,
     E,
     "pciPassthru0.allowedDevices",
     "is no list of vendor and device"},
    {"vgpu",
     {"pciPassthru0.vgpu=grid_p40-4q"},
     DP_DIAG_VMX_PASSTHRU_VGPU,
     E,
     "pciPassthru0.vgpu",
     "a whole function"},
    {"dvx",
     {"pciPassthru0.virtualDev=dvx"},
     DP_DIAG_VMX_PASSTHRU_VGPU,
     E,
     "pciPassthru0.virtualDev",
     "a whole function"},
    {"rom",
     {"pciPassthru0.filename=/etc/shadow"},
     DP_DIAG_VMX_PASSTHRU_ROM,
     E,
     "pciPassthru0.filename",
     "own ROM is used"},
    {"msi",
     {"pciPassthru0.msiEnabled=FALSE"},
     DP_DIAG_VMX_PASSTHRU_MSI,
     W,
     "pciPassthru0.msiEnabled",
     "INTx"},
    {"window-small",
     {"pciPassthru.64bitMMIOSizeGB=0"},
     DP_DIAG_VMX_MMIO_WINDOW,
     W,
     "pciPassthru.64bitMMIOSizeGB",
     "the window follows the BARs"},
    {"window-misspelt",
     {"pciPassthru.use64bitMMIOSizeGB=64"},
     DP_DIAG_VMX_MMIO_MISSPELT,
     W,
     "pciPassthru.use64bitMMIOSizeGB",
     "64bitMMIOSizeGB"},
};

#undef E
#undef W
#undef N

static void
test_case(gconstpointer data)
{
    const Case *c = data;
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autofree char *text = plan_fixture_sample(c->changes);
    g_autoptr(DpPlan) plan = plan_fixture_plan(fixture, text);
    g_autofree char *all = plan_diags(plan);
    const DpDiag *diag = plan_diag(plan, c->id);
    g_autofree char *subject = NULL;
    g_autoptr(DpVmx) vmx = dp_vmx_parse("passthru.vmx", text, strlen(text), NULL, NULL);

    if (diag == NULL) {
        g_error("%s: DP%d is not among:\n%s", c->name, (int)c->id, all);
    }
    subject = c->about != NULL
                  ? g_strdup_printf("passthru.vmx:%u", dp_vmx_lookup(vmx, c->about)->line)
                  : g_strdup("passthru.vmx");
    g_assert_cmpstr(diag->subject, ==, subject);
    g_assert_cmpint(diag->severity, ==, c->severity);
    g_assert_cmpint(dp_diags_have_error(plan->diags), ==, c->severity == DP_ERROR_SEVERITY);
    g_assert_cmpuint(strlen(diag->cause), >, 0);
    g_assert_cmpuint(strlen(diag->remedy), >, 0);
    if (strstr(diag->message, c->says) == NULL && strstr(diag->remedy, c->says) == NULL) {
        g_error("%s: \"%s\" is neither in \"%s\" nor in \"%s\"", c->name, c->says, diag->message,
                diag->remedy);
    }
}

static const char *
in_use(const DpAddr *addr, void *user)
{
    const char *name = user;
    char buf[DP_ADDR_LEN];

    return strcmp(dp_addr_format(addr, buf), name) == 0 ? "Other" : NULL;
}

static void
test_in_use(void)
{
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) plan = NULL;
    const DpDiag *diag;

    fixture->input.used_by = in_use;
    fixture->input.used_by_user = (void *)(uintptr_t)DISK;
    plan = plan_fixture_changed(fixture, NULL);
    diag = plan_diag(plan, DP_DIAG_VMX_PASSTHRU_IN_USE);
    g_assert_nonnull(diag);
    g_assert_nonnull(strstr(diag->message, "\"Other\""));
    g_assert_nonnull(strstr(diag->message, DISK));
}

/* A key that @pattern takes, and the key that makes its device present. */
static void
sample_of(const char *pattern, char **ret_key, char **ret_present)
{
    GString *key = g_string_new(NULL);
    const char *dot;

    for (; *pattern != '\0'; pattern++) {
        g_string_append(key, *pattern == '#' ? "0" : *pattern == '*' ? "zz" : "");
        if (*pattern != '#' && *pattern != '*') {
            g_string_append_c(key, *pattern);
        }
    }
    dot = strchr(key->str, '.');
    *ret_present = dot != NULL
                       ? g_strdup_printf("%.*s.present=TRUE", (int)(dot - key->str), key->str)
                       : g_strdup("annotation=none");
    *ret_key = g_string_free(key, FALSE);
}

/* Every line of which the table says that the guest sees it otherwise is told, with its number. */
static void
test_what_the_guest_sees_is_told(void)
{
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    size_t n, marked = 0;
    const DpKeyRow *rows = dp_key_rows(&n);

    for (size_t i = 0; i < n; i++) {
        g_autofree char *key = NULL, *present = NULL, *line = NULL, *text = NULL, *all = NULL;
        g_autofree char *here = NULL;
        g_autoptr(DpVmx) vmx = NULL;
        g_autoptr(DpPlan) plan = NULL;
        bool told = false;

        if (rows[i].seen == DP_SEEN_NEVER) {
            continue;
        }
        marked++;
        g_assert_cmpint(rows[i].effect, ==, DP_EFFECT_SUBSTITUTED);
        sample_of(rows[i].pattern, &key, &present);
        g_assert_true(dp_key_lookup(key) == &rows[i]);
        line = g_strdup_printf("%s=TRUE", key);
        text = plan_fixture_sample((const char *const[]){present, line, NULL});
        vmx = dp_vmx_parse("passthru.vmx", text, strlen(text), NULL, NULL);
        plan = plan_fixture_plan(fixture, text);
        here = g_strdup_printf("%s (line %u)", key, dp_vmx_lookup(vmx, key)->line);
        g_free(line);
        line = g_strdup_printf("passthru.vmx:%u", dp_vmx_lookup(vmx, key)->line);
        for (guint k = 0; k < plan->diags->len; k++) {
            const DpDiag *diag = g_ptr_array_index(plan->diags, k);

            told = told || (diag->severity != DP_NOTE && (strcmp(diag->subject, line) == 0 ||
                                                          strstr(diag->message, here) != NULL));
        }
        all = plan_diags(plan);
        if (!told) {
            g_error("%s is not told:\n%s", key, all);
        }
    }
    g_assert_cmpuint(marked, >, 40);
}

/* One warning for all of them; none for a value that says how it is here anyway. */
static void
test_one_warning_for_all(void)
{
    static const char *const several[] = {"disk.EnableUUID=TRUE",
                                          "bios.hddOrder=scsi0:0",
                                          "featMask.vm.cpuid.Intel=Val:1",
                                          "vm.genid=1",
                                          "guestinfo.x=1",
                                          "smbios.assetTag=a",
                                          "pciPassthru0.macAddress=00:50:56:00:00:01",
                                          NULL};
    static const char *const off[] = {"disk.EnableUUID=FALSE", "guestinfo.x=", "vmci0.present=0",
                                      NULL};
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) plan = plan_fixture_changed(fixture, several);
    g_autoptr(DpPlan) before = plan_fixture_changed(fixture, NULL);
    g_autoptr(DpPlan) same = plan_fixture_changed(fixture, off);
    const DpDiag *diag = plan_diag(plan, DP_DIAG_VMX_GUEST_DIFFERS);
    unsigned n = 0;

    for (guint i = 0; i < plan->diags->len; i++) {
        n += ((DpDiag *)plan->diags->pdata[i])->row->id == DP_DIAG_VMX_GUEST_DIFFERS;
    }
    g_assert_cmpuint(n, ==, 1);
    g_assert_cmpint(diag->severity, ==, DP_WARNING);
    g_assert_false(dp_diags_have_error(plan->diags));
    for (size_t i = 0; several[i] != NULL; i++) {
        g_auto(GStrv) pair = g_strsplit(several[i], "=", 2);

        g_assert_nonnull(strstr(diag->message, pair[0]));
    }
    g_assert_nonnull(strstr(diag->remedy, "vm validate"));
    g_assert_null(plan_diag(before, DP_DIAG_VMX_GUEST_DIFFERS));
    g_assert_null(plan_diag(same, DP_DIAG_VMX_GUEST_DIFFERS));
}

/* Another card of the same model, by its serial number: the VMX cannot tell, the store does. */
static void
test_other_card(void)
{
    static const char *const dynamic[] = {"pciPassthru0.id",
                                          "pciPassthru0.allowedDevices=0x1b36:0x0010", NULL};
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpIdentities) identities = dp_identities_load(fixture->root, NULL, NULL);
    g_autoptr(DpPlan) same = NULL, refused = NULL, chosen = NULL, back = NULL;
    DpFunction *fn = dp_host_find_name(fixture->host, DISK);
    const DpDiag *diag;

    fn->caps.serial = 0x1122334455667788;
    dp_identities_record(identities, fn, true, NULL, 0);
    fixture->input.identities = identities;
    same = plan_fixture_changed(fixture, NULL);
    g_assert_false(dp_diags_have_error(same->diags));
    fn->caps.serial = 0x1122334455667799;
    refused = plan_fixture_changed(fixture, NULL);
    diag = plan_diag(refused, DP_DIAG_VMX_PASSTHRU_OTHER_CARD);
    g_assert_nonnull(diag);
    g_assert_true(g_str_has_prefix(diag->subject, "passthru.vmx:"));
    g_assert_nonnull(strstr(diag->message, "11-22-33-44-55-66-77-88"));
    g_assert_nonnull(strstr(diag->message, "11-22-33-44-55-66-77-99"));
    g_assert_nonnull(strstr(diag->remedy, "device enable " DISK));
    g_assert_nonnull(strstr(diag->remedy, "vm relocate"));
    chosen = plan_fixture_changed(fixture, dynamic);
    diag = plan_diag(chosen, DP_DIAG_VMX_DYNAMIC_NONE);
    g_assert_nonnull(diag);
    g_assert_nonnull(strstr(diag->message, DISK " (another card than was enabled)"));
    /* Enabled again: that is the one now. */
    dp_identities_record(identities, fn, true, NULL, 0);
    back = plan_fixture_changed(fixture, NULL);
    g_assert_false(dp_diags_have_error(back->diags));
}

static void
test_pending(void)
{
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) plan = NULL;
    DpFunction *fn = dp_host_find_name(fixture->host, DISK);

    g_free(fn->driver);
    fn->driver = g_strdup("nvme");
    plan = plan_fixture_changed(fixture, NULL);
    g_assert_nonnull(strstr(plan_diag(plan, DP_DIAG_VMX_PASSTHRU_PENDING)->message, "nvme"));
}

/* SeaBIOS cannot place it. */
static void
test_bar_too_large_for_bios(void)
{
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) plan = NULL;
    const DpDiag *diag;

    dp_host_find_name(fixture->host, DISK)->bars[0].size = (uint64_t)8 << 30;
    plan = plan_fixture_changed(fixture, NULL);
    diag = plan_diag(plan, DP_DIAG_VMX_MMIO_BIOS);
    g_assert_nonnull(diag);
    g_assert_nonnull(strstr(diag->message, "8 GiB"));
    g_assert_nonnull(strstr(diag->remedy, "EFI"));
}

static void
test_host_without_a_system_id(void)
{
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) plan = NULL;

    dp_esxconf_free(fixture->conf);
    fixture->conf = dp_esxconf_new();
    fixture->input.conf = fixture->conf;
    plan = plan_fixture_changed(fixture, NULL);
    g_assert_nonnull(plan_diag(plan, DP_DIAG_VMX_PASSTHRU_SYSTEM));
    g_assert_nonnull(plan_diag(plan, DP_DIAG_VMX_PASSTHRU_NOT_ENABLED));
}

static void
test_no_bridges(void)
{
    static const char *const changes[] = {"pciBridge0.present=FALSE", "pciBridge4.present=FALSE",
                                          "pciBridge5.present=FALSE", "pciBridge6.present=FALSE",
                                          "pciBridge7.present=FALSE", NULL};
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) plan = plan_fixture_changed(fixture, changes);

    g_assert_nonnull(plan_diag(plan, DP_DIAG_VMX_NO_BRIDGES));
}

/* A conventional function: refused in ESX's words where the file says pcie, placed with a warning
 * where it is silent, placed where it says pci. */
static void
test_conventional(void)
{
    static const char *const kinds[] = {"pciPassthru0.virtualDev=pcie", NULL,
                                        "pciPassthru0.virtualDev=pci"};
    static const DpDiagId ids[] = {DP_DIAG_VMX_PASSTHRU_WRONG_PCIE,
                                   DP_DIAG_VMX_PASSTHRU_CONVENTIONAL, DP_DIAG_VMX_SLOT_CHOSEN};

    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        const char *const changes[] = {"pciPassthru0.pciSlotNumber=-1", kinds[i], NULL};
        g_autoptr(PlanFixture) fixture = plan_fixture_new();
        g_autoptr(DpPlan) plan = NULL;
        const DpVmDevice *device;

        dp_host_find_name(fixture->host, DISK)->caps.pcie = DP_TRI_NO;
        plan = plan_fixture_changed(fixture, changes);
        device = g_ptr_array_index(plan->devices, 0);
        g_assert_nonnull(plan_diag(plan, ids[i]));
        g_assert_cmpint(dp_diags_have_error(plan->diags), ==, i == 0);
        if (i == 0) {
            g_assert_nonnull(
                strstr(plan_diag(plan, ids[i])->message,
                       "PCIPassthru: Device 003:00.0 barIndex 0 type Mem realaddr 0x"));
        } else {
            g_assert_cmpint(device->slot, ==, 32);
            g_assert_cmpstr(device->guest_address, ==, "pciBridge0 (00:13.0) device 00.0");
        }
    }
}

/* Two-digit buses: the reading under which the ids fit. */
static void
test_ambiguous_ids(void)
{
    static const char *const fits[] = {"pciPassthru0.id=03:00.0", NULL};
    static const char *const neither[] = {"pciPassthru0.id=13:00.0", NULL};
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) good = plan_fixture_changed(fixture, fits);
    g_autoptr(DpPlan) bad = plan_fixture_changed(fixture, neither);

    g_assert_false(dp_diags_have_error(good->diags));
    g_assert_nonnull(
        strstr(plan_diag(bad, DP_DIAG_VMX_PASSTHRU_AMBIGUOUS)->message, "0000:0d:00.0"));
    g_assert_nonnull(
        strstr(plan_diag(bad, DP_DIAG_VMX_PASSTHRU_AMBIGUOUS)->message, "0000:13:00.0"));
}

static void
test_no_host_compares_nothing(void)
{
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) plan = NULL;

    fixture->input = (DpPlanInput){.file_head = fixture->input.file_head};
    plan = plan_fixture_changed(fixture, NULL);
    g_assert_false(dp_diags_have_error(plan->diags));
    g_assert_cmpuint(plan->devices->len, ==, 2);
    g_assert_false(((DpVmDevice *)g_ptr_array_index(plan->devices, 0))->resolved);
}

/* A host that lacks something: its own diagnostic comes along, except what only KVM needs under
 * TCG. */
static void
test_incapable_host(void)
{
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) kvm = NULL;
    g_autoptr(DpPlan) tcg = NULL;

    fixture->host->platform.kvm = DP_TRI_NO;
    dp_policy_free(fixture->policy);
    fixture->policy = dp_policy_new(fixture->host, fixture->map);
    fixture->input.policy = fixture->policy;
    kvm = plan_fixture_changed(fixture, NULL);
    g_assert_nonnull(plan_diag(kvm, DP_DIAG_KVM_MISSING));
    fixture->input.tcg = true;
    tcg = plan_fixture_changed(fixture, NULL);
    g_assert_null(plan_diag(tcg, DP_DIAG_KVM_MISSING));
    g_assert_false(dp_diags_have_error(tcg->diags));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strdup_printf("/plan/refuse/%s", cases[i].name);

        g_test_add_data_func(path, &cases[i], test_case);
    }
    g_test_add_func("/plan/in-use", test_in_use);
    g_test_add_func("/plan/told", test_what_the_guest_sees_is_told);
    g_test_add_func("/plan/told-at-once", test_one_warning_for_all);
    g_test_add_func("/plan/other-card", test_other_card);
    g_test_add_func("/plan/pending", test_pending);
    g_test_add_func("/plan/bar-too-large-for-bios", test_bar_too_large_for_bios);
    g_test_add_func("/plan/no-system-id", test_host_without_a_system_id);
    g_test_add_func("/plan/no-bridges", test_no_bridges);
    g_test_add_func("/plan/conventional", test_conventional);
    g_test_add_func("/plan/ambiguous", test_ambiguous_ids);
    g_test_add_func("/plan/no-host", test_no_host_compares_nothing);
    g_test_add_func("/plan/incapable", test_incapable_host);
    return g_test_run();
}
