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

    g_autoptr(GArray) extents = g_array_new(FALSE, FALSE, sizeof(DpVmdkExtent));

    if (!dp_vmdk_parse_extents((const char *)data, MIN(size, DP_VMDK_HEAD), &vmdk, extents, &id,
                               &why)) {
        if (why == NULL || dp_diag_row((int)id) == NULL) {
            __builtin_trap();
        }
    } else if (vmdk.kind == DP_VMDK_FLAT && (vmdk.extent[0] == '\0' || vmdk.extent[0] == '.' ||
                                             strchr(vmdk.extent, '/') != NULL || vmdk.size == 0)) {
        __builtin_trap();
    } else if (vmdk.kind == DP_VMDK_SPLIT) {
        for (guint i = 0; i < extents->len; i++) {
            const char *name = g_array_index(extents, DpVmdkExtent, i).name;

            if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL) {
                __builtin_trap();
            }
        }
    }
    return 0;
}
