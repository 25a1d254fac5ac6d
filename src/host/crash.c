/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "crash.h"

#include "base/file.h"
#include "scan.h"

#include <string.h>

#define LOADED  "sys/kernel/kexec_crash_loaded"
#define DEFAULT "/var/crash" /* of both packages */

static const struct {
    const char *path;
    void (*read)(const char *text, DpCrashConfig *config);
} files[] = {
    {"etc/kdump.conf", dp_crash_read_kdump_conf},
    {"etc/default/kdump-tools", dp_crash_read_kdump_tools},
};

void
dp_crash_config_clear(DpCrashConfig *config)
{
    g_clear_pointer(&config->folder, g_free);
    g_clear_pointer(&config->device, g_free);
    g_clear_pointer(&config->server, g_free);
}

static void
set(char **field, char *value)
{
    g_free(*field);
    *field = value;
}

/* The machine of "root@10.0.0.5", "10.0.0.5:/export", "[fe80::1]:/export". */
static char *
server_of(const char *text)
{
    const char *at = strchr(text, '@');
    const char *start = at == NULL ? text : at + 1;

    return g_strndup(start, *start == '[' ? strcspn(start, "]") + 1 : strcspn(start, ":"));
}

/* A file system's type in front of the device says that it is one: "ext4 /dev/sdb2", "raw ...". */
static bool
is_device(const char *text)
{
    return g_str_has_prefix(text, "/dev/") || g_str_has_prefix(text, "UUID=") ||
           g_str_has_prefix(text, "LABEL=");
}

void
dp_crash_read_kdump_conf(const char *text, DpCrashConfig *config)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (char **line = lines; *line != NULL; line++) {
        g_auto(GStrv) words = dp_scan_words(*line);

        if (words[0] == NULL || words[1] == NULL || *words[0] == '#') {
            continue;
        }
        if (strcmp(words[0], "path") == 0) {
            set(&config->folder, g_strdup(words[1]));
        } else if (strcmp(words[0], "nfs") == 0 || strcmp(words[0], "ssh") == 0) {
            set(&config->server, server_of(words[1]));
        } else if (is_device(words[1])) {
            set(&config->device, g_strdup(words[1]));
        }
    }
}

/* NAME="value", without what a shell could do with it. */
static char *
value_of(const char *line, const char *name)
{
    const char *start = line + strspn(line, " \t");
    size_t len = strlen(name);
    g_autofree char *value = NULL;

    if (strncmp(start, name, len) != 0 || start[len] != '=') {
        return NULL;
    }
    value = g_strstrip(g_strdup(start + len + 1));
    len = strlen(value);
    if (len >= 2 && (*value == '"' || *value == '\'') && value[len - 1] == *value) {
        return g_strndup(value + 1, len - 2);
    }
    return g_steal_pointer(&value);
}

void
dp_crash_read_kdump_tools(const char *text, DpCrashConfig *config)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (char **line = lines; *line != NULL; line++) {
        g_autofree char *folder = value_of(*line, "KDUMP_COREDIR");
        g_autofree char *nfs = value_of(*line, "NFS"), *ssh = value_of(*line, "SSH");
        const char *server = nfs != NULL && *nfs != '\0' ? nfs : ssh;

        if (folder != NULL && *folder != '\0') {
            set(&config->folder, g_steal_pointer(&folder));
        }
        if (server != NULL && *server != '\0') {
            set(&config->server, server_of(server));
        }
    }
}

/* "UUID=..." is a link that udev made. */
static DpBlock *
find_device(DpRoot *root, DpHost *host, const char *device)
{
    static const char *const keys[][2] = {{"UUID=", "dev/disk/by-uuid"},
                                          {"LABEL=", "dev/disk/by-label"}};

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (g_str_has_prefix(device, keys[i][0])) {
            g_autofree char *path =
                g_strdup_printf("%s/%s", keys[i][1], device + strlen(keys[i][0]));
            g_autofree char *name = dp_scan_link_name(root->fd, path);
            g_autofree char *source = name == NULL ? NULL : g_strdup_printf("/dev/%s", name);

            return source == NULL ? NULL : dp_blocks_find_source(root, host, source);
        }
    }
    return dp_blocks_find_source(root, host, device);
}

/* Elsewhere than here, a path is one on that device or server. */
static void
take_config(DpRoot *root, DpHost *host, const GPtrArray *routes, DpCrashConfig *config)
{
    DpCrash *crash = &host->crash;
    DpBlock *block = config->device == NULL ? NULL : find_device(root, host, config->device);

    crash->peer = config->server == NULL ? NULL : dp_peer_new(routes, config->server);
    if (block != NULL) {
        crash->device = g_strdup(block->name);
    }
    if (config->server == NULL && config->device == NULL) {
        crash->folder =
            dp_scan_visible(g_strdup(config->folder != NULL ? config->folder : DEFAULT));
    }
}

void
dp_scan_crash(DpRoot *root, DpHost *host, const GPtrArray *routes)
{
    g_autofree char *loaded = dp_file_read_line(root->fd, LOADED, NULL);
    DpCrashConfig config = {NULL, NULL, NULL};

    host->crash.armed = g_strcmp0(loaded, "1") == 0;
    if (!host->crash.armed) {
        return;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *text = dp_file_read(root->fd, files[i].path, DP_FILE_MAX, NULL, NULL);

        if (text != NULL) {
            files[i].read(text, &config);
        }
    }
    take_config(root, host, routes, &config);
    dp_crash_config_clear(&config);
}
