/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The head of a disk of any bytes: an extent that is believed is a plain name. */
#include "vm/vmdk.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *why = NULL;
    DpVmdk vmdk = {0};
    DpDiagId id = 0;

    if (!dp_vmdk_parse((const char *)data, MIN(size, DP_VMDK_HEAD), &vmdk, &id, &why)) {
        if (why == NULL || dp_diag_row((int)id) == NULL) {
            __builtin_trap();
        }
    } else if (vmdk.kind == DP_VMDK_FLAT && (vmdk.extent[0] == '\0' || vmdk.extent[0] == '.' ||
                                             strchr(vmdk.extent, '/') != NULL || vmdk.size == 0)) {
        __builtin_trap();
    }
    return 0;
}
