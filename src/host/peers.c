/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Other machines that the host needs, and the interfaces over which it reaches them. */
#include "base/file.h"
#include "route.h"
#include "scan.h"

#include <string.h>

#define CONNECTIONS "sys/class/iscsi_connection"

/* A cluster file system names all of its servers. */
#define MAX_SERVERS 64

GPtrArray *
dp_scan_routes(DpRoot *root, DpHost *host)
{
    static const struct {
        const char *path;
        void (*add)(GPtrArray *routes, const char *text);
    } tables[] = {{"proc/net/route", dp_routes_add_4}, {"proc/net/ipv6_route", dp_routes_add_6}};
    GPtrArray *routes = dp_routes_new();

    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
        g_auto(GStrv) lines = dp_scan_lines(root, host, tables[i].path);
        g_autofree char *text = lines == NULL ? NULL : g_strjoinv("\n", lines);

        if (text != NULL) {
            tables[i].add(routes, text);
        }
    }
    return routes;
}

void
dp_peer_free(gpointer data)
{
    DpPeer *peer = data;

    if (peer != NULL) {
        g_free(peer->address);
        g_strfreev(peer->nets);
        g_free(peer);
    }
}

static DpPeer *
peer_of(const GPtrArray *routes, const DpIp *ips, guint n)
{
    g_autoptr(GPtrArray) nets = g_ptr_array_new();
    DpPeer *peer;

    if (n == 0) {
        return NULL;
    }
    for (guint i = 0; i < n; i++) {
        dp_routes_find(routes, &ips[i], nets);
    }
    g_ptr_array_add(nets, NULL);
    peer = g_new0(DpPeer, 1);
    peer->address = dp_ip_format(&ips[0]);
    peer->nets = (char **)g_ptr_array_steal(nets, NULL);
    return peer;
}

DpPeer *
dp_peer_new(const GPtrArray *routes, const char *address)
{
    DpIp ip;

    return dp_ip_parse(address, &ip) && !dp_ip_is_local(&ip) ? peer_of(routes, &ip, 1) : NULL;
}

/* Without ":port" behind an IPv4 address or behind the bracket of an IPv6 one. */
static char *
without_port(const char *text)
{
    const char *colon = strrchr(text, ':');

    if (colon == NULL || (*text != '[' && strchr(text, ':') != colon)) {
        return g_strdup(text); /* an IPv6 address has more colons than one */
    }
    return *text == '[' && strchr(colon, ']') != NULL ? g_strdup(text)
                                                      : g_strndup(text, (gsize)(colon - text));
}

/* "10.0.0.5:6789,10.0.0.6": those that are addresses. */
static guint
parse_servers(const char *list, const char *separators, DpIp *ips, guint n)
{
    g_auto(GStrv) servers = g_strsplit_set(list, separators, MAX_SERVERS + 1);

    for (char **server = servers; *server != NULL && n < MAX_SERVERS; server++) {
        g_autofree char *address = without_port(*server);

        if (dp_ip_parse(address, &ips[n]) && !dp_ip_is_local(&ips[n])) {
            n++;
        }
    }
    return n;
}

/* nfs and cifs have "addr=", ceph "mon_addr=" with slashes in between. */
static guint
servers_of_options(const char *options, DpIp *ips)
{
    static const char *const keys[] = {"addr=", "mon_addr="};
    g_auto(GStrv) words = g_strsplit(options, ",", -1);
    guint n = 0;

    for (char **word = words; *word != NULL; word++) {
        for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
            if (g_str_has_prefix(*word, keys[i])) {
                n = parse_servers(*word + strlen(keys[i]), "/", ips, n);
            }
        }
    }
    return n;
}

/* "10.0.0.5:/srv", "//10.0.0.5/share", "me@10.0.0.5:/home", "[fe80::1]:/srv", "10.0.0.5" (9p over
 * TCP), "10.0.0.5:6789,10.0.0.6:6789:/" */
static guint
servers_of_source(const char *source, DpIp *ips)
{
    const char *at = strchr(source, '@');
    const char *start = at != NULL ? at + 1 : g_str_has_prefix(source, "//") ? source + 2 : source;
    g_autofree char *list = g_strndup(start, strcspn(start, "/"));
    size_t len = strlen(list);

    if (len > 0 && list[len - 1] == ':') {
        list[len - 1] = '\0';
    }
    return parse_servers(list, ",", ips, 0);
}

DpPeer *
dp_peer_of_mount(const GPtrArray *routes, const char *source, const char *options)
{
    DpIp ips[MAX_SERVERS];
    guint n = servers_of_options(options, ips);

    return peer_of(routes, ips, n > 0 ? n : servers_of_source(source, ips));
}

/* What the session connected to; where it was first sent to if that is not told. */
static DpPeer *
peer_of_connection(DpRoot *root, const GPtrArray *routes, const char *name)
{
    static const char *const files[] = {"address", "persistent_address"};
    DpPeer *peer = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(files) && peer == NULL; i++) {
        g_autofree char *path = g_strdup_printf(CONNECTIONS "/%s/%s", name, files[i]);
        g_autofree char *address = dp_file_read_line(root->fd, path, NULL);

        peer = address == NULL ? NULL : dp_peer_new(routes, address);
    }
    return peer;
}

/* ".../host3/session1/target3:0:0/3:0:0:0/block/sda": its connections are "connection1:0" and on.
 */
DpPeer *
dp_peer_of_session(DpRoot *root, const GPtrArray *routes, const char *link)
{
    const char *session = strstr(link, "/session");
    g_autofree char *prefix = NULL;
    g_autoptr(GPtrArray) names = NULL;
    DpPeer *peer = NULL;

    if (session == NULL) {
        return NULL;
    }
    session += strlen("/session");
    prefix = g_strdup_printf("connection%.*s:", (int)strspn(session, "0123456789"), session);
    names = dp_file_list(root->fd, CONNECTIONS, NULL);
    for (guint i = 0; names != NULL && i < names->len && peer == NULL; i++) {
        if (g_str_has_prefix(names->pdata[i], prefix)) {
            peer = peer_of_connection(root, routes, names->pdata[i]);
        }
    }
    return peer;
}

/* "traddr=10.0.0.5,trsvcid=4420,src_addr=10.0.0.2" */
DpPeer *
dp_peer_of_controller(DpRoot *root, const GPtrArray *routes, const char *path)
{
    g_autofree char *file = g_strdup_printf("%s/address", path);
    g_autofree char *text = dp_file_read_line(root->fd, file, NULL);
    g_auto(GStrv) words = text == NULL ? NULL : g_strsplit(text, ",", -1);

    for (char **word = words; word != NULL && *word != NULL; word++) {
        if (g_str_has_prefix(*word, "traddr=")) {
            return dp_peer_new(routes, *word + strlen("traddr="));
        }
    }
    return NULL;
}
