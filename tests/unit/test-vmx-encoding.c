/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmx-text.h"

#include "formats/vmx-encoding.h"

#include <string.h>

static void
test_encoding(void)
{
    static const struct {
        const char *text, *shown;
    } rows[] = {
        {"n = \"\xc3\xa4\"", "\xc3\xa4"},
        {".encoding = \"UTF-8\"\nn = \"\xce\xbb\"", "\xce\xbb"},
        {".encoding = \"windows-1252\"\nn = \"\xe4\x80\"", "\xc3\xa4\xe2\x82\xac"},
        /* Valid UTF-8 by chance: the key decides. */
        {".encoding = \"GBK\"\nn = \"\xce\xbb\"", "\xe4\xbd\x8d"},
        {"n = \"\xce\xbb\"\n.ENCODING = gbk", "\xe4\xbd\x8d"},
        {".encoding = \"Shift_JIS\"\nn = \"\x83|7Cx\"", "\xe3\x83\x9dx"},
        {".encoding = \"windows-949-2000\"\nn = \"\xb0\xa1\"", "\xea\xb0\x80"},
        {".encoding = \"Big5\"\nn = \"\xa4\xa4\"", "\xe4\xb8\xad"},
        {".encoding = \"windows-1252\"\nn = \"a|1Bb\"", "a\\x1b"
                                                        "b"},
        {".encoding = \"GBK\"\nn = \"\xce\"", "\\xce"},
        {".encoding = \"Klingon\"\nn = \"\xce\xbb|0A\xff\"", "\xce\xbb\\x0a\\xff"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(DpDiagList) diags = dp_diags_new();
        g_autoptr(DpVmx) vmx = parse(rows[i].text, diags);
        const DpVmxEntry *entry = dp_vmx_lookup(vmx, "n");
        const char *encoding = dp_vmx_get(vmx, ".encoding");

        g_assert_cmpstr(entry->shown, ==, rows[i].shown);
        g_assert_cmpint(dp_diags_have(diags, DP_DIAG_VMX_ENCODING_UNKNOWN), ==,
                        g_strcmp0(encoding, "Klingon") == 0);
        assert_bytes(vmx, rows[i].text);
    }
}

/* Every name that a converter of this machine must exist for. */
static void
test_encoding_names(void)
{
    static const char *const names[] = {
        "UTF-8",
        "utf8",
        "US-ASCII",
        "windows-1250",
        "windows-1251",
        "windows-1252",
        "windows-1253",
        "windows-1254",
        "windows-1255",
        "windows-1256",
        "windows-1257",
        "windows-1258",
        "windows-874",
        "windows-936",
        "windows-949-2000",
        "windows-950",
        "GBK",
        "gb2312",
        "GB18030",
        "Big5",
        "Big5-HKSCS",
        "Shift_JIS",
        "MS_Kanji",
        "windows-31j",
        "ibm-943_P15A-2003",
        "EUC-JP",
        "EUC-KR",
        "KOI8-R",
        "ISO-8859-1",
        "ISO-8859-2",
        "ISO-8859-5",
        "ISO-8859-7",
        "ISO-8859-9",
        "ISO-8859-15",
        "ibm-5348_P100-1997",
        "windows-936-2000",
    };
    static const char *const unknown[] = {"", "-", "utf", "UTF-16", "UTF-7", "windows", "x"};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(DpVmxEncoding) encoding = dp_vmx_encoding_new(names[i]);
        g_autofree char *shown = dp_vmx_encoding_show(encoding, "plain", NULL);

        if (!dp_vmx_encoding_known(encoding)) {
            g_error("%s is not known", names[i]);
        }
        g_assert_cmpstr(shown, ==, "plain");
    }
    for (size_t i = 0; i < G_N_ELEMENTS(unknown); i++) {
        g_autoptr(DpVmxEncoding) encoding = dp_vmx_encoding_new(unknown[i]);

        g_assert_false(dp_vmx_encoding_known(encoding));
    }
}

static void
test_encoding_edit(void)
{
    g_autoptr(DpVmx) vmx = parse("n = \"\xce\xbb\"\n", NULL);

    g_assert_cmpstr(dp_vmx_lookup(vmx, "n")->shown, ==, "\xce\xbb");
    g_assert_true(dp_vmx_set(vmx, ".Encoding", "GBK", NULL));
    g_assert_cmpstr(dp_vmx_lookup(vmx, "n")->shown, ==, "\xe4\xbd\x8d");
    g_assert_true(dp_vmx_remove(vmx, ".encoding"));
    g_assert_cmpstr(dp_vmx_lookup(vmx, "n")->shown, ==, "\xce\xbb");
}

static void
test_encoding_notes(void)
{
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autoptr(DpVmx) vmx = parse("\xef\xbb\xbf.encoding = \"UTF-8\"\nn = \"\xe5\xa4?\"\n", diags);

    g_assert_cmpuint(diags->len, ==, 2);
    g_assert_cmpint(find(diags, DP_DIAG_VMX_BOM)->severity, ==, DP_NOTE);
    g_assert_cmpstr(find(diags, DP_DIAG_VMX_VALUE_NOT_IN_ENCODING)->subject, ==, "t.vmx:2");
    g_assert_cmpstr(dp_vmx_get(vmx, ".encoding"), ==, "UTF-8");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vmx-encoding/values", test_encoding);
    g_test_add_func("/vmx-encoding/names", test_encoding_names);
    g_test_add_func("/vmx-encoding/edit", test_encoding_edit);
    g_test_add_func("/vmx-encoding/notes", test_encoding_notes);
    return g_test_run();
}
