/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "disk-model.h"

#include <string.h>

/* More changes of names are never left unsynced at once; each doubles the states. */
#define PENDING_MAX 12u

typedef struct {
    GByteArray *now;
    GBytes *durable;
    bool is_folder;
} Node;

/* A name that appeared (@from NULL), moved, or went (@to NULL). */
typedef struct {
    char *from, *to;
    Node *node;
} Change;

struct DiskModel {
    char *folder;
    GPtrArray *nodes;    /* all that ever were */
    GHashTable *now;     /* path -> Node, as a process sees it */
    GHashTable *durable; /* the same, once the power has failed and nothing else was lost */
    GPtrArray *pending;  /* Change, in order */
};

static void
node_free(gpointer data)
{
    Node *node = data;

    g_byte_array_unref(node->now);
    g_bytes_unref(node->durable);
    g_free(node);
}

static void
change_free(gpointer data)
{
    Change *change = data;

    g_free(change->from);
    g_free(change->to);
    g_free(change);
}

static Node *
node_new(DiskModel *model, bool is_folder, const char *bytes, size_t len)
{
    Node *node = g_new0(Node, 1);

    node->now = g_byte_array_new();
    g_byte_array_append(node->now, (const guint8 *)bytes, (guint)len);
    node->durable = g_bytes_new(bytes, len);
    node->is_folder = is_folder;
    g_ptr_array_add(model->nodes, node);
    return node;
}

static GHashTable *
names_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

static void
learn(DiskModel *model, const char *path)
{
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    g_autofree char *bytes = NULL;
    gsize len = 0;
    const char *name;
    Node *node;

    if (folder == NULL && !g_file_get_contents(path, &bytes, &len, NULL)) {
        return;
    }
    node = node_new(model, folder != NULL, bytes == NULL ? "" : bytes, len);
    g_hash_table_insert(model->now, g_strdup(path), node);
    g_hash_table_insert(model->durable, g_strdup(path), node);
    while (folder != NULL && (name = g_dir_read_name(folder)) != NULL) {
        g_autofree char *below = g_build_filename(path, name, NULL);

        learn(model, below);
    }
}

DiskModel *
disk_model_new(const char *folder)
{
    DiskModel *model = g_new0(DiskModel, 1);

    model->folder = g_strdup(folder);
    model->nodes = g_ptr_array_new_with_free_func(node_free);
    model->now = names_new();
    model->durable = names_new();
    model->pending = g_ptr_array_new_with_free_func(change_free);
    learn(model, folder);
    return model;
}

void
disk_model_free(DiskModel *model)
{
    if (model == NULL) {
        return;
    }
    g_ptr_array_unref(model->pending);
    g_hash_table_unref(model->now);
    g_hash_table_unref(model->durable);
    g_ptr_array_unref(model->nodes);
    g_free(model->folder);
    g_free(model);
}

