/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Edits of a VMX: what each writes, what it leaves, and that a second time changes nothing. */
#include "plan-fixture.h"
#include "vm/edit.h"
#include "vmx-text.h"

static char *
text_of(const DpVmx *vmx)
{
    g_autoptr(GBytes) bytes = dp_vmx_bytes(vmx);
    gsize len = 0;
    const char *data = g_bytes_get_data(bytes, &len);

    return g_strndup(data != NULL ? data : "", len);
}

static void
test_siblings(void)
{
    g_autoptr(DpVmx) vmx = parse("a.b = \"1\"\r\n"
                                 "net0.present = \"TRUE\"\r\n"
                                 "net1.present = \"TRUE\"\r\n"
                                 "network.name = \"x\"\r\n",
                                 NULL);

    g_assert_true(dp_vmx_set(vmx, "net2.present", "TRUE", NULL));
    g_assert_true(dp_vmx_set(vmx, "net0.mtu", "9000", NULL));
    g_assert_true(dp_vmx_set(vmx, "c1.d", "2", NULL));
    assert_bytes(vmx, "a.b = \"1\"\r\n"
                      "net0.present = \"TRUE\"\r\n"
                      "net0.mtu = \"9000\"\r\n"
                      "net1.present = \"TRUE\"\r\n"
                      "net2.present = \"TRUE\"\r\n"
                      "network.name = \"x\"\r\n"
                      "c1.d = \"2\"\r\n");
}

static void
test_upgrade(void)
{
    /* a version raised by hand, a place that is taken, a bridge switched off, one half there */
    g_autoptr(DpVmx) vmx = parse("virtualHW.version = \"7\"\n"
                                 "ethernet0.pciSlotNumber = \"22\"\n"
                                 "pciBridge6.present = \"FALSE\"\n"
                                 "PciBridge4.present = \"TRUE\"\n"
                                 "pciBridge4.functions = \"4\"\n",
                                 NULL);
    g_autofree char *once = NULL;

    g_assert_true(dp_edit_upgrade(vmx, NULL));
    once = text_of(vmx);
    g_assert_cmpstr(dp_vmx_get(vmx, "virtualHW.version"), ==, "7");
    g_assert_cmpstr(dp_vmx_get(vmx, "pciBridge0.pciSlotNumber"), ==, "17");
    g_assert_null(dp_vmx_get(vmx, "pciBridge0.virtualDev"));
    g_assert_cmpstr(dp_vmx_get(vmx, "pciBridge4.functions"), ==, "4");
    g_assert_cmpstr(dp_vmx_get(vmx, "pciBridge4.virtualDev"), ==, "pcieRootPort");
    g_assert_cmpstr(dp_vmx_get(vmx, "pciBridge4.pciSlotNumber"), ==, "21");
    g_assert_cmpstr(dp_vmx_get(vmx, "pciBridge5.pciSlotNumber"), ==, "18");
    g_assert_cmpstr(dp_vmx_get(vmx, "pciBridge6.present"), ==, "FALSE");
    g_assert_null(dp_vmx_get(vmx, "pciBridge6.virtualDev"));
    g_assert_true(dp_edit_upgrade(vmx, NULL));
    assert_bytes(vmx, once);
}

static void
test_upgrade_versions(void)
{
    static const struct {
        const char *before, *after;
    } rows[] = {{"3", "7"}, {"4", "7"}, {"7", "7"}, {"8", "8"}, {"21", "21"}, {"x", "7"}};

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strdup_printf("virtualHW.version = \"%s\"\n", rows[i].before);
        g_autoptr(DpVmx) vmx = parse(text, NULL);

        g_assert_true(dp_edit_upgrade(vmx, NULL));
        g_assert_cmpstr(dp_vmx_get(vmx, "virtualHW.version"), ==, rows[i].after);
    }
}

