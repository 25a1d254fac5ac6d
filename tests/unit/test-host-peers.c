/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses, routes, logins, keyboards and the target of crash dumps, out of the kernel's and the
 * programs' files. */
#include "host/awaited.h"
#include "host/crash.h"
#include "host/logins.h"
#include "host/scan.h"

#include <string.h>
#include <utmp.h>

static void
test_addresses(void)
{
    static const struct {
        const char *text, *shown; /* NULL: none */
        bool local;
    } cases[] = {
        {"10.0.0.5", "10.0.0.5", false},
        {"[fe80::1%eth0]", "fe80::1", false},
        {"fe80:0::1", "fe80::1", false},
        {"::ffff:10.0.0.5", "10.0.0.5", false},
        {"127.1.2.3", "127.1.2.3", true},
        {"::1", "::1", true},
        {"0.0.0.0", "0.0.0.0", true},
        {"::", "::", true},
        {"::2", "::2", false},
        {"10.0.0", NULL, false},
        {"server", NULL, false},
        {"", NULL, false},
        {"10.0.0.5:/export", NULL, false},
        {"[", NULL, false},
        {"1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20", NULL, false},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        DpIp ip;
        bool is = dp_ip_parse(cases[i].text, &ip);
        g_autofree char *shown = is ? dp_ip_format(&ip) : NULL;

        g_assert_cmpstr(shown, ==, cases[i].shown);
        g_assert_true(!is || dp_ip_is_local(&ip) == cases[i].local);
    }
}

/* As sysfs writes the ends of a tunnel. */
static void
test_bytes(void)
{
    static const char *const cases[][2] = {
        {"0a:00:00:05", "10.0.0.5"},
        {"fd:00:00:00:00:00:00:00:00:00:00:00:00:00:00:01", "fd00::1"},
        {"00:00:00:00", "0.0.0.0"},
        {"52:54:00:5e:c7:e7", NULL},
        {"0a:00:00:5", NULL},
        {"0a:00:00:05:", NULL},
        {"0a-00-00-05", NULL},
        {"zz:00:00:05", NULL},
        {"", NULL},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        DpIp ip;
        g_autofree char *shown = dp_ip_from_bytes(cases[i][0], &ip) ? dp_ip_format(&ip) : NULL;

        g_assert_cmpstr(shown, ==, cases[i][1]);
    }
}

static void
test_words(void)
{
    static const char *const cases[][2] = {
        {"0F02000A", "10.0.2.15"},
        {"000080FE00000000FF005450563412FE", "fe80::5054:ff:fe12:3456"},
        {"0000000000000000FFFF00000F02000A", "10.0.2.15"},
        {"0F02000", NULL},
        {"0F02000Z", NULL},
        {"", NULL},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        DpIp ip;
        g_autofree char *shown = dp_ip_from_words(cases[i][0], &ip) ? dp_ip_format(&ip) : NULL;

        g_assert_cmpstr(shown, ==, cases[i][1]);
    }
}

#define NO "00000000000000000000000000000000"

/* Default over eth0, 10.0.2.0/24 on eth1 and, as good, on eth2; one that rejects, one of lo, one
 * that is down. */
static const char table_4[] =
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
    "eth0\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
    "eth3\t00000000\t0102A8C0\t0003\t0\t0\t200\t00000000\t0\t0\t0\n"
    "eth1\t0002000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
    "eth2\t0002000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
    "eth4\t0502000A\t00000000\t0200\t0\t0\t0\tFFFFFFFF\t0\t0\t0\n"
    "lo\t0602000A\t00000000\t0001\t0\t0\t0\tFFFFFFFF\t0\t0\t0\n"
    "eth4\t0702000A\t00000000\t0000\t0\t0\t0\tFFFFFFFF\t0\t0\t0\n"
    "eth4\t08\n\n";

static const char table_6[] =
    "fe800000000000000000000000000000 40 " NO " 00 " NO
    " 00000100 00000001 00000000 00000001     eth0\n"
    "20010db8000000000000000000000000 21 " NO " 00 " NO
    " 00000100 00000001 00000000 00000001     eth1\n" NO " 00 " NO
    " 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth2\n" NO
    " 00 " NO " 00 " NO " ffffffff 00000001 00000000 00200200       lo\n" NO " ff " NO " 00 " NO
    " 00000100 00000001 00000000 00000001     eth9\n";

