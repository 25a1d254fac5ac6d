/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VMX of any bytes: read, looked up, edited, written. What is not edited must keep every byte. */
#include "formats/lines.h"
#include "formats/vmx.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
    if (!holds) {
        __builtin_trap();
    }
}

static void
same_bytes(const DpVmx *vmx, const char *want, size_t len)
{
    g_autoptr(GBytes) bytes = dp_vmx_bytes(vmx);

    must(g_bytes_get_size(bytes) == len);
    must(len == 0 || memcmp(g_bytes_get_data(bytes, NULL), want, len) == 0);
}

static void
check_entries(const DpVmx *vmx)
{
    unsigned last = 0;

    for (size_t i = 0; i < dp_vmx_n_entries(vmx); i++) {
        const DpVmxEntry *entry = dp_vmx_entry(vmx, i);
        const DpVmxEntry *first = dp_vmx_lookup(vmx, entry->key);
        bool flag;
        int64_t number;

        must(entry->line > last);
        must(first != NULL && first->line <= entry->line);
        must(g_ascii_strcasecmp(first->key, entry->key) == 0);
        must(g_utf8_validate(entry->shown, -1, NULL));
        (void)dp_vmx_get_bool(vmx, entry->key, &flag, NULL);
        (void)dp_vmx_get_int(vmx, entry->key, -1, 8191, &number, NULL);
        last = entry->line;
    }
}

/* The text without line @number. */
static GString *
without_line(GBytes *bytes, unsigned number)
{
    GString *text = g_string_new(NULL);
    gsize len = 0;
    const char *data = g_bytes_get_data(bytes, &len);
    DpLines lines = dp_lines_of(data, len);
    DpLine line;

    while (dp_lines_next(&lines, &line)) {
        if (line.number != number) {
            g_string_append_len(text, line.text, (gssize)line.len);
            g_string_append(text, line.end);
        }
    }
    return text;
}

/* One edit changes one line, and what is written reads the same. */
static void
check_set(DpVmx *vmx, const char *key, const char *value)
{
    g_autoptr(GBytes) before = dp_vmx_bytes(vmx), after = NULL;
    g_autoptr(GString) rest_before = NULL, rest_after = NULL;
    g_autoptr(DpVmx) again = NULL;
    unsigned line = dp_vmx_get(vmx, key) != NULL ? dp_vmx_lookup(vmx, key)->line : 0;
    gsize len = 0;
    const char *bytes;

    must(dp_vmx_set(vmx, key, value, NULL));
    must(g_strcmp0(dp_vmx_get(vmx, key), value) == 0);
    after = dp_vmx_bytes(vmx);
    bytes = g_bytes_get_data(after, &len);
    again = dp_vmx_parse("again", bytes, len, NULL, NULL);
    must(again != NULL && g_strcmp0(dp_vmx_get(again, key), value) == 0);
    must(dp_vmx_n_entries(again) == dp_vmx_n_entries(vmx));
    rest_before = without_line(before, line);
    rest_after = without_line(after, dp_vmx_lookup(vmx, key)->line);
    if (line == 0 && rest_after->len > rest_before->len) {
        /* The last line had no end, and got one so that another could follow. */
        g_string_truncate(rest_after, rest_before->len);
    }
    must(g_string_equal(rest_before, rest_after));
}

static void
edit(DpVmx *vmx, const char *value)
{
    static const char *const keys[] = {"memsize", "pciPassthru0.present", "pciPassthru0.cfg.a",
                                       "z"};

    /* From here on a byte order mark is not written. */
    (void)dp_vmx_set(vmx, "fuzz.first", "1", NULL);
    (void)dp_vmx_remove(vmx, "fuzz.first");
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        check_set(vmx, keys[i], value);
        check_set(vmx, keys[i], "TRUE");
    }
    for (size_t i = 0; i < dp_vmx_n_entries(vmx) && i < 8; i++) {
        g_autofree char *key = g_strdup(dp_vmx_entry(vmx, i)->key);

        check_set(vmx, key, value);
        must(dp_vmx_remove(vmx, key));
        must(dp_vmx_get(vmx, key) == NULL);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(DpVmx) vmx = dp_vmx_parse("fuzz.vmx", (const char *)data, size, diags, &error);
    g_autofree char *value = NULL;

    if (vmx == NULL) {
        must(error != NULL && dp_diags_have_error(diags));
        return 0;
    }
    must(error == NULL);
    must(diags->len <= 5 * (DP_NOTES_MAX + 1));
    same_bytes(vmx, (const char *)data, size);
    check_entries(vmx);
    value = g_strndup((const char *)data, MIN(size, 40));
    edit(vmx, value);
    return 0;
}
