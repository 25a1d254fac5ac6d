/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hundred thousand edits of files of every kind of line, beside a model that knows nothing of the
 * format: each line that was not edited keeps every byte and its place. */
#include "formats/esxconf.h"
#include "test-data.h"

#define N_FILES  200
#define N_EDITS  500
#define N_ADDRS  6
#define N_LINES  40
#define NO_ADDR  -1
#define UUID_KEY -2

/* What stands before and behind the value, so that an edit is another value between them. */
typedef struct {
    const char *before, *value, *after, *end;
    int addr; /* index of the function whose owner it tells; NO_ADDR, UUID_KEY */
} Line;

/* The functions that are edited, in the two notations of esx.conf. */
static const char *const decimal[N_ADDRS] = {"000:27.0", "003:00.0", "000:30.0",
                                             "008:03.1", "175:31.2", "010:16.7"};
static const char *const hexadecimal[N_ADDRS] = {"0000:00:1b.0", "0000:03:00.0", "0000:00:1e.0",
                                                 "0000:08:03.1", "0000:af:1f.2", "0000:0a:10.7"};

/* Lines that are none of ours, or look as if they were. */
static const char *const strange[] = {
    "",
    "   ",
    "# a comment",
    "/adv/Misc/HostName = \"esx01.example.com\"",
    "advUserOptions/options[0003]/name = \"CIMWatchdogInterval\"",
    "   /devcie/008:03.1/owner = \"passthru\"",
    "/device/003:00.0/owner = \xe2\x80\x9cpassthru\xe2\x80\x9d",
    "/device/003:00.0/owner = \"passthru\" x",
    "/device/003:0.0.0/owner = \"passthru\"",
    "/device/000:27.0/vmkname = \"vmhba0\"",
    "/device/000:27.0/options = \"passthru\"",
    "/net/pnic/child[0000]/mac = \"00:30:48:db:68:88\"",
    "\xff\xfe\x80 no UTF-8 \x01",
    "\"\"\"",
};

static Line
random_line(GRand *random)
{
    static const char *const befores[] = {"/device/", "   /device/", "\t/device/"};
    static const char *const keys[] = {"/owner = \"", "/owner=\"", "/owner \t= \""};
    static const char *const values[] = {"passthru", "vmkernel", "pasthru", ""};
    static const char *const afters[] = {"\"", "\"  ", "\"\t"};
    static const char *const ends[] = {"\n", "\n", "\n", "\r\n"};
    int addr = g_rand_int_range(random, 0, N_ADDRS);
    const char *const *form = g_rand_boolean(random) ? decimal : hexadecimal;
    const char *end = ends[g_rand_int_range(random, 0, G_N_ELEMENTS(ends))];
    g_autofree char *before = NULL;

    if (g_rand_int_range(random, 0, 3) > 0) {
        const char *text = strange[g_rand_int_range(random, 0, G_N_ELEMENTS(strange))];

        return (Line){text, "", "", end, NO_ADDR};
    }
    before = g_strconcat(befores[g_rand_int_range(random, 0, G_N_ELEMENTS(befores))], form[addr],
                         keys[g_rand_int_range(random, 0, G_N_ELEMENTS(keys))], NULL);
    return (Line){g_intern_string(before),
                  values[g_rand_int_range(random, 0, G_N_ELEMENTS(values))],
                  afters[g_rand_int_range(random, 0, G_N_ELEMENTS(afters))], end, addr};
}

static GArray *
random_file(GRand *random)
{
    GArray *lines = g_array_new(false, false, sizeof(Line));
    int n = g_rand_int_range(random, 0, N_LINES);

    for (int i = 0; i < n; i++) {
        Line line = random_line(random);

        g_array_append_val(lines, line);
    }
    /* One file in three stops in the middle of its last line. */
    if (n > 0 && g_rand_int_range(random, 0, 3) == 0) {
        Line *last = &g_array_index(lines, Line, lines->len - 1);

        last->end = *last->before != '\0' ? "" : last->end;
    }
    return lines;
}

static GString *
text_of(const GArray *lines)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < lines->len; i++) {
        const Line *line = &g_array_index(lines, Line, i);

        g_string_append_printf(text, "%s%s%s%s", line->before, line->value, line->after, line->end);
    }
    return text;
}

static void
model_append(GArray *lines, const char *before, const char *value, int addr)
{
    Line line = {g_intern_string(before), value, "\"", "\n", addr};

    if (lines->len > 0) {
        const Line *first = &g_array_index(lines, Line, 0);
        Line *last = &g_array_index(lines, Line, lines->len - 1);

        line.end = *first->end != '\0' ? first->end : line.end;
        last->end = *last->end != '\0' ? last->end : line.end;
    }
    g_array_append_val(lines, line);
}

