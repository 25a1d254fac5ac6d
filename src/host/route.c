/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "route.h"

#include "scan.h"

#include <arpa/inet.h>
#include <string.h>

/* linux/route.h */
#define ROUTE_UP     0x0001u
#define ROUTE_REJECT 0x0200u

#define V4_BITS 96u

static const uint8_t v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static void
put_v4(const uint8_t bytes[4], DpIp *ip)
{
    memcpy(ip->bytes, v4_prefix, sizeof v4_prefix);
    memcpy(ip->bytes + sizeof v4_prefix, bytes, 4);
}

static bool
is_v4(const DpIp *ip)
{
    return memcmp(ip->bytes, v4_prefix, sizeof v4_prefix) == 0;
}

bool
dp_ip_parse(const char *text, DpIp *ret_ip)
{
    char plain[INET6_ADDRSTRLEN] = "";
    size_t skip = *text == '[', len = strcspn(text + skip, "]%");
    struct in_addr v4;
    struct in6_addr v6;

    if (len >= sizeof plain) {
        return false;
    }
    memcpy(plain, text + skip, len);
    if (inet_pton(AF_INET, plain, &v4) == 1) {
        put_v4((const uint8_t *)&v4, ret_ip);
        return true;
    }
    if (inet_pton(AF_INET6, plain, &v6) == 1) {
        memcpy(ret_ip->bytes, &v6, sizeof ret_ip->bytes);
        return true;
    }
    return false;
}

char *
dp_ip_format(const DpIp *ip)
{
    char text[INET6_ADDRSTRLEN] = "";

    (void)inet_ntop(is_v4(ip) ? AF_INET : AF_INET6, ip->bytes + (is_v4(ip) ? sizeof v4_prefix : 0),
                    text, sizeof text);
    return g_strdup(text);
}

bool
dp_ip_is_local(const DpIp *ip)
{
    static const uint8_t zero[15];

    if (is_v4(ip)) {
        return ip->bytes[12] == 127 || memcmp(ip->bytes + 12, zero, 4) == 0;
    }
    return memcmp(ip->bytes, zero, sizeof zero) == 0 && ip->bytes[15] <= 1;
}

static int
digit_pair(const char *hex)
{
    int high = g_ascii_xdigit_value(hex[0]);
    int low = high < 0 ? -1 : g_ascii_xdigit_value(hex[1]);

    return low < 0 ? -1 : high << 4 | low;
}

/* @n bytes of hexadecimal and nothing else. */
static bool
read_hex(const char *hex, uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int value = digit_pair(hex + 2 * i);

        if (value < 0) {
            return false;
        }
        bytes[i] = (uint8_t)value;
    }
    return hex[2 * n] == '\0';
}

bool
dp_ip_from_words(const char *hex, DpIp *ret_ip)
{
    uint8_t bytes[16], swapped[16];
    size_t n = strlen(hex) / 2;

    if ((n != 4 && n != 16) || !read_hex(hex, bytes, n)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        swapped[i] = bytes[(i & ~(size_t)3) | (3 - (i & 3))];
    }
    if (n == 4) {
        put_v4(swapped, ret_ip);
    } else {
        memcpy(ret_ip->bytes, swapped, sizeof swapped);
    }
    return true;
}

bool
dp_ip_from_bytes(const char *text, DpIp *ret_ip)
{
    uint8_t bytes[16];
    size_t n = (strlen(text) + 1) / 3;

    if (n != 4 && n != 16) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        int value = digit_pair(text + 3 * i);

        if (value < 0 || text[3 * i + 2] != (i + 1 < n ? ':' : '\0')) {
            return false;
        }
        bytes[i] = (uint8_t)value;
    }
    if (n == 4) {
        put_v4(bytes, ret_ip);
    } else {
        memcpy(ret_ip->bytes, bytes, sizeof bytes);
    }
    return true;
}

static void
route_free(gpointer data)
{
    DpRoute *route = data;

    g_free(route->net);
    g_free(route);
}

GPtrArray *
dp_routes_new(void)
{
    return g_ptr_array_new_with_free_func(route_free);
}

