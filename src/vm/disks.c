/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Controllers with their disks and drives. */
#include "base/text.h"
#include "build.h"
#include "keys.h"
#include "scsi.h"

#include <string.h>

typedef struct Family Family;

struct Family {
    const char *name, *units; /* of its keys, the second as dp_key_match has it */
    unsigned n_controllers, n_units;
    int reserved_unit;        /* the controller's own, -1: none */
    const char *disk, *cdrom; /* QEMU's devices; NULL: not offered */
    /* Adds controller @n; false if it is not there or was refused. */
    bool (*controller)(DpBuild *build, const char *prefix, unsigned n);
    /* Says where unit @unit of controller @n sits. */
    void (*attach)(json_t *device, unsigned n, unsigned unit);
};

void
dp_disks_add_controller(DpBuild *build, const char *driver, const char *id, const DpPlace *place)
{
    dp_build_device(build, json_pack("{s:s, s:s, s:s, s:s}", "driver", driver, "id", id, "bus",
                                     place->bus, "addr", place->addr));
}

static bool
sata_controller(DpBuild *build, const char *prefix, unsigned n)
{
    DpPlace place;

    (void)n;
    if (!dp_build_bool(build, prefix, "present", false) ||
        !dp_build_place(build, prefix, DP_PLACE_PCI, false, &place)) {
        return false;
    }
    dp_disks_add_controller(build, "ich9-ahci", prefix, &place);
    return true;
}

static bool
nvme_controller(DpBuild *build, const char *prefix, unsigned n)
{
    g_autofree char *serial = g_strdup_printf("VMware NVME_%04u", n);
    DpPlace place;

    if (!dp_build_bool(build, prefix, "present", false) ||
        !dp_build_place(build, prefix, DP_PLACE_PCIE, false, &place)) {
        return false;
    }
    dp_build_device(build, json_pack("{s:s, s:s, s:s, s:s, s:s}", "driver", "nvme", "id", prefix,
                                     "bus", place.bus, "addr", place.addr, "serial", serial));
    return true;
}

/* ESX's is function 1 of the 440BX's south bridge at 7; here it must be function 0 to be seen. */
static bool
ide_controller(DpBuild *build, const char *prefix, unsigned n)
{
    static const DpPlace place = {.slot = 7, .bus = "pcie.0", .addr = "7"};
    bool wanted[2] = {false, false};

    for (unsigned i = 0; i < 4; i++) {
        g_autofree char *unit = g_strdup_printf("ide%u:%u", i / 2, i % 2);

        wanted[i / 2] = dp_build_bool(build, unit, "present", false) || wanted[i / 2];
    }
    (void)prefix;
    if (n == 0 && (wanted[0] || wanted[1])) {
        dp_disks_add_controller(build, "piix4-ide", "ide", &place);
    }
    return wanted[n];
}

static void
scsi_attach(json_t *device, unsigned n, unsigned unit)
{
    g_autofree char *bus = g_strdup_printf("scsi%u.0", n);

    (void)json_object_set_new(device, "bus", json_string(bus));
    (void)json_object_set_new(device, "scsi-id", json_integer(unit));
    (void)json_object_set_new(device, "lun", json_integer(0));
}

static void
sata_attach(json_t *device, unsigned n, unsigned unit)
{
    g_autofree char *bus = g_strdup_printf("sata%u.%u", n, unit);

    (void)json_object_set_new(device, "bus", json_string(bus));
}

static void
nvme_attach(json_t *device, unsigned n, unsigned unit)
{
    g_autofree char *bus = g_strdup_printf("nvme%u", n);

    (void)json_object_set_new(device, "bus", json_string(bus));
    (void)json_object_set_new(device, "nsid", json_integer(unit + 1));
}

static void
ide_attach(json_t *device, unsigned n, unsigned unit)
{
    g_autofree char *bus = g_strdup_printf("ide.%u", n);

    (void)json_object_set_new(device, "bus", json_string(bus));
    (void)json_object_set_new(device, "unit", json_integer(unit));
}

