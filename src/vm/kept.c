/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files by which this program keeps a VM: its VMX, its logs, the variables of its firmware. A
 * guest that could write to one, by its disk or by what it prints, would choose its own devices at
 * the next power-on; in one it could read another's password.
 */
#include "kept.h"

#include "base/text.h"
#include "firmware.h"
#include "log.h"

#include <string.h>

/* Without case: there are file systems to which it is the same. */
static const struct {
    const char *start, *middle, *end;
} names[] = {
    {"", "", ".vmx"},
    {"directpath", "", ".log"},
    {"", ".ovmf-vars", ".fd"},
};

bool
dp_kept_name(const char *path)
{
    g_autofree char *base = g_path_get_basename(path);
    g_autofree char *name = g_ascii_strdown(base, -1);

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (g_str_has_prefix(name, names[i].start) && g_str_has_suffix(name, names[i].end) &&
            strstr(name, names[i].middle) != NULL) {
            return true;
        }
    }
    return false;
}

void
dp_kept_report(DpBuild *build, const char *key, const char *path)
{
    g_autofree char *shown = dp_text_visible(path, -1);
    DpDiag *diag = dp_build_diag(build, DP_DIAG_VMX_FILE_NAME, key,
                                 "%s: %s is a VMX, a log of this program or variables of firmware, "
                                 "and no guest gets one",
                                 key, shown);

    dp_diag_set_remedy(diag, "give it a file of its own, with another name");
}

bool
dp_kept_check_name(DpBuild *build, const char *key, const char *path)
{
    g_autofree char *plain = g_canonicalize_filename(path, "/");

    if (!dp_kept_name(plain) && strcmp(plain, build->plan->vmx_path) != 0) {
        return true;
    }
    dp_kept_report(build, key, path);
    return false;
}

static void
add(const DpBuild *build, GArray *facts, const char *path)
{
    DpVmFileFacts one;

    if (build->input->file_look(path, false, &one)) {
        g_array_append_val(facts, one);
    }
}

GArray *
dp_kept_facts(const DpBuild *build)
{
    GArray *facts = g_array_new(FALSE, FALSE, sizeof(DpVmFileFacts));

    add(build, facts, build->plan->vmx_path);
    if (build->plan->efi_vars != NULL) {
        add(build, facts, build->plan->efi_vars);
    }
    for (unsigned n = 0; n < DP_LOG_KEPT; n++) {
        g_autofree char *name = dp_log_name(n);
        g_autofree char *path = g_build_filename(build->folder, name, NULL);

        add(build, facts, path);
    }
    return facts;
}

bool
dp_kept_is_one(const GArray *facts, const DpVmFileFacts *file)
{
    for (guint i = 0; i < facts->len; i++) {
        const DpVmFileFacts *one = &g_array_index(facts, DpVmFileFacts, i);

        if (one->device == file->device && one->inode == file->inode) {
            return true;
        }
    }
    return false;
}