static char *
towards(const GPtrArray *routes, const char *address)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    DpIp ip;

    g_assert_true(dp_ip_parse(address, &ip));
    dp_routes_find(routes, &ip, names);
    g_ptr_array_add(names, NULL);
    return g_strjoinv(" ", (char **)names->pdata);
}

static void
test_routes(void)
{
    static const char *const cases[][2] = {
        {"10.0.2.9", "eth1 eth2"},    {"10.0.2.5", "eth1 eth2"}, {"10.0.2.6", "eth1 eth2"},
        {"10.0.3.1", "eth0"},         {"fe80::1", "eth0"},       {"2001:db8:7fff::1", "eth1"},
        {"2001:db8:8000::1", "eth2"}, {"2001:db9::1", "eth2"},
    };
    g_autoptr(GPtrArray) routes = dp_routes_new();
    unsigned defaults = 0;

    dp_routes_add_4(routes, table_4);
    dp_routes_add_6(routes, table_6);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *names = towards(routes, cases[i][0]);

        g_assert_cmpstr(names, ==, cases[i][1]);
    }
    for (guint i = 0; i < routes->len; i++) {
        defaults += dp_route_is_default(routes->pdata[i]);
    }
    g_assert_cmpuint(defaults, ==, 3);
}

static void
test_servers(void)
{
    static const struct {
        const char *source, *options, *address;
    } cases[] = {
        {"server:/x", "rw,vers=4.2,clientaddr=10.0.0.2,addr=10.0.0.5", "10.0.0.5"},
        {"10.0.0.5:/srv", "rw", "10.0.0.5"},
        {"[fe80::5]:/srv", "rw", "fe80::5"},
        {"//10.0.0.5/share", "rw,username=me", "10.0.0.5"},
        {"me@10.0.0.5:/home/me", "rw", "10.0.0.5"},
        {"10.0.0.5", "rw,trans=tcp,port=564", "10.0.0.5"},
        {"10.0.0.5:6789,10.0.0.6:6789:/", "rw", "10.0.0.5"},
        {"me@fsid.cephfs=/", "rw,mon_addr=10.0.0.7:3300/10.0.0.8:3300", "10.0.0.7"},
        {"server:/x", "rw,addr=127.0.0.1", NULL},
        {"tmpfs", "rw,size=10k", NULL},
        {"rpool/ROOT", "rw", NULL},
        {"/dev/sda:/dev/sdb", "rw", NULL},
        {"", "", NULL},
    };
    g_autoptr(GPtrArray) routes = dp_routes_new();

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        DpPeer *peer = dp_peer_of_mount(routes, cases[i].source, cases[i].options);

        g_assert_cmpstr(peer == NULL ? NULL : peer->address, ==, cases[i].address);
        dp_peer_free(peer);
    }
}

static void
test_ports_and_connections(void)
{
    static const char config[] = "#Port 22\nPort 2222\n  port\t2200 # second\nListenAddress "
                                 "0.0.0.0:2022\nListenAddress ::\nPort none\nPort 70000\nPort\n";
    static const int expected[] = {2222, 2200, 2022};
    g_autoptr(GArray) ports = g_array_new(false, false, sizeof(int));
    DpIp local, remote;

    dp_login_ports(config, ports);
    g_assert_cmpmem(ports->data, ports->len * sizeof(int), expected, sizeof expected);
    g_assert_true(
        dp_login_of_connection(" 0: 0F02000A:08AE 0202000A:D431 01 0", ports, &local, &remote));
    g_assert_cmpuint(remote.bytes[15], ==, 2);
    g_assert_cmpuint(local.bytes[15], ==, 15);
    /* another port, another state, the other direction, a line cut short */
    g_assert_false(
        dp_login_of_connection(" 0: 0F02000A:08AF 0202000A:D431 01 0", ports, &local, &remote));
    g_assert_false(
        dp_login_of_connection(" 0: 0F02000A:08AE 0202000A:D431 06 0", ports, &local, &remote));
    g_assert_false(
        dp_login_of_connection(" 0: 0F02000A:D431 0202000A:08AE 01 0", ports, &local, &remote));
    g_assert_false(dp_login_of_connection(" 0: 0F02000A:08AE 0202000A", ports, &local, &remote));
}

