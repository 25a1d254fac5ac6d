/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One attribute of any bytes, read as each of the kernel's: numbers, lines of addresses, names. */
#include "base/text.h"
#include "host/scan.h"

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
check_number(const char *text)
{
    int64_t value = 0;

    if (dp_scan_number(text, -1, 0xffff, &value)) {
        must(value >= -1 && value <= 0xffff);
    }
    if (dp_scan_number(text, INT64_MIN, INT64_MAX, &value)) {
        g_autofree char *again = g_strdup_printf("%" G_GINT64_FORMAT, (gint64)value);
        int64_t same = 0;

        must(dp_scan_number(again, INT64_MIN, INT64_MAX, &same) && same == value);
    }
}

static void
check_bar(const char *line)
{
    DpBar bar;

    if (dp_parse_bar(line, &bar)) {
        must(bar.size > 0 || (bar.start == 0 && bar.flags == 0));
        must(bar.size == 0 || bar.start <= UINT64_MAX - (bar.size - 1));
    }
}

static void
check_modalias(const char *line)
{
    DpIds ids;

    if (dp_parse_modalias(line, &ids)) {
        g_autofree char *again = g_strdup_printf(
            "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X", ids.vendor, ids.device, ids.subvendor,
            ids.subdevice, ids.class_code >> 16, ids.class_code >> 8 & 0xff, ids.class_code & 0xff);

        must(g_ascii_strncasecmp(again, line, strlen(again)) == 0);
    }
}

static void
check_ranges(const char *line)
{
    DpReserved region;
    DpFramebuffer picture;
    bool direct;

    if (dp_parse_region(line, &region, &direct)) {
        must(region.start <= region.last && (direct || !region.relaxable));
    }
    if (dp_parse_framebuffer(line, &picture)) {
        must(picture.start <= picture.last && picture.driver != NULL);
    }
}

/* What is shown is UTF-8, has no control character, and is no longer than it may be. */
static void
check_shown(const char *shown)
{
    must(shown != NULL && g_utf8_validate(shown, -1, NULL) && strlen(shown) <= 4096 + 16);
    for (const char *c = shown; *c != '\0'; c = g_utf8_next_char(c)) {
        must(!g_unichar_iscntrl(g_utf8_get_char(c)));
    }
}

static void
check_names(const char *line)
{
    g_autofree char *shown = dp_scan_visible(g_strdup(line));
    g_autofree char *unescaped = dp_scan_unescape(line);
    g_autoptr(GPtrArray) functions = dp_path_functions(line);
    DpAddr addr;
    char buf[DP_ADDR_LEN];

    check_shown(shown);
    check_shown(unescaped);
    if (dp_addr_parse_sysfs(line, &addr)) {
        DpAddr same;

        must(dp_addr_parse_sysfs(dp_addr_format(&addr, buf), &same));
        must(dp_addr_compare(&addr, &same) == 0);
    }
    for (guint i = 0; i < functions->len; i++) {
        must(dp_addr_parse_sysfs(functions->pdata[i], &addr));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* As dp_file_read gives it: a NUL behind the bytes, and maybe some among them. */
    g_autofree char *text = g_strndup((const char *)data, size);
    g_auto(GStrv) lines = g_strsplit(text, "\n", 64);

    check_bar(text); /* these end at a newline by themselves */
    check_modalias(text);
    check_ranges(text);
    for (char **line = lines; *line != NULL; line++) {
        check_number(*line);
        check_bar(*line);
        check_modalias(*line);
        check_ranges(*line);
        check_names(*line);
    }
    return 0;
}
