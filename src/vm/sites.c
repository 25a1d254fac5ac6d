/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the files and networks of ESX are on this host: what the administrator wrote down. */
#include "base/file.h"
#include "base/text.h"
#include "build.h"
#include "files.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static DpAliases *
load(DpRoot *root, DpAliasKind kind, const char *path, DpDiagList *diags)
{
    g_autoptr(DpAliases) names = dp_aliases_new(kind);
    g_autoptr(GError) error = NULL;
    size_t len = 0;
    g_autofree char *bytes = dp_file_read(root->fd, path, DP_ALIASES_MAX_BYTES, &len, &error);

    if (bytes == NULL) {
        if (!g_error_matches(error, DP_ERROR, DP_ERROR_NOT_FOUND)) {
            dp_diags_add(diags, DP_DIAG_ALIASES_UNREADABLE, path, "%s", error->message);
        }
        return g_steal_pointer(&names);
    }
    return dp_aliases_read(names, path, bytes, len, diags, NULL) ? g_steal_pointer(&names) : NULL;
}

void
dp_sites_load(DpSites *sites, DpRoot *root, DpDiagList *diags)
{
    sites->datastores = load(root, DP_ALIAS_DATASTORES, DP_ALIASES_DATASTORES, diags);
    sites->networks = load(root, DP_ALIAS_NETWORKS, DP_ALIASES_NETWORKS, diags);
}

void
dp_sites_clear(DpSites *sites)
{
    g_clear_pointer(&sites->datastores, dp_aliases_free);
    g_clear_pointer(&sites->networks, dp_aliases_free);
}

/* NAME of /vmfs/volumes/NAME/REST, or of /volumes/NAME/REST as the ESX 4 guide has it; NULL if
 * @path is no path of ESX. @ret_rest points into @path. */
static char *
datastore_of(const char *path, const char **ret_rest)
{
    static const char *const folders[] = {"/vmfs/volumes/", "/volumes/"};

    for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
        const char *name = path + strlen(folders[i]);
        const char *slash = g_str_has_prefix(path, folders[i]) ? strchr(name, '/') : NULL;

        if (slash != NULL && slash > name) {
            *ret_rest = slash + 1;
            return g_strndup(name, (gsize)(slash - name));
        }
    }
    return NULL;
}

/* Without links where the file is there and this is the host that has it. */
static char *
resolved(const DpBuild *build, const char *path)
{
    char *real = build->input->file_head != NULL ? realpath(path, NULL) : NULL;
    char *copy = real != NULL ? g_strdup(real) : g_canonicalize_filename(path, "/");

    free(real);
    return copy;
}

/* The folder of the VM or of a datastore that @path lies in; NULL: none. */
static char *
folder_around(const DpBuild *build, const char *path)
{
    g_autofree char *real = resolved(build, path);
    g_autoptr(GPtrArray) folders = dp_aliases_values(build->input->datastores);

    if (dp_file_inside(real, build->folder)) {
        return g_strdup(build->folder);
    }
    for (guint i = 0; i < folders->len; i++) {
        g_autofree char *folder = resolved(build, folders->pdata[i]);

        if (dp_file_inside(real, folder)) {
            return g_steal_pointer(&folder);
        }
    }
    return NULL;
}

static void
report_datastore(DpBuild *build, const char *key, const char *datastore)
{
    g_autofree char *shown = dp_text_visible(datastore, -1);
    g_autofree char *line = dp_aliases_line(datastore, "/FOLDER");
    g_autofree char *shown_line = dp_text_visible(line, -1);
    DpDiag *diag = dp_build_diag(build, DP_DIAG_VMX_DATASTORE, key,
                                 "%s: /" DP_ALIASES_DATASTORES
                                 " does not say where the datastore \"%s\" is here",
                                 key, shown);

    dp_diag_set_remedy(diag,
                       "add the line %s to /" DP_ALIASES_DATASTORES
                       ", /FOLDER being the folder that holds its files here",
                       shown_line);
}

static void
report_outside(DpBuild *build, const char *key, const char *path)
{
    g_autofree char *shown = dp_text_visible(path, -1);
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *base = g_path_get_basename(folder);
    g_autofree char *line = dp_aliases_line(base, folder);
    g_autofree char *shown_line = dp_text_visible(line, -1);
    DpDiag *diag =
        dp_build_diag(build, DP_DIAG_VMX_FILE_OUTSIDE, key,
                      "%s: %s lies neither in the folder of the VM nor in a datastore", key, shown);

    dp_diag_set_remedy(
        diag, "move the file beside the VMX, or add the line %s to /" DP_ALIASES_DATASTORES,
        shown_line);
}

char *
dp_build_site(DpBuild *build, const char *key, const char *name, char **ret_inside)
{
    const char *rest = NULL;
    g_autofree char *datastore = datastore_of(name, &rest);
    const char *folder = dp_aliases_lookup(build->input->datastores, datastore);
    g_autofree char *path = folder != NULL ? g_build_filename(folder, rest, NULL) : g_strdup(name);
    g_autofree char *inside = folder_around(build, path);

    if (inside == NULL) {
        if (datastore != NULL && folder == NULL) {
            report_datastore(build, key, datastore);
        } else {
            report_outside(build, key, path);
        }
        return NULL;
    }
    *ret_inside = g_steal_pointer(&inside);
    return g_steal_pointer(&path);
}
