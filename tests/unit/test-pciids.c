/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names out of pci.ids. */
#include "formats/pciids.h"

#include <string.h>

static const char list[] = "# head\n"
                           "\t10d3  no vendor above\n"
                           "8086  Intel Corporation \n"
                           "# a note\n"
                           "\t10d3  82574L Gigabit Network Connection\n"
                           "\t\t103c 1785  NC112i\n"
                           "\n"
                           "\tABCD  upper\n"
                           "\t10d3  again\n"
                           "\t1234 one space\n"
                           "\t1235\n"
                           "\t1236  \n"
                           "0010  first\n"
                           "\t0001  of the first\n"
                           "0010  second\n"
                           "\t0002  of the second\n"
                           "00110  five digits\n"
                           "C 02  Network controller\n"
                           "\t00  Ethernet controller\n"
                           "\t\t01  an interface\n"
                           "C 06  Bridge\r\n"
                           "S 08  another list\n"
                           "ffff  last, without newline";

typedef char *(*Two)(const DpPciIds *ids, unsigned first, unsigned second);
typedef char *(*One)(const DpPciIds *ids, unsigned number);

static const struct {
    Two two;
    One one;
    unsigned first, second;
    const char *name;
} questions[] = {
    {NULL, dp_pci_ids_vendor, 0x8086, 0, "Intel Corporation"},
    {NULL, dp_pci_ids_vendor, 0x0010, 0, "first"},
    {NULL, dp_pci_ids_vendor, 0xffff, 0, "last, without newline"},
    {NULL, dp_pci_ids_vendor, 0x0011, 0, NULL},
    {NULL, dp_pci_ids_vendor, 0x0008, 0, NULL},
    {NULL, dp_pci_ids_vendor, 0x10d3, 0, NULL},
    {NULL, dp_pci_ids_vendor, 0x1234, 0, NULL},
    {dp_pci_ids_device, NULL, 0x8086, 0x10d3, "82574L Gigabit Network Connection"},
    {dp_pci_ids_device, NULL, 0x8086, 0xabcd, "upper"},
    {dp_pci_ids_device, NULL, 0x8086, 0x103c, NULL},
    {dp_pci_ids_device, NULL, 0x8086, 0x1234, NULL},
    {dp_pci_ids_device, NULL, 0x8086, 0x1235, NULL},
    {dp_pci_ids_device, NULL, 0x8086, 0x1236, ""},
    {dp_pci_ids_device, NULL, 0x8086, 0x0001, NULL},
    {dp_pci_ids_device, NULL, 0x0010, 0x0001, "of the first"},
    {dp_pci_ids_device, NULL, 0x0010, 0x0002, NULL},
    {dp_pci_ids_device, NULL, 0x0012, 0x0001, NULL},
    {dp_pci_ids_device, NULL, 0xffff, 0x0001, NULL},
    {NULL, dp_pci_ids_class, 0x0200, 0, "Network controller"},
    {NULL, dp_pci_ids_class, 0x0604, 0, "Bridge"},
    {NULL, dp_pci_ids_class, 0x0300, 0, NULL},
    {NULL, dp_pci_ids_subclass, 0x0200, 0, "Ethernet controller"},
    {NULL, dp_pci_ids_subclass, 0x0201, 0, NULL},
    {NULL, dp_pci_ids_subclass, 0x0604, 0, NULL},
};

static void
test_names(void)
{
    g_autoptr(GBytes) bytes = g_bytes_new(list, strlen(list)); /* without the NUL */
    g_autoptr(DpPciIds) ids = dp_pci_ids_new(bytes);

    for (size_t i = 0; i < G_N_ELEMENTS(questions); i++) {
        g_autofree char *name = questions[i].two != NULL
                                    ? questions[i].two(ids, questions[i].first, questions[i].second)
                                    : questions[i].one(ids, questions[i].first);

        g_test_message("%zu: %04x %04x", i, questions[i].first, questions[i].second);
        g_assert_cmpstr(name, ==, questions[i].name);
    }
}

static void
test_no_list(void)
{
    g_autoptr(DpPciIds) ids = dp_pci_ids_new(NULL);

    g_assert_null(dp_pci_ids_vendor(ids, 0x8086));
    g_assert_null(dp_pci_ids_device(ids, 0x8086, 0x10d3));
    g_assert_null(dp_pci_ids_class(ids, 0x0200));
    g_assert_null(dp_pci_ids_subclass(ids, 0x0200));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pci-ids/names", test_names);
    g_test_add_func("/pci-ids/no-list", test_no_list);
    return g_test_run();
}
