/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "untar.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

#define BLOCK          512u
#define NAME_MAX_BYTES 4096u

/* Offsets and lengths in a header (POSIX.1-1988 ustar). */
enum {
    AT_NAME = 0,
    NAME_LEN = 100,
    AT_SIZE = 124,
    AT_CHECKSUM = 148,
    NUMBER_LEN = 8,
    AT_TYPE = 156,
    AT_TARGET = 157,
    AT_MAGIC = 257,
    AT_PREFIX = 345,
    PREFIX_LEN = 155,
};

typedef struct {
    DpUntarRead read;
    void *source;
    const DpUntarSink *sink;
    uint64_t total;
    unsigned n_entries;
    char *long_name, *long_target; /* for the next entry; NULL: its header has them */
} Reader;

static bool
malformed(GError **error, const char *what)
{
    return dp_fail(error, DP_ERROR_PARSE, "no capture of a host: %s", what);
}

/* All of @len bytes; the end of the archive before that is an error unless nothing was read. */
static bool
fill(Reader *reader, void *buf, size_t len, bool *ret_end, GError **error)
{
    size_t have = 0;

    while (have < len) {
        ssize_t n = reader->read(reader->source, (char *)buf + have, len - have);

        if (n < 0) {
            return dp_fail_errno(error, (int)-n, "the capture cannot be read");
        }
        if (n == 0) {
            break;
        }
        have += (size_t)n;
    }
    reader->total += have;
    if (reader->total > DP_UNTAR_MAX) {
        return malformed(error, "it is larger than any");
    }
    if (ret_end != NULL) {
        *ret_end = have == 0;
    }
    return have == len || (have == 0 && ret_end != NULL) || malformed(error, "it is cut short");
}

/* Octal digits between blanks and NULs; GNU's binary numbers have no place in a capture. */
static bool
octal(const uint8_t *field, size_t len, uint64_t *ret_value)
{
    uint64_t value = 0;
    size_t i = 0;

    while (i < len && field[i] == ' ') {
        i++;
    }
    for (; i < len && field[i] >= '0' && field[i] <= '7'; i++) {
        value = value * 8 + (uint64_t)(field[i] - '0'); /* at most 12 digits */
    }
    *ret_value = value;
    return i == len || field[i] == ' ' || field[i] == '\0';
}

static bool
checksum_right(const uint8_t *header)
{
    uint64_t wanted, sum = NUMBER_LEN * ' ';

    for (size_t i = 0; i < BLOCK; i++) {
        sum += i >= AT_CHECKSUM && i < AT_CHECKSUM + NUMBER_LEN ? 0 : header[i];
    }
    return octal(header + AT_CHECKSUM, NUMBER_LEN, &wanted) && wanted == sum;
}

static char *
field_text(const uint8_t *field, size_t len)
{
    return g_strndup((const char *)field, len);
}

/* As it is used: without "./" before and "/" behind; NULL: not a name beneath a folder. */
static char *
clean_name(const char *name)
{
    g_autofree char *clean = NULL;
    g_auto(GStrv) parts = NULL;

    while (g_str_has_prefix(name, "./")) {
        name += 2;
    }
    clean = g_strdup(name);
    if (g_str_has_suffix(clean, "/")) {
        clean[strlen(clean) - 1] = '\0';
    }
    if (*clean == '\0' || strlen(clean) > NAME_MAX_BYTES || dp_text_has_control(clean)) {
        return NULL;
    }
    parts = g_strsplit(clean, "/", -1);
    for (char **part = parts; *part != NULL; part++) {
        if (**part == '\0' || strcmp(*part, ".") == 0 || strcmp(*part, "..") == 0) {
            return NULL;
        }
    }
    return g_steal_pointer(&clean);
}

/* The name in the header, with ustar's prefix where the header is of that kind. */
static char *
header_name(const uint8_t *header)
{
    g_autofree char *name = field_text(header + AT_NAME, NAME_LEN);
    g_autofree char *prefix = field_text(header + AT_PREFIX, PREFIX_LEN);

    /* GNU's headers end in "ustar  " and have times where the prefix is. */
    if (memcmp(header + AT_MAGIC, "ustar\0", 6) != 0 || *prefix == '\0') {
        return g_steal_pointer(&name);
    }
    return g_strdup_printf("%s/%s", prefix, name);
}

/* Content and padding of an entry, in memory and with a NUL behind. */
static char *
content(Reader *reader, uint64_t size, GError **error)
{
    g_autofree char *bytes = NULL;
    char padding[BLOCK];
    size_t rest = (size_t)(-size & (BLOCK - 1));

    if (size > DP_UNTAR_FILE_MAX) {
        return malformed(error, "a file in it is larger than any"), NULL;
    }
    bytes = g_malloc(size + 1);
    bytes[size] = '\0';
    return fill(reader, bytes, size, NULL, error) && fill(reader, padding, rest, NULL, error)
               ? g_steal_pointer(&bytes)
               : NULL;
}

