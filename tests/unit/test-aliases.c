/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of datastores and networks: which lines are believed, and what is said of the others. */
#include "formats/aliases.h"

#include <string.h>

static const struct {
    const char *line, *name, *value; /* value NULL: left out */
    DpAliasKind kind;
} rows[] = {
    {"datastore1 = /srv/vms", "datastore1", "/srv/vms", DP_ALIAS_DATASTORES},
    {"  Local Storage (1)\t=  /srv/local storage  ", "Local Storage (1)", "/srv/local storage",
     DP_ALIAS_DATASTORES},
    {"\"a = b\" = \"/srv/x\"", "a = b", "/srv/x", DP_ALIAS_DATASTORES},
    {"\"a\"b\" = /srv/x", "a\"b", "/srv/x", DP_ALIAS_DATASTORES},
    {"a=/srv/x=y", "a", "/srv/x=y", DP_ALIAS_DATASTORES},
    {"a = srv", "a", NULL, DP_ALIAS_DATASTORES},
    {"a = /srv/../etc", "a", NULL, DP_ALIAS_DATASTORES},
    {"a = /srv/..", "a", NULL, DP_ALIAS_DATASTORES},
    {"a", "a", NULL, DP_ALIAS_DATASTORES},
    {" = /srv", "", NULL, DP_ALIAS_DATASTORES},
    {"# a = /srv", "# a", NULL, DP_ALIAS_DATASTORES},
    {"\"a = /srv", "a", NULL, DP_ALIAS_DATASTORES},
    {"VM Network = bridge:br0", "VM Network", "bridge:br0", DP_ALIAS_NETWORKS},
    {"nat = user", "nat", "user", DP_ALIAS_NETWORKS},
    {"lab = none", "lab", "none", DP_ALIAS_NETWORKS},
    {"a = bridge:", "a", NULL, DP_ALIAS_NETWORKS},
    {"a = bridge:br0,script=/x", "a", NULL, DP_ALIAS_NETWORKS},
    {"a = bridge:../etc", "a", NULL, DP_ALIAS_NETWORKS},
    {"a = bridge:a-name-too-long0", "a", NULL, DP_ALIAS_NETWORKS},
    {"a = User", "a", NULL, DP_ALIAS_NETWORKS},
};

static void
test_lines(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(DpAliases) names = dp_aliases_new(rows[i].kind);
        g_autoptr(DpDiagList) diags = dp_diags_new();
        bool comment = rows[i].line[0] == '#';

        g_assert_true(dp_aliases_read(names, "f", rows[i].line, strlen(rows[i].line), diags, NULL));
        g_assert_cmpstr(dp_aliases_lookup(names, rows[i].name), ==, rows[i].value);
        g_assert_cmpuint(diags->len, ==, rows[i].value == NULL && !comment ? 1 : 0);
    }
}

static void
test_twice(void)
{
    static const char text[] = "a = /b\na = /b\na = /c\n";
    g_autoptr(DpAliases) names = dp_aliases_new(DP_ALIAS_DATASTORES);
    g_autoptr(DpDiagList) diags = dp_diags_new();
    const DpDiag *diag;

    g_assert_true(dp_aliases_read(names, "f", text, strlen(text), diags, NULL));
    g_assert_cmpstr(dp_aliases_lookup(names, "a"), ==, "/c");
    g_assert_cmpuint(diags->len, ==, 1);
    diag = diags->pdata[0];
    g_assert_cmpint(diag->row->id, ==, DP_DIAG_ALIAS_TWICE);
    g_assert_cmpstr(diag->subject, ==, "f:3");
}

static void
test_no_text(void)
{
    g_autoptr(DpAliases) names = dp_aliases_new(DP_ALIAS_NETWORKS);
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autoptr(GError) error = NULL;

    g_assert_false(dp_aliases_read(names, "f", "a\0b", 3, diags, &error));
    g_assert_error(error, DP_ERROR, DP_ERROR_PARSE);
    g_assert_true(dp_diags_have_error(diags));
}

/* What a diagnostic proposes is read back as it was meant. */
static void
test_proposed_line(void)
{
    static const char *const proposed[] = {"plain", "VM Network", "a=b", "#1", "a\"b"};

    for (size_t i = 0; i < G_N_ELEMENTS(proposed); i++) {
        g_autofree char *line = dp_aliases_line(proposed[i], "bridge:br0");
        g_autoptr(DpAliases) names = dp_aliases_new(DP_ALIAS_NETWORKS);

        g_assert_true(dp_aliases_read(names, "f", line, strlen(line), NULL, NULL));
        g_assert_cmpstr(dp_aliases_lookup(names, proposed[i]), ==, "bridge:br0");
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/aliases/lines", test_lines);
    g_test_add_func("/aliases/twice", test_twice);
    g_test_add_func("/aliases/no-text", test_no_text);
    g_test_add_func("/aliases/proposed-line", test_proposed_line);
    return g_test_run();
}
