/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmx-text.h"

#include "formats/vmx-line.h"

#include <string.h>
#include <time.h>

static unsigned
count(const DpDiagList *diags, DpDiagId id)
{
    unsigned n = 0;

    for (guint i = 0; i < diags->len; i++) {
        n += ((const DpDiag *)diags->pdata[i])->row->id == id;
    }
    return n;
}

/* What VMware's dictionary layer makes of one line; NULL name: kept and not read. */
static const struct {
    const char *line, *name, *value;
} vectors[] = {
    {"a = \"b\"", "a", "b"},
    {"a=\"b\"", "a", "b"},
    {"  \ta\t=\t\"b\"\t # c", "a", "b"},
    {"a = b", "a", "b"},
    {"a = b c", NULL, NULL},
    {"a =", "a", ""},
    {"a = # c", "a", ""},
    {"a = \"\"", "a", ""},
    {"a = \"b\" c", NULL, NULL},
    {"a = \"b\"c", NULL, NULL},
    {"a = \"b\"#c", "a", "b"},
    {"a = \"b", NULL, NULL},
    {"a = \"", NULL, NULL},
    {"a = b\"c", "a", "b\"c"},
    {"a = \"x # y\"", "a", "x # y"},
    {"a = x#y", "a", "x"},
    {"#!/usr/bin/vmware", NULL, NULL},
    {"# c", NULL, NULL},
    {"", NULL, NULL},
    {"   ", NULL, NULL},
    {"a", NULL, NULL},
    {"= \"b\"", NULL, NULL},
    {"a b = \"c\"", NULL, NULL},
    {"a#b = \"c\"", NULL, NULL},
    {"a\"b = \"c\"", "a\"b", "c"},
    {"\"a\" = \"b\"", "\"a\"", "b"},
    {"a = 'b'", "a", "'b'"},
    {"a = 'b c'", NULL, NULL},
    {"a == \"b\"", NULL, NULL},
    {"a ==b", "a", "=b"},
    {"a = = \"b\"", NULL, NULL},
    {"a = \"|22q|22\"", "a", "\"q\""},
    {"a = \"|7C\"", "a", "|"},
    {"a = \"|7c\"", "a", "|"},
    {"a = |7cx", "a", "|x"},
    {"a = \"x|\"", "a", "x|"},
    {"a = \"x|2\"", "a", "x|2"},
    {"a = \"x|zz\"", "a", "x|zz"},
    {"a = \"||22\"", "a", "||22"},
    {"a = \"|2|22\"", "a", "|2|22"},
    {"a = \"|7C22\"", "a", "|22"},
    {"a = \"|22|\"", "a", "\"|"},
    {"a = \"|0\"", "a", "|0"},
    {"a = \"|g22\"", "a", "|g22"},
    {"a = \"|g|22\"", "a", "|g\""},
    {"a = \"|00tail\"", "a", ""},
    {"a = \xe2\x80\x9ckeep\xe2\x80\x9d", "a", "\xe2\x80\x9ckeep\xe2\x80\x9d"},
    {"uuid.action =keep", "uuid.action", "keep"},
    {"pciPassthru*.present = \"TRUE\"", "pciPassthru*.present", "TRUE"},
    {"{%- else -%}", NULL, NULL},
    /* VMware's line layer splits at LF only and finds these two malformed, or with CR in the value;
     * its file reader ends a line at CR before that, and so do we. */
    {"a = \"b\"\r", "a", "b"},
    {"a = b\r", "a", "b"},
    /* Without its helper, VMware's BOM becomes a part of the name; we read over it. */
    {"\xef\xbb\xbf"
     "a = \"b\"",
     "a", "b"},
};

