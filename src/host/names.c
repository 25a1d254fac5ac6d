/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words for numbers, as lspci writes them. */
#include "base/file.h"
#include "base/text.h"
#include "formats/pciids.h"
#include "host.h"

#include <fcntl.h>

/* Of this machine, not of a captured one; where Debian and where Fedora have it. */
static const char *const lists[] = {"usr/share/misc/pci.ids", "usr/share/hwdata/pci.ids"};

typedef enum { NAME_FUNCTION, NAME_VENDOR, NAME_DEVICE, NAME_CLASS } NameKind;

struct DpNames {
    GMutex mutex;      /* for both that follow */
    DpPciIds *ids;     /* NULL: not read yet */
    GHashTable *found; /* key of a question: the answer, since many functions have the same */
};

DpNames *
dp_names_new(void)
{
    DpNames *names = g_new0(DpNames, 1);

    g_mutex_init(&names->mutex);
    names->found = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    return names;
}

void
dp_names_free(DpNames *names)
{
    if (names == NULL) {
        return;
    }
    dp_pci_ids_free(names->ids);
    g_hash_table_unref(names->found);
    g_mutex_clear(&names->mutex);
    g_free(names);
}

/* Without a list every name is a number. */
static DpPciIds *
read_list(void)
{
    dp_autofd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    g_autoptr(GBytes) bytes = NULL;

    for (size_t i = 0; bytes == NULL && i < G_N_ELEMENTS(lists); i++) {
        bytes = dp_file_map(root, lists[i]);
    }
    return dp_pci_ids_new(bytes);
}

static char *
function_text(const DpPciIds *ids, unsigned vendor, unsigned device)
{
    g_autofree char *maker = dp_pci_ids_vendor(ids, vendor);
    g_autofree char *model = dp_pci_ids_device(ids, vendor, device);

    if (maker == NULL) {
        return g_strdup_printf("Device %04x:%04x", vendor, device);
    }
    return model != NULL ? g_strdup_printf("%s %s", maker, model)
                         : g_strdup_printf("%s Device %04x", maker, device);
}

static char *
vendor_text(const DpPciIds *ids, unsigned vendor, unsigned device G_GNUC_UNUSED)
{
    char *name = dp_pci_ids_vendor(ids, vendor);

    return name != NULL ? name : g_strdup_printf("Vendor %04x", vendor);
}

static char *
device_text(const DpPciIds *ids, unsigned vendor, unsigned device)
{
    char *name = dp_pci_ids_device(ids, vendor, device);

    return name != NULL ? name : g_strdup_printf("Device %04x", device);
}

static char *
class_text(const DpPciIds *ids, unsigned code, unsigned unused G_GNUC_UNUSED)
{
    char *subclass = dp_pci_ids_subclass(ids, code);
    g_autofree char *class = subclass != NULL ? NULL : dp_pci_ids_class(ids, code);

    if (subclass != NULL) {
        return subclass;
    }
    return class != NULL ? g_strdup_printf("%s [%04x]", class, code)
                         : g_strdup_printf("Class %04x", code);
}

static char *(*const texts[])(const DpPciIds *ids, unsigned first, unsigned second) = {
    [NAME_FUNCTION] = function_text,
    [NAME_VENDOR] = vendor_text,
    [NAME_DEVICE] = device_text,
    [NAME_CLASS] = class_text,
};

static char *
look_up(DpNames *names, NameKind kind, unsigned first, unsigned second)
{
    gint64 key = (gint64)kind << 32 | (gint64)first << 16 | second;
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&names->mutex);
    const char *found = g_hash_table_lookup(names->found, &key);

    if (found == NULL) {
        g_autofree char *text = NULL;

        names->ids = names->ids != NULL ? names->ids : read_list();
        text = texts[kind](names->ids, first, second);
        found = dp_text_visible(text, -1);
        g_hash_table_insert(names->found, g_memdup2(&key, sizeof key), (gpointer)found);
    }
    return g_strdup(found);
}

char *
dp_names_function(DpNames *names, const DpFunction *fn)
{
    return fn->ids_known == DP_TRI_NO ? g_strdup("unknown device")
                                      : look_up(names, NAME_FUNCTION, fn->vendor, fn->device);
}

char *
dp_names_vendor(DpNames *names, const DpFunction *fn)
{
    return fn->ids_known == DP_TRI_NO ? g_strdup("")
                                      : look_up(names, NAME_VENDOR, fn->vendor, fn->device);
}

char *
dp_names_device(DpNames *names, const DpFunction *fn)
{
    return fn->ids_known == DP_TRI_NO ? g_strdup("")
                                      : look_up(names, NAME_DEVICE, fn->vendor, fn->device);
}

char *
dp_names_class(DpNames *names, const DpFunction *fn)
{
    return look_up(names, NAME_CLASS, fn->class_code >> 8, 0);
}

char *
dp_names_ids(DpNames *names, uint16_t vendor, uint16_t device)
{
    g_autofree char *name = NULL;

    if (vendor == 0xffff) {
        return device == 0xffff ? g_strdup("any device")
                                : g_strdup_printf("device %04x of any vendor", device);
    }
    if (device != 0xffff) {
        return look_up(names, NAME_FUNCTION, vendor, device);
    }
    name = look_up(names, NAME_VENDOR, vendor, 0);
    return g_strdup_printf("%s, any device", name);
}
