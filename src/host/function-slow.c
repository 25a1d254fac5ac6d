/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a function tells that may be slow to read: its configuration space, and attributes behind
 * its lock. Reading is slow.c's; here it is understood. */
#include "caps.h"
#include "scan.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>

static bool
in_transition(const DpFunction *fn)
{
    return g_strcmp0(fn->runtime_status, "suspending") == 0 ||
           g_strcmp0(fn->runtime_status, "resuming") == 0;
}

static bool
suspended(const DpFunction *fn)
{
    return g_strcmp0(fn->runtime_status, "suspended") == 0 || in_transition(fn);
}

/*
 * drivers/pci/pci-sysfs.c: a read of `config` resumes the bridges above, and the function itself
 * only from D3cold. One parked in D3hot below bridges that are awake answers as it is.
 */
bool
dp_function_sleeps(const DpFunction *fn)
{
    if (fn->power_state == DP_POWER_D3COLD || in_transition(fn)) {
        return true;
    }
    if (suspended(fn) && fn->power_state == DP_POWER_UNKNOWN) {
        return true;
    }
    for (const DpFunction *up = fn->parent; up != NULL; up = up->parent) {
        if (up->power_state == DP_POWER_D3COLD || suspended(up)) {
            return true;
        }
    }
    return false;
}

static void
take_death(DpFunction *fn)
{
    /* In D3hot the link may be down; that is sleep, not death. */
    if (fn->power_state == DP_POWER_D3HOT || suspended(fn)) {
        return;
    }
    fn->dead = DP_TRI_YES; /* policy says what that means */
}

static void
take_header(DpFunction *fn, const uint8_t *config)
{
    unsigned type = config[PCI_HEADER_TYPE] & 0x7f;

    fn->dead = DP_TRI_NO;
    fn->irq_pin = config[PCI_INTERRUPT_PIN] <= 4 ? config[PCI_INTERRUPT_PIN] : -1;
    if (type > PCI_HEADER_TYPE_CARDBUS) {
        g_autofree char *text = g_strdup_printf("header type %u", type);

        dp_function_strange(fn, "config", text);
        return;
    }
    fn->header_type = (int)type;
    if (type != PCI_HEADER_TYPE_NORMAL) {
        fn->secondary = config[PCI_SECONDARY_BUS];
        fn->subordinate = config[PCI_SUBORDINATE_BUS];
    }
}

static void
report_faults(DpFunction *fn, unsigned faults)
{
    if (faults != DP_CAPS_OK) {
        dp_diags_add(fn->diags, DP_DIAG_CAPS_MALFORMED, fn->name,
                     "%s: the list of its capabilities is broken%s%s%s", fn->name,
                     faults & DP_CAPS_LOOP ? ", one comes twice" : "",
                     faults & DP_CAPS_POINTER ? ", a pointer leads out of the list" : "",
                     faults & DP_CAPS_CUT ? ", one is cut off by the end of the space" : "");
    }
}

static void
take_config(DpFunction *fn, const DpSlow *slow)
{
    size_t len = slow->config_len > 0 ? (size_t)slow->config_len : 0;

    if (!slow->want_config) {
        dp_diags_add(fn->diags, DP_DIAG_CONFIG_ASLEEP, fn->name,
                     "%s: it or a bridge above it sleeps, so its capabilities were not read",
                     fn->name);
        return;
    }
    if (len < DP_CONFIG_USER) {
        dp_function_unreadable(fn, "config", slow->config_len < 0 ? -slow->config_len : ENODATA);
        return;
    }
    report_faults(fn, dp_caps_parse(slow->config, len, &fn->caps));
    if (dp_caps_all_ones(slow->config, len)) {
        take_death(fn);
    } else {
        take_header(fn, slow->config);
    }
}

/* The text of a slow attribute, or NULL. */
static char *
slow_text(DpFunction *fn, const DpSlow *slow, DpSlowAttr attr)
{
    if (!slow->have[attr]) {
        return NULL;
    }
    if (slow->len[attr] < 0) {
        if (slow->len[attr] != -ENOENT) {
            dp_function_unreadable(fn, dp_slow_attrs[attr], -slow->len[attr]);
        }
        return NULL;
    }
    return g_strchomp(g_strndup(slow->text[attr], (gsize)MIN(slow->len[attr], DP_SLOW_TEXT - 1)));
}

static void
take_reset_methods(DpFunction *fn, char *text)
{
    g_autofree char *words = dp_scan_visible(text);
    g_autoptr(GPtrArray) list = g_ptr_array_new();
    g_auto(GStrv) all = words == NULL ? NULL : g_strsplit_set(words, " \t\n", -1);

    for (char **word = all; word != NULL && *word != NULL; word++) {
        if (**word != '\0') {
            g_ptr_array_add(list, g_strdup(*word));
        }
    }
    if (all != NULL) {
        g_ptr_array_add(list, NULL);
        fn->reset_methods = (char **)g_ptr_array_steal(list, NULL);
    }
}

static void
take_texts(DpFunction *fn, const DpSlow *slow)
{
    g_autofree char *override = dp_scan_visible(slow_text(fn, slow, DP_SLOW_OVERRIDE));
    g_autofree char *numvfs = slow_text(fn, slow, DP_SLOW_NUMVFS);
    int64_t value;

    if (override != NULL && *override != '\0' && strcmp(override, "(null)") != 0) {
        fn->driver_override = g_steal_pointer(&override);
    }
    if (numvfs != NULL) {
        if (dp_scan_number(numvfs, 0, 0xffff, &value)) {
            fn->sriov_numvfs = (int)value;
        } else {
            dp_function_strange(fn, "sriov_numvfs", numvfs);
        }
    }
    take_reset_methods(fn, slow_text(fn, slow, DP_SLOW_RESET_METHOD));
}

static void
report_stuck(DpFunction *fn, const DpSlow *slow)
{
    g_autoptr(GString) missing = g_string_new(slow->have_config ? NULL : "'config'");

    for (size_t i = 0; i < DP_N_SLOW; i++) {
        if (!slow->have[i]) {
            g_string_append_printf(missing, "%s'%s'", missing->len > 0 ? ", " : "",
                                   dp_slow_attrs[i]);
        }
    }
    dp_diags_add(fn->diags, DP_DIAG_SYSFS_STUCK, fn->name,
                 "%s: the kernel did not answer; unknown are %s", fn->name, missing->str);
}

static bool
class_is_bridge(const DpFunction *fn)
{
    unsigned class = fn->class_code >> 8;

    return class == 0x0604 || class == 0x0607; /* PCI and CardBus bridges */
}

void
dp_function_take_slow(DpFunction *fn, const DpSlow *slow)
{
    if (slow->state == DP_SLOW_SKIP) {
        return;
    }
    if (slow->state != DP_SLOW_READ) {
        report_stuck(fn, slow);
    }
    take_texts(fn, slow);
    if (slow->have_config) {
        take_config(fn, slow);
    }
    if (fn->caps.sriov == DP_TRI_YES && fn->sriov_pf == DP_TRI_NO) {
        fn->sriov_pf = DP_TRI_YES; /* the kernel was built without SR-IOV */
    }
    fn->is_bridge = fn->header_type > 0 || class_is_bridge(fn);
}
