/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network interfaces, and what each is connected to. */
#include "net.h"

#include "base/text.h"
#include "build.h"

#include <string.h>

#define N_ETHERNET 10

static const struct {
    const char *name;   /* ethernetN.virtualDev */
    const char *driver; /* QEMU's */
    DpPlaceKind kind;
    const char *note; /* NULL: the same model */
} models[] = {
    {"e1000", "e1000-82545em", DP_PLACE_PCI, NULL},
    {"e1000e", "e1000e", DP_PLACE_PCIE, NULL},
    {"vmxnet3", "vmxnet3", DP_PLACE_PCIE, NULL},
    {"vlance", "pcnet", DP_PLACE_PCI, NULL},
    {"", "pcnet", DP_PLACE_PCI,
     "an AMD PCnet: VMware's \"flexible\" interface before VMware Tools"},
    {"vmxnet", "pcnet", DP_PLACE_PCI, "an AMD PCnet: QEMU has no vmxnet"},
    {"vmxnet2", "pcnet", DP_PLACE_PCI, "an AMD PCnet: QEMU has no vmxnet2"},
};

bool
dp_net_mac(const char *text, char *ret_mac)
{
    size_t len = strlen(text);
    char *lower;

    for (size_t i = 0; i < len; i++) {
        if (i % 3 == 2 ? text[i] != ':' && text[i] != '-' : !g_ascii_isxdigit(text[i])) {
            return false;
        }
    }
    if (len != DP_MAC_LEN - 1 || (g_ascii_xdigit_value(text[1]) & 1) != 0) {
        return false;
    }
    lower = g_ascii_strdown(text, -1);
    g_strlcpy(ret_mac, g_strdelimit(lower, "-", ':'), DP_MAC_LEN);
    g_free(lower);
    return true;
}

/* From the VM's id, so that it stays the same, in VMware's own range for generated addresses. */
static void
make_mac(DpBuild *build, const char *prefix, char *ret_mac)
{
    g_autofree char *seed = g_strdup_printf("%s %s", build->plan->id, prefix);
    g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, seed, -1);
    g_autofree char *key = dp_build_key(prefix, "present");

    g_snprintf(ret_mac, DP_MAC_LEN, "00:0c:29:%.2s:%.2s:%.2s", sum, sum + 2, sum + 4);
    dp_build_diag(build, DP_DIAG_VMX_MAC_CHOSEN, key, "%s has no address; it gets %s", prefix,
                  ret_mac);
}

static bool
nic_mac(DpBuild *build, const char *prefix, char *ret_mac)
{
    const char *type = dp_build_get(build, prefix, "addressType");
    bool fixed = type != NULL && g_ascii_strcasecmp(type, "static") == 0;
    const char *name = fixed || dp_build_get(build, prefix, "generatedAddress") == NULL
                           ? "address"
                           : "generatedAddress";
    const char *value = dp_build_get(build, prefix, name);
    g_autofree char *key = dp_build_key(prefix, name);
    g_autofree char *shown = NULL;

    if (value == NULL || value[0] == '\0') {
        make_mac(build, prefix, ret_mac);
        return true;
    }
    if (dp_net_mac(value, ret_mac)) {
        return true;
    }
    shown = dp_text_visible(value, -1);
    dp_build_diag(build, DP_DIAG_VMX_MAC, key, "%s = \"%s\" is no MAC address of an interface", key,
                  shown);
    return false;
}

static const char *
nic_driver(DpBuild *build, const char *prefix, DpPlaceKind *ret_kind)
{
    const char *wanted = dp_build_get(build, prefix, "virtualDev");
    g_autofree char *key = dp_build_key(prefix, "virtualDev");
    g_autofree char *shown = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(models); i++) {
        if (g_ascii_strcasecmp(models[i].name, wanted != NULL ? wanted : "") != 0) {
            continue;
        }
        if (models[i].note != NULL) {
            dp_build_effect(build, key, DP_EFFECT_SUBSTITUTED, "%s", models[i].note);
            dp_build_diag(build, DP_DIAG_VMX_SUBSTITUTED, key, "%s: the guest sees %s", prefix,
                          models[i].note);
        }
        *ret_kind = models[i].kind;
        return models[i].driver;
    }
    shown = dp_text_visible(wanted, -1);
    dp_build_diag(build, DP_DIAG_VMX_VALUE, key, "%s = \"%s\" is no network interface of VMware's",
                  key, shown);
    return NULL;
}

