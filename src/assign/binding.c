/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binding.h"

#include "base/file.h"
#include "holders.h"
#include "module.h"
#include "outcome.h"
#include "power.h"
#include "sysfs.h"

#include <errno.h>
#include <string.h>

#define DRIVERS_PROBE "sys/bus/pci/drivers_probe"
#define VFIO_FOLDER   "sys/bus/pci/drivers/" DP_VFIO_DRIVER

/* Longest wait for the device's lock when reading: a probe under way is given the time to end. */
#define READ_BLOCKED_MS 500

static char *
attribute(const char *name, const char *attr)
{
    return g_strdup_printf("sys/bus/pci/devices/%s/%s", name, attr);
}

static char *
read_attribute(DpRoot *root, const char *name, const char *attr)
{
    g_autofree char *path = attribute(name, attr);

    return dp_file_read_line(root->fd, path, NULL);
}

char *
dp_binding_driver(DpRoot *root, const char *name)
{
    g_autofree char *path = attribute(name, "driver");
    g_autofree char *target = dp_file_read_link(root->fd, path);

    return target == NULL ? NULL : g_path_get_basename(target);
}

/* driver_override is shown under the device's lock, which a blocked unbind holds for ever. */
static void
read_override(DpRoot *root, DpBinding *binding)
{
    g_autofree char *path = attribute(binding->name, "driver_override");
    g_autofree char *value = NULL;
    int r = dp_sysfs_read_patiently(root, path, READ_BLOCKED_MS, &value, &binding->waiting);

    binding->stuck = r == -ETIMEDOUT;
    if (r == 0 && value[0] != '\0' && strcmp(value, "(null)") != 0) {
        binding->override = g_steal_pointer(&value);
    }
}

DpBinding *
dp_binding_read(DpRoot *root, const char *name, GError **error)
{
    g_autoptr(DpBinding) binding = g_new0(DpBinding, 1);
    g_autofree char *folder = attribute(name, "");
    DpAddr addr;

    if (!dp_addr_parse_sysfs(name, &addr) || !dp_sysfs_exists(root, folder)) {
        dp_fail(error, DP_ERROR_NOT_FOUND, "%s: no such function", name);
        return NULL;
    }
    (void)g_strlcpy(binding->name, name, sizeof binding->name);
    binding->vendor = read_attribute(root, name, "vendor");
    binding->device = read_attribute(root, name, "device");
    read_override(root, binding);
    if (!binding->stuck) {
        binding->driver = dp_binding_driver(root, name);
    }
    return g_steal_pointer(&binding);
}

DpBinding *
dp_binding_copy(const DpBinding *binding)
{
    DpBinding *copy = g_new0(DpBinding, 1);

    *copy = *binding;
    copy->driver = g_strdup(binding->driver);
    copy->override = g_strdup(binding->override);
    copy->vendor = g_strdup(binding->vendor);
    copy->device = g_strdup(binding->device);
    return copy;
}

void
dp_binding_free(DpBinding *binding)
{
    if (binding == NULL) {
        return;
    }
    g_free(binding->driver);
    g_free(binding->override);
    g_free(binding->vendor);
    g_free(binding->device);
    g_free(binding);
}

bool
dp_binding_is_vfio(const DpBinding *binding)
{
    return !binding->stuck && g_strcmp0(binding->driver, DP_VFIO_DRIVER) == 0;
}

/* One change of driver; the seam's errno until the end, where it becomes a GError. */
typedef struct {
    DpRoot *root;
    const DpBinding *before;
    bool dry;
    DpOutcome *outcome; /* NULL: steps are not recorded */
} Mover;

static void
record(const Mover *mover, const char *action, const char *detail, const char *undo)
{
    if (mover->outcome != NULL) {
        dp_outcome_step(mover->outcome, action, mover->before->name, detail, undo);
    }
}

static int
put(const Mover *mover, const char *path, const char *value)
{
    return mover->dry ? 0 : mover->root->write(mover->root, path, value);
}

static int
set_override(const Mover *mover, const char *override)
{
    const DpBinding *before = mover->before;
    g_autofree char *path = attribute(before->name, "driver_override");
    g_autofree char *undo = NULL;
    int r;

    if (g_strcmp0(before->override, override) == 0) {
        return 0;
    }
    undo = g_strdup_printf("driver_override = %s", before->override ? before->override : "none");
    /* An empty line is how the kernel is told that there is none. */
    r = put(mover, path, override == NULL ? "\n" : override);
    if (r == 0) {
        record(mover, "set driver_override", override == NULL ? "none" : override, undo);
    }
    return r;
}

/* A driver that let go although the write reported trouble has let go. */
static int
judge_unbind(const Mover *mover, int r)
{
    g_autoptr(DpBinding) now = NULL;

    if (r == 0) {
        return 0;
    }
    now = dp_binding_read(mover->root, mover->before->name, NULL);
    return now != NULL && !now->stuck && now->driver == NULL ? 0 : r;
}

