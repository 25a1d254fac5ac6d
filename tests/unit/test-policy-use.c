/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the host would lose beside its own disks and routes: paths, places, what is not in use yet,
 * seats. */
#include "needs-said.h"

/* Two ports of a storage network; a file system on a partition of the map. */
static void
test_multipath(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) policy = NULL;
    DpFunction *one = add_function(fake, "0000:01:00.0");
    DpFunction *two = add_function(fake, "0000:02:00.0");

    fake_block(fake, "sda", "8:0", "", "0000:01:00.0");
    fake_block(fake, "sdb", "8:16", "", "0000:02:00.0");
    fake_block(fake, "sdc", "8:32", "", "0000:02:00.0");
    fake_block(fake, "dm-0", "254:0", "sda sdb sdc", "")->multipath = true;
    fake_block(fake, "dm-1", "254:1", "dm-0", "");
    fake_mount(fake, "254:1", "/", "ext4", "/dev/mapper/mpatha-part1");
    policy = judge(fake);
    assert_says(
        policy, one,
        "DP1252 0000:01:00.0 carries sda, dm-0, dm-1, which holds / (ext4); 2 of 3 paths to "
        "dm-0 would be left\n");
    assert_says(
        policy, two,
        "DP1252 0000:02:00.0 carries sdb, dm-0, dm-1, which holds / (ext4); 1 of 3 paths to "
        "dm-0 would be left\n"
        "DP1252 0000:02:00.0 carries sdc, dm-0, dm-1, which holds / (ext4); 1 of 3 paths to "
        "dm-0 would be left\n");
}

/* The other path goes along: the disk is lost, whatever the map has. */
static void
test_all_paths_in_one_unit(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) policy = NULL;
    DpFunction *one = fake_function(fake, "0000:01:00.0", NULL, 1);
    DpFunction *two = fake_function(fake, "0000:01:00.1", NULL, 1);

    one->caps.flr = two->caps.flr = DP_TRI_YES;
    fake_block(fake, "sda", "8:0", "", "0000:01:00.0");
    fake_block(fake, "sdb", "8:16", "", "0000:01:00.1");
    fake_block(fake, "dm-0", "254:0", "sda sdb", "")->multipath = true;
    policy = judge(fake);
    assert_says(
        policy, one,
        "DP1207 0000:01:00.0 carries sda, dm-0, which is an active volume; no other path to "
        "dm-0 would be left\n");
    assert_says(
        policy, two,
        "DP1207 0000:01:00.1 carries sdb, dm-0, which is an active volume; no other path to "
        "dm-0 would be left\n");
}

/* A map with a single path is an ordinary volume. */
static void
test_single_path(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) policy = NULL;
    DpFunction *one = add_function(fake, "0000:01:00.0");

    fake_block(fake, "sda", "8:0", "", "0000:01:00.0");
    fake_block(fake, "dm-0", "254:0", "sda", "")->multipath = true;
    fake_mount(fake, "254:0", "/", "ext4", "/dev/mapper/mpatha");
    policy = judge(fake);
    assert_says(policy, one, "DP1203 0000:01:00.0 carries sda, dm-0, which holds / (ext4)\n");
}

/* What lies on the root file system is said with it; only the swap file can be given up alone. */
static void
test_places_on_the_root(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) policy = NULL;
    DpFunction *one = add_function(fake, "0000:01:00.0");

    fake_block(fake, "sda", "8:0", "", "0000:01:00.0");
    fake_mount(fake, "8:0", "/", "ext4", "/dev/sda");
    g_ptr_array_add(fake->host.swap_files, (gpointer) "/swapfile");
    fake->host.crash = (DpCrash){.armed = true, .folder = (char *)"/var/crash"};
    policy = judge(fake);
    assert_says(policy, one,
                "DP1203 0000:01:00.0 carries sda, which holds / (ext4)\n"
                "DP1251 0000:01:00.0 carries sda, which holds /swapfile, which is swap space in "
                "use\n");
}

static void
test_places_beside_the_root(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) policy = NULL;
    DpFunction *one = add_function(fake, "0000:01:00.0");
    DpFunction *two = add_function(fake, "0000:02:00.0");

    fake_block(fake, "sda", "8:0", "", "0000:01:00.0");
    fake_block(fake, "sdb", "8:16", "", "0000:02:00.0");
    fake_mount(fake, "0:2", "/", "tmpfs", "tmpfs");
    fake_mount(fake, "8:0", "/etc", "ext4", "/dev/sda");
    fake_mount(fake, "8:0", "/etc/direct", "ext4", "/dev/sda"); /* no folder above the store */
    fake_mount(fake, "8:16", "/var", "ext4", "/dev/sdb");
    fake->host.crash = (DpCrash){.armed = true, .folder = (char *)"/var/crash"};
    policy = judge(fake);
    assert_says(policy, one,
                "DP1203 0000:01:00.0 carries sda, which holds /etc (ext4) and /etc/direct (ext4)\n"
                "DP1250 0000:01:00.0 carries sda, which holds /etc/directpath, where the owners of "
                "devices are stored\n");
    assert_says(
        policy, two,
        "DP1203 0000:02:00.0 carries sdb, which holds /var (ext4)\n"
        "DP1257 0000:02:00.0 carries sdb, which holds /var/crash, where the dump of a crash "
        "is to be written\n");
}

