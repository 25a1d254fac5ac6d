/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/text.h"
#include "host.h"

#include <pci/pci.h>
#include <setjmp.h>

/*
 * libpci for names only: it is never initialized, so it looks at no hardware. Flags never allow the
 * network (names of devices by DNS), nor the cache of such answers.
 */
#define LOOKUP         PCI_LOOKUP_NO_HWDB
#define NAME_MAX_BYTES 512

struct DpNames {
    struct pci_access *pci;
    GThread *loader;   /* reads the list; NULL once somebody waited for it */
    GMutex mutex;      /* libpci is used by one thread at a time, and so is what was found */
    GHashTable *found; /* key of a lookup: text */
};

/*
 * libpci's error callback gets no context and must not return: where it jumps to is kept here for
 * the length of one lookup.
 */
static _Thread_local jmp_buf *lookup_failed;

static void G_GNUC_PRINTF(1, 2) G_GNUC_NORETURN fail_lookup(char *message G_GNUC_UNUSED, ...)
{
    g_assert(lookup_failed != NULL);
    longjmp(*lookup_failed, 1);
}

static void G_GNUC_PRINTF(1, 2) stay_silent(char *message G_GNUC_UNUSED, ...)
{
}

typedef struct {
    struct pci_access *pci;
    int flags;
    int first, second;
    char buf[NAME_MAX_BYTES];
} Lookup;

/* NULL if libpci gave up; a list that is broken in the middle keeps what came before. */
static const char *
look_up_once(Lookup *lookup)
{
    jmp_buf here;

    lookup_failed = &here;
    if (setjmp(here) != 0) {
        return NULL;
    }
    return pci_lookup_name(lookup->pci, lookup->buf, NAME_MAX_BYTES, lookup->flags, lookup->first,
                           lookup->second);
}

static char *
look_up_now(DpNames *names, int flags, int first, int second)
{
    g_autofree Lookup *lookup = g_new0(Lookup, 1);
    const char *text;

    lookup->pci = names->pci;
    lookup->flags = flags | LOOKUP;
    lookup->first = first;
    lookup->second = second;
    text = look_up_once(lookup);
    if (text ==
        NULL) { /* the first lookup loads the list; the second finds it loaded or given up */
        text = look_up_once(lookup);
    }
    lookup_failed = NULL;
    return text == NULL ? NULL : dp_text_visible(text, -1);
}

/* The first lookup loads the list; that of vendor 0 is as good as any. */
static gpointer
load(gpointer data)
{
    DpNames *names = data;

    g_free(look_up_now(names, PCI_LOOKUP_VENDOR, 0, 0));
    return NULL;
}

DpNames *
dp_names_new(void)
{
    DpNames *names = g_new0(DpNames, 1);

    names->pci = pci_alloc();
    names->pci->error = fail_lookup;
    names->pci->warning = stay_silent;
    names->pci->debug = stay_silent;
    names->pci->id_lookup_mode = 0;
    g_mutex_init(&names->mutex);
    names->found = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    names->loader = g_thread_try_new("names", load, names, NULL);
    return names;
}

static void
wait_loaded(DpNames *names)
{
    if (names->loader != NULL) {
        (void)g_thread_join(g_steal_pointer(&names->loader));
    }
}

void
dp_names_free(DpNames *names)
{
    if (names == NULL) {
        return;
    }
    wait_loaded(names);
    pci_cleanup(names->pci);
    g_hash_table_unref(names->found);
    g_mutex_clear(&names->mutex);
    g_free(names);
}

/* Many functions of a host have the same names. */
static char *
look_up(DpNames *names, int flags, int first, int second)
{
    gint64 key = (gint64)flags << 32 | (gint64)first << 16 | second;
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&names->mutex);
    gpointer found;

    wait_loaded(names);
    if (!g_hash_table_lookup_extended(names->found, &key, NULL, &found)) {
        found = look_up_now(names, flags, first, second);
        g_hash_table_insert(names->found, g_memdup2(&key, sizeof key), found);
    }
    return g_strdup(found);
}

char *
dp_names_function(DpNames *names, const DpFunction *fn)
{
    char *text = fn->ids_known == DP_TRI_NO ? g_strdup("unknown device")
                                            : look_up(names, PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE,
                                                      fn->vendor, fn->device);

    return text != NULL ? text : g_strdup_printf("Vendor %04x Device %04x", fn->vendor, fn->device);
}

char *
dp_names_vendor(DpNames *names, const DpFunction *fn)
{
    char *text =
        fn->ids_known == DP_TRI_NO ? NULL : look_up(names, PCI_LOOKUP_VENDOR, fn->vendor, 0);

    return text != NULL ? text : g_strdup("");
}

char *
dp_names_device(DpNames *names, const DpFunction *fn)
{
    char *text = fn->ids_known == DP_TRI_NO
                     ? NULL
                     : look_up(names, PCI_LOOKUP_DEVICE, fn->vendor, fn->device);

    return text != NULL ? text : g_strdup("");
}

char *
dp_names_ids(DpNames *names, uint16_t vendor, uint16_t device)
{
    g_autofree char *name = NULL;

    if (vendor == 0xffff) {
        return device == 0xffff ? g_strdup("any device")
                                : g_strdup_printf("device %04x of any vendor", device);
    }
    name = device == 0xffff ? look_up(names, PCI_LOOKUP_VENDOR, vendor, 0)
                            : look_up(names, PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE, vendor, device);
    if (name == NULL) {
        name = device == 0xffff ? g_strdup_printf("Vendor %04x", vendor)
                                : g_strdup_printf("Vendor %04x Device %04x", vendor, device);
    }
    return device == 0xffff ? g_strdup_printf("%s, any device", name) : g_steal_pointer(&name);
}

char *
dp_names_class(DpNames *names, const DpFunction *fn)
{
    char *text = look_up(names, PCI_LOOKUP_CLASS, (int)(fn->class_code >> 8), 0);

    return text != NULL ? text : g_strdup_printf("Class %04x", fn->class_code >> 8);
}
