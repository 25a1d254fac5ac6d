/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pciPassthruN: from what the file says to a function of this host, or to the reason why not. */
#include "resolve.h"

#include "base/text.h"
#include "guest-reset.h"

#include <stdlib.h>
#include <string.h>

#define N_PASSTHRU 128 /* ESXi 8.0 U2, hardware version 21 */

/* Devices by hardware version (FORMATS; ESX 4's documents and VMware's table of maximums). */
static const struct {
    int64_t version;
    unsigned max;
} limits[] = {
    {21, 128}, {20, 64}, {11, 16}, {8, 6}, {7, 2}, {0, 0},
};

unsigned
dp_resolve_limit(int64_t hw_version)
{
    for (size_t i = 0; i < G_N_ELEMENTS(limits); i++) {
        if (hw_version >= limits[i].version) {
            return limits[i].max;
        }
    }
    return 0;
}

bool
dp_resolve_id16(const char *text, uint16_t *ret_id)
{
    const char *digits = text;
    size_t n = 0;

    if (text[0] == '-') { /* a signed 16-bit number, as the vSphere API has it */
        long value;
        char *end;

        if (!g_ascii_isdigit(text[1]) || strlen(text) > 6) {
            return false;
        }
        value = strtol(text, &end, 10);
        if (*end != '\0' || value < -32768) {
            return false;
        }
        *ret_id = (uint16_t)value;
        return true;
    }
    if (digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X')) {
        digits += 2;
    }
    while (g_ascii_isxdigit(digits[n])) {
        n++;
    }
    if (n < 1 || n > 4 || digits[n] != '\0') {
        return false;
    }
    *ret_id = (uint16_t)strtoul(digits, NULL, 16);
    return true;
}

/* What one entry says. */
typedef struct {
    char prefix[24];
    DpVmDevice *device; /* owned by the plan */
    DpVmxId id;
    bool sriov; /* systemId BYPASS: an SR-IOV NIC, whose ids are not compared */
    bool have_vendor, have_device;
    uint16_t vendor, device_id;
} Entry;

static char *
entry_key(const Entry *entry, const char *name)
{
    return dp_build_key(entry->prefix, name);
}

static char *
entry_shown(DpBuild *build, const Entry *entry, const char *name)
{
    g_autofree char *key = entry_key(entry, name);
    const DpVmxEntry *line = dp_vmx_lookup(build->vmx, key);

    return dp_text_visible(line != NULL ? line->shown : "", -1);
}

static bool
read_id16(DpBuild *build, const Entry *entry, const char *name, bool *ret_have, uint16_t *ret_id)
{
    const char *value = dp_build_get(build, entry->prefix, name);
    g_autofree char *key = NULL;
    g_autofree char *shown = NULL;

    *ret_have = false;
    if (value == NULL) {
        return true;
    }
    if (dp_resolve_id16(value, ret_id)) {
        *ret_have = true;
        return true;
    }
    key = entry_key(entry, name);
    shown = entry_shown(build, entry, name);
    dp_build_diag(build, DP_DIAG_VMX_PASSTHRU_ID, key, "%s = \"%s\" is not one to four hex digits",
                  key, shown);
    return false;
}

/* Entries that are no PCI function at all: vGPU, DVX; each refused by name. */
static bool
refuse_kinds(DpBuild *build, const Entry *entry)
{
    static const struct {
        const char *name;
        DpDiagId id;
        const char *what;
    } kinds[] = {
        {"vgpu", DP_DIAG_VMX_PASSTHRU_VGPU, "a vGPU profile"},
        {"dvx.deviceClass", DP_DIAG_VMX_PASSTHRU_VGPU, "a device virtualization extension"},
        {"filename", DP_DIAG_VMX_PASSTHRU_ROM, "an option ROM from a file"},
    };
    bool refused = false;

    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        const char *value = dp_build_get(build, entry->prefix, kinds[i].name);

        if (value != NULL && value[0] != '\0') {
            g_autofree char *key = entry_key(entry, kinds[i].name);

            dp_build_diag(build, kinds[i].id, key, "%s asks for %s", entry->prefix, kinds[i].what);
            refused = true;
        }
    }
    return !refused;
}

