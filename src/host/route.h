/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which interfaces the kernel's main routing tables send a packet out of. Rules and tables beside
 * the main one are not shown in /proc/net and not looked at.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* IPv4 as the last four of sixteen bytes, ::ffff:a.b.c.d (RFC 4291, 2.5.5.2). */
typedef struct {
    uint8_t bytes[16];
} DpIp;

/* "10.0.0.5", "fe80::1", "[fe80::1]", "fe80::1%eth0"; a name of a host is none. */
bool dp_ip_parse(const char *text, DpIp *ret_ip);
/* The caller frees the string. */
char *dp_ip_format(const DpIp *ip);
/* 127.0.0.0/8, ::1, 0.0.0.0 and ::, which lead nowhere. */
bool dp_ip_is_local(const DpIp *ip);
/* "0F02000A" or 32 digits as proc/net/tcp and proc/net/tcp6 write addresses: words of 32 bits in
 * the order of a little-endian machine. */
bool dp_ip_from_words(const char *hex, DpIp *ret_ip);

/* "0a:00:00:05" or sixteen of them, as sysfs writes the ends of a tunnel. */
bool dp_ip_from_bytes(const char *text, DpIp *ret_ip);

typedef struct {
    DpIp to;
    unsigned bits; /* length of the prefix, 0 to 128; 96 and more for IPv4 */
    uint64_t metric;
    char *net; /* name of the interface */
} DpRoute;

/* DpRoute; lines that are none, that reject, or that lead to the host itself are left out. */
GPtrArray *dp_routes_new(void);
/* Adds those of proc/net/route, and of proc/net/ipv6_route. */
void dp_routes_add_4(GPtrArray *routes, const char *text);
void dp_routes_add_6(GPtrArray *routes, const char *text);
/* True for 0.0.0.0/0 and ::/0. */
bool dp_route_is_default(const DpRoute *route);
/* Names of the interfaces of the best route: the longest prefix, then the smallest metric; several
 * if they are equal. Added to @names (a GPtrArray of owned strings), each once. */
void dp_routes_find(const GPtrArray *routes, const DpIp *ip, GPtrArray *names);
