/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The screen: VMware's SVGA adapter, and VNC on loopback unless the file says otherwise. */
#include "base/text.h"
#include "build.h"

#include <arpa/inet.h>
#include <string.h>

#define VNC_BASE   5900 /* QEMU counts displays from here */
#define VGAMEM_MIN 4
#define VGAMEM_MAX 256
#define VNC_SECRET 8 /* bytes of a password that VNC looks at */

static unsigned
vgamem_mb(DpBuild *build)
{
    int64_t bytes = dp_build_int(build, "svga", "vramSize", 0, G_MAXINT64, 16 << 20);
    unsigned mb = VGAMEM_MIN;

    while (mb < VGAMEM_MAX && ((int64_t)mb << 20) < bytes) {
        mb *= 2;
    }
    if (bytes != (int64_t)mb << 20) {
        dp_build_effect(build, "svga.vramSize", DP_EFFECT_SUBSTITUTED, "display memory of %u MiB",
                        mb);
    }
    return mb;
}

static void
add_adapter(DpBuild *build)
{
    unsigned mb;

    if (!dp_build_bool(build, "svga", "present", true)) {
        return;
    }
    mb = vgamem_mb(build);
    build->display_bytes = (uint64_t)mb << 20;
    dp_build_device(build, json_pack("{s:s, s:s, s:s, s:s, s:i}", "driver", "vmware-svga", "id",
                                     "svga", "bus", "pcie.0", "addr", "f", "vgamem_mb", (int)mb));
}

/* The address in the form that QEMU wants, or NULL after a diagnostic. */
static char *
listen_address(DpBuild *build, bool *ret_loopback)
{
    const char *ip = dp_vmx_get(build->vmx, "RemoteDisplay.vnc.ip");
    struct in6_addr in6;
    struct in_addr in;

    *ret_loopback = true;
    if (ip == NULL || ip[0] == '\0') {
        return g_strdup("127.0.0.1");
    }
    if (inet_pton(AF_INET, ip, &in) == 1) {
        *ret_loopback = (ntohl(in.s_addr) >> 24) == 127;
        return g_strdup(ip);
    }
    if (inet_pton(AF_INET6, ip, &in6) == 1) {
        *ret_loopback = IN6_IS_ADDR_LOOPBACK(&in6);
        return g_strdup_printf("[%s]", ip);
    }
    {
        g_autofree char *shown = dp_text_visible(ip, -1);

        dp_build_diag(build, DP_DIAG_VMX_VNC, "RemoteDisplay.vnc.ip",
                      "RemoteDisplay.vnc.ip = \"%s\" is no IPv4 or IPv6 address", shown);
    }
    return NULL;
}

static void
read_password(DpBuild *build, bool loopback)
{
    const char *password = dp_vmx_get(build->vmx, "RemoteDisplay.vnc.password");
    const char *key = dp_vmx_get(build->vmx, "RemoteDisplay.vnc.key");

    if (password != NULL && password[0] != '\0') {
        build->plan->vnc_password = g_strndup(password, VNC_SECRET);
        if (!g_utf8_validate(build->plan->vnc_password, -1, NULL)) {
            dp_build_diag(build, DP_DIAG_VMX_VNC, "RemoteDisplay.vnc.password",
                          "RemoteDisplay.vnc.password has bytes that a viewer cannot send");
        }
    } else if (key != NULL && key[0] != '\0') {
        dp_build_diag(build, DP_DIAG_VMX_VNC_KEY, "RemoteDisplay.vnc.key",
                      "RemoteDisplay.vnc.key holds the password in VMware's own encoding");
    } else if (!loopback) {
        dp_build_diag(build, DP_DIAG_VMX_VNC_OPEN, "RemoteDisplay.vnc.ip",
                      "the VM's screen and keyboard are offered to the network without a password");
    }
}

static void
add_vnc(DpBuild *build)
{
    int64_t port = dp_build_int(build, "RemoteDisplay.vnc", "port", 1, 65535, VNC_BASE);
    g_autofree char *address = NULL;
    bool loopback;

    address = listen_address(build, &loopback);
    read_password(build, loopback);
    if (port < VNC_BASE) {
        dp_build_diag(
            build, DP_DIAG_VMX_VNC, "RemoteDisplay.vnc.port",
            "RemoteDisplay.vnc.port = \"%d\": the engine's VNC listens on 5900 to 65535 only",
            (int)port);
    }
    if (address == NULL || port < VNC_BASE) {
        return;
    }
    build->plan->vnc = g_strdup_printf("%s:%d", address, (int)port);
    dp_build_argf(build, "-vnc", "%s:%d%s", address, (int)port - VNC_BASE,
                  build->plan->vnc_password != NULL ? ",password=on" : "");
}

void
dp_build_display(DpBuild *build)
{
    dp_build_arg(build, "-display", "none");
    if (dp_build_bool(build, "RemoteDisplay.vnc", "enabled", false)) {
        add_vnc(build);
    }
    add_adapter(build);
}