static int
unbind(const Mover *mover, const char *driver)
{
    g_autofree char *path = attribute(mover->before->name, "driver/unbind");
    g_autofree char *undo = g_strdup_printf("bind to %s", driver);
    int r = judge_unbind(mover, put(mover, path, mover->before->name));

    if (r == 0) {
        record(mover, "unbind", driver, undo);
    }
    return r;
}

static int
probe(const Mover *mover, const char *expected)
{
    int r = put(mover, DRIVERS_PROBE, mover->before->name);

    if (r == 0) {
        record(mover, "probe", expected, "unbind");
    }
    return r;
}

/* The address still names the function that was looked at (threats: sysfs TOCTOU). */
static bool
same_function(const DpBinding *before, const DpBinding *now)
{
    return g_strcmp0(before->vendor, now->vendor) == 0 &&
           g_strcmp0(before->device, now->device) == 0;
}

static bool
verify(const Mover *mover, bool want_vfio, GError **error)
{
    g_autoptr(DpBinding) now = dp_binding_read(mover->root, mover->before->name, error);

    if (now == NULL) {
        return false;
    }
    if (!same_function(mover->before, now)) {
        return dp_fail(error, DP_ERROR_IO,
                       "%s: another function answers at this address now (%s:%s, was %s:%s)",
                       now->name, now->vendor ? now->vendor : "?", now->device ? now->device : "?",
                       mover->before->vendor ? mover->before->vendor : "?",
                       mover->before->device ? mover->before->device : "?");
    }
    if (dp_binding_is_vfio(now) != want_vfio) {
        return dp_fail(error, DP_ERROR_IO, "%s: the kernel bound it to %s", now->name,
                       now->driver ? now->driver : "no driver");
    }
    return true;
}

/* -errno of a step to what became of the move. */
static DpMove
end(const Mover *mover, int r, const char *what, GError **error)
{
    dp_fail_errno(error, -r, "%s: %s", mover->before->name, what);
    return r == -ETIMEDOUT ? DP_MOVE_STUCK : DP_MOVE_FAILED;
}

static DpMove
still_stuck(const DpBinding *before, GError **error)
{
    dp_fail(error, DP_ERROR_TIMEOUT,
            "%s: an earlier change of its driver is still stuck in the kernel", before->name);
    return DP_MOVE_STUCK;
}

static DpMove
load_driver(const Mover *mover, GError **error)
{
    if (dp_sysfs_exists(mover->root, VFIO_FOLDER)) {
        return DP_MOVE_DONE;
    }
    record(mover, "load module", DP_VFIO_DRIVER, NULL);
    if (mover->dry) {
        return DP_MOVE_DONE;
    }
    if (!mover->root->live) {
        dp_fail(error, DP_ERROR_IO, "the kernel has no driver vfio-pci");
        return DP_MOVE_FAILED;
    }
    return dp_module_load(DP_VFIO_DRIVER, error) ? DP_MOVE_DONE : DP_MOVE_FAILED;
}

static void
note_power(const Mover *mover)
{
    if (!mover->dry) {
        dp_power_note(mover->root, mover->before->name, mover->before->driver, mover->outcome);
    }
}

static void
hold_power(const Mover *mover)
{
    if (!mover->dry) {
        dp_power_hold(mover->root, mover->before->name, mover->outcome);
    }
}

/* Override before unbind: a loose function belongs to whoever probes first. */
DpMove
dp_binding_to_vfio(
    DpRoot *root, const DpBinding *before, bool dry, DpOutcome *outcome, GError **error)
{
    Mover mover = {root, before, dry, outcome};
    int r;

    if (before->stuck) {
        return still_stuck(before, error);
    }
    if (load_driver(&mover, error) != DP_MOVE_DONE) {
        return DP_MOVE_FAILED;
    }
    note_power(&mover);
    r = set_override(&mover, DP_VFIO_DRIVER);
    if (r < 0) {
        return end(&mover, r, "cannot set driver_override", error);
    }
    if (dp_binding_is_vfio(before)) {
        hold_power(&mover);
        return DP_MOVE_DONE;
    }
    r = before->driver == NULL ? 0 : unbind(&mover, before->driver);
    if (r < 0) {
        return end(&mover, r, "its driver does not let go", error);
    }
    r = probe(&mover, DP_VFIO_DRIVER);
    if (r < 0) {
        return end(&mover, r, "vfio-pci does not take it", error);
    }
    if (!dry && !verify(&mover, true, error)) {
        return DP_MOVE_FAILED;
    }
    hold_power(&mover);
    return DP_MOVE_DONE;
}

DpMove
dp_binding_claim(DpRoot *root, const char *name, DpOutcome *outcome, GError **error)
{
    g_autoptr(DpBinding) now = dp_binding_read(root, name, error);
    Mover mover = {root, now, false, outcome};
    int r;

    if (now == NULL) {
        return DP_MOVE_FAILED;
    }
    if (now->stuck) {
        return still_stuck(now, error);
    }
    if (now->driver != NULL) {
        return DP_MOVE_DONE;
    }
    r = set_override(&mover, DP_VFIO_DRIVER);
    return r < 0 ? end(&mover, r, "cannot set driver_override", error) : DP_MOVE_DONE;
}

