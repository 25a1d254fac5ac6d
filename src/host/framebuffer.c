/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who still shows the picture that the firmware set up, and in which memory. */
#include "base/file.h"
#include "scan.h"

#include <string.h>

/* A line has some 50 bytes; a machine with 4,096 functions has some 20,000 lines. */
#define IOMEM_MAX (16u << 20)

/* Pictures that are told: a machine has one, or one a display. */
#define FRAMEBUFFERS_MAX 16u

/* Without CAP_SYS_ADMIN the kernel writes zeros for every address. */
static bool
hidden(const DpFramebuffer *found)
{
    return found->start == 0 && found->last == 0;
}

static void
take(DpHost *host, const char *text)
{
    const char *secret = NULL;

    for (const char *line = text; line != NULL && host->framebuffers->len < FRAMEBUFFERS_MAX;) {
        const char *end = strchr(line, '\n');
        DpFramebuffer found;

        if (dp_parse_framebuffer(line, &found)) {
            if (hidden(&found)) {
                secret = found.driver;
            } else {
                g_array_append_val(host->framebuffers, found);
            }
        }
        line = end == NULL ? NULL : end + 1;
    }
    if (secret != NULL) {
        dp_diags_add(host->diags, DP_DIAG_FRAMEBUFFER_HIDDEN, "host",
                     "%s shows the firmware's picture; in whose memory is not visible here",
                     secret);
    }
}

void
dp_scan_framebuffers(DpRoot *root, DpHost *host)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = dp_file_read(root->fd, DP_IOMEM, IOMEM_MAX, NULL, &error);

    if (text != NULL) {
        take(host, text);
    } else if (!g_error_matches(error, DP_ERROR, DP_ERROR_NOT_FOUND)) {
        dp_diags_add(host->diags, DP_DIAG_HOST_FILE_UNREADABLE, "host", "%s", error->message);
    }
}
