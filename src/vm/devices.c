/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Serial ports, floppy, sound, USB. */
#include "base/text.h"
#include "build.h"

#include <string.h>

#define N_SERIAL 4 /* of the ISA bus */
#define N_FLOPPY 2

/* A port whose other end is not offered. VMware on a desktop prints through one: nothing is missed
 * there. */
static void
report_loose_port(DpBuild *build, const char *prefix, const char *type)
{
    g_autofree char *key = dp_build_key(prefix, "fileType");
    DpDiag *diag;

    dp_build_effect(build, key, DP_EFFECT_SUBSTITUTED, "a port with nothing behind it");
    diag = dp_build_diag(
        build, DP_DIAG_VMX_LEFT_OUT, key,
        "%s: the guest sees the port, and nothing is behind it: only files are offered", prefix);
    if (g_ascii_strcasecmp(type, "thinprint") == 0) {
        diag->severity = DP_NOTE;
    }
}

/* What is behind the port, as an argument of -chardev; NULL after a diagnostic. */
static char *
serial_backend(DpBuild *build, const char *prefix)
{
    g_autofree char *key = dp_build_key(prefix, "fileName");
    const char *type = dp_build_get(build, prefix, "fileType");
    DpImage image = {0};

    if (type == NULL || g_ascii_strcasecmp(type, "file") != 0) {
        report_loose_port(build, prefix, type != NULL ? type : "");
        return g_strdup_printf("null,id=%s", prefix);
    }
    if (!dp_build_bool(build, prefix, "startConnected", true)) {
        return g_strdup_printf("null,id=%s", prefix);
    }
    if (!dp_build_image(build, key, DP_VM_FILE_OUTPUT, true, &image)) {
        return NULL;
    }
    return g_strdup_printf("file,id=%s,path=/dev/fdset/%d,append=on", prefix, image.fdset);
}

static void
add_serial(DpBuild *build, unsigned n)
{
    g_autofree char *prefix = g_strdup_printf("serial%u", n);
    g_autofree char *port = g_strdup_printf("port-%s", prefix);
    char *backend;

    if (!dp_build_bool(build, prefix, "present", false)) {
        return;
    }
    backend = serial_backend(build, prefix);
    if (backend == NULL) {
        return;
    }
    g_ptr_array_add(build->extra, g_strdup("-chardev"));
    g_ptr_array_add(build->extra, backend);
    dp_build_device(build, json_pack("{s:s, s:s, s:s, s:i}", "driver", "isa-serial", "id", port,
                                     "chardev", prefix, "index", (int)n));
}

static bool
add_floppy(DpBuild *build, unsigned n, bool controller)
{
    g_autofree char *prefix = g_strdup_printf("floppy%u", n);
    g_autofree char *key = dp_build_key(prefix, "fileName");
    const char *type = dp_build_get(build, prefix, "fileType");
    bool image_file = type != NULL && g_ascii_strcasecmp(type, "file") == 0;
    DpImage image;
    json_t *device;

    if (!dp_build_bool(build, prefix, "present", false)) {
        return controller;
    }
    if (!controller) {
        dp_build_device(build, json_pack("{s:s, s:s}", "driver", "isa-fdc", "id", "fdc"));
    }
    device = json_pack("{s:s, s:s, s:s, s:i}", "driver", "floppy", "id", prefix, "bus", "fdc.0",
                       "unit", (int)n);
    if (image_file && dp_build_bool(build, prefix, "startConnected", true)) {
        if (!dp_build_image(build, key, DP_VM_FILE_FLOPPY, false, &image)) {
            json_decref(device);
            return true;
        }
        dp_build_effect(build, key, DP_EFFECT_SUBSTITUTED, "write-protected");
        dp_build_blockdev(build, n == 0 ? "floppy0-image" : "floppy1-image", &image, false);
        (void)json_object_set_new(device, "drive",
                                  json_string(n == 0 ? "floppy0-image" : "floppy1-image"));
    }
    dp_build_device(build, device);
    if (json_object_get(device, "drive") != NULL) {
        dp_build_boot(build, DP_BOOT_FLOPPY, device);
    }
    return true;
}

