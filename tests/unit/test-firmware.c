/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DMAR and IVRS, byte by byte: what is in a table, and what becomes of a broken one. */
#include "formats/dmar.h"
#include "formats/ivrs.h"

#include <string.h>

/* A table in the making: 48 bytes that both have in front, then structures. */
typedef struct {
    GByteArray *bytes;
} Table;

static void
add(Table *table, const void *bytes, guint len)
{
    g_byte_array_append(table->bytes, bytes, len);
}

/* Sets length and checksum. */
static void
seal(Table *table)
{
    uint8_t sum = 0;

    table->bytes->data[4] = (uint8_t)table->bytes->len;
    table->bytes->data[5] = (uint8_t)(table->bytes->len >> 8);
    table->bytes->data[9] = 0;
    for (guint i = 0; i < table->bytes->len; i++) {
        sum = (uint8_t)(sum + table->bytes->data[i]);
    }
    table->bytes->data[9] = (uint8_t)-sum;
}

static Table
table_new(const char *name, uint8_t width, uint8_t flags)
{
    Table table = {.bytes = g_byte_array_new()};
    uint8_t head[48] = {0};

    memcpy(head, name, 4);
    head[36] = width;
    head[37] = flags;
    add(&table, head, sizeof head);
    seal(&table);
    return table;
}

static void
table_clear(Table *table)
{
    g_byte_array_unref(table->bytes);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Table, table_clear)

/* A reserved region 0x1000 to 0x2fff for 0000:00:1c.0 and what is behind its second hop. */
static const uint8_t rmrr[] = {
    1,    0,    34, 0, 0, 0, 0,    0,       /* type, length, segment */
    0,    0x10, 0,  0, 0, 0, 0,    0,       /* base */
    0xff, 0x2f, 0,  0, 0, 0, 0,    0,       /* limit */
    1,    10,   0,  0, 0, 0, 0x1c, 0, 0, 0, /* scope: bus 0, 1c.0, 00.0 */
};

static void
test_dmar(void)
{
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_auto(Table) table = table_new("DMAR", 45, 3);
    g_autoptr(DpDmar) dmar = NULL;
    const DpDmarRegion *region;

    add(&table, rmrr, sizeof rmrr);
    seal(&table);
    dmar = dp_dmar_parse(table.bytes->data, table.bytes->len, diags);
    g_assert_cmpuint(diags->len, ==, 0);
    g_assert_cmpuint(dmar->address_bits, ==, 46);
    g_assert_true(dmar->intr_remap && dmar->x2apic_opt_out);
    g_assert_cmpuint(dmar->regions->len, ==, 1);
    region = &g_array_index(dmar->regions, DpDmarRegion, 0);
    g_assert_cmpuint(region->start, ==, 0x1000);
    g_assert_cmpuint(region->last, ==, 0x2fff);
    g_assert_cmpuint(region->n_hops, ==, 2);
    g_assert_cmpuint(region->hops[0].device, ==, 0x1c);
    g_assert_cmpuint(region->hops[1].device, ==, 0);
}

/* One byte of the good table changed: how many regions are left, and what is said. */
static const struct {
    guint at;
    uint8_t value;
    guint regions;
    const char *says;
} changes[] = {
    {9, 0x55, 1, "checksum"},
    {48, 0, 0, NULL}, /* another structure: of no interest */
    {50, 0, 0, "structure of a wrong length"},
    {50, 3, 0, "structure of a wrong length"},
    {50, 35, 0, "structure of a wrong length"},
    {50, 20, 0, "cut off"},
    {57, 0x40, 0, "ends before it begins"},
    {72, 3, 0, NULL}, /* an interrupt controller */
    {72, 2, 1, NULL}, /* a bridge */
    {73, 6, 0, "device scope of a wrong length"},
    {73, 9, 0, "device scope of a wrong length"},
    {73, 12, 0, "device scope of a wrong length"},
    {73, 255, 0, "device scope of a wrong length"},
    {78, 0x20, 0, "no PCI function"},
    {79, 8, 0, "no PCI function"},
};

static void
test_dmar_changed(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(changes); i++) {
        g_autoptr(DpDiagList) diags = dp_diags_new();
        g_auto(Table) table = table_new("DMAR", 45, 1);
        g_autoptr(DpDmar) dmar = NULL;

        add(&table, rmrr, sizeof rmrr);
        table.bytes->data[changes[i].at] = changes[i].value;
        if (changes[i].at > 9) {
            seal(&table);
        } else {
            table.bytes->data[4] = (uint8_t)table.bytes->len;
        }
        g_test_message("byte %u becomes %u", changes[i].at, changes[i].value);
        dmar = dp_dmar_parse(table.bytes->data, table.bytes->len, diags);
        g_assert_cmpuint(dmar->regions->len, ==, changes[i].regions);
        g_assert_cmpuint(diags->len > 0, ==, changes[i].says != NULL);
        if (changes[i].says != NULL) {
            const DpDiag *diag = diags->pdata[0];

            g_assert_cmpint(diag->row->id, ==, DP_DIAG_FIRMWARE_TABLE_STRANGE);
            g_assert_nonnull(strstr(diag->message, changes[i].says));
        }
    }
}

