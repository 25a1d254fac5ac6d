/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An archive out of any bytes: no crash, and every name that comes out stays beneath a folder. */
#include "host/untar.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    const uint8_t *at;
    size_t left;
} Bytes;

static ssize_t
read_bytes(void *source, void *buf, size_t len)
{
    Bytes *bytes = source;
    size_t n = MIN(MIN(len, bytes->left), 700); /* in pieces that are no blocks */

    memcpy(buf, bytes->at, n);
    bytes->at += n;
    bytes->left -= n;
    return (ssize_t)n;
}

static void
check_name(const char *name)
{
    g_auto(GStrv) parts = g_strsplit(name, "/", -1);

    g_assert_true(parts[0] != NULL);
    for (char **part = parts; *part != NULL; part++) {
        g_assert_true(**part != '\0' && strcmp(*part, ".") != 0 && strcmp(*part, "..") != 0);
    }
}

static bool
take_file(void *user, const char *name, const void *bytes, size_t len, GError **error)
{
    const Bytes *all = user;

    (void)error;
    check_name(name);
    g_assert_cmpuint(len, <=, all->left);
    g_assert_cmpint(((const char *)bytes)[len], ==, '\0');
    return true;
}

static bool
take_folder(void *user, const char *name, GError **error)
{
    (void)user;
    (void)error;
    check_name(name);
    return true;
}

static bool
take_link(void *user, const char *name, const char *target, GError **error)
{
    (void)user;
    (void)error;
    check_name(name);
    g_assert_true(*target != '\0');
    return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Bytes bytes = {data, size}, all = {data, size};
    DpUntarSink sink = {.file = take_file, .folder = take_folder, .link = take_link, .user = &all};
    g_autoptr(GError) error = NULL;

    g_assert_true(dp_untar(read_bytes, &bytes, &sink, &error) == (error == NULL));
    return 0;
}