static void
test_utmp(void)
{
    struct utmp records[4] = {{0}};
    g_autoptr(GArray) ips = g_array_new(false, false, sizeof(DpIp));
    static const uint8_t v4[] = {10, 0, 0, 9}, v6[16] = {0xfe, 0x80, [15] = 1};
    g_autofree char *one = NULL, *two = NULL;

    records[0].ut_type = BOOT_TIME;
    memcpy(records[0].ut_addr_v6, v4, sizeof v4);
    records[1].ut_type = USER_PROCESS;
    memcpy(records[1].ut_addr_v6, v4, sizeof v4);
    records[2].ut_type = USER_PROCESS; /* at the machine itself */
    records[3].ut_type = USER_PROCESS;
    memcpy(records[3].ut_addr_v6, v6, sizeof v6);
    dp_logins_of_utmp(records, sizeof records, ips);
    g_assert_cmpuint(ips->len, ==, 2);
    one = dp_ip_format(&g_array_index(ips, DpIp, 0));
    two = dp_ip_format(&g_array_index(ips, DpIp, 1));
    g_assert_cmpstr(one, ==, "10.0.0.9");
    g_assert_cmpstr(two, ==, "fe80::1");
    dp_logins_of_utmp(records, sizeof records - 1, ips); /* the last one is cut */
    g_assert_cmpuint(ips->len, ==, 3);
}

static void
test_session(void)
{
    g_autofree char *remote = dp_login_of_session("UID=0\nREMOTE=1\nREMOTE_HOST=10.0.0.9\n");
    g_autofree char *local = dp_login_of_session("UID=0\nREMOTE=0\nTTY=tty1\n");

    g_assert_cmpstr(remote, ==, "10.0.0.9");
    g_assert_null(local);
}

static void
test_keyboard(void)
{
    g_assert_true(dp_seat_is_keyboard("120013", "402000000 3803078f800d001 feffffdfffefffff "
                                                "fffffffffffffffe"));
    g_assert_true(dp_seat_is_keyboard("3", "fffffffe"));           /* 32-bit words */
    g_assert_false(dp_seat_is_keyboard("3", "10000000000000 0"));  /* a power button */
    g_assert_false(dp_seat_is_keyboard("17", "ffff0000 0 0 0 0")); /* a mouse */
    g_assert_false(dp_seat_is_keyboard("1", "fffffffffffffffe"));  /* no EV_KEY */
    g_assert_false(dp_seat_is_keyboard("", ""));
}

static void
assert_config(DpCrashConfig *config, const char *folder, const char *device, const char *server)
{
    g_assert_cmpstr(config->folder, ==, folder);
    g_assert_cmpstr(config->device, ==, device);
    g_assert_cmpstr(config->server, ==, server);
    dp_crash_config_clear(config);
}

static void
test_crash(void)
{
    DpCrashConfig config = {NULL, NULL, NULL};

    dp_crash_read_kdump_conf("#raw /dev/sdz\npath /var/crash\ncore_collector makedumpfile -l\n"
                             "ext4 UUID=77-88\n",
                             &config);
    assert_config(&config, "/var/crash", "UUID=77-88", NULL);
    dp_crash_read_kdump_conf("raw /dev/sda2\nnfs [fe80::1]:/export\n", &config);
    assert_config(&config, NULL, "/dev/sda2", "[fe80::1]");
    dp_crash_read_kdump_tools("USE_KDUMP=1\n#KDUMP_COREDIR=\"/x\"\nKDUMP_COREDIR=\"/srv/crash\"\n"
                              "SSH=\"root@10.0.0.5\"\nNFS=\"\"\n",
                              &config);
    assert_config(&config, "/srv/crash", NULL, "10.0.0.5");
    dp_crash_read_kdump_tools("NFS='10.0.0.6:/x'\nKDUMP_COREDIR=\nKDUMP_COREDIRS=/y\n", &config);
    assert_config(&config, NULL, NULL, "10.0.0.6");
}

