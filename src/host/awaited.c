/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File systems that the host wants and does not have mounted now: those of /etc/fstab, which the
 * next start or the next look into a folder mounts, and EFI system partitions, which the firmware
 * reads before there are mounts.
 */
#include "awaited.h"

#include "base/file.h"
#include "scan.h"

#include <string.h>

void
dp_fstab_free(DpFstabLine *line)
{
    if (line != NULL) {
        g_free(line->source);
        g_free(line->mountpoint);
        g_free(line->fstype);
        g_free(line);
    }
}

static bool
is_by_hand(const char *options)
{
    g_auto(GStrv) words = g_strsplit(options, ",", -1);
    const char *const *list = (const char *const *)words;

    return g_strv_contains(list, "noauto") && !g_strv_contains(list, "x-systemd.automount") &&
           !g_strv_contains(list, "comment=systemd.automount");
}

DpFstabLine *
dp_fstab_parse(const char *text)
{
    g_auto(GStrv) words = dp_scan_words(text);
    DpFstabLine *line;

    if (g_strv_length(words) < 3 || *words[0] == '#') {
        return NULL;
    }
    line = g_new0(DpFstabLine, 1);
    line->source = dp_scan_unescape(words[0]);
    line->mountpoint = dp_scan_unescape(words[1]);
    line->fstype = dp_scan_visible(g_strdup(words[2]));
    line->by_hand = words[3] != NULL && is_by_hand(words[3]);
    return line;
}

char **
dp_udev_lines(DpRoot *root, const DpBlock *block)
{
    g_autofree char *path = g_strdup_printf(DP_UDEV "/b%s", block->devno);
    g_autofree char *text = dp_file_read(root->fd, path, DP_FILE_MAX, NULL, NULL);

    return text == NULL ? NULL : g_strsplit(text, "\n", -1);
}

/* The value of property @key, "E:ID_FS_UUID", or NULL. */
static const char *
property(char **lines, const char *key)
{
    size_t len = strlen(key);

    for (char **line = lines; line != NULL && *line != NULL; line++) {
        if (strncmp(*line, key, len) == 0 && (*line)[len] == '=') {
            return *line + len + 1;
        }
    }
    return NULL;
}

/* udev writes what could harm a path as \x20, and as _ where that is not wanted either. */
static char *
decode(const char *text)
{
    GString *out = g_string_new(NULL);

    for (const char *c = text; *c != '\0'; c++) {
        if (c[0] == '\\' && c[1] == 'x' && g_ascii_isxdigit(c[2]) && g_ascii_isxdigit(c[3])) {
            g_string_append_c(out,
                              (char)(g_ascii_xdigit_value(c[2]) << 4 | g_ascii_xdigit_value(c[3])));
            c += 3;
        } else {
            g_string_append_c(out, *c);
        }
    }
    return g_string_free(out, FALSE);
}

/* fstab(5): tags, with or without quotes. */
static const struct {
    const char *tag;
    const char *keys[2]; /* of udev's record */
    bool number;         /* upper and lower case are one */
} tags[] = {
    {"UUID=", {"E:ID_FS_UUID_ENC", "E:ID_FS_UUID"}, true},
    {"LABEL=", {"E:ID_FS_LABEL_ENC", "E:ID_FS_LABEL"}, false},
    {"PARTUUID=", {"E:ID_PART_ENTRY_UUID", NULL}, true},
    {"PARTLABEL=", {"E:ID_PART_ENTRY_NAME", NULL}, false},
};

static char *
unquoted(const char *text)
{
    size_t len = strlen(text);

    return len >= 2 && *text == '"' && text[len - 1] == '"' ? g_strndup(text + 1, len - 2)
                                                            : g_strdup(text);
}

