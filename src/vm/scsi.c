/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scsi.h"

#include "base/text.h"

/* scsiN.virtualDev; "" where absent. */
typedef struct {
    const char *name;
    const char *driver; /* QEMU's; NULL: none, the guest's system decides */
    DpPlaceKind kind;
    unsigned units; /* targets from 0 that QEMU's controller has */
} Model;

/* Of pvscsi ESX has 64. QEMU's takes the same numbers, but does not tell a guest's driver how many
 * there are (the command CONFIG fails), and Linux then looks at 16. */
static const Model models[] = {
    {"pvscsi", "pvscsi", DP_PLACE_PCIE, 16},
    {"lsisas1068", "mptsas1068", DP_PLACE_ANY, 8},
    {"lsilogic", NULL, DP_PLACE_ANY, 8},
    {"buslogic", NULL, DP_PLACE_ANY, 8},
    {"", NULL, DP_PLACE_ANY, 8}, /* VMware's default of old: lsilogic */
};

/* What stands for an LSI 53C1030 or a BusLogic adapter; under EFI for any. */
typedef enum { STAND_IN_SYM, STAND_IN_SAS, STAND_IN_AHCI, STAND_IN_VIRTIO } StandIn;

static const struct {
    const char *driver, *words;
} stand_ins[] = {
    /* The only one of QEMU's that systems from before 2005 know; parallel SCSI, too. */
    [STAND_IN_SYM] = {"lsi53c895a", "an LSI 53C895A"},
    /* Of the 53C1030's own family (Fusion-MPT): in many systems the same driver serves both. */
    [STAND_IN_SAS] = {"mptsas1068", "an LSI SAS1068"},
    /* OVMF as Debian builds it starts from no SCSI controller of VMware's. */
    [STAND_IN_AHCI] = {"ich9-ahci", "an AHCI controller"},
    [STAND_IN_VIRTIO] = {"virtio-scsi-pci", "a virtio SCSI controller"},
};

/* By the beginning of guestOS, in lower case; the first row that fits holds, so longer beginnings
 * come first. */
typedef struct {
    const char *guest;
    StandIn with;
    const char *driver; /* of the guest */
} GuestRow;

static const GuestRow by_guest[] = {
    {"win2000", STAND_IN_SYM, "symc8xx.sys, which Windows 2000 has"},
    {"winxp", STAND_IN_SYM, "symc8xx.sys, which Windows XP has"},
    {"winnet", STAND_IN_SYM, "symc8xx.sys, which Windows Server 2003 has"},
    {"winvista", STAND_IN_SAS, "lsi_sas.sys, which Windows has since Vista"},
    {"longhorn", STAND_IN_SAS, "lsi_sas.sys, which Windows Server has since 2008"},
    {"windows", STAND_IN_SAS, "lsi_sas.sys, which Windows has since Vista"},
    {"winnt", STAND_IN_SYM, "symc8xx.sys of LSI, which has to be installed before the move"},
    {"win", STAND_IN_SYM,
     "one for the LSI 53C8xx family, which has to be installed before the move"},
    {"freebsd", STAND_IN_SAS, "mpt(4), which drives both"},
    {"solaris", STAND_IN_SAS, "mpt, which drives both"},
    {"other24xlinux", STAND_IN_SYM, "sym53c8xx, which must be in the guest's initrd"},
    {"rhel2", STAND_IN_SYM, "sym53c8xx, which must be in the guest's initrd"},
    {"rhel3", STAND_IN_SYM, "sym53c8xx, which must be in the guest's initrd"},
    {"redhat", STAND_IN_SYM, "sym53c8xx, which must be in the guest's initrd"},
    {"sles8", STAND_IN_SYM, "sym53c8xx, which must be in the guest's initrd"},
    {"turbolinux", STAND_IN_SYM, "sym53c8xx, which must be in the guest's initrd"},
    {"mandrake", STAND_IN_SYM, "sym53c8xx, which must be in the guest's initrd"},
    {"linux", STAND_IN_SYM, "sym53c8xx, which must be in the guest's initrd"},
    {"rhel", STAND_IN_SAS, "mptsas, which must be in the guest's initramfs"},
    {"centos", STAND_IN_SAS, "mptsas, which must be in the guest's initramfs"},
    {"oraclelinux", STAND_IN_SAS, "mptsas, which must be in the guest's initramfs"},
    {"rockylinux", STAND_IN_SAS, "mptsas, which must be in the guest's initramfs"},
    {"almalinux", STAND_IN_SAS, "mptsas, which must be in the guest's initramfs"},
    {"asianux", STAND_IN_SAS, "mptsas, which must be in the guest's initramfs"},
    {"fedora", STAND_IN_SAS, "mptsas, which must be in the guest's initramfs"},
    {"debian", STAND_IN_SAS, "mptsas, which must be in the guest's initramfs"},
    {"ubuntu", STAND_IN_SAS, "mptsas, which must be in the guest's initramfs"},
    {"sles", STAND_IN_SAS, "mptsas, which must be in the guest's initrd"},
    {"suse", STAND_IN_SAS, "mptsas, which must be in the guest's initrd"},
    {"opensuse", STAND_IN_SAS, "mptsas, which must be in the guest's initrd"},
    {"amazonlinux", STAND_IN_SAS, "mptsas, which must be in the guest's initramfs"},
    {"coreos", STAND_IN_SAS, "mptsas, which must be in the guest's initramfs"},
    {"vmware-photon", STAND_IN_SAS, "mptsas, which must be in the guest's initramfs"},
    {"other26xlinux", STAND_IN_SAS, "mptsas, which must be in the guest's initramfs"},
    {"other3xlinux", STAND_IN_SAS, "mptsas, which must be in the guest's initramfs"},
    {"other4xlinux", STAND_IN_SAS, "mptsas, which must be in the guest's initramfs"},
    {"other5xlinux", STAND_IN_SAS, "mptsas, which must be in the guest's initramfs"},
    {"other6xlinux", STAND_IN_SAS, "mptsas, which must be in the guest's initramfs"},
    {"otherlinux", STAND_IN_SYM, "sym53c8xx, which must be in the guest's initrd"},
    {"", STAND_IN_SYM, "one for the LSI 53C8xx family"},
};

