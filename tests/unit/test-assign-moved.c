/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cards that were taken out, exchanged and moved: what the store remembers of them, and that none
 * is taken because of the place it sits in. */
#include "assign-bench.h"
#include "assign/stored.h"
#include "host/scan.h"

#include <glib/gstdio.h>
#include <string.h>

#define NVME   "0000:03:00.0"
#define NIC    "0000:04:00.0"
#define OTHER  "0000:02:00.0" /* of the NIC's model */
#define THIRD  "0000:00:06.0" /* too */
#define BRIDGE "0000:00:07.0"
#define E1000  "0000:05:01.0"
#define RTL    "0000:05:02.0"

#define DEVICES "sys/bus/pci/devices/"

static char *
file_of(const Bench *bench, const char *name, const char *attr)
{
    return g_build_filename(bench->kernel->path, DEVICES, name, attr, NULL);
}

/* Where the serial number stands: behind the header of extended capability 3. */
static gsize
serial_at(const char *config, gsize len)
{
    const guint8 *bytes = (const guint8 *)config;
    gsize at = DP_CONFIG_STANDARD;

    while (at >= DP_CONFIG_STANDARD && at + 12 <= len) {
        if (bytes[at] == 3 && bytes[at + 1] == 0) {
            return at + 4;
        }
        at = (gsize)bytes[at + 2] >> 4 | (gsize)bytes[at + 3] << 4;
    }
    g_error("no serial number");
}

static void
set_serial(const Bench *bench, const char *name, char last)
{
    g_autofree char *path = file_of(bench, name, "config");
    g_autofree char *config = NULL;
    gsize len = 0;

    g_assert_true(g_file_get_contents(path, &config, &len, NULL));
    config[serial_at(config, len)] = last;
    g_assert_true(g_file_set_contents(path, config, (gssize)len, NULL));
}

static void
take_out(const Bench *bench, const char *name)
{
    g_autofree char *link = file_of(bench, name, NULL);

    g_assert_cmpint(g_unlink(link), ==, 0);
}

static Bench *
new_bench(void)
{
    Bench *bench = bench_new("lab");

    fake_kernel_put(bench->kernel, "proc/self/net/route", "Iface\n");
    set_serial(bench, THIRD, 1);
    set_serial(bench, NIC, 2);
    set_serial(bench, OTHER, 3);
    return bench;
}

/* "03-..." of the stored card, or NULL. */
static char *
stored_text(const Bench *bench, const char *name, const char *key)
{
    g_autofree char *text = fake_kernel_read(bench->kernel, "etc/directpath/devices.json");
    json_t *document = json_loads(text, 0, NULL);
    json_t *entry = json_object_get(json_object_get(document, "devices"), name);
    char *value = g_strdup(json_string_value(json_object_get(entry, key)));

    json_decref(document);
    return value;
}

static const char *
message_of(const Bench *bench, DpDiagId id)
{
    for (guint i = 0; i < bench->outcome->diags->len; i++) {
        const DpDiag *diag = bench->outcome->diags->pdata[i];

        if (diag->row->id == id) {
            return diag->message;
        }
    }
    return "";
}

static void
expect_store(const Bench *bench, const char *want)
{
    g_autofree char *conf = fake_kernel_read(bench->kernel, "etc/directpath/esx.conf");

    g_assert_cmpstr(conf, ==, want);
}

#define UUID_LINE "/system/uuid = \"473027ac-5705f21d-6d09-000c2918f3dd\"\n"

static void
test_identity(void)
{
    g_autoptr(Bench) bench = new_bench();
    g_autofree char *serial = NULL, *path = NULL, *mac = NULL, *sub = NULL;

    fake_kernel_put(bench->kernel, "sys/class/net/eth1/addr_assign_type", "0\n");
    g_assert_true(bench_enable(bench, NIC, NULL));
    serial = stored_text(bench, NIC, "serial");
    path = stored_text(bench, NIC, "path");
    mac = stored_text(bench, NIC, "mac");
    sub = stored_text(bench, NIC, "subsystem_vendor");
    g_assert_cmpstr(serial, ==, "5e-c7-e7-00-5e-c7-e7-02");
    g_assert_cmpstr(path, ==, "0000:00:04.0/00.0");
    g_assert_cmpstr(mac, ==, "52:54:00:5e:c7:e7");
    g_assert_cmpstr(sub, ==, "8086");
}

