/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether the profile is there, and whether a process is under it. */
#include "scratch-root.h"

#include "vm/apparmor.h"

#define ENABLED  "sys/module/apparmor/parameters/enabled"
#define PROFILES "sys/kernel/security/apparmor/profiles"

static void
test_look(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    static const struct {
        const char *enabled, *profiles;
        DpApparmor found;
    } rows[] = {
        {"N\n", "directpath-qemu (enforce)\n", DP_APPARMOR_OFF},
        {"Y\n", "", DP_APPARMOR_ABSENT},
        {"Y\n", "nvidia_modprobe (enforce)\nnvidia_modprobe//kmod (enforce)\n", DP_APPARMOR_ABSENT},
        {"Y\n", "directpath-qemu-else (enforce)\n/x/directpath-qemu (enforce)\n",
         DP_APPARMOR_ABSENT},
        {"Y\n", "a (enforce)\ndirectpath-qemu (enforce)\n", DP_APPARMOR_PRESENT},
        {"Y\n", "directpath-qemu (complain)\n", DP_APPARMOR_PRESENT},
    };

    g_assert_cmpint(dp_apparmor_look(f->root), ==, DP_APPARMOR_OFF);
    put(f, ENABLED, "Y\n");
    g_assert_cmpint(dp_apparmor_look(f->root), ==, DP_APPARMOR_ABSENT); /* no securityfs */
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        put(f, ENABLED, rows[i].enabled);
        put(f, PROFILES, rows[i].profiles);
        g_assert_cmpint(dp_apparmor_look(f->root), ==, rows[i].found);
    }
}

/* Who relies on it is told that it is not there. */
static void
test_report(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(DpDiagList) diags = dp_diags_new();

    g_assert_cmpint(dp_apparmor_report(f->root, "web", diags), ==, DP_APPARMOR_OFF);
    put(f, ENABLED, "Y\n");
    put(f, PROFILES, "directpath-qemu (enforce)\n");
    g_assert_cmpint(dp_apparmor_report(f->root, "web", diags), ==, DP_APPARMOR_PRESENT);
    g_assert_false(dp_diags_have(diags, DP_DIAG_VM_NO_PROFILE));
    put(f, PROFILES, "other (enforce)\n");
    g_assert_cmpint(dp_apparmor_report(f->root, "web", diags), ==, DP_APPARMOR_ABSENT);
    g_assert_true(dp_diags_have(diags, DP_DIAG_VM_NO_PROFILE));
}

static void
test_verify(Fixture *f G_GNUC_UNUSED, gconstpointer data G_GNUC_UNUSED)
{
    static const char *const wrong[] = {"unconfined\n", "", "directpath-qemu",
                                        "\x1b[31mx (enforce)\n",
                                        "other//&directpath-qemu (enforce)\n"};

    g_assert_true(dp_apparmor_verify_text("directpath-qemu (enforce)\n", NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_false(dp_apparmor_verify_text(wrong[i], &error));
        g_assert_error(error, DP_ERROR, DP_ERROR_REFUSED);
        g_assert_null(strchr(error->message, '\x1b'));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, func) g_test_add("/apparmor/" name, Fixture, NULL, set_up, func, tear_down)
    ADD("look", test_look);
    ADD("report", test_report);
    ADD("verify", test_verify);
#undef ADD
    return g_test_run();
}