/* The store on two disks of one file system needs both. */
static void
test_store_on_two_disks(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) policy = NULL;
    DpFunction *one = add_function(fake, "0000:01:00.0");
    DpFunction *two = add_function(fake, "0000:02:00.0");

    fake_block(fake, "sda", "8:0", "", "0000:01:00.0");
    fake_block(fake, "sdb", "8:16", "", "0000:02:00.0");
    fake_mount(fake, "8:0", "/etc/directpath", "btrfs", "/dev/sda");
    fake_mount(fake, "8:16", "/etc/directpath", "btrfs", "/dev/sdb");
    policy = judge(fake);
    g_assert_true(
        dp_diags_have(dp_policy_verdict(policy, &one->addr)->diags, DP_DIAG_HOST_NEEDS_STORE));
    g_assert_true(
        dp_diags_have(dp_policy_verdict(policy, &two->addr)->diags, DP_DIAG_HOST_NEEDS_STORE));
}

static void
test_crash_device_unarmed(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) idle = NULL, armed = NULL;
    DpFunction *one = add_function(fake, "0000:01:00.0");

    fake_block(fake, "sda", "8:0", "", "0000:01:00.0");
    fake->host.crash = (DpCrash){.device = (char *)"sda"};
    idle = judge(fake);
    assert_says(idle, one, "");
    fake->host.crash.armed = true;
    armed = judge(fake);
    assert_says(armed, one,
                "DP1257 0000:01:00.0 carries sda, which is where the dump of a crash is to be "
                "written\n");
}

static DpAwaited *
add_awaited(FakeHost *fake, const char *device, const char *mountpoint, const char *fstype)
{
    DpAwaited *awaited = g_new0(DpAwaited, 1);

    awaited->device = (char *)device;
    awaited->mountpoint = (char *)mountpoint;
    awaited->fstype = (char *)fstype;
    g_ptr_array_add(fake->owned, awaited);
    g_ptr_array_add(fake->host.awaited, awaited);
    return awaited;
}

static void
test_fstab(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) policy = NULL;
    DpFunction *one = add_function(fake, "0000:01:00.0");
    DpFunction *two = add_function(fake, "0000:02:00.0");
    const DpVerdict *verdict;

    fake_block(fake, "sda", "8:0", "", "0000:01:00.0");
    fake_block(fake, "sda1", "8:1", "sda", "0000:01:00.0");
    fake_block(fake, "sda2", "8:2", "sda", "0000:01:00.0");
    fake_block(fake, "sdb", "8:16", "", "0000:02:00.0");
    add_awaited(fake, "sda1", "/boot", "ext4")->by_hand = true; /* no host does without it */
    add_awaited(fake, "sda2", "none", "swap");
    add_awaited(fake, "sdb", "/srv", "xfs")->by_hand = true;
    policy = judge(fake);
    assert_says(policy, one,
                "DP1261 0000:01:00.0 carries sda, sda1, which /etc/fstab names for /boot (ext4)\n"
                "DP1261 0000:01:00.0 carries sda, sda2, which /etc/fstab names as swap space\n");
    assert_says(policy, two, "");
    verdict = dp_policy_verdict(policy, &two->addr);
    g_assert_true(dp_diags_have(verdict->diags, DP_DIAG_FSTAB_NAMES));
}

/* One on each of two disks: which is whose is known once the host has mounted or named its own. */
static void
test_esp(void)
{
    static const struct {
        bool efi, mounted, named;
        const char *expected;
    } cases[] = {
        {true, false, false,
         "DP1262 0000:02:00.0 carries sdb, sdb1, which is an EFI system partition, and the host "
         "has mounted none\n"},
        {true, true, false, ""},
        {true, false, true, ""},
        {false, false, false, ""},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(FakeHost) fake = fake_host_new();
        g_autoptr(DpPolicy) policy = NULL;
        DpFunction *other;

        add_function(fake, "0000:01:00.0");
        other = add_function(fake, "0000:02:00.0");
        fake->host.platform.efi = cases[i].efi;
        fake_block(fake, "sda", "8:0", "", "0000:01:00.0");
        fake_block(fake, "sda1", "8:1", "sda", "0000:01:00.0")->esp = true;
        fake_block(fake, "sdb", "8:16", "", "0000:02:00.0");
        fake_block(fake, "sdb1", "8:17", "sdb", "0000:02:00.0")->esp = true;
        if (cases[i].mounted) {
            fake_mount(fake, "8:1", "/boot/efi", "vfat", "/dev/sda1");
        }
        if (cases[i].named) {
            add_awaited(fake, "sda1", "/boot/efi", "vfat");
        }
        policy = judge(fake);
        assert_says(policy, other, cases[i].expected);
        g_assert_cmpint(
            dp_diags_have(dp_policy_verdict(policy, &other->addr)->diags, DP_DIAG_OTHER_ESP), ==,
            *cases[i].expected == '\0');
    }
}

