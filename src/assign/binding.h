/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One function between the kernel's drivers: what binds it now, the moves to vfio-pci and to the
 * driver that the kernel chooses, and the way back to what was. Only driver_override and
 * drivers_probe are used, so that no other device is touched (kernel: ABI/testing/sysfs-bus-pci).
 */
#pragma once

#include "assign.h"

#define DP_VFIO_DRIVER "vfio-pci"

typedef struct {
    char name[DP_ADDR_LEN];
    char *driver;          /* NULL: none */
    char *override;        /* NULL: none */
    char *vendor, *device; /* as sysfs writes them, "0x8086"; NULL: unreadable */
    bool stuck;    /* the kernel holds the device's lock: driver and override are not known */
    pid_t waiting; /* a child of ours that waits for that lock; 0: none */
} DpBinding;

typedef enum {
    DP_MOVE_DONE,
    DP_MOVE_STUCK, /* the old driver does not let go: the override already says where it ends */
    DP_MOVE_FAILED,
} DpMove;

/* Reads the binding of @name with a deadline; NULL with DP_ERROR_NOT_FOUND if there is no such
 * function. */
DpBinding *dp_binding_read(DpRoot *root, const char *name, GError **error);
DpBinding *dp_binding_copy(const DpBinding *binding);
void dp_binding_free(DpBinding *binding);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpBinding, dp_binding_free)

/* The driver of @name by its link in sysfs, which no lock guards; NULL: none. The caller frees it.
 */
char *dp_binding_driver(DpRoot *root, const char *name);

bool dp_binding_is_vfio(const DpBinding *binding);

/* The moves. Nothing is undone here: the caller has pushed dp_binding_restore before. With @dry
 * only the steps are recorded. @error is set for FAILED and STUCK. */
DpMove dp_binding_to_vfio(
    DpRoot *root, const DpBinding *before, bool dry, DpOutcome *outcome, GError **error);
/* A function that a process holds through VFIO is left to it (STUCK): the kernel would block, and
 * with it all who read the device's files. */
DpMove dp_binding_to_host(
    DpRoot *root, const DpBinding *before, bool dry, DpOutcome *outcome, GError **error);

/* Makes sure that whoever probes @name next is vfio-pci, if no driver has it by now. */
DpMove dp_binding_claim(DpRoot *root, const char *name, DpOutcome *outcome, GError **error);

/* Puts the function back to @before, whatever has become of it since. */
bool dp_binding_restore(DpRoot *root, const DpBinding *before, GError **error);
