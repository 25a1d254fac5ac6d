/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "formats/esxconf.h"
#include "test-data.h"

static DpEsxconf *
parse(const char *text, DpDiagList *diags)
{
    g_autoptr(GError) error = NULL;
    DpEsxconf *conf = dp_esxconf_parse("esx.conf", text, strlen(text), diags, &error);

    g_assert_no_error(error);
    return conf;
}

static DpEsxconf *
load(const char *path, DpDiagList *diags)
{
    gsize len = 0;
    g_autofree char *text = test_data(path, &len);
    DpEsxconf *conf = parse(text, diags);
    g_autoptr(GBytes) bytes = dp_esxconf_bytes(conf);

    test_assert_bytes(bytes, text, len);
    return conf;
}

static void
assert_text(const DpEsxconf *conf, const char *want)
{
    g_autoptr(GBytes) bytes = dp_esxconf_bytes(conf);

    test_assert_bytes(bytes, want, strlen(want));
}

static DpAddr
addr_of(const char *text)
{
    DpAddr addr;

    g_assert_true(dp_addr_parse(text, &addr, NULL));
    return addr;
}

/* 'h' host, 'p' passthru, '-' no line. */
static char
owner_of(const DpEsxconf *conf, const char *text)
{
    DpAddr addr = addr_of(text);
    bool present = false;
    DpOwner owner = dp_esxconf_owner(conf, &addr, &present);

    g_assert_cmpint(dp_esxconf_owner(conf, &addr, NULL), ==, owner);
    if (!present) {
        g_assert_cmpint(owner, ==, DP_OWNER_HOST);
        return '-';
    }
    return owner == DP_OWNER_PASSTHRU ? 'p' : 'h';
}

static char *
passthru_of(const DpEsxconf *conf)
{
    g_autoptr(GArray) addrs = dp_esxconf_passthru(conf);
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < addrs->len; i++) {
        char buf[DP_ADDR_LEN];

        g_string_append_printf(text, "%s%s", i > 0 ? " " : "",
                               dp_addr_format(&g_array_index(addrs, DpAddr, i), buf));
    }
    return g_string_free(text, false);
}

static unsigned
count(const DpDiagList *diags, DpDiagId id)
{
    unsigned n = 0;

    for (guint i = 0; i < diags->len; i++) {
        n += ((const DpDiag *)diags->pdata[i])->row->id == id;
    }
    return n;
}

/* Bridges that are owned; lines indented as somebody's listing had them. */
static void
test_bridge_owned(void)
{
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autoptr(DpEsxconf) conf = load("esxconf/bridge-owned.conf", diags);
    g_autofree char *passthru = passthru_of(conf);
    static const char *const hosts[] = {"000:03.2", "000:26.0", "000:26.1", "000:26.2", "000:26.7",
                                        "000:29.0", "000:29.1", "000:29.2", "000:29.7", "000:31.2",
                                        "000:31.5", "002:00.0", "002:00.1", "002:00.2"};
    DpAddr sata = addr_of("000:31.2"), nic = addr_of("000:25.0"), audio = addr_of("000:27.0");

    g_assert_cmpstr(passthru, ==, "0000:00:1b.0 0000:00:1e.0 0000:01:00.0");
    for (size_t i = 0; i < G_N_ELEMENTS(hosts); i++) {
        g_autofree char *host = g_strdup(hosts[i]);

        g_assert_cmpint(owner_of(conf, host), ==, 'h');
    }
    g_assert_cmpint(owner_of(conf, "000:25.0"), ==, '-');
    g_assert_cmpint(owner_of(conf, "003:00.0"), ==, '-');
    g_assert_cmpstr(dp_esxconf_vmkname(conf, &sata), ==, "vmhba0");
    g_assert_cmpstr(dp_esxconf_vmkname(conf, &nic), ==, "vmnic0");
    g_assert_null(dp_esxconf_vmkname(conf, &audio));
    g_assert_cmpuint(diags->len, ==, 1);
    g_assert_true(dp_diags_have(diags, DP_DIAG_ESXCONF_INDENTED));
}

