/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to this folder: a plan while it is being made. Each part of the VMX (machine, disks,
 * networks, passthrough) reads its keys, reports what became of them, takes its place in the
 * guest's PCI topology and appends its share of QEMU's arguments.
 */
#pragma once

#include "placement.h"
#include "vm.h"

#include <jansson.h>

/* Descriptors that QEMU inherits, by number. */
enum {
    DP_VM_FD_QMP = 3,    /* listening: commands */
    DP_VM_FD_EVENTS = 4, /* listening: the supervisor */
    DP_VM_FD_FILES = 5,  /* the first of the plan's files */
};

/* How a device is reached during boot: QEMU's bootindex is given in this order. */
typedef enum { DP_BOOT_DISK, DP_BOOT_CDROM, DP_BOOT_FLOPPY, DP_BOOT_N } DpBootKind;

typedef struct {
    DpBootKind kind;
    json_t *device; /* borrowed from `devices` */
} DpBootEntry;

typedef struct {
    const DpVmx *vmx;
    const DpPlanInput *input;
    DpPlan *plan;
    char *folder;        /* of the VMX */
    int64_t hw_version;  /* virtualHW.version; 0 unknown */
    bool wants_passthru; /* at least one pciPassthruN is present */
    DpPlacement *place;  /* the guest's PCI topology */
    json_t *blockdevs;   /* array: -blockdev */
    json_t *devices;     /* array: -device, buses before what sits on them */
    GPtrArray *extra;    /* char *: arguments that are no JSON: -chardev, -audiodev */
    GArray *boot;        /* DpBootEntry */
    DpBootKind order[DP_BOOT_N];
    GPtrArray *seen;        /* DpKeyReport, borrowed: lines that the guest sees otherwise */
    uint64_t bar_bytes;     /* of all passed-through functions */
    uint64_t display_bytes; /* of the display adapter's memory */
} DpBuild;

/* "NAME:LINE" of @key, or "NAME" if the file has no such key; the caller frees it. */
char *dp_build_subject(const DpBuild *build, const char *key);

/* A diagnostic about @key (or the file as a whole: NULL). */
DpDiag *dp_build_diag(DpBuild *build, DpDiagId id, const char *key, const char *fmt, ...)
    G_GNUC_PRINTF(4, 5);

/* What became of @key, in place of what its row says. */
void dp_build_effect(DpBuild *build, const char *key, DpEffect effect, const char *fmt, ...)
    G_GNUC_PRINTF(4, 5);

/* Typed access to PREFIX.NAME. */
char *dp_build_key(const char *prefix, const char *name);
const char *dp_build_get(const DpBuild *build, const char *prefix, const char *name);
/* @fallback where the key is absent or no boolean (which has been reported). */
bool dp_build_bool(DpBuild *build, const char *prefix, const char *name, bool fallback);
int64_t dp_build_int(DpBuild *build,
                     const char *prefix,
                     const char *name,
                     int64_t min,
                     int64_t max,
                     int64_t fallback);

/* check.c: the running VM that has @fn, or NULL; it may be this one. */
const DpRun *dp_build_used_by(const DpBuild *build, const DpFunction *fn);
/* check.c: @run, which may be NULL, is this VM. */
bool dp_build_is_own(const DpBuild *build, const DpRun *run);
/* check.c: the name of another running VM that has @fn, or NULL. */
const char *dp_build_other_user(const DpBuild *build, const DpFunction *fn);

/* The value of @key in UTF-8: its bytes where they are, else as it is shown. NULL: no such key. */
const char *dp_build_utf8(const DpBuild *build, const char *key);

/* sites.c: where the file @name (an absolute path) of @key is on this host, and in *ret_inside the
 * folder that it must lie in: the VM's or a datastore's. NULL after a diagnostic; the caller frees
 * both. */
char *dp_build_site(DpBuild *build, const char *key, const char *name, char **ret_inside);

