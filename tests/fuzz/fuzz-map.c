/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A passthru.map of any bytes: read twice, as a shipped and an administrator's map, and looked up.
 */
#include "formats/lines.h"
#include "formats/map-line.h"
#include "formats/map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
    if (!holds) {
        __builtin_trap();
    }
}

/* Each line that is an entry by itself is found in the map, or a later one of the same ids is. */
static void
check_lines(const DpMap *map, const char *text, size_t size)
{
    DpLines lines = dp_lines_of(text, size);
    DpLine line;

    while (dp_lines_next(&lines, &line)) {
        g_auto(DpMapMistake) mistake = {NULL, NULL};
        DpMapEntry entry;
        const DpMapEntry *found;

        if (!dp_map_line_scan(line.text, line.len, &entry, &mistake)) {
            must(mistake.remedy == NULL || mistake.what != NULL);
            continue;
        }
        must(mistake.what == NULL);
        found = dp_map_lookup(map, entry.vendor, entry.device);
        must(found != NULL && found->vendor == entry.vendor && found->device == entry.device);
        must(found->line >= line.number);
        must(dp_map_method_name(found->method) != NULL);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autoptr(DpMap) map = dp_map_new();
    g_autoptr(GError) error = NULL;
    const char *text = (const char *)data;

    if (!dp_map_add(map, "passthru.map", text, size, diags, &error)) {
        must(error != NULL && dp_diags_have_error(diags));
        return 0;
    }
    must(dp_map_add(map, "mine.map", text, size, diags, &error) && error == NULL);
    must(diags->len <= 4 * (DP_NOTES_MAX + 1));
    check_lines(map, text, size);
    (void)dp_map_lookup(map, 0x8086, 0x10b6);
    return 0;
}