/* A first line without its slash, and /devcie/: kept, noted, and no owner of anything. */
static void
test_damaged(void)
{
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autoptr(DpEsxconf) conf = load("esxconf/damaged.conf", diags);
    g_autofree char *passthru = passthru_of(conf);
    DpAddr nic = addr_of("008:03.1");

    g_assert_cmpstr(passthru, ==, "0000:00:1b.0 0000:00:1e.0");
    g_assert_cmpint(owner_of(conf, "008:01.0"), ==, '-');
    g_assert_cmpint(owner_of(conf, "000:31.5"), ==, 'h');
    g_assert_cmpstr(dp_esxconf_vmkname(conf, &nic), ==, "vmnic3");
    g_assert_cmpuint(diags->len, ==, 3);
    g_assert_cmpstr(((DpDiag *)diags->pdata[0])->subject, ==, "esx.conf:2");
    g_assert_cmpint(((DpDiag *)diags->pdata[0])->row->id, ==, DP_DIAG_ESXCONF_LINE_NOT_READ);
    g_assert_cmpstr(((DpDiag *)diags->pdata[1])->subject, ==, "esx.conf:4");
    g_assert_cmpint(((DpDiag *)diags->pdata[1])->row->id, ==, DP_DIAG_ESXCONF_DEVICE_NOT_READ);
    g_assert_nonnull(strstr(((DpDiag *)diags->pdata[1])->message, "devcie"));
}

static void
test_both_notations(void)
{
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autoptr(DpEsxconf) conf = load("esxconf/both-notations.conf", diags);
    g_autofree char *passthru = passthru_of(conf);

    /* 0000:01:00.0 and 001:00.0 are one function: the last line counts. */
    g_assert_cmpstr(passthru, ==, "0000:af:1f.2 0000:00:02.0 0001:10:00.0");
    g_assert_cmpint(owner_of(conf, "0000:01:00.0"), ==, 'h');
    g_assert_cmpint(owner_of(conf, "0000:04:00.0"), ==, '-'); /* typographic quotes */
    g_assert_cmpint(owner_of(conf, "005:00.0"), ==, 'h');     /* a misspelt owner is the host */
    g_assert_cmpint(owner_of(conf, "000:31.2"), ==, '-');
    g_assert_cmpuint(count(diags, DP_DIAG_ESXCONF_DEVICE_NOT_READ), ==, 2);
    g_assert_cmpuint(count(diags, DP_DIAG_ESXCONF_OWNER_CONTRADICTED), ==, 1);
    g_assert_cmpuint(count(diags, DP_DIAG_ESXCONF_OWNER_UNKNOWN), ==, 1);
    g_assert_cmpuint(diags->len, ==, 4);
    g_assert_cmpstr(dp_esxconf_system_uuid(conf), ==, "473027ac-5705f21d-6d09-000c2918f3dd");
}

