/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nodes.h"

#include "engine.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define OTHERS_RW (S_IROTH | S_IWOTH)
#define GROUP_RW  (S_IRGRP | S_IWGRP)

static char *
node_path(int group)
{
    return g_strdup_printf("dev/vfio/%d", group);
}

static bool
seen_before(const DpRunState *state, guint index)
{
    const DpRunFunction *fn = &g_array_index(state->functions, DpRunFunction, index);

    for (guint i = 0; i < index; i++) {
        if (g_array_index(state->functions, DpRunFunction, i).group == fn->group) {
            return true;
        }
    }
    return false;
}

static bool
note_owners(DpRoot *root, DpRunState *state, GError **error)
{
    for (guint i = 0; i < state->functions->len; i++) {
        DpRunFunction *fn = &g_array_index(state->functions, DpRunFunction, i);
        g_autofree char *path = node_path(fn->group);
        struct stat st;

        if (fstatat(root->fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISLNK(st.st_mode)) {
            return dp_fail_errno(error, errno, "%s: no VFIO group /%s", fn->name, path);
        }
        fn->node_uid = st.st_uid;
        fn->node_gid = st.st_gid;
        fn->node_mode = st.st_mode & 07777;
        if (st.st_uid - DP_VM_UID_BASE < DP_VM_UID_N) {
            /* Left over by a VM that nobody knows of: its user's number is another's soon. */
            fn->node_uid = 0;
            fn->node_gid = 0;
            fn->node_mode = 0600;
        }
        fn->saved = true;
    }
    return true;
}

static bool
set_owner(DpRoot *root, const char *path, uid_t uid, gid_t gid, mode_t mode)
{
    /* The mode first, so that nobody gains anything between the two. */
    return fchmodat(root->fd, path, mode & 0600, 0) == 0 &&
           fchownat(root->fd, path, uid, gid, AT_SYMLINK_NOFOLLOW) == 0 &&
           fchmodat(root->fd, path, mode, 0) == 0;
}

bool
dp_nodes_give(DpRoot *root, DpRunState *state, int folder, GError **error)
{
    if (!note_owners(root, state, error) || !dp_run_state_save(state, folder, error)) {
        return false;
    }
    for (guint i = 0; i < state->functions->len; i++) {
        const DpRunFunction *fn = &g_array_index(state->functions, DpRunFunction, i);
        g_autofree char *path = node_path(fn->group);

        if (!seen_before(state, i) && !set_owner(root, path, state->uid, state->uid, 0600)) {
            return dp_fail_errno(error, errno, "%s: cannot give /%s to the VM's user", fn->name,
                                 path);
        }
    }
    return true;
}

bool
dp_nodes_take_back(DpRoot *root, const DpRunState *state, GError **error)
{
    bool ok = true;

    for (guint i = 0; i < state->functions->len; i++) {
        const DpRunFunction *fn = &g_array_index(state->functions, DpRunFunction, i);
        g_autofree char *path = node_path(fn->group);
        struct stat st;

        if (!fn->saved || seen_before(state, i) ||
            fstatat(root->fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_uid != state->uid) {
            continue; /* gone with its function, or never given */
        }
        if (!set_owner(root, path, fn->node_uid, fn->node_gid, fn->node_mode) && ok) {
            ok = dp_fail_errno(error, errno, "%s: cannot take /%s back", fn->name, path);
        }
    }
    return ok;
}

static bool
check_kvm(DpRoot *root, gid_t *ret_group, DpDiagList *diags)
{
    struct stat st;

    if (fstatat(root->fd, "dev/kvm", &st, 0) < 0) {
        dp_diags_add(diags, DP_DIAG_VM_KVM_NODE, "/dev/kvm", "/dev/kvm: %s", g_strerror(errno));
        return false;
    }
    if ((st.st_mode & OTHERS_RW) == OTHERS_RW) {
        return true;
    }
    if ((st.st_mode & GROUP_RW) == GROUP_RW && st.st_gid != 0) {
        *ret_group = st.st_gid;
        return true;
    }
    dp_diags_add(diags, DP_DIAG_VM_KVM_NODE, "/dev/kvm",
                 "/dev/kvm has mode %04o and group %u: the VM's user cannot open it",
                 (unsigned)st.st_mode & 07777, (unsigned)st.st_gid);
    return false;
}

static bool
check_vfio(DpRoot *root, DpDiagList *diags)
{
    struct stat st;

    if (fstatat(root->fd, "dev/vfio/vfio", &st, 0) < 0) {
        dp_diags_add(diags, DP_DIAG_VM_VFIO_NODE, "/dev/vfio/vfio", "/dev/vfio/vfio: %s",
                     g_strerror(errno));
        return false;
    }
    if ((st.st_mode & OTHERS_RW) == OTHERS_RW) {
        return true;
    }
    dp_diags_add(diags, DP_DIAG_VM_VFIO_NODE, "/dev/vfio/vfio",
                 "/dev/vfio/vfio has mode %04o: the VM's user cannot open it",
                 (unsigned)st.st_mode & 07777);
    return false;
}

bool
dp_nodes_check(DpRoot *root, bool kvm, bool vfio, gid_t *ret_group, DpDiagList *diags)
{
    bool ok = true;

    *ret_group = 0;
    if (kvm) {
        ok = check_kvm(root, ret_group, diags);
    }
    if (vfio) {
        ok = check_vfio(root, diags) && ok;
    }
    return ok;
}
