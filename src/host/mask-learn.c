/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a mask learns from a host: all files are small, and one that is not there teaches nothing.
 */
#include "base/file.h"
#include "mask-forms.h"
#include "root.h"
#include "scan.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX (1u << 20)
/* As login.defs(5) has it: below are those of the system. */
#define UID_FIRST 1000ul
#define UID_LAST  64999ul

static void
learn_line(DpMask *mask, const DpRoot *root, DpMaskKind kind, const char *path)
{
    g_autofree char *line = dp_file_read_line(root->fd, path, NULL);

    if (line != NULL && line[strspn(line, " 0\t")] != '\0') {
        dp_mask_learn(mask, kind, line);
    }
}

static char **
read_lines(const DpRoot *root, const char *path)
{
    g_autofree char *text = dp_file_read(root->fd, path, TEXT_MAX, NULL, NULL);

    return g_strsplit(text != NULL ? text : "", "\n", -1);
}

/* "web1.example.org": itself, the domain, and the name alone. */
static void
learn_host_name(DpMask *mask, const char *name)
{
    const char *dot = strchr(name, '.');
    g_autofree char *first = dot == NULL ? NULL : g_strndup(name, (gsize)(dot - name));

    dp_mask_learn(mask, DP_MASK_HOST, name);
    if (dot != NULL) {
        dp_mask_learn(mask, DP_MASK_HOST, first);
        dp_mask_learn(mask, DP_MASK_HOST, dot + 1);
    }
}

static void
learn_host_names(DpMask *mask, const DpRoot *root)
{
    static const char *const own[] = {"proc/sys/kernel/hostname", "proc/sys/kernel/domainname",
                                      "etc/hostname", "etc/mailname"};
    g_auto(GStrv) hosts = read_lines(root, "etc/hosts");
    g_auto(GStrv) domains = read_lines(root, "etc/resolv.conf");

    for (size_t i = 0; i < G_N_ELEMENTS(own); i++) {
        g_autofree char *name = dp_file_read_line(root->fd, own[i], NULL);

        if (name != NULL) {
            learn_host_name(mask, name);
        }
    }
    for (char **line = hosts; *line != NULL; line++) {
        g_auto(GStrv) words = g_strsplit_set(g_strdelimit(*line, "#", '\0'), " \t", -1);

        for (char **word = words[0] == NULL ? words : words + 1; *word != NULL; word++) {
            if (!g_str_has_prefix(*word, "ip6-")) {
                dp_mask_learn(mask, DP_MASK_HOST, *word);
            }
        }
    }
    for (char **line = domains; *line != NULL; line++) {
        g_auto(GStrv) words = g_strsplit_set(*line, " \t", -1);
        bool names = g_str_has_prefix(*line, "search") || g_str_has_prefix(*line, "domain");

        for (char **word = names ? words + 1 : NULL; word != NULL && *word != NULL; word++) {
            dp_mask_learn(mask, DP_MASK_HOST, *word);
        }
    }
}

/* passwd(5): of who is a person, the name, what he is called, and his folder. */
static void
learn_user(DpMask *mask, const char *line)
{
    g_auto(GStrv) fields = g_strsplit(line, ":", 7);
    unsigned long uid = g_strv_length(fields) < 6 ? 0 : strtoul(fields[2], NULL, 10);
    g_autofree char *folder = uid == 0 ? NULL : g_path_get_basename(fields[5]);

    if (uid < UID_FIRST || uid > UID_LAST) {
        return;
    }
    dp_mask_learn(mask, DP_MASK_USER, fields[0]);
    dp_mask_learn(mask, DP_MASK_USER, folder);
    if (fields[4][0] != '\0' && fields[4][0] != ',') {
        g_auto(GStrv) called = g_strsplit(fields[4], ",", 2);
        g_auto(GStrv) words = g_strsplit(called[0], " ", -1);

        dp_mask_learn(mask, DP_MASK_USER, called[0]);
        for (char **word = words; *word != NULL; word++) {
            dp_mask_learn(mask, DP_MASK_USER, *word);
        }
    }
}

static void
learn_users(DpMask *mask, const DpRoot *root)
{
    static const char folder[] = "run/systemd/sessions";
    g_auto(GStrv) lines = read_lines(root, "etc/passwd");
    g_autoptr(GPtrArray) sessions = dp_file_list(root->fd, folder, NULL);

    for (char **line = lines; *line != NULL; line++) {
        learn_user(mask, *line);
    }
    for (guint i = 0; sessions != NULL && i < sessions->len; i++) {
        g_autofree char *path = g_strdup_printf("%s/%s", folder, (char *)sessions->pdata[i]);
        g_auto(GStrv) facts = read_lines(root, path);

        for (char **fact = facts; *fact != NULL; fact++) {
            if (g_str_has_prefix(*fact, "USER=")) {
                dp_mask_learn(mask, DP_MASK_USER, *fact + strlen("USER="));
            } else if (g_str_has_prefix(*fact, "REMOTE_HOST=")) {
                dp_mask_learn(mask, DP_MASK_HOST, *fact + strlen("REMOTE_HOST="));
            }
        }
    }
}

