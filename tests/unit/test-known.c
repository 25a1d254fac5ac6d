/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of VMX files that were powered on here, and who of them names a function. */
#include "scratch-root.h"

#include "vm/known.h"
#include "vm/run.h"

#include <string.h>
#include <sys/stat.h>

static void
expect_list(Fixture *f, const char *want)
{
    g_autofree char *file = g_build_filename(f->path, "var/lib/directpath/vms", NULL);
    g_autofree char *text = NULL;

    (void)g_file_get_contents(file, &text, NULL, NULL);
    g_assert_cmpstr(text, ==, want);
}

static void
test_add(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GString) many = g_string_new(NULL);
    g_autoptr(GPtrArray) vms = NULL;

    g_assert_true(dp_known_add(f->root, "/vmfs/b.vmx", NULL));
    g_assert_true(dp_known_add(f->root, "/vmfs/a.vmx", NULL));
    g_assert_true(dp_known_add(f->root, "/vmfs/b.vmx", NULL));
    g_assert_true(dp_known_add(f->root, "/vmfs/two\nlines.vmx", NULL));
    expect_list(f, "/vmfs/b.vmx\n/vmfs/a.vmx\n");
    vms = dp_known_vms(f->root, NULL);
    g_assert_cmpuint(vms->len, ==, 0); /* none of the files is there */

    for (unsigned i = 0; i < 4096; i++) {
        g_string_append_printf(many, "/vm%u\n", i);
    }
    put(f, "var/lib/directpath/vms", many->str);
    g_assert_true(dp_known_add(f->root, "/new", NULL));
    g_string_erase(many, 0, (gssize)strlen("/vm0\n"));
    g_string_append(many, "/new\n");
    expect_list(f, many->str);
}

static void
test_not_writable(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL;

    put(f, "var/lib/directpath", "a file in the place of the folder");
    g_assert_false(dp_known_add(f->root, "/vmfs/a.vmx", &error));
    g_assert_error(error, DP_ERROR, DP_ERROR_IO);
}

static DpAddr
addr_of(const char *text)
{
    DpAddr addr;

    g_assert_true(dp_addr_parse_sysfs(text, &addr));
    return addr;
}

static void
test_names(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    DpRun run = {.vmx_path = (char *)"/running.vmx"};
    g_autoptr(GPtrArray) runs = g_ptr_array_new(), vms = NULL;
    DpAddr ten = addr_of("0000:10:00.0"), decimal = addr_of("0000:0a:00.0"),
           other = addr_of("0000:0b:00.0");
    DpCard card = {.ids_known = true, .vendor = 0x8086, .device = 0x10d3};
    g_autofree char *pipe = g_build_filename(f->path, "pipe.vmx", NULL);
    const DpKnownVm *known;

    g_ptr_array_add(runs, &run);
    put(f, "running.vmx", "PCIPASSTHRU3.PRESENT = \"true\"\npciPassthru3.id = \"10:0.0\"\n");
    put(f, "listed.vmx",
        "pciPassthru0.id = \"00000:011:00.0\"\n" /* not present */
        "pciPassthru9.present = \"TRUE\"\npciPassthru9.id = \"00000:010:00.0\"\n"
        "pciPassthru9.vendorId = \"0x8086\"\npciPassthru9.deviceId = \"0x10d4\"\n");
    g_assert_cmpint(mkfifo(pipe, 0600), ==, 0);
    put(f, "var/lib/directpath/vms", "/listed.vmx\n/pipe.vmx\n/../running.vmx\nrelative\n");
    vms = dp_known_vms(f->root, runs);
    g_assert_cmpuint(vms->len, ==, 3);

    known = vms->pdata[2];
    g_assert_cmpstr(known->path, ==, "/running.vmx");
    g_assert_cmpint(dp_known_names(known, &ten, NULL), ==, 3); /* either reading of its address */
    g_assert_cmpint(dp_known_names(known, &decimal, &card), ==, 3);
    g_assert_cmpint(dp_known_names(known, &other, NULL), ==, -1);

    known = vms->pdata[1];
    g_assert_cmpstr(known->path, ==, "/listed.vmx");
    g_assert_cmpint(dp_known_names(known, &decimal, NULL), ==, 9);
    g_assert_cmpint(dp_known_names(known, &decimal, &card), ==, -1); /* another model */
    g_assert_cmpint(dp_known_names(known, &ten, NULL), ==, -1);
    g_assert_cmpint(dp_known_names(known, &other, NULL), ==, -1);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/known/add", Fixture, NULL, set_up, test_add, tear_down);
    g_test_add("/known/not-writable", Fixture, NULL, set_up, test_not_writable, tear_down);
    g_test_add("/known/names", Fixture, NULL, set_up, test_names, tear_down);
    return g_test_run();
}
