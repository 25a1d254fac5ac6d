/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host.h"

#include "base/each.h"
#include "base/file.h"
#include "base/text.h"
#include "scan.h"

#include <fcntl.h>
#include <string.h>

static DpHost *
host_new(void)
{
    DpHost *host = g_new0(DpHost, 1);

    host->functions = g_ptr_array_new_with_free_func((GDestroyNotify)dp_function_free);
    host->mounts = g_ptr_array_new();
    host->awaited = g_ptr_array_new();
    host->blocks = g_ptr_array_new();
    host->nets = g_ptr_array_new();
    host->swap_files = g_ptr_array_new_with_free_func(g_free);
    host->logins = g_ptr_array_new_with_free_func(dp_peer_free);
    host->keyboards = g_ptr_array_new();
    host->consoles = g_ptr_array_new();
    host->group_ids = g_array_new(false, false, sizeof(int));
    host->framebuffers = g_array_new(false, false, sizeof(DpFramebuffer));
    host->diags = dp_diags_new();
    return host;
}

DpHost *
dp_host_unseen(void)
{
    return host_new();
}

void
dp_host_free(DpHost *host)
{
    if (host == NULL) {
        return;
    }
    g_free(host->platform.cpu_vendor);
    g_free(host->platform.lockdown);
    g_free(host->platform.kernel);
    g_free(host->platform.cmdline);
    g_ptr_array_unref(host->functions);
    g_ptr_array_unref(host->mounts);
    g_ptr_array_unref(host->awaited);
    g_ptr_array_unref(host->blocks);
    g_ptr_array_unref(host->nets);
    g_ptr_array_unref(host->swap_files);
    g_ptr_array_unref(host->logins);
    g_ptr_array_unref(host->keyboards);
    g_ptr_array_unref(host->consoles);
    g_free(host->crash.folder);
    g_free(host->crash.device);
    dp_peer_free(host->crash.peer);
    g_array_unref(host->group_ids);
    g_array_unref(host->framebuffers);
    g_ptr_array_unref(host->diags);
    g_free(host);
}

static int
compare_functions(gconstpointer a, gconstpointer b)
{
    const DpFunction *x = *(DpFunction *const *)a, *y = *(DpFunction *const *)b;

    return dp_addr_compare(&x->addr, &y->addr);
}

DpFunction *
dp_host_find(const DpHost *host, const DpAddr *addr)
{
    G_STATIC_ASSERT(offsetof(DpFunction, addr) == 0);
    return dp_addr_search(host->functions, addr);
}

DpFunction *
dp_host_find_name(const DpHost *host, const char *name)
{
    DpAddr addr;
    DpFunction *fn = dp_addr_parse_sysfs(name, &addr) ? dp_host_find(host, &addr) : NULL;

    return fn != NULL && strcmp(fn->name, name) == 0 ? fn : NULL;
}

GPtrArray *
dp_host_group(const DpHost *host, int group)
{
    GPtrArray *members = g_ptr_array_new();

    for (guint i = 0; group >= 0 && i < host->functions->len; i++) {
        DpFunction *fn = host->functions->pdata[i];

        if (fn->iommu_group == group) {
            g_ptr_array_add(members, fn);
        }
    }
    return members;
}

/* The kernel writes each address in one way only; another spelling is not a function. */
static void
add_function(DpHost *host, const char *name)
{
    DpAddr addr;
    char canonical[DP_ADDR_LEN];

    if (dp_addr_parse_sysfs(name, &addr) && strcmp(dp_addr_format(&addr, canonical), name) == 0) {
        g_ptr_array_add(host->functions, dp_function_new(&addr));
    } else {
        g_autofree char *shown = dp_text_visible(name, -1);

        dp_diags_add(host->diags, DP_DIAG_NOT_A_FUNCTION, "host",
                     DP_PCI_DEVICES " holds '%s', which is no address", shown);
    }
}

static bool
list_functions(DpRoot *root, DpHost *host, GError **error)
{
    int err = 0;
    g_autoptr(GPtrArray) names = dp_file_list(root->fd, DP_PCI_DEVICES, &err);

    if (names == NULL) {
        return dp_fail_errno(error, err, "cannot list " DP_PCI_DEVICES " beneath %s", root->path);
    }
    for (guint i = 0; i < names->len; i++) {
        add_function(host, names->pdata[i]);
    }
    g_ptr_array_sort(host->functions, compare_functions);
    return true;
}

static bool
is_locked(const DpRoot *root, const DpFunction *fn)
{
    return root->locked != NULL && g_strv_contains(root->locked, fn->name);
}

