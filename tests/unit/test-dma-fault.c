/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of the kernel's log about refused DMA, in the words of its versions. */
#include "formats/dma-fault.h"

#include <string.h>

typedef struct {
    const char *text;
    const char *requester; /* NULL: no fault of a device that is named */
    bool any_domain;
    DpDmaAccess access;
    uint64_t address;
    int reason;
} Case;

static const Case cases[] = {
    {"DMAR: [DMA Write NO_PASID] Request device [00:15.0] fault addr 0x200000 [fault reason 0x05] "
     "PTE Write access is not set",
     "0000:00:15.0", true, DP_DMA_WRITE, 0x200000, 5},
    {"DMAR: [DMA Read PASID 0x12] Request device [ff:1f.7] fault addr 0xffffffffffffffff [fault "
     "reason 0x06] PTE Read access is not set",
     "0000:ff:1f.7", true, DP_DMA_READ, UINT64_MAX, 6},
    {"DMAR: [DMA Read NO_PASID] Request device [0x03:0x00.1] fault addr 0xfffc0000 [fault reason "
     "0x02] Present bit in context entry is clear",
     "0000:03:00.1", true, DP_DMA_READ, 0xfffc0000, 2},
    {"DMAR: [DMA Write] Request device [02:00.0] PASID ffffffff fault addr a0000000 [fault reason "
     "05] PTE Write access is not set",
     "0000:02:00.0", true, DP_DMA_WRITE, 0xa0000000, 5},
    {"DMAR:[DMA Read] Request device [02:00.0] fault addr fed1b000", "0000:02:00.0", true,
     DP_DMA_READ, 0xfed1b000, -1},
    {"AMD-Vi: Event logged [IO_PAGE_FAULT device=0000:0a:00.0 domain=0x001d address=0x637c000 "
     "flags=0x0020]",
     "0000:0a:00.0", false, DP_DMA_WRITE, 0x637c000, -1},
    {"AMD-Vi: Event logged [IO_PAGE_FAULT device=0a:00.0 domain=0x001d address=0x000000000637c000 "
     "flags=0x0000]",
     "0000:0a:00.0", true, DP_DMA_READ, 0x637c000, -1},
    {"vfio-pci 0001:04:10.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0037 address=0x7b657064 "
     "flags=0x0000]",
     "0001:04:10.0", false, DP_DMA_READ, 0x7b657064, -1},
    {"AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x000e address=0x0 flags=0x0000]", .reason = 0},
    {"DMAR: [INTR-REMAP] Request device [02:00.0] fault index 0x10 [fault reason 0x25] Blocked",
     .reason = 0},
    {"DMAR: DRHD: handling fault status reg 2", .reason = 0},
    {"DMAR: [DMA Write NO_PASID] Request device [02:20.0] fault addr 0x0", .reason = 0},
    {"DMAR: [DMA Write NO_PASID] Request device [02:00.8] fault addr 0x0", .reason = 0},
    {"usb 1-1: Product: DMAR: [DMA Write] Request device [02:00.0] fault addr 0", .reason = 0},
    {"usb 1-1: Product: x 02:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT address=0x0", .reason = 0},
    {"", .reason = 0},
};

static void
test_cases(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const Case *c = &cases[i];
        char name[DP_ADDR_LEN];
        DpDmaFault fault;
        bool found = dp_dma_fault_parse(c->text, strlen(c->text), &fault);

        g_test_message("%s", c->text);
        g_assert_cmpint(found, ==, c->requester != NULL);
        if (found) {
            g_assert_cmpstr(dp_addr_format(&fault.requester, name), ==, c->requester);
            g_assert_cmpint(fault.any_domain, ==, c->any_domain);
            g_assert_cmpint(fault.access, ==, c->access);
            g_assert_cmpuint(fault.address, ==, c->address);
            g_assert_cmpint(fault.reason, ==, c->reason);
        }
    }
}

static void
test_records(void)
{
    static const char of_kernel[] = "3,1234,5678,-;DMAR: one\n SUBSYSTEM=pci\n";
    static const char of_process[] = "11,18446744073709,5678,-,caller=T1;DMAR: one\n";
    DpKmsg record;

    g_assert_true(dp_kmsg_parse(of_kernel, strlen(of_kernel), &record));
    g_assert_cmpuint(record.number, ==, 1234);
    g_assert_true(record.of_kernel);
    g_assert_cmpmem(record.text, record.len, "DMAR: one", 9);
    g_assert_true(dp_kmsg_parse(of_process, strlen(of_process), &record));
    g_assert_cmpuint(record.number, ==, 18446744073709);
    g_assert_false(record.of_kernel);
    for (const char *const *bad = (const char *const[]){"", "\n", "3", "3,", "3,1", "3,1,2,-\n;x",
                                                        "x,1,2,-;y", " KEY=1;x", NULL};
         *bad != NULL; bad++) {
        g_assert_false(dp_kmsg_parse(*bad, strlen(*bad), &record));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dma-fault/cases", test_cases);
    g_test_add_func("/dma-fault/records", test_records);
    return g_test_run();
}
