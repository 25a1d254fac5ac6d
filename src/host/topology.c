/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/file.h"
#include "base/text.h"
#include "scan.h"

#include <string.h>

/* PCI has 256 buses a domain, and real trees are less than ten bridges deep; a chain longer than
 * this is a loop. */
#define DEPTH_MAX 64

GPtrArray *
dp_path_functions(const char *path)
{
    GPtrArray *addresses = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);
    DpAddr addr;

    for (char **part = parts; *part != NULL; part++) {
        if (dp_addr_parse_sysfs(*part, &addr)) {
            g_ptr_array_add(addresses, g_strdup(*part));
        }
    }
    return addresses;
}

static bool
is_below(const DpFunction *fn, const DpFunction *other)
{
    unsigned depth = 0;

    for (; fn != NULL && depth < DEPTH_MAX; fn = fn->parent, depth++) {
        if (fn == other) {
            return true;
        }
    }
    return depth == DEPTH_MAX;
}

/* No input makes the tree a loop. */
static void
set_parent(DpFunction *fn, DpFunction *parent)
{
    if (is_below(parent, fn)) {
        dp_diags_add(fn->diags, DP_DIAG_TOPOLOGY_STRANGE, fn->name,
                     "%s: it is said to lie below %s, which lies below it or too deep", fn->name,
                     parent->name);
        return;
    }
    fn->parent = parent;
}

/* The bridge is the component right above; "pci10000:e0" there is a root bus (VMD, a host bridge of
 * its own). */
static DpFunction *
linked_parent(DpHost *host, DpFunction *fn, char **parts, guint last)
{
    DpAddr addr;

    if (last == 0 || !dp_addr_parse_sysfs(parts[last - 1], &addr)) {
        return NULL;
    }
    for (guint i = last; i > 0 && dp_addr_parse_sysfs(parts[i - 1], &addr); i--) {
        DpFunction *parent = dp_host_find(host, &addr);

        if (parent != NULL) {
            return parent;
        }
        dp_diags_add(fn->diags, DP_DIAG_TOPOLOGY_STRANGE, fn->name,
                     "%s: the bridge %s above it is not in " DP_PCI_DEVICES, fn->name,
                     parts[i - 1]);
    }
    return NULL;
}

static void
place_by_link(DpHost *host, DpFunction *fn)
{
    g_auto(GStrv) parts = g_strsplit(fn->place, "/", -1);
    guint n = g_strv_length(parts);
    DpFunction *parent;

    if (n == 0 || strcmp(parts[n - 1], fn->name) != 0) {
        g_autofree char *shown = dp_text_visible(fn->place, -1);

        dp_diags_add(fn->diags, DP_DIAG_TOPOLOGY_STRANGE, fn->name, "%s: its link leads to '%s'",
                     fn->name, shown);
        return;
    }
    parent = linked_parent(host, fn, parts, n - 1);
    if (parent != NULL) {
        set_parent(fn, parent);
    }
}

void
dp_topology_from_links(DpHost *host)
{
    for (guint i = 0; i < host->functions->len; i++) {
        DpFunction *fn = host->functions->pdata[i];

        if (fn->place != NULL) {
            place_by_link(host, fn);
        }
    }
}

/* The innermost bridge whose buses hold that of @fn. */
static DpFunction *
bridge_of_bus(DpHost *host, const DpFunction *fn)
{
    DpFunction *best = NULL;

    for (guint i = 0; i < host->functions->len; i++) {
        DpFunction *bridge = host->functions->pdata[i];

        if (bridge->addr.domain == fn->addr.domain && bridge->secondary > bridge->addr.bus &&
            bridge->secondary <= fn->addr.bus && fn->addr.bus <= bridge->subordinate &&
            (best == NULL || bridge->secondary > best->secondary)) {
            best = bridge;
        }
    }
    return best;
}

/* A copy of the tree may hold folders where sysfs has links; the bridges still tell. */
static void
place_by_buses(DpHost *host)
{
    for (guint i = 0; i < host->functions->len; i++) {
        DpFunction *fn = host->functions->pdata[i];
        DpFunction *bridge =
            fn->parent != NULL || fn->place != NULL ? NULL : bridge_of_bus(host, fn);

        if (bridge != NULL) {
            set_parent(fn, bridge);
        }
    }
}

/* A bridge whose header was not read has at least the buses of what lies below it. */
static void
guess_buses(DpFunction *bridge)
{
    if (!bridge->is_bridge || bridge->secondary >= 0) {
        return;
    }
    for (guint i = 0; i < bridge->children->len; i++) {
        const DpFunction *child = bridge->children->pdata[i];
        int last = MAX((int)child->addr.bus, child->subordinate);

        if (bridge->secondary < 0 || child->addr.bus < bridge->secondary) {
            bridge->secondary = child->addr.bus;
        }
        bridge->subordinate = MAX(bridge->subordinate, last);
    }
}

static void
find_physfn(DpHost *host, DpFunction *fn)
{
    if (fn->physfn_name == NULL) {
        return;
    }
    fn->physfn = dp_host_find_name(host, fn->physfn_name);
    if (fn->physfn == NULL || fn->physfn == fn) {
        g_autofree char *shown = dp_text_visible(fn->physfn_name, -1);

        fn->physfn = NULL;
        dp_diags_add(fn->diags, DP_DIAG_TOPOLOGY_STRANGE, fn->name,
                     "%s: its physical function is said to be '%s'", fn->name, shown);
    }
}

char *
dp_function_path(const DpFunction *fn)
{
    GString *path = g_string_new(NULL);
    unsigned depth = 0;

    for (; fn->parent != NULL && depth < DEPTH_MAX; fn = fn->parent, depth++) {
        g_autofree char *part = g_strdup_printf("/%02x.%x", fn->addr.device, fn->addr.function);

        g_string_prepend(path, part);
    }
    g_string_prepend(path, fn->name);
    return g_string_free(path, false);
}

void
dp_topology_finish(DpHost *host)
{
    place_by_buses(host);
    for (guint i = 0; i < host->functions->len; i++) {
        DpFunction *fn = host->functions->pdata[i];

        find_physfn(host, fn);
        if (fn->parent != NULL) {
            g_ptr_array_add(fn->parent->children, fn);
        }
    }
    /* Bridges come before what lies below them, nearly always: from the end, inner ones first. */
    for (guint i = host->functions->len; i > 0; i--) {
        guess_buses(host->functions->pdata[i - 1]);
    }
}
