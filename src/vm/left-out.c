/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a VMX asks for and the guest does without: never silently. */
#include "build.h"
#include "keys.h"

/* Asked for by TRUE. */
static const struct {
    const char *key; /* the line that asks for it, in the form of the table of keys */
    const char *what;
} left_out[] = {
    {"parallel#.present", "the parallel port"},
    {"vtpm.present", "the TPM"},
    {"managedvm.autoaddvtpm", "the TPM"},
    {"vwdt.present", "the watchdog"},
    {"vvtd.enable", "the guest's own IOMMU"},
    {"vhv.enable", "nested virtualization"},
    {"mks.enable3d", "3D acceleration"},
    {"smc.present", "the Apple system management controller"},
    {"smbios.reflecthost", "the host's SMBIOS, by which a licence may recognize its machine,"},
    {"serialnumber.reflecthost", "the host's serial number"},
    {"precisionclock#.present", "the precision clock"},
};

/* Asked for by any value. */
static const struct {
    const char *key;
    const char *what;
} not_applied[] = {
    {"bios440.filename", "another firmware"},
    {"efi#.filename", "another firmware"},
    {"uefi.secureboot.pkdefault.*", "a certificate of the owner's own"},
    {"uefi.secureboot.kekdefault.*", "a certificate of the owner's own"},
    {"uefi.secureboot.dbdefault.*", "a certificate of the owner's own"},
    {"uefi.secureboot.dbxdefault.*", "a list of revoked programs of the owner's own"},
    {"rtc.starttime", "a clock that starts elsewhere than the host's"},
    {"cpuid.#.e*", "a mask of processor features"},
};

static void
report_left_out(DpBuild *build, const DpVmxEntry *entry)
{
    for (size_t i = 0; i < G_N_ELEMENTS(left_out); i++) {
        if (dp_key_match(left_out[i].key, entry->key) &&
            g_ascii_strcasecmp(entry->value, "TRUE") == 0) {
            dp_build_diag(build, DP_DIAG_VMX_LEFT_OUT, entry->key,
                          "%s: %s is left out; the guest does not see it", entry->key,
                          left_out[i].what);
        }
    }
}

static void
report_not_applied(DpBuild *build, const DpVmxEntry *entry)
{
    for (size_t i = 0; i < G_N_ELEMENTS(not_applied); i++) {
        if (dp_key_match(not_applied[i].key, entry->key) && entry->value[0] != '\0') {
            dp_build_diag(build, DP_DIAG_VMX_LEFT_OUT, entry->key,
                          "%s: %s is not given to the guest", entry->key, not_applied[i].what);
        }
    }
}

void
dp_build_left_out(DpBuild *build)
{
    for (size_t i = 0; i < dp_vmx_n_entries(build->vmx); i++) {
        const DpVmxEntry *entry = dp_vmx_entry(build->vmx, i);

        report_left_out(build, entry);
        report_not_applied(build, entry);
    }
}
