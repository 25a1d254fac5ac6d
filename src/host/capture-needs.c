/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture-parts.h"

#include "base/file.h"
#include "scan.h"
#include "scrub.h"

#include <arpa/inet.h>
#include <string.h>

/* Adds the link @path and returns the place where its files really lie. */
static char *
add_link(const DpCapture *capture, const char *path)
{
    g_autofree char *target = dp_file_read_link(capture->root->fd, path);

    if (target == NULL) {
        return g_strdup(path);
    }
    dp_tar_add_link(capture->tar, path, target);
    return dp_tar_resolve(path, target);
}

static char *
alias_of(const DpCapture *capture, const DpPeer *peer)
{
    return dp_scrub_address(capture->addresses, peer->address);
}

/* One to that machine alone for each interface; as equals they are all found again. */
static void
add_route(const DpCapture *capture, const DpPeer *peer, GString *table)
{
    g_autofree char *alias = peer == NULL ? NULL : alias_of(capture, peer);

    for (char **net = peer == NULL ? NULL : peer->nets; net != NULL && *net != NULL; net++) {
        g_autofree char *name = dp_scrub_net(capture->nets, *net);
        struct in_addr to;

        if (inet_pton(AF_INET, alias, &to) == 1) {
            g_string_append_printf(table, "%s\t%08X\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0\n",
                                   name, GUINT32_FROM_LE(to.s_addr));
        }
    }
}

char *
dp_capture_peer_routes(const DpCapture *capture)
{
    const DpHost *host = capture->host;
    GString *table = g_string_new(NULL);

    for (guint i = 0; i < host->mounts->len; i++) {
        add_route(capture, ((const DpMount *)host->mounts->pdata[i])->peer, table);
    }
    for (guint i = 0; i < host->blocks->len; i++) {
        add_route(capture, ((const DpBlock *)host->blocks->pdata[i])->peer, table);
    }
    for (guint i = 0; i < host->logins->len; i++) {
        add_route(capture, host->logins->pdata[i], table);
    }
    add_route(capture, host->crash.peer, table);
    return g_string_free(table, false);
}

/* Of an iSCSI session one connection with the address; of an NVMe controller its own. */
static void
add_remote_disk(const DpCapture *capture, const DpBlock *block)
{
    g_autofree char *alias = alias_of(capture, block->peer);
    g_autofree char *text = g_strdup_printf("traddr=%s\n", alias);
    g_autofree char *line = g_strdup_printf("%s\n", alias);
    g_autofree char *path = g_strdup_printf("sys/class/block/%s", block->name);
    g_autofree char *link = dp_file_read_link(capture->root->fd, path);
    const char *session = link == NULL ? NULL : strstr(link, "/session");

    if (session != NULL) {
        const char *number = session + strlen("/session");
        g_autofree char *name =
            g_strdup_printf("sys/class/iscsi_connection/connection%.*s:0/address",
                            (int)strspn(number, "0123456789"), number);

        dp_capture_text(capture, name, line);
    } else if (block->controller != NULL) {
        g_autofree char *place = add_link(capture, block->controller);
        g_autofree char *name = place == NULL ? NULL : g_strdup_printf("%s/address", place);

        if (name != NULL) {
            dp_capture_text(capture, name, text);
        }
    }
}

/* An image of RBD, with an address of ours in place of its client's. */
static void
add_image(const DpCapture *capture, const DpBlock *block)
{
    g_autofree char *folder = g_strdup_printf("sys/bus/rbd/devices/%s", block->name);
    g_autofree char *major = g_strdup_printf("%s/major", folder);
    g_autofree char *minor = g_strdup_printf("%s/minor", folder);
    g_autofree char *client = g_strdup_printf("%s/client_addr", folder);
    g_autofree char *alias = block->peer == NULL ? NULL : alias_of(capture, block->peer);
    g_autofree char *address = alias == NULL ? NULL : g_strdup_printf("%s:0/0\n", alias);
    g_auto(GStrv) numbers = g_strsplit(block->devno, ":", 2);

    if (g_strv_length(numbers) == 2) {
        dp_capture_text(capture, major, numbers[0]);
        dp_capture_text(capture, minor, numbers[1]);
    }
    if (address != NULL) {
        dp_capture_text(capture, client, address);
    }
}

void
dp_capture_tunnel(const DpCapture *capture, const char *net, const char *place)
{
    g_autofree char *type_path = g_strdup_printf("sys/class/net/%s/type", net);
    g_autofree char *uevent_path = g_strdup_printf("sys/class/net/%s/uevent", net);
    g_autofree char *type = dp_file_read_line(capture->root->fd, type_path, NULL);
    g_autofree char *uevent = dp_file_read_line(capture->root->fd, uevent_path, NULL);
    g_auto(GStrv) lines = g_strsplit(uevent == NULL ? "" : uevent, "\n", -1);
    g_autofree char *to_type = g_strdup_printf("%s/type", place);
    g_autofree char *to_uevent = g_strdup_printf("%s/uevent", place);

    dp_capture_text(capture, to_type, type == NULL ? "" : type);
    for (char **line = lines; *line != NULL; line++) {
        if (g_str_has_prefix(*line, "DEVTYPE=")) {
            dp_capture_text(capture, to_uevent, *line);
        }
    }
}

/* udev's word on a member of a pool, and that the pool is there. */
static void
add_pool(const DpCapture *capture, const DpBlock *block)
{
    g_autofree char *path = g_strdup_printf(DP_UDEV "/b%s", block->devno);
    g_autofree char *text =
        g_strdup_printf("E:ID_FS_TYPE=zfs_member\nE:ID_FS_LABEL=%s\n", block->pool);
    g_autofree char *folder = g_strdup_printf(DP_ZFS_POOLS "/%s", block->pool);

    dp_capture_text(capture, path, text);
    dp_tar_add_folder(capture->tar, folder);
}

