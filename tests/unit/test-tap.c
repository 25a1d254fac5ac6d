/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A port of a bridge, in a network namespace of this test's own: where none can be had (a container
 * without rights), only what needs none is tried. */
#include "vm/tap.h"

#include "base/file.h"

#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/if_bridge.h>
#include <linux/sockios.h>

static const DpVmTap tap = {
    .interface = "ethernet0", .bridge = "dpbr0", .mac = "00:0c:29:12:34:56"};

/* The ports of the bridge, by number. */
static int
ports(int numbers[16])
{
    dp_autofd int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    unsigned long args[4] = {BRCTL_GET_PORT_LIST, (unsigned long)(uintptr_t)numbers, 16, 0};
    struct ifreq request = {.ifr_data = (char *)args};
    int n = 0;

    memset(numbers, 0, 16 * sizeof numbers[0]);
    g_strlcpy(request.ifr_name, tap.bridge, IFNAMSIZ);
    g_assert_cmpint(ioctl(control, SIOCDEVPRIVATE, &request), >=, 0);
    for (int i = 0; i < 16; i++) {
        n += numbers[i] != 0 ? 1 : 0;
    }
    return n;
}

static void
test_no_bridge(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(dp_tap_open(&tap, &error), <, 0);
    g_assert_error(error, DP_ERROR, DP_ERROR_NOT_FOUND);
    g_assert_nonnull(strstr(error->message, "no interface dpbr0"));
}

/* An interface of that name that is no bridge: refused, and the new interface is gone. */
static void
test_no_real_bridge(void)
{
    DpVmTap other = tap;
    g_autoptr(GError) error = NULL;

    g_strlcpy(other.bridge, "lo", sizeof other.bridge);
    g_assert_cmpint(dp_tap_open(&other, &error), <, 0);
    g_assert_nonnull(error);
    g_assert_cmpuint(if_nametoindex("dptap0"), ==, 0);
}

static void
test_port(void)
{
    dp_autofd int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    g_autoptr(GError) error = NULL;
    struct ifreq request = {0};
    int numbers[16];
    int fd;

    g_assert_cmpint(ioctl(control, SIOCBRADDBR, tap.bridge), ==, 0);
    fd = dp_tap_open(&tap, &error);
    g_assert_no_error(error);
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(ports(numbers), ==, 1);
    if_indextoname((unsigned)numbers[1], request.ifr_name);
    g_assert_cmpstr(request.ifr_name, ==, "dptap0");
    g_assert_cmpint(ioctl(control, SIOCGIFFLAGS, &request), ==, 0);
    g_assert_cmpint(request.ifr_flags & IFF_UP, ==, IFF_UP);
    g_assert_cmpint(ioctl(control, SIOCGIFHWADDR, &request), ==, 0);
    g_assert_cmpmem(request.ifr_hwaddr.sa_data, 6, "\xfe\x0c\x29\x12\x34\x56", 6);
    (void)close(fd); /* as when the engine ends */
    g_assert_cmpint(ports(numbers), ==, 0);
    g_assert_cmpuint(if_nametoindex("dptap0"), ==, 0);
}

int
main(int argc, char **argv)
{
    bool own = unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;

    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tap/no-bridge", test_no_bridge);
    if (own && access("/dev/net/tun", R_OK | W_OK) == 0) {
        g_test_add_func("/tap/no-real-bridge", test_no_real_bridge);
        g_test_add_func("/tap/port", test_port);
    }
    return g_test_run();
}