/* An address that somebody set says nothing about the card. */
static void
test_mac_not_permanent(void)
{
    g_autoptr(Bench) bench = new_bench();
    g_autofree char *mac = NULL;

    fake_kernel_put(bench->kernel, "sys/class/net/eth1/addr_assign_type", "3\n");
    g_assert_true(bench_enable(bench, NIC, NULL));
    mac = stored_text(bench, NIC, "mac");
    g_assert_null(mac);
}

static void
test_taken_out(void)
{
    g_autoptr(Bench) bench = new_bench();

    bench_store(bench, UUID_LINE);
    g_assert_true(bench_enable(bench, NIC, NVME, NULL));
    fake_kernel_boot(bench->kernel);
    take_out(bench, NIC);
    g_assert_true(bench_apply(bench));
    bench_diag(bench, DP_DIAG_STORED_ABSENT, DP_WARNING);
    g_assert_nonnull(strstr(message_of(bench, DP_DIAG_STORED_ABSENT), "8086:10d3"));
    g_assert_nonnull(
        strstr(message_of(bench, DP_DIAG_STORED_ABSENT), "serial 5e-c7-e7-00-5e-c7-e7-02"));
    g_assert_false(dp_diags_have(bench->outcome->diags, DP_DIAG_STORED_MOVED));
    bench_expect(bench, NVME, "vfio-pci", "vfio-pci");

    bench->dry_run = true;
    g_assert_true(bench_forget(bench, NIC, NULL));
    g_assert_false(bench->outcome->changed);
    bench->dry_run = false;
    g_assert_true(bench_forget(bench, NIC, NULL));
    g_assert_true(bench->outcome->changed);
    expect_store(bench, UUID_LINE "/device/003:00.0/owner = \"passthru\"\n");
    g_assert_null(stored_text(bench, NIC, "vendor"));
    g_assert_true(bench_forget(bench, NIC, NULL));
    g_assert_false(bench->outcome->changed);
    g_assert_true(bench_apply(bench));
    g_assert_false(dp_diags_have(bench->outcome->diags, DP_DIAG_STORED_ABSENT));
}

/* A line that was there before says vmkernel afterwards. */
static void
test_forget_old_line(void)
{
    g_autoptr(Bench) bench = new_bench();

    bench_store(bench, UUID_LINE "/device/004:00.0/owner = \"vmkernel\"\n#\n");
    g_assert_true(bench_enable(bench, NIC, NULL));
    take_out(bench, NIC);
    g_assert_true(bench_forget(bench, NIC, NULL));
    expect_store(bench, UUID_LINE "/device/004:00.0/owner = \"vmkernel\"\n#\n");
}

static void
test_forget_refused(void)
{
    g_autoptr(Bench) bench = new_bench();

    g_assert_true(bench_enable(bench, NIC, NULL));
    bench_refused(bench, bench_forget(bench, NIC, NULL), DP_DIAG_FORGET_PRESENT);
    bench_expect(bench, NIC, "vfio-pci", "vfio-pci");
}

/* Offered at its new address, taken there only by a person. */
static void
test_moved(void)
{
    g_autoptr(Bench) bench = new_bench();

    bench_store(bench, UUID_LINE);
    g_assert_true(bench_enable(bench, NIC, NULL));
    fake_kernel_boot(bench->kernel);
    take_out(bench, NIC);
    set_serial(bench, OTHER, 2);
    g_assert_true(bench_apply(bench));
    bench_diag(bench, DP_DIAG_STORED_MOVED, DP_WARNING);
    g_assert_nonnull(strstr(message_of(bench, DP_DIAG_STORED_MOVED), OTHER " now"));
    bench_expect(bench, OTHER, "e1000e", "none");

    g_assert_true(bench_enable(bench, OTHER, NULL));
    g_assert_true(bench_forget(bench, NIC, NULL));
    expect_store(bench, UUID_LINE "/device/002:00.0/owner = \"passthru\"\n");
    fake_kernel_boot(bench->kernel);
    g_assert_true(bench_apply(bench));
    g_assert_cmpuint(bench->outcome->diags->len, ==, 0);
    bench_expect(bench, OTHER, "vfio-pci", "vfio-pci");
}

