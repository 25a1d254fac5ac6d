/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tap.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/sockios.h>

#define NODE "/dev/net/tun"

/* In place of the first byte of the guest's address: the bridge takes the lowest address of its
 * ports for its own, and this one is never it (as libvirt does). */
#define PORT_FIRST_BYTE 0xfe

static bool
make_interface(int fd, char ret_name[IFNAMSIZ])
{
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};

    g_strlcpy(request.ifr_name, "dptap%d", IFNAMSIZ);
    if (ioctl(fd, TUNSETIFF, &request) < 0) {
        return false;
    }
    g_strlcpy(ret_name, request.ifr_name, IFNAMSIZ);
    return true;
}

static bool
set_address(int control, const char *name, const char *mac)
{
    struct ifreq request = {.ifr_hwaddr.sa_family = ARPHRD_ETHER};
    unsigned byte;

    g_strlcpy(request.ifr_name, name, IFNAMSIZ);
    for (size_t i = 0; i < 6; i++) {
        if (sscanf(mac + 3 * i, "%2x", &byte) != 1) {
            errno = EINVAL;
            return false;
        }
        request.ifr_hwaddr.sa_data[i] = (char)(i == 0 ? PORT_FIRST_BYTE : byte);
    }
    return ioctl(control, SIOCSIFHWADDR, &request) == 0;
}

/* Frames of the bridge's size go through. */
static bool
copy_mtu(int control, const char *name, const char *bridge)
{
    struct ifreq request = {0};

    g_strlcpy(request.ifr_name, bridge, IFNAMSIZ);
    if (ioctl(control, SIOCGIFMTU, &request) < 0) {
        return false;
    }
    g_strlcpy(request.ifr_name, name, IFNAMSIZ);
    return ioctl(control, SIOCSIFMTU, &request) == 0;
}

static bool
set_up(int control, const char *name)
{
    struct ifreq request = {0};

    g_strlcpy(request.ifr_name, name, IFNAMSIZ);
    if (ioctl(control, SIOCGIFFLAGS, &request) < 0) {
        return false;
    }
    request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
    return ioctl(control, SIOCSIFFLAGS, &request) == 0;
}

static bool
add_port(int control, const char *name, const char *bridge)
{
    struct ifreq request = {.ifr_ifindex = (int)if_nametoindex(name)};

    g_strlcpy(request.ifr_name, bridge, IFNAMSIZ);
    return request.ifr_ifindex != 0 && ioctl(control, SIOCBRADDIF, &request) == 0;
}

int
dp_tap_open(const DpVmTap *tap, GError **error)
{
    dp_autofd int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    dp_autofd int fd = -1;
    char name[IFNAMSIZ];

    if (if_nametoindex(tap->bridge) == 0) {
        return dp_fail(error, DP_ERROR_NOT_FOUND, "%s: this host has no interface %s",
                       tap->interface, tap->bridge),
               -1;
    }
    fd = open(NODE, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (control < 0 || fd < 0 || !make_interface(fd, name)) {
        return dp_fail_errno(error, errno, "%s: cannot make an interface with " NODE,
                             tap->interface),
               -1;
    }
    if (!set_address(control, name, tap->mac) || !copy_mtu(control, name, tap->bridge) ||
        !add_port(control, name, tap->bridge) || !set_up(control, name)) {
        return dp_fail_errno(error, errno, "%s: %s cannot become a port of %s", tap->interface,
                             name, tap->bridge),
               -1;
    }
    return dp_steal_fd(&fd);
}