/* The name by which VMware knows the network: a port group of ESX, or one of a desktop's three. */
static const char *
network_name(DpBuild *build, const char *prefix, char **ret_key)
{
    static const char *const names[] = {"networkName", "dvs.portgroupId", "opaqueNetwork.id"};
    const char *type = dp_build_get(build, prefix, "connectionType");
    const char *vnet = dp_build_get(build, prefix, "vnet");

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *key = dp_build_key(prefix, names[i]);
        const char *value = dp_build_utf8(build, key);

        if (value != NULL && value[0] != '\0') {
            *ret_key = g_steal_pointer(&key);
            return value;
        }
    }
    if (type != NULL && g_ascii_strcasecmp(type, "custom") == 0 && vnet != NULL) {
        *ret_key = dp_build_key(prefix, "vnet");
        return vnet;
    }
    *ret_key = dp_build_key(prefix, type != NULL ? "connectionType" : "present");
    return type != NULL && type[0] != '\0' ? type : "bridged"; /* VMware's, where none is named */
}

static void
report_unknown(DpBuild *build, const char *prefix, const char *key, const char *name)
{
    g_autofree char *line = dp_aliases_line(name, "bridge:br0");
    g_autofree char *shown = dp_text_visible(name, -1);
    g_autofree char *shown_line = dp_text_visible(line, -1);
    DpDiag *diag;

    diag = dp_build_diag(build, DP_DIAG_VMX_NETWORK, key,
                         "%s: /" DP_ALIASES_NETWORKS " does not say what \"%s\" is here", prefix,
                         shown);
    dp_diag_set_remedy(diag,
                       "add the line %s (a bridge of this host; or user, or none in place of "
                       "bridge:br0) to /" DP_ALIASES_NETWORKS,
                       shown_line);
}

static void
add_tap(DpBuild *build, const char *prefix, const DpNetworkTarget *target, const char *mac)
{
    DpVmTap tap = {0};

    g_strlcpy(tap.interface, prefix, sizeof tap.interface);
    g_strlcpy(tap.bridge, target->bridge, sizeof tap.bridge);
    g_strlcpy(tap.mac, mac, sizeof tap.mac);
    g_array_append_val(build->plan->taps, tap);
}

/* True if something is behind the interface; *ret_ok is false after a diagnostic. */
static bool
connect_nic(DpBuild *build, const char *prefix, const char *mac, bool *ret_ok)
{
    g_autofree char *key = NULL;
    const char *name = network_name(build, prefix, &key);
    const char *value = dp_aliases_lookup(build->input->networks, name);
    DpNetworkTarget target = {.kind = DP_NETWORK_NONE};

    *ret_ok = true;
    if (!dp_build_bool(build, prefix, "startConnected", true)) {
        return false;
    }
    if (value == NULL || !dp_network_parse(value, &target)) {
        report_unknown(build, prefix, key, name);
        *ret_ok = false;
        return false;
    }
    if (target.kind == DP_NETWORK_NONE) {
        dp_build_diag(build, DP_DIAG_VMX_NET_NOT_CONNECTED, key,
                      "%s: the guest sees the interface, and no cable is plugged in", prefix)
            ->severity = DP_NOTE;
    } else if (target.kind == DP_NETWORK_USER) {
        g_ptr_array_add(build->extra, g_strdup("-netdev"));
        g_ptr_array_add(build->extra, g_strdup_printf("user,id=net-%s", prefix));
    } else {
        add_tap(build, prefix, &target, mac);
    }
    return target.kind != DP_NETWORK_NONE;
}

static void
add_nic(DpBuild *build, unsigned n)
{
    g_autofree char *prefix = g_strdup_printf("ethernet%u", n);
    g_autofree char *netdev = g_strdup_printf("net-%s", prefix);
    const char *driver;
    char mac[DP_MAC_LEN];
    DpPlaceKind kind;
    DpPlace place;
    json_t *device;
    bool ok, connected;

    if (!dp_build_bool(build, prefix, "present", false)) {
        return;
    }
    driver = nic_driver(build, prefix, &kind);
    if (driver == NULL || !nic_mac(build, prefix, mac)) {
        return;
    }
    connected = connect_nic(build, prefix, mac, &ok);
    if (!ok || !dp_build_place(build, prefix, kind, false, &place)) {
        return;
    }
    device = json_pack("{s:s, s:s, s:s, s:s, s:s}", "driver", driver, "id", prefix, "bus",
                       place.bus, "addr", place.addr, "mac", mac);
    if (connected) {
        (void)json_object_set_new(device, "netdev", json_string(netdev));
    }
    /* Booting from the network is not offered, and the ROMs for it are a package of their own,
     * without which QEMU would not start. */
    (void)json_object_set_new(device, "romfile", json_string(""));
    dp_build_device(build, device);
}

void
dp_build_networks(DpBuild *build)
{
    for (unsigned n = 0; n < N_ETHERNET; n++) {
        add_nic(build, n);
    }
}
