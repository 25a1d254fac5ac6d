/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/file.h"
#include "route.h"
#include "scan.h"

#include <fcntl.h>
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

void
dp_net_add_below(DpNet *net, const char *name)
{
    guint n = g_strv_length(net->below);

    if (!g_strv_contains((const char *const *)net->below, name)) {
        net->below = g_renew(char *, net->below, n + 2);
        net->below[n] = g_strdup(name);
        net->below[n + 1] = NULL;
    }
}

static void
read_lower(int folder, DpNet *net)
{
    g_autoptr(GPtrArray) entries = dp_file_list(folder, ".", NULL);

    for (guint i = 0; entries != NULL && i < entries->len; i++) {
        const char *entry = entries->pdata[i];

        if (g_str_has_prefix(entry, "lower_")) {
            g_autofree char *name = dp_scan_visible(g_strdup(entry + strlen("lower_")));

            dp_net_add_below(net, name);
        }
    }
}

/* The folder of one interface; bonding_masters, a file, is none. */
static int
open_net(DpRoot *root, const char *name)
{
    g_autofree char *path = g_strdup_printf(CLASS "/%s", name);

    return dp_file_open(root->fd, path, O_RDONLY | O_DIRECTORY);
}

static void
read_net(DpRoot *root, int class_fd, DpHost *host, const char *name)
{
    dp_autofd int folder = open_net(root, name);
    g_autofree char *link = dp_file_read_link(class_fd, name);
    g_autofree char *target = link != NULL ? NULL : dp_file_read_link(folder, "device");
    DpNet *net;

    if (folder < 0) {
        return;
    }
    net = g_new0(DpNet, 1);
    net->name = dp_scan_visible(g_strdup(name));
    net->functions = dp_scan_path_functions(host, link != NULL     ? link
                                                  : target != NULL ? target
                                                                   : "");
    net->below = g_new0(char *, 1);
    read_lower(folder, net);
    g_ptr_array_add(host->nets, net);
}

/* A port names its bridge or bond; old kernels and some drivers have only that side. */
static void
read_master(int folder, DpHost *host, DpNet *port)
{
    g_autofree char *name = dp_scan_visible(dp_scan_link_name(folder, "master"));
    DpNet *master = name == NULL ? NULL : find_net(host, name);

    if (master != NULL && master != port) {
        dp_net_add_below(master, port->name);
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
permanent_address(int folder)
{
    g_autofree char *kind = dp_file_read_line(folder, "addr_assign_type", NULL);
    g_autofree char *mac = dp_file_read_line(folder, "bonding_slave/perm_hwaddr", NULL);

    if (mac == NULL && g_strcmp0(kind, ADDR_PERMANENT) == 0) {
        mac = dp_file_read_line(folder, "address", NULL);
    }
    if (mac == NULL || mac[0] == '\0' || strspn(mac, "00:") == strlen(mac)) {
        return NULL;
    }
    return dp_scan_visible(g_steal_pointer(&mac));
}

static void
name_function(int folder, DpHost *host, const DpNet *net)
{
    for (char **name = net->functions; *name != NULL; name++) {
        DpFunction *fn = dp_host_find_name(host, *name);

        if (!fn->is_bridge) {
            dp_host_name_add(fn, net->name);
            fn->mac = fn->mac != NULL ? fn->mac : permanent_address(folder);
            return;
        }
    }
}

void
dp_scan_nets(DpRoot *root, DpHost *host, const GPtrArray *routes)
{
    dp_autofd int class_fd = dp_file_open(root->fd, CLASS, O_RDONLY | O_DIRECTORY);
    g_autoptr(GPtrArray) names = dp_file_list(class_fd, ".", NULL);

    g_ptr_array_set_free_func(host->nets, net_free);
    for (guint i = 0; names != NULL && i < names->len; i++) {
        read_net(root, class_fd, host, names->pdata[i]);
    }
    for (guint i = 0; i < host->nets->len; i++) {
        DpNet *net = host->nets->pdata[i];
        dp_autofd int folder = open_net(root, net->name);

        read_master(folder, host, net);
        name_function(folder, host, net);
    }
    dp_scan_tunnels(root, host, routes);
    mark_defaults(host, routes);
}