static void
test_vectors(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(vectors); i++) {
        static const char *const ends[] = {"", "\n", "\r\n"};

        for (size_t k = 0; k < G_N_ELEMENTS(ends); k++) {
            g_autofree char *text =
                g_strdup_printf("%s%s%s", vectors[i].line, ends[k], *ends[k] ? "z = 1\n" : "");
            g_autoptr(GError) error = NULL;
            g_autoptr(DpVmx) vmx = dp_vmx_parse("t.vmx", text, strlen(text), NULL, &error);
            const DpVmxEntry *entry;

            if (vmx == NULL) {
                g_assert_error(error, DP_ERROR, DP_ERROR_PARSE); /* nothing but white space */
                continue;
            }
            entry = dp_vmx_n_entries(vmx) > 0 ? dp_vmx_entry(vmx, 0) : NULL;
            entry = entry != NULL && entry->line == 1 ? entry : NULL;
            g_assert_cmpstr(entry != NULL ? entry->key : NULL, ==, vectors[i].name);
            g_assert_cmpstr(entry != NULL ? entry->value : NULL, ==, vectors[i].value);
            assert_bytes(vmx, text);
        }
    }
}

static void
test_escape(void)
{
    g_autofree char *text = dp_vmx_escape("a\tb\n\"|\x7f\xff\x01#=\\");
    g_autofree char *back = dp_vmx_unescape(text, strlen(text));

    g_assert_cmpstr(text, ==, "a\tb|0A|22|7C|7F\xff|01#=\\");
    g_assert_cmpstr(back, ==, "a\tb\n\"|\x7f\xff\x01#=\\");
}

/* Which lines a person hears about: not the blank ones, not the comments. */
static void
test_malformed(void)
{
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autoptr(DpVmx) vmx =
        parse("#!/usr/bin/vmware\n\n  # c\na = 1\nb c = 2\nd = \"x\ne = 3\n", diags);

    g_assert_cmpuint(diags->len, ==, 2);
    g_assert_cmpint(((DpDiag *)diags->pdata[0])->severity, ==, DP_NOTE);
    g_assert_cmpstr(((DpDiag *)diags->pdata[0])->subject, ==, "t.vmx:5");
    g_assert_cmpstr(((DpDiag *)diags->pdata[1])->subject, ==, "t.vmx:6");
    g_assert_nonnull(strstr(((DpDiag *)diags->pdata[1])->cause, "quote"));
    g_assert_cmpuint(dp_vmx_n_entries(vmx), ==, 2);
    g_assert_cmpuint(dp_vmx_entry(vmx, 1)->line, ==, 7);
    g_assert_cmpstr(dp_vmx_name(vmx), ==, "t.vmx");
}

static void
test_refused(void)
{
    static const struct {
        const char *bytes;
        size_t len;
        DpDiagId id;
    } rows[] = {
        {"", 0, DP_DIAG_VMX_EMPTY},
        {" \r\n\t\n", 5, DP_DIAG_VMX_EMPTY},
        {"\xef\xbb\xbf", 3, DP_DIAG_VMX_EMPTY},
        {"a = \"b\0c\"\n", 10, DP_DIAG_VMX_BINARY},
        {"\x7f"
         "ELF\x02\x01\x01\0",
         8, DP_DIAG_VMX_BINARY},
        {"\xff\xfe=\0", 4, DP_DIAG_VMX_BINARY},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(DpDiagList) diags = dp_diags_new();
        g_autoptr(GError) error = NULL;

        g_assert_null(dp_vmx_parse("t.vmx", rows[i].bytes, rows[i].len, diags, &error));
        g_assert_error(error, DP_ERROR, DP_ERROR_PARSE);
        g_assert_cmpuint(diags->len, ==, 1);
        g_assert_true(dp_diags_have(diags, rows[i].id));
        g_assert_true(dp_diags_have_error(diags));
        g_assert_cmpstr(((DpDiag *)diags->pdata[0])->subject, ==, "t.vmx");
    }
}

static void
assert_too_large(char *bytes, size_t len)
{
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autoptr(GError) error = NULL;
    clock_t start = clock();

    g_assert_null(dp_vmx_parse("t.vmx", bytes, len, diags, &error));
    g_assert_error(error, DP_ERROR, DP_ERROR_PARSE);
    g_assert_true(dp_diags_have(diags, DP_DIAG_VMX_TOO_LARGE));
    g_assert_cmpint(clock() - start, <, 5 * CLOCKS_PER_SEC);
    g_free(bytes);
}

