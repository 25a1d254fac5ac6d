/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any string as an address: what is read can be written and read again in every notation. */
#include "formats/address.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
    if (!holds) {
        __builtin_trap();
    }
}

static void
check_addr(const DpAddr *addr)
{
    char buf[DP_ADDR_LEN];
    DpAddr back;
    DpVmxId id;

    must(addr->device < 32 && addr->function < 8);
    must(dp_addr_parse_sysfs(dp_addr_format(addr, buf), &back));
    must(dp_addr_compare(addr, &back) == 0);
    must(dp_addr_parse(dp_addr_format(addr, buf), &back, NULL));
    must(dp_addr_compare(addr, &back) == 0);
    must(dp_addr_parse(dp_addr_format_vmx(addr, buf), &back, NULL));
    must(dp_addr_compare(addr, &back) == 0);
    must(dp_addr_parse_vmx_id(buf, &id) && id.form == DP_VMX_ID_DECIMAL && id.decimal_valid);
    must(dp_addr_compare(addr, &id.decimal) == 0);
    (void)dp_addr_format_esx(addr, buf);
    must(dp_addr_parse_esxconf(buf, strlen(buf), &back) && dp_addr_compare(addr, &back) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(GError) error = NULL;
    DpSlot slot;
    DpAddr addr;
    DpVmxId id;

    if (dp_addr_parse_sysfs(text, &addr)) {
        check_addr(&addr);
        must(dp_addr_parse(text, &addr, NULL));
    }
    if (dp_addr_parse(text, &addr, &error)) {
        check_addr(&addr);
    } else {
        must(error != NULL && g_utf8_validate(error->message, -1, NULL));
    }
    if (dp_addr_parse_esxconf((const char *)data, size, &addr)) {
        check_addr(&addr);
    }
    if (dp_addr_parse_vmx_id(text, &id)) {
        must(id.decimal_valid || id.hex_valid);
        if (id.decimal_valid) {
            check_addr(&id.decimal);
        }
        if (id.hex_valid) {
            check_addr(&id.hex);
        }
    }
    if (dp_slot_decode(atoi(text), &slot)) {
        must(dp_slot_encode(&slot) == atoi(text));
    }
    return 0;
}
