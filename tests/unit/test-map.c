/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "formats/compat.h"
#include "formats/map.h"
#include "formats/words.h"
#include "test-data.h"

static void
add(DpMap *map, const char *text, DpDiagList *diags)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(dp_map_add(map, "passthru.map", text, strlen(text), diags, &error));
    g_assert_no_error(error);
}

static void
add_file(DpMap *map, const char *path, DpDiagList *diags)
{
    g_autofree char *text = test_data(path, NULL);

    add(map, text, diags);
}

/* "method shareable line", or "none". */
static void
assert_entry(const DpMap *map, unsigned vendor, unsigned device, const char *want)
{
    const DpMapEntry *entry = dp_map_lookup(map, (uint16_t)vendor, (uint16_t)device);
    g_autofree char *text = entry == NULL
                                ? g_strdup("none")
                                : g_strdup_printf("%s %d %u", dp_map_method_name(entry->method),
                                                  entry->shareable, entry->line);

    g_assert_cmpstr(text, ==, want);
}

/* The map that is installed: no mistakes, and the entries that ESX had. */
static void
test_shipped(void)
{
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autoptr(DpMap) map = dp_map_new();
    static const struct {
        unsigned vendor, device;
        DpMapMethod method;
        bool shareable;
    } rows[] = {
        {0x8086, 0x10b6, DP_MAP_D3D0, true},     {0x8086, 0x10c6, DP_MAP_D3D0, true},
        {0x8086, 0x10c7, DP_MAP_D3D0, true},     {0x8086, 0x10c8, DP_MAP_D3D0, true},
        {0x8086, 0x10dd, DP_MAP_D3D0, true},     {0x14e4, 0x164e, DP_MAP_DEFAULT, false},
        {0x14e4, 0x164f, DP_MAP_DEFAULT, false}, {0x14e4, 0x1650, DP_MAP_DEFAULT, false},
        {0x1077, 0x2532, DP_MAP_DEFAULT, false}, {0x1000, 0x0056, DP_MAP_D3D0, true},
        {0x1000, 0x0058, DP_MAP_D3D0, true},     {0x10de, 0x1234, DP_MAP_BRIDGE, false},
    };

    add_file(map, "../../data/passthru.map", diags);
    g_assert_cmpuint(diags->len, ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const DpMapEntry *entry =
            dp_map_lookup(map, (uint16_t)rows[i].vendor, (uint16_t)rows[i].device);

        g_assert_nonnull(entry);
        g_assert_cmpint(entry->method, ==, rows[i].method);
        g_assert_cmpint(entry->shareable, ==, rows[i].shareable);
    }
    assert_entry(map, 0x8086, 0x1533, "none");
}

static void
test_specific(void)
{
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autoptr(DpMap) map = dp_map_new();

    add_file(map, "map/specific.map", diags);
    assert_entry(map, 0x10de, 0x1401, "d3d0 1 3");   /* both ids, though before the wildcard */
    assert_entry(map, 0x10de, 0x1402, "bridge 0 4"); /* any device */
    assert_entry(map, 0x10de, 0x0013, "bridge 0 4"); /* any device before any vendor */
    assert_entry(map, 0x1234, 0x0013, "flr 1 5");    /* any vendor */
    assert_entry(map, 0x1234, 0x5678, "default 1 6");
    assert_entry(map, 0x8086, 0x8c31, "d3d0 0 7");  /* upper case */
    assert_entry(map, 0x1000, 0x0056, "d3d0 1 10"); /* the later of equals */
    g_assert_cmpuint(diags->len, ==, 1);
    g_assert_cmpint(((DpDiag *)diags->pdata[0])->row->id, ==, DP_DIAG_MAP_ENTRY_OVERRIDDEN);
    g_assert_cmpstr(((DpDiag *)diags->pdata[0])->subject, ==, "passthru.map:10");
}

