/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the host would lose: from functions to file systems, swap, volumes and routes. */
#include "needs-said.h"

static void
test_root_on_usb(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) policy = NULL;
    DpFunction *usb = add_function(fake, "0000:00:1d.0");
    DpFunction *other = add_function(fake, "0000:00:1e.0");

    fake_block(fake, "sdb", "8:16", "", "0000:00:1d.0")->path = (char *)"usb 2-1";
    fake_block(fake, "sdb1", "8:17", "sdb", "0000:00:1d.0");
    fake_block(fake, "sdc", "8:32", "", "0000:00:1e.0");
    fake_mount(fake, "8:17", "/", "ext4", "/dev/sdb1");
    fake_mount(fake, "0:22", "/tmp", "tmpfs", "tmpfs");
    policy = judge(fake);
    assert_says(policy, usb,
                "DP1203 0000:00:1d.0 carries usb 2-1, sdb, sdb1, which holds / (ext4)\n");
    assert_says(policy, other, "");
    g_assert_true(dp_policy_verdict(policy, &other->addr)->allowed);
}

/* LVM over two disks, one of them with a second partition for swap. */
static void
test_lvm_and_swap(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) policy = NULL;
    DpFunction *one = add_function(fake, "0000:01:00.0");
    DpFunction *two = add_function(fake, "0000:02:00.0");

    fake_block(fake, "nvme0n1", "259:0", "", "0000:01:00.0")->path = (char *)"nvme0";
    fake_block(fake, "nvme0n1p1", "259:1", "nvme0n1", "0000:01:00.0");
    fake_block(fake, "nvme0n1p2", "259:2", "nvme0n1", "0000:01:00.0")->swap = true;
    fake_block(fake, "nvme1n1", "259:3", "", "0000:02:00.0");
    fake_block(fake, "dm-0", "254:0", "nvme0n1p1 nvme1n1", "");
    fake_mount(fake, "254:0", "/", "ext4", "/dev/mapper/vg-root");
    fake_mount(fake, "254:0", "/var/lib/docker", "ext4", "/dev/mapper/vg-root");
    policy = judge(fake);
    assert_says(policy, one,
                "DP1204 0000:01:00.0 carries nvme0, nvme0n1, nvme0n1p2, which is swap space in "
                "use\n"
                "DP1203 0000:01:00.0 carries nvme0, nvme0n1, nvme0n1p1, dm-0, which holds / (ext4) "
                "and /var/lib/docker (ext4)\n");
    assert_says(policy, two,
                "DP1203 0000:02:00.0 carries nvme1n1, dm-0, which holds / (ext4) and "
                "/var/lib/docker (ext4)\n");
}

static void
test_active_volume_without_mount(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) policy = NULL;
    DpFunction *one = add_function(fake, "0000:01:00.0");

    fake_block(fake, "sda", "8:0", "", "0000:01:00.0");
    fake_block(fake, "sda1", "8:1", "sda", "0000:01:00.0");
    fake_block(fake, "md0", "9:0", "sda1", "");
    fake_block(fake, "loop0", "7:0", "", "");
    policy = judge(fake);
    assert_says(policy, one,
                "DP1207 0000:01:00.0 carries sda, sda1, md0, which is an active volume\n");
}

/* What is mounted speaks for the volumes beneath it: one reason, one chain. */
static void
test_volume_on_volume(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) policy = NULL;
    DpFunction *one = add_function(fake, "0000:01:00.0");

    fake_block(fake, "sda", "8:0", "", "0000:01:00.0");
    fake_block(fake, "dm-0", "254:0", "sda", "");
    fake_block(fake, "dm-1", "254:1", "dm-0", "");
    fake_mount(fake, "254:1", "/", "xfs", "/dev/mapper/vg-root");
    policy = judge(fake);
    assert_says(policy, one, "DP1203 0000:01:00.0 carries sda, dm-0, dm-1, which holds / (xfs)\n");
}

/* An unused disk, partitioned or not, is no reason. */
static void
test_unused_disk(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) policy = NULL;
    DpFunction *one = add_function(fake, "0000:01:00.0");

    fake_block(fake, "sda", "8:0", "", "0000:01:00.0");
    fake_block(fake, "sda1", "8:1", "sda", "0000:01:00.0");
    policy = judge(fake);
    assert_says(policy, one, "");
}

/* A disk behind a VMD hangs from both functions; btrfs has no number of its own. */
static void
test_all_functions_of_the_path(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) policy = NULL;
    DpFunction *vmd = add_function(fake, "0000:00:0e.0");
    DpFunction *port = fake_bridge(fake, "10000:00:02.0", NULL, 8, DP_PCIE_ROOT_PORT);
    DpFunction *nvme = fake_function(fake, "10000:01:00.0", port, 8);

    fake_block(fake, "nvme0n1", "259:0", "", "10000:01:00.0 10000:00:02.0 0000:00:0e.0");
    fake_mount(fake, "0:35", "/", "btrfs", "/dev/nvme0n1");
    fake_mount(fake, "0:35", "/home", "btrfs", "/dev/nvme0n1");
    fake_mount(fake, "0:35", "/srv", "btrfs", "/dev/nvme0n1");
    fake_mount(fake, "0:35", "/opt", "btrfs", "/dev/nvme0n1");
    policy = judge(fake);
    assert_says(policy, nvme,
                "DP1203 10000:01:00.0 carries nvme0n1, which holds / (btrfs) and /home (btrfs) and "
                "/srv (btrfs) and 1 more\n");
    assert_says(policy, vmd,
                "DP1203 0000:00:0e.0 carries nvme0n1, which holds / (btrfs) and /home (btrfs) and "
                "/srv (btrfs) and 1 more\n");
    assert_says(policy, port, "");
}