/* FOLDER/each/NAME */
static void
learn_each(DpMask *mask, const DpRoot *root, DpMaskKind kind, const char *folder, const char *name)
{
    g_autoptr(GPtrArray) entries = dp_file_list(root->fd, folder, NULL);

    for (guint i = 0; entries != NULL && i < entries->len; i++) {
        g_autofree char *path =
            g_strdup_printf("%s/%s/%s", folder, (char *)entries->pdata[i], name);

        learn_line(mask, root, kind, path);
    }
}

static void
learn_udev(DpMask *mask, const DpRoot *root, const DpHost *host)
{
    for (guint i = 0; i < host->blocks->len; i++) {
        const DpBlock *block = host->blocks->pdata[i];
        g_autofree char *path = g_strdup_printf(DP_UDEV "/b%s", block->devno);
        g_auto(GStrv) facts = read_lines(root, path);

        for (char **fact = facts; *fact != NULL; fact++) {
            const char *value = strchr(*fact, '=');

            if (value != NULL && (g_str_has_prefix(*fact, "E:ID_SERIAL") ||
                                  g_str_has_prefix(*fact, "E:ID_SCSI_SERIAL") ||
                                  g_str_has_prefix(*fact, "E:ID_WWN"))) {
                dp_mask_learn(mask, DP_MASK_SERIAL, value + 1);
            }
        }
    }
}

static void
learn_serials(DpMask *mask, const DpRoot *root, const DpHost *host)
{
    static const char *const machine[] = {"product_serial",  "board_serial",      "chassis_serial",
                                          "board_asset_tag", "chassis_asset_tag", "product_uuid"};
    static const char *const disk[] = {"device/serial", "device/wwid", "wwid", "serial"};

    for (size_t i = 0; i < G_N_ELEMENTS(machine); i++) {
        g_autofree char *path = g_strdup_printf("sys/class/dmi/id/%s", machine[i]);

        learn_line(mask, root, DP_MASK_SERIAL, path);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(disk); i++) {
        learn_each(mask, root, DP_MASK_SERIAL, "sys/class/block", disk[i]);
    }
    learn_line(mask, root, DP_MASK_SERIAL, "etc/machine-id");
    learn_each(mask, root, DP_MASK_SERIAL, "sys/class/nvme", "serial");
    learn_each(mask, root, DP_MASK_SERIAL, "sys/bus/usb/devices", "serial");
    learn_each(mask, root, DP_MASK_MAC, "sys/class/net", "address");
    learn_udev(mask, root, host);
    for (guint i = 0; i < host->functions->len; i++) {
        const DpFunction *fn = host->functions->pdata[i];

        if (fn->mac != NULL) {
            dp_mask_learn(mask, DP_MASK_MAC, fn->mac);
        }
    }
}

/* "server:/path", "user@server:/path", "//server/share", "scheme://user:password@server/". */
static void
learn_source(DpMask *mask, const char *source)
{
    const char *scheme = strstr(source, "://");
    const char *start = scheme != NULL                   ? scheme + 3
                        : g_str_has_prefix(source, "//") ? source + 2
                                                         : source;
    size_t len = strcspn(start, "/");
    g_autofree char *place = g_strndup(start, len);
    char *sign = strrchr(place, '@'), *host = sign == NULL ? place : sign + 1;

    if (start == source && (*source == '/' || len == 0 || place[len - 1] != ':')) {
        return; /* a disk, or a word such as "tmpfs" */
    }
    if (sign != NULL) {
        g_auto(GStrv) parts = NULL;

        *sign = '\0';
        parts = g_strsplit(place, ":", 2);
        for (char **part = parts; *part != NULL; part++) {
            dp_mask_learn(mask, part == parts ? DP_MASK_USER : DP_MASK_SECRET, *part);
        }
    }
    dp_mask_learn(mask, DP_MASK_HOST, g_strdelimit(host, ":", '\0'));
}

void
dp_mask_learn_host(DpMask *mask, const DpRoot *root, const DpHost *host)
{
    dp_mask_number_nets(mask, host);
    learn_host_names(mask, root);
    learn_users(mask, root);
    learn_serials(mask, root, host);
    for (guint i = 0; i < host->mounts->len; i++) {
        learn_source(mask, ((const DpMount *)host->mounts->pdata[i])->source);
    }
}