bool
disk_model_has(const DiskModel *model, const char *path)
{
    size_t len = strlen(model->folder);

    return strncmp(path, model->folder, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

static void
apply(GHashTable *names, const Change *change)
{
    if (change->from != NULL) {
        (void)g_hash_table_remove(names, change->from);
    }
    if (change->to != NULL) {
        g_hash_table_insert(names, g_strdup(change->to), change->node);
    }
}

static void
add(DiskModel *model, const char *from, const char *to, Node *node)
{
    Change *change = g_new0(Change, 1);

    change->from = g_strdup(from);
    change->to = g_strdup(to);
    change->node = node;
    apply(model->now, change);
    g_ptr_array_add(model->pending, change);
}

static Node *
find(const DiskModel *model, const char *path)
{
    Node *node = g_hash_table_lookup(model->now, path);

    g_assert_nonnull(node);
    return node;
}

void
disk_model_make(DiskModel *model, const char *path, bool is_folder)
{
    if (g_hash_table_lookup(model->now, path) == NULL) {
        add(model, NULL, path, node_new(model, is_folder, "", 0));
    }
}

void
disk_model_truncate(DiskModel *model, const char *path, size_t len)
{
    g_byte_array_set_size(find(model, path)->now, (guint)len);
}

void
disk_model_write(DiskModel *model, const char *path, size_t offset, const void *bytes, size_t len)
{
    GByteArray *now = find(model, path)->now;

    g_byte_array_set_size(now, (guint)MAX(now->len, offset + len));
    memcpy(now->data + offset, bytes, len);
}

void
disk_model_rename(DiskModel *model, const char *from, const char *to)
{
    add(model, from, to, find(model, from));
}

void
disk_model_unlink(DiskModel *model, const char *path)
{
    if (g_hash_table_lookup(model->now, path) != NULL) {
        add(model, path, NULL, NULL);
    }
}

static bool
lies_in(const Change *change, const char *folder)
{
    g_autofree char *parent = g_path_get_dirname(change->to != NULL ? change->to : change->from);

    return strcmp(parent, folder) == 0;
}

void
disk_model_sync(DiskModel *model, const char *path)
{
    Node *node = find(model, path);

    if (!node->is_folder) {
        g_bytes_unref(node->durable);
        node->durable = g_bytes_new(node->now->data, node->now->len);
        return;
    }
    for (guint i = 0; i < model->pending->len;) {
        if (lies_in(model->pending->pdata[i], path)) {
            apply(model->durable, model->pending->pdata[i]);
            g_ptr_array_remove_index(model->pending, i);
        } else {
            i++;
        }
    }
}

/* What may be found in a file whose bytes were not all synced: as before, as meant, half of it, or
 * its length with nothing in it. */
#define CONTENTS 4u

static GBytes *
content(const Node *node, unsigned choice)
{
    size_t len = node->now->len;

    switch (choice) {
    case 0:
        return g_bytes_ref(node->durable);
    case 1:
        return g_bytes_new(node->now->data, len);
    case 2:
        return g_bytes_new(node->now->data, len / 2);
    default:
        return g_bytes_new_take(g_malloc0(len + 1), len);
    }
}

/* How many of them there are. */
static unsigned
n_contents(const Node *node)
{
    return node == NULL || (g_bytes_get_size(node->durable) == node->now->len &&
                            memcmp(g_bytes_get_data(node->durable, NULL), node->now->data,
                                   node->now->len) == 0)
               ? 1
               : CONTENTS;
}

/* A file is there if all folders above it are. */
static const Node *
reach(const DiskModel *model, GHashTable *names, const char *path)
{
    g_autofree char *parent = g_path_get_dirname(path);
    const Node *node = g_hash_table_lookup(names, path);

    if (node == NULL || strcmp(path, model->folder) == 0 || reach(model, names, parent) == NULL) {
        return strcmp(path, model->folder) == 0 ? node : NULL;
    }
    return node;
}

static unsigned
check_contents(const Node *a, const Node *b, DiskCheck check, void *user)
{
    unsigned n = 0;

    for (unsigned i = 0; i < n_contents(a); i++) {
        for (unsigned k = 0; k < n_contents(b); k++, n++) {
            g_autoptr(GBytes) of_a = a == NULL ? NULL : content(a, i);
            g_autoptr(GBytes) of_b = b == NULL ? NULL : content(b, k);

            check(of_a, of_b, user);
        }
    }
    return n;
}

static GHashTable *
survivors(const DiskModel *model, unsigned chosen)
{
    GHashTable *names = names_new();
    GHashTableIter iter;
    gpointer path, node;

    g_hash_table_iter_init(&iter, model->durable);
    while (g_hash_table_iter_next(&iter, &path, &node)) {
        g_hash_table_insert(names, g_strdup(path), node);
    }
    for (guint i = 0; i < model->pending->len; i++) {
        if ((chosen & 1u << i) != 0) {
            apply(names, model->pending->pdata[i]);
        }
    }
    return names;
}

unsigned
disk_model_states(const DiskModel *model, const char *a, const char *b, DiskCheck check, void *user)
{
    g_autofree char *path_a = g_build_filename(model->folder, a, NULL);
    g_autofree char *path_b = g_build_filename(model->folder, b, NULL);
    unsigned n = 0;

    g_assert_cmpuint(model->pending->len, <=, PENDING_MAX);
    for (unsigned chosen = 0; chosen < 1u << model->pending->len; chosen++) {
        g_autoptr(GHashTable) names = survivors(model, chosen);

        n += check_contents(reach(model, names, path_a), reach(model, names, path_b), check, user);
    }
    return n;
}
