/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a VMX asks for and the guest does without: never silently. */
#include "base/text.h"
#include "build.h"
#include "keys.h"

/* Lines that one message names. */
#define NAMED_MAX 16u

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
    bool wanted = false;

    for (size_t i = 0; i < G_N_ELEMENTS(left_out); i++) {
        if (dp_key_match(left_out[i].key, entry->key) &&
            dp_vmx_get_bool(build->vmx, entry->key, &wanted, build->plan->diags) && wanted) {
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

/* Subjects ("NAME:LINE") of all that has been told. */
static GHashTable *
told(const DpBuild *build)
{
    GHashTable *subjects = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < build->plan->diags->len; i++) {
        const DpDiag *diag = g_ptr_array_index(build->plan->diags, i);

        if (diag->severity != DP_NOTE) {
            (void)g_hash_table_add(subjects, diag->subject);
        }
    }
    return subjects;
}

void
dp_build_differences(DpBuild *build)
{
    g_autoptr(GHashTable) subjects = told(build);
    g_autoptr(GString) text = g_string_new(NULL);
    const char *first = NULL;
    guint n = 0;

    for (guint i = 0; i < build->seen->len; i++) {
        const DpKeyReport *report = g_ptr_array_index(build->seen, i);
        g_autofree char *subject = g_strdup_printf("%s:%u", dp_vmx_name(build->vmx), report->line);
        g_autofree char *shown = dp_text_visible_max(report->key, -1, 64);

        if (report->effect != DP_EFFECT_SUBSTITUTED || g_hash_table_contains(subjects, subject)) {
            continue;
        }
        first = first != NULL ? first : report->key;
        if (n++ < NAMED_MAX) {
            g_string_append_printf(text, "%s%s (line %u)", n > 1 ? ", " : "", shown, report->line);
        }
    }
    if (n > NAMED_MAX) {
        g_string_append_printf(text, " and %u more", n - NAMED_MAX);
    }
    if (n > 0) {
        dp_build_diag(build, DP_DIAG_VMX_GUEST_DIFFERS, first,
                      "not as the file says for the guest: %s", text->str);
    }
}
