/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules about one function alone. */
#include "private.h"

#include <string.h>

/* Classes (PCI Code and ID Assignment) of which the platform is built; `mask` says which bits
 * count. 0680, "other bridge", is left out: switches of GPUs and non-transparent bridges are
 * devices. */
static const struct {
    uint32_t class_code, mask;
} platform_classes[] = {
    {0x060000, 0xffff00}, /* host bridge */
    {0x060100, 0xffff00}, /* ISA */
    {0x060200, 0xffff00}, /* EISA */
    {0x060300, 0xffff00}, /* MicroChannel */
    {0x060400, 0xffff00}, /* PCI-to-PCI */
    {0x060500, 0xffff00}, /* PCMCIA */
    {0x060600, 0xffff00}, /* NuBus */
    {0x060700, 0xffff00}, /* CardBus */
    {0x060800, 0xffff00}, /* RACEway */
    {0x060900, 0xffff00}, /* semi-transparent PCI-to-PCI */
    {0x060a00, 0xffff00}, /* InfiniBand to PCI host bridge */
    {0x080000, 0xffff00}, /* interrupt controller */
    {0x080600, 0xffff00}, /* IOMMU */
    {0x080700, 0xffff00}, /* root complex event collector */
};

static const uint32_t usb_class = 0x0c0300;

bool
dp_function_assignable(const DpFunction *fn)
{
    if (fn->is_bridge || fn->header_type > 0) {
        return false;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(platform_classes); i++) {
        if ((fn->class_code & platform_classes[i].mask) == platform_classes[i].class_code) {
            return false;
        }
    }
    return true;
}

bool
dp_policy_is_vfio(const char *driver)
{
    return driver != NULL &&
           (strcmp(driver, "vfio-pci") == 0 || g_str_has_suffix(driver, "_vfio_pci") ||
            g_str_has_suffix(driver, "-vfio-pci"));
}

bool
dp_policy_on_vfio(const DpFunction *fn)
{
    return dp_policy_is_vfio(fn->driver);
}

/* What is wrong with the host is wrong with each of its functions. */
static void
judge_host(const DpJudge *judge, DpVerdict *verdict)
{
    const DpFunction *fn = verdict->fn;

    for (guint i = 0; i < judge->blockers->len; i++) {
        const DpDiag *blocker = judge->blockers->pdata[i];
        DpDiag *diag = dp_diags_add(verdict->diags, blocker->row->id, fn->name, "%s: %s", fn->name,
                                    blocker->message);

        dp_diag_set_cause(diag, "%s", blocker->cause);
        dp_diag_set_remedy(diag, "%s", blocker->remedy);
    }
    if (judge->has_iommu && fn->iommu_group < 0) {
        dp_diags_add(verdict->diags, DP_DIAG_NO_IOMMU_GROUP, fn->name,
                     "%s is in no IOMMU group although the host has an IOMMU", fn->name);
    }
}

static void
judge_health(DpVerdict *verdict)
{
    const DpFunction *fn = verdict->fn;

    if (fn->dead == DP_TRI_YES) {
        dp_diags_add(verdict->diags, DP_DIAG_DEVICE_DEAD, fn->name,
                     "%s does not answer: its configuration space reads all ones", fn->name);
    }
    if (fn->ids_known == DP_TRI_NO) {
        dp_diags_add(verdict->diags, DP_DIAG_IDS_UNKNOWN, fn->name,
                     "%s: vendor or device id could not be read", fn->name);
    }
    if (fn->power_state == DP_POWER_D3COLD) {
        dp_diags_add(verdict->diags, DP_DIAG_DEVICE_ASLEEP, fn->name,
                     "%s is in D3cold; it was not woken to look at it", fn->name);
    }
    if (fn->sriov_numvfs > 0) {
        dp_diags_add(verdict->diags, DP_DIAG_PF_HAS_VFS, fn->name,
                     "%s has %d virtual functions, which would vanish", fn->name, fn->sriov_numvfs);
    }
    if ((fn->class_code & 0xffff00) == usb_class) {
        dp_diags_add(verdict->diags, DP_DIAG_USB_WHOLE_CONTROLLER, fn->name,
                     "%s is a USB controller: every device plugged into it goes along", fn->name);
    }
}

static void
judge_console(const DpJudge *judge, DpVerdict *verdict)
{
    const DpFunction *fn = verdict->fn;
    guint position = dp_judge_position(judge, fn);
    const DpDiag *diag;

    if (fn->boot_vga != DP_TRI_YES) {
        return;
    }
    diag = dp_diags_add(verdict->diags, DP_DIAG_HOST_NEEDS_CONSOLE, fn->name,
                        "%s is the display that the firmware started, which shows the host's "
                        "console",
                        fn->name);
    if (judge->needs[position] == NULL) {
        judge->needs[position] = diag;
    }
}

static bool
in_unit(const DpVerdict *verdict, const DpFunction *fn)
{
    for (guint i = 0; i < verdict->unit->len; i++) {
        if (g_array_index(verdict->unit, DpUnitMember, i).fn == fn) {
            return true;
        }
    }
    return false;
}

static bool
intx_only(const DpFunction *fn)
{
    return fn->irq > 0 && fn->irq_pin > 0 && fn->caps.msi == DP_TRI_NO &&
           fn->caps.msix == DP_TRI_NO;
}

/* Sharers of an INTx line that one message names. */
#define SHARERS_MAX 8u

static void
judge_interrupt(const DpJudge *judge, DpVerdict *verdict)
{
    const DpFunction *fn = verdict->fn;
    const GPtrArray *sharers = g_hash_table_lookup(judge->lines, GINT_TO_POINTER(fn->irq));
    g_autoptr(GString) names = g_string_new(NULL);
    unsigned n = 0;

    for (guint i = 0; intx_only(fn) && sharers != NULL && i < sharers->len && n <= SHARERS_MAX;
         i++) {
        const DpFunction *other = sharers->pdata[i];

        if (other == fn || in_unit(verdict, other)) {
            continue;
        }
        if (++n > SHARERS_MAX) {
            g_string_append(names, " and others");
        } else {
            g_string_append_printf(names, "%s%s (%s)", n > 1 ? ", " : "", other->name,
                                   other->driver);
        }
    }
    if (n > 0) {
        dp_diags_add(verdict->diags, DP_DIAG_INTX_SHARED, fn->name,
                     "%s has only INTx, and its line (IRQ %d) is also that of %s", fn->name,
                     fn->irq, names->str);
    }
}

void
dp_function_judge(const DpJudge *judge, DpVerdict *verdict)
{
    judge_host(judge, verdict);
    judge_health(verdict);
    judge_console(judge, verdict);
    dp_reset_judge(verdict->fn, &verdict->reset, verdict->diags);
    judge_interrupt(judge, verdict);
    dp_memory_judge(judge, verdict);
}
