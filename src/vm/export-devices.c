/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU's devices of a plan, one by one, in libvirt's words. */
#include "export.h"

#include <stdlib.h>
#include <string.h>

/* The file behind descriptor set "/dev/fdset/N", or NULL. */
static const DpVmFile *
file_of(const DpExport *export, const char *fdset)
{
    for (guint i = 0; i < export->plan->files->len; i++) {
        const DpVmFile *file = &g_array_index(export->plan->files, DpVmFile, i);
        g_autofree char *name = g_strdup_printf("/dev/fdset/%d", file->fdset);

        if (strcmp(fdset, name) == 0) {
            return file;
        }
    }
    return NULL;
}

static const json_t *
node_of(const DpExport *export, const char *name)
{
    for (guint i = 0; i < export->blockdevs->len; i++) {
        if (strcmp(dp_export_text(export->blockdevs->pdata[i], "node-name"), name) == 0) {
            return export->blockdevs->pdata[i];
        }
    }
    return NULL;
}

static void
left_out(DpExport *export, const json_t *device, const char *why)
{
    dp_diags_add(export->diags, DP_DIAG_VM_EXPORT_LEFT_OUT, export->plan->name,
                 "%s (%s) is not in the XML: %s", dp_export_text(device, "id"),
                 dp_export_text(device, "driver"), why);
}

static void
add_boot(DpExport *export, const json_t *device)
{
    const json_t *index = json_object_get(device, "bootindex");

    if (index != NULL) {
        dp_export_line(export, 3, "<boot order='%d'/>", (int)json_integer_value(index) + 1);
    }
}

/* The image of @device's drive: its path and format. False if libvirt has no words for it. */
static bool
find_image(const DpExport *export,
           const json_t *device,
           const DpVmFile **ret_file,
           const char **ret_format)
{
    const json_t *node = node_of(export, dp_export_text(device, "drive"));
    const json_t *below = node != NULL ? node_of(export, dp_export_text(node, "file")) : NULL;

    *ret_format = node != NULL ? dp_export_text(node, "driver") : "";
    *ret_file = below != NULL ? file_of(export, dp_export_text(below, "filename")) : NULL;
    return *ret_file != NULL &&
           (strcmp(*ret_format, "vmdk") == 0 || strcmp(*ret_format, "raw") == 0);
}

typedef struct {
    const char *bus, *device; /* libvirt's */
    unsigned controller, target, unit;
} DriveAddress;

/* "sda" to "sdz", "sdaa" and so on; a disk of which the guest is told that nothing rotates says so.
 */
static void
add_target(DpExport *export, const json_t *device, const DriveAddress *at)
{
    const json_t *rate = json_object_get(device, "rotation_rate");
    unsigned n = export->n_disks;
    char first[2] = "";

    if (strcmp(at->device, "floppy") == 0) {
        dp_export_line(export, 3, "<target dev='fd%c' bus='fdc'/>", 'a' + (int)at->unit);
        return;
    }
    export->n_disks++;
    if (n >= 26) {
        first[0] = (char)('a' + (int)(n / 26) - 1);
    }
    if (rate != NULL) {
        dp_export_line(export, 3, "<target dev='sd%s%c' bus='%s' rotation_rate='%d'/>", first,
                       'a' + (int)(n % 26), at->bus, (int)json_integer_value(rate));
    } else {
        dp_export_line(export, 3, "<target dev='sd%s%c' bus='%s'/>", first, 'a' + (int)(n % 26),
                       at->bus);
    }
}

/* The address of a SAS disk, without which a Linux guest does not see it. */
static void
add_wwn(DpExport *export, const json_t *device)
{
    const json_t *wwn = json_object_get(device, "wwn");

    if (wwn != NULL) {
        dp_export_line(export, 3, "<wwn>%016" G_GINT64_MODIFIER "x</wwn>",
                       (guint64)json_integer_value(wwn));
    }
}

static void
add_drive(DpExport *export, const json_t *device, const DriveAddress *at)
{
    const DpVmFile *file = NULL;
    const char *format = "raw";

    if (json_object_get(device, "drive") != NULL && !find_image(export, device, &file, &format)) {
        left_out(export, device, "its disk is made of several files");
        return;
    }
    dp_export_line(export, 2, "<disk type='file' device='%s'>", at->device);
    dp_export_line(export, 3, "<driver name='qemu' type='%s'/>", format);
    if (file != NULL) {
        dp_export_line(export, 3, "<source file='%s'/>", file->path);
    }
    add_target(export, device, at);
    if (strcmp(at->device, "disk") != 0 || (file != NULL && !file->writable)) {
        dp_export_line(export, 3, "<readonly/>");
    }
    add_wwn(export, device);
    add_boot(export, device);
    dp_export_line(export, 3,
                   "<address type='drive' controller='%u' bus='0' target='%u' unit='%u'/>",
                   at->controller, at->target, at->unit);
    dp_export_line(export, 2, "</disk>");
}

/* The number in "scsi0.0", "sata1.2", "ide.1". */
static unsigned
number_behind(const char *bus, const char *name)
{
    return (unsigned)strtoul(bus + strlen(name), NULL, 10);
}

