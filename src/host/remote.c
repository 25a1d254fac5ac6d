/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks that a client in the kernel brings over a network, besides iSCSI and NVMe: NBD and DRBD by
 * their major numbers, whose other end is in no file of sysfs or proc; RBD by its bus, which has
 * the client's own address on the way to the cluster (kernel: ABI/testing/sysfs-bus-rbd).
 */
#include "base/file.h"
#include "scan.h"

#include <linux/major.h>
#include <string.h>

#define RBD "sys/bus/rbd/devices"

static const struct {
    unsigned major;
    const char *name;
} kinds[] = {{NBD_MAJOR, "NBD"}, {DRBD_MAJOR, "DRBD"}};

/* The image in folder @number is the device @devno. */
static bool
is_image(DpRoot *root, const char *number, const char *devno)
{
    g_autofree char *major_path = g_strdup_printf(RBD "/%s/major", number);
    g_autofree char *minor_path = g_strdup_printf(RBD "/%s/minor", number);
    g_autofree char *major = dp_file_read_line(root->fd, major_path, NULL);
    g_autofree char *minor = dp_file_read_line(root->fd, minor_path, NULL);
    g_autofree char *both =
        major == NULL || minor == NULL ? NULL : g_strdup_printf("%s:%s", major, minor);

    return g_strcmp0(both, devno) == 0;
}

/* "10.0.0.2:0/3012034728", "[fd00::2]:0/3012034728": before the first connection it is all zeros.
 */
static DpPeer *
peer_of_image(DpRoot *root, const GPtrArray *routes, const char *number)
{
    g_autofree char *path = g_strdup_printf(RBD "/%s/client_addr", number);
    g_autofree char *text = dp_file_read_line(root->fd, path, NULL);
    char *colon = text == NULL ? NULL : strrchr(text, ':');

    if (colon == NULL) {
        return NULL;
    }
    *colon = '\0';
    return dp_peer_new(routes, text);
}

void
dp_scan_remote_disk(DpRoot *root, const GPtrArray *routes, DpBlock *block)
{
    g_autoptr(GPtrArray) images = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *prefix = g_strdup_printf("%u:", kinds[i].major);

        if (g_str_has_prefix(block->devno, prefix)) {
            block->remote = kinds[i].name;
        }
    }
    images = dp_file_list(root->fd, RBD, NULL);
    for (guint i = 0; images != NULL && i < images->len; i++) {
        if (is_image(root, images->pdata[i], block->devno)) {
            block->remote = "RBD";
            block->peer = peer_of_image(root, routes, images->pdata[i]);
        }
    }
}