/* Slaves that name each other, or nothing, come from a broken tree: no hang, nothing lost. */
static void
test_loops(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) policy = NULL;
    DpFunction *one = add_function(fake, "0000:01:00.0");

    fake_block(fake, "dm-0", "254:0", "dm-1 dm-0", "");
    fake_block(fake, "dm-1", "254:1", "dm-0 sda gone", "");
    fake_block(fake, "sda", "8:0", "gone", "0000:01:00.0 0000:77:00.0");
    fake_mount(fake, "254:0", "/", "ext4", "/dev/dm-0");
    fake_net(fake, "br0", "br1 br0 eth0", "")->default_route = true;
    fake_net(fake, "br1", "br0", "");
    fake_net(fake, "eth0", "eth0 none", "0000:01:00.0");
    policy = judge(fake);
    g_assert_false(dp_policy_verdict(policy, &one->addr)->allowed);
    g_assert_true(
        dp_diags_have(dp_policy_verdict(policy, &one->addr)->diags, DP_DIAG_HOST_NEEDS_FILESYSTEM));
}

static void
test_default_route(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) policy = NULL;
    DpFunction *one = add_function(fake, "0000:00:03.0");
    DpFunction *two = add_function(fake, "0000:00:04.0");

    fake_net(fake, "eth0", "", "0000:00:03.0")->default_route = true;
    fake_net(fake, "eth1", "", "0000:00:04.0");
    fake_net(fake, "lo", "", "");
    policy = judge(fake);
    assert_says(policy, one, "DP1205 0000:00:03.0 is eth0, which carries the default route\n");
    assert_says(policy, two, "");
    g_assert_true(dp_policy_verdict(policy, &two->addr)->allowed);
}

/* The default route on a VLAN of a bridge over a bond of two NICs; a third in a bridge of its own.
 */
static void
test_bridge_bond_vlan(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) policy = NULL;
    DpFunction *one = add_function(fake, "0000:01:00.0");
    DpFunction *two = add_function(fake, "0000:02:00.0");
    DpFunction *three = add_function(fake, "0000:03:00.0");

    fake_net(fake, "vlan7", "br0", "")->default_route = true;
    fake_net(fake, "br0", "bond0", "");
    fake_net(fake, "bond0", "eth0 eth1", "");
    fake_net(fake, "eth0", "", "0000:01:00.0");
    fake_net(fake, "eth1", "", "0000:02:00.0");
    fake_net(fake, "br1", "eth2", "");
    fake_net(fake, "eth2", "", "0000:03:00.0");
    policy = judge(fake);
    g_assert_true(dp_diags_have(dp_policy_verdict(policy, &two->addr)->diags,
                                DP_DIAG_HOST_NEEDS_DEFAULT_ROUTE));
    assert_says(policy, one,
                "DP1205 0000:01:00.0 is eth0, beneath bond0, br0, vlan7, which carries the default "
                "route\n");
    assert_says(policy, three,
                "DP1206 0000:03:00.0 is eth2, beneath br1, which the host has set up\n");
}

static void
test_console(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) policy = NULL;
    DpFunction *vga = fake_function(fake, "0000:01:00.0", NULL, 3);
    DpFunction *audio = fake_function(fake, "0000:01:00.1", NULL, 3);

    vga->caps.flr = audio->caps.flr = DP_TRI_YES;
    vga->boot_vga = DP_TRI_YES;
    policy = judge(fake);
    assert_says(policy, vga,
                "DP1208 0000:01:00.0 is the display that the firmware started, which shows the "
                "host's console\n");
    g_assert_true(
        dp_diags_have(dp_policy_verdict(policy, &audio->addr)->diags, DP_DIAG_UNIT_HOST_NEEDS));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/policy/need/usb-root", test_root_on_usb);
    g_test_add_func("/policy/need/lvm-and-swap", test_lvm_and_swap);
    g_test_add_func("/policy/need/volume", test_active_volume_without_mount);
    g_test_add_func("/policy/need/volume-on-volume", test_volume_on_volume);
    g_test_add_func("/policy/need/unused-disk", test_unused_disk);
    g_test_add_func("/policy/need/whole-path", test_all_functions_of_the_path);
    g_test_add_func("/policy/need/loops", test_loops);
    g_test_add_func("/policy/need/default-route", test_default_route);
    g_test_add_func("/policy/need/bridge-bond-vlan", test_bridge_bond_vlan);
    g_test_add_func("/policy/need/console", test_console);
    return g_test_run();
}