/* libvirt counts a disk on lsilogic by unit, on the others by target (its qemu driver). */
static void
add_scsi_drive(DpExport *export, const json_t *device, const char *kind)
{
    const char *bus = dp_export_text(device, "bus");
    unsigned id = (unsigned)json_integer_value(json_object_get(device, "scsi-id"));
    DriveAddress at = {.bus = "scsi", .device = kind, .controller = number_behind(bus, "scsi")};
    g_autofree char *controller = g_strdup_printf("scsi%u", at.controller);
    bool by_unit = false;

    for (guint i = 0; i < export->devices->len; i++) {
        const json_t *other = export->devices->pdata[i];

        by_unit = by_unit || (strcmp(dp_export_text(other, "id"), controller) == 0 &&
                              strcmp(dp_export_text(other, "driver"), "lsi53c895a") == 0);
    }
    at.target = by_unit ? 0 : id;
    at.unit = by_unit ? id : 0;
    add_drive(export, device, &at);
}

/* libvirt gives every q35 a SATA controller 0 and has no IDE there: drives of IDE go to it. The
 * VMX's own SATA controllers are 1 to 4; those that stand for a SCSI controller come behind. */
static unsigned
sata_index(const char *id)
{
    return number_behind(id, "sata") + (g_str_has_prefix(id, "sata") ? 1 : 5);
}

static void
add_ata_drive(DpExport *export, const json_t *device, const char *kind)
{
    const char *bus = dp_export_text(device, "bus");
    DriveAddress at = {.bus = "sata", .device = kind};

    if (g_str_has_prefix(bus, "sata") || g_str_has_prefix(bus, "scsi")) {
        const char *dot = strchr(bus, '.');

        at.controller = sata_index(bus);
        at.unit = dot != NULL ? (unsigned)strtoul(dot + 1, NULL, 10) : 0;
    } else {
        at.unit = number_behind(bus, "ide.") * 2 +
                  (unsigned)json_integer_value(json_object_get(device, "unit"));
        dp_diags_add(export->diags, DP_DIAG_VM_EXPORT_CHANGED, export->plan->name,
                     "%s is on SATA in the XML: libvirt's q35 has no IDE",
                     dp_export_text(device, "id"));
    }
    add_drive(export, device, &at);
}

static void
add_disk(DpExport *export, const json_t *device, const char *kind)
{
    if (g_str_has_prefix(dp_export_text(device, "driver"), "scsi")) {
        add_scsi_drive(export, device, kind);
    } else {
        add_ata_drive(export, device, kind);
    }
}

static void
add_floppy(DpExport *export, const json_t *device, const char *kind)
{
    DriveAddress at = {.bus = "fdc",
                       .device = kind,
                       .unit = (unsigned)json_integer_value(json_object_get(device, "unit"))};

    add_drive(export, device, &at);
}

static void
add_passthru(DpExport *export, const json_t *device, const char *kind)
{
    DpAddr addr;

    (void)kind;
    if (!dp_addr_parse(dp_export_text(device, "host"), &addr, NULL)) {
        left_out(export, device, "it has no address of this host");
        return;
    }
    dp_export_line(export, 2, "<hostdev mode='subsystem' type='pci' managed='no'>");
    dp_export_line(export, 3, "<driver name='vfio'/>");
    dp_export_line(export, 3, "<source>");
    dp_export_line(export, 4,
                   "<address domain='0x%04x' bus='0x%02x' slot='0x%02x' function='0x%x'/>",
                   (unsigned)addr.domain, addr.bus, addr.device, addr.function);
    dp_export_line(export, 3, "</source>");
    if (json_object_get(device, "rombar") != NULL) {
        dp_export_line(export, 3, "<rom bar='off'/>");
    }
    dp_export_address(export, 3, device);
    dp_export_line(export, 2, "</hostdev>");
}

/* The bridge that the interface called @id is a port of, or NULL. */
static const char *
bridge_of(const DpExport *export, const char *id)
{
    for (guint i = 0; i < export->plan->taps->len; i++) {
        const DpVmTap *tap = &g_array_index(export->plan->taps, DpVmTap, i);

        if (strcmp(tap->interface, id) == 0) {
            return tap->bridge;
        }
    }
    return NULL;
}

/* A port of a bridge, the engine's own network, or one that is plugged in nowhere. */
static void
add_interface(DpExport *export, const json_t *device, const char *model)
{
    const char *bridge = bridge_of(export, dp_export_text(device, "id"));

    dp_export_line(export, 2, "<interface type='%s'>", bridge != NULL ? "bridge" : "user");
    if (bridge != NULL) {
        dp_export_line(export, 3, "<source bridge='%s'/>", bridge);
    }
    dp_export_line(export, 3, "<mac address='%s'/>", dp_export_text(device, "mac"));
    dp_export_line(export, 3, "<model type='%s'/>", model);
    if (bridge == NULL && json_object_get(device, "netdev") == NULL) {
        dp_export_line(export, 3, "<link state='down'/>");
    }
    dp_export_line(export, 3, "<rom enabled='no'/>");
    dp_export_address(export, 3, device);
    dp_export_line(export, 2, "</interface>");
}

