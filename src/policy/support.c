/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "private.h"

/* The devices that the documents of VMDirectPath on ESX 4 name. */
static const struct {
    uint16_t vendor, device;
    DpSupport support;
} devices[] = {
    /* "Supported devices include the Intel 82598 10 Gigabit Ethernet controller ..." */
    {0x8086, 0x10b6, DP_SUPPORT_SUPPORTED},
    {0x8086, 0x10c6, DP_SUPPORT_SUPPORTED}, /* 82598EB AF dual port */
    {0x8086, 0x10c7, DP_SUPPORT_SUPPORTED}, /* 82598EB AF */
    {0x8086, 0x10c8, DP_SUPPORT_SUPPORTED}, /* 82598EB AT */
    {0x8086, 0x10db, DP_SUPPORT_SUPPORTED}, /* 82598EB SFP+ */
    {0x8086, 0x10dd, DP_SUPPORT_SUPPORTED}, /* 82598EB AT CX4 */
    {0x8086, 0x10e1, DP_SUPPORT_SUPPORTED}, /* 82598EB SR dual port */
    {0x8086, 0x10ec, DP_SUPPORT_SUPPORTED}, /* 82598EB CX4 dual port */
    {0x8086, 0x10f1, DP_SUPPORT_SUPPORTED}, /* 82598EB AF DA dual port */
    {0x8086, 0x10f4, DP_SUPPORT_SUPPORTED}, /* 82598EB AF XF LR */
    {0x8086, 0x1508, DP_SUPPORT_SUPPORTED}, /* 82598EB BX */
    {0x8086, 0x150b, DP_SUPPORT_SUPPORTED}, /* 82598EB AT2 */
    /* "... and Broadcom 57710 and 57711 10 Gigabit Ethernet controllers" */
    {0x14e4, 0x164e, DP_SUPPORT_SUPPORTED},
    {0x14e4, 0x164f, DP_SUPPORT_SUPPORTED},
    {0x14e4, 0x1650, DP_SUPPORT_SUPPORTED},
    /* "experimentally supported": QLogic QLA25xx 8Gb Fibre Channel */
    {0x1077, 0x2532, DP_SUPPORT_EXPERIMENTAL},
    /* Emulex LPe12000 8Gb Fibre Channel */
    {0x10df, 0xf100, DP_SUPPORT_EXPERIMENTAL},
    /* LSI 3442e-R and 3801e, 1068 based 3Gb SAS */
    {0x1000, 0x0054, DP_SUPPORT_EXPERIMENTAL}, /* SAS1068 */
    {0x1000, 0x0055, DP_SUPPORT_EXPERIMENTAL}, /* SAS1068, its other number */
    {0x1000, 0x0056, DP_SUPPORT_EXPERIMENTAL}, /* SAS1064E, listed with the 1068 in passthru.map */
    {0x1000, 0x0058, DP_SUPPORT_EXPERIMENTAL}, /* SAS1068E */
};

static DpSupport
built_in(uint16_t vendor, uint16_t device)
{
    for (size_t i = 0; i < G_N_ELEMENTS(devices); i++) {
        if (devices[i].vendor == vendor && devices[i].device == device) {
            return devices[i].support;
        }
    }
    return DP_SUPPORT_UNLISTED;
}

/* A line of the list that names the very device counts before the table here; one for all devices
 * of a vendor does not take away what the documents say of one of them. */
DpSupport
dp_support_of(const DpCompat *compat, uint16_t vendor, uint16_t device)
{
    DpSupport known = built_in(vendor, device), listed = DP_SUPPORT_UNLISTED;
    bool exact = false;

    if (compat == NULL || !dp_compat_lookup(compat, vendor, device, &listed, &exact)) {
        return known;
    }
    return exact || known == DP_SUPPORT_UNLISTED ? listed : known;
}