static bool
has_tag(char **lines, size_t tag, const char *source)
{
    g_autofree char *wanted = unquoted(source + strlen(tags[tag].tag));

    for (size_t i = 0; i < G_N_ELEMENTS(tags[tag].keys) && tags[tag].keys[i] != NULL; i++) {
        const char *raw = property(lines, tags[tag].keys[i]);
        g_autofree char *value = raw == NULL ? NULL : decode(raw);

        if (value != NULL &&
            (tags[tag].number ? g_ascii_strcasecmp(value, wanted) : strcmp(value, wanted)) == 0) {
            return true;
        }
    }
    return false;
}

bool
dp_udev_is_source(char **lines, const char *source)
{
    g_autofree char *link = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(tags); i++) {
        if (g_str_has_prefix(source, tags[i].tag)) {
            return has_tag(lines, i, source);
        }
    }
    if (!g_str_has_prefix(source, "/dev/")) {
        return false;
    }
    link = g_strdup_printf("S:%s", source + strlen("/dev/"));
    return g_strv_contains((const char *const *)lines, link);
}

bool
dp_udev_is_esp(char **lines)
{
    static const char *const types[] = {DP_ESP_TYPE, "0xef"};
    const char *type = property(lines, "E:ID_PART_ENTRY_TYPE");

    for (size_t i = 0; type != NULL && i < G_N_ELEMENTS(types); i++) {
        if (g_ascii_strcasecmp(type, types[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* udev's record of each block device, in the host's order; NULL where there is none. */
static GPtrArray *
read_records(DpRoot *root, const DpHost *host)
{
    GPtrArray *records = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    bool any = dp_scan_exists(root->fd, DP_UDEV);

    for (guint i = 0; i < host->blocks->len; i++) {
        const DpBlock *block = host->blocks->pdata[i];

        g_ptr_array_add(records,
                        any && block->devno[0] != '\0' ? dp_udev_lines(root, block) : NULL);
    }
    return records;
}

static DpBlock *
find_source(DpRoot *root, DpHost *host, const GPtrArray *records, const char *source)
{
    DpBlock *block = dp_blocks_find_source(root, host, source);

    for (guint i = 0; block == NULL && i < records->len; i++) {
        if (records->pdata[i] != NULL && dp_udev_is_source(records->pdata[i], source)) {
            block = host->blocks->pdata[i];
        }
    }
    return block;
}

static bool
is_in_use(const DpHost *host, const DpBlock *block)
{
    for (guint i = 0; i < host->mounts->len; i++) {
        if (strcmp(((const DpMount *)host->mounts->pdata[i])->device, block->devno) == 0) {
            return true;
        }
    }
    return block->swap;
}

static void
awaited_free(gpointer data)
{
    DpAwaited *awaited = data;

    g_free(awaited->mountpoint);
    g_free(awaited->fstype);
    g_free(awaited->device);
    g_free(awaited);
}

static void
add_line(DpRoot *root, DpHost *host, const GPtrArray *records, const DpFstabLine *line)
{
    DpBlock *block = find_source(root, host, records, line->source);
    DpAwaited *awaited;

    if (block == NULL || is_in_use(host, block)) {
        return;
    }
    awaited = g_new0(DpAwaited, 1);
    awaited->mountpoint = g_strdup(line->mountpoint);
    awaited->fstype = g_strdup(line->fstype);
    awaited->device = g_strdup(block->name);
    awaited->by_hand = line->by_hand;
    g_ptr_array_add(host->awaited, awaited);
}

void
dp_scan_awaited(DpRoot *root, DpHost *host)
{
    g_auto(GStrv) lines = dp_scan_lines(root, host, "etc/fstab");
    g_autoptr(GPtrArray) records = read_records(root, host);

    g_ptr_array_set_free_func(host->awaited, awaited_free);
    host->platform.efi = dp_scan_exists(root->fd, DP_EFI);
    for (guint i = 0; i < records->len; i++) {
        DpBlock *block = host->blocks->pdata[i];

        block->esp = records->pdata[i] != NULL && dp_udev_is_esp(records->pdata[i]);
    }
    for (char **text = lines; text != NULL && *text != NULL; text++) {
        g_autoptr(DpFstabLine) line = dp_fstab_parse(*text);

        if (line != NULL) {
            add_line(root, host, records, line);
        }
    }
}