static void
add_controller(DpExport *export, const json_t *device, const char *model)
{
    const char *id = dp_export_text(device, "id");

    if (model[0] == '\0') {
        dp_export_line(export, 2, "<controller type='sata' index='%u'>", sata_index(id));
    } else {
        dp_export_line(export, 2, "<controller type='scsi' index='%u' model='%s'>",
                       number_behind(id, "scsi"), model);
    }
    dp_export_address(export, 3, device);
    dp_export_line(export, 2, "</controller>");
}

static void
add_usb(DpExport *export, const json_t *device, const char *model)
{
    dp_export_line(export, 2, "<controller type='usb' index='%u' model='%s'>", export->n_usb++,
                   model);
    dp_export_address(export, 3, device);
    dp_export_line(export, 2, "</controller>");
}

static void
add_tablet(DpExport *export, const json_t *device, const char *kind)
{
    (void)device;
    dp_export_line(export, 2, "<input type='%s' bus='usb'/>", kind);
}

static void
add_video(DpExport *export, const json_t *device, const char *model)
{
    dp_export_line(export, 2, "<video>");
    dp_export_line(export, 3, "<model type='%s' vram='%d' heads='1' primary='yes'/>", model,
                   (int)json_integer_value(json_object_get(device, "vgamem_mb")) * 1024);
    dp_export_address(export, 3, device);
    dp_export_line(export, 2, "</video>");
}

static void
add_sound(DpExport *export, const json_t *device, const char *model)
{
    dp_export_line(export, 2, "<sound model='%s'>", model);
    dp_export_address(export, 3, device);
    dp_export_line(export, 2, "</sound>");
}

static void
add_serial(DpExport *export, const json_t *device, const char *model)
{
    g_autofree char *start = g_strdup_printf("file,id=%s,path=", dp_export_text(device, "chardev"));
    const char *chardev = dp_export_option(export->plan, "-chardev", start);
    g_auto(GStrv) words = g_strsplit(chardev != NULL ? chardev + strlen(start) : "", ",", 2);
    const DpVmFile *file = words[0] != NULL ? file_of(export, words[0]) : NULL;

    dp_export_line(export, 2, "<serial type='%s'>", file != NULL ? "file" : "null");
    if (file != NULL) {
        dp_export_line(export, 3, "<source path='%s' append='on'/>", file->path);
    }
    dp_export_line(export, 3, "<target type='%s' port='%d'/>", model,
                   (int)json_integer_value(json_object_get(device, "index")));
    dp_export_line(export, 2, "</serial>");
}

/* What has no element of its own: libvirt adds it by itself. */
static void
add_nothing(DpExport *export, const json_t *device, const char *kind)
{
    (void)export;
    (void)device;
    (void)kind;
}

static const struct {
    const char *driver; /* QEMU's */
    void (*add)(DpExport *export, const json_t *device, const char *word);
    const char *word; /* libvirt's */
} elements[] = {
    {"vfio-pci", add_passthru, ""},
    {"vmware-svga", add_video, "vmvga"},
    {"lsi53c895a", add_controller, "lsilogic"},
    {"mptsas1068", add_controller, "lsisas1068"},
    {"pvscsi", add_controller, "vmpvscsi"},
    {"virtio-scsi-pci", add_controller, "virtio-scsi"},
    {"ich9-ahci", add_controller, ""},
    {"piix4-ide", add_nothing, ""},
    {"piix3-ide", add_nothing, ""},
    {"scsi-hd", add_disk, "disk"},
    {"scsi-cd", add_disk, "cdrom"},
    {"ide-hd", add_disk, "disk"},
    {"ide-cd", add_disk, "cdrom"},
    {"floppy", add_floppy, "floppy"},
    {"isa-fdc", add_nothing, ""},
    {"e1000-82545em", add_interface, "e1000-82545em"},
    {"e1000e", add_interface, "e1000e"},
    {"vmxnet3", add_interface, "vmxnet3"},
    {"pcnet", add_interface, "pcnet"},
    {"piix3-usb-uhci", add_usb, "piix3-uhci"},
    {"usb-ehci", add_usb, "ehci"},
    {"qemu-xhci", add_usb, "qemu-xhci"},
    {"usb-tablet", add_tablet, "tablet"},
    {"ES1370", add_sound, "es1370"},
    {"intel-hda", add_sound, "ich6"},
    {"hda-duplex", add_nothing, ""},
    {"isa-serial", add_serial, "isa-serial"},
};

void
dp_export_device(DpExport *export, const json_t *device)
{
    const char *driver = dp_export_text(device, "driver");

    for (size_t i = 0; i < G_N_ELEMENTS(elements); i++) {
        if (strcmp(driver, elements[i].driver) == 0) {
            elements[i].add(export, device, elements[i].word);
            return;
        }
    }
    left_out(export, device, "libvirt has no such device");
}