static void
test_keyboards(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) only = NULL, several = NULL;
    DpFunction *usb = add_function(fake, "0000:00:14.0");

    fake_seat(fake, fake->host.keyboards, "input3", "0000:00:14.0")->path = (char *)"usb 1-3";
    only = judge(fake);
    assert_says(only, usb,
                "DP1258 0000:00:14.0 carries usb 1-3, a keyboard, and the host has no other\n");
    fake_seat(fake, fake->host.keyboards, "input0", ""); /* PS/2 */
    several = judge(fake);
    assert_says(several, usb,
                "DP1259 0000:00:14.0 carries usb 1-3, a keyboard; 1 of 2 would be left\n");
}

/* Both keyboards behind one unit: neither is left. */
static void
test_keyboards_of_one_unit(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) policy = NULL;
    DpFunction *one = fake_function(fake, "0000:00:1d.0", NULL, 3);
    DpFunction *two = fake_function(fake, "0000:00:1d.1", NULL, 3);

    one->caps.flr = two->caps.flr = DP_TRI_YES;
    fake_seat(fake, fake->host.keyboards, "input3", "0000:00:1d.0");
    fake_seat(fake, fake->host.keyboards, "input4", "0000:00:1d.1");
    policy = judge(fake);
    assert_says(policy, one,
                "DP1258 0000:00:1d.0 carries input3, a keyboard, and the host has no other\n");
    assert_says(policy, two,
                "DP1258 0000:00:1d.1 carries input4, a keyboard, and the host has no other\n");
}

static void
test_serial_console(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) policy = NULL;
    DpFunction *card = add_function(fake, "0000:00:16.0");

    fake_seat(fake, fake->host.consoles, "ttyUSB0", "0000:00:16.0")->path = (char *)"usb 1-1";
    policy = judge(fake);
    assert_says(policy, card,
                "DP1260 0000:00:16.0 carries usb 1-1, ttyUSB0, which the kernel's console is on\n");
}

static void
test_pool(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) policy = NULL;
    DpFunction *one = add_function(fake, "0000:01:00.0");

    fake_block(fake, "sda", "8:0", "", "0000:01:00.0");
    fake_block(fake, "sda1", "8:1", "sda", "0000:01:00.0")->pool = (char *)"tank";
    policy = judge(fake);
    assert_says(policy, one,
                "DP1207 0000:01:00.0 carries sda, sda1, which is a member of the ZFS pool tank\n");
}

/* A mount at / is named first, wherever the table has it. */
static void
test_system_mounts_first(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) policy = NULL;
    DpFunction *one = add_function(fake, "0000:01:00.0");
    static const char *const points[] = {"/a", "/b", "/", "/c", "/boot"};

    fake_block(fake, "sda", "8:0", "", "0000:01:00.0");
    for (size_t i = 0; i < G_N_ELEMENTS(points); i++) {
        fake_mount(fake, "8:0", points[i], "xfs", "/dev/sda");
    }
    policy = judge(fake);
    assert_says(policy, one,
                "DP1203 0000:01:00.0 carries sda, which holds / (xfs) and /boot (xfs) and /a (xfs) "
                "and 2 more\n");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/policy/use/multipath", test_multipath);
    g_test_add_func("/policy/use/all-paths-in-one-unit", test_all_paths_in_one_unit);
    g_test_add_func("/policy/use/single-path", test_single_path);
    g_test_add_func("/policy/use/places-on-the-root", test_places_on_the_root);
    g_test_add_func("/policy/use/places-beside-the-root", test_places_beside_the_root);
    g_test_add_func("/policy/use/store-on-two-disks", test_store_on_two_disks);
    g_test_add_func("/policy/use/crash-device", test_crash_device_unarmed);
    g_test_add_func("/policy/use/fstab", test_fstab);
    g_test_add_func("/policy/use/esp", test_esp);
    g_test_add_func("/policy/use/keyboards", test_keyboards);
    g_test_add_func("/policy/use/keyboards-of-one-unit", test_keyboards_of_one_unit);
    g_test_add_func("/policy/use/serial-console", test_serial_console);
    g_test_add_func("/policy/use/pool", test_pool);
    g_test_add_func("/policy/use/system-mounts-first", test_system_mounts_first);
    return g_test_run();
}
