/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole files: each of tests/data/vmx shows one trait of real VMX files. Where a folder of real
 * files lies beside the project (../shared/corpus, or DIRECTPATH_CORPUS), they are tried too.
 */
#include "formats/esxconf.h"
#include "formats/lines.h"
#include "formats/map.h"
#include "formats/vmx.h"
#include "test-data.h"

/* What a file must give: number of entries, ids of its diagnostics in their order, and one value as
 * it is shown. */
static const struct {
    const char *file;
    unsigned entries;
    const char *diags;
    const char *key, *shown;
} rows[] = {
    {"bare.vmx", 7, "", "UUID.action", "\xe2\x80\x9ckeep\xe2\x80\x9d"},
    {"bom.vmx", 3, "3010", "displayname",
     "\xc3\x9c"
     "bung"},
    {"comments.vmx", 5, "", "annotation", "a # b"},
    {"controllers.vmx", 61, "", "displayName", "every controller"},
    {"conventional.vmx", 40, "", "pciPassthru0.pciSlotNumber", "33"},
    {"counting-down.vmx", 45, "", "pciPassthru30.pciSlotNumber", "256"},
    {"cr.vmx", 4, "", "displayName", "from an old Mac"},
    {"crlf.vmx", 5, "", "displayName", "from Windows"},
    {"desktop.vmx", 46, "", "displayName", "a desktop"},
    {"duplicate.vmx", 4, "3006 3007", "memsize", "1024"},
    {"dynamic.vmx", 26, "", "pciPassthru0.alloweddevices", "0x10de:0x20f1"},
    {"escapes.vmx", 4, "", "annotation", "first\\x0asecond\\x0dthird || |2 |zz ||22 |2|22 end|"},
    {"esx3.vmx", 15, "", "displayName", "from ESX 3"},
    {"esx4-linux.vmx", 54, "", "pciPassthru1.pciSlotNumber", "192"},
    {"esx4-windows.vmx", 43, "", "pciPassthru0.pciSlotNumber", "160"},
    {"esxi55-gpu.vmx", 55, "", "pciPassthru1.pciSlotNumber", "256"},
    {"esxi65-hba.vmx", 46, "", "pciPassthru0.pciSlotNumber", "224"},
    {"esxi67-nvme.vmx", 57, "", "pciPassthru3.pciSlotNumber", "1216"},
    {"esxi70-efi-gpu.vmx", 50, "", "pciPassthru0.pciSlotNumber", "224"},
    {"esxi80-eight.vmx", 81, "", "pciPassthru7.pciSlotNumber", "2208"},
    {"gbk.vmx", 4, "", "displayName", "64 \xe4\xbd\x8d"},
    {"interfaces.vmx", 89, "", "displayName", "ten interfaces"},
    {"korean.vmx", 3, "", "displayName", "\xec\x8b\x9c\xed\x97\x98 \xeb\x98\xa0"},
    {"lost-quote.vmx", 4, "3009 3005", "sharedFolder0.guestName", "\xe5\x85\xb1\\xe5\\xa4?"},
    {"lower-case.vmx", 7, "", "pciPassthru0.msiEnabled", "false"},
    {"mixed-ends.vmx", 4, "", "c", "3"},
    {"no-encoding.vmx", 2, "", "displayName",
     "\xc3\x9c"
     "bung \xce\xbb"},
    {"no-end.vmx", 3, "", "memSize", "4096"},
    {"passthru.vmx", 31, "", "pciPassthru0.id", "00000:101:00.0"},
    {"ports.vmx", 23, "", "displayName", "ports"},
    {"raised-by-hand.vmx", 16, "", "displayName", "raised from 4"},
    {"script.vmx", 4, "", "virtualHW.version", "9"},
    {"shift-jis.vmx", 4, "", "annotation", "\xe3\x83\x9d"},
    {"sriov.vmx", 38, "", "pciPassthru31.pciSlotNumber", "1184"},
    {"star.vmx", 5, "", "pciPassthru*.present", "FALSE"},
    {"stub.vmx", 27, "", "pciPassthru26.pciSlotNumber", "-1"},
    {"suspended.vmx", 36, "", "displayName", "was suspended"},
    {"template.vmx", 4, "3005 3005 3005", "memsize", "{{ memory }}"},
    {"truncated.vmx", 3, "3004 3005", "memsize", "1024"},
    {"unknown-encoding.vmx", 3, "3008", "displayName", "\\xf1\\xf2"},
    {"upper-case.vmx", 4, "", "pciPassthru0.present", "TRUE"},
    {"values.vmx", 7, "", "sched.mem.max", "unlimited"},
    {"vgpu.vmx", 8, "", "pciPassthru0.cfg.enable_uvm", "1"},
    {"windows-1252.vmx", 3, "", "displayName",
     "B\xc3\xbcro \xe2\x80\x93 Z\xc3\xbcrich \xe2\x82\xac"},
};

