/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An empty folder as the root of a host, for unit tests that write files. */
#pragma once

#include "host/root.h"

#include <glib/gstdio.h>

typedef struct {
    char *path;
    DpRoot *root;
} Fixture;

static inline void
set_up(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    f->path = g_dir_make_tmp("directpath-test-XXXXXX", NULL);
    f->root = dp_root_open(f->path, NULL);
    g_assert_nonnull(f->root);
}

static inline void
tear_down(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    char *argv[] = {(char *)"rm", (char *)"-rf", (char *)"--", f->path, NULL};

    g_assert_true(
        g_spawn_sync(NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL));
    dp_root_free(f->root);
    g_free(f->path);
}

static inline void
put(Fixture *f, const char *path, const char *text)
{
    g_autofree char *file = g_build_filename(f->path, path, NULL);
    g_autofree char *folder = g_path_get_dirname(file);

    g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
    g_assert_true(g_file_set_contents(file, text, -1, NULL));
}