/* The same under EFI, whatever the model. */
static const GuestRow by_efi_guest[] = {
    {"win", STAND_IN_AHCI,
     "storahci.sys, which Windows has since 8 and loads at boot where it has used SATA before"},
    {"longhorn", STAND_IN_AHCI, "msahci.sys, which has to be switched on before the move"},
    {"freebsd", STAND_IN_VIRTIO, "virtio_scsi(4), which its kernel has"},
    {"", STAND_IN_VIRTIO, "virtio_scsi, which must be in the guest's initramfs"},
};

/* What stands for @model; NULL: QEMU has it, and firmware starts from it. */
static const GuestRow *
stand_in_for(const DpBuild *build, const Model *model)
{
    const char *guest = dp_vmx_get(build->vmx, "guestOS");
    const GuestRow *row = build->plan->efi ? by_efi_guest : by_guest;

    if (!build->plan->efi && model->driver != NULL) {
        return NULL;
    }
    while (g_ascii_strncasecmp(guest != NULL ? guest : "", row->guest, strlen(row->guest)) != 0) {
        row++; /* the last row fits all */
    }
    return row;
}

/* QEMU's driver for @model, that of its stand-in where there is one. */
static const char *
driver_of(const DpBuild *build, const Model *model)
{
    const GuestRow *row = stand_in_for(build, model);

    return row == NULL ? model->driver : stand_ins[row->with].driver;
}

static bool
check_shared_bus(DpBuild *build, const char *prefix)
{
    const char *shared = dp_build_get(build, prefix, "sharedBus");
    g_autofree char *key = dp_build_key(prefix, "sharedBus");
    DpDiag *diag;

    if (shared == NULL || shared[0] == '\0' || g_ascii_strcasecmp(shared, "none") == 0) {
        return true;
    }
    diag = dp_build_diag(
        build, DP_DIAG_VMX_DISK_MODE, key,
        "%s: disks shared between VMs are not offered; two writers would destroy the data", key);
    dp_diag_set_remedy(diag, "give each VM a disk of its own, and set %s to none", key);
    return false;
}

/* The guest sees another controller than @model, and is to have a driver for it. */
static void
warn_stand_in(DpBuild *build, const char *prefix, const Model *model, const GuestRow *row)
{
    const char *words = stand_ins[row->with].words;
    const char *was = model->name[0] != '\0' ? model->name : "lsilogic";
    g_autofree char *key = dp_build_key(prefix, "virtualDev");
    DpDiag *diag;

    dp_build_effect(build, key, DP_EFFECT_SUBSTITUTED,
                    model->driver == NULL ? "%s: QEMU has no %s"
                                          : "%s: EFI firmware here cannot start from %s",
                    words, was);
    diag = dp_build_diag(build, DP_DIAG_VMX_SUBSTITUTED, key,
                         "%s: the guest sees %s in place of %s; its driver is %s", prefix, words,
                         was, row->driver);
    if (build->plan->efi) {
        dp_diag_set_remedy(diag, "make sure of the driver while the guest still runs on the old "
                                 "host, or move its disk to a SATA or NVMe controller there first");
        return;
    }
    dp_diag_set_remedy(diag,
                       "make sure of the driver while the guest still runs on the old host, or set "
                       "%s to pvscsi or lsisas1068 there first",
                       key);
}

