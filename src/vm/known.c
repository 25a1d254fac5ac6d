/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "known.h"

#include "assign/store.h"
#include "base/apart.h"
#include "base/file.h"
#include "resolve.h"
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define FOLDER "var/lib/directpath"
#define NAME   "vms"

#define LIST_MAX_BYTES (4u << 20)
/* More VMs than one host has; the oldest are dropped. */
#define LIST_MAX        4096u
#define READ_TIMEOUT_MS 2000
#define N_PASSTHRU      128

static bool
is_path(const char *path)
{
    return path[0] == '/' && strpbrk(path, "\r\n") == NULL;
}

static void
add_once(GPtrArray *paths, const char *path)
{
    if (is_path(path) && !g_ptr_array_find_with_equal_func(paths, path, g_str_equal, NULL)) {
        g_ptr_array_add(paths, g_strdup(path));
    }
}

/* A missing list is empty, and so is one that cannot be read. */
static GPtrArray *
read_list(DpRoot *root)
{
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *text = dp_file_read(root->fd, FOLDER "/" NAME, LIST_MAX_BYTES, NULL, NULL);
    g_auto(GStrv) lines = text == NULL ? NULL : g_strsplit(text, "\n", LIST_MAX + 1);

    for (char **line = lines; line != NULL && *line != NULL && paths->len < LIST_MAX; line++) {
        add_once(paths, *line);
    }
    return paths;
}

bool
dp_known_add(DpRoot *root, const char *vmx_path, GError **error)
{
    g_autoptr(GPtrArray) paths = read_list(root);
    g_autoptr(GString) text = g_string_new(NULL);
    dp_autofd int folder = -1;

    /* A path of two lines cannot be kept in a list of lines; it is not worth another format. */
    if (!is_path(vmx_path)) {
        return true;
    }
    add_once(paths, vmx_path);
    for (guint i = paths->len > LIST_MAX ? paths->len - LIST_MAX : 0; i < paths->len; i++) {
        g_string_append_printf(text, "%s\n", (const char *)paths->pdata[i]);
    }
    folder = dp_store_folder(root, FOLDER, error);
    return folder >= 0 && dp_file_replace(folder, NAME, text->str, text->len, 0644, error);
}

static char *
read_file(int root_fd, const char *path, size_t *ret_len)
{
    return dp_file_read(root_fd, path, DP_VMX_MAX_BYTES, ret_len, NULL);
}

/* In the child: bytes, which are none, where nothing is at @path. */
static char *
look_gone(int root_fd, const char *path, size_t *ret_len)
{
    dp_autofd int fd = dp_file_open(root_fd, path, O_PATH);

    *ret_len = 0;
    return fd == -ENOENT || fd == -ENOTDIR ? g_strdup("") : NULL;
}

static void
take_gone(void *data,
          const char *path G_GNUC_UNUSED,
          const char *bytes G_GNUC_UNUSED,
          size_t len G_GNUC_UNUSED)
{
    *(bool *)data = true;
}

bool
dp_known_gone(DpRoot *root, const char *path)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new();
    bool gone = false;

    g_ptr_array_add(paths, (gpointer)path);
    dp_apart_read(root->fd, paths, READ_TIMEOUT_MS, look_gone, take_gone, &gone);
    return gone;
}

static void
known_free(gpointer data)
{
    DpKnownVm *vm = data;

    g_free(vm->path);
    dp_vmx_free(vm->vmx);
    g_free(vm);
}

static void
take(void *data, const char *path, const char *bytes, size_t len)
{
    GPtrArray *vms = data;
    DpVmx *vmx = dp_vmx_parse(path, bytes, len, NULL, NULL);
    DpKnownVm *vm;

    if (vmx != NULL) {
        vm = g_new0(DpKnownVm, 1);
        vm->path = g_strdup(path);
        vm->vmx = vmx;
        g_ptr_array_add(vms, vm);
    }
}

static int
compare_paths(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

GPtrArray *
dp_known_read(DpRoot *root, const GPtrArray *paths)
{
    GPtrArray *vms = g_ptr_array_new_with_free_func(known_free);

    if (paths->len > 0) {
        dp_apart_read(root->fd, paths, READ_TIMEOUT_MS, read_file, take, vms);
    }
    return vms;
}

GPtrArray *
dp_known_vms(DpRoot *root, const GPtrArray *runs)
{
    g_autoptr(GPtrArray) paths = read_list(root);

    for (guint i = 0; runs != NULL && i < runs->len; i++) {
        add_once(paths, ((const DpRun *)runs->pdata[i])->vmx_path);
    }
    g_ptr_array_sort(paths, compare_paths);
    return dp_known_read(root, paths);
}

static bool
id_fits(const DpKnownVm *vm, const char *prefix, const char *name, uint16_t id)
{
    g_autofree char *key = g_strdup_printf("%s.%s", prefix, name);
    const char *value = dp_vmx_get(vm->vmx, key);
    uint16_t wanted;

    return value == NULL || !dp_resolve_id16(value, &wanted) || wanted == id;
}

static bool
entry_names(const DpKnownVm *vm, const char *prefix, const DpAddr *addr, const DpCard *card)
{
    g_autofree char *present_key = g_strdup_printf("%s.present", prefix);
    g_autofree char *id_key = g_strdup_printf("%s.id", prefix);
    const char *value = dp_vmx_get(vm->vmx, id_key);
    bool present = false;
    DpVmxId id;

    if (!dp_vmx_get_bool(vm->vmx, present_key, &present, NULL) || !present || value == NULL ||
        !dp_addr_parse_vmx_id(value, &id)) {
        return false;
    }
    if (!(id.decimal_valid && dp_addr_compare(&id.decimal, addr) == 0) &&
        !(id.hex_valid && dp_addr_compare(&id.hex, addr) == 0)) {
        return false;
    }
    return card == NULL || !card->ids_known ||
           (id_fits(vm, prefix, "vendorId", card->vendor) &&
            id_fits(vm, prefix, "deviceId", card->device));
}

int
dp_known_names(const DpKnownVm *vm, const DpAddr *addr, const DpCard *card)
{
    for (int i = 0; i < N_PASSTHRU; i++) {
        char prefix[24];

        (void)g_snprintf(prefix, sizeof prefix, "pciPassthru%d", i);
        if (entry_names(vm, prefix, addr, card)) {
            return i;
        }
    }
    return -1;
}