/* Two that fit equally well: none is named. */
static void
test_moved_ambiguous(void)
{
    g_autoptr(Bench) bench = new_bench();

    g_assert_true(bench_enable(bench, NIC, NULL));
    take_out(bench, NIC);
    set_serial(bench, OTHER, 2);
    set_serial(bench, THIRD, 2);
    g_assert_true(bench_apply(bench));
    g_assert_false(dp_diags_have(bench->outcome->diags, DP_DIAG_STORED_MOVED));
}

/* The same model with another serial number is another card, and may be the host's. */
static void
test_other_card(void)
{
    g_autoptr(Bench) bench = new_bench();
    g_autofree char *serial = NULL;

    bench_store(bench, UUID_LINE);
    g_assert_true(bench_enable(bench, NIC, NULL));
    fake_kernel_boot(bench->kernel);
    set_serial(bench, NIC, 9);
    g_assert_false(bench_apply(bench));
    g_assert_error(bench->error, DP_ERROR, DP_ERROR_REFUSED);
    bench_diag(bench, DP_DIAG_STORED_OTHER_CARD, DP_ERROR_SEVERITY);
    bench_expect(bench, NIC, "e1000e", "none");

    /* Enabled again it is meant, and the line is still one that `disable` takes away. */
    g_assert_true(bench_enable(bench, NIC, NULL));
    serial = stored_text(bench, NIC, "serial");
    g_assert_cmpstr(serial, ==, "5e-c7-e7-00-5e-c7-e7-09");
    fake_kernel_boot(bench->kernel);
    g_assert_true(bench_apply(bench));
    bench_expect(bench, NIC, "vfio-pci", "vfio-pci");
    g_assert_true(bench_disable(bench, NIC, NULL));
    expect_store(bench, UUID_LINE);
}

static void
test_other_card_forgotten(void)
{
    g_autoptr(Bench) bench = new_bench();

    bench_store(bench, UUID_LINE);
    g_assert_true(bench_enable(bench, NIC, NULL));
    fake_kernel_boot(bench->kernel);
    set_serial(bench, NIC, 9);
    g_assert_true(bench_forget(bench, NIC, NULL));
    expect_store(bench, UUID_LINE);
    bench_expect(bench, NIC, "e1000e", "none");
}

/* Behind a bridge that is owned, too. */
static void
test_behind_bridge(void)
{
    g_autoptr(Bench) bench = new_bench();

    g_assert_true(bench_enable(bench, BRIDGE, NULL));
    fake_kernel_boot(bench->kernel);
    fake_kernel_put(bench->kernel, DEVICES E1000 "/device", "0x100f\n");
    g_assert_false(bench_apply(bench));
    bench_diag(bench, DP_DIAG_STORED_OTHER_MODEL, DP_ERROR_SEVERITY);
    bench_expect(bench, E1000, "e1000", "none");
    bench_expect(bench, RTL, "vfio-pci", "vfio-pci");

    fake_kernel_boot(bench->kernel);
    fake_kernel_put(bench->kernel, DEVICES E1000 "/device", "0x100e\n");
    fake_kernel_put(bench->kernel, DEVICES BRIDGE "/device", "0x0001\n");
    g_assert_false(bench_apply(bench));
    bench_expect(bench, E1000, "e1000", "none");
    bench_expect(bench, RTL, "8139cp", "none");
}

/* A line that was written by hand gets its card when it is carried out for the first time. */
static void
test_hand_edit_learns(void)
{
    g_autoptr(Bench) bench = new_bench();
    g_autofree char *serial = NULL;

    bench_store(bench, UUID_LINE "   /device/004:00.0/owner = \"passthru\"\n"
                                 "   /devcie/003:00.0/owner = \"passthru\"\n"
                                 "/device/000:07.0/owner = \"passthru\"\n");
    g_assert_true(bench_apply(bench));
    bench_expect(bench, NIC, "vfio-pci", "vfio-pci");
    bench_expect(bench, NVME, "nvme", "none");
    bench_expect(bench, E1000, "vfio-pci", "vfio-pci");
    serial = stored_text(bench, NIC, "serial");
    g_assert_cmpstr(serial, ==, "5e-c7-e7-00-5e-c7-e7-02");

    fake_kernel_boot(bench->kernel);
    set_serial(bench, NIC, 9);
    fake_kernel_put(bench->kernel, DEVICES RTL "/device", "0x8140\n");
    g_assert_false(bench_apply(bench));
    bench_expect(bench, NIC, "e1000e", "none");
    bench_expect(bench, RTL, "8139cp", "none");
    bench_expect(bench, E1000, "vfio-pci", "vfio-pci");
    /* The line was there before: it is edited, not taken away. */
    g_assert_true(bench_forget(bench, NIC, NULL));
    expect_store(bench, UUID_LINE "   /device/004:00.0/owner = \"vmkernel\"\n"
                                  "   /devcie/003:00.0/owner = \"passthru\"\n"
                                  "/device/000:07.0/owner = \"passthru\"\n");
}

