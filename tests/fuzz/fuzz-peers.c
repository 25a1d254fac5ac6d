/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes, sockets, logins, crash targets, lines of fstab and options of mounts out of any bytes: no
 * crash, and what comes out is well formed. The first byte chooses the parser. */
#include "host/awaited.h"
#include "host/crash.h"
#include "host/logins.h"
#include "host/scan.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_ip(const DpIp *ip)
{
    g_autofree char *text = dp_ip_format(ip);
    DpIp again;

    g_assert_true(dp_ip_parse(text, &again));
    g_assert_cmpmem(again.bytes, sizeof again.bytes, ip->bytes, sizeof ip->bytes);
}

static void
check_routes(const char *text)
{
    g_autoptr(GPtrArray) routes = dp_routes_new();
    DpIp end;

    if (dp_ip_from_bytes(text, &end)) {
        check_ip(&end);
    }
    dp_routes_add_4(routes, text);
    dp_routes_add_6(routes, text);
    for (guint i = 0; i < routes->len; i++) {
        const DpRoute *route = routes->pdata[i];
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

        g_assert_cmpuint(route->bits, <=, 128);
        check_ip(&route->to);
        dp_routes_find(routes, &route->to, names);
        (void)dp_route_is_default(route);
    }
}

static void
check_mount(const char *text)
{
    g_autoptr(GPtrArray) routes = dp_routes_new();
    g_auto(GStrv) words = g_strsplit(text, "\n", 2);
    bool both = words[0] != NULL && words[1] != NULL;
    DpPeer *peer = dp_peer_of_mount(routes, words[0] == NULL ? "" : words[0], both ? words[1] : "");
    DpIp ip;

    g_assert_true(peer == NULL || (dp_ip_parse(peer->address, &ip) && !dp_ip_is_local(&ip)));
    dp_peer_free(peer);
}

static void
check_logins(const char *text)
{
    g_autoptr(GArray) ports = g_array_new(false, false, sizeof(int));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    DpIp local, remote;

    g_free(dp_login_of_session(text));
    dp_login_ports(text, ports);
    for (guint i = 0; i < ports->len; i++) {
        g_assert_cmpint(g_array_index(ports, int, i), >, 0);
        g_assert_cmpint(g_array_index(ports, int, i), <=, 65535);
    }
    for (char **line = lines; *line != NULL; line++) {
        if (dp_login_of_connection(*line, ports, &local, &remote)) {
            check_ip(&local);
            check_ip(&remote);
        }
    }
}

static void
check_crash(const char *text)
{
    DpCrashConfig config = {NULL, NULL, NULL};

    dp_crash_read_kdump_conf(text, &config);
    dp_crash_read_kdump_tools(text, &config);
    g_assert_true(config.folder == NULL || *config.folder != '\0');
    dp_crash_config_clear(&config);
}

/* A line of fstab, then udev's record of a device. */
static void
check_awaited(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(DpFstabLine) line = lines[0] == NULL ? NULL : dp_fstab_parse(lines[0]);

    if (line != NULL) {
        g_assert_true(*line->source != '\0' && *line->fstype != '\0');
        (void)dp_udev_is_source(lines + 1, line->source);
    }
    (void)dp_udev_is_esp(lines);
}

static void
check_utmp(const uint8_t *data, size_t size)
{
    g_autofree uint8_t *bytes = g_memdup2(data, size);
    g_autoptr(GArray) ips = g_array_new(false, false, sizeof(DpIp));

    dp_logins_of_utmp(bytes, size, ips);
    for (guint i = 0; i < ips->len; i++) {
        check_ip(&g_array_index(ips, DpIp, i));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const checks[])(const char *text) = {check_routes, check_mount, check_logins,
                                                       check_crash};
    g_autofree char *text = NULL;

    if (size == 0) {
        return 0;
    }
    if (data[0] == 'u') {
        check_utmp(data + 1, size - 1);
        return 0;
    }
    text = g_strndup((const char *)data + 1, size - 1);
    if (data[0] == 'f') {
        check_awaited(text);
        return 0;
    }
    (void)dp_seat_is_keyboard(text, text);
    checks[data[0] % G_N_ELEMENTS(checks)](text);
    return 0;
}