static const Model *
find_model(const DpBuild *build, const char *prefix)
{
    const char *wanted = dp_build_get(build, prefix, "virtualDev");

    for (size_t i = 0; i < G_N_ELEMENTS(models); i++) {
        if (g_ascii_strcasecmp(models[i].name, wanted != NULL ? wanted : "") == 0) {
            return &models[i];
        }
    }
    return NULL;
}

static bool
refuse_model(DpBuild *build, const char *prefix)
{
    g_autofree char *key = dp_build_key(prefix, "virtualDev");
    g_autofree char *shown = dp_text_visible(dp_build_get(build, prefix, "virtualDev"), -1);

    dp_build_diag(build, DP_DIAG_VMX_VALUE, key, "%s = \"%s\" is no SCSI controller of VMware's",
                  key, shown);
    return false;
}

bool
dp_scsi_controller(DpBuild *build, const char *prefix, unsigned n G_GNUC_UNUSED)
{
    const Model *model = find_model(build, prefix);
    const GuestRow *row;
    DpPlace place;

    if (!dp_build_bool(build, prefix, "present", false) || !check_shared_bus(build, prefix)) {
        return false;
    }
    if (model == NULL) {
        return refuse_model(build, prefix);
    }
    if (!dp_build_place(build, prefix, model->kind, false, &place)) {
        return false;
    }
    row = stand_in_for(build, model);
    if (row != NULL) {
        warn_stand_in(build, prefix, model, row);
    }
    dp_disks_add_controller(build, driver_of(build, model), prefix, &place);
    return true;
}

/*
 * A Linux guest passes over an end device of a SAS controller whose address is 0, which QEMU's
 * disks have unless told otherwise. As VMware's: NAA 5 with its company id, then what stays the
 * same as long as VM and place do.
 */
static json_int_t
sas_address(const DpBuild *build, unsigned n, unsigned unit)
{
    g_autofree char *seed = g_strdup_printf("%s scsi%u:%u", build->plan->id, n, unit);
    g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, seed, -1);

    sum[9] = '\0'; /* 36 bits */
    return (json_int_t)(UINT64_C(0x5000c29000000000) | g_ascii_strtoull(sum, NULL, 16));
}

/* A unit of a controller for which AHCI stands is a drive at a port. */
static void
move_to_port(unsigned n, unsigned unit, json_t *device)
{
    const char *driver = json_string_value(json_object_get(device, "driver"));
    g_autofree char *bus = g_strdup_printf("scsi%u.%u", n, unit);

    (void)json_object_set_new(device, "driver",
                              json_string(strcmp(driver, "scsi-hd") == 0 ? "ide-hd" : "ide-cd"));
    (void)json_object_set_new(device, "bus", json_string(bus));
    (void)json_object_del(device, "scsi-id");
    (void)json_object_del(device, "lun");
}

void
dp_scsi_identify(DpBuild *build, unsigned n, unsigned unit, json_t *device)
{
    g_autofree char *prefix = g_strdup_printf("scsi%u", n);
    const Model *model = find_model(build, prefix);

    if (model != NULL && strcmp(driver_of(build, model), "mptsas1068") == 0) {
        (void)json_object_set_new(device, "wwn", json_integer(sas_address(build, n, unit)));
    }
    if (dp_scsi_is_ahci(build, n)) {
        move_to_port(n, unit, device);
    }
}

unsigned
dp_scsi_units(DpBuild *build, unsigned n)
{
    g_autofree char *prefix = g_strdup_printf("scsi%u", n);
    const Model *model = find_model(build, prefix);

    return model == NULL ? 0 : dp_scsi_is_ahci(build, n) ? DP_AHCI_PORTS : model->units;
}

bool
dp_scsi_is_ahci(const DpBuild *build, unsigned n)
{
    g_autofree char *prefix = g_strdup_printf("scsi%u", n);
    const Model *model = find_model(build, prefix);

    return model != NULL && strcmp(driver_of(build, model), stand_ins[STAND_IN_AHCI].driver) == 0;
}
