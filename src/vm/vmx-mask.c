/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmx-mask.h"

#include "base/text.h"
#include "keys.h"

#include <string.h>

#define MASKED "(masked)"
/* Shorter words of guestinfo are everybody's. */
#define SECRET_LEAST 6

/* As of dp_key_match. TRUE and FALSE stay whatever the key. */
static const char *const kept[] = {
    ".encoding",
    "config.version",
    "virtualhw.*",
    "guestos",
    "memsize",
    "numvcpus",
    "maxvcpus",
    "cpuid.corespersocket",
    "firmware",
    "bios.bootorder",
    "svga.vramsize",
    "sched.mem.min",
    "sched.mem.minsize",
    "sched.mem.max",
    "sched.mem.pin",
    "remotedisplay.vnc.port",
    "pcibridge#.*",
    "pcipassthru.*",
    "pcipassthru#.id",
    "pcipassthru#.vendorid",
    "pcipassthru#.deviceid",
    "pcipassthru#.alloweddevices",
    "pcipassthru#.resetmethod",
    "pcipassthru#.maxmsixvectors",
    "ethernet#.addresstype",
    "ethernet#.connectiontype",
    "scsi#.sharedbus",
    "sound.virtualdev",
    "serial#.filetype",
};

/* Behind the last dot. */
static const char *const kept_ends[] = {"pcislotnumber", "virtualdev", "devicetype", "mode"};

/* Not what they say, but whether two say the same. */
static const char *const formed[] = {"pcipassthru#.systemid", "ethernet#.address",
                                     "ethernet#.generatedaddress"};

static bool
among(const char *key, const char *const *patterns, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (dp_key_match(patterns[i], key)) {
            return true;
        }
    }
    return false;
}

static bool
ends_kept(const char *key)
{
    const char *dot = strrchr(key, '.');

    for (size_t i = 0; dot != NULL && i < G_N_ELEMENTS(kept_ends); i++) {
        if (g_ascii_strcasecmp(dot + 1, kept_ends[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* ".vmdk", or nothing. */
static const char *
ending(const char *path)
{
    const char *dot = strrchr(path, '.');

    return dot != NULL && strlen(dot) <= 6 &&
                   strspn(dot + 1, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS) == strlen(dot + 1)
               ? dot
               : "";
}

static char *
masked_value(const DpVmxEntry *entry, DpMask *mask)
{
    const char *value = entry->shown;
    const char *dot = strrchr(entry->key, '.');

    if (*value == '\0' || g_ascii_strcasecmp(value, "TRUE") == 0 ||
        g_ascii_strcasecmp(value, "FALSE") == 0) {
        return g_strdup(value);
    }
    if (among(entry->key, formed, G_N_ELEMENTS(formed))) {
        g_autofree char *text = dp_mask_text(mask, value);

        return g_strdup(strcmp(text, value) != 0 ? text : MASKED);
    }
    if (dot != NULL && g_ascii_strcasecmp(dot, ".filename") == 0) {
        return g_strconcat(dp_mask_token(mask, DP_MASK_FILE, value), ending(value), NULL);
    }
    if (!dp_vmx_key_secret(entry->key) &&
        (among(entry->key, kept, G_N_ELEMENTS(kept)) || ends_kept(entry->key))) {
        return dp_mask_text(mask, value);
    }
    return g_strdup(MASKED);
}

char *
dp_vmx_masked(const DpVmx *vmx, DpMask *mask)
{
    GString *out = g_string_new(NULL);
    unsigned line = 1;

    for (size_t i = 0; i < dp_vmx_n_entries(vmx); i++) {
        const DpVmxEntry *entry = dp_vmx_entry(vmx, i);
        g_autofree char *key = dp_mask_text(mask, entry->key);
        g_autofree char *shown = dp_text_visible(key, -1);
        g_autofree char *value = masked_value(entry, mask);
        g_autofree char *safe = dp_text_visible(value, -1);

        for (; line < entry->line; line++) {
            g_string_append_c(out, '\n');
        }
        g_string_append_printf(out, "%s = \"%s\"\n", shown, g_strdelimit(safe, "\"|", '?'));
        line++;
    }
    return g_string_free(out, false);
}

/* Without its folder and its ending. */
static char *
stem_of(const char *path)
{
    char *name = g_path_get_basename(path);

    name[strlen(name) - strlen(ending(name))] = '\0';
    return name;
}

/* One stand-in for all that it is called by: what is said of it stays together. */
void
dp_vmx_mask_learn(const DpVmx *vmx, const char *path, DpMask *mask)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(folder), *stem = stem_of(path);
    const DpVmxEntry *display = vmx == NULL ? NULL : dp_vmx_lookup(vmx, "displayName");

    dp_mask_learn(mask, DP_MASK_VM, stem);
    dp_mask_learn(mask, DP_MASK_VM, name);
    if (display != NULL) {
        dp_mask_learn(mask, DP_MASK_VM, display->shown);
    }
    for (size_t i = 0; vmx != NULL && i < dp_vmx_n_entries(vmx); i++) {
        const DpVmxEntry *entry = dp_vmx_entry(vmx, i);
        g_autofree char *key = g_ascii_strdown(entry->key, -1);
        g_autofree char *file = NULL;

        if (g_str_has_suffix(key, ".filename")) {
            file = stem_of(entry->shown);
            dp_mask_learn(mask, DP_MASK_FILE, file);
        } else if (dp_vmx_key_secret(key) ||
                   (g_str_has_prefix(key, "guestinfo.") && strlen(entry->shown) >= SECRET_LEAST)) {
            dp_mask_learn(mask, DP_MASK_SECRET, entry->shown);
        }
    }
}
