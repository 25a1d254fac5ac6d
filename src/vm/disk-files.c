/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What QEMU would find out about a VM's files once its devices have been reset: a disk that is cut
 * off, one that somebody else has, one file twice, a second name through which it is another's, and
 * what only this program writes. */
#include "base/text.h"
#include "build.h"
#include "kept.h"

typedef struct {
    const DpVmFile *file;
    bool known; /* @facts are */
    DpVmFileFacts facts;
} Looked;

static bool
is_disk(const DpVmFile *file)
{
    return file->kind == DP_VM_FILE_VMDK || file->kind == DP_VM_FILE_FLAT ||
           file->kind == DP_VM_FILE_EXTENT;
}

static void
check_length(DpBuild *build, const Looked *looked)
{
    const DpVmFile *file = looked->file;
    g_autofree char *shown = dp_text_visible(file->path, -1);

    if (is_disk(file) && looked->facts.size < file->least) {
        dp_build_diag(build, DP_DIAG_VMX_DISK_TRUNCATED, file->key,
                      "%s: %s has %" G_GUINT64_FORMAT " bytes, and must have at least "
                      "%" G_GUINT64_FORMAT,
                      file->key, shown, looked->facts.size, file->least);
    }
}

/* By another name it could be a file that is not this VM's to write. */
static void
check_names(DpBuild *build, const Looked *looked)
{
    const DpVmFile *file = looked->file;
    g_autofree char *shown = dp_text_visible(file->path, -1);

    if (is_disk(file) && file->writable && looked->facts.links > 1) {
        dp_build_diag(build, DP_DIAG_VMX_DISK_LINKED, file->key,
                      "%s: %s has %" G_GUINT64_FORMAT " names (hard links)", file->key, shown,
                      looked->facts.links);
    }
}

static void
check_held(DpBuild *build, const Looked *looked)
{
    const DpPlanInput *input = build->input;
    const DpVmFile *file = looked->file;
    g_autofree char *path = dp_text_visible(file->path, -1);
    g_autofree char *holder = NULL, *shown = NULL;
    DpDiag *diag;

    /* Of a VM that runs its own engine is the holder. */
    if (!looked->facts.held || input->running) {
        return;
    }
    holder = input->holder != NULL ? input->holder(&looked->facts, input->holder_user) : NULL;
    if (holder == NULL) {
        dp_build_diag(build, DP_DIAG_VMX_DISK_HELD, file->key,
                      "%s: a process that is no VM of this program has %s open",
                      file->key != NULL ? file->key : "the VM", path);
        return;
    }
    shown = dp_text_visible(holder, -1);
    diag = dp_build_diag(build, DP_DIAG_VMX_DISK_HELD, file->key, "%s: the VM \"%s\" has %s open",
                         file->key != NULL ? file->key : "the VM", shown, path);
    dp_diag_set_remedy(diag, "power \"%s\" off first, or give this VM a disk of its own", shown);
}

/* A link, or a folder that is mounted twice, gives another name to a file that no guest gets. */
static void
check_kept(DpBuild *build, const GArray *kept, const Looked *looked)
{
    if (looked->file->key != NULL && dp_kept_is_one(kept, &looked->facts)) {
        dp_kept_report(build, looked->file->key, looked->file->path);
    }
}

static unsigned
line_of(const DpBuild *build, const char *key)
{
    const DpVmxEntry *entry = key != NULL ? dp_vmx_lookup(build->vmx, key) : NULL;

    return entry != NULL ? entry->line : 0;
}

/* Two readers do no harm, nor do two serial ports that append to one file. */
static bool
may_share(const DpVmFile *one, const DpVmFile *two)
{
    return (!one->writable && !two->writable) ||
           (one->kind == DP_VM_FILE_OUTPUT && two->kind == DP_VM_FILE_OUTPUT);
}

static void
check_pair(DpBuild *build, const Looked *one, const Looked *two)
{
    g_autofree char *shown = NULL;

    if (!one->known || !two->known || one->file->key == NULL || two->file->key == NULL ||
        may_share(one->file, two->file) || one->facts.device != two->facts.device ||
        one->facts.inode != two->facts.inode) {
        return;
    }
    shown = dp_text_visible(two->file->path, -1);
    dp_build_diag(build, DP_DIAG_VMX_DISK_TWICE, two->file->key,
                  "%s (line %u) and %s (line %u) are one file: %s", one->file->key,
                  line_of(build, one->file->key), two->file->key, line_of(build, two->file->key),
                  shown);
}

static void
look_at_all(DpBuild *build, Looked *all)
{
    const GArray *files = build->plan->files;

    for (guint i = 0; i < files->len; i++) {
        const DpVmFile *file = &g_array_index(files, DpVmFile, i);

        all[i].file = file;
        /* What is not there, or cannot be opened, has been told where it must be. */
        all[i].known = file->kind != DP_VM_FILE_TEXT && file->kind != DP_VM_FILE_FIRMWARE &&
                       build->input->file_look(file->path, file->writable, &all[i].facts);
    }
}

void
dp_build_disk_files(DpBuild *build)
{
    guint n = build->plan->files->len;
    g_autofree Looked *all = g_new0(Looked, n);
    g_autoptr(GArray) kept = NULL;

    if (build->input->file_look == NULL) {
        return;
    }
    look_at_all(build, all);
    kept = dp_kept_facts(build);
    for (guint i = 0; i < n; i++) {
        if (all[i].known) {
            check_length(build, &all[i]);
            check_names(build, &all[i]);
            check_held(build, &all[i]);
            check_kept(build, kept, &all[i]);
        }
        for (guint k = 0; k < i; k++) {
            check_pair(build, &all[k], &all[i]);
        }
    }
}