static void
test_too_large(void)
{
    size_t huge = 100u << 20;
    char *lines = g_strnfill(DP_VMX_MAX_LINES + 2, '\n');

    lines[0] = 'a';
    assert_too_large(g_strnfill(huge, 'a'), huge);
    assert_too_large(lines, DP_VMX_MAX_LINES + 2);
    assert_too_large(g_strnfill(DP_VMX_MAX_LINE_BYTES + 1, 'a'), DP_VMX_MAX_LINE_BYTES + 1);
}

static void
test_truncated(void)
{
    static const struct {
        const char *text;
        bool truncated;
    } rows[] = {
        {"a = \"1\"\nb = \"2", true},
        {"a = \"1\"\nmems", true},
        {"a = \"1\"\nb = \"2\"", false}, /* the last line may lack its end */
        {"a = \"1\"\n# b", false},
        {"a = \"1\"\nb = \"2\n", false}, /* a lost quote, but a whole line */
        {"a = \"1", false},              /* one line shows nothing */
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(DpDiagList) diags = dp_diags_new();
        g_autoptr(DpVmx) vmx = parse(rows[i].text, diags);

        g_assert_cmpint(dp_diags_have(diags, DP_DIAG_VMX_TRUNCATED), ==, rows[i].truncated);
        assert_bytes(vmx, rows[i].text);
    }
}

static void
test_duplicates(void)
{
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autoptr(DpVmx) vmx =
        parse("memSize = \"512\"\nA = \"x\"\nMEMSIZE = 1024\na = \"x\"\n", diags);
    const DpDiag *diag = find(diags, DP_DIAG_VMX_KEY_CONTRADICTED);

    g_assert_cmpuint(diags->len, ==, 2);
    g_assert_cmpint(diag->severity, ==, DP_ERROR_SEVERITY);
    g_assert_cmpstr(diag->subject, ==, "t.vmx:3");
    g_assert_cmpstr(diag->message, ==, "MEMSIZE is '512' on line 1 and '1024' on line 3");
    diag = find(diags, DP_DIAG_VMX_KEY_REPEATED);
    g_assert_cmpint(diag->severity, ==, DP_WARNING);
    g_assert_nonnull(strstr(diag->message, "line 2"));
    g_assert_nonnull(strstr(diag->message, "line 4"));
    g_assert_cmpstr(dp_vmx_get(vmx, "memsize"), ==, "512"); /* the first */
    g_assert_true(dp_vmx_remove(vmx, "memsize"));
    assert_bytes(vmx, "A = \"x\"\na = \"x\"\n");
}

static void
test_secrets(void)
{
    static const char text[] = "RemoteDisplay.vnc.password = \"hunter2\"\n"
                               "remotedisplay.VNC.password = \"hunter22\"\n"
                               "  RemoteDisplay.vnc.password \"hunter2\"\n"
                               "RemoteDisplay.vnc.password = \"hunter2";
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autoptr(DpVmx) vmx = parse(text, diags);

    g_assert_cmpuint(diags->len, >=, 3);
    for (guint i = 0; i < diags->len; i++) {
        const DpDiag *diag = diags->pdata[i];

        g_assert_null(strstr(diag->message, "hunter2"));
    }
    g_assert_cmpstr(dp_vmx_get(vmx, "RemoteDisplay.vnc.password"), ==, "hunter2");
}

/* 100,000 equal keys: a bounded list, in time that grows with the file. */
static void
test_flood(void)
{
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(DpVmx) vmx = NULL;
    clock_t start;

    for (unsigned i = 0; i < DP_VMX_MAX_LINES - 1; i++) {
        g_string_append_printf(text, i % 2 == 0 ? "k = %u\n" : "bad %u\n", i);
    }
    start = clock();
    vmx = parse(text->str, diags);
    g_assert_cmpint(clock() - start, <, 20 * CLOCKS_PER_SEC);
    g_assert_cmpuint(count(diags, DP_DIAG_VMX_LINE_MALFORMED), ==, DP_NOTES_MAX + 1);
    g_assert_cmpuint(count(diags, DP_DIAG_VMX_KEY_CONTRADICTED), ==, DP_NOTES_MAX + 1);
    g_assert_cmpuint(diags->len, ==, 2 * (DP_NOTES_MAX + 1));
}

