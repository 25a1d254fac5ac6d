/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a bundle for strangers leaves of texts, of a VMX and of what the kernel has said. */
#include "host/mask.h"
#include "vm/vmx-mask.h"

#include <string.h>

static void
test_forms(void)
{
    static const char *const cases[][2] = {
        {"mac 00:0c:29:AB:cd:ef.", "mac 02:00:00:00:00:01."},
        {"00-0c-29-ab-cd-ef", "02:00:00:00:00:01"},
        {"serial 52-54-00-ff-fe-12-34-56", "serial serial1"},
        {"0000:03:00.0 and 00000:003:00.0", "0000:03:00.0 and 00000:003:00.0"},
        {"[03:00.0] fault addr 0xffff000000001234", "[03:00.0] fault addr 0xffff000000001234"},
        {"8086:10d3 (rev 02)", "8086:10d3 (rev 02)"},
        {"QEMU 7.2.13, Linux 6.1.0-28", "QEMU 7.2.13, Linux 6.1.0-28"},
        {"to 10.1.2.3:22, 127.0.0.1, 0.0.0.0", "to address1:22, 127.0.0.1, 0.0.0.0"},
        {"10.1.2.3 10.1.2.4 10.1.2.3", "address1 address2 address1"},
        {"[fe80::1:2] 2001:db8:0:1:2:3:4:5 ::1", "[address1] address2 ::1"},
        {"48c4619b-6d58-18db-2a0e-000423d1e6f6", "00000000-0000-0000-0000-000000000001"},
        {"48C4619B-6d5818db-2a0e-000423d1e6f6", "00000000-00000000-0000-000000000001"},
        {"56 4d 30 00 01 02 03 04-05 06 07 08 09 0a 0b 0c, 56 4d", "serial1, 56 4d"},
        {"48c4619b-6d58-18db-2a0e", "48c4619b-6d58-18db-2a0e"},
        {"0123456789abcdef 0123456789abcde", "hex1 0123456789abcde"},
        {"enx525400123456.7 enp3s0", "enx1.7 enp3s0"},
        {"naa.5000c500a0b0c0d0, iqn.1993-08.org:01:abc", "naa.serial1, iqn.serial2"},
        {"/home/me/x /home /media/me/s /var/home/",
         "/home/user1/x /home /media/user1/s /var/home/"},
        {"/dev/disk/by-id/ata-X_123-part1", "/dev/disk/by-id/serial1"},
        {"password=abc, Password: \"a b\" passwords",
         "password=secret1, Password: \"secret2\" passwords"},
        {"\"serial\": \"X1\", \"serial0\": 2", "\"serial\": \"serial1\", \"serial0\": 2"},
        {"\"password\": null", "\"password\": null"},
        {"https://me:pw@there/x", "https://secret1@host1/x"},
        {"ssh root@web1.example.org:22", "ssh user1@host1:22"},
        {"hotplug@0000:03:00.0.service", "hotplug@0000:03:00.0.service"},
        {"", ""},
        {"user", "user"},
        {"user=", "user="},
        {"password=\xff\xfe", "password=secret1"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(DpMask) mask = dp_mask_new();
        g_autofree char *got = dp_mask_text(mask, cases[i][0]);

        g_assert_cmpstr(got, ==, cases[i][1]);
    }
}

static void
test_words(void)
{
    g_autoptr(DpMask) mask = dp_mask_new();
    g_autofree char *text = NULL, *words = NULL;

    dp_mask_learn(mask, DP_MASK_HOST, " web-1\n");
    dp_mask_learn(mask, DP_MASK_HOST, "web-1.example.org");
    dp_mask_learn(mask, DP_MASK_HOST, "localhost");
    dp_mask_learn(mask, DP_MASK_HOST, "x");
    dp_mask_learn(mask, DP_MASK_USER, "J\303\266rg");
    dp_mask_learn(mask, DP_MASK_MAC, "0c:c4:7a:01:02:03");
    dp_mask_learn(mask, DP_MASK_SERIAL, "CZJ (7)");
    dp_mask_keep(mask, "0123456789abcdef");
    text = dp_mask_text(mask,
                        "WEB-1 web-1.example.org web--1--vg webs-1 web-10 localhost x J\303\266rg "
                        "J\303\266rgen 0cc47a010203 0CC4-7a [CZJ (7)] 0123456789abcdef");
    g_assert_cmpstr(text, ==,
                    "host1 host2 host1--vg webs-1 web-10 localhost x user1 J\303\266rgen "
                    "02:00:00:00:00:01 0CC4-7a [serial1] 0123456789abcdef");
    words = dp_mask_words(mask, "web-1 10.1.2.3 password=a");
    g_assert_cmpstr(words, ==, "host1 10.1.2.3 password=a");
    g_assert_cmpstr(dp_mask_token(mask, DP_MASK_HOST, "Web-1"), ==, "host1");
}

static void
test_json(void)
{
    g_autoptr(DpMask) mask = dp_mask_new();
    json_auto_t *value =
        json_loads("{\"serial\": \"X 1\", \"mac\": \"02-03-04-05-06-07\", \"n\": [1, "
                   "true, null, \"of 10.0.0.1\"], \"web\": {\"serial\": 7}}",
                   0, NULL);
    json_auto_t *wanted =
        json_loads("{\"serial\": \"serial1\", \"mac\": \"02:00:00:00:00:01\", \"n\": "
                   "[1, true, null, \"of address1\"], \"web\": {\"serial\": 7}}",
                   0, NULL);
    json_auto_t *got = NULL;

    dp_mask_learn(mask, DP_MASK_HOST, "web");
    got = dp_mask_json(mask, value);
    g_assert_true(json_equal(got, wanted));
}

static void
test_capture(void)
{
    static const char *const cases[][3] = {
        {"proc/self/mountinfo", "1 1 254:0 / /web\\040disk rw - ext4 /dev/mapper/web-root rw\n",
         "1 1 254:0 / /host1\\040disk rw - ext4 /dev/mapper/host1-root rw\n"},
        {"sys/devices/virtual/block/dm-0/dm/name", "web-root\n", "host1-root\n"},
        {"proc/cmdline", "root=/dev/mapper/web-root intel_iommu=on",
         "root=/dev/mapper/host1-root intel_iommu=on"},
        {"etc/fstab", "/dev/web /web ext4 web\n", "/dev/web /host1 ext4 web\n"},
        {"etc/directpath/passthru.map", "8086 10d3 d3d0 default # of web\n",
         "8086 10d3 d3d0 default \n"},
        {"sys/bus/pci/devices/web/modalias", "web", NULL},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(DpMask) mask = dp_mask_new();
        g_autofree char *got = NULL;

        dp_mask_learn(mask, DP_MASK_HOST, "web");
        got = dp_mask_capture(mask, cases[i][0], cases[i][1]);
        g_assert_cmpstr(got, ==, cases[i][2]);
    }
}

static void
test_vmx(void)
{
    static const char text[] =
        "# of web\nmemsize = \"512\"\n\nscsi0:0.fileName = \"/x/web-1.vmdk\"\n"
        "ethernet0.Address = \"00:50:56:00:00:01\"\nsched.mem.max = \"1|22 2\"\n"
        "pciPassthru0.id = \"00000:003:00.0\"\npciPassthru0.systemId = \"BYPASS\"\n"
        "RemoteDisplay.vnc.password = \"12345678\"\nfoo.mode = \"on\"\nfoo.bar = \"x\"\n"
        "displayName = \"The web\"\nnot a line\nfloppy0.fileName = \"a.b c\"\n";
    static const char wanted[] =
        "\nmemsize = \"512\"\n\nscsi0:0.fileName = \"file1.vmdk\"\n"
        "ethernet0.Address = \"02:00:00:00:00:01\"\nsched.mem.max = \"1? 2\"\n"
        "pciPassthru0.id = \"00000:003:00.0\"\npciPassthru0.systemId = \"(masked)\"\n"
        "RemoteDisplay.vnc.password = \"(masked)\"\nfoo.mode = \"on\"\nfoo.bar = \"(masked)\"\n"
        "displayName = \"(masked)\"\n\nfloppy0.fileName = \"file2\"\n";
    g_autoptr(DpVmx) vmx = dp_vmx_parse("vm.vmx", text, strlen(text), NULL, NULL);
    g_autoptr(DpMask) mask = dp_mask_new();
    g_autofree char *got = dp_vmx_masked(vmx, mask), *said = NULL;

    g_assert_cmpstr(got, ==, wanted);
    dp_vmx_mask_learn(vmx, "/vmfs/shop/front.vmx", mask);
    said = dp_mask_text(mask, "/vmfs/shop/front.vmx is The web, of web-1.vmdk: 12345678");
    g_assert_cmpstr(said, ==, "/vmfs/vm2/vm1.vmx is vm3, of file3.vmdk: secret1");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mask/forms", test_forms);
    g_test_add_func("/mask/words", test_words);
    g_test_add_func("/mask/json", test_json);
    g_test_add_func("/mask/capture", test_capture);
    g_test_add_func("/mask/vmx", test_vmx);
    return g_test_run();
}
