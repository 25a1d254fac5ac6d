/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "initramfs.h"

#include "base/text.h"
#include "sysfs.h"

/* initramfs-tools(7): hooks of packages, and of the administrator. */
static const char *const hooks[] = {
    "usr/share/initramfs-tools/hooks/directpath",
    "etc/initramfs-tools/hooks/directpath",
};

bool
dp_initramfs_copies(DpRoot *root)
{
    bool copies = false;

    for (size_t i = 0; i < G_N_ELEMENTS(hooks); i++) {
        copies |= dp_sysfs_exists(root, hooks[i]);
    }
    return copies;
}

void
dp_initramfs_note(DpRoot *root, DpDiagList *diags)
{
    g_autofree char *path = root->path == NULL ? NULL : dp_text_visible(root->path, -1);
    DpDiag *diag;

    if (!dp_initramfs_copies(root)) {
        return;
    }
    diag = dp_diags_add(diags, DP_DIAG_INITRAMFS_OLD, "initramfs",
                        "the initramfs has the owners as they were before this change");
    if (!root->live && path != NULL) {
        dp_diag_set_remedy(diag, "chroot %s update-initramfs -u -k all", path);
    }
}
