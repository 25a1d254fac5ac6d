/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the host would lose with a way to other machines. */
#include "needs-said.h"

static void
test_network_filesystems(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) policy = NULL;
    DpFunction *one = add_function(fake, "0000:00:03.0");
    DpFunction *two = add_function(fake, "0000:00:04.0");
    DpPeer *server = fake_peer(fake, "10.0.0.5", "eth0");

    fake_net(fake, "eth0", "", "0000:00:03.0");
    fake_net(fake, "bond0", "eth1", "");
    fake_net(fake, "eth1", "", "0000:00:04.0");
    fake_mount(fake, "0:40", "/", "nfs", "10.0.0.5:/root")->peer = server;
    fake_mount(fake, "0:41", "/a", "cifs", "//10.0.0.6/a")->peer =
        fake_peer(fake, "10.0.0.6", "bond0 gone");
    policy = judge(fake);
    assert_says(policy, one,
                "DP1254 0000:00:03.0 is eth0, over which / (nfs from 10.0.0.5) is mounted\n");
    assert_says(policy, two,
                "DP1206 0000:00:04.0 is eth1, beneath bond0, which the host has set up\n"
                "DP1254 0000:00:04.0 is eth1, beneath bond0, over which /a (cifs from 10.0.0.6) is "
                "mounted\n");
}

static void
test_many_mounts_of_one_server(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) policy = NULL;
    DpFunction *one = add_function(fake, "0000:00:03.0");
    DpPeer *server = fake_peer(fake, "fe80::1", "eth0");

    fake_net(fake, "eth0", "", "0000:00:03.0");
    for (int i = 0; i < 5; i++) {
        char point[] = {'/', (char)('a' + i), '\0'};

        fake_mount(fake, "0:40", point, "nfs", "x")->peer = server;
    }
    policy = judge(fake);
    assert_says(policy, one,
                "DP1254 0000:00:03.0 is eth0, over which /a (nfs from fe80::1) and /b (nfs from "
                "fe80::1) and /c (nfs from fe80::1) and 2 more are mounted\n");
}

/* The root inside LVM on iSCSI, and an idle disk of another session. */
static void
test_remote_disk(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) policy = NULL;
    DpFunction *one = add_function(fake, "0000:00:03.0");
    DpFunction *two = add_function(fake, "0000:00:04.0");

    fake_net(fake, "eth0", "", "0000:00:03.0");
    fake_net(fake, "eth1", "", "0000:00:04.0");
    fake_block(fake, "sda", "8:0", "", "")->peer = fake_peer(fake, "10.0.0.5", "eth0");
    fake_block(fake, "sdb", "8:16", "", "")->peer = fake_peer(fake, "10.0.1.5", "eth1");
    fake_block(fake, "dm-0", "254:0", "sda", "");
    fake_mount(fake, "254:0", "/", "ext4", "/dev/mapper/vg-root");
    policy = judge(fake);
    assert_says(
        policy, one,
        "DP1255 0000:00:03.0 is eth0, over which the host reaches 10.0.0.5, sda, dm-0, which "
        "holds / (ext4)\n");
    assert_says(policy, two, "");
}

/* One path over each of two interfaces: each is a path of the network. */
static void
test_remote_paths(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) policy = NULL;
    DpFunction *one = add_function(fake, "0000:00:03.0");

    add_function(fake, "0000:00:04.0");
    fake_net(fake, "eth0", "", "0000:00:03.0");
    fake_net(fake, "eth1", "", "0000:00:04.0");
    fake_block(fake, "sda", "8:0", "", "")->peer = fake_peer(fake, "10.0.0.5", "eth0");
    fake_block(fake, "sdb", "8:16", "", "")->peer = fake_peer(fake, "10.0.1.5", "eth1");
    fake_block(fake, "dm-0", "254:0", "sda sdb", "")->multipath = true;
    fake_mount(fake, "254:0", "/srv", "ext4", "/dev/mapper/mpatha");
    policy = judge(fake);
    assert_says(policy, one,
                "DP1265 0000:00:03.0 is eth0, over which the host reaches 10.0.0.5, sda, dm-0, "
                "which holds /srv (ext4); 1 of 2 paths to dm-0 would be left\n");
}

