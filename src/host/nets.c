/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/file.h"
#include "route.h"
#include "scan.h"

#include <string.h>

#define CLASS "sys/class/net"

static void
net_free(gpointer data)
{
    DpNet *net = data;

    g_free(net->name);
    g_strfreev(net->functions);
    g_strfreev(net->below);
    g_free(net);
}

static DpNet *
find_net(const DpHost *host, const char *name)
{
    for (guint i = 0; i < host->nets->len; i++) {
        DpNet *net = host->nets->pdata[i];

        if (strcmp(net->name, name) == 0) {
            return net;
        }
    }
    return NULL;
}

static void
add_below(DpNet *net, const char *name)
{
    guint n = g_strv_length(net->below);

    if (!g_strv_contains((const char *const *)net->below, name)) {
        net->below = g_renew(char *, net->below, n + 2);
        net->below[n] = g_strdup(name);
        net->below[n + 1] = NULL;
    }
}

static void
read_lower(DpRoot *root, DpNet *net)
{
    g_autofree char *folder = g_strdup_printf(CLASS "/%s", net->name);
    g_autoptr(GPtrArray) entries = dp_file_list(root->fd, folder, NULL);

    for (guint i = 0; entries != NULL && i < entries->len; i++) {
        const char *entry = entries->pdata[i];

        if (g_str_has_prefix(entry, "lower_")) {
            g_autofree char *name = dp_scan_visible(g_strdup(entry + strlen("lower_")));

            add_below(net, name);
        }
    }
}

static void
read_net(DpRoot *root, DpHost *host, const char *name)
{
    g_autofree char *folder = g_strdup_printf(CLASS "/%s", name);
    g_autofree char *device = g_strdup_printf(CLASS "/%s/device", name);
    g_autofree char *link = dp_file_read_link(root->fd, folder);
    g_autofree char *target = link != NULL ? NULL : dp_file_read_link(root->fd, device);
    DpNet *net;

    if (!dp_scan_exists(root->fd, folder)) {
        return;
    }
    net = g_new0(DpNet, 1);
    net->name = dp_scan_visible(g_strdup(name));
    net->functions = dp_scan_path_functions(host, link != NULL     ? link
                                                  : target != NULL ? target
                                                                   : "");
    net->below = g_new0(char *, 1);
    read_lower(root, net);
    g_ptr_array_add(host->nets, net);
}

/* A port names its bridge or bond; old kernels and some drivers have only that side. */
static void
read_master(DpRoot *root, DpHost *host, DpNet *port)
{
    g_autofree char *path = g_strdup_printf(CLASS "/%s/master", port->name);
    g_autofree char *name = dp_scan_visible(dp_scan_link_name(root->fd, path));
    DpNet *master = name == NULL ? NULL : find_net(host, name);

    if (master != NULL && master != port) {
        add_below(master, port->name);
    }
}

static void
mark_defaults(DpHost *host, const GPtrArray *routes)
{
    for (guint i = 0; i < routes->len; i++) {
        const DpRoute *route = routes->pdata[i];
        DpNet *net = dp_route_is_default(route) ? find_net(host, route->net) : NULL;

        if (net != NULL) {
            net->default_route = true;
        }
    }
}

/* linux/netdevice.h: NET_ADDR_PERM */
#define ADDR_PERMANENT "0"

/* The address that the card was made with. One that somebody set, or a random one, says nothing
 * about the card; a port of a bond shows the bond's, and keeps its own elsewhere. */
static char *
permanent_address(DpRoot *root, const char *name)
{
    g_autofree char *own = g_strdup_printf(CLASS "/%s/bonding_slave/perm_hwaddr", name);
    g_autofree char *shown = g_strdup_printf(CLASS "/%s/address", name);
    g_autofree char *kind_path = g_strdup_printf(CLASS "/%s/addr_assign_type", name);
    g_autofree char *kind = dp_file_read_line(root->fd, kind_path, NULL);
    g_autofree char *mac = dp_file_read_line(root->fd, own, NULL);

    if (mac == NULL && g_strcmp0(kind, ADDR_PERMANENT) == 0) {
        mac = dp_file_read_line(root->fd, shown, NULL);
    }
    if (mac == NULL || mac[0] == '\0' || strspn(mac, "00:") == strlen(mac)) {
        return NULL;
    }
    return dp_scan_visible(g_steal_pointer(&mac));
}

static void
name_function(DpRoot *root, DpHost *host, const DpNet *net)
{
    for (char **name = net->functions; *name != NULL; name++) {
        DpFunction *fn = dp_host_find_name(host, *name);

        if (!fn->is_bridge) {
            dp_host_name_add(fn, net->name);
            fn->mac = fn->mac != NULL ? fn->mac : permanent_address(root, net->name);
            return;
        }
    }
}

void
dp_scan_nets(DpRoot *root, DpHost *host, const GPtrArray *routes)
{
    g_autoptr(GPtrArray) names = dp_file_list(root->fd, CLASS, NULL);

    g_ptr_array_set_free_func(host->nets, net_free);
    for (guint i = 0; names != NULL && i < names->len; i++) {
        read_net(root, host, names->pdata[i]);
    }
    for (guint i = 0; i < host->nets->len; i++) {
        read_master(root, host, host->nets->pdata[i]);
        name_function(root, host, host->nets->pdata[i]);
    }
    mark_defaults(host, routes);
}
