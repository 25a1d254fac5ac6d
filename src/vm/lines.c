/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who interrupts on which of the guest's lines, and which functions share one. */
#include "lines.h"

#include <string.h>

/* Virtual devices of the plans that have no MSI, or whose guests do not use it: from their sources
 * in QEMU 7.2. */
static const struct {
    const char *driver;
    unsigned pin;
} intx_drivers[] = {
    {"e1000-82545em", 1}, {"pcnet", 1},          {"lsi53c895a", 1},
    {"mptsas1068", 1}, /* Linux's mptsas leaves its MSI off */
    {"ES1370", 1},        {"piix3-usb-uhci", 4}, {"usb-ehci", 4},
};

unsigned
dp_line_driver_pin(const char *driver)
{
    for (size_t i = 0; i < G_N_ELEMENTS(intx_drivers); i++) {
        if (g_strcmp0(driver, intx_drivers[i].driver) == 0) {
            return intx_drivers[i].pin;
        }
    }
    return 0;
}

unsigned
dp_line_device_pin(const DpVmDevice *device)
{
    const DpFunction *fn = device->fn;

    if (fn == NULL || fn->irq_pin < 1 || fn->irq_pin > 4) {
        return 0;
    }
    if (!device->msi_enabled || (fn->caps.msi == DP_TRI_NO && fn->caps.msix == DP_TRI_NO)) {
        return (unsigned)fn->irq_pin;
    }
    return 0;
}

/* One that interrupts by a line. */
typedef struct {
    char prefix[24];
    const DpFunction *fn; /* NULL: a virtual device */
    unsigned line;
} User;

static void
add_user(
    const DpBuild *build, GArray *users, const char *prefix, unsigned pin, const DpFunction *fn)
{
    int slot = dp_placement_slot_of(build->place, prefix);
    User user = {.fn = fn};

    if (slot >= 0 && pin != 0) {
        g_strlcpy(user.prefix, prefix, sizeof user.prefix);
        user.line = dp_placement_line(build->place, slot, pin);
        g_array_append_val(users, user);
    }
}

static GArray *
list_users(const DpBuild *build)
{
    GArray *users = g_array_new(FALSE, TRUE, sizeof(User));
    size_t i;
    json_t *device;

    for (guint n = 0; n < build->plan->devices->len; n++) {
        const DpVmDevice *passed = g_ptr_array_index(build->plan->devices, n);
        g_autofree char *prefix = g_strdup_printf("pciPassthru%u", passed->index);

        add_user(build, users, prefix, dp_line_device_pin(passed), passed->fn);
    }
    json_array_foreach(build->devices, i, device)
    {
        const char *driver = json_string_value(json_object_get(device, "driver"));
        const char *id = json_string_value(json_object_get(device, "id"));

        add_user(build, users, id != NULL ? id : "", dp_line_driver_pin(driver), NULL);
    }
    return users;
}

unsigned
dp_lines_used(const DpBuild *build, bool passthru, bool emulated, const char *self)
{
    g_autoptr(GArray) users = list_users(build);
    unsigned lines = 0;

    for (guint i = 0; i < users->len; i++) {
        const User *user = &g_array_index(users, User, i);

        if ((user->fn != NULL ? passthru : emulated) && strcmp(user->prefix, self) != 0) {
            lines |= 1u << user->line;
        }
    }
    return lines;
}

unsigned
dp_line_pin(const DpBuild *build, const char *prefix)
{
    static const struct {
        const char *family;
        unsigned pin;
    } families[] = {{"ethernet", 1}, {"scsi", 1}, {"sound", 1}, {"usb", 4}, {"ehci", 4}};

    for (guint n = 0; n < build->plan->devices->len; n++) {
        const DpVmDevice *passed = g_ptr_array_index(build->plan->devices, n);
        g_autofree char *name = g_strdup_printf("pciPassthru%u", passed->index);

        if (strcmp(name, prefix) == 0) {
            return dp_line_device_pin(passed);
        }
    }
    for (size_t i = 0; i < G_N_ELEMENTS(families); i++) {
        size_t len = strlen(families[i].family);

        if (strncmp(prefix, families[i].family, len) == 0 &&
            (prefix[len] == '\0' || g_ascii_isdigit(prefix[len]))) {
            return families[i].pin;
        }
    }
    return 0;
}

static const char *
described(const User *user, char ret_text[64])
{
    if (user->fn != NULL) {
        g_snprintf(ret_text, 64, "%s (%s)", user->prefix, user->fn->name);
    } else {
        g_strlcpy(ret_text, user->prefix, 64);
    }
    return ret_text;
}

/* The seeds' two workarounds, in our words and theirs; a function that is passed through is moved,
 * never switched off. */
static void
set_workarounds(DpDiag *diag, const User *user, const User *other)
{
    if (other->fn == NULL) {
        dp_diag_set_remedy(diag,
                           "disable and re-enable %s in the guest, which changes the order in "
                           "which the line is shared (remove %s.pciSlotNumber and it gets a place "
                           "with another line); or disable it: %s.present = \"FALSE\"",
                           other->prefix, other->prefix, other->prefix);
    } else {
        dp_diag_set_remedy(diag,
                           "disable and re-enable %s in the guest, which changes the order in "
                           "which the line is shared (remove %s.pciSlotNumber and it gets a place "
                           "with another line); or disable it, or %s",
                           other->prefix, other->prefix, user->prefix);
    }
}

static void
report_shared(DpBuild *build, const User *user, const User *other)
{
    g_autofree char *key = dp_build_key(user->prefix, "pciSlotNumber");
    char a[64], b[64];

    set_workarounds(dp_build_diag(build, DP_DIAG_VMX_LINE_SHARED, key,
                                  "%s and %s interrupt on one line of the guest, %u",
                                  described(user, a), described(other, b),
                                  DP_LINE_BASE + user->line),
                    user, other);
}

void
dp_build_lines(DpBuild *build)
{
    g_autoptr(GArray) users = list_users(build);

    for (guint i = 0; i < users->len; i++) {
        const User *user = &g_array_index(users, User, i);

        for (guint k = i + 1; user->fn != NULL && k < users->len; k++) {
            const User *other = &g_array_index(users, User, k);

            if (other->line == user->line) {
                report_shared(build, user, other);
            }
        }
    }
}