static bool
read_virtual_dev(DpBuild *build, Entry *entry)
{
    const char *kind = dp_build_get(build, entry->prefix, "virtualDev");
    g_autofree char *key = entry_key(entry, "virtualDev");
    g_autofree char *shown = NULL;

    entry->device->pcie = true;
    if (kind == NULL || g_ascii_strcasecmp(kind, "pcie") == 0) {
        return true;
    }
    if (g_ascii_strcasecmp(kind, "pci") == 0) {
        entry->device->pcie = false;
        return true;
    }
    shown = entry_shown(build, entry, "virtualDev");
    dp_build_diag(build, DP_DIAG_VMX_PASSTHRU_VGPU, key,
                  "%s = \"%s\": only pcie and pci are PCI functions", key, shown);
    return false;
}

static bool
read_address(DpBuild *build, Entry *entry)
{
    const char *value = dp_build_get(build, entry->prefix, "id");
    g_autofree char *key = entry_key(entry, "id");
    g_autofree char *shown = entry_shown(build, entry, "id");

    if (value == NULL) {
        g_autofree char *present = entry_key(entry, "present");

        dp_build_diag(build, DP_DIAG_VMX_PASSTHRU_ID, present, "%s has no id: no function is named",
                      entry->prefix);
        return false;
    }
    if (!dp_addr_parse_vmx_id(value, &entry->id) ||
        (!entry->id.decimal_valid && !entry->id.hex_valid)) {
        dp_build_diag(build, DP_DIAG_VMX_PASSTHRU_ID, key,
                      "%s = \"%s\" is no address of a PCI function", key, shown);
        return false;
    }
    if (entry->id.form == DP_VMX_ID_HEX) {
        dp_build_diag(build, DP_DIAG_VMX_PASSTHRU_ID_HEX, key,
                      "%s = \"%s\" is read as hexadecimal, as lspci writes it", key, shown);
    }
    return true;
}

static bool
ids_match(const Entry *entry, const DpFunction *fn)
{
    if (fn == NULL || entry->sriov) {
        return fn != NULL;
    }
    return (!entry->have_vendor || entry->vendor == fn->vendor) &&
           (!entry->have_device || entry->device_id == fn->device);
}

/* "0000:03:00.0 (1b36:0010)" or "0000:03:00.0 (nothing there)". */
static char *
describe(const DpAddr *addr, const DpFunction *fn)
{
    char name[DP_ADDR_LEN];

    dp_addr_format(addr, name);
    if (fn == NULL) {
        return g_strdup_printf("%s (nothing there)", name);
    }
    return g_strdup_printf("%s (%04x:%04x)", name, fn->vendor, fn->device);
}

/* Of two readings the one where the ids fit. */
static bool
choose_reading(DpBuild *build, const Entry *entry, DpAddr *ret_addr)
{
    const DpVmxId *id = &entry->id;
    const DpFunction *decimal, *hex;
    g_autofree char *key = NULL, *shown = NULL, *a = NULL, *b = NULL;

    if (!id->hex_valid || !id->decimal_valid || dp_addr_compare(&id->decimal, &id->hex) == 0) {
        *ret_addr = id->decimal_valid ? id->decimal : id->hex;
        return true;
    }
    decimal = dp_host_find(build->input->host, &id->decimal);
    hex = dp_host_find(build->input->host, &id->hex);
    if (ids_match(entry, decimal) != ids_match(entry, hex)) {
        *ret_addr = ids_match(entry, decimal) ? id->decimal : id->hex;
        return true;
    }
    key = entry_key(entry, "id");
    shown = entry_shown(build, entry, "id");
    a = describe(&id->decimal, decimal);
    b = describe(&id->hex, hex);
    dp_build_diag(build, DP_DIAG_VMX_PASSTHRU_AMBIGUOUS, key,
                  "%s = \"%s\" is %s read as decimal and %s read as hexadecimal, and %s", key,
                  shown, a, b,
                  ids_match(entry, decimal) ? "both fit vendorId and deviceId"
                                            : "neither fits vendorId and deviceId");
    return false;
}

/* ESXi's sentence, searched for by administrators. */
#define ESX_MISMATCH                                                                               \
    "The systemId does not match the current system or the deviceId and vendorId do not match "    \
    "the device currently at %s."

