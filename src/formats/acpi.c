/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "acpi.h"

#include <string.h>

/* Offset of the table's length in its header. */
#define LENGTH 4u

/* Faults of one table that are named. */
#define FAULTS_NAMED 8u

void
dp_acpi_fault(DpAcpi *acpi, size_t at, const char *what)
{
    if (acpi->faults++ < FAULTS_NAMED) {
        dp_diags_add(acpi->diags, DP_DIAG_FIRMWARE_TABLE_STRANGE, "host",
                     "the firmware's table %s: %s, at byte %zu", acpi->name, what, at);
    }
}

void
dp_acpi_close(DpAcpi *acpi)
{
    if (acpi->faults > FAULTS_NAMED) {
        dp_diags_add(acpi->diags, DP_DIAG_FIRMWARE_TABLE_STRANGE, "host",
                     "the firmware's table %s: %u more faults", acpi->name,
                     acpi->faults - FAULTS_NAMED);
    }
}

size_t
dp_acpi_structure(DpAcpi *acpi, size_t at, size_t length_at, size_t least, const char *what)
{
    size_t left = acpi->len - at;
    size_t len = left >= least ? dp_acpi_get16(acpi, at + length_at) : 0;

    if (left > 0 && (len < least || len > left)) {
        dp_acpi_fault(acpi, at, what);
        return 0;
    }
    return len;
}

unsigned
dp_acpi_get16(const DpAcpi *acpi, size_t at)
{
    return acpi->bytes[at] | (unsigned)acpi->bytes[at + 1] << 8;
}

uint64_t
dp_acpi_get64(const DpAcpi *acpi, size_t at)
{
    uint64_t value = 0;

    for (unsigned i = 8; i > 0; i--) {
        value = value << 8 | acpi->bytes[at + i - 1];
    }
    return value;
}

static void
check_sum(DpAcpi *acpi)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < acpi->len; i++) {
        sum = (uint8_t)(sum + acpi->bytes[i]);
    }
    if (sum != 0) {
        dp_acpi_fault(acpi, 9, "its checksum is wrong");
    }
}

bool
dp_acpi_open(const uint8_t *bytes,
             size_t len,
             const char *name,
             size_t fixed,
             DpDiagList *diags,
             DpAcpi *ret_acpi)
{
    DpAcpi *acpi = ret_acpi;
    size_t told;

    *acpi = (DpAcpi){.bytes = bytes, .len = len, .name = name, .diags = diags};
    if (len < fixed || memcmp(bytes, name, 4) != 0) {
        dp_acpi_fault(acpi, 0, len < fixed ? "it is too short" : "its signature is another");
        return false;
    }
    told = dp_acpi_get16(acpi, LENGTH) | (size_t)dp_acpi_get16(acpi, LENGTH + 2) << 16;
    if (told < fixed) {
        dp_acpi_fault(acpi, LENGTH, "its length is less than its own header");
        return false;
    }
    if (told > len) {
        dp_acpi_fault(acpi, LENGTH, "it is cut off");
    }
    acpi->len = MIN(told, len);
    if (told <= len) {
        check_sum(acpi);
    }
    return true;
}