/* What a host's network hangs on is armed; disks, swap and seats are not. */
static void
test_network_needs(void)
{
    static const DpDiagId network[] = {
        DP_DIAG_HOST_NEEDS_DEFAULT_ROUTE,     DP_DIAG_HOST_NEEDS_INTERFACE,
        DP_DIAG_HOST_NEEDS_REMOTE_FILESYSTEM, DP_DIAG_HOST_NEEDS_REMOTE_DISK,
        DP_DIAG_HOST_NEEDS_REMOTE_PATH,       DP_DIAG_HOST_NEEDS_LOGIN,
        DP_DIAG_HOST_NEEDS_CRASH_SERVER,
    };
    static const DpDiagId others[] = {
        DP_DIAG_HOST_NEEDS_FILESYSTEM, DP_DIAG_HOST_NEEDS_SWAP,
        DP_DIAG_HOST_NEEDS_VOLUME,     DP_DIAG_HOST_NEEDS_CONSOLE,
        DP_DIAG_HOST_NEEDS_STORE,      DP_DIAG_HOST_NEEDS_SWAP_FILE,
        DP_DIAG_HOST_NEEDS_PATH,       DP_DIAG_HOST_NEEDS_CRASH_DUMP,
        DP_DIAG_HOST_NEEDS_KEYBOARD,   DP_DIAG_HOST_NEEDS_FSTAB,
        DP_DIAG_HOST_NEEDS_ESP,        DP_DIAG_HOST_NEEDS_SERIAL_CONSOLE,
    };

    for (size_t i = 0; i < G_N_ELEMENTS(network); i++) {
        g_assert_true(dp_policy_is_network_need(network[i]));
        g_assert_true(dp_policy_is_host_need(network[i]));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        g_assert_false(dp_policy_is_network_need(others[i]));
        g_assert_true(dp_policy_is_host_need(others[i]));
    }
}

static void
test_logins(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) policy = NULL;
    DpFunction *one = add_function(fake, "0000:00:03.0");

    fake_net(fake, "eth0", "", "0000:00:03.0");
    g_ptr_array_add(fake->host.logins, fake_peer(fake, "10.0.0.7", "eth0"));
    g_ptr_array_add(fake->host.logins, fake_peer(fake, "10.0.0.8", "eth0"));
    policy = judge(fake);
    assert_says(policy, one,
                "DP1256 0000:00:03.0 is eth0, over which somebody is logged in from 10.0.0.7 and "
                "10.0.0.8\n");
    g_assert_true(dp_policy_is_network_need(DP_DIAG_HOST_NEEDS_LOGIN));
}

/* Tunnels and disks whose other end is in no file: every interface is warned of, none refused. */
static void
test_unknown_ways(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) policy = NULL;
    DpFunction *one = add_function(fake, "0000:00:03.0");
    DpFunction *two = add_function(fake, "0000:00:04.0");
    DpFunction *none = add_function(fake, "0000:00:05.0");

    fake_net(fake, "eth0", "", "0000:00:03.0");
    fake_net(fake, "eth1", "", "0000:00:04.0");
    fake_net(fake, "eth2", "", "0000:00:04.0");
    fake_net(fake, "wg0", "", "")->tunnel = "WireGuard";
    fake_net(fake, "wg1", "", "")->tunnel = "WireGuard"; /* nothing goes over it */
    fake_net(fake, "br0", "wg0", "")->default_route = true;
    fake_block(fake, "nbd0", "43:0", "", "")->remote = "NBD";
    fake_block(fake, "nbd0p1", "43:1", "nbd0", "")->remote = "NBD";
    fake_block(fake, "nbd1", "43:32", "", "")->remote = "NBD"; /* not in use */
    fake_mount(fake, "43:1", "/srv", "ext4", "/dev/nbd0p1");
    policy = judge(fake);
    assert_says(policy, one,
                "DP1267 0000:00:03.0 is eth0, and may be the way to the other end of NBD (nbd0, "
                "nbd0p1), which holds /srv (ext4) and the other end of wg0 (WireGuard), which "
                "carries the default route\n");
    assert_says(policy, two,
                "DP1267 0000:00:04.0 is eth1, and may be the way to the other end of NBD (nbd0, "
                "nbd0p1), which holds /srv (ext4) and the other end of wg0 (WireGuard), which "
                "carries the default route\n");
    assert_says(policy, none, "");
}

