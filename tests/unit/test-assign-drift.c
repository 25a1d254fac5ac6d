/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The record of good boots, and which of them a host is compared with. */
#include "assign-bench.h"
#include "assign/drift.h"

#include <glib/gstdio.h>
#include <string.h>

#define BOOT_ID "proc/sys/kernel/random/boot_id"
#define RECORD  "var/lib/directpath/last-good.json"

static void
set_boot(Bench *bench, const char *id)
{
    g_autofree char *text = g_strdup_printf("%s\n", id);

    fake_kernel_put(bench->kernel, BOOT_ID, text);
}

static char *
name_of(const DpFunction *fn, void *user G_GNUC_UNUSED)
{
    return g_strdup_printf("the \xff%s", fn->name);
}

static DpHost *
scan(Bench *bench)
{
    g_autoptr(GError) error = NULL;
    DpHost *host = dp_host_scan(bench->kernel->root, &error);

    g_assert_no_error(error);
    return host;
}

static void
record(Bench *bench)
{
    g_autoptr(DpHost) host = scan(bench);
    g_autoptr(DpBoot) boot = dp_boot_of(bench->kernel->root, host, name_of, NULL);
    g_autoptr(GError) error = NULL;

    g_assert_true(dp_boot_record(bench->kernel->root, boot, &error));
    g_assert_no_error(error);
}

static DpBoot *
last(Bench *bench)
{
    g_autoptr(GError) error = NULL;
    DpBoot *boot = dp_boot_last(bench->kernel->root, NULL, &error);

    g_assert_no_error(error);
    return boot;
}

/* "gone 0000:03:00.0; ..." of what differs from the record. */
static char *
drift_of(Bench *bench)
{
    g_autoptr(DpHost) host = scan(bench);
    g_autoptr(DpEsxconf) conf = dp_store_load(bench->kernel->root, NULL, NULL);
    g_autoptr(DpBoot) boot = last(bench);
    g_autoptr(GPtrArray) found = dp_drift_find(boot, host, conf);
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < found->len; i++) {
        const DpDrift *one = found->pdata[i];

        g_string_append_printf(text, "%s%s %s", i > 0 ? "; " : "", dp_drift_kind_name(one->kind),
                               one->name);
    }
    return g_string_free(text, false);
}

static void
expect_drift(Bench *bench, const char *want)
{
    g_autofree char *text = drift_of(bench);

    g_assert_cmpstr(text, ==, want);
}

static void
take_out(Bench *bench, const char *name)
{
    g_autofree char *link =
        g_build_filename(bench->kernel->path, "sys/bus/pci/devices", name, NULL);

    g_assert_cmpint(g_unlink(link), ==, 0);
}

/* A change is told all through the boot in which it appeared, and is the past in the next. */
static void
test_boots(void)
{
    g_autoptr(Bench) bench = bench_new("lab");
    g_autoptr(DpBoot) none = last(bench), first = NULL;
    g_autofree char *text = NULL;

    g_assert_null(none);
    set_boot(bench, "one");
    record(bench);
    expect_drift(bench, "");
    first = last(bench);
    g_assert_cmpstr(first->boot_id, ==, "one");

    set_boot(bench, "two");
    take_out(bench, "0000:05:02.0");
    expect_drift(bench, "group 0000:05:01.0; gone 0000:05:02.0");
    record(bench);
    record(bench);
    expect_drift(bench, "group 0000:05:01.0; gone 0000:05:02.0");

    set_boot(bench, "three");
    expect_drift(bench, "");
    record(bench);
    expect_drift(bench, "");
    text = fake_kernel_read(bench->kernel, RECORD);
    g_assert_nonnull(strstr(text, "\"two\""));
    g_assert_nonnull(strstr(text, "\"three\""));
    g_assert_null(strstr(text, "\"one\""));
}