static const Family families[] = {
    {"scsi", "scsi#:#.present", 4, 16, 7, "scsi-hd", "scsi-cd", dp_scsi_controller, scsi_attach},
    {"sata", "sata#:#.present", 4, 30, -1, "ide-hd", "ide-cd", sata_controller, sata_attach},
    {"nvme", "nvme#:#.present", 4, 15, -1, "nvme-ns", NULL, nvme_controller, nvme_attach},
    {"ide", "ide#:#.present", 2, 2, -1, "ide-hd", "ide-cd", ide_controller, ide_attach},
};

/* What xN:M.deviceType means; anything with a physical device behind it is not touched. */
typedef enum { UNIT_DISK, UNIT_CD_IMAGE, UNIT_CD_EMPTY, UNIT_REFUSED } UnitKind;

static const struct {
    const char *type;
    UnitKind kind;
} unit_types[] = {
    {"", UNIT_DISK},
    {"disk", UNIT_DISK},
    {"scsi-hardDisk", UNIT_DISK},
    {"ata-hardDisk", UNIT_DISK},
    {"cdrom-image", UNIT_CD_IMAGE},
    {"cdrom-raw", UNIT_CD_EMPTY},
    {"atapi-cdrom", UNIT_CD_EMPTY},
    {"cdrom", UNIT_CD_EMPTY},
    {"remote-cdrom", UNIT_CD_EMPTY},
    {"rawDisk", UNIT_REFUSED},
    {"plainDisk", UNIT_REFUSED},
    {"scsi-passthru", UNIT_REFUSED},
    {"scsi-nonpassthru-rdm", UNIT_REFUSED},
    {"scsi-passthru-rdm", UNIT_REFUSED},
};

static UnitKind
unit_kind(DpBuild *build, const char *prefix)
{
    const char *type = dp_build_get(build, prefix, "deviceType");
    g_autofree char *key = dp_build_key(prefix, "deviceType");
    g_autofree char *shown = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(unit_types); i++) {
        if (g_ascii_strcasecmp(type != NULL ? type : "", unit_types[i].type) != 0) {
            continue;
        }
        if (unit_types[i].kind == UNIT_REFUSED) {
            dp_build_diag(build, DP_DIAG_VMX_DISK_RAW, key,
                          "%s = \"%s\": a physical disk of the old host", key, unit_types[i].type);
        }
        return unit_types[i].kind;
    }
    shown = dp_text_visible(type, -1);
    dp_build_diag(build, DP_DIAG_VMX_VALUE, key, "%s = \"%s\" is no kind of drive", key, shown);
    return UNIT_REFUSED;
}

/* A mode that drops or delays writes would lose or keep what the file promises to keep or lose. */
static bool
check_mode(DpBuild *build, const char *prefix)
{
    const char *mode = dp_build_get(build, prefix, "mode");
    const char *redo = dp_build_get(build, prefix, "redo");
    const char *sharing = dp_build_get(build, prefix, "sharing");
    g_autofree char *key = dp_build_key(prefix, mode != NULL ? "mode" : "redo");
    g_autofree char *sharing_key = dp_build_key(prefix, "sharing");
    g_autofree char *shown = NULL;
    DpDiag *diag;

    if (mode != NULL && mode[0] != '\0' && g_ascii_strcasecmp(mode, "persistent") != 0 &&
        g_ascii_strcasecmp(mode, "independent-persistent") != 0) {
        shown = dp_text_visible(mode, -1);
        dp_build_diag(build, DP_DIAG_VMX_DISK_MODE, key, "%s = \"%s\" is not offered", key, shown);
        return false;
    }
    if (redo != NULL && redo[0] != '\0') {
        diag = dp_build_diag(build, DP_DIAG_VMX_DISK_MODE, key, "%s has a redo log", prefix);
        dp_diag_set_remedy(diag, "commit or discard the snapshot on the old host before the move");
        return false;
    }
    if (sharing != NULL && sharing[0] != '\0' && g_ascii_strcasecmp(sharing, "sharing-none") != 0) {
        diag = dp_build_diag(build, DP_DIAG_VMX_DISK_MODE, sharing_key,
                             "%s: a disk shared between VMs is not offered; two writers would "
                             "destroy the data",
                             sharing_key);
        dp_diag_set_remedy(diag, "give each VM a disk of its own, and set %s to sharing-none",
                           sharing_key);
        return false;
    }
    return true;
}