/* DRBD goes on with its own disk, which is needed as ever. */
static void
test_replicated_disk(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) policy = NULL;
    DpFunction *disk = add_function(fake, "0000:00:03.0");
    DpFunction *net = add_function(fake, "0000:00:04.0");

    fake_net(fake, "eth0", "", "0000:00:04.0");
    fake_block(fake, "sda", "8:0", "", "0000:00:03.0");
    fake_block(fake, "drbd0", "147:0", "sda", "")->remote = "DRBD";
    policy = judge(fake);
    assert_says(policy, disk,
                "DP1207 0000:00:03.0 carries sda, drbd0, which is an active volume\n");
    assert_says(policy, net,
                "DP1267 0000:00:04.0 is eth0, and may be the way to the other end of DRBD (drbd0), "
                "which is an active volume\n");
}

/* One end of a replica may lie on a disk of another kind that comes over the network as well. */
static void
test_replica_of_a_remote_disk(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) policy = NULL;
    DpFunction *fn = add_function(fake, "0000:00:03.0");

    fake_net(fake, "eth0", "", "0000:00:03.0");
    fake_block(fake, "nbd0", "43:0", "", "")->remote = "NBD";
    fake_block(fake, "drbd0", "147:0", "nbd0", "")->remote = "DRBD";
    policy = judge(fake);
    assert_says(policy, fn,
                "DP1267 0000:00:03.0 is eth0, and may be the way to the other end of NBD (nbd0, "
                "drbd0), which is an active volume and the other end of DRBD (drbd0), which is an "
                "active volume\n");
}

/* What the interface of a tunnel is known of is refused like a VLAN's. */
static void
test_known_ways(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpPolicy) policy = NULL;
    DpFunction *fn = add_function(fake, "0000:00:03.0");
    DpBlock *image;

    fake_net(fake, "eth0", "", "0000:00:03.0");
    fake_net(fake, "gre1", "eth0", "")->tunnel = "GRE";
    image = fake_block(fake, "rbd0", "252:0", "", "");
    image->remote = "RBD";
    image->peer = fake_peer(fake, "10.0.0.2", "gre1");
    fake_mount(fake, "252:0", "/srv", "ext4", "/dev/rbd0");
    policy = judge(fake);
    assert_says(policy, fn,
                "DP1255 0000:00:03.0 is eth0, beneath gre1, over which the host reaches its "
                "cluster from 10.0.0.2, rbd0, which holds /srv (ext4)\n"
                "DP1206 0000:00:03.0 is eth0, beneath gre1, which the host has set up\n");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/policy/network/network-filesystems", test_network_filesystems);
    g_test_add_func("/policy/network/many-mounts", test_many_mounts_of_one_server);
    g_test_add_func("/policy/network/remote-disk", test_remote_disk);
    g_test_add_func("/policy/network/remote-paths", test_remote_paths);
    g_test_add_func("/policy/network/network-needs", test_network_needs);
    g_test_add_func("/policy/network/logins", test_logins);
    g_test_add_func("/policy/network/unknown-ways", test_unknown_ways);
    g_test_add_func("/policy/network/replicated-disk", test_replicated_disk);
    g_test_add_func("/policy/network/replica-of-a-remote-disk", test_replica_of_a_remote_disk);
    g_test_add_func("/policy/network/known-ways", test_known_ways);
    return g_test_run();
}