/* The rest of a map's uuid is the serial number of the disk. */
static void
add_map(const DpCapture *capture, const DpBlock *block)
{
    g_autofree char *path = g_strdup_printf("sys/class/block/%s", block->name);
    g_autofree char *uuid = g_strdup_printf("%s/dm/uuid", path);

    if (dp_scan_exists(capture->root->fd, uuid)) {
        g_autofree char *place = add_link(capture, path);
        g_autofree char *name = place == NULL ? NULL : g_strdup_printf("%s/dm/uuid", place);

        if (name != NULL) {
            dp_capture_text(capture, name, "mpath-\n");
        }
    }
}

static void
add_blocks(const DpCapture *capture)
{
    for (guint i = 0; i < capture->host->blocks->len; i++) {
        const DpBlock *block = capture->host->blocks->pdata[i];

        if (block->peer != NULL) {
            add_remote_disk(capture, block);
        }
        if (g_strcmp0(block->remote, "RBD") == 0) {
            add_image(capture, block);
        }
        if (block->pool != NULL) {
            add_pool(capture, block);
        }
        if (block->multipath) {
            add_map(capture, block);
        }
    }
}

/* Lines of fstab name their devices by the kernel's names, so that no serial number is in them. */
static void
add_awaited(const DpCapture *capture)
{
    g_autoptr(GString) table = g_string_new(NULL);

    for (guint i = 0; i < capture->host->awaited->len; i++) {
        const DpAwaited *awaited = capture->host->awaited->pdata[i];
        g_autofree char *point = dp_scan_escape(awaited->mountpoint);

        g_string_append_printf(table, "/dev/%s %s %s %s 0 0\n", awaited->device, point,
                               awaited->fstype, awaited->by_hand ? "noauto" : "defaults");
    }
    if (table->len > 0) {
        dp_capture_text(capture, "etc/fstab", table->str);
    }
}

/* Of a member of a pool udev's record tells that already, and no partition is both. */
static void
add_esps(const DpCapture *capture)
{
    for (guint i = 0; i < capture->host->blocks->len; i++) {
        const DpBlock *block = capture->host->blocks->pdata[i];
        g_autofree char *path = g_strdup_printf(DP_UDEV "/b%s", block->devno);

        if (block->esp && block->pool == NULL) {
            dp_capture_text(capture, path, "E:ID_PART_ENTRY_TYPE=" DP_ESP_TYPE "\n");
        }
    }
    if (capture->host->platform.efi) {
        dp_tar_add_folder(capture->tar, DP_EFI);
    }
}

static void
add_logins(const DpCapture *capture)
{
    for (guint i = 0; i < capture->host->logins->len; i++) {
        g_autofree char *alias = alias_of(capture, capture->host->logins->pdata[i]);
        g_autofree char *path = g_strdup_printf("run/systemd/sessions/%04u", i + 1);
        g_autofree char *text = g_strdup_printf("REMOTE_HOST=%s\n", alias);

        dp_capture_text(capture, path, text);
    }
}

static void
add_keyboards(const DpCapture *capture)
{
    for (guint i = 0; i < capture->host->keyboards->len; i++) {
        const DpSeat *seat = capture->host->keyboards->pdata[i];
        g_autofree char *path = g_strdup_printf("sys/class/input/%s", seat->name);
        g_autofree char *place = add_link(capture, path);
        g_autofree char *ev = place == NULL ? NULL : g_strconcat(place, "/capabilities/ev", NULL);
        g_autofree char *key = place == NULL ? NULL : g_strconcat(place, "/capabilities/key", NULL);

        if (place != NULL) {
            dp_capture_text(capture, ev, "120013\n");
            dp_capture_text(capture, key, "fffffffffffffffe\n");
        }
    }
}

static void
add_consoles(const DpCapture *capture)
{
    g_autoptr(GString) table = g_string_new(NULL);

    for (guint i = 0; i < capture->host->consoles->len; i++) {
        const DpSeat *seat = capture->host->consoles->pdata[i];
        g_autofree char *path = g_strdup_printf("sys/class/tty/%s", seat->name);

        g_free(add_link(capture, path)); /* where it lies is all that counts */
        g_string_append_printf(table, "%s -W- (E)\n", seat->name);
    }
    dp_capture_text(capture, "proc/consoles", table->str);
}

static void
add_crash(const DpCapture *capture)
{
    const DpCrash *crash = &capture->host->crash;
    g_autofree char *alias = crash->peer == NULL ? NULL : alias_of(capture, crash->peer);
    g_autofree char *text = NULL;

    if (!crash->armed) {
        return;
    }
    if (crash->folder != NULL) {
        text = g_strdup_printf("path %s\n", crash->folder);
    } else if (crash->device != NULL) {
        text = g_strdup_printf("raw /dev/%s\n", crash->device);
    } else {
        text = g_strdup_printf("ssh %s\n", alias != NULL ? alias : "unknown");
    }
    dp_capture_text(capture, "sys/kernel/kexec_crash_loaded", "1\n");
    dp_capture_text(capture, "etc/kdump.conf", text);
}

void
dp_capture_needs(const DpCapture *capture)
{
    add_blocks(capture);
    add_awaited(capture);
    add_esps(capture);
    add_logins(capture);
    add_keyboards(capture);
    add_consoles(capture);
    add_crash(capture);
}