static json_t *
unit_device(DpBuild *build,
            const Family *family,
            const char *prefix,
            const char *driver,
            unsigned n,
            unsigned unit)
{
    g_autofree char *id = g_strdelimit(g_strdup(prefix), ":", '-');
    json_t *device = json_pack("{s:s, s:s}", "driver", driver, "id", id);

    family->attach(device, n, unit);
    if (strcmp(family->name, "scsi") == 0) {
        dp_scsi_identify(build, n, unit, device);
    }
    return device;
}

/* xN:M.virtualSSD = "1": the guest is told that nothing rotates. NVMe never does. */
static void
set_solid_state(DpBuild *build, const Family *family, const char *prefix, json_t *device)
{
    if (dp_build_int(build, prefix, "virtualSSD", 0, 1, 0) == 1 && family->cdrom != NULL) {
        (void)json_object_set_new(device, "rotation_rate", json_integer(1));
    }
}

/* A disk that cannot be written. ATA has none such, and QEMU starts with none at IDE or AHCI. */
static void
report_read_only(DpBuild *build, const char *prefix, const char *key, const json_t *device)
{
    if (strcmp(json_string_value(json_object_get(device, "driver")), "ide-hd") == 0) {
        dp_build_diag(build, DP_DIAG_VMX_DISK_NO_WRITE, key,
                      "%s: the disk is stream-optimized and cannot be written, and an ATA disk "
                      "that cannot be written does not exist",
                      prefix);
        return;
    }
    dp_build_effect(build, key, DP_EFFECT_SUBSTITUTED,
                    "read-only: a stream-optimized VMDK cannot be written");
    dp_build_diag(build, DP_DIAG_VMX_DISK_READ_ONLY, key,
                  "%s: the disk is stream-optimized; the guest cannot write to it", prefix);
}

static void
add_disk(DpBuild *build, const Family *family, const char *prefix, unsigned n, unsigned unit)
{
    g_autofree char *key = dp_build_key(prefix, "fileName");
    g_autofree char *node = g_strdup_printf("%s%u-%u-disk", family->name, n, unit);
    json_t *device;
    DpImage image;

    if (!check_mode(build, prefix) || !dp_build_image(build, key, DP_VM_FILE_VMDK, true, &image)) {
        return;
    }
    dp_build_blockdev(build, node, &image, true);
    device = unit_device(build, family, prefix, family->disk, n, unit);
    if (image.read_only) {
        report_read_only(build, prefix, key, device);
    }
    (void)json_object_set_new(device, "drive", json_string(node));
    set_solid_state(build, family, prefix, device);
    dp_build_device(build, device);
    dp_build_boot(build, DP_BOOT_DISK, device);
}

/* A drive that held the host's or a client's disc is empty; an image that is missing is an error.
 */
static void
add_cdrom(DpBuild *build,
          const Family *family,
          const char *prefix,
          UnitKind kind,
          unsigned n,
          unsigned unit)
{
    g_autofree char *key = dp_build_key(prefix, "fileName");
    g_autofree char *node = g_strdup_printf("%s%u-%u-cd", family->name, n, unit);
    bool connected = dp_build_bool(build, prefix, "startConnected", true);
    json_t *device;
    DpImage image;

    device = unit_device(build, family, prefix, family->cdrom, n, unit);
    if (kind == UNIT_CD_IMAGE && connected) {
        if (!dp_build_image(build, key, DP_VM_FILE_ISO, false, &image)) {
            json_decref(device);
            return;
        }
        dp_build_blockdev(build, node, &image, false);
        (void)json_object_set_new(device, "drive", json_string(node));
    } else {
        dp_build_effect(build, key,
                        kind == UNIT_CD_IMAGE ? DP_EFFECT_HONOURED : DP_EFFECT_SUBSTITUTED,
                        "an empty drive");
    }
    dp_build_device(build, device);
    dp_build_boot(build, DP_BOOT_CDROM, device);
}