/* Names the functions of the same model that are free. */
static void
suggest(DpBuild *build, const Entry *entry, DpDiag *diag)
{
    const DpHost *host = build->input->host;
    g_autofree char *path = dp_text_visible(build->plan->vmx_path, -1);

    for (guint i = 0; entry->have_vendor && entry->have_device && i < host->functions->len; i++) {
        const DpFunction *fn = g_ptr_array_index(host->functions, i);

        if (fn->vendor == entry->vendor && fn->device == entry->device_id &&
            dp_build_used_by(build, fn) == NULL) {
            dp_diag_set_remedy(diag,
                               "the same model is at %s, and may be the one: directpath vm "
                               "relocate %s",
                               fn->name, path);
            return;
        }
    }
}

static bool
check_identity(DpBuild *build, Entry *entry, const DpAddr *addr)
{
    DpFunction *fn = dp_host_find(build->input->host, addr);
    g_autofree char *key = entry_key(entry, "id");
    char name[DP_ADDR_LEN], esx[DP_ADDR_LEN];
    DpDiag *diag;

    dp_addr_format(addr, name);
    dp_addr_format_esx(addr, esx);
    if (fn == NULL) {
        diag = dp_build_diag(build, DP_DIAG_VMX_PASSTHRU_ABSENT, key,
                             "%s: this host has no function at %s. " ESX_MISMATCH, entry->prefix,
                             name, esx);
        suggest(build, entry, diag);
        return false;
    }
    if (!ids_match(entry, fn)) {
        diag = dp_build_diag(build, DP_DIAG_VMX_PASSTHRU_MISMATCH, key,
                             "%s: the function at %s is %04x:%04x, not %04x:%04x. " ESX_MISMATCH,
                             entry->prefix, name, fn->vendor, fn->device,
                             entry->have_vendor ? entry->vendor : fn->vendor,
                             entry->have_device ? entry->device_id : fn->device, esx);
        suggest(build, entry, diag);
        return false;
    }
    entry->device->resolved = true;
    entry->device->fn = fn;
    entry->device->addr = *addr;
    entry->device->verdict =
        build->input->policy != NULL ? dp_policy_verdict(build->input->policy, addr) : NULL;
    return true;
}

static void
check_system(DpBuild *build, const Entry *entry)
{
    const char *wanted = dp_build_get(build, entry->prefix, "systemId");
    const char *own =
        build->input->conf != NULL ? dp_esxconf_system_uuid(build->input->conf) : NULL;
    g_autofree char *key = entry_key(entry, "systemId");
    g_autofree char *shown = entry_shown(build, entry, "systemId");
    g_autofree char *own_vmx = own != NULL ? dp_system_uuid_to_vmx(own) : NULL;
    g_autofree char *path = dp_text_visible(build->plan->vmx_path, -1);
    char esx[DP_ADDR_LEN];
    DpDiag *diag;

    if (wanted == NULL || entry->sriov || (own != NULL && dp_system_uuid_equal(wanted, own))) {
        return;
    }
    diag = dp_build_diag(
        build, DP_DIAG_VMX_PASSTHRU_SYSTEM, key, "%s = \"%s\", but this host %s%s. " ESX_MISMATCH,
        key, shown, own_vmx != NULL ? "is " : "has no systemId yet", own_vmx != NULL ? own_vmx : "",
        dp_addr_format_esx(&entry->device->addr, esx));
    if (own_vmx != NULL) {
        dp_diag_set_remedy(
            diag,
            "if the VM is to use this host's device: directpath vm relocate %s; if this is the "
            "converted ESX host, take its systemId over: directpath import esx-conf FILE --yes",
            path);
    }
}

static void
check_twice(DpBuild *build, const Entry *entry)
{
    g_autofree char *key = entry_key(entry, "id");

    for (guint i = 0; i < build->plan->devices->len; i++) {
        const DpVmDevice *other = g_ptr_array_index(build->plan->devices, i);

        if (other != entry->device && other->resolved && other->fn == entry->device->fn) {
            dp_build_diag(build, DP_DIAG_VMX_PASSTHRU_TWICE, key,
                          "%s names %s, which pciPassthru%u already has", entry->prefix,
                          other->fn->name, other->index);
        }
    }
}