static void
test_reserve(void)
{
    static const struct {
        const char *before, *after;
    } rows[] = {
        {"memsize = \"512\"\n", "memsize = \"512\"\nsched.mem.min = \"512\"\n"},
        {"memSize = \"512\"\nsched.mem.minsize = \"0\"\n",
         "memSize = \"512\"\nsched.mem.minsize = \"512\"\n"},
        {"memsize = \"512\"\nsched.mem.min = \" 512\"\n", NULL},
        {"memsize = \"512\"\nsched.mem.min = \"1024\"\nsched.mem.minsize = \"1\"\n",
         "memsize = \"512\"\nsched.mem.min = \"512\"\nsched.mem.minsize = \"512\"\n"},
        {"a = \"b\"\n", "a = \"b\"\nsched.mem.min = \"32\"\n"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(DpVmx) vmx = parse(rows[i].before, NULL);

        g_assert_true(dp_edit_reserve(vmx, NULL));
        if (rows[i].after != NULL) {
            assert_bytes(vmx, rows[i].after);
        }
    }
}

static void
test_free_index(void)
{
    static const struct {
        const char *text;
        unsigned index;
    } rows[] = {
        {"a = \"b\"\n", 0},
        {"pciPassthru0.present = \"TRUE\"\n", 1},
        {"pciPassthru0.present = \"FALSE\"\npciPassthru0.pciSlotNumber = \"-1\"\n", 0},
        {"pciPassthru0.present = \"FALSE\"\npciPassthru0.id = \"00000:001:00.0\"\n", 1},
        {"PCIPASSTHRU0.ID = \"x\"\npciPassthru1.msiEnabled = \"FALSE\"\n", 1},
        {"pciPassthru0.cfg.gpu-pci-id = \"1\"\npciPassthru.present = \"TRUE\"\n", 1},
        {"pciPassthru00.id = \"x\"\npciPassthru31.present = \"TRUE\"\n", 0},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(DpVmx) vmx = parse(rows[i].text, NULL);

        g_assert_cmpuint(dp_edit_free_index(vmx), ==, rows[i].index);
    }
}

/* An entry that is added is one that the plan takes, at the place that it then names. */
static void
test_add(void)
{
    static const char *const changes[] = {"pciPassthru0.present=FALSE",
                                          "pciPassthru1.present=FALSE", NULL};
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autofree char *text = plan_fixture_sample(changes);
    g_autoptr(DpVmx) vmx = parse(text, NULL);
    g_autoptr(DpPlan) plan = NULL;
    g_autofree char *once = NULL, *added = NULL;
    const char *own = dp_esxconf_system_uuid(fixture->conf);
    g_autofree char *system_id = dp_system_uuid_to_vmx(own);
    DpFunction *fn;
    DpAddr addr;
    g_assert_true(dp_addr_parse(DISK, &addr, NULL));
    fn = dp_host_find(fixture->host, &addr);
    g_assert_cmpuint(dp_edit_free_index(vmx), ==, 2);
    g_assert_true(dp_edit_passthru(vmx, 2, fn, system_id, NULL));
    added = text_of(vmx);
    plan = plan_fixture_plan(fixture, added);
    g_assert_true(dp_edit_slots(vmx, plan, "pciPassthru2", NULL));
    g_assert_null(dp_vmx_get(vmx, "scsi0.pciSlotNumber"));
    once = text_of(vmx);
    g_assert_nonnull(strstr(once, "pciPassthru2.id = \"00000:003:00.0\""));
    g_assert_nonnull(dp_vmx_get(vmx, "pciPassthru2.pciSlotNumber"));
    g_assert_true(dp_edit_passthru(vmx, 2, fn, system_id, NULL));
    g_assert_true(dp_edit_slots(vmx, plan, "pciPassthru2", NULL));
    assert_bytes(vmx, once);
    g_assert_true(dp_edit_slots(vmx, plan, NULL, NULL));
    g_assert_cmpstr(dp_vmx_get(vmx, "scsi0.pciSlotNumber"), ==, "16");
    g_assert_true(dp_vmx_remove(vmx, "scsi0.pciSlotNumber"));
    g_assert_true(dp_edit_remove(vmx, 2));
    g_assert_false(dp_edit_remove(vmx, 2));
    assert_bytes(vmx, text); /* nothing but its lines came and went */
}

static void
test_remove(void)
{
    g_autoptr(DpVmx) vmx = parse("pciPassthru1.id = \"a\"\n"
                                 "# pciPassthru1.x = \"kept\"\n"
                                 "pciPassthru11.id = \"b\"\n"
                                 "PCIPASSTHRU1.cfg.a = \"c\"\r\n"
                                 "pciPassthru1.id = \"a\"\n"
                                 "pciPassthru.use64bitMMIO = \"TRUE\"\n",
                                 NULL);

    g_assert_true(dp_edit_remove(vmx, 1));
    assert_bytes(vmx, "# pciPassthru1.x = \"kept\"\n"
                      "pciPassthru11.id = \"b\"\n"
                      "pciPassthru.use64bitMMIO = \"TRUE\"\n");
}

static void
test_diff(void)
{
    g_autoptr(DpVmx) before = parse("a = \"1\"\nb = \"2\"\nRemoteDisplay.vnc.key = \"x\"\n", NULL);
    g_autoptr(DpVmx) after = parse("A = \"1\"\nRemoteDisplay.vnc.key = \"y\"\nc = \"3\"\n", NULL);
    g_autoptr(GPtrArray) changes = dp_edit_diff(before, after);
    const DpVmxChange *change;

    g_assert_cmpuint(changes->len, ==, 3);
    change = changes->pdata[0];
    g_assert_cmpstr(change->key, ==, "RemoteDisplay.vnc.key");
    g_assert_cmpstr(change->old_value, ==, "********");
    g_assert_cmpstr(change->new_value, ==, "********");
    change = changes->pdata[1];
    g_assert_cmpstr(change->key, ==, "c");
    g_assert_null(change->old_value);
    change = changes->pdata[2];
    g_assert_cmpstr(change->key, ==, "b");
    g_assert_null(change->new_value);
}

static void
test_encode(void)
{
    static const struct {
        const char *encoding, *shown, *bytes; /* NULL bytes: it has no such character */
    } rows[] = {
        {"UTF-8", "\u4e2d", "\xe4\xb8\xad"},
        {"GBK", "\u4e2d", "\xd6\xd0"},
        {"windows-1252", "\u00e9", "\xe9"},
        {"windows-1252", "\u4e2d", NULL},
        {"no-such-encoding", "plain", "plain"},
        {"no-such-encoding", "\u00e9", NULL},
        {"UTF-8", "\xff", NULL},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strdup_printf(".encoding = \"%s\"\n", rows[i].encoding);
        g_autoptr(DpVmx) vmx = parse(text, NULL);
        g_autofree char *bytes = dp_vmx_encode(vmx, rows[i].shown, NULL);

        g_assert_cmpstr(bytes, ==, rows[i].bytes);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vm-edit/siblings", test_siblings);
    g_test_add_func("/vm-edit/upgrade", test_upgrade);
    g_test_add_func("/vm-edit/upgrade-versions", test_upgrade_versions);
    g_test_add_func("/vm-edit/reserve", test_reserve);
    g_test_add_func("/vm-edit/free-index", test_free_index);
    g_test_add_func("/vm-edit/add", test_add);
    g_test_add_func("/vm-edit/remove", test_remove);
    g_test_add_func("/vm-edit/diff", test_diff);
    g_test_add_func("/vm-edit/encode", test_encode);
    return g_test_run();
}