static DpMove
leave_to_holder(const DpBinding *before, const char *holders, GError **error)
{
    dp_fail(error, DP_ERROR_TIMEOUT, "%s: held through VFIO by %s", before->name, holders);
    return DP_MOVE_STUCK;
}

/* No driver at all may want the function: that is the kernel's choice too. */
static void
note_driverless(const Mover *mover)
{
    g_autofree char *driver =
        mover->dry ? NULL : dp_binding_driver(mover->root, mover->before->name);

    if (!mover->dry && driver == NULL && mover->outcome != NULL) {
        dp_diags_add(mover->outcome->diags, DP_DIAG_NO_HOST_DRIVER, mover->before->name,
                     "%s was given back, and no driver of the host took it", mover->before->name);
    }
}

DpMove
dp_binding_to_host(
    DpRoot *root, const DpBinding *before, bool dry, DpOutcome *outcome, GError **error)
{
    Mover mover = {root, before, dry, outcome};
    bool ours = g_strcmp0(before->override, DP_VFIO_DRIVER) == 0;
    g_autofree char *holders = NULL;
    int r;

    if (before->stuck) {
        return still_stuck(before, error);
    }
    r = set_override(&mover, ours ? NULL : before->override);
    if (r < 0) {
        return end(&mover, r, "cannot clear driver_override", error);
    }
    if (dp_binding_is_vfio(before)) {
        holders = dry ? NULL : dp_holders_of_group(root, before->name);
        if (holders != NULL) {
            return leave_to_holder(before, holders, error);
        }
        r = unbind(&mover, DP_VFIO_DRIVER);
        if (r < 0) {
            return end(&mover, r, "vfio-pci does not let go", error);
        }
    }
    if (before->driver == NULL || dp_binding_is_vfio(before)) {
        r = probe(&mover, "the kernel's choice");
        if (r < 0) {
            return end(&mover, r, "the host's driver does not come up", error);
        }
    }
    if (!dry && !verify(&mover, false, error)) {
        return DP_MOVE_FAILED;
    }
    if (!dry) {
        dp_power_release(root, before->name, outcome);
    }
    note_driverless(&mover);
    return DP_MOVE_DONE;
}

/* The driver that had it is asked by name where the kernel's choice falls elsewhere. */
static int
bind_again(const Mover *mover, const char *driver)
{
    g_autofree char *path = g_strdup_printf("sys/bus/pci/drivers/%s/bind", driver);
    g_autofree char *bound = NULL;
    int r = put(mover, DRIVERS_PROBE, mover->before->name);

    bound = dp_binding_driver(mover->root, mover->before->name);
    if (g_strcmp0(bound, driver) == 0) {
        return 0;
    }
    if (r != -ETIMEDOUT && bound == NULL) {
        r = put(mover, path, mover->before->name);
    }
    g_free(bound);
    bound = dp_binding_driver(mover->root, mover->before->name);
    if (g_strcmp0(bound, driver) == 0) {
        return 0;
    }
    return r < 0 ? r : -ENODEV;
}

/* A function that was claimed is kept awake again. */
static void
put_power_back(DpRoot *root, const DpBinding *before)
{
    if (dp_binding_is_vfio(before) && g_strcmp0(before->override, DP_VFIO_DRIVER) == 0) {
        dp_power_note(root, before->name, before->driver, NULL);
        dp_power_hold(root, before->name, NULL);
    } else {
        dp_power_release(root, before->name, NULL);
    }
}

bool
dp_binding_restore(DpRoot *root, const DpBinding *before, GError **error)
{
    g_autoptr(DpBinding) now = dp_binding_read(root, before->name, error);
    Mover mover = {root, now, false, NULL};
    g_autofree char *holders = NULL;
    bool other;
    int r;

    if (now == NULL) {
        return false;
    }
    if (now->stuck) {
        return still_stuck(now, error) == DP_MOVE_DONE;
    }
    other = g_strcmp0(now->driver, before->driver) != 0;
    r = set_override(&mover, before->override);
    holders =
        r == 0 && other && dp_binding_is_vfio(now) ? dp_holders_of_group(root, now->name) : NULL;
    if (holders != NULL) {
        return leave_to_holder(now, holders, error) == DP_MOVE_DONE;
    }
    if (r == 0 && other) {
        r = now->driver == NULL ? 0 : unbind(&mover, now->driver);
        if (r == 0 && before->driver != NULL) {
            r = bind_again(&mover, before->driver);
        }
    }
    if (r < 0) {
        return dp_fail_errno(error, -r, "%s: cannot put its driver back", before->name);
    }
    put_power_back(root, before);
    return true;
}
