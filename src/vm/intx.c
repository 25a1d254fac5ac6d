/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A function that cannot mask its INTx needs its line for itself: VFIO then asks the kernel for the
 * line alone, and QEMU, which starts every function that has a pin with INTx, does not start if
 * another is on it.
 */
#include "resolve.h"

#include "run.h"

#include <string.h>

/* The kernel's own list of functions whose DisINTx bit does not work (drivers/pci/quirks.c,
 * quirk_broken_intx_masking). Intel's XL710 family is left out: vfio-pci hides its pin. */
static const struct {
    uint16_t vendor, device;
    const char *what;
} broken[] = {
    {0x1425, 0x0030, "Chelsio T3"},
    {0x1814, 0x0601, "Ralink RT2800"},
    {0x1b7c, 0x0004, "Ceton InfiniTV 4"},
    {0x1102, 0x000b, "Creative 20K2"},
    {0x10ec, 0x8169, "Realtek RTL8169 and RTL8110"},
};

/* Why VFIO takes @fn for one that cannot mask its INTx, or NULL. Whether a conventional function
 * can is known only by trying; where nothing says no, VFIO tries. */
static const char *
cannot_mask(const DpHost *host, const DpFunction *fn)
{
    if (host->platform.no_intx_masking == DP_TRI_YES) {
        return "the parameter nointxmask of vfio_pci is set";
    }
    for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
        if (fn->vendor == broken[i].vendor && fn->device == broken[i].device) {
            return broken[i].what;
        }
    }
    return NULL;
}

/* Who has @fn such that its INTx is on its line, or NULL. */
static const char *
line_user(const DpBuild *build, const DpFunction *fn)
{
    const DpRun *run;

    if (dp_resolve_in_vm(build, fn)) {
        return "this VM";
    }
    if (fn->driver == NULL || fn->n_msi_irqs != 0) {
        return NULL;
    }
    if (!dp_policy_on_vfio(fn)) {
        return fn->driver;
    }
    run = dp_build_used_by(build, fn);
    return run != NULL ? run->name : NULL;
}

static void
report(DpBuild *build,
       const char *prefix,
       const DpFunction *fn,
       const DpFunction *other,
       const char *why)
{
    g_autofree char *key = dp_build_key(prefix, "id");
    const char *user = line_user(build, other);
    DpDiag *diag = dp_build_diag(build, DP_DIAG_VMX_INTX_UNMASKABLE, key,
                                 "%s: %s cannot mask its interrupt (%s), and its line, IRQ %d, is "
                                 "also that of %s (%s)",
                                 prefix, fn->name, why, fn->irq, other->name, user);

    if (build->input->host->platform.no_intx_masking == DP_TRI_YES) {
        dp_diag_set_remedy(diag, "remove nointxmask from modprobe.d and the kernel's command line "
                                 "and reboot; or put the card into a slot with a line of its own");
    } else if (dp_resolve_in_vm(build, other)) {
        dp_diag_set_remedy(diag,
                           "give %s to another VM that runs at another time, or put the card "
                           "into a slot with a line of its own",
                           other->name);
    } else if (!dp_policy_on_vfio(other)) {
        dp_diag_set_remedy(diag,
                           "put the card into a slot with a line of its own, or take the other "
                           "from the host: directpath device enable %s",
                           other->name);
    }
}

void
dp_resolve_check_intx(DpBuild *build, const char *prefix, const DpVmDevice *device)
{
    const DpHost *host = build->input->host;
    const DpFunction *fn = device->fn;
    const char *why = cannot_mask(host, fn);

    if (why == NULL || fn->irq <= 0 || fn->irq_pin <= 0) {
        return;
    }
    for (guint i = 0; i < host->functions->len; i++) {
        const DpFunction *other = g_ptr_array_index(host->functions, i);

        if (other != fn && other->irq == fn->irq && other->irq_pin > 0 &&
            line_user(build, other) != NULL) {
            report(build, prefix, fn, other, why);
            return;
        }
    }
}