/* Appends one argument, or two. */
void dp_build_arg(DpBuild *build, const char *option, const char *value);
void dp_build_argf(DpBuild *build, const char *option, const char *fmt, ...) G_GNUC_PRINTF(3, 4);
/* Takes @device. */
void dp_build_device(DpBuild *build, json_t *device);
void dp_build_boot(DpBuild *build, DpBootKind kind, json_t *device);
void dp_build_step(
    DpBuild *build, const char *action, const char *subject, const char *detail, const char *undo);

/* keys.c: one report for each line of the VMX, from the table. */
void dp_build_keys(DpBuild *build);
/* machine.c: version, memory, processors, firmware, display, identity. */
void dp_build_machine(DpBuild *build);
/* firmware.c: BIOS or EFI, with its files. */
void dp_build_firmware(DpBuild *build);
/* What firmware adds to the value of -machine; "" for BIOS. */
const char *dp_build_firmware_machine(const DpBuild *build);
/* Tells firmware of the window for large BARs, once it is known. */
void dp_build_firmware_window(DpBuild *build);
/* display.c: screen and VNC. */
void dp_build_display(DpBuild *build);
/* bridges and where things sit: placement.c; this reads pciBridgeN. */
void dp_build_bridges(DpBuild *build);
/* reserve.c: takes the places that the VMX names, before any is chosen. */
void dp_build_reserve(DpBuild *build);
/* Where @prefix sits: its own slot, reserved before, or the next free one of its kind. @strict: its
 * own slot must suit the kind, and nothing else will do; otherwise the kind is a wish. False after
 * a diagnostic. */
bool dp_build_place(
    DpBuild *build, const char *prefix, DpPlaceKind kind, bool strict, DpPlace *ret_place);
/* disks.c: controllers with their disks and drives. */
void dp_build_disks(DpBuild *build);
/* disk-files.c: what QEMU would refuse of all files of the plan. */
void dp_build_disk_files(DpBuild *build);
/* net.c: network interfaces. */
void dp_build_networks(DpBuild *build);
/* devices.c: serial, floppy, sound, USB. */
void dp_build_devices(DpBuild *build);
/* left-out.c: warns of what the guest does without. */
void dp_build_left_out(DpBuild *build);
/* resolve.c: pciPassthruN to functions of the host, checked. */
void dp_build_resolve(DpBuild *build);
/* passthru.c: the passed-through functions as devices of the guest. */
void dp_build_passthru(DpBuild *build);
/* window.c: room for their BARs above 4 GiB, and who reaches it. */
void dp_build_window(DpBuild *build);
/* advice.c: what the documents say about interrupts of these devices in this guest. */
void dp_build_advice(DpBuild *build);
/* names.c: what a Linux guest calls its network interfaces. */
void dp_build_interfaces(DpBuild *build);
void dp_vm_interface_free(DpVmInterface *interface);
/* lines.c: a passed-through function that shares a line of the guest is named. */
void dp_build_lines(DpBuild *build);
/* memory.c: what must be pinned, and whether the host has it. */
void dp_build_memory(DpBuild *build);
/* left-out.c: one warning for all that the guest sees otherwise and that nothing else has told. */
void dp_build_differences(DpBuild *build);
/* argv.c: everything in QEMU's order. */
void dp_build_argv(DpBuild *build);
/* argv.c: what power-on will do, step by step. */
void dp_build_steps(DpBuild *build);

/* A file of the VMX as QEMU gets it. */
typedef struct {
    int fdset;          /* /dev/fdset/N */
    const char *driver; /* "vmdk" or "raw" */
    uint64_t size;      /* bytes to show of a raw file; 0: all */
    bool read_only;     /* cannot be written whatever the file says */
} DpImage;

/* files.c: @file, which no key names, becomes one of the plan and gets its number; takes its
 * strings. */
int dp_build_add_file(DpBuild *build, DpVmFile file);
/* files.c: @key's value becomes a file of the plan; false after a diagnostic. */
bool dp_build_image(
    DpBuild *build, const char *key, DpVmFileKind kind, bool writable, DpImage *ret_image);
/* Appends the block nodes of @image; the upper one is called @node. */
void dp_build_blockdev(DpBuild *build, const char *node, const DpImage *image, bool writable);
