/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build.h"

#include <string.h>

char *
dp_build_subject(const DpBuild *build, const char *key)
{
    const DpVmxEntry *entry = key != NULL ? dp_vmx_lookup(build->vmx, key) : NULL;

    if (entry == NULL) {
        return g_strdup(dp_vmx_name(build->vmx));
    }
    return g_strdup_printf("%s:%u", dp_vmx_name(build->vmx), entry->line);
}

DpDiag *
dp_build_diag(DpBuild *build, DpDiagId id, const char *key, const char *fmt, ...)
{
    g_autofree char *subject = dp_build_subject(build, key);
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, fmt);
    text = g_strdup_vprintf(fmt, args);
    va_end(args);
    return dp_diags_add(build->plan->diags, id, subject, "%s", text);
}

void
dp_build_effect(DpBuild *build, const char *key, DpEffect effect, const char *fmt, ...)
{
    g_autofree char *note = NULL;
    va_list args;

    va_start(args, fmt);
    note = g_strdup_vprintf(fmt, args);
    va_end(args);
    for (guint i = 0; i < build->plan->keys->len; i++) {
        DpKeyReport *report = g_ptr_array_index(build->plan->keys, i);

        if (g_ascii_strcasecmp(report->key, key) == 0) {
            report->effect = effect;
            g_free(report->note);
            report->note = g_strdup(note);
        }
    }
}

char *
dp_build_key(const char *prefix, const char *name)
{
    return g_strconcat(prefix, ".", name, NULL);
}

const char *
dp_build_utf8(const DpBuild *build, const char *key)
{
    const DpVmxEntry *entry = dp_vmx_lookup(build->vmx, key);

    return entry == NULL                             ? NULL
           : g_utf8_validate(entry->value, -1, NULL) ? entry->value
                                                     : entry->shown;
}

const char *
dp_build_get(const DpBuild *build, const char *prefix, const char *name)
{
    g_autofree char *key = dp_build_key(prefix, name);
    const DpVmxEntry *entry = dp_vmx_lookup(build->vmx, key);

    return entry != NULL ? entry->value : NULL;
}

/* A key that is read twice is wrong once. */
static void
drop_repeated(DpDiagList *diags, guint before)
{
    for (guint i = 0; i < before && diags->len > before; i++) {
        const DpDiag *old = g_ptr_array_index(diags, i);
        const DpDiag *new = g_ptr_array_index(diags, before);

        if (old->row == new->row && strcmp(old->subject, new->subject) == 0 &&
            strcmp(old->message, new->message) == 0) {
            g_ptr_array_remove_index(diags, before);
        }
    }
}

bool
dp_build_bool(DpBuild *build, const char *prefix, const char *name, bool fallback)
{
    g_autofree char *key = dp_build_key(prefix, name);
    guint before = build->plan->diags->len;
    bool value = fallback;

    (void)dp_vmx_get_bool(build->vmx, key, &value, build->plan->diags);
    drop_repeated(build->plan->diags, before);
    return value;
}

int64_t
dp_build_int(DpBuild *build,
             const char *prefix,
             const char *name,
             int64_t min,
             int64_t max,
             int64_t fallback)
{
    g_autofree char *key = dp_build_key(prefix, name);
    guint before = build->plan->diags->len;
    int64_t value = fallback;

    (void)dp_vmx_get_int(build->vmx, key, min, max, &value, build->plan->diags);
    drop_repeated(build->plan->diags, before);
    return value;
}

void
dp_build_arg(DpBuild *build, const char *option, const char *value)
{
    g_ptr_array_add(build->plan->argv, g_strdup(option));
    if (value != NULL) {
        g_ptr_array_add(build->plan->argv, g_strdup(value));
    }
}

void
dp_build_argf(DpBuild *build, const char *option, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    g_ptr_array_add(build->plan->argv, g_strdup(option));
    g_ptr_array_add(build->plan->argv, g_strdup_vprintf(fmt, args));
    va_end(args);
}

void
dp_build_device(DpBuild *build, json_t *device)
{
    g_assert(device != NULL); /* made from our own strings only */
    (void)json_array_append_new(build->devices, device);
}

void
dp_build_boot(DpBuild *build, DpBootKind kind, json_t *device)
{
    DpBootEntry entry = {.kind = kind, .device = device};

    g_array_append_val(build->boot, entry);
}

void
dp_build_step(
    DpBuild *build, const char *action, const char *subject, const char *detail, const char *undo)
{
    DpStep *step = g_new0(DpStep, 1);

    step->action = g_strdup(action);
    step->subject = g_strdup(subject);
    step->detail = g_strdup(detail);
    step->undo = g_strdup(undo);
    g_ptr_array_add(build->plan->steps, step);
}