static void
model_set(GArray *lines, int addr, const char *before, const char *value)
{
    for (guint i = lines->len; i > 0; i--) {
        Line *line = &g_array_index(lines, Line, i - 1);

        if (line->addr == addr) {
            line->value = value;
            return;
        }
    }
    model_append(lines, before, value, addr);
}

static void
model_remove(GArray *lines, int addr)
{
    for (guint i = lines->len; i > 0; i--) {
        if (g_array_index(lines, Line, i - 1).addr == addr) {
            g_array_remove_index(lines, i - 1);
        }
    }
}

static void
edit(GRand *random, DpEsxconf *conf, GArray *lines)
{
    int which = g_rand_int_range(random, 0, N_ADDRS);
    g_autofree char *before = g_strdup_printf("/device/%s/owner = \"", decimal[which]);
    static const char *const uuids[] = {"473027ac-5705f21d-6d09-000c2918f3dd",
                                        "00000000-00000000-0000-000000000001"};
    DpAddr addr;
    const char *uuid;

    g_assert_true(dp_addr_parse_esxconf(decimal[which], strlen(decimal[which]), &addr));
    switch (g_rand_int_range(random, 0, 8)) {
    case 0:
    case 1:
    case 2:
        (void)dp_esxconf_set_owner(conf, &addr, DP_OWNER_PASSTHRU);
        model_set(lines, which, before, "passthru");
        break;
    case 3:
    case 4:
    case 5:
        (void)dp_esxconf_set_owner(conf, &addr, DP_OWNER_HOST);
        model_set(lines, which, before, "vmkernel");
        break;
    case 6:
        (void)dp_esxconf_remove_owner(conf, &addr);
        model_remove(lines, which);
        break;
    default:
        uuid = uuids[g_rand_int_range(random, 0, G_N_ELEMENTS(uuids))];
        (void)dp_esxconf_set_system_uuid(conf, uuid);
        model_set(lines, UUID_KEY, "/system/uuid = \"", uuid);
    }
}

static DpEsxconf *
parse(const GString *text)
{
    g_autoptr(GError) error = NULL;
    DpEsxconf *conf = dp_esxconf_parse("esx.conf", text->str, text->len, NULL, &error);

    g_assert_no_error(error);
    return conf;
}

static void
test_random_edits(void)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(20111);

    for (unsigned file = 0; file < N_FILES; file++) {
        g_autoptr(GArray) lines = random_file(random);
        g_autoptr(GString) first = text_of(lines);
        g_autoptr(DpEsxconf) conf = parse(first);

        g_string_free(g_steal_pointer(&first), true);
        for (unsigned n = 0; n < N_EDITS; n++) {
            g_autoptr(GString) want = NULL;
            g_autoptr(GBytes) bytes = NULL;

            edit(random, conf, lines);
            want = text_of(lines);
            bytes = dp_esxconf_bytes(conf);
            test_assert_bytes(bytes, want->str, want->len);
            if (n % 16 == 0) { /* as another command would find it */
                dp_esxconf_free(g_steal_pointer(&conf));
                conf = parse(want);
            }
        }
    }
    g_test_message("%u edits of %u files", N_FILES * N_EDITS, N_FILES);
}

/* What an import writes beside owners. */
static void
test_names(void)
{
    g_autoptr(GString) text = g_string_new("/device/000:31.2/vmkname = \"vmhba0\"\n#\n");
    g_autoptr(DpEsxconf) conf = parse(text);
    g_autoptr(GArray) named = NULL;
    g_autoptr(GBytes) bytes = NULL;
    const char *want = "/device/000:31.2/vmkname = \"vmhba1\"\n#\n"
                       "/device/003:00.0/vmkname = \"vmnic0\"\n";
    DpEsxconfCount count;
    DpAddr sata, nic;

    g_assert_true(dp_addr_parse_esxconf("000:31.2", 8, &sata));
    g_assert_true(dp_addr_parse_esxconf("003:00.0", 8, &nic));
    g_assert_false(dp_esxconf_set_vmkname(conf, &sata, "vmhba0"));
    g_assert_true(dp_esxconf_set_vmkname(conf, &sata, "vmhba1"));
    g_assert_false(dp_esxconf_set_vmkname(conf, &nic, "a\"b"));
    g_assert_false(dp_esxconf_set_vmkname(conf, &nic, "a\nb"));
    g_assert_true(dp_esxconf_set_vmkname(conf, &nic, "vmnic0"));
    bytes = dp_esxconf_bytes(conf);
    test_assert_bytes(bytes, want, strlen(want));
    named = dp_esxconf_named(conf);
    g_assert_cmpuint(named->len, ==, 2);
    count = dp_esxconf_count(conf);
    g_assert_cmpuint(count.lines, ==, 3);
    g_assert_cmpuint(count.names, ==, 2);
    g_assert_cmpuint(count.others, ==, 1);
    g_assert_cmpuint(count.owners, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/esxconf-edits/random", test_random_edits);
    g_test_add_func("/esxconf-edits/names", test_names);
    return g_test_run();
}
