/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ivrs.h"

/* 5.2.1: IVinfo and eight bytes reserved follow the header. */
#define BODY 48u

/* Blocks: type, flags, a length of two bytes. */
#define BLOCK  4u
#define LENGTH 2u

/* 5.2.5, I/O Virtualization Memory Definition; the segment is where drivers/iommu/amd/init.c reads
 * it. */
#define IVMD_FLAGS    1u
#define IVMD_FIRST    4u
#define IVMD_LAST     6u
#define IVMD_SEGMENT  8u
#define IVMD_START    16u
#define IVMD_SIZE     24u
#define IVMD_LENGTH   32u
#define IVMD_ALL      0x20u
#define IVMD_ONE      0x21u
#define IVMD_RANGE    0x22u
#define IVMD_UNITY    0x01u
#define IVMD_EXCLUDED 0x08u

static void
add_region(DpIvrs *ivrs, DpAcpi *acpi, size_t at, DpIvrsRegion region)
{
    uint64_t size = dp_acpi_get64(acpi, at + IVMD_SIZE);

    if (size == 0 || size - 1 > UINT64_MAX - region.start || region.last_id < region.first_id) {
        dp_acpi_fault(acpi, at, "a reserved region of a wrong extent");
        return;
    }
    if (ivrs->regions->len >= DP_ACPI_REGIONS_MAX) {
        dp_acpi_fault(acpi, at, "more reserved regions than are looked at");
        return;
    }
    region.last = region.start + (size - 1);
    g_array_append_val(ivrs->regions, region);
}

static void
take_ivmd(DpIvrs *ivrs, DpAcpi *acpi, size_t at, size_t len)
{
    unsigned type = acpi->bytes[at];
    DpIvrsRegion region;

    if (len < IVMD_LENGTH) {
        dp_acpi_fault(acpi, at, "a reserved region that is cut off");
        return;
    }
    /* The kernel maps an excluded range one to one as well. Without either flag it is a hint. */
    if ((acpi->bytes[at + IVMD_FLAGS] & (IVMD_UNITY | IVMD_EXCLUDED)) == 0) {
        return;
    }
    region = (DpIvrsRegion){.start = dp_acpi_get64(acpi, at + IVMD_START),
                            .segment = (uint16_t)dp_acpi_get16(acpi, at + IVMD_SEGMENT),
                            .first_id = (uint16_t)dp_acpi_get16(acpi, at + IVMD_FIRST)};
    region.last_id =
        type == IVMD_RANGE ? (uint16_t)dp_acpi_get16(acpi, at + IVMD_LAST) : region.first_id;
    if (type == IVMD_ALL) {
        region.first_id = 0;
        region.last_id = UINT16_MAX;
    }
    add_region(ivrs, acpi, at, region);
}

static void
take_blocks(DpIvrs *ivrs, DpAcpi *acpi)
{
    static const char wrong[] = "a block of a wrong length";
    size_t len;

    for (size_t at = BODY; (len = dp_acpi_structure(acpi, at, LENGTH, BLOCK, wrong)) > 0;
         at += len) {
        if (acpi->bytes[at] >= IVMD_ALL && acpi->bytes[at] <= IVMD_RANGE) {
            take_ivmd(ivrs, acpi, at, len);
        }
    }
}

DpIvrs *
dp_ivrs_parse(const uint8_t *bytes, size_t len, DpDiagList *diags)
{
    DpAcpi acpi;
    DpIvrs *ivrs;

    if (!dp_acpi_open(bytes, len, "IVRS", BODY, diags, &acpi)) {
        return NULL;
    }
    ivrs = g_new0(DpIvrs, 1);
    ivrs->regions = g_array_new(false, false, sizeof(DpIvrsRegion));
    take_blocks(ivrs, &acpi);
    dp_acpi_close(&acpi);
    return ivrs;
}

void
dp_ivrs_free(DpIvrs *ivrs)
{
    if (ivrs == NULL) {
        return;
    }
    g_array_unref(ivrs->regions);
    g_free(ivrs);
}
