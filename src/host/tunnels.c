/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which interface the packets of a tunnel leave by. Where it was bound to one, sysfs says so: as a
 * link lower_* (VXLAN) or as `iflink` (kernel: ABI/testing/sysfs-class-net). Where it was not, a
 * tunnel between two addresses has the other end's in `broadcast` (net/ipv4/ip_tunnel.c), and the
 * routes tell the rest. The peers of WireGuard and what a program does with its tun are in no file.
 */
#include "base/file.h"
#include "route.h"
#include "scan.h"

#include <net/if_arp.h>
#include <string.h>

static const struct {
    const char *type;    /* sysfs `type`, linux/if_arp.h */
    const char *devtype; /* in `uevent`, where the type is that of others too */
    const char *name;    /* for people */
} kinds[] = {
    {"768", NULL, "IP in IP"}, /* ARPHRD_TUNNEL */
    {"769", NULL, "IPv6"},     /* ARPHRD_TUNNEL6 */
    {"776", NULL, "SIT"},      /* ARPHRD_SIT */
    {"778", NULL, "GRE"},      /* ARPHRD_IPGRE */
    {"823", NULL, "GRE"},      /* ARPHRD_IP6GRE */
    {"1", "DEVTYPE=vxlan", "VXLAN"},
    {"1", "DEVTYPE=geneve", "Geneve"},
    {"65534", "DEVTYPE=wireguard", "WireGuard"}, /* ARPHRD_NONE */
};

static char *
read_attr(DpRoot *root, const DpNet *net, const char *attr)
{
    g_autofree char *path = g_strdup_printf("sys/class/net/%s/%s", net->name, attr);

    return dp_file_read_line(root->fd, path, NULL);
}

static const char *
kind_of(DpRoot *root, const DpNet *net)
{
    g_autofree char *type = read_attr(root, net, "type");
    g_autofree char *uevent = read_attr(root, net, "uevent");
    g_auto(GStrv) lines = g_strsplit(uevent == NULL ? "" : uevent, "\n", -1);

    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (g_strcmp0(type, kinds[i].type) == 0 &&
            (kinds[i].devtype == NULL ||
             g_strv_contains((const char *const *)lines, kinds[i].devtype))) {
            return kinds[i].name;
        }
    }
    return NULL;
}

/* The interface that it was bound to: an index beside its own. */
static void
add_linked(DpRoot *root, const DpHost *host, DpNet *tunnel)
{
    g_autofree char *linked = read_attr(root, tunnel, "iflink");

    if (linked == NULL || strcmp(linked, "0") == 0) {
        return;
    }
    for (guint i = 0; i < host->nets->len; i++) {
        DpNet *net = host->nets->pdata[i];
        g_autofree char *index = read_attr(root, net, "ifindex");

        if (net != tunnel && g_strcmp0(index, linked) == 0) {
            dp_net_add_below(tunnel, net->name);
        }
    }
}

static void
add_routed(DpRoot *root, const GPtrArray *routes, DpNet *tunnel)
{
    g_autofree char *text = read_attr(root, tunnel, "broadcast");
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    DpIp ip;

    if (text == NULL || !dp_ip_from_bytes(text, &ip) || dp_ip_is_local(&ip)) {
        return;
    }
    dp_routes_find(routes, &ip, names);
    for (guint i = 0; i < names->len; i++) {
        if (strcmp(names->pdata[i], tunnel->name) != 0) {
            dp_net_add_below(tunnel, names->pdata[i]);
        }
    }
}

void
dp_scan_tunnels(DpRoot *root, DpHost *host, const GPtrArray *routes)
{
    for (guint i = 0; i < host->nets->len; i++) {
        DpNet *net = host->nets->pdata[i];

        net->tunnel = net->functions[0] != NULL ? NULL : kind_of(root, net);
        if (net->tunnel != NULL && net->below[0] == NULL) {
            add_linked(root, host, net);
        }
        if (net->tunnel != NULL && net->below[0] == NULL) {
            add_routed(root, routes, net);
        }
    }
}
