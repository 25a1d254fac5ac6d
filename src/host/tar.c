/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tar.h"

#include "base/file.h"

#include <errno.h>
#include <string.h>

#define BLOCK 512u

/* POSIX.1-1988 ustar: fields in octal text. */
typedef struct {
    char name[100];
    char mode[8];
    char uid[8];
    char gid[8];
    char size[12];
    char mtime[12];
    char checksum[8];
    char type;
    char target[100];
    char magic[6];
    char version[2];
    char user[32];
    char group[32];
    char major[8];
    char minor[8];
    char prefix[155];
    char unused[12];
} Header;

G_STATIC_ASSERT(sizeof(Header) == BLOCK);

typedef struct {
    char *name, *target;
} Link;

struct DpTar {
    int fd;
    uint64_t written, max;
    int err;
    gint64 mtime;
    GHashTable *seen;
    GArray *links;
    DpTarFilter filter;
    void *filter_data;
};

DpTar *
dp_tar_new(int fd, uint64_t max)
{
    DpTar *tar = g_new0(DpTar, 1);

    tar->fd = fd;
    tar->max = max;
    tar->mtime = g_get_real_time() / G_USEC_PER_SEC;
    tar->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    tar->links = g_array_new(false, false, sizeof(Link));
    return tar;
}

void
dp_tar_free(DpTar *tar)
{
    if (tar == NULL) {
        return;
    }
    for (guint i = 0; i < tar->links->len; i++) {
        g_free(g_array_index(tar->links, Link, i).name);
        g_free(g_array_index(tar->links, Link, i).target);
    }
    g_array_unref(tar->links);
    g_hash_table_unref(tar->seen);
    g_free(tar);
}

static void
put(DpTar *tar, const void *bytes, size_t len)
{
    if (tar->err == 0 && len > tar->max - tar->written) {
        tar->err = EFBIG;
    }
    if (tar->err == 0) {
        tar->err = -dp_file_write_all(tar->fd, bytes, len);
        tar->written += len;
    }
}

static void
put_padded(DpTar *tar, const void *bytes, size_t len)
{
    static const char zeros[BLOCK];

    put(tar, bytes, len);
    put(tar, zeros, (BLOCK - len % BLOCK) % BLOCK);
}

static void
octal(char *field, size_t size, uint64_t value)
{
    field[size - 1] = '\0';
    for (size_t i = size - 1; i > 0; i--, value >>= 3) {
        field[i - 1] = (char)('0' + (value & 7));
    }
}

/* Name and prefix are split at a slash, if they fit at all. */
static bool
set_name(Header *header, const char *name)
{
    size_t len = strlen(name);

    if (len <= sizeof header->name) {
        memcpy(header->name, name, len);
        return true;
    }
    for (size_t cut = MIN(len, sizeof header->prefix); cut > 0; cut--) {
        if (name[cut] == '/' && len - cut - 1 <= sizeof header->name && cut + 1 < len) {
            memcpy(header->prefix, name, cut);
            memcpy(header->name, name + cut + 1, len - cut - 1);
            return true;
        }
    }
    memcpy(header->name, name, sizeof header->name);
    return false;
}

static void
put_header(DpTar *tar, Header *header, char type, size_t len)
{
    unsigned sum = 0;

    octal(header->mode, sizeof header->mode, type == '5' ? 0755 : 0644);
    octal(header->uid, sizeof header->uid, 0);
    octal(header->gid, sizeof header->gid, 0);
    octal(header->size, sizeof header->size, len);
    octal(header->mtime, sizeof header->mtime, (uint64_t)tar->mtime);
    header->type = type;
    memcpy(header->magic, "ustar", 6);
    memcpy(header->version, "00", 2);
    memset(header->checksum, ' ', sizeof header->checksum);
    for (size_t i = 0; i < sizeof *header; i++) {
        sum += ((const uint8_t *)header)[i];
    }
    octal(header->checksum, sizeof header->checksum - 1, sum);
    put(tar, header, sizeof *header);
}

