/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From where administrators are logged in. Not from this process's environment, which sudo empties:
 * what counts is everybody's session, whoever runs the command. Three sources, since none is always
 * there: sessions of systemd-logind, records of utmp, and connections to the port of sshd.
 */
#include "logins.h"

#include "base/file.h"
#include "scan.h"

#include <string.h>
#include <utmp.h>

#define SESSIONS    "run/systemd/sessions"
#define UTMP        "run/utmp"
#define SSHD_CONFIG "etc/ssh/sshd_config"
#define UTMP_MAX    (1u << 20)

#define SSH_PORT        22
#define TCP_ESTABLISHED 0x01

typedef struct {
    DpHost *host;
    const GPtrArray *routes;
} Logins;

static bool
is_known(const DpHost *host, const char *address)
{
    for (guint i = 0; i < host->logins->len; i++) {
        const DpPeer *login = host->logins->pdata[i];

        if (strcmp(login->address, address) == 0) {
            return true;
        }
    }
    return false;
}

static void
add_login(const Logins *logins, const char *address)
{
    DpPeer *peer = dp_peer_new(logins->routes, address);

    if (peer != NULL && !is_known(logins->host, peer->address)) {
        g_ptr_array_add(logins->host->logins, peer);
    } else {
        dp_peer_free(peer);
    }
}

char *
dp_login_of_session(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (char **line = lines; *line != NULL; line++) {
        if (g_str_has_prefix(*line, "REMOTE_HOST=")) {
            return g_strdup(*line + strlen("REMOTE_HOST="));
        }
    }
    return NULL;
}

/* Beside "4" lies "4.ref", a pipe. */
static void
add_sessions(DpRoot *root, const Logins *logins)
{
    g_autoptr(GPtrArray) names = dp_file_list(root->fd, SESSIONS, NULL);

    for (guint i = 0; names != NULL && i < names->len; i++) {
        g_autofree char *path = g_strdup_printf(SESSIONS "/%s", (char *)names->pdata[i]);
        g_autofree char *text = strchr(names->pdata[i], '.') != NULL
                                    ? NULL
                                    : dp_file_read(root->fd, path, DP_FILE_MAX, NULL, NULL);
        g_autofree char *address = text == NULL ? NULL : dp_login_of_session(text);

        if (address != NULL) {
            add_login(logins, address);
        }
    }
}

/* IPv4 addresses are in the first word alone. */
static bool
address_of_record(const struct utmp *record, DpIp *ret_ip)
{
    static const int32_t zero[3];
    char words[9];

    if (record->ut_type != USER_PROCESS || record->ut_addr_v6[0] == 0) {
        return false;
    }
    if (memcmp(record->ut_addr_v6 + 1, zero, sizeof zero) == 0) {
        (void)g_snprintf(words, sizeof words, "%08X",
                         GUINT32_FROM_LE((guint32)record->ut_addr_v6[0]));
        return dp_ip_from_words(words, ret_ip);
    }
    memcpy(ret_ip->bytes, record->ut_addr_v6, sizeof ret_ip->bytes);
    return true;
}

void
dp_logins_of_utmp(const void *bytes, size_t len, GArray *ips)
{
    struct utmp record;
    DpIp ip;

    for (size_t at = 0; len - at >= sizeof record; at += sizeof record) {
        memcpy(&record, (const char *)bytes + at, sizeof record);
        if (address_of_record(&record, &ip)) {
            g_array_append_val(ips, ip);
        }
    }
}

static void
add_records(DpRoot *root, const Logins *logins)
{
    size_t len = 0;
    g_autofree char *bytes = dp_file_read(root->fd, UTMP, UTMP_MAX, &len, NULL);
    g_autoptr(GArray) ips = g_array_new(false, false, sizeof(DpIp));

    if (bytes != NULL) {
        dp_logins_of_utmp(bytes, len, ips);
    }
    for (guint i = 0; i < ips->len; i++) {
        g_autofree char *address = dp_ip_format(&g_array_index(ips, DpIp, i));

        add_login(logins, address);
    }
}

