/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel-log.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* The kernel's whole buffer is rarely more than 1 MiB. */
#define BYTES_MAX (16u << 20)

struct DpKmsgReader {
    int fd;
    const char *at; /* what of `bytes` is not looked at yet */
    size_t left;
    uint64_t budget; /* bytes that may still be read */
    char bytes[DP_KMSG_MAX];
};

DpKmsgReader *
dp_kmsg_take(int fd)
{
    DpKmsgReader *reader = g_new0(DpKmsgReader, 1);

    reader->fd = fd;
    reader->budget = UINT64_MAX;
    reader->at = reader->bytes;
    return reader;
}

DpKmsgReader *
dp_kmsg_open(const DpRoot *root, uint64_t max_bytes, int *ret_errno)
{
    int fd = dp_file_open(root->fd, DP_KMSG, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    DpKmsgReader *reader;

    if (fd < 0) {
        *ret_errno = -fd;
        return NULL;
    }
    reader = dp_kmsg_take(fd);
    reader->budget = max_bytes;
    return reader;
}

void
dp_kmsg_close(DpKmsgReader *reader)
{
    if (reader != NULL) {
        dp_close_fd(&reader->fd);
        g_free(reader);
    }
}

int
dp_kmsg_fd(const DpKmsgReader *reader)
{
    return reader->fd;
}

/* One record a read, behind what is left; more, and not in whole lines, where the log is no device
 * of the kernel's. */
static DpKmsgRead
fill(DpKmsgReader *reader)
{
    ssize_t n;

    memmove(reader->bytes, reader->at, reader->left);
    reader->at = reader->bytes;
    n = reader->budget == 0
            ? 0
            : read(reader->fd, reader->bytes + reader->left, sizeof reader->bytes - reader->left);
    if (n > 0) {
        reader->left += (size_t)n;
        reader->budget -= MIN(reader->budget, (uint64_t)n);
        return DP_KMSG_RECORD;
    }
    if (n < 0 && errno == EAGAIN) {
        return DP_KMSG_AT_END;
    }
    /* Overwritten before they were read, or longer than one can be: the next one is read next. */
    return n < 0 && (errno == EPIPE || errno == EINVAL || errno == EINTR) ? DP_KMSG_LOST
                                                                          : DP_KMSG_ENDED;
}

DpKmsgRead
dp_kmsg_next(DpKmsgReader *reader, DpKmsg *ret_record)
{
    for (;;) {
        const char *line, *end = memchr(reader->at, '\n', reader->left);
        size_t len;

        if (end == NULL && reader->left < sizeof reader->bytes) {
            DpKmsgRead got = fill(reader);

            if (got == DP_KMSG_RECORD) {
                continue;
            }
            if (got == DP_KMSG_LOST || reader->left == 0) {
                return got;
            }
        }
        line = reader->at;
        len = end != NULL ? (size_t)(end - line) + 1 : reader->left;
        reader->at += len;
        reader->left -= len;
        if (dp_kmsg_parse(line, len, ret_record)) {
            return DP_KMSG_RECORD;
        }
    }
}

/* In lower case. */
static const char *const wanted[] = {"vfio",       "iommu",     "dmar",    "amd-vi",   "ivrs",
                                     "remapping",  "x2apic",    "kvm",     "aer:",     "flr",
                                     "directpath", "not ready", "pci_bus", "bus reset"};
/* What the command line says is in the capture, without what is not to be told. */
static const char *const unwanted[] = {"command line", "boot_image"};

static bool
has_any(const char *line, const char *const *words, size_t n)
{
    g_autofree char *lower = g_ascii_strdown(line, -1);

    for (size_t i = 0; i < n; i++) {
        if (strstr(lower, words[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* The kernel's own device, or a file that was put in its place beneath another root. */
static bool
is_log(const DpRoot *root, const DpKmsgReader *reader)
{
    struct stat st;

    return fstat(reader->fd, &st) == 0 &&
           (S_ISREG(st.st_mode) || (root->live && S_ISCHR(st.st_mode)));
}

/* "[5.140900] text" */
static void
take_record(GPtrArray *lines, const DpKmsg *record)
{
    g_autofree char *text = g_strndup(record->text, record->len);

    if (has_any(text, wanted, G_N_ELEMENTS(wanted)) &&
        !has_any(text, unwanted, G_N_ELEMENTS(unwanted))) {
        g_ptr_array_add(lines, g_strdup_printf("[%" G_GUINT64_FORMAT ".%06u] %s\n",
                                               record->time_us / G_USEC_PER_SEC,
                                               (unsigned)(record->time_us % G_USEC_PER_SEC), text));
    }
}

char *
dp_kernel_log(const DpRoot *root, int *ret_errno)
{
    g_autoptr(DpKmsgReader) reader = dp_kmsg_open(root, BYTES_MAX, ret_errno);
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    GString *out;
    DpKmsgRead got = DP_KMSG_LOST;
    DpKmsg record;

    if (reader == NULL) {
        return NULL;
    }
    if (!is_log(root, reader)) {
        *ret_errno = EINVAL;
        return NULL;
    }
    while (got == DP_KMSG_LOST || got == DP_KMSG_RECORD) {
        got = dp_kmsg_next(reader, &record);
        if (got == DP_KMSG_RECORD) {
            take_record(lines, &record);
        }
    }
    out = g_string_new(NULL);
    for (guint i = lines->len > DP_KERNEL_LOG_LINES ? lines->len - DP_KERNEL_LOG_LINES : 0;
         i < lines->len; i++) {
        g_string_append(out, lines->pdata[i]);
    }
    return g_string_free(out, false);
}