/* "LENGTH key=value\n", where LENGTH counts itself (pax). */
static void
append_record(GString *records, const char *key, const char *value)
{
    size_t rest = strlen(key) + strlen(value) + 3, len = rest + 1;

    for (unsigned digits = 1; digits < 8; digits++) {
        g_autofree char *text = g_strdup_printf("%zu", rest + digits);

        if (strlen(text) == digits) {
            len = rest + digits;
            break;
        }
    }
    g_string_append_printf(records, "%zu %s=%s\n", len, key, value);
}

static void
put_entry(
    DpTar *tar, char type, const char *name, const char *target, const void *bytes, size_t len)
{
    g_autoptr(GString) records = g_string_new(NULL);
    Header header = {0}, extended = {0};
    size_t target_len = target == NULL ? 0 : strlen(target);

    if (!set_name(&header, name)) {
        append_record(records, "path", name);
    }
    if (target_len > sizeof header.target) {
        append_record(records, "linkpath", target);
    }
    if (target != NULL) {
        memcpy(header.target, target, MIN(target_len, sizeof header.target));
    }
    if (records->len > 0) {
        (void)set_name(&extended, "pax");
        put_header(tar, &extended, 'x', records->len);
        put_padded(tar, records->str, records->len);
    }
    put_header(tar, &header, type, len);
    put_padded(tar, bytes, len);
}

/* "a/../../b" and the like have no place in an archive. */
static bool
is_clean(const char *name)
{
    g_auto(GStrv) parts = g_strsplit(name, "/", -1);

    for (char **part = parts; *part != NULL; part++) {
        if (**part == '\0' || strcmp(*part, ".") == 0 || strcmp(*part, "..") == 0) {
            return false;
        }
    }
    return *name != '\0';
}

static bool
take_name(DpTar *tar, const char *name)
{
    return is_clean(name) && g_hash_table_add(tar->seen, g_strdup(name));
}

void
dp_tar_set_filter(DpTar *tar, DpTarFilter filter, void *data)
{
    tar->filter = filter;
    tar->filter_data = data;
}

void
dp_tar_add_file(DpTar *tar, const char *name, const void *bytes, size_t len)
{
    g_autofree char *text = NULL, *filtered = NULL;

    if (!take_name(tar, name)) {
        return;
    }
    if (tar->filter != NULL && memchr(bytes, '\0', len) == NULL) {
        text = g_strndup(bytes, len);
        filtered = tar->filter(tar->filter_data, name, text);
    }
    if (filtered != NULL) {
        put_entry(tar, '0', name, NULL, filtered, strlen(filtered));
    } else {
        put_entry(tar, '0', name, NULL, bytes, len);
    }
}

void
dp_tar_add_folder(DpTar *tar, const char *name)
{
    if (take_name(tar, name)) {
        put_entry(tar, '5', name, NULL, NULL, 0);
    }
}

void
dp_tar_add_link(DpTar *tar, const char *name, const char *target)
{
    Link link = {NULL, NULL};

    if (take_name(tar, name)) {
        link = (Link){g_strdup(name), g_strdup(target)};
        g_array_append_val(tar->links, link);
    }
}

bool
dp_tar_finish(DpTar *tar, GError **error)
{
    static const char end[2 * BLOCK];

    for (guint i = 0; i < tar->links->len; i++) {
        const Link *link = &g_array_index(tar->links, Link, i);

        put_entry(tar, '2', link->name, link->target, NULL, 0);
    }
    put(tar, end, sizeof end);
    return tar->err == 0 || dp_fail_errno(error, tar->err, "cannot write the archive");
}

char *
dp_tar_resolve(const char *name, const char *target)
{
    g_autoptr(GPtrArray) out = g_ptr_array_new();
    g_autofree char *folder = g_path_get_dirname(name);
    g_autofree char *joined =
        target[0] == '/' ? g_strdup(target + 1) : g_strdup_printf("%s/%s", folder, target);
    g_auto(GStrv) parts = g_strsplit(joined, "/", -1);

    for (char **part = parts; *part != NULL; part++) {
        if (**part == '\0' || strcmp(*part, ".") == 0) {
            continue;
        }
        if (strcmp(*part, "..") != 0) {
            g_ptr_array_add(out, *part);
        } else if (out->len > 0) {
            g_ptr_array_set_size(out, (int)out->len - 1);
        } else {
            return NULL;
        }
    }
    g_ptr_array_add(out, NULL);
    return g_strjoinv("/", (char **)out->pdata);
}