static char *
ids_of(const DpDiagList *diags)
{
    GString *ids = g_string_new(NULL);

    for (guint i = 0; i < diags->len; i++) {
        g_string_append_printf(ids, "%s%d", i > 0 ? " " : "",
                               (int)((const DpDiag *)diags->pdata[i])->row->id);
    }
    return g_string_free(ids, false);
}

/* Asserts that @before and @after differ in the bytes of line @number only, a byte order mark of
 * @before apart. */
static void
assert_one_line(const char *before, gsize n_before, GBytes *after, unsigned number)
{
    gsize skip = dp_bytes_have_bom(before, n_before) ? DP_BOM_LEN : 0, n_after = 0;
    const char *data = g_bytes_get_data(after, &n_after);
    DpLines old = dp_lines_of(before + skip, n_before - skip);
    DpLines new = dp_lines_of(data, n_after);
    DpLine x, y;
    unsigned changed = 0;

    while (dp_lines_next(&old, &x)) {
        g_assert_true(dp_lines_next(&new, &y));
        g_assert_cmpstr(x.end, ==, y.end);
        if (x.len != y.len || memcmp(x.text, y.text, x.len) != 0) {
            g_assert_cmpuint(x.number, ==, number);
            changed++;
        }
    }
    g_assert_false(dp_lines_next(&new, &y));
    g_assert_cmpuint(changed, ==, 1);
}

/* Reads, writes the same bytes, and an edit of any one key changes its line and nothing else. */
static void
check_vmx(const char *name, const char *bytes, gsize len, DpDiagList *diags)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DpVmx) whole = dp_vmx_parse(name, bytes, len, diags, &error);
    g_autoptr(GBytes) same = NULL;

    g_assert_no_error(error);
    same = dp_vmx_bytes(whole);
    test_assert_bytes(same, bytes, len);
    for (size_t i = 0; i < dp_vmx_n_entries(whole); i++) {
        g_autoptr(DpVmx) vmx = dp_vmx_parse(name, bytes, len, NULL, NULL);
        const DpVmxEntry *entry = dp_vmx_entry(whole, i);
        g_autoptr(GBytes) after = NULL;

        g_assert_true(dp_vmx_set(vmx, entry->key, "another value", &error));
        g_assert_cmpstr(dp_vmx_get(vmx, entry->key), ==, "another value");
        after = dp_vmx_bytes(vmx);
        assert_one_line(bytes, len, after, dp_vmx_lookup(whole, entry->key)->line);
    }
}

static void
test_file(gconstpointer data)
{
    size_t row = GPOINTER_TO_SIZE(data);
    g_autofree char *path = g_build_filename("vmx", rows[row].file, NULL);
    gsize len = 0;
    g_autofree char *bytes = test_data(path, &len), *ids = NULL;
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autoptr(DpVmx) vmx = dp_vmx_parse(rows[row].file, bytes, len, NULL, NULL);

    check_vmx(rows[row].file, bytes, len, diags);
    ids = ids_of(diags);
    g_assert_cmpstr(ids, ==, rows[row].diags);
    g_assert_cmpuint(dp_vmx_n_entries(vmx), ==, rows[row].entries);
    g_assert_nonnull(dp_vmx_lookup(vmx, rows[row].key));
    g_assert_cmpstr(dp_vmx_lookup(vmx, rows[row].key)->shown, ==, rows[row].shown);
}

