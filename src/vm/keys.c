/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keys.h"

#include "build.h"

#include <string.h>

/* Theme by theme; a general row comes after the special ones of its theme. */
static const DpKeyRow key_rows[] = {
#define DP_KEY(pattern, effect, note)         {pattern, DP_EFFECT_##effect, DP_SEEN_NEVER, note},
#define DP_KEY_SEEN(pattern, effect, note)    {pattern, DP_EFFECT_##effect, DP_SEEN_ALWAYS, note},
#define DP_KEY_SEEN_ON(pattern, effect, note) {pattern, DP_EFFECT_##effect, DP_SEEN_ON, note},
#include "keys/devices.inc"
#include "keys/display.inc"
#include "keys/machine.inc"
#include "keys/memory.inc"
#include "keys/network.inc"
#include "keys/passthru.inc"
#include "keys/storage.inc"
#undef DP_KEY
#undef DP_KEY_SEEN
#undef DP_KEY_SEEN_ON
};

const DpKeyRow *
dp_key_rows(size_t *ret_n)
{
    *ret_n = G_N_ELEMENTS(key_rows);
    return key_rows;
}

bool
dp_key_match(const char *pattern, const char *key)
{
    for (; *pattern != '\0'; pattern++) {
        if (*pattern == '*') {
            return true;
        }
        if (*pattern == '#') {
            if (!g_ascii_isdigit(*key)) {
                return false;
            }
            while (g_ascii_isdigit(*key)) {
                key++;
            }
            continue;
        }
        if (*pattern == '\\') {
            pattern++;
        }
        if (g_ascii_tolower(*key) != *pattern) {
            return false;
        }
        key++;
    }
    return *key == '\0';
}

const DpKeyRow *
dp_key_lookup(const char *key)
{
    for (size_t i = 0; i < G_N_ELEMENTS(key_rows); i++) {
        if (dp_key_match(key_rows[i].pattern, key)) {
            return &key_rows[i];
        }
    }
    return NULL;
}

const char *
dp_effect_name(DpEffect effect)
{
    static const char *const names[] = {
        [DP_EFFECT_HONOURED] = "honoured",
        [DP_EFFECT_SUBSTITUTED] = "substituted",
        [DP_EFFECT_IGNORED] = "ignored",
        [DP_EFFECT_UNKNOWN] = "unknown",
    };

    return names[effect];
}

static DpKeyReport *
report_new(const DpVmxEntry *entry, const DpKeyRow *row)
{
    DpKeyReport *report = g_new0(DpKeyReport, 1);

    report->key = g_strdup(entry->key);
    report->value = g_strdup(entry->shown);
    report->line = entry->line;
    report->effect = row != NULL ? row->effect : DP_EFFECT_UNKNOWN;
    if (row == NULL) {
        report->note = g_strdup("no row of the table of keys has it; it stays in the file");
    } else if (row->effect != DP_EFFECT_HONOURED) {
        report->note = g_strdup(row->note);
    }
    return report;
}

/* Families whose devices are numbered, and how many there may be: VMware's limits. */
static const struct {
    const char *pattern;
    unsigned n;
} families[] = {
    {"ide#:#.present", 2},  {"scsi#.present", 4},       {"scsi#:#.present", 4},
    {"sata#.present", 4},   {"sata#:#.present", 4},     {"nvme#.present", 4},
    {"nvme#:#.present", 4}, {"ethernet#.present", 10},  {"serial#.present", 4},
    {"floppy#.present", 2}, {"pcibridge#.present", 31}, {"pcipassthru#.present", 128},
};

/* A number that begins with 0 and goes on: the device is looked for by its number as it is usually
 * written. */
static bool
has_leading_zero(const char *key)
{
    for (const char *p = key; *p != '\0'; p++) {
        if (p[0] == '0' && g_ascii_isdigit(p[1]) && (p == key || !g_ascii_isdigit(p[-1]))) {
            return true;
        }
    }
    return false;
}

static void
check_index(DpBuild *build, const DpVmxEntry *entry)
{
    for (size_t i = 0; i < G_N_ELEMENTS(families); i++) {
        const char *digits = entry->key + strcspn(entry->key, "0123456789");

        if (!dp_key_match(families[i].pattern, entry->key) ||
            g_ascii_strcasecmp(entry->value, "FALSE") == 0) {
            continue;
        }
        if (g_ascii_strtoull(digits, NULL, 10) >= families[i].n) {
            dp_build_diag(build, DP_DIAG_VMX_INDEX, entry->key,
                          "%.64s: numbers of this kind end at %u", entry->key, families[i].n - 1);
        } else if (has_leading_zero(entry->key)) {
            dp_build_diag(build, DP_DIAG_VMX_INDEX, entry->key,
                          "%.64s: a number of a device does not begin with 0", entry->key);
        }
    }
}

/* Settings of a device that is not present have no effect on ESX either. */
static bool
of_absent_device(const DpBuild *build, const DpKeyReport *report, const DpKeyRow *row)
{
    const char *dot = strchr(report->key, '.');
    g_autofree char *present = NULL;
    bool value = false;

    if (dot == NULL || dot == report->key || row == NULL || strchr(row->pattern, '#') == NULL ||
        !g_ascii_isdigit(dot[-1]) || g_ascii_strcasecmp(dot, ".present") == 0) {
        return false;
    }
    present = g_strdup_printf("%.*s.present", (int)(dot - report->key), report->key);
    return !dp_vmx_get_bool(build->vmx, present, &value, NULL) || !value;
}

static void
adjust_absent(const DpBuild *build, DpKeyReport *report, const DpKeyRow *row)
{
    if (of_absent_device(build, report, row)) {
        report->effect = DP_EFFECT_IGNORED;
        g_free(report->note);
        report->note = g_strdup_printf("%.*s is not present",
                                       (int)(strchr(report->key, '.') - report->key), report->key);
    }
}

/* A secret is not repeated in a report. */
static void
mask_secret(DpKeyReport *report)
{
    if (dp_vmx_key_secret(report->key)) {
        g_free(report->value);
        report->value = g_strdup("********");
    }
}

static bool
is_seen(const DpKeyRow *row, const char *value)
{
    if (row == NULL || row->seen == DP_SEEN_NEVER || value[0] == '\0') {
        return false;
    }
    return row->seen == DP_SEEN_ALWAYS ||
           (g_ascii_strcasecmp(value, "FALSE") != 0 && strcmp(value, "0") != 0);
}

void
dp_build_keys(DpBuild *build)
{
    for (size_t i = 0; i < dp_vmx_n_entries(build->vmx); i++) {
        const DpVmxEntry *entry = dp_vmx_entry(build->vmx, i);
        const DpKeyRow *row = dp_key_lookup(entry->key);
        DpKeyReport *report = report_new(entry, row);

        mask_secret(report);
        adjust_absent(build, report, row);
        check_index(build, entry);
        g_ptr_array_add(build->plan->keys, report);
        if (is_seen(row, entry->value)) {
            g_ptr_array_add(build->seen, report);
        }
    }
}
