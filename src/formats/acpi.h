/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tables of ACPI that describe an IOMMU have in common: the header, and a body of
 * structures that each tell their own length. Bytes in; nothing is read here. */
#pragma once

#include "base/diag.h"

#include <stddef.h>
#include <stdint.h>

/* Tables of the largest machines have some thousand bytes. */
#define DP_ACPI_MAX_BYTES (1u << 20)

/* ACPI 5.2.6, System Description Table Header. */
#define DP_ACPI_HEADER 36u

/* Regions of one table that are told; more are one diagnostic. */
#define DP_ACPI_REGIONS_MAX 4096u

typedef struct {
    const uint8_t *bytes;
    size_t len;       /* of the table as its header tells, never more than there are bytes */
    const char *name; /* "DMAR", for diagnostics */
    DpDiagList *diags;
    unsigned faults; /* how many were found */
} DpAcpi;

/*
 * Takes the table of four letters @name. False: it is none, or has no room for @fixed bytes (header
 * included); that is reported. A length that leads past the end is cut, a wrong checksum is only
 * reported, as the kernel does. @bytes must outlive @ret_acpi; @diags may be NULL.
 */
bool dp_acpi_open(const uint8_t *bytes,
                  size_t len,
                  const char *name,
                  size_t fixed,
                  DpDiagList *diags,
                  DpAcpi *ret_acpi);

/* Reports one fault (DP1041) at offset @at; the first few by name, the rest as a number. */
void dp_acpi_fault(DpAcpi *acpi, size_t at, const char *what);
/* To be called once at the end: says how many faults were not named. */
void dp_acpi_close(DpAcpi *acpi);

/*
 * Walks over structures that tell their length in 16 bits at @length_at of themselves. @at is where
 * one begins; 0 at the end of the table, else its length, from @least bytes to what is left. A
 * wrong length is a fault (@what) and an end.
 */
size_t dp_acpi_structure(DpAcpi *acpi, size_t at, size_t length_at, size_t least, const char *what);

/* Little-endian numbers at @at, which the caller knows to lie within the table. */
unsigned dp_acpi_get16(const DpAcpi *acpi, size_t at);
uint64_t dp_acpi_get64(const DpAcpi *acpi, size_t at);