static void
test_lookup(void)
{
    g_autoptr(DpVmx) vmx = parse("PCIPASSTHRU0.ID = \"00000:003:00.0\"\nb = 2\n", NULL);
    const DpVmxEntry *entry = dp_vmx_lookup(vmx, "pciPassthru0.id");

    g_assert_nonnull(entry);
    g_assert_cmpstr(entry->key, ==, "PCIPASSTHRU0.ID");
    g_assert_cmpuint(entry->line, ==, 1);
    g_assert_null(dp_vmx_lookup(vmx, "pciPassthru0.i"));
    g_assert_null(dp_vmx_get(vmx, ""));
}

static void
test_typed(void)
{
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autoptr(DpVmx) vmx = parse("t = \"true\"\nf = FALSE\ny = \"yes\"\nn = \"4096\"\nm = \"-1\"\n"
                                 "h = \"0x10\"\ns = \" 4\"\nbig = \"99999999999999999999\"\ne =\n",
                                 NULL);
    static const char *const not_number[] = {"t", "h", "s", "big", "e"};
    bool flag = false;
    int64_t number = 7;

    g_assert_true(dp_vmx_get_bool(vmx, "T", &flag, diags) && flag);
    g_assert_true(dp_vmx_get_bool(vmx, "f", &flag, diags) && !flag);
    g_assert_false(dp_vmx_get_bool(vmx, "none", &flag, diags));
    g_assert_true(dp_vmx_get_int(vmx, "n", 4, 8192, &number, diags) && number == 4096);
    g_assert_true(dp_vmx_get_int(vmx, "m", -1, 8191, &number, diags) && number == -1);
    g_assert_false(dp_vmx_get_int(vmx, "none", 0, 9, &number, diags));
    g_assert_cmpuint(diags->len, ==, 0);
    flag = true;
    g_assert_false(dp_vmx_get_bool(vmx, "y", &flag, diags));
    g_assert_true(flag);
    g_assert_cmpstr(find(diags, DP_DIAG_VMX_NOT_BOOLEAN)->subject, ==, "t.vmx:3");
    g_assert_nonnull(strstr(find(diags, DP_DIAG_VMX_NOT_BOOLEAN)->message, "yes"));
    g_assert_false(dp_vmx_get_int(vmx, "n", 4, 4095, &number, diags));
    for (size_t i = 0; i < G_N_ELEMENTS(not_number); i++) {
        g_assert_false(dp_vmx_get_int(vmx, not_number[i], -1, INT64_MAX, &number, diags));
    }
    g_assert_cmpint(number, ==, -1);
    g_assert_cmpuint(count(diags, DP_DIAG_VMX_NOT_NUMBER), ==, 6);
}