static void
test_fstab(void)
{
    static const struct {
        const char *line, *source, *mountpoint, *fstype; /* NULL: none */
        bool by_hand;
    } cases[] = {
        {"UUID=77-88 /boot/efi vfat umask=0077 0 1", "UUID=77-88", "/boot/efi", "vfat", false},
        {"/dev/sda1\t/srv/a\\040b\text4\tro,noauto", "/dev/sda1", "/srv/a b", "ext4", true},
        {"/dev/sda1 /boot ext4 noauto,x-systemd.automount", "/dev/sda1", "/boot", "ext4", false},
        {"/dev/sda2 none swap", "/dev/sda2", "none", "swap", false},
        {"  # /dev/sda1 / ext4 defaults", NULL, NULL, NULL, false},
        {"/dev/sda1 /", NULL, NULL, NULL, false},
        {"", NULL, NULL, NULL, false},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(DpFstabLine) line = dp_fstab_parse(cases[i].line);

        g_assert_cmpstr(line == NULL ? NULL : line->source, ==, cases[i].source);
        g_assert_cmpstr(line == NULL ? NULL : line->mountpoint, ==, cases[i].mountpoint);
        g_assert_cmpstr(line == NULL ? NULL : line->fstype, ==, cases[i].fstype);
        g_assert_true(line == NULL || line->by_hand == cases[i].by_hand);
    }
}

static bool
is_source(const char *record, const char *source)
{
    g_auto(GStrv) lines = g_strsplit(record, "\n", -1);

    return dp_udev_is_source(lines, source);
}

static bool
is_esp(const char *record)
{
    g_auto(GStrv) lines = g_strsplit(record, "\n", -1);

    return dp_udev_is_esp(lines);
}

static void
test_udev(void)
{
    static const char record[] =
        "S:disk/by-id/ata-1\nE:ID_FS_UUID=77-AB\nE:ID_FS_LABEL=a_b\nE:ID_FS_LABEL_ENC=a\\x20b\n"
        "E:ID_PART_ENTRY_UUID=cd\nE:ID_PART_ENTRY_NAME=EFI\\x20system\n";
    static const char *const named[] = {
        "/dev/disk/by-id/ata-1", "UUID=77-ab",  "UUID=\"77-AB\"",      "LABEL=a b", "LABEL=a_b",
        "LABEL=\"a b\"",         "PARTUUID=CD", "PARTLABEL=EFI system"};
    static const char *const others[] = {
        "/dev/disk/by-id/ata", "UUID=77",          "LABEL=A b", "LABEL=",
        "PARTUUID=77-ab",      "disk/by-id/ata-1", "UUID=\"",   ""};

    for (size_t i = 0; i < G_N_ELEMENTS(named); i++) {
        g_assert_true(is_source(record, named[i]));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        g_assert_false(is_source(record, others[i]));
    }
    g_assert_false(is_esp(record));
    g_assert_true(is_esp("E:ID_PART_ENTRY_TYPE=C12A7328-F81F-11D2-BA4B-00A0C93EC93B\n"));
    g_assert_true(is_esp("S:x\nE:ID_PART_ENTRY_TYPE=0xef"));
    g_assert_false(is_esp("E:ID_PART_ENTRY_TYPE_X=0xef\nE:ID_PART_ENTRY_TYPE=0x83\n"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/host-peers/addresses", test_addresses);
    g_test_add_func("/host-peers/words", test_words);
    g_test_add_func("/host-peers/bytes", test_bytes);
    g_test_add_func("/host-peers/routes", test_routes);
    g_test_add_func("/host-peers/servers", test_servers);
    g_test_add_func("/host-peers/connections", test_ports_and_connections);
    g_test_add_func("/host-peers/utmp", test_utmp);
    g_test_add_func("/host-peers/session", test_session);
    g_test_add_func("/host-peers/keyboard", test_keyboard);
    g_test_add_func("/host-peers/crash", test_crash);
    g_test_add_func("/host-peers/fstab", test_fstab);
    g_test_add_func("/host-peers/udev", test_udev);
    return g_test_run();
}
