/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pciids.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Where an entry at the margin begins. */
typedef struct {
    unsigned id;
    const char *line;
} Entry;

struct DpPciIds {
    char *text;
    GArray *vendors, *classes; /* Entry, by id */
};

/* The number and the two spaces at @line; NULL, or where the name begins. */
static const char *
take_id(const char *line, size_t digits, unsigned *ret_id)
{
    *ret_id = 0;
    for (size_t i = 0; i < digits; i++, line++) {
        if (!g_ascii_isxdigit(*line)) {
            return NULL;
        }
        *ret_id = *ret_id << 4 | (unsigned)g_ascii_xdigit_value(*line);
    }
    return line[0] == ' ' && line[1] == ' ' ? line + 2 : NULL;
}

static const char *
next_line(const char *line)
{
    const char *end = strchr(line, '\n');

    return end != NULL ? end + 1 : line + strlen(line);
}

/* Stable, so that the first of two stays the first. */
static int
compare_entries(gconstpointer a, gconstpointer b, gpointer unused G_GNUC_UNUSED)
{
    const Entry *x = a, *y = b;

    return (x->id > y->id) - (x->id < y->id);
}

static void
add_entry(DpPciIds *ids, const char *line)
{
    Entry entry = {.line = line};

    if (take_id(line, 4, &entry.id) != NULL) {
        g_array_append_val(ids->vendors, entry);
    } else if (line[0] == 'C' && line[1] == ' ' && take_id(line + 2, 2, &entry.id) != NULL) {
        g_array_append_val(ids->classes, entry);
    }
}

DpPciIds *
dp_pci_ids_new(char *text)
{
    DpPciIds *ids = g_new0(DpPciIds, 1);

    ids->text = text != NULL ? text : g_strdup("");
    ids->vendors = g_array_new(false, false, sizeof(Entry));
    ids->classes = g_array_new(false, false, sizeof(Entry));
    for (const char *line = ids->text; *line != '\0'; line = next_line(line)) {
        if (*line != '\t') {
            add_entry(ids, line);
        }
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
    g_free(ids->text);
    g_free(ids);
}

/* The first entry of that number, or NULL. */
static const char *
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
               ? g_array_index(entries, Entry, low).line
               : NULL;
}

/* The entry one tab below @line, up to the next one at the margin. */
static const char *
find_below(const char *line, size_t digits, unsigned id)
{
    unsigned found;

    if (line == NULL) {
        return NULL;
    }
    for (line = next_line(line); *line == '\t' || *line == '#' || *line == '\n';
         line = next_line(line)) {
        if (*line == '\t' && take_id(line + 1, digits, &found) != NULL && found == id) {
            return line + 1;
        }
    }
    return NULL;
}

/* What stands behind the number at @line. */
static char *
name_at(const char *line, size_t digits)
{
    unsigned id;
    const char *name = line == NULL ? NULL : take_id(line, digits, &id);

    return name == NULL ? NULL : g_strstrip(g_strndup(name, strcspn(name, "\n")));
}

char *
dp_pci_ids_vendor(const DpPciIds *ids, unsigned vendor)
{
    return name_at(find_entry(ids->vendors, vendor), 4);
}

char *
dp_pci_ids_device(const DpPciIds *ids, unsigned vendor, unsigned device)
{
    return name_at(find_below(find_entry(ids->vendors, vendor), 4, device), 4);
}

char *
dp_pci_ids_class(const DpPciIds *ids, unsigned code)
{
    const char *line = find_entry(ids->classes, code >> 8);

    return line == NULL ? NULL : name_at(line + 2, 2);
}

char *
dp_pci_ids_subclass(const DpPciIds *ids, unsigned code)
{
    return name_at(find_below(find_entry(ids->classes, code >> 8), 2, code & 0xff), 2);
}