static const struct {
    const char *before, *addr;
    int owner; /* -1: remove */
    bool changed;
    const char *after;
} edits[] = {
    {"", "003:00.0", DP_OWNER_PASSTHRU, true, "/device/003:00.0/owner = \"passthru\"\n"},
    {"", "003:00.0", DP_OWNER_HOST, true, "/device/003:00.0/owner = \"vmkernel\"\n"},
    {"", "10000:e1:00.0", DP_OWNER_PASSTHRU, true, "/device/10000:e1:00.0/owner = \"passthru\"\n"},
    {"\t/device/000:27.0/owner\t=\t\"vmkernel\"  \r\nx", "000:27.0", DP_OWNER_PASSTHRU, true,
     "\t/device/000:27.0/owner\t=\t\"passthru\"  \r\nx"},
    {"/device/0000:00:1b.0/owner=\"passthru\"\n", "000:27.0", DP_OWNER_PASSTHRU, false,
     "/device/0000:00:1b.0/owner=\"passthru\"\n"},
    {"/a = \"b\"\r\n/c = \"d\"", "003:00.0", DP_OWNER_PASSTHRU, true,
     "/a = \"b\"\r\n/c = \"d\"\r\n/device/003:00.0/owner = \"passthru\"\r\n"},
    {"/device/003:00.0/owner = “passthru”\n", "003:00.0", DP_OWNER_PASSTHRU, true,
     "/device/003:00.0/owner = “passthru”\n/device/003:00.0/owner = \"passthru\"\n"},
    {"/device/003:00.0/owner = \"x\"\n", "003:00.0", DP_OWNER_HOST, true,
     "/device/003:00.0/owner = \"vmkernel\"\n"},
    /* Of two lines the last counts, so that is the one to edit. */
    {"/device/003:00.0/owner = \"passthru\"\n/device/0000:03:00.0/owner = \"passthru\"\n",
     "003:00.0", DP_OWNER_HOST, true,
     "/device/003:00.0/owner = \"passthru\"\n/device/0000:03:00.0/owner = \"vmkernel\"\n"},
    {"/device/003:00.0/owner = \"a\"\nz\n/device/0000:03:00.0/owner = \"b\"\n", "003:00.0", -1,
     true, "z\n"},
    {"/device/003:00.0/vmkname = \"a\"\n", "003:00.0", -1, false,
     "/device/003:00.0/vmkname = \"a\"\n"},
};

static void
test_edits(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(edits); i++) {
        g_autoptr(DpEsxconf) conf = parse(edits[i].before, NULL);
        DpAddr addr = addr_of(edits[i].addr);
        bool changed;

        if (edits[i].owner < 0) {
            changed = dp_esxconf_remove_owner(conf, &addr);
            g_assert_cmpint(owner_of(conf, edits[i].addr), ==, '-');
        } else {
            changed = dp_esxconf_set_owner(conf, &addr, (DpOwner)edits[i].owner);
            g_assert_cmpint(dp_esxconf_owner(conf, &addr, NULL), ==, edits[i].owner);
        }
        g_assert_cmpint(changed, ==, edits[i].changed);
        assert_text(conf, edits[i].after);
    }
}

static void
test_files_keep_bytes(void)
{
    g_autoptr(DpEsxconf) conf = load("esxconf/crlf-no-end.conf", NULL);
    DpAddr addr = addr_of("003:00.0");
    gsize len = 0;
    g_autofree char *text = test_data("esxconf/crlf-no-end.conf", &len);

    g_assert_true(dp_esxconf_set_owner(conf, &addr, DP_OWNER_HOST));
    g_assert_false(dp_esxconf_set_owner(conf, &addr, DP_OWNER_HOST));
    g_assert_true(dp_esxconf_set_owner(conf, &addr, DP_OWNER_PASSTHRU));
    assert_text(conf, text);
}

