/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses of PCI functions in the notations of Linux (hexadecimal) and ESX (decimal). */
#pragma once

#include "base/error.h"

#include <stdint.h>

typedef struct {
    uint32_t domain; /* up to 32 bits: VMD uses 10000 and more */
    uint8_t bus;
    uint8_t device;   /* 0 to 31 */
    uint8_t function; /* 0 to 7 */
} DpAddr;

/* Room for any notation with its NUL. */
#define DP_ADDR_LEN 24

/* Total order: domain, bus, device, function. */
int dp_addr_compare(const DpAddr *a, const DpAddr *b);

/* The element of @sorted at @addr, or NULL. Elements are structures that begin with their DpAddr,
 * in that order. */
void *dp_addr_search(const GPtrArray *sorted, const DpAddr *addr);

/* "0000:03:00.0" as sysfs and lspci write it. @buf of DP_ADDR_LEN; returns @buf. */
const char *dp_addr_format(const DpAddr *addr, char *buf);
/* "003:00.0": bus in three decimal digits, device in two; "SSSS:BB:DD.F" hex where domain is not 0
 * (FORMATS). */
const char *dp_addr_format_esx(const DpAddr *addr, char *buf);
/* "00000:003:00.0": the five-digit decimal form that a VMX of ESXi 6 and later has. */
const char *dp_addr_format_vmx(const DpAddr *addr, char *buf);

/* A name of sysfs, exactly: 4 to 8 hex digits, two, two, one. */
bool dp_addr_parse_sysfs(const char *text, DpAddr *ret_addr);

/* What a person types: "03:00.0", "0000:03:00.0" (hex), "003:00.0", "00000:003:00.0" (decimal).
 * Fails with DP_ERROR_USAGE and a sentence that shows the forms. */
bool dp_addr_parse(const char *text, DpAddr *ret_addr, GError **error);

/* An address of esx.conf: "BBB:DD.F" decimal, "SSSS:BB:DD.F" hex. */
bool dp_addr_parse_esxconf(const char *text, size_t len, DpAddr *ret_addr);

/* The value of pciPassthruN.id. Where the form decides, one reading; a two-digit or unpadded bus
 * without segment gives the decimal and the hex reading (which may be equal), and identity has to
 * decide (FORMATS.md, "pciPassthruN"). */
typedef enum {
    DP_VMX_ID_DECIMAL,   /* five-digit segment or three-digit bus */
    DP_VMX_ID_HEX,       /* four-digit segment: as copied from lspci; ESXi 8 refuses it */
    DP_VMX_ID_AMBIGUOUS, /* identity decides */
} DpVmxIdForm;

typedef struct {
    DpVmxIdForm form;
    bool decimal_valid, hex_valid;
    DpAddr decimal, hex;
} DpVmxId;

bool dp_addr_parse_vmx_id(const char *text, DpVmxId *ret_id);

/* pciSlotNumber: function<<10 | bus<<5 | device (Broadcom KB 2047927). */
typedef struct {
    uint8_t function; /* of the bridge, 0 to 7 */
    uint8_t bus;      /* 0: root bus; else behind pciBridge(bus-1) */
    uint8_t device;   /* 0 to 31 */
} DpSlot;

/* @number 0 to 8191; false otherwise. */
bool dp_slot_decode(int number, DpSlot *ret_slot);
int dp_slot_encode(const DpSlot *slot);