static DpCard
card(const char *serial, const char *mac, const char *path)
{
    return (DpCard){.ids_known = true,
                    .vendor = 0x8086,
                    .device = 0x10d3,
                    .subvendor = 0x8086,
                    .serial = (char *)serial,
                    .mac = (char *)mac,
                    .path = (char *)path};
}

static void
test_compare(void)
{
    DpCard a = card("01", "m", "p"), b = card("01", "m", "q"), none = card(NULL, NULL, NULL);

    g_assert_cmpint(dp_card_compare(&a, &b), ==, DP_CARD_SAME);
    b = card("02", "m", "p");
    g_assert_cmpint(dp_card_compare(&a, &b), ==, DP_CARD_OTHER);
    b = card("01", "n", "p");
    g_assert_cmpint(dp_card_compare(&a, &b), ==, DP_CARD_OTHER);
    b = card(NULL, "M", "q");
    g_assert_cmpint(dp_card_compare(&a, &b), ==, DP_CARD_SAME);
    b = card(NULL, NULL, "q");
    g_assert_cmpint(dp_card_compare(&a, &b), ==, DP_CARD_ELSEWHERE);
    b = card(NULL, NULL, "p");
    g_assert_cmpint(dp_card_compare(&a, &b), ==, DP_CARD_ALIKE);
    g_assert_cmpint(dp_card_compare(&a, &none), ==, DP_CARD_ALIKE);
    b.subvendor = 0x15d9;
    g_assert_cmpint(dp_card_compare(&a, &b), ==, DP_CARD_OTHER_MODEL);
    b.subvendor = 0;
    g_assert_cmpint(dp_card_compare(&a, &b), ==, DP_CARD_ALIKE);
    b.device = 0x10d4;
    g_assert_cmpint(dp_card_compare(&a, &b), ==, DP_CARD_OTHER_MODEL);
    b.ids_known = false;
    g_assert_cmpint(dp_card_compare(&a, &b), ==, DP_CARD_ALIKE);
}

/* What a hand or another version wrote beside the store harms nobody. */
static void
test_strange_json(void)
{
    static const char *const texts[] = {
        "null",
        "[]",
        "{\"vendor\": 5, \"device\": [], \"serial\": {}, \"mac\": \"\"}",
        "{\"vendor\": \"8086\", \"device\": \"10d3x\"}",
        "{\"vendor\": \"18086\", \"device\": \"10d3\"}",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        json_t *value = json_loads(texts[i], JSON_DECODE_ANY, NULL);
        g_autoptr(DpCard) read = dp_card_from_json(value);
        g_autofree char *text = dp_card_describe(read);

        g_assert_false(read->ids_known);
        g_assert_null(read->serial);
        g_assert_null(read->mac);
        g_assert_cmpstr(text, ==, "a device");
        json_decref(value);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/assign-moved/identity", test_identity);
    g_test_add_func("/assign-moved/mac-not-permanent", test_mac_not_permanent);
    g_test_add_func("/assign-moved/taken-out", test_taken_out);
    g_test_add_func("/assign-moved/forget-old-line", test_forget_old_line);
    g_test_add_func("/assign-moved/forget-refused", test_forget_refused);
    g_test_add_func("/assign-moved/moved", test_moved);
    g_test_add_func("/assign-moved/moved-ambiguous", test_moved_ambiguous);
    g_test_add_func("/assign-moved/other-card", test_other_card);
    g_test_add_func("/assign-moved/other-card-forgotten", test_other_card_forgotten);
    g_test_add_func("/assign-moved/behind-bridge", test_behind_bridge);
    g_test_add_func("/assign-moved/hand-edit-learns", test_hand_edit_learns);
    g_test_add_func("/assign-moved/compare", test_compare);
    g_test_add_func("/assign-moved/strange-json", test_strange_json);
    return g_test_run();
}