/* The administrator's map comes after the shipped one, and that is not worth a note. */
static void
test_two_files(void)
{
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autoptr(DpMap) map = dp_map_new();
    const DpMapEntry *first;

    add(map, "8086 10b6 d3d0 default\n10de ffff bridge false\n", diags);
    first = dp_map_lookup(map, 0x8086, 0x10b6);
    add(map,
        "\xef\xbb\xbf"
        "8086 10b6 link false\r\nffff ffff flr true\r\n",
        diags);
    assert_entry(map, 0x8086, 0x10b6, "link 0 1");
    assert_entry(map, 0x10de, 0x0001, "bridge 0 2"); /* specific beats late */
    assert_entry(map, 0x1234, 0x0001, "flr 1 2");
    g_assert_cmpint(first->method, ==, DP_MAP_D3D0); /* what was looked up stays valid */
    g_assert_cmpuint(diags->len, ==, 0);
}

/* Line, a part of the message, a part of the remedy. */
static const struct {
    unsigned line;
    const char *message, *remedy;
} mistakes[] = {
    {3, "'fasle' is not a shareable (true, default or false), probably 'false'",
     "write: 8086 8c02 d3d0 false"},
    {4, "'linke' is not a method (flr, d3d0, link, bridge or default), probably 'link'",
     "write: 10de ffff link false"},
    {5, "8086:7ae2 are two words", "8086 7ae2 default default"},
    {6, "8086:7ae3 are two words", "write: 8086 7ae3 d3d0 false"},
    {7, "'xxxx' stands for an id", "ffff for any"},
    {8, "lost its # mark", "put # in front of the line"},
    {9, "lost its # mark", "a line of its own behind: 10de ffff default false"},
    {10, "3 of four", "write the line as"},
    {11, "has 5 words", "put # in front of what is a comment"},
    {12, "'0x8086' is not a vendor", "write: 8086 1c02 d3d0 default"},
    {13, "'8c0211' is not a device", "write the line as"},
    {14, "'pcie' is not a method (flr, d3d0, link, bridge or default)", "write the line as"},
    {15, "'<vid>' stands for an id", "lspci -n"},
};

static void
test_mistakes(void)
{
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autoptr(DpMap) map = dp_map_new();

    add_file(map, "map/mistakes.map", diags);
    g_assert_cmpuint(diags->len, ==, G_N_ELEMENTS(mistakes));
    for (size_t i = 0; i < G_N_ELEMENTS(mistakes); i++) {
        const DpDiag *diag = diags->pdata[i];
        g_autofree char *subject = g_strdup_printf("passthru.map:%u", mistakes[i].line);

        g_assert_cmpint(diag->row->id, ==, DP_DIAG_MAP_LINE_NOT_READ);
        g_assert_cmpint(diag->severity, ==, DP_WARNING);
        g_assert_cmpstr(diag->subject, ==, subject);
        g_assert_cmpint(strstr(diag->message, "probably") != NULL, ==,
                        strstr(mistakes[i].message, "probably") != NULL || mistakes[i].line == 12);
        if (strstr(diag->message, mistakes[i].message) == NULL ||
            strstr(diag->remedy, mistakes[i].remedy) == NULL) {
            g_error("line %u: %s; %s", mistakes[i].line, diag->message, diag->remedy);
        }
    }
    assert_entry(map, 0x1b21, 0x1064, "d3d0 0 17");
    assert_entry(map, 0x8086, 0x8c02, "none");
    assert_entry(map, 0x10de, 0x0001, "none");
}

static void
test_words(void)
{
    static const char *const known[] = {"default", "flr", "d3d0", "link", "bridge"};
    static const struct {
        const char *word, *nearest;
    } rows[] = {
        {"linke", "link"},   {"LNIK", "link"}, {"birdge", "bridge"}, {"defualt", "default"},
        {"d3do", "d3d0"},    {"fl", "flr"},    {"bus", NULL},        {"pcie", NULL},
        {"deafulted", NULL}, {"x", NULL},      {"", NULL},           {"bridgebridgebridge", NULL},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_assert_cmpstr(dp_word_nearest(rows[i].word, known, G_N_ELEMENTS(known)), ==,
                        rows[i].nearest);
    }
}