/* Said once for the host, not once a function. */
static void
report_limits(DpHost *host, const DpSlowTable *slow)
{
    unsigned limited = 0;

    for (size_t i = 0; i < slow->n; i++) {
        int len = slow->slots[i].config_len;

        limited += len >= (int)DP_CONFIG_USER && len < (int)DP_CONFIG_STANDARD;
    }
    if (limited > 0) {
        dp_diags_add(host->diags, DP_DIAG_CONFIG_LIMITED, "host",
                     "only the first bytes of the configuration space of %u functions may be read",
                     limited);
    }
}

/* One pass over the functions. */
typedef struct {
    DpRoot *root;
    int devices_fd;
    DpHost *host;
    DpSlowTable *slow;
} Pass;

static void
read_function(size_t i, void *data)
{
    const Pass *pass = data;
    DpSlow *slow = &pass->slow->slots[i];

    if (!dp_function_read(pass->root, pass->devices_fd, pass->host->functions->pdata[i],
                          pass->root->live ? NULL : slow)) {
        slow->state = DP_SLOW_SKIP;
    }
}

static void
read_functions(DpRoot *root, DpHost *host, DpSlowTable *slow)
{
    dp_autofd int fd = dp_file_open(root->fd, DP_PCI_DEVICES, O_PATH | O_DIRECTORY);
    Pass pass = {root, fd, host, slow};

    dp_each(host->functions->len, read_function, &pass);
}

/* Reads what may block, of every function that has a folder. What a captured host knows of a
 * sleeping function is left alone, so that it is told as the live host told it. */
static void
read_slow(DpRoot *root, DpHost *host, DpSlowTable *table)
{
    guint n = host->functions->len;
    g_autofree const char **names = g_new0(const char *, n + 1);

    for (guint i = 0; i < n; i++) {
        DpFunction *fn = host->functions->pdata[i];
        DpSlow *slow = &table->slots[i];

        names[i] = fn->name;
        slow->want_config = !dp_function_sleeps(fn);
        slow->want_numvfs = fn->sriov_pf != DP_TRI_NO;
        slow->locked = is_locked(root, fn);
        slow->config_len = slow->want_config ? slow->config_len : 0;
    }
    table->blocked_ms = root->blocked_ms;
    if (root->live) {
        dp_slow_table_read(table, root->fd, names, dp_slow_read_one);
    }
}

static void
take_slow(size_t i, void *data)
{
    const Pass *pass = data;

    dp_function_take_slow(pass->host->functions->pdata[i], &pass->slow->slots[i]);
}

static DpHost *
scan_functions(DpRoot *root, DpSlowTable **ret_slow, GError **error)
{
    g_autoptr(DpHost) host = host_new();
    g_autoptr(DpSlowTable) slow = NULL;

    if (!list_functions(root, host, error)) {
        return NULL;
    }
    slow = dp_slow_table_new(host->functions->len, root->live);
    if (slow == NULL) {
        dp_fail(error, DP_ERROR_IO, "no memory for %u functions", host->functions->len);
        return NULL;
    }
    read_functions(root, host, slow);
    dp_topology_from_links(host);
    read_slow(root, host, slow);
    dp_each(host->functions->len, take_slow, &(Pass){.host = host, .slow = slow});
    dp_topology_finish(host);
    report_limits(host, slow);
    *ret_slow = g_steal_pointer(&slow);
    return g_steal_pointer(&host);
}

DpHost *
dp_scan_with_slow(DpRoot *root, DpSlowTable **ret_slow, GError **error)
{
    DpHost *host = scan_functions(root, ret_slow, error);
    g_autoptr(GPtrArray) routes = NULL;

    if (host == NULL) {
        return NULL;
    }
    routes = dp_scan_routes(root, host);
    dp_scan_groups(root, host);
    dp_scan_platform(root, host);
    dp_scan_firmware(root, host);
    dp_scan_framebuffers(root, host);
    dp_scan_blocks(root, host, routes);
    dp_scan_mounts(root, host, routes);
    dp_scan_awaited(root, host);
    dp_scan_nets(root, host, routes);
    dp_scan_logins(root, host, routes);
    dp_scan_seats(root, host);
    dp_scan_crash(root, host, routes);
    return host;
}

DpHost *
dp_host_scan(DpRoot *root, GError **error)
{
    g_autoptr(DpSlowTable) slow = NULL;

    return dp_scan_with_slow(root, &slow, error);
}