/* One edit: the file before, the key, the value (NULL: remove), the file after. */
static const struct {
    const char *before, *key, *value, *after;
} edits[] = {
    {"a = \"1\"\nB\t=\t\"2\"\t# why\r\nc = 3\n", "b", "x",
     "a = \"1\"\nB\t=\t\"x\"\t# why\r\nc = 3\n"},
    {"a = 1 # c\n", "A", "2", "a = \"2\" # c\n"},
    {"a = 1#c\n", "a", "2", "a = \"2\"#c\n"},
    {"a = TRUE\n", "a", "TRUE", "a = TRUE\n"}, /* it says so already */
    {"a =\n", "a", "2", "a = \"2\"\n"},
    {"a =# c\n", "a", "2", "a = \"2\" # c\n"},
    {"a = # c\r", "a", "2", "a = \"2\" # c\r"},
    {"a =   \n", "a", "2", "a = \"2\"   \n"},
    {"a = \"\"\n", "a", "2", "a = \"2\"\n"},
    {"a = \"1\"", "a", "q\"|\n", "a = \"q|22|7C|0A\""},
    {"uuid.action =keep", "UUID.action", "create", "uuid.action =\"create\""},
    {"a = 1", "b", "2", "a = 1\nb = \"2\"\n"},
    {"a = 1\r\nc = 1", "b", "2", "a = 1\r\nc = 1\r\nb = \"2\"\r\n"},
    {"a = 1\r", "b", "2", "a = 1\rb = \"2\"\r"},
    {"a.b = 1\r# c\n\n", "a.c", "2", "a.b = 1\ra.c = \"2\"\r# c\n\n"},
    {"# c\n", "b", "2", "# c\nb = \"2\"\n"},
    {"pciPassthru0.id = 1\r\nz = 1\n", "pciPassthru0.present", "TRUE",
     "pciPassthru0.id = 1\r\npciPassthru0.present = \"TRUE\"\r\nz = 1\n"},
    {"PCIPASSTHRU1.id = 1\npciPassthru10.id = 2\nz = 1\n", "pciPassthru1.present", "TRUE",
     "PCIPASSTHRU1.id = 1\npciPassthru1.present = \"TRUE\"\npciPassthru10.id = 2\nz = 1\n"},
    {"p.cfg.a = 1\np.id = 2\nz = 1\n", "p.cfg.b", "",
     "p.cfg.a = 1\np.cfg.b = \"\"\np.id = 2\nz = 1\n"},
    {"p.id = 2\nz = 1\n", "p.cfg.b", "3", "p.id = 2\np.cfg.b = \"3\"\nz = 1\n"},
    {"a.b = 1", "a.c", "2", "a.b = 1\na.c = \"2\"\n"},
    {"a = 1\nx y\nb = 2", "B", NULL, "a = 1\nx y\n"},
    {"a = 1\nb = 2\nA = 3\n", "a", NULL, "b = 2\n"},
    {"a = 1\n", "b", NULL, "a = 1\n"},
    {"# c\rb = 1\n\nz = 1", "b", NULL, "# c\r\nz = 1"},
    {"a = 1\n", "a", NULL, ""},
    {"\xef\xbb\xbf"
     "a = 1\nb = 1\n",
     "b", "2", "a = 1\nb = \"2\"\n"},
    {"\xef\xbb\xbf"
     "a = 1\nb = 1\n",
     "b", "1",
     "\xef\xbb\xbf"
     "a = 1\nb = 1\n"},
};

static void
test_edits(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(edits); i++) {
        g_autoptr(DpVmx) vmx = parse(edits[i].before, NULL);
        g_autoptr(GError) error = NULL;

        if (edits[i].value == NULL) {
            bool found = dp_vmx_get(vmx, edits[i].key) != NULL;

            g_assert_cmpint(dp_vmx_remove(vmx, edits[i].key), ==, found);
        } else {
            g_assert_true(dp_vmx_set(vmx, edits[i].key, edits[i].value, &error));
            g_assert_no_error(error);
        }
        g_assert_cmpstr(dp_vmx_get(vmx, edits[i].key), ==, edits[i].value);
        assert_bytes(vmx, edits[i].after);
    }
}

static void
test_bad_keys(void)
{
    static const char *const keys[] = {"",    "a b",  "a\tb", "#a",           "a#",
                                       "a=b", "a\nb", "a\rb", "\xef\xbb\xbfz"};
    g_autoptr(DpVmx) vmx = parse("a = 1\n", NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_false(dp_vmx_set(vmx, keys[i], "2", &error));
        g_assert_error(error, DP_ERROR, DP_ERROR_USAGE);
    }
    assert_bytes(vmx, "a = 1\n");
}

/* What is written can be read again, whatever was set. */
static void
test_set_too_large(void)
{
    g_autofree char *value = g_strnfill(DP_VMX_MAX_LINE_BYTES, 'x');
    g_autoptr(DpVmx) vmx = parse("a = 1\n", NULL);
    g_autoptr(GError) error = NULL;

    g_assert_false(dp_vmx_set(vmx, "a", value, &error));
    g_assert_error(error, DP_ERROR, DP_ERROR_USAGE);
    g_clear_error(&error);
    g_assert_false(dp_vmx_set(vmx, "b", value, &error));
    g_assert_error(error, DP_ERROR, DP_ERROR_USAGE);
    assert_bytes(vmx, "a = 1\n");
}