static void
test_system_uuid(void)
{
    g_autoptr(DpEsxconf) conf = dp_esxconf_new();
    g_autofree char *made = dp_esxconf_make_system_uuid();
    g_autofree char *again = dp_esxconf_make_system_uuid();
    g_autofree char *vmx = dp_system_uuid_to_vmx("473027ac-5705f21d-6d09-000c2918f3dd");

    g_assert_null(dp_esxconf_system_uuid(conf));
    g_assert_false(dp_esxconf_set_system_uuid(conf, "BYPASS"));
    assert_text(conf, "");
    g_assert_true(dp_esxconf_set_system_uuid(conf, "473027AC-5705-f21d-6d09-000c2918f3dd"));
    assert_text(conf, "/system/uuid = \"473027ac-5705f21d-6d09-000c2918f3dd\"\n");
    g_assert_false(dp_esxconf_set_system_uuid(conf, "473027ac5705f21d6d09000c2918f3dd"));
    g_assert_true(dp_esxconf_set_system_uuid(conf, made));
    g_assert_cmpstr(dp_esxconf_system_uuid(conf), ==, made);
    g_assert_cmpstr(made, !=, again);
    g_assert_cmpuint(strlen(made), ==, 35);
    g_assert_cmpint(made[13], ==, '4'); /* version 4 */
    g_assert_true(made[8] == '-' && made[17] == '-' && made[22] == '-');
    g_assert_cmpstr(vmx, ==, "473027ac-5705-f21d-6d09-000c2918f3dd");
    g_assert_null(dp_system_uuid_to_vmx("473027ac-5705f21d-6d09-000c2918f3d"));
    g_assert_null(dp_system_uuid_to_vmx("473027ac-5705f21d-6d09-000c2918f3ddd"));
    g_assert_true(dp_system_uuid_equal("473027ac-5705f21d-6d09-000c2918f3dd",
                                       "47 30 27 ac 57 05 f2 1d-6d 09 00 0C 29 18 F3 DD"));
    g_assert_false(dp_system_uuid_equal("473027ac-5705f21d-6d09-000c2918f3dd", made));
    g_assert_false(dp_system_uuid_equal("BYPASS", "BYPASS"));
    g_assert_false(dp_system_uuid_equal("", ""));
}

/* A damaged uuid is none, and is put right in its place. */
static void
test_bad_uuid(void)
{
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autoptr(DpEsxconf) conf = parse("/system/uuid = \"473027ac\"\n/z = \"\"\n", diags);

    g_assert_true(dp_diags_have(diags, DP_DIAG_ESXCONF_UUID_INVALID));
    g_assert_null(dp_esxconf_system_uuid(conf));
    g_assert_true(dp_esxconf_set_system_uuid(conf, "473027ac-5705f21d-6d09-000c2918f3dd"));
    assert_text(conf, "/system/uuid = \"473027ac-5705f21d-6d09-000c2918f3dd\"\n/z = \"\"\n");
}

static void
assert_refused(char *bytes, size_t len)
{
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autoptr(GError) error = NULL;

    g_assert_null(dp_esxconf_parse("esx.conf", bytes, len, diags, &error));
    g_assert_error(error, DP_ERROR, DP_ERROR_PARSE);
    g_assert_true(dp_diags_have(diags, DP_DIAG_ESXCONF_UNREADABLE));
    g_free(bytes);
}

static void
test_refused(void)
{
    g_autoptr(DpEsxconf) empty = parse("", NULL);

    assert_refused(g_memdup2("/a = \"\0\"\n", 9), 9);
    assert_refused(g_strnfill(DP_ESXCONF_MAX_BYTES + 1, 'a'), DP_ESXCONF_MAX_BYTES + 1);
    assert_refused(g_strnfill(DP_ESXCONF_MAX_LINES + 1, '\n'), DP_ESXCONF_MAX_LINES + 1);
    assert_text(empty, "");
}

/* Notes about a hostile file are few. */
static void
test_flood(void)
{
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(DpEsxconf) conf = NULL;

    for (unsigned i = 0; i < 20000; i++) {
        g_string_append_printf(text, "x%u\n/devcie/%u/owner\n/device/001:00.0/owner = \"%u\"\n", i,
                               i, i);
    }
    conf = parse(text->str, diags);
    g_assert_cmpuint(diags->len, <, 250);
    g_assert_cmpint(owner_of(conf, "001:00.0"), ==, 'h');
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/esxconf/bridge-owned", test_bridge_owned);
    g_test_add_func("/esxconf/damaged", test_damaged);
    g_test_add_func("/esxconf/both-notations", test_both_notations);
    g_test_add_func("/esxconf/edits", test_edits);
    g_test_add_func("/esxconf/files-keep-bytes", test_files_keep_bytes);
    g_test_add_func("/esxconf/system-uuid", test_system_uuid);
    g_test_add_func("/esxconf/bad-uuid", test_bad_uuid);
    g_test_add_func("/esxconf/refused", test_refused);
    g_test_add_func("/esxconf/flood", test_flood);
    return g_test_run();
}
