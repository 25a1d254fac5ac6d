/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Logs and what the kernel says, of any bytes: the mask ends, and what was learned is gone wherever
 * it stands as a word. */
#include "host/mask.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
    if (!holds) {
        __builtin_trap();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autofree char *around = g_strdup_printf("%s kaperle %s", text, text);
    g_autoptr(DpMask) mask = dp_mask_new();
    g_autofree char *once = NULL, *words = NULL;

    dp_mask_learn(mask, DP_MASK_HOST, "kaperle");
    once = dp_mask_text(mask, around);
    words = dp_mask_words(mask, around);
    must(strstr(words, " kaperle ") == NULL);
    must(strstr(once, " kaperle ") == NULL);
    must(strstr(text, "host") != NULL || strstr(words, "host1") != NULL);
    g_free(dp_mask_capture(mask, "proc/self/mountinfo", text));
    g_free(dp_mask_capture(mask, "etc/directpath/passthru.map", text));
    return 0;
}