/* One that names models is resolved when all that name functions are; an id names one. */
static bool
read_dynamic(DpBuild *build, Entry *entry)
{
    const char *models = dp_build_get(build, entry->prefix, "allowedDevices");
    g_autofree char *key = entry_key(entry, "allowedDevices");

    if (models == NULL || models[0] == '\0') {
        return false;
    }
    if (dp_build_get(build, entry->prefix, "id") != NULL) {
        dp_build_effect(build, key, DP_EFFECT_IGNORED, "%s.id names one device", entry->prefix);
        return false;
    }
    entry->device->dynamic = true;
    return true;
}

static void
resolve_entry(DpBuild *build, Entry *entry)
{
    const char *system_id = dp_build_get(build, entry->prefix, "systemId");
    DpAddr addr;
    bool ok;

    entry->sriov = system_id != NULL && g_ascii_strcasecmp(system_id, "BYPASS") == 0;
    entry->device->msi_enabled = dp_build_bool(build, entry->prefix, "msiEnabled", true);
    if (!refuse_kinds(build, entry) || !read_virtual_dev(build, entry) ||
        read_dynamic(build, entry)) {
        return;
    }
    ok = read_id16(build, entry, "vendorId", &entry->have_vendor, &entry->vendor);
    ok = read_id16(build, entry, "deviceId", &entry->have_device, &entry->device_id) && ok;
    ok = read_address(build, entry) && ok;
    if (!ok || build->input->host == NULL || !choose_reading(build, entry, &addr) ||
        !check_identity(build, entry, &addr)) {
        return;
    }
    check_system(build, entry);
    check_twice(build, entry);
}

void
dp_resolve_check_count(DpBuild *build)
{
    unsigned n = build->plan->devices->len, max = dp_resolve_limit(build->hw_version);
    unsigned n_free = 0, ports = dp_placement_ports(build->place, &n_free);

    if (n == 0) {
        return;
    }
    if (max == 0) {
        g_autofree char *version =
            build->hw_version > 0
                ? g_strdup_printf("hardware version %" G_GINT64_FORMAT, build->hw_version)
                : g_strdup("a VM without virtualHW.version");

        dp_build_diag(build, DP_DIAG_VMX_VERSION_OLD, "virtualHW.version",
                      "%s has no passed-through devices, and this one has %u", version, n);
    } else if (n > max) {
        dp_build_diag(build, DP_DIAG_VMX_TOO_MANY, "virtualHW.version",
                      "%u passed-through devices, and hardware version %" G_GINT64_FORMAT
                      " takes %u; of the VM's %u PCI Express ports %u are free",
                      n, build->hw_version, max, ports, n_free);
    }
    if (ports == 0) {
        dp_build_diag(
            build, DP_DIAG_VMX_NO_BRIDGES, "pciPassthru0.present",
            "%u passed-through device%s, and no pciBridge line gives the VM a PCI Express port", n,
            n == 1 ? "" : "s");
    }
}

/* Once all are known: members of one unit may be spread over the entries of the VM. */
static void
check_owners(DpBuild *build)
{
    for (guint i = 0; i < build->plan->devices->len; i++) {
        DpVmDevice *device = g_ptr_array_index(build->plan->devices, i);
        g_autofree char *prefix = g_strdup_printf("pciPassthru%u", device->index);

        if (device->resolved) {
            dp_resolve_check(build, prefix, device);
            dp_resolve_check_intx(build, prefix, device);
            dp_guest_reset_judge(build, prefix, device);
        }
    }
}

void
dp_build_resolve(DpBuild *build)
{
    for (unsigned i = 0; i < N_PASSTHRU; i++) {
        Entry entry = {0};

        g_snprintf(entry.prefix, sizeof entry.prefix, "pciPassthru%u", i);
        if (!dp_build_bool(build, entry.prefix, "present", false)) {
            continue;
        }
        build->wants_passthru = true;
        entry.device = g_new0(DpVmDevice, 1);
        entry.device->index = i;
        entry.device->slot = -1;
        g_ptr_array_add(build->plan->devices, entry.device);
        resolve_entry(build, &entry);
    }
    for (guint i = 0; i < build->plan->devices->len; i++) {
        DpVmDevice *device = g_ptr_array_index(build->plan->devices, i);

        if (device->dynamic) {
            dp_resolve_dynamic(build, device);
        }
    }
    check_owners(build);
    dp_resolve_check_host(build);
}
