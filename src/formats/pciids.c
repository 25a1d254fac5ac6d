/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pciids.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* From somewhere in a line of the list to that line's end. */
typedef struct {
    const char *at;
    size_t len;
} Rest;

/* An entry at the margin. */
typedef struct {
    unsigned id;
    Rest name;
} Entry;

struct DpPciIds {
    GBytes *bytes;
    const char *end;
    GArray *vendors, *classes; /* Entry, by id */
};

static Rest
line_at(const char *at, const char *end)
{
    const char *newline = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;

    return (Rest){at, (size_t)((newline != NULL ? newline : end) - at)};
}

/* Where the line behind @rest begins. */
static const char *
next_line(Rest rest, const char *end)
{
    return rest.at + rest.len < end ? rest.at + rest.len + 1 : end;
}

/* Takes a number and the two spaces behind it. */
static bool
take_id(Rest *rest, size_t digits, unsigned *ret_id)
{
    const char *at = rest->at;
    unsigned id = 0;

    if (rest->len < digits + 2) {
        return false;
    }
    for (size_t i = 0; i < digits; i++, at++) {
        if (!g_ascii_isxdigit(*at)) {
            return false;
        }
        id = id << 4 | (unsigned)g_ascii_xdigit_value(*at);
    }
    *rest = (Rest){at + 2, rest->len - digits - 2};
    *ret_id = id;
    return at[0] == ' ' && at[1] == ' ';
}

static bool
take_char(Rest *rest, char c)
{
    bool there = rest->len > 0 && *rest->at == c;

    rest->at += there;
    rest->len -= there;
    return there;
}

/* Stable, so that the first of two stays the first. */
static int
compare_entries(gconstpointer a, gconstpointer b, gpointer unused G_GNUC_UNUSED)
{
    const Entry *x = a, *y = b;

    return (x->id > y->id) - (x->id < y->id);
}

static void
add_entry(DpPciIds *ids, Rest line)
{
    Entry vendor = {.name = line}, class = {.name = line};

    if (take_id(&vendor.name, 4, &vendor.id)) {
        g_array_append_val(ids->vendors, vendor);
    } else if (take_char(&class.name, 'C') && take_char(&class.name, ' ') &&
               take_id(&class.name, 2, &class.id)) {
        g_array_append_val(ids->classes, class);
    }
}

DpPciIds *
dp_pci_ids_new(GBytes *bytes)
{
    DpPciIds *ids = g_new0(DpPciIds, 1);
    gsize size;
    const char *at;

    ids->bytes = bytes != NULL ? g_bytes_ref(bytes) : g_bytes_new_static("", 0);
    ids->vendors = g_array_new(false, false, sizeof(Entry));
    ids->classes = g_array_new(false, false, sizeof(Entry));
    at = g_bytes_get_data(ids->bytes, &size);
    ids->end = size > 0 ? at + size : at; /* empty bytes are nowhere */
    while (at < ids->end) {
        Rest line = line_at(at, ids->end);

        if (*at != '\t') {
            add_entry(ids, line);
        }
        at = next_line(line, ids->end);
    }
    g_array_sort_with_data(ids->vendors, compare_entries, NULL);
    g_array_sort_with_data(ids->classes, compare_entries, NULL);
    return ids;
}

void
dp_pci_ids_free(DpPciIds *ids)
{
    if (ids == NULL) {
        return;
    }
    g_array_unref(ids->vendors);
    g_array_unref(ids->classes);
    g_bytes_unref(ids->bytes);
    g_free(ids);
}

/* The first entry of that number, or NULL. */
static const Entry *
find_entry(const GArray *entries, unsigned id)
{
    guint low = 0, high = entries->len;

    while (low < high) {
        guint middle = low + (high - low) / 2;

        if (g_array_index(entries, Entry, middle).id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < entries->len && g_array_index(entries, Entry, low).id == id
               ? &g_array_index(entries, Entry, low)
               : NULL;
}

static char *
name_text(Rest name)
{
    return g_strstrip(g_strndup(name.at, name.len));
}

static char *
entry_name(const Entry *entry)
{
    return entry == NULL ? NULL : name_text(entry->name);
}

/* The name one tab below @entry, up to the next entry at the margin. */
static char *
name_below(const DpPciIds *ids, const Entry *entry, size_t digits, unsigned id)
{
    Rest line = entry == NULL ? (Rest){ids->end, 0} : entry->name;
    const char *at = next_line(line, ids->end);

    for (; at < ids->end && strchr("\t#\n", *at) != NULL; at = next_line(line, ids->end)) {
        Rest rest = line = line_at(at, ids->end);
        unsigned found;

        if (take_char(&rest, '\t') && take_id(&rest, digits, &found) && found == id) {
            return name_text(rest);
        }
    }
    return NULL;
}

char *
dp_pci_ids_vendor(const DpPciIds *ids, unsigned vendor)
{
    return entry_name(find_entry(ids->vendors, vendor));
}

char *
dp_pci_ids_device(const DpPciIds *ids, unsigned vendor, unsigned device)
{
    return name_below(ids, find_entry(ids->vendors, vendor), 4, device);
}

char *
dp_pci_ids_class(const DpPciIds *ids, unsigned code)
{
    return entry_name(find_entry(ids->classes, code >> 8));
}

char *
dp_pci_ids_subclass(const DpPciIds *ids, unsigned code)
{
    return name_below(ids, find_entry(ids->classes, code >> 8), 2, code & 0xff);
}