/* Cut at every byte: never a region that is not whole, always said. */
static void
test_dmar_cut(void)
{
    g_auto(Table) table = table_new("DMAR", 45, 1);

    add(&table, rmrr, sizeof rmrr);
    seal(&table);
    for (guint len = 0; len < table.bytes->len; len++) {
        g_autofree uint8_t *bytes = g_memdup2(table.bytes->data, len);
        g_autoptr(DpDiagList) diags = dp_diags_new();
        g_autoptr(DpDmar) dmar = dp_dmar_parse(bytes, len, diags);

        g_assert_cmpuint(diags->len, >, 0);
        g_assert_true((dmar == NULL) == (len < 48));
        g_assert_true(dmar == NULL || dmar->regions->len == 0);
    }
}

/* Faults without end are a few diagnostics. */
static void
test_many_faults(void)
{
    static const uint8_t short_rmrr[] = {1, 0, 4, 0};
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_auto(Table) table = table_new("DMAR", 45, 1);
    g_autoptr(DpDmar) dmar = NULL;
    const DpDiag *last;

    for (int i = 0; i < 1000; i++) {
        add(&table, short_rmrr, sizeof short_rmrr);
    }
    seal(&table);
    dmar = dp_dmar_parse(table.bytes->data, table.bytes->len, diags);
    g_assert_cmpuint(diags->len, ==, 9);
    last = diags->pdata[8];
    g_assert_nonnull(strstr(last->message, "992 more"));
}

typedef struct {
    uint8_t type, flags;
    uint16_t first, last, segment;
    uint64_t start, size;
} Ivmd;

static void
add_ivmd(Table *table, const Ivmd *ivmd)
{
    uint8_t block[32] = {ivmd->type, ivmd->flags, sizeof block};

    memcpy(block + 4, &ivmd->first, 2); /* the hosts of these tests are little-endian, as x86 is */
    memcpy(block + 6, &ivmd->last, 2);
    memcpy(block + 8, &ivmd->segment, 2);
    memcpy(block + 16, &ivmd->start, 8);
    memcpy(block + 24, &ivmd->size, 8);
    add(table, block, sizeof block);
}

static const struct {
    Ivmd ivmd;
    bool kept, strange;
    uint16_t first, last;
} ivmds[] = {
    {{0x20, 1, 7, 8, 0, 0x1000, 0x1000}, true, false, 0, 0xffff},
    {{0x21, 1, 0x100, 8, 2, 0x1000, 0x1000}, true, false, 0x100, 0x100},
    {{0x22, 8, 0x100, 0x1ff, 0, 0x1000, 1}, true, false, 0x100, 0x1ff},
    {{0x21, 6, 0x100, 0, 0, 0x1000, 0x1000}, false, false, 0, 0}, /* a hint */
    {{0x23, 1, 0x100, 0, 0, 0x1000, 0x1000}, false, false, 0, 0}, /* of another type */
    {{0x21, 1, 0x100, 0, 0, 0x1000, 0}, false, true, 0, 0},
    {{0x21, 1, 0x100, 0, 0, UINT64_MAX, 2}, false, true, 0, 0},
    {{0x21, 1, 0x100, 0, 0, UINT64_MAX, 1}, true, false, 0x100, 0x100},
    {{0x22, 1, 0x100, 0xff, 0, 0, 1}, false, true, 0, 0},
};

static void
test_ivrs(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(ivmds); i++) {
        g_autoptr(DpDiagList) diags = dp_diags_new();
        g_auto(Table) table = table_new("IVRS", 0, 0);
        g_autoptr(DpIvrs) ivrs = NULL;
        const DpIvrsRegion *region;

        add_ivmd(&table, &ivmds[i].ivmd);
        seal(&table);
        g_test_message("row %zu", i);
        ivrs = dp_ivrs_parse(table.bytes->data, table.bytes->len, diags);
        g_assert_cmpuint(diags->len, ==, ivmds[i].strange ? 1 : 0);
        g_assert_cmpuint(ivrs->regions->len, ==, ivmds[i].kept ? 1 : 0);
        if (!ivmds[i].kept) {
            continue;
        }
        region = &g_array_index(ivrs->regions, DpIvrsRegion, 0);
        g_assert_cmpuint(region->first_id, ==, ivmds[i].first);
        g_assert_cmpuint(region->last_id, ==, ivmds[i].last);
        g_assert_cmpuint(region->segment, ==, ivmds[i].ivmd.segment);
        g_assert_cmpuint(region->last - region->start, ==, ivmds[i].ivmd.size - 1);
    }
}

static void
test_another_table(void)
{
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_auto(Table) table = table_new("IVRS", 0, 0);

    g_assert_null(dp_dmar_parse(table.bytes->data, table.bytes->len, diags));
    g_assert_cmpuint(diags->len, ==, 1);
    g_assert_null(dp_ivrs_parse(NULL, 0, diags));
    g_assert_cmpuint(diags->len, ==, 2);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/firmware/dmar", test_dmar);
    g_test_add_func("/firmware/dmar/changed", test_dmar_changed);
    g_test_add_func("/firmware/dmar/cut", test_dmar_cut);
    g_test_add_func("/firmware/many-faults", test_many_faults);
    g_test_add_func("/firmware/ivrs", test_ivrs);
    g_test_add_func("/firmware/another-table", test_another_table);
    return g_test_run();
}
