/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the documents say about interrupts of certain devices in certain guests: a table. */
#include "build.h"

#include <string.h>

#define ANY 0xffff

/* Why a guest is meant. Names of guestOS, which a "*" at the end completes. */
static const char *const linux_2_6_20[] = {
    /* 2.4, 2.6.5 to 2.6.18: what these were sold with */
    "other24xlinux*", "redhat", "rhel2", "rhel3*",  "rhel4*",      "rhel5*",    "asianux3*",
    "debian4*",       "suse",   "sles",  "sles10*", "turbolinux*", "mandrake*", NULL};
static const char *const windows_2003[] = {"winnet*", NULL};
static const char *const windows_2003_2008[] = {"winnet*", "longhorn*", "windows7srv*", NULL};

static const struct {
    const char *const *guests;
    uint16_t vendor, device; /* ANY: every function that has messages */
    DpDiagId id;
    const char *guest, *name;
} rows[] = {
    /* vSphere documentation, DirectPath I/O, "Configure a PCI Device on a Virtual Machine" */
    {linux_2_6_20, ANY, ANY, DP_DIAG_VMX_ADVICE_LINUX, "Linux 2.6.20 or earlier", ""},
    /* ESX 4 guide, "Setting the Physical Mode for IOAPIC" */
    {windows_2003_2008, 0x14e4, 0x164e, DP_DIAG_VMX_ADVICE_IOAPIC, "Windows 2003 or 2008",
     "Broadcom 57710"},
    {windows_2003_2008, 0x14e4, 0x164f, DP_DIAG_VMX_ADVICE_IOAPIC, "Windows 2003 or 2008",
     "Broadcom 57711"},
    {windows_2003_2008, 0x14e4, 0x1650, DP_DIAG_VMX_ADVICE_IOAPIC, "Windows 2003 or 2008",
     "Broadcom 57711E"},
    /* the same, "Devices that are known to work in the default configuration" */
    {windows_2003, 0x1077, 0x2532, DP_DIAG_VMX_ADVICE_GOOD, "Windows 2003",
     "QLogic Fibre Channel 2500"},
    {windows_2003, 0x1000, 0x0058, DP_DIAG_VMX_ADVICE_GOOD, "Windows 2003", "LSI SAS 1068E"},
    /* Intel 82598: the ids of the guide's passthru.map */
    {windows_2003, 0x8086, 0x10b6, DP_DIAG_VMX_ADVICE_GOOD, "Windows 2003", "Intel 82598"},
    {windows_2003, 0x8086, 0x10c6, DP_DIAG_VMX_ADVICE_GOOD, "Windows 2003", "Intel 82598"},
    {windows_2003, 0x8086, 0x10c7, DP_DIAG_VMX_ADVICE_GOOD, "Windows 2003", "Intel 82598"},
    {windows_2003, 0x8086, 0x10c8, DP_DIAG_VMX_ADVICE_GOOD, "Windows 2003", "Intel 82598"},
    {windows_2003, 0x8086, 0x10dd, DP_DIAG_VMX_ADVICE_GOOD, "Windows 2003", "Intel 82598"},
};

static bool
is_guest(const char *os, const char *const *guests)
{
    for (size_t i = 0; guests[i] != NULL; i++) {
        size_t len = strlen(guests[i]);

        if (guests[i][len - 1] == '*' ? g_ascii_strncasecmp(os, guests[i], len - 1) == 0
                                      : g_ascii_strcasecmp(os, guests[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool
is_function(const DpFunction *fn, uint16_t vendor, uint16_t device)
{
    if (vendor == ANY) {
        return fn->caps.msi == DP_TRI_YES || fn->caps.msix == DP_TRI_YES;
    }
    return fn->vendor == vendor && fn->device == device;
}

static void
advise(DpBuild *build, const DpVmDevice *device, size_t row)
{
    g_autofree char *prefix = g_strdup_printf("pciPassthru%u", device->index);
    g_autofree char *key = dp_build_key(prefix, "msiEnabled");
    DpDiag *diag;

    switch (rows[row].id) {
    case DP_DIAG_VMX_ADVICE_LINUX:
        dp_build_diag(build, rows[row].id, "guestOS",
                      "%s: the guest is %s, where MSI and MSI-X cost much performance", prefix,
                      rows[row].guest);
        break;
    case DP_DIAG_VMX_ADVICE_IOAPIC:
        if (device->msi_enabled) {
            diag = dp_build_diag(build, rows[row].id, key,
                                 "%s: a %s in %s may not work with physical MSI (a yellow icon in "
                                 "the Device Manager)",
                                 prefix, rows[row].name, rows[row].guest);
            dp_diag_set_remedy(diag,
                               "if so: directpath vm set FILE.vmx %s=FALSE, and switch MSI "
                               "off for the device in the guest",
                               key);
        }
        break;
    default:
        dp_build_diag(build, rows[row].id, key, "%s: a %s is known to work in %s with %s", prefix,
                      rows[row].name, rows[row].guest,
                      device->msi_enabled ? "physical MSI, the default"
                                          : "physical MSI, the default; msiEnabled is FALSE here");
        break;
    }
}

void
dp_build_advice(DpBuild *build)
{
    const char *os = dp_vmx_get(build->vmx, "guestOS");

    for (guint n = 0; os != NULL && n < build->plan->devices->len; n++) {
        const DpVmDevice *device = g_ptr_array_index(build->plan->devices, n);

        for (size_t i = 0; device->fn != NULL && i < G_N_ELEMENTS(rows); i++) {
            if (is_guest(os, rows[i].guests) &&
                is_function(device->fn, rows[i].vendor, rows[i].device)) {
                advise(build, device, i);
            }
        }
    }
}