static void
add_sound(DpBuild *build)
{
    const char *kind = dp_build_get(build, "sound", "virtualDev");
    bool hda = kind != NULL && g_ascii_strcasecmp(kind, "hdaudio") == 0;
    DpPlace place;

    if (!dp_build_bool(build, "sound", "present", false) ||
        !dp_build_place(build, "sound", DP_PLACE_PCI, false, &place)) {
        return;
    }
    g_ptr_array_add(build->extra, g_strdup("-audiodev"));
    g_ptr_array_add(build->extra, g_strdup("{\"driver\":\"none\",\"id\":\"audio\"}"));
    dp_build_device(build, json_pack("{s:s, s:s, s:s, s:s}", "driver", hda ? "intel-hda" : "ES1370",
                                     "id", "sound", "bus", place.bus, "addr", place.addr));
    if (hda) {
        dp_build_device(build, json_pack("{s:s, s:s, s:s}", "driver", "hda-duplex", "bus",
                                         "sound.0", "audiodev", "audio"));
    } else {
        json_t *device = json_array_get(build->devices, json_array_size(build->devices) - 1);

        (void)json_object_set_new(device, "audiodev", json_string("audio"));
    }
    dp_build_diag(build, DP_DIAG_VMX_SUBSTITUTED, "sound.present",
                  "sound: the guest sees %s, and nobody hears it",
                  hda ? "an Intel HD Audio adapter" : "an Ensoniq ES1370");
}

/* USB controllers; a mouse on one becomes a tablet. */
static const struct {
    const char *name;
    const char *driver;
    DpPlaceKind kind;
    bool has_mouse;
} usb_models[] = {
    {"usb", "piix3-usb-uhci", DP_PLACE_PCI, true},
    {"ehci", "usb-ehci", DP_PLACE_PCI, false},
    {"usb_xhci", "qemu-xhci", DP_PLACE_PCIE, true},
};

static bool
usb_mouse(DpBuild *build, const char *name)
{
    for (unsigned i = 0; i < 8; i++) {
        g_autofree char *prefix = g_strdup_printf("%s:%u", name, i);
        const char *type = dp_build_get(build, prefix, "deviceType");

        if (type != NULL && g_ascii_strcasecmp(type, "hid") == 0 &&
            dp_build_bool(build, prefix, "present", false)) {
            return true;
        }
    }
    return false;
}

static void
add_usb(DpBuild *build)
{
    bool tablet = false;

    for (size_t i = 0; i < G_N_ELEMENTS(usb_models); i++) {
        g_autofree char *bus = g_strdup_printf("%s.0", usb_models[i].name);
        DpPlace place;

        if (!dp_build_bool(build, usb_models[i].name, "present", false) ||
            !dp_build_place(build, usb_models[i].name, usb_models[i].kind, false, &place)) {
            continue;
        }
        dp_build_device(build,
                        json_pack("{s:s, s:s, s:s, s:s}", "driver", usb_models[i].driver, "id",
                                  usb_models[i].name, "bus", place.bus, "addr", place.addr));
        if (usb_models[i].has_mouse && !tablet && usb_mouse(build, usb_models[i].name)) {
            tablet = true;
            dp_build_device(build, json_pack("{s:s, s:s, s:s}", "driver", "usb-tablet", "id",
                                             "tablet", "bus", bus));
        }
    }
}

void
dp_build_devices(DpBuild *build)
{
    bool floppy = false;

    for (unsigned n = 0; n < N_SERIAL; n++) {
        add_serial(build, n);
    }
    for (unsigned n = 0; n < N_FLOPPY; n++) {
        floppy = add_floppy(build, n, floppy);
    }
    add_sound(build);
    add_usb(build);
}
