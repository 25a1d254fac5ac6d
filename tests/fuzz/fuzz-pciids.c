/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of names: any bytes; what is found was written in it, in one line. */
#include "formats/pciids.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Of each input: each costs five walks through it. */
#define POSITIONS_MAX 256u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(char *name, const char *text, bool whole)
{
    /* A NUL ends the copy, not the list. */
    if (name != NULL && (strchr(name, '\n') != NULL || (whole && strstr(text, name) == NULL))) {
        abort();
    }
    g_free(name);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GBytes) bytes = g_bytes_new(data, size);
    g_autofree char *copy = g_strndup((const char *)data, size);
    bool whole = strlen(copy) == size;
    g_autoptr(DpPciIds) ids = dp_pci_ids_new(bytes);

    /* Numbers out of the bytes themselves, so that some are in the list. */
    for (size_t i = 0; i + 4 <= strlen(copy) && i < POSITIONS_MAX; i++) {
        g_autofree char *digits = g_strndup(copy + i, 4);
        unsigned id = (unsigned)strtoul(digits, NULL, 16) & 0xffff;

        check(dp_pci_ids_vendor(ids, id), copy, whole);
        check(dp_pci_ids_device(ids, id, id), copy, whole);
        check(dp_pci_ids_device(ids, 0x8086, id), copy, whole);
        check(dp_pci_ids_class(ids, id), copy, whole);
        check(dp_pci_ids_subclass(ids, id), copy, whole);
    }
    return 0;
}
