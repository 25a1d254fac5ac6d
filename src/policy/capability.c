/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the host as a whole can do. */
#include "private.h"

#include <string.h>

#define HOST "host"

/* True if @given is @word, or both are KEY=... and the value of @word is among those of @given,
 * which commas part. */
static bool
says(const char *given, const char *word)
{
    const char *value = strchr(word, '=');
    size_t key = value == NULL ? 0 : (size_t)(value - word) + 1;
    g_auto(GStrv) values = NULL;

    if (key == 0 || strncmp(given, word, key) != 0) {
        return strcmp(given, word) == 0;
    }
    values = g_strsplit(given + key, ",", -1);
    return g_strv_contains((const char *const *)values, word + key);
}

/* The word of the kernel's command line that says @word, or NULL; the caller frees it. */
static char *
cmdline_word(const DpPlatform *platform, const char *word)
{
    g_auto(GStrv) words =
        platform->cmdline == NULL ? NULL : g_strsplit_set(platform->cmdline, " \t\n", -1);

    for (char **given = words; given != NULL && *given != NULL; given++) {
        if (says(*given, word)) {
            return g_strdup(*given);
        }
    }
    return NULL;
}

/* The first of @words (up to NULL) that is on the command line becomes cause and remedy. */
static bool
blame_word(const DpPlatform *platform, const char *const *words, DpDiag *diag)
{
    for (; *words != NULL; words++) {
        g_autofree char *given = cmdline_word(platform, *words);

        if (given != NULL) {
            dp_diag_set_cause(diag, "%s is on the kernel's command line", given);
            if (strcmp(given, *words) == 0) {
                dp_diag_set_remedy(diag, "take %s off the kernel's command line, then boot again",
                                   given);
            } else { /* one value of several */
                dp_diag_set_remedy(
                    diag, "take \"%s\" out of %s on the kernel's command line, then boot again",
                    strchr(*words, '=') + 1, given);
            }
            return true;
        }
    }
    return false;
}

/* Takes @diag: a problem of the host that refuses every function too. */
static void
block(DpJudge *judge, DpDiag *diag)
{
    g_ptr_array_add(judge->blockers, diag);
    g_ptr_array_add(judge->policy->diags, dp_diag_copy(diag));
}

/* VT-d waits to be asked in most kernels; who asked and got none has to read the log. */
static void
explain_intel_off(const DpPlatform *platform, DpDiag *diag)
{
    g_autofree char *asked = cmdline_word(platform, "intel_iommu=on");

    if (asked == NULL) {
        dp_diag_set_cause(diag, "this kernel starts VT-d only where intel_iommu=on asks for it");
        dp_diag_set_remedy(diag,
                           "put intel_iommu=on on the kernel's command line, then boot again");
        return;
    }
    dp_diag_set_cause(
        diag, "%s is on the kernel's command line, and VT-d did not start all the same", asked);
    dp_diag_set_remedy(diag, "look for lines with DMAR in the kernel's log (dmesg), which say why; "
                             "an update of the firmware may correct its table");
}

/* The firmware offers a unit that the kernel does not run: which word keeps it off? */
static DpDiag *
iommu_off_in_kernel(const DpPlatform *platform)
{
    static const char *const intel[] = {"intel_iommu=off", "iommu=off", NULL};
    static const char *const amd[] = {"amd_iommu=off", "iommu=off", NULL};
    bool is_intel = platform->intel_in_firmware == DP_TRI_YES;
    DpDiag *diag =
        dp_diag_new(DP_DIAG_IOMMU_OFF_KERNEL, HOST,
                    "the firmware has a table of an IOMMU (%s), but the kernel runs none",
                    is_intel ? "DMAR, Intel's VT-d" : "IVRS, AMD's");

    if (blame_word(platform, is_intel ? intel : amd, diag)) {
        return diag;
    }
    if (is_intel) {
        explain_intel_off(platform, diag);
    } else {
        dp_diag_set_cause(diag,
                          "nothing on the kernel's command line keeps AMD's IOMMU off, and it "
                          "did not start");
        dp_diag_set_remedy(diag,
                           "look for lines with AMD-Vi in the kernel's log (dmesg), which say "
                           "why; an update of the firmware may correct its table");
    }
    return diag;
}

/* A VM's firmware shows what its hypervisor gives it: nothing is switched off there. */
static DpDiag *
iommu_absent(const DpPlatform *platform)
{
    DpDiag *diag = dp_diag_new(DP_DIAG_IOMMU_ABSENT, HOST, "no IOMMU is active%s",
                               platform->iommu_in_firmware == DP_TRI_UNKNOWN
                                   ? "; the firmware's tables could not be listed"
                                   : ", and the firmware has no DMAR or IVRS table");

    if (platform->hypervisor == DP_TRI_YES) {
        dp_diag_set_cause(diag, "this host is a virtual machine without a virtual IOMMU");
        dp_diag_set_remedy(diag, "give the virtual machine a virtual IOMMU with interrupt "
                                 "remapping (QEMU: -device intel-iommu,intremap=on)");
    }
    return diag;
}

