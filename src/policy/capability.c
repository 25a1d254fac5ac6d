/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the host as a whole can do. */
#include "private.h"

#include <string.h>

#define HOST "host"

/* True if @word stands in the kernel's command line, as a whole word. */
static bool
cmdline_has(const DpPlatform *platform, const char *word)
{
    g_auto(GStrv) words = NULL;

    if (platform->cmdline == NULL) {
        return false;
    }
    words = g_strsplit_set(platform->cmdline, " \t\n", -1);
    return g_strv_contains((const char *const *)words, word);
}

/* Takes @diag: a problem of the host that refuses every function too. */
static void
block(DpJudge *judge, DpDiag *diag)
{
    g_ptr_array_add(judge->blockers, diag);
    g_ptr_array_add(judge->policy->diags, dp_diag_copy(diag));
}

/* The firmware offers a unit that the kernel does not run: which word keeps it off? */
static DpDiag *
iommu_off_in_kernel(const DpPlatform *platform)
{
    static const char *const off_words[] = {"intel_iommu=off", "amd_iommu=off", "iommu=off"};
    DpDiag *diag = dp_diag_new(
        DP_DIAG_IOMMU_OFF_KERNEL, HOST,
        "the firmware has a table of an IOMMU (DMAR or IVRS), but the kernel runs none");

    for (size_t i = 0; i < G_N_ELEMENTS(off_words); i++) {
        if (cmdline_has(platform, off_words[i])) {
            dp_diag_set_cause(diag, "%s is on the kernel's command line", off_words[i]);
            dp_diag_set_remedy(diag, "take %s off the kernel's command line, then boot again",
                               off_words[i]);
            return diag;
        }
    }
    if (g_strcmp0(platform->cpu_vendor, "GenuineIntel") == 0) {
        dp_diag_set_remedy(diag,
                           "put intel_iommu=on on the kernel's command line, then boot again");
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
        block(judge, dp_diag_new(DP_DIAG_INTREMAP_MISSING, HOST,
                                 "the IOMMU does not remap interrupts; VFIO would refuse with "
                                 "\"No interrupt remapping support\""));
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
