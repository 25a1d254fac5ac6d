/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edit.h"

#include "base/text.h"

#include <string.h>

#define MASK "********"

static void
change_free(gpointer data)
{
    DpVmxChange *change = data;

    g_free(change->key);
    g_free(change->old_value);
    g_free(change->new_value);
    g_free(change);
}

static char *
shown_value(const DpVmxEntry *entry)
{
    return entry == NULL                   ? NULL
           : dp_vmx_key_secret(entry->key) ? g_strdup(MASK)
                                           : g_strdup(entry->shown);
}

static void
add_change(GPtrArray *changes, const DpVmxEntry *old, const DpVmxEntry *new)
{
    DpVmxChange *change = g_new0(DpVmxChange, 1);

    change->key = g_strdup(new != NULL ? new->key : old->key);
    change->old_value = shown_value(old);
    change->new_value = shown_value(new);
    g_ptr_array_add(changes, change);
}

GPtrArray *
dp_edit_diff(const DpVmx *before, const DpVmx *after)
{
    GPtrArray *changes = g_ptr_array_new_with_free_func(change_free);

    for (size_t i = 0; i < dp_vmx_n_entries(after); i++) {
        const DpVmxEntry *new = dp_vmx_entry(after, i);
        const DpVmxEntry *old = before != NULL ? dp_vmx_lookup(before, new->key) : NULL;

        if (dp_vmx_lookup(after, new->key) == new &&
            (old == NULL || strcmp(old->value, new->value) != 0)) {
            add_change(changes, old, new);
        }
    }
    for (size_t i = 0; before != NULL && i < dp_vmx_n_entries(before); i++) {
        const DpVmxEntry *old = dp_vmx_entry(before, i);

        if (dp_vmx_lookup(after, old->key) == NULL) {
            add_change(changes, old, NULL);
        }
    }
    return changes;
}

static bool
set(DpVmx *vmx, const char *prefix, const char *name, const char *value, GError **error)
{
    g_autofree char *key = g_strdup_printf("%s.%s", prefix, name);

    return dp_vmx_set(vmx, key, value, error);
}

static bool
set_missing(DpVmx *vmx, const char *prefix, const char *name, const char *value, GError **error)
{
    g_autofree char *key = g_strdup_printf("%s.%s", prefix, name);

    return dp_vmx_lookup(vmx, key) != NULL || dp_vmx_set(vmx, key, value, error);
}

/* True if @prefix.present says @value. */
static bool
says_present(const DpVmx *vmx, const char *prefix, bool value)
{
    g_autofree char *key = g_strdup_printf("%s.present", prefix);
    bool present = !value;

    return dp_vmx_get_bool(vmx, key, &present, NULL) && present == value;
}

/* What ESX writes of each bridge, in this order (62 of 62 files of version 7 and later). */
static const struct {
    const char *name, *virtual_dev, *functions;
    int slot;
} bridges[] = {
    {"pciBridge0", NULL, NULL, 17},          {"pciBridge4", "pcieRootPort", "8", 21},
    {"pciBridge5", "pcieRootPort", "8", 22}, {"pciBridge6", "pcieRootPort", "8", 23},
    {"pciBridge7", "pcieRootPort", "8", 24},
};

/* True if a pciSlotNumber of the file, or a bridge still to be added, has device @slot of the root
 * bus. */
static bool
root_slot_taken(const DpVmx *vmx, int slot, bool usual_too)
{
    g_autofree char *text = g_strdup_printf("%d", slot);

    for (size_t i = 0; usual_too && i < G_N_ELEMENTS(bridges); i++) {
        if (bridges[i].slot == slot) {
            return true;
        }
    }
    for (size_t i = 0; i < dp_vmx_n_entries(vmx); i++) {
        const DpVmxEntry *entry = dp_vmx_entry(vmx, i);
        const char *dot = strrchr(entry->key, '.');

        if (dot != NULL && g_ascii_strcasecmp(dot, ".pciSlotNumber") == 0 &&
            strcmp(entry->value, text) == 0) {
            return true;
        }
    }
    return false;
}

static int
bridge_place(const DpVmx *vmx, int usual)
{
    if (!root_slot_taken(vmx, usual, false)) {
        return usual;
    }
    for (int slot = 0x12; slot < 0x1f; slot++) {
        if (!root_slot_taken(vmx, slot, true)) {
            return slot;
        }
    }
    return usual; /* the plan says who is there */
}

static bool
edit_bridge(DpVmx *vmx, size_t i, GError **error)
{
    const char *name = bridges[i].name;
    g_autofree char *key = g_strdup_printf("%s.pciSlotNumber", name);
    g_autofree char *slot = NULL;

    if (says_present(vmx, name, false)) {
        return true;
    }
    if (!set_missing(vmx, name, "present", "TRUE", error) ||
        (bridges[i].virtual_dev != NULL &&
         (!set_missing(vmx, name, "virtualDev", bridges[i].virtual_dev, error) ||
          !set_missing(vmx, name, "functions", bridges[i].functions, error)))) {
        return false;
    }
    if (dp_vmx_lookup(vmx, key) != NULL) {
        return true;
    }
    slot = g_strdup_printf("%d", bridge_place(vmx, bridges[i].slot));
    return dp_vmx_set(vmx, key, slot, error);
}

bool
dp_edit_bridges(DpVmx *vmx, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(bridges); i++) {
        if (!edit_bridge(vmx, i, error)) {
            return false;
        }
    }
    return true;
}

