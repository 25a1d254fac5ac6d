/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of registered VMs (etc/directpath/vms.json) of any bytes. */
#include "vm/registry.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
    if (!holds) {
        __builtin_trap();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *why = NULL;
    g_autoptr(DpRegistry) registry = dp_registry_parse((const char *)data, size, &why);
    g_autoptr(GPtrArray) ordered = NULL;
    int before = 1;

    must((registry == NULL) == (why != NULL));
    if (registry == NULL) {
        return 0;
    }
    for (guint i = 0; i < registry->vms->len; i++) {
        const DpRegistered *vm = registry->vms->pdata[i];

        must(vm->vmx[0] == '/' && vm->name != NULL && dp_registry_find(registry, vm->vmx) == vm);
        must(vm->timeout_s >= 0 && vm->timeout_s <= DP_STOP_TIMEOUT_MAX_S);
    }
    ordered = dp_registry_in_order(registry);
    for (guint i = 0; i < ordered->len; i++) {
        const DpRegistered *vm = ordered->pdata[i];

        must(vm->order >= before && vm->order <= DP_ORDER_MAX);
        before = vm->order;
    }
    return 0;
}