/* What is written is read as it was, whatever the host calls itself. */
static void
test_round_trip(void)
{
    g_autoptr(Bench) bench = bench_new("hostile");
    g_autoptr(DpHost) host = scan(bench);
    g_autoptr(DpBoot) boot = NULL, again = NULL;

    record(bench);
    boot = dp_boot_of(bench->kernel->root, host, name_of, NULL);
    again = last(bench);
    g_assert_cmpuint(again->functions->len, ==, boot->functions->len);
    for (guint i = 0; i < boot->functions->len; i++) {
        const DpBootFunction *a = boot->functions->pdata[i], *b = again->functions->pdata[i];

        g_assert_cmpstr(a->name, ==, b->name);
        g_assert_cmpint(a->group, ==, b->group);
        g_assert_cmpint(a->bridge, ==, b->bridge);
        g_assert_cmpstr(a->driver, ==, b->driver);
        g_assert_cmpstr(a->card->path, ==, b->card->path);
        g_assert_nonnull(dp_boot_find(again, &a->addr));
    }
    expect_drift(bench, "");
}

static void
test_store_explains(void)
{
    g_autoptr(Bench) bench = bench_new("lab");

    set_boot(bench, "one");
    record(bench);
    g_assert_true(bench_enable(bench, "0000:03:00.0", NULL));
    expect_drift(bench, "");
    record(bench);
    g_assert_true(bench_disable(bench, "0000:03:00.0", NULL));
    expect_drift(bench, "");
    fake_kernel_plan(bench->kernel, FAKE_OBEY, 0);
    bench_store(bench, "/device/003:00.0/owner = \"passthru\"\n");
    record(bench);
    g_assert_true(bench_apply(bench));
    fake_kernel_restart(bench->kernel); /* nothing is stored, the record is kept */
    expect_drift(bench, "");
}

static void
test_broken(void)
{
    static const char *const texts[] = {
        "",
        "[]",
        "{\"version\": 2, \"boots\": []}",
        "{\"version\": 1, \"boots\": {}}",
        "{\"version\": 1, \"boots\": [], \"boots\": []}",
    };
    static const char *const strange[] = {
        "{\"version\": 1, \"boots\": []}",
        "{\"version\": 1, \"boots\": [5]}",
        "{\"version\": 1, \"boots\": [{\"functions\": []}]}",
    };
    static const char odd[] =
        "{\"version\": 1, \"boots\": [{\"boot_id\": 5, \"functions\": {"
        "\"nowhere\": {}, \"0000:03:00.0\": 7, \"0000:04:00.0\": {\"group\": 1e99, \"driver\": []},"
        "\"0000:04:00.1\": {\"group\": -4, \"vendor\": \"zz\"}}}]}";
    g_autoptr(Bench) bench = bench_new("lab");
    g_autoptr(DpBoot) boot = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(DpDiagList) diags = dp_diags_new();

        fake_kernel_put(bench->kernel, RECORD, texts[i]);
        g_assert_null(dp_boot_last(bench->kernel->root, diags, NULL));
        g_assert_true(dp_diags_have(diags, DP_DIAG_LAST_GOOD_BROKEN));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(strange); i++) {
        fake_kernel_put(bench->kernel, RECORD, strange[i]);
        g_assert_null(dp_boot_last(bench->kernel->root, NULL, NULL));
    }
    fake_kernel_put(bench->kernel, RECORD, odd);
    boot = last(bench);
    g_assert_cmpuint(boot->functions->len, ==, 3);
    g_assert_cmpstr(boot->boot_id, ==, "");
    g_assert_cmpint(((DpBootFunction *)boot->functions->pdata[1])->group, ==, -1);
    set_boot(bench, "one");
    record(bench);
    set_boot(bench, "two");
    expect_drift(bench, "");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/assign-drift/boots", test_boots);
    g_test_add_func("/assign-drift/round-trip", test_round_trip);
    g_test_add_func("/assign-drift/store-explains", test_store_explains);
    g_test_add_func("/assign-drift/broken", test_broken);
    return g_test_run();
}