void
dp_login_ports(const char *text, GArray *ports)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (char **line = lines; *line != NULL; line++) {
        g_auto(GStrv) words = dp_scan_words(*line);
        bool listen = words[0] != NULL && g_ascii_strcasecmp(words[0], "ListenAddress") == 0;
        const char *value = words[0] != NULL && words[1] != NULL ? words[1] : "";
        const char *colon = listen ? strrchr(value, ':') : NULL;
        int64_t number;
        int port;

        if (listen) {
            value = colon == NULL ? "" : colon + 1;
        } else if (words[0] == NULL || g_ascii_strcasecmp(words[0], "Port") != 0) {
            continue;
        }
        if (dp_scan_number(value, 1, 65535, &number)) {
            port = (int)number;
            g_array_append_val(ports, port);
        }
    }
}

static void
read_ports(DpRoot *root, const char *path, GArray *ports)
{
    g_autofree char *text = dp_file_read(root->fd, path, DP_FILE_MAX, NULL, NULL);

    if (text != NULL) {
        dp_login_ports(text, ports);
    }
}

/* The port that everybody expects, and those that sshd's configuration names. */
static GArray *
ssh_ports(DpRoot *root)
{
    GArray *ports = g_array_new(false, false, sizeof(int));
    g_autoptr(GPtrArray) names = dp_file_list(root->fd, SSHD_CONFIG ".d", NULL);
    int usual = SSH_PORT;

    g_array_append_val(ports, usual);
    read_ports(root, SSHD_CONFIG, ports);
    for (guint i = 0; names != NULL && i < names->len; i++) {
        g_autofree char *path = g_strdup_printf(SSHD_CONFIG ".d/%s", (char *)names->pdata[i]);

        read_ports(root, path, ports);
    }
    return ports;
}

/* "0F02000A:0016" */
static bool
parse_end(const char *word, DpIp *ret_ip, int *ret_port)
{
    const char *colon = strchr(word, ':');
    g_autofree char *address = colon == NULL ? NULL : g_strndup(word, (gsize)(colon - word));

    if (address == NULL || !dp_ip_from_words(address, ret_ip)) {
        return false;
    }
    *ret_port = (int)(g_ascii_strtoull(colon + 1, NULL, 16) & 0xffff);
    return true;
}

bool
dp_login_of_connection(const char *line, const GArray *ports, DpIp *ret_local, DpIp *ret_remote)
{
    g_auto(GStrv) words = dp_scan_words(line);
    int local, remote;

    if (g_strv_length(words) < 4 || g_ascii_strtoull(words[3], NULL, 16) != TCP_ESTABLISHED ||
        !parse_end(words[1], ret_local, &local) || !parse_end(words[2], ret_remote, &remote)) {
        return false;
    }
    for (guint i = 0; i < ports->len; i++) {
        if (g_array_index(ports, int, i) == local) {
            return true;
        }
    }
    return false;
}

/* What comes in over the interface of the local address goes out by the route: both are needed. */
static void
add_connection(const Logins *logins, const DpIp *local, const DpIp *remote)
{
    g_autofree char *address = dp_ip_format(remote);
    g_autoptr(GPtrArray) nets = g_ptr_array_new();
    DpPeer *peer;

    if (dp_ip_is_local(remote) || is_known(logins->host, address)) {
        return;
    }
    dp_routes_find(logins->routes, remote, nets);
    dp_routes_find(logins->routes, local, nets);
    g_ptr_array_add(nets, NULL);
    peer = g_new0(DpPeer, 1);
    peer->address = g_steal_pointer(&address);
    peer->nets = (char **)g_ptr_array_steal(nets, NULL);
    g_ptr_array_add(logins->host->logins, peer);
}

static void
add_connections(DpRoot *root, const Logins *logins)
{
    static const char *const tables[] = {"proc/net/tcp", "proc/net/tcp6"};
    g_autoptr(GArray) ports = ssh_ports(root);
    DpIp local, remote;

    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
        g_autofree char *text = dp_file_read(root->fd, tables[i], DP_FILE_MAX, NULL, NULL);
        g_auto(GStrv) lines = text == NULL ? NULL : g_strsplit(text, "\n", -1);

        for (char **line = lines; line != NULL && *line != NULL; line++) {
            if (dp_login_of_connection(*line, ports, &local, &remote)) {
                add_connection(logins, &local, &remote);
            }
        }
    }
}

void
dp_scan_logins(DpRoot *root, DpHost *host, const GPtrArray *routes)
{
    const Logins logins = {host, routes};

    add_connections(root, &logins);
    add_sessions(root, &logins);
    add_records(root, &logins);
}
