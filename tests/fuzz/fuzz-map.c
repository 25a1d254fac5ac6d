/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A passthru.map of any bytes: read twice, as a shipped and an administrator's map, and looked up;
 * and the same bytes as a compatibility list. */
#include "formats/compat.h"
#include "formats/lines.h"
#include "formats/map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
    if (!holds) {
        __builtin_trap();
    }
}

/* True if @line is an entry; the mistake says so, or what is wrong. */
static bool
scan(const DpIdSpec *spec, const DpLine *line, DpIdRow *ret_row)
{
    g_auto(DpIdMistake) mistake = {NULL, NULL, NULL};
    bool entry = dp_id_line_scan(spec, line->text, line->len, ret_row, &mistake);

    must(!entry || mistake.what == NULL);
    must(mistake.remedy == NULL || mistake.what != NULL);
    return entry;
}

/* Each line that is an entry by itself is found in the map, or a later one of the same ids is. */
static void
check_lines(const DpMap *map, const DpCompat *compat, const char *text, size_t size)
{
    DpLines lines = dp_lines_of(text, size);
    DpLine line;

    while (dp_lines_next(&lines, &line)) {
        DpIdRow row;
        DpSupport support = DP_SUPPORT_UNLISTED;
        bool exact = false;

        if (scan(dp_map_spec(), &line, &row)) {
            const DpMapEntry *found = dp_map_lookup(map, row.vendor, row.device);

            must(found != NULL && found->vendor == row.vendor && found->device == row.device);
            must(found->line >= line.number && dp_map_entry_fits(found, row.vendor, row.device));
            must(dp_map_method_name(found->method) != NULL);
        }
        if (scan(dp_compat_spec(), &line, &row)) {
            must(dp_compat_lookup(compat, row.vendor, row.device, &support, &exact));
            must(dp_support_name(support) != NULL);
            must(exact == (row.vendor != DP_ID_ANY && row.device != DP_ID_ANY));
        }
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autoptr(DpMap) map = dp_map_new();
    g_autoptr(DpCompat) compat = dp_compat_new();
    g_autoptr(GError) error = NULL;
    const char *text = (const char *)data;

    if (!dp_map_add(map, "passthru.map", text, size, diags, &error)) {
        must(error != NULL && dp_diags_have_error(diags));
        return 0;
    }
    must(dp_map_add(map, "mine.map", text, size, diags, &error) && error == NULL);
    must(diags->len <= 6 * (DP_NOTES_MAX + 1));
    g_ptr_array_set_size(diags, 0);
    must(dp_compat_add(compat, "compatibility", text, size, diags, &error) && error == NULL);
    must(diags->len <= 3 * (DP_NOTES_MAX + 1));
    check_lines(map, compat, text, size);
    (void)dp_map_lookup(map, 0x8086, 0x10b6);
    return 0;
}
