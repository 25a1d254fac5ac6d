/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel-log.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* One record of the kernel is at most 8 KiB; its whole buffer is rarely more than 1 MiB. */
#define RECORD_MAX 8192
#define BYTES_MAX  (16u << 20)

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

/* All of it, in whole lines. Records that are overwritten while they are read (EPIPE) are gone. */
static char *
read_records(int fd)
{
    g_autofree char *record = g_malloc(RECORD_MAX);
    GString *text = g_string_new(NULL);

    while (text->len < BYTES_MAX) {
        ssize_t n = read(fd, record, RECORD_MAX);

        if (n > 0) {
            g_string_append_len(text, record, n);
        } else if (n == 0 || (errno != EPIPE && errno != EINTR)) {
            break;
        }
    }
    return g_string_free(text, false);
}

/* The kernel's own file, or one that was put in its place beneath another root. */
static int
open_log(const DpRoot *root)
{
    dp_autofd int fd = dp_file_open(root->fd, "dev/kmsg", O_RDONLY | O_NONBLOCK | O_NOCTTY);
    struct stat st;

    if (fd < 0) {
        return fd;
    }
    if (fstat(fd, &st) < 0) {
        return -errno;
    }
    return S_ISREG(st.st_mode) || (root->live && S_ISCHR(st.st_mode)) ? dp_steal_fd(&fd) : -EINVAL;
}

/* "6,339,5140900,-;text" as "[5.140900] text"; a line that begins with a blank belongs to the one
 * before it and says nothing more. */
static void
take_line(GPtrArray *lines, const char *line)
{
    const char *text = strchr(line, ';');
    g_auto(GStrv) fields = text == NULL ? NULL : g_strsplit(line, ",", 4);
    guint64 usec;

    if (text == NULL || *line == ' ' || !has_any(text, wanted, G_N_ELEMENTS(wanted)) ||
        has_any(text, unwanted, G_N_ELEMENTS(unwanted))) {
        return;
    }
    usec = g_strv_length(fields) < 3 ? 0 : g_ascii_strtoull(fields[2], NULL, 10);
    g_ptr_array_add(lines, g_strdup_printf("[%" G_GUINT64_FORMAT ".%06u] %s\n", usec / 1000000,
                                           (unsigned)(usec % 1000000), text + 1));
}

char *
dp_kernel_log(const DpRoot *root, int *ret_errno)
{
    dp_autofd int fd = open_log(root);
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GString) out = g_string_new(NULL);
    g_autofree char *text = fd < 0 ? NULL : read_records(fd);
    g_auto(GStrv) all = text == NULL ? NULL : g_strsplit(text, "\n", -1);

    if (text == NULL) {
        *ret_errno = -fd;
        return NULL;
    }
    for (char **line = all; *line != NULL; line++) {
        take_line(lines, *line);
    }
    for (guint i = lines->len > DP_KERNEL_LOG_LINES ? lines->len - DP_KERNEL_LOG_LINES : 0;
         i < lines->len; i++) {
        g_string_append(out, lines->pdata[i]);
    }
    return g_string_free(g_steal_pointer(&out), false);
}