/* The controller here may have fewer places than VMware's. */
static unsigned
units_here(DpBuild *build, const Family *family, unsigned n)
{
    if (strcmp(family->name, "sata") == 0) {
        return DP_AHCI_PORTS;
    }
    return strcmp(family->name, "scsi") == 0 ? dp_scsi_units(build, n) : family->n_units;
}

static void
add_unit(DpBuild *build, const Family *family, unsigned n, unsigned unit)
{
    g_autofree char *prefix = g_strdup_printf("%s%u:%u", family->name, n, unit);
    UnitKind kind;

    if (!dp_build_bool(build, prefix, "present", false)) {
        return;
    }
    kind = unit_kind(build, prefix);
    if ((int)unit == family->reserved_unit || unit >= units_here(build, family, n) ||
        (family->cdrom == NULL && kind != UNIT_DISK && kind != UNIT_REFUSED)) {
        g_autofree char *key = dp_build_key(prefix, "present");

        dp_build_diag(build, DP_DIAG_VMX_DISK_PLACE, key,
                      "%s: the controller here has no such place", prefix);
        return;
    }
    if (kind == UNIT_DISK) {
        add_disk(build, family, prefix, n, unit);
    } else if (kind != UNIT_REFUSED) {
        add_cdrom(build, family, prefix, kind, n, unit);
    }
}

/* A disk on a controller that is not there is a disk the guest would miss. */
static void
report_orphan(DpBuild *build, const Family *family, unsigned n, unsigned unit)
{
    g_autofree char *prefix = g_strdup_printf("%s%u:%u", family->name, n, unit);
    g_autofree char *controller = g_strdup_printf("%s%u", family->name, n);

    if (dp_build_bool(build, prefix, "present", false) &&
        !dp_build_bool(build, controller, "present", false)) {
        g_autofree char *key = dp_build_key(prefix, "present");

        dp_build_diag(build, DP_DIAG_VMX_DISK_PLACE, key,
                      "%s is present, and its controller %s is not", prefix, controller);
    }
}

/* A unit that no controller of the family has, by its key: no loop over units comes to it. */
static void
report_beyond(DpBuild *build, const Family *family, const DpVmxEntry *entry)
{
    const char *unit = strchr(entry->key, ':');
    uint64_t number, controller;
    bool present = false;
    unsigned units;

    if (!dp_key_match(family->units, entry->key) || unit == NULL) {
        return;
    }
    controller = g_ascii_strtoull(entry->key + strlen(family->name), NULL, 10);
    number = g_ascii_strtoull(unit + 1, NULL, 10);
    if (controller >= family->n_controllers || number < family->n_units ||
        !dp_vmx_get_bool(build->vmx, entry->key, &present, NULL) || !present) {
        return;
    }
    units = units_here(build, family, (unsigned)controller);
    dp_build_diag(build, DP_DIAG_VMX_DISK_PLACE, entry->key,
                  "%.64s: units of such a controller end at %u here", entry->key,
                  (units > 0 ? units : family->n_units) - 1);
}

static void
report_all_beyond(DpBuild *build)
{
    for (size_t i = 0; i < dp_vmx_n_entries(build->vmx); i++) {
        for (size_t f = 0; f < G_N_ELEMENTS(families); f++) {
            report_beyond(build, &families[f], dp_vmx_entry(build->vmx, i));
        }
    }
}

void
dp_build_disks(DpBuild *build)
{
    report_all_beyond(build);
    for (size_t f = 0; f < G_N_ELEMENTS(families); f++) {
        const Family *family = &families[f];

        for (unsigned n = 0; n < family->n_controllers; n++) {
            g_autofree char *prefix = g_strdup_printf("%s%u", family->name, n);
            bool there = family->controller(build, prefix, n);

            for (unsigned unit = 0; unit < family->n_units; unit++) {
                if (there) {
                    add_unit(build, family, n, unit);
                } else if (family->controller != ide_controller) {
                    report_orphan(build, family, n, unit);
                }
            }
        }
    }
}