static void
assert_refused(char *bytes, size_t len)
{
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autoptr(DpMap) map = dp_map_new();
    g_autoptr(GError) error = NULL;

    g_assert_false(dp_map_add(map, "passthru.map", bytes, len, diags, &error));
    g_assert_error(error, DP_ERROR, DP_ERROR_PARSE);
    g_assert_true(dp_diags_have(diags, DP_DIAG_MAP_UNREADABLE));
    g_free(bytes);
}

static void
test_refused(void)
{
    g_autoptr(DpMap) map = dp_map_new();

    assert_refused(g_memdup2("8086 10b6 \0 default\n", 20), 20);
    assert_refused(g_strnfill(DP_MAP_MAX_BYTES + 1, '\n'), DP_MAP_MAX_BYTES + 1);
    add(map, "", NULL);
    add(map, "# only a comment", NULL);
    assert_entry(map, 0x8086, 0x10b6, "none");
}

static void
test_flood(void)
{
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autoptr(DpMap) map = dp_map_new();
    g_autoptr(GString) text = g_string_new(NULL);

    for (unsigned i = 0; i < 20000; i++) {
        g_string_append_printf(text, "8086 1 %s true\nwrong line\n", i % 2 == 0 ? "flr" : "link");
    }
    add(map, text->str, diags);
    g_assert_cmpuint(diags->len, <, 150);
    assert_entry(map, 0x8086, 1, "link 1 39999");
}

/* What a lint needs: the entries in order, with their files, and what each is about. */
static void
test_entries(void)
{
    static const char shipped[] = "# x\n10de ffff bridge false\n";
    static const char own[] = "10de 1401 d3d0 default\n";
    g_autoptr(DpMap) map = dp_map_new();
    const DpMapEntry *any, *one;

    g_assert_true(dp_map_add(map, DP_MAP_SHIPPED, shipped, strlen(shipped), NULL, NULL));
    g_assert_true(dp_map_add(map, DP_MAP_OWN, own, strlen(own), NULL, NULL));
    g_assert_cmpuint(dp_map_len(map), ==, 2);
    any = dp_map_entry(map, 0);
    one = dp_map_entry(map, 1);
    g_assert_null(dp_map_entry(map, 2));
    g_assert_cmpstr(any->file, ==, "usr/share/directpath/passthru.map");
    g_assert_cmpuint(any->line, ==, 2);
    g_assert_true(dp_map_entry_is_shipped(any));
    g_assert_false(dp_map_entry_is_shipped(one));
    g_assert_true(dp_map_entry_fits(any, 0x10de, 0x1401));
    g_assert_true(dp_map_entry_fits(one, 0x10de, 0x1401));
    g_assert_false(dp_map_entry_fits(one, 0x10de, 0x1402));
    g_assert_false(dp_map_entry_fits(any, 0x8086, 0x1401));
    g_assert_true(dp_map_lookup(map, 0x10de, 0x1401) == one);
}

static void
test_same_meaning(void)
{
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autoptr(DpMap) map = dp_map_new();

    add(map, "8086 10b6 d3d0 true\n8086 10b6 d3d0 default\n", diags);
    g_assert_cmpuint(diags->len, ==, 0); /* nothing is contradicted */
    assert_entry(map, 0x8086, 0x10b6, "d3d0 1 2");
}

static void
test_swallowed(void)
{
    static const struct {
        const char *text, *entry;
    } rows[] = {
        {"# AHCI Controller8086  a282  d3d0     default", "8086 a282 d3d0 default"},
        {"8086 1 flr true # (x)10DE 1401 link FALSE", "10DE 1401 link FALSE"},
        {"# 8086 a282 d3d0 default", NULL},       /* switched off on purpose */
        {"# was: 8086 a282 d3d0 default", NULL},  /* apart from what is before it */
        {"# Controller8086 a282 d3d0 old", NULL}, /* prose */
        {"# abcde8086 a282 d3d0 default", NULL},  /* one long number */
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(DpDiagList) diags = dp_diags_new();
        g_autoptr(DpMap) map = dp_map_new();

        add(map, rows[i].text, diags);
        g_assert_cmpuint(diags->len, ==, rows[i].entry != NULL);
        if (rows[i].entry != NULL) {
            const DpDiag *diag = diags->pdata[0];

            g_assert_cmpint(diag->row->id, ==, DP_DIAG_ID_LINE_SWALLOWED);
            g_assert_cmpstr(diag->subject, ==, "passthru.map:1");
            g_assert_true(g_str_has_suffix(diag->remedy, rows[i].entry));
        }
    }
}