/* The lines of a file without their ends. */
static GPtrArray *
lines_of(const DpVmx *vmx)
{
    g_autoptr(GBytes) bytes = dp_vmx_bytes(vmx);
    gsize len = 0;
    const char *data = g_bytes_get_data(bytes, &len);
    GPtrArray *texts = g_ptr_array_new_with_free_func(g_free);
    DpLines lines = dp_lines_of(data, len);
    DpLine line;

    while (dp_lines_next(&lines, &line)) {
        g_ptr_array_add(texts, g_strndup(line.text, line.len));
    }
    return texts;
}

/* Equal but for @dropped lines of @before and @added of @after, all in one place each. */
static void
assert_others_equal(const GPtrArray *before,
                    const GPtrArray *after,
                    const char *key,
                    unsigned added)
{
    guint i = 0, k = 0;

    while (i < before->len && k < after->len) {
        if (strcmp(before->pdata[i], after->pdata[k]) == 0) {
            i++;
            k++;
            continue;
        }
        g_assert_cmpuint(added, >, 0); /* the one line that is edited or new */
        g_assert_nonnull(strstr(after->pdata[k], key));
        added--;
        i += after->len == before->len;
        k++;
    }
    g_assert_cmpuint(i, ==, before->len);
    g_assert_cmpuint(after->len - k, <=, added);
}

/* Many random edits, each of which changes its own line only; the reread file says the same. */
static void
test_random_edits(void)
{
    g_autoptr(DpVmx) vmx = parse("#!/usr/bin/vmware\r\n.encoding = \"UTF-8\"\r\n"
                                 "lost = \"quote\n\n  # c\nscsi0.present = TRUE # c\n"
                                 "{% if %}\nmemsize=\"4\"\rlast = 1",
                                 NULL);
    static const char *const stems[] = {"scsi0.", "pciPassthru0.", "pciPassthru1.cfg.", ""};

    for (unsigned n = 0; n < 20000; n++) {
        g_autoptr(GPtrArray) before = lines_of(vmx), after = NULL;
        g_autofree char *key = g_strdup_printf("%sk%d", stems[g_test_rand_int_range(0, 4)],
                                               g_test_rand_int_range(0, 12));
        bool present = dp_vmx_get(vmx, key) != NULL;
        char value[9] = "";

        if (g_test_rand_int_range(0, 3) == 0) {
            g_assert_cmpint(dp_vmx_remove(vmx, key), ==, present);
            after = lines_of(vmx);
            g_assert_cmpuint(after->len, ==, before->len - present);
            assert_others_equal(after, before, key, present);
            continue;
        }
        for (int i = g_test_rand_int_range(0, 8); i > 0; i--) {
            value[i - 1] = (char)g_test_rand_int_range(1, 256);
        }
        g_assert_true(dp_vmx_set(vmx, key, value, NULL));
        g_assert_cmpstr(dp_vmx_get(vmx, key), ==, value);
        after = lines_of(vmx);
        g_assert_cmpuint(after->len, ==, before->len + !present);
        assert_others_equal(before, after, key, 1);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vmx/vectors", test_vectors);
    g_test_add_func("/vmx/escape", test_escape);
    g_test_add_func("/vmx/malformed", test_malformed);
    g_test_add_func("/vmx/refused", test_refused);
    g_test_add_func("/vmx/too-large", test_too_large);
    g_test_add_func("/vmx/truncated", test_truncated);
    g_test_add_func("/vmx/duplicates", test_duplicates);
    g_test_add_func("/vmx/secrets", test_secrets);
    g_test_add_func("/vmx/flood", test_flood);
    g_test_add_func("/vmx/lookup", test_lookup);
    g_test_add_func("/vmx/typed", test_typed);
    g_test_add_func("/vmx/edits", test_edits);
    g_test_add_func("/vmx/bad-keys", test_bad_keys);
    g_test_add_func("/vmx/set-too-large", test_set_too_large);
    g_test_add_func("/vmx/random-edits", test_random_edits);
    return g_test_run();
}
