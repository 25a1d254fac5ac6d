/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "private.h"

/* The devices that the documents of VMDirectPath on ESX 4 name. */
static const struct {
    uint16_t vendor, device;
    const char *support;
} devices[] = {
    /* "Supported devices include the Intel 82598 10 Gigabit Ethernet controller ..." */
    {0x8086, 0x10b6, "supported"},
    {0x8086, 0x10c6, "supported"}, /* 82598EB AF dual port */
    {0x8086, 0x10c7, "supported"}, /* 82598EB AF */
    {0x8086, 0x10c8, "supported"}, /* 82598EB AT */
    {0x8086, 0x10db, "supported"}, /* 82598EB SFP+ */
    {0x8086, 0x10dd, "supported"}, /* 82598EB AT CX4 */
    {0x8086, 0x10ec, "supported"}, /* 82598EB CX4 dual port */
    {0x8086, 0x10f1, "supported"}, /* 82598EB AF DA dual port */
    {0x8086, 0x10f4, "supported"}, /* 82598EB AF XF LR */
    /* "... and Broadcom 57710 and 57711 10 Gigabit Ethernet controllers" */
    {0x14e4, 0x164e, "supported"},
    {0x14e4, 0x164f, "supported"},
    {0x14e4, 0x1650, "supported"},
    /* "experimentally supported": QLogic QLA25xx 8Gb Fibre Channel */
    {0x1077, 0x2532, "experimental"},
    /* Emulex LPe12000 8Gb Fibre Channel */
    {0x10df, 0xf100, "experimental"},
    /* LSI 3442e-R and 3801e, 1068 based 3Gb SAS */
    {0x1000, 0x0054, "experimental"}, /* SAS1068 */
    {0x1000, 0x0056, "experimental"}, /* SAS1064E, listed with the 1068 in passthru.map */
    {0x1000, 0x0058, "experimental"}, /* SAS1068E */
};

const char *
dp_support_of(uint16_t vendor, uint16_t device)
{
    for (size_t i = 0; i < G_N_ELEMENTS(devices); i++) {
        if (devices[i].vendor == vendor && devices[i].device == device) {
            return devices[i].support;
        }
    }
    return "unlisted";
}