static DpCompat *
compat_of(const char *text, DpDiagList *diags)
{
    DpCompat *compat = dp_compat_new();
    g_autoptr(GError) error = NULL;

    g_assert_true(dp_compat_add(compat, "compatibility", text, strlen(text), diags, &error));
    g_assert_no_error(error);
    return compat;
}

static void
test_compat(void)
{
    static const struct {
        uint16_t vendor, device;
        const char *want; /* NULL: no line is about it */
        bool exact;
    } rows[] = {
        {0x8086, 0x10fb, "supported", true}, {0x8086, 0x1533, "experimental", false},
        {0x15b3, 0x1017, "unlisted", true},  {0x1234, 0x1017, "supported", false},
        {0x1234, 0x5678, NULL, false},
    };
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autoptr(DpCompat) compat =
        compat_of("8086 10FB Supported # 82599ES\r\n8086 ffff experimental\n"
                  "ffff 1017 supported\n15b3 1017 experimental\n"
                  "15b3 1017 unlisted\n",
                  diags);

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        DpSupport support = DP_SUPPORT_UNLISTED;
        bool exact = false;
        bool found = dp_compat_lookup(compat, rows[i].vendor, rows[i].device, &support, &exact);

        g_assert_cmpstr(found ? dp_support_name(support) : NULL, ==, rows[i].want);
        g_assert_cmpint(exact, ==, rows[i].exact);
    }
    g_assert_cmpuint(diags->len, ==, 1);
    g_assert_cmpint(((DpDiag *)diags->pdata[0])->row->id, ==, DP_DIAG_COMPAT_OVERRIDDEN);
}

static void
test_compat_mistakes(void)
{
    static const struct {
        const char *line, *message, *remedy;
    } rows[] = {
        {"8086 10fb suported", "probably 'supported'", "write: 8086 10fb supported"},
        {"8086:10fb supported", "two words", "write: 8086 10fb supported"},
        {"8086:10fb", "two words", "then status, for example: 8086 10fb supported"},
        {"8086 10fb", "2 of three", "write the line as for example: 8086 10fb supported"},
        {"8086 10fb supported here", "4 words, and an entry has three", "put # in front"},
        {"8086 xxxx supported", "stands for an id", "ffff for any"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(DpDiagList) diags = dp_diags_new();
        g_autoptr(DpCompat) compat G_GNUC_UNUSED = compat_of(rows[i].line, diags);
        const DpDiag *diag;

        g_assert_cmpuint(diags->len, ==, 1);
        diag = diags->pdata[0];
        g_assert_cmpint(diag->row->id, ==, DP_DIAG_COMPAT_LINE_NOT_READ);
        if (strstr(diag->message, rows[i].message) == NULL ||
            strstr(diag->remedy, rows[i].remedy) == NULL) {
            g_error("%s: %s; %s", rows[i].line, diag->message, diag->remedy);
        }
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/map/shipped", test_shipped);
    g_test_add_func("/map/specific", test_specific);
    g_test_add_func("/map/two-files", test_two_files);
    g_test_add_func("/map/mistakes", test_mistakes);
    g_test_add_func("/map/words", test_words);
    g_test_add_func("/map/refused", test_refused);
    g_test_add_func("/map/flood", test_flood);
    g_test_add_func("/map/entries", test_entries);
    g_test_add_func("/map/same-meaning", test_same_meaning);
    g_test_add_func("/map/swallowed", test_swallowed);
    g_test_add_func("/compat/lines", test_compat);
    g_test_add_func("/compat/mistakes", test_compat_mistakes);
    return g_test_run();
}