/* No file of the folder is without its row. */
static void
test_all_listed(void)
{
    g_autofree char *path = g_build_filename(g_getenv("DP_TEST_DATA"), "vmx", NULL);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;
    unsigned n = 0;

    g_assert_nonnull(dir);
    while ((name = g_dir_read_name(dir)) != NULL) {
        bool listed = false;

        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
            listed = listed || strcmp(rows[i].file, name) == 0;
        }
        if (!listed) {
            g_error("%s has no row in this test", name);
        }
        n++;
    }
    g_assert_cmpuint(n, ==, G_N_ELEMENTS(rows));
}

/* Runs @check on each file of @folder of the corpus. */
static void
each_of(const char *folder, void (*check)(const char *name, const char *bytes, gsize len))
{
    g_autofree char *path = g_build_filename(g_getenv("DIRECTPATH_CORPUS"), folder, NULL);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;
    unsigned n = 0;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *file = g_build_filename(path, name, NULL);
        g_autofree char *bytes = NULL;
        gsize len = 0;

        if (g_file_test(file, G_FILE_TEST_IS_REGULAR) &&
            g_file_get_contents(file, &bytes, &len, NULL)) {
            check(name, bytes, len);
            n++;
        }
    }
    g_test_message("%s: %u files", folder, n);
}

/* ESX and its relatives read these, so nothing in them is an error here. */
static void
check_corpus_vmx(const char *name, const char *bytes, gsize len)
{
    g_autoptr(DpDiagList) diags = dp_diags_new();

    check_vmx(name, bytes, len, diags);
    for (guint i = 0; i < diags->len; i++) {
        const DpDiag *diag = diags->pdata[i];

        if (diag->severity != DP_NOTE) {
            g_error("%s: %s", diag->subject, diag->message);
        }
    }
}

/* Pieced together from several sources: keys may repeat. */
static void
check_corpus_fragment(const char *name, const char *bytes, gsize len)
{
    check_vmx(name, bytes, len, NULL);
}

static void
check_corpus_esxconf(const char *name, const char *bytes, gsize len)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DpEsxconf) conf = dp_esxconf_parse(name, bytes, len, NULL, &error);
    g_autoptr(GBytes) same = NULL;
    g_autoptr(GArray) passthru = NULL;

    g_assert_no_error(error);
    same = dp_esxconf_bytes(conf);
    test_assert_bytes(same, bytes, len);
    passthru = dp_esxconf_passthru(conf);
    g_assert_cmpuint(passthru->len, >, 0);
}

static void
check_corpus_map(const char *name, const char *bytes, gsize len)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DpMap) map = dp_map_new();

    g_assert_true(dp_map_add(map, name, bytes, len, NULL, &error));
    g_assert_no_error(error);
}

static void
test_corpus(void)
{
    each_of("vmx", check_corpus_vmx);
    each_of("vmx/frag", check_corpus_fragment);
    each_of("esxconf", check_corpus_esxconf);
    each_of("map", check_corpus_map);
}

int
main(int argc, char **argv)
{
    g_autofree char *beside =
        g_build_filename(g_getenv("DP_TEST_DATA"), "../../../shared/corpus", NULL);

    g_test_init(&argc, &argv, NULL);
    (void)g_setenv("DIRECTPATH_CORPUS", beside, false);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/vmx-files/%s", rows[i].file);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_file);
    }
    g_test_add_func("/vmx-files/all-listed", test_all_listed);
    if (g_file_test(g_getenv("DIRECTPATH_CORPUS"), G_FILE_TEST_IS_DIR)) {
        g_test_add_func("/vmx-files/corpus", test_corpus);
    }
    return g_test_run();
}
