/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dynamic DirectPath I/O: an entry that names models instead of a function gets the first of them
 * that is enabled and free. */
#include "resolve.h"

#include "base/text.h"

#include <string.h>

#define MODELS_MAX  64
#define REASONS_MAX 8

typedef struct {
    uint16_t vendor, device;
} Model;

/* "0x10de:0x20f1,0x10de:0x1eb8": vendor and device in hex, white space around them free. */
bool
dp_dynamic_parse(const char *text, GArray *models)
{
    g_auto(GStrv) words = g_strsplit(text, ",", MODELS_MAX + 1);

    for (size_t i = 0; words[i] != NULL; i++) {
        g_auto(GStrv) ids = g_strsplit(g_strstrip(words[i]), ":", 3);
        Model model;

        if (i == MODELS_MAX || g_strv_length(ids) != 2 || ids[0][0] == '-' || ids[1][0] == '-' ||
            !dp_resolve_id16(ids[0], &model.vendor) || !dp_resolve_id16(ids[1], &model.device)) {
            return false;
        }
        g_array_append_val(models, model);
    }
    return models->len > 0;
}

static bool
is_model(const GArray *models, const DpFunction *fn)
{
    for (guint i = 0; i < models->len; i++) {
        const Model *model = &g_array_index(models, Model, i);

        if (model->vendor == fn->vendor && model->device == fn->device) {
            return true;
        }
    }
    return false;
}

/* Why @fn is not free for this VM, or NULL; the caller frees it. */
static char *
why_not(const DpBuild *build, const DpFunction *fn)
{
    const char *user = dp_build_other_user(build, fn);
    const DpVerdict *verdict =
        build->input->policy != NULL ? dp_policy_verdict(build->input->policy, &fn->addr) : NULL;
    g_autofree char *other = NULL;

    if (dp_resolve_in_vm(build, fn)) {
        return g_strdup("already in this VM");
    }
    if (user != NULL) {
        g_autofree char *shown = dp_text_visible(user, -1);

        return g_strdup_printf("the running VM \"%s\" has it", shown);
    }
    if (build->input->conf != NULL &&
        dp_policy_stored_owner(build->input->conf, fn, NULL) != DP_OWNER_PASSTHRU) {
        return g_strdup("not enabled");
    }
    other = dp_resolve_other_card(build, fn);
    if (other != NULL) {
        return g_strdup("another card than was enabled");
    }
    if (build->input->conf != NULL && !dp_policy_on_vfio(fn)) {
        return g_strdup("enabled at the next reboot");
    }
    if (verdict != NULL && !dp_resolve_allows(build, verdict)) {
        return g_strdup("a rule of the host speaks against it");
    }
    return NULL;
}

/* The first that is free; of a VM that runs, the first that it has. @reasons receives why the
 * others are not. */
static DpFunction *
first_free(const DpBuild *build, const GArray *models, bool own, GString *reasons)
{
    const GPtrArray *functions = build->input->host->functions;
    unsigned n = 0;

    for (guint i = 0; i < functions->len; i++) {
        DpFunction *fn = g_ptr_array_index(functions, i);
        g_autofree char *reason = NULL;

        if (!is_model(models, fn) ||
            (own && !dp_build_is_own(build, dp_build_used_by(build, fn)))) {
            continue;
        }
        reason = why_not(build, fn);
        if (reason == NULL) {
            return fn;
        }
        if (n++ < REASONS_MAX) {
            g_string_append_printf(reasons, "%s%s (%s)", n > 1 ? ", " : "", fn->name, reason);
        }
    }
    return NULL;
}

static void
report_none(DpBuild *build, const char *prefix, const char *key, const GString *reasons)
{
    if (reasons->len > 0) {
        dp_build_diag(build, DP_DIAG_VMX_DYNAMIC_NONE, key,
                      "%s: none of the devices that it may have is free: %s", prefix, reasons->str);
    } else {
        dp_build_diag(build, DP_DIAG_VMX_DYNAMIC_NONE, key,
                      "%s: this host has none of the devices that it may have", prefix);
    }
}

/* Labels are given to devices on ESXi's side of the host; here there are none. */
static void
report_label(DpBuild *build, const char *prefix)
{
    const char *label = dp_build_get(build, prefix, "customLabel");
    g_autofree char *key = dp_build_key(prefix, "customLabel");
    g_autofree char *shown = NULL;

    if (label == NULL || label[0] == '\0') {
        return;
    }
    shown = dp_text_visible(label, -1);
    dp_build_effect(build, key, DP_EFFECT_SUBSTITUTED,
                    "devices have no labels here: any device of allowedDevices is taken");
    dp_build_diag(build, DP_DIAG_VMX_DYNAMIC_LABEL, key,
                  "%s = \"%s\": devices have no labels here; any device of allowedDevices is taken",
                  key, shown);
}

static void
choose(
    DpBuild *build, const char *prefix, const char *key, const GArray *models, DpVmDevice *device)
{
    g_autoptr(GString) reasons = g_string_new(NULL);
    DpFunction *fn = build->input->running ? first_free(build, models, true, reasons) : NULL;

    if (fn == NULL) {
        g_string_truncate(reasons, 0);
        fn = first_free(build, models, false, reasons);
    }
    if (fn == NULL) {
        report_none(build, prefix, key, reasons);
        return;
    }
    device->resolved = true;
    device->fn = fn;
    device->addr = fn->addr;
    device->verdict =
        build->input->policy != NULL ? dp_policy_verdict(build->input->policy, &fn->addr) : NULL;
    dp_build_diag(build, DP_DIAG_VMX_DYNAMIC_CHOSEN, key,
                  "%s gets %s, the first free device of allowedDevices", prefix, fn->name);
}

void
dp_resolve_dynamic(DpBuild *build, DpVmDevice *device)
{
    g_autofree char *prefix = g_strdup_printf("pciPassthru%u", device->index);
    g_autofree char *key = dp_build_key(prefix, "allowedDevices");
    g_autoptr(GArray) models = g_array_new(FALSE, FALSE, sizeof(Model));
    const char *text = dp_build_get(build, prefix, "allowedDevices");

    if (!dp_dynamic_parse(text, models)) {
        g_autofree char *shown = dp_text_visible(text, -1);

        dp_build_diag(build, DP_DIAG_VMX_DYNAMIC_LIST, key,
                      "%s = \"%s\" is no list of vendor and device like 0x10de:0x20f1", key, shown);
        return;
    }
    report_label(build, prefix);
    if (build->input->host != NULL) {
        choose(build, prefix, key, models, device);
    }
}