/* Records "LENGTH key=value\n" of a pax header; only path and linkpath matter here. */
static bool
take_pax(Reader *reader, char *text, size_t len, GError **error)
{
    static const char damaged[] = "a header in it is damaged";

    for (char *at = text; at < text + len;) {
        char *end = NULL, *equals;
        size_t left = (size_t)(text + len - at);
        guint64 n = g_ascii_isdigit(*at) ? g_ascii_strtoull(at, &end, 10) : 0;

        if (n == 0 || n > left || *end != ' ' || end >= at + n || at[n - 1] != '\n') {
            return malformed(error, damaged);
        }
        at[n - 1] = '\0';
        equals = strchr(end + 1, '=');
        if (equals == NULL || equals + 1 + strlen(equals + 1) != at + n - 1) {
            return malformed(error, damaged);
        }
        *equals = '\0';
        if (strcmp(end + 1, "path") == 0) {
            g_free(reader->long_name);
            reader->long_name = g_strdup(equals + 1);
        } else if (strcmp(end + 1, "linkpath") == 0) {
            g_free(reader->long_target);
            reader->long_target = g_strdup(equals + 1);
        }
        at += n;
    }
    return true;
}

static bool
give(Reader *reader, char type, const char *name, const char *bytes, size_t len, GError **error)
{
    const DpUntarSink *sink = reader->sink;

    switch (type) {
    case '\0':
    case '0':
        return sink->file(sink->user, name, bytes, len, error);
    case '5':
        return len == 0 ? sink->folder(sink->user, name, error)
                        : malformed(error, "a folder in it has content");
    case '2':
        return len == 0 && *reader->long_target != '\0' &&
                       strlen(reader->long_target) <= NAME_MAX_BYTES
                   ? sink->link(sink->user, name, reader->long_target, error)
                   : malformed(error, "a link in it is damaged");
    default:
        return malformed(error, "it holds something other than files, folders and symbolic links");
    }
}

/* Headers about the next entry, or all. Returns false if @type is none of them. */
static bool
take_extension(Reader *reader, char type, char *bytes, size_t len, bool *ret_ok, GError **error)
{
    char **text = type == 'L' ? &reader->long_name : &reader->long_target;

    *ret_ok = true;
    if (type == 'L' || type == 'K') {
        g_free(*text);
        *text = g_strdup(bytes);
    } else if (type == 'x') {
        *ret_ok = take_pax(reader, bytes, len, error);
    }
    return type == 'L' || type == 'K' || type == 'x' || type == 'g';
}

static bool
take_entry(Reader *reader, const uint8_t *header, GError **error)
{
    char type = (char)header[AT_TYPE];
    g_autofree char *bytes = NULL, *given = NULL, *name = NULL;
    uint64_t size = 0;
    bool ok;

    if (!checksum_right(header) || !octal(header + AT_SIZE, 12, &size)) {
        return malformed(error, "a header in it is damaged, or it is compressed");
    }
    bytes = content(reader, size, error);
    if (bytes == NULL) {
        return false;
    }
    if (take_extension(reader, type, bytes, size, &ok, error)) {
        return ok;
    }
    given = reader->long_name != NULL ? g_steal_pointer(&reader->long_name) : header_name(header);
    if (reader->long_target == NULL) {
        reader->long_target = field_text(header + AT_TARGET, NAME_LEN);
    }
    name = clean_name(given);
    if (type == '5' && (strcmp(given, "./") == 0 || strcmp(given, ".") == 0)) {
        ok = true; /* the root itself */
    } else {
        ok = name != NULL ? give(reader, type, name, bytes, size, error)
                          : malformed(error, "a name in it is no path beneath a folder");
    }
    g_clear_pointer(&reader->long_target, g_free);
    return ok;
}

static bool
is_zero(const uint8_t *block)
{
    for (size_t i = 0; i < BLOCK; i++) {
        if (block[i] != 0) {
            return false;
        }
    }
    return true;
}

bool
dp_untar(DpUntarRead read, void *source, const DpUntarSink *sink, GError **error)
{
    Reader reader = {.read = read, .source = source, .sink = sink};
    uint8_t header[BLOCK];
    bool ok, end = false;

    for (;;) {
        ok = fill(&reader, header, BLOCK, &end, error);
        if (ok && end) {
            ok = malformed(error, reader.n_entries == 0 ? "it is empty" : "it is cut short");
        }
        if (!ok || is_zero(header)) {
            break;
        }
        if (++reader.n_entries > DP_UNTAR_ENTRIES_MAX) {
            ok = malformed(error, "it has more entries than any");
            break;
        }
        ok = take_entry(&reader, header, error);
        if (!ok) {
            break;
        }
    }
    g_free(reader.long_name);
    g_free(reader.long_target);
    return ok;
}