bool
dp_edit_upgrade(DpVmx *vmx, GError **error)
{
    int64_t version = 0;

    (void)dp_vmx_get_int(vmx, "virtualHW.version", 0, G_MAXINT32, &version, NULL);
    if (version < 7 && !dp_vmx_set(vmx, "virtualHW.version", "7", error)) {
        return false;
    }
    return dp_edit_bridges(vmx, error);
}

static bool
set_reservation(DpVmx *vmx, const char *key, int64_t mb, GError **error)
{
    g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, mb);
    int64_t old = -1;

    if (dp_vmx_get_int(vmx, key, 0, G_MAXINT64, &old, NULL) && old == mb) {
        return true;
    }
    return dp_vmx_set(vmx, key, text, error);
}

bool
dp_edit_reserve(DpVmx *vmx, GError **error)
{
    bool minsize = dp_vmx_lookup(vmx, "sched.mem.minsize") != NULL;
    int64_t mb = DP_VM_DEFAULT_MEMORY_MB;

    (void)dp_vmx_get_int(vmx, "memsize", 0, G_MAXINT64, &mb, NULL);
    if (minsize && !set_reservation(vmx, "sched.mem.minsize", mb, error)) {
        return false;
    }
    return (minsize && dp_vmx_lookup(vmx, "sched.mem.min") == NULL) ||
           set_reservation(vmx, "sched.mem.min", mb, error);
}

/* True if @key is PREFIX.something; *ret_name is the something. */
static bool
is_of(const char *key, const char *prefix, const char **ret_name)
{
    size_t len = strlen(prefix);

    if (g_ascii_strncasecmp(key, prefix, len) != 0 || key[len] != '.') {
        return false;
    }
    *ret_name = key + len + 1;
    return true;
}

/* Keys that may stand in an entry that names no device yet: of a stub, or wishes set by hand. */
static bool
names_no_device(const char *name)
{
    static const char *const names[] = {"present", "pciSlotNumber", "virtualDev", "msiEnabled",
                                        "opromEnabled"};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (g_ascii_strcasecmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool
entry_free(const DpVmx *vmx, unsigned index)
{
    g_autofree char *prefix = g_strdup_printf("pciPassthru%u", index);

    for (size_t i = 0; i < dp_vmx_n_entries(vmx); i++) {
        const char *name;

        if (is_of(dp_vmx_entry(vmx, i)->key, prefix, &name) && !names_no_device(name)) {
            return false;
        }
    }
    return !says_present(vmx, prefix, true);
}

bool
dp_edit_has_passthru(const DpVmx *vmx)
{
    for (size_t i = 0; i < dp_vmx_n_entries(vmx); i++) {
        const char *key = dp_vmx_entry(vmx, i)->key, *dot = strchr(key, '.');
        g_autofree char *prefix = dot != NULL ? g_strndup(key, (gsize)(dot - key)) : NULL;

        if (prefix != NULL && g_ascii_strncasecmp(prefix, "pciPassthru", 11) == 0 &&
            g_ascii_isdigit(prefix[11]) && says_present(vmx, prefix, true)) {
            return true;
        }
    }
    return false;
}

unsigned
dp_edit_free_index(const DpVmx *vmx)
{
    unsigned index = 0;

    while (!entry_free(vmx, index)) {
        index++;
    }
    return index;
}

bool
dp_edit_passthru(
    DpVmx *vmx, unsigned index, const DpFunction *fn, const char *system_id, GError **error)
{
    g_autofree char *prefix = g_strdup_printf("pciPassthru%u", index);
    g_autofree char *vendor = g_strdup_printf("%04x", fn->vendor);
    g_autofree char *device = g_strdup_printf("%04x", fn->device);
    char id[DP_ADDR_LEN];

    dp_addr_format_vmx(&fn->addr, id);
    return (says_present(vmx, prefix, true) || set(vmx, prefix, "present", "TRUE", error)) &&
           set(vmx, prefix, "deviceId", device, error) &&
           set(vmx, prefix, "vendorId", vendor, error) &&
           set(vmx, prefix, "systemId", system_id, error) && set(vmx, prefix, "id", id, error) &&
           (fn->caps.pcie != DP_TRI_NO || set_missing(vmx, prefix, "virtualDev", "pci", error));
}

bool
dp_edit_slots(DpVmx *vmx, const DpPlan *plan, const char *prefix, GError **error)
{
    for (guint i = 0; i < plan->chosen->len; i++) {
        const DpChosenSlot *chosen = &g_array_index(plan->chosen, DpChosenSlot, i);
        g_autofree char *text = g_strdup_printf("%d", chosen->slot);

        if ((prefix == NULL || strcmp(prefix, chosen->prefix) == 0) &&
            !set(vmx, chosen->prefix, "pciSlotNumber", text, error)) {
            return false;
        }
    }
    return true;
}

bool
dp_edit_remove(DpVmx *vmx, unsigned index)
{
    g_autofree char *prefix = g_strdup_printf("pciPassthru%u", index);
    bool found = false;

    for (size_t i = dp_vmx_n_entries(vmx); i > 0; i--) {
        const char *key = i <= dp_vmx_n_entries(vmx) ? dp_vmx_entry(vmx, i - 1)->key : NULL;
        const char *name;

        if (key != NULL && is_of(key, prefix, &name)) {
            found = dp_vmx_remove(vmx, key) || found;
        }
    }
    return found;
}