static void
add_route(GPtrArray *routes, const DpIp *to, unsigned bits, uint64_t metric, const char *net)
{
    DpRoute *route = g_new0(DpRoute, 1);

    route->to = *to;
    route->bits = bits;
    route->metric = metric;
    route->net = dp_scan_visible(g_strdup(net));
    g_ptr_array_add(routes, route);
}

static bool
is_usable(const char *flags, const char *net)
{
    return (g_ascii_strtoull(flags, NULL, 16) & (ROUTE_UP | ROUTE_REJECT)) == ROUTE_UP &&
           strcmp(net, "lo") != 0;
}

/* Interface, destination, gateway, flags, references, use, metric (decimal), mask. */
static void
add_line_4(GPtrArray *routes, char **words, guint n)
{
    DpIp to, mask;
    unsigned bits = V4_BITS;

    if (n < 8 || strlen(words[1]) != 8 || strlen(words[7]) != 8 ||
        !dp_ip_from_words(words[1], &to) || !dp_ip_from_words(words[7], &mask) ||
        !is_usable(words[3], words[0])) {
        return;
    }
    for (size_t i = sizeof v4_prefix; i < sizeof mask.bytes; i++) {
        bits += (unsigned)__builtin_popcount(mask.bytes[i]);
    }
    add_route(routes, &to, bits, g_ascii_strtoull(words[6], NULL, 10), words[0]);
}

/* Destination, length, source, length, next hop, metric, references, use, flags, interface; all
 * numbers in hexadecimal. */
static void
add_line_6(GPtrArray *routes, char **words, guint n)
{
    uint8_t bits;
    DpIp to;

    if (n < 10 || !read_hex(words[0], to.bytes, sizeof to.bytes) || !read_hex(words[1], &bits, 1) ||
        bits > 128 || !is_usable(words[8], words[9])) {
        return;
    }
    add_route(routes, &to, bits, g_ascii_strtoull(words[5], NULL, 16), words[9]);
}

static void
add_lines(GPtrArray *routes,
          const char *text,
          void (*add)(GPtrArray *routes, char **words, guint n))
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (char **line = lines; *line != NULL; line++) {
        g_auto(GStrv) words = dp_scan_words(*line);

        add(routes, words, g_strv_length(words));
    }
}

void
dp_routes_add_4(GPtrArray *routes, const char *text)
{
    add_lines(routes, text, add_line_4);
}

void
dp_routes_add_6(GPtrArray *routes, const char *text)
{
    add_lines(routes, text, add_line_6);
}

bool
dp_route_is_default(const DpRoute *route)
{
    static const DpIp any;

    return route->bits == 0 ? memcmp(&route->to, &any, sizeof any) == 0
                            : route->bits == V4_BITS && is_v4(&route->to) &&
                                  memcmp(route->to.bytes + sizeof v4_prefix, any.bytes, 4) == 0;
}

static bool
matches(const DpRoute *route, const DpIp *ip)
{
    size_t whole = route->bits / 8;
    unsigned rest = route->bits % 8;

    return is_v4(&route->to) == is_v4(ip) && memcmp(route->to.bytes, ip->bytes, whole) == 0 &&
           (rest == 0 || (route->to.bytes[whole] ^ ip->bytes[whole]) >> (8 - rest) == 0);
}

static bool
is_better(const DpRoute *route, const DpRoute *best)
{
    return best == NULL || route->bits > best->bits ||
           (route->bits == best->bits && route->metric < best->metric);
}

void
dp_routes_find(const GPtrArray *routes, const DpIp *ip, GPtrArray *names)
{
    const DpRoute *best = NULL;

    for (guint i = 0; i < routes->len; i++) {
        const DpRoute *route = routes->pdata[i];

        if (matches(route, ip) && is_better(route, best)) {
            best = route;
        }
    }
    for (guint i = 0; best != NULL && i < routes->len; i++) {
        const DpRoute *route = routes->pdata[i];

        if (matches(route, ip) && route->bits == best->bits && route->metric == best->metric &&
            !g_ptr_array_find_with_equal_func(names, route->net, g_str_equal, NULL)) {
            g_ptr_array_add(names, g_strdup(route->net));
        }
    }
}