static void
judge_iommu(DpJudge *judge)
{
    const DpPlatform *platform = &judge->host->platform;

    judge->has_iommu = platform->iommu != DP_IOMMU_NONE || judge->host->group_ids->len > 0;
    if (judge->has_iommu) {
        if (platform->iommu == DP_IOMMU_AMDVI) {
            dp_diags_add(judge->policy->diags, DP_DIAG_IOMMU_AMD, HOST,
                         "the IOMMU is AMD-Vi: supported here, experimental on ESX 4");
        }
        return;
    }
    if (platform->iommu_in_firmware == DP_TRI_YES) {
        block(judge, iommu_off_in_kernel(platform));
    } else if (platform->iommu_in_firmware == DP_TRI_NO &&
               platform->cpu_virtualization == DP_TRI_YES && platform->hypervisor != DP_TRI_YES) {
        block(judge, dp_diag_new(DP_DIAG_IOMMU_OFF_FIRMWARE, HOST,
                                 "no IOMMU is active, and the firmware has no DMAR or IVRS table "
                                 "although the processor can virtualize"));
    } else {
        block(judge, iommu_absent(platform));
    }
}

/* Who keeps interrupts from being remapped: the command line, or the firmware's table. */
static DpDiag *
no_remapping(const DpPlatform *platform)
{
    static const char *const words[] = {"intremap=off", "nointremap", NULL};
    DpDiag *diag = dp_diag_new(DP_DIAG_INTREMAP_MISSING, HOST,
                               "the IOMMU does not remap interrupts; VFIO would refuse with "
                               "\"No interrupt remapping support\"");

    if (blame_word(platform, words, diag)) {
        return diag;
    }
    if (platform->intremap_in_firmware == DP_TRI_NO) {
        dp_diag_set_cause(diag, "the firmware's table DMAR says that this machine cannot remap "
                                "interrupts (INTR_REMAP is clear)");
        dp_diag_set_remedy(diag,
                           "switch on interrupt remapping, often together with x2APIC or VT-d, "
                           "in the firmware's setup, or update the firmware");
    } else if (platform->x2apic_opt_out == DP_TRI_YES) {
        dp_diag_set_cause(diag, "the firmware's table DMAR asks that x2APIC be left off "
                                "(X2APIC_OPT_OUT), and interrupts are not remapped");
        dp_diag_set_remedy(diag, "switch on x2APIC in the firmware's setup, or put "
                                 "intremap=no_x2apic_optout on the kernel's command line");
    }
    return diag;
}

static void
judge_interrupts(DpJudge *judge)
{
    const DpPlatform *platform = &judge->host->platform;

    if (platform->unsafe_interrupts == DP_TRI_YES) {
        dp_diags_add(judge->policy->diags, DP_DIAG_UNSAFE_INTERRUPTS, HOST,
                     "allow_unsafe_interrupts of vfio_iommu_type1 is set");
    }
    if (!judge->has_iommu) {
        return; /* one cause, one diagnostic */
    }
    if (platform->interrupt_remapping == DP_TRI_NO) {
        block(judge, no_remapping(platform));
    } else if (platform->interrupt_remapping == DP_TRI_UNKNOWN) {
        dp_diags_add(judge->policy->diags, DP_DIAG_INTREMAP_UNKNOWN, HOST,
                     "whether interrupts are remapped could not be read");
    }
}

static void
judge_modules(DpJudge *judge)
{
    const DpPlatform *platform = &judge->host->platform;
    const char *kernel = platform->kernel != NULL ? platform->kernel : "unknown";

    if (platform->vfio == DP_TRI_NO) {
        block(judge,
              dp_diag_new(DP_DIAG_VFIO_MISSING, HOST,
                          "kernel %s has neither the driver vfio-pci nor its module", kernel));
    }
    if (platform->vfio_iommu_type1 == DP_TRI_NO) {
        block(judge, dp_diag_new(DP_DIAG_VFIO_TYPE1_MISSING, HOST,
                                 "kernel %s has neither vfio_iommu_type1 nor its module", kernel));
    }
    if (platform->kvm == DP_TRI_NO) {
        dp_diags_add(judge->policy->diags, DP_DIAG_KVM_MISSING, HOST, "there is no /dev/kvm");
    }
    if (platform->cpu_virtualization == DP_TRI_NO) {
        dp_diags_add(judge->policy->diags, DP_DIAG_CPU_VIRT_MISSING, HOST,
                     "the processor shows neither vmx nor svm");
    }
}

static void
judge_policies(DpJudge *judge)
{
    const DpPlatform *platform = &judge->host->platform;

    if (platform->lockdown != NULL && g_strcmp0(platform->lockdown, "none") != 0) {
        dp_diags_add(judge->policy->diags, DP_DIAG_LOCKDOWN, HOST,
                     "the kernel's lockdown mode is %s", platform->lockdown);
    }
    if (platform->cmdline != NULL && strstr(platform->cmdline, "pcie_acs_override") != NULL) {
        dp_diags_add(judge->policy->diags, DP_DIAG_ACS_OVERRIDE, HOST,
                     "pcie_acs_override is on the kernel's command line: IOMMU groups may promise "
                     "isolation that the hardware does not give");
    }
    if (dp_policy_claims_off(judge->host)) {
        dp_diags_add(judge->policy->diags, DP_DIAG_CLAIMS_OFF, HOST,
                     "the kernel was booted with directpath=off: nothing is given to vfio-pci");
    }
}

void
dp_capability_judge(DpJudge *judge)
{
    judge_iommu(judge);
    judge_interrupts(judge);
    judge_modules(judge);
    judge_policies(judge);
    judge->policy->capable = !dp_diags_have_error(judge->policy->diags);
}
