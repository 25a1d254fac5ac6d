/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Editing esx.conf: what is not edited keeps every byte. */
#include "esxconf-model.h"

#include <string.h>

/* Puts @value between the quotes of @line; false if it is there already. */
static bool
replace(DpEsxconfLine *line, const char *value)
{
    char *text;

    if (strcmp(line->shown_value, value) == 0) {
        return false;
    }
    text = g_strdup_printf("%.*s%s%s", (int)line->value, line->text, value,
                           line->text + line->value + line->value_len);
    g_free(line->text);
    line->text = text;
    line->len = strlen(text);
    dp_esxconf_line_scan(line);
    return true;
}

/* Takes @text over. */
static void
append(DpEsxconf *conf, char *text)
{
    GPtrArray *lines = conf->lines;
    DpEsxconfLine *first = lines->len > 0 ? lines->pdata[0] : NULL;
    DpEsxconfLine *last = lines->len > 0 ? lines->pdata[lines->len - 1] : NULL;
    const char *end = first != NULL && *first->end != '\0' ? first->end : "\n";

    if (last != NULL && *last->end == '\0') {
        last->end = end;
    }
    g_ptr_array_add(lines, dp_esxconf_line_new(text, strlen(text), end));
    dp_esxconf_reindex(conf);
}

static bool
set_device(DpEsxconf *conf, DpEsxconfKind kind, const DpAddr *addr, const char *value)
{
    DpEsxconfLine *line = dp_esxconf_find(conf, kind, addr);
    char buf[DP_ADDR_LEN];

    if (line != NULL) {
        return replace(line, value);
    }
    append(conf, g_strdup_printf("/device/%s/%s = \"%s\"", dp_addr_format_esx(addr, buf),
                                 kind == DP_ESXCONF_OWNER ? "owner" : "vmkname", value));
    return true;
}

bool
dp_esxconf_set_owner(DpEsxconf *conf, const DpAddr *addr, DpOwner owner)
{
    return set_device(conf, DP_ESXCONF_OWNER, addr, dp_owner_word(owner));
}

bool
dp_esxconf_name_valid(const char *name)
{
    const char *p = name;

    while (g_ascii_isgraph(*p) && *p != '"') {
        p++;
    }
    return *name != '\0' && *p == '\0';
}

bool
dp_esxconf_set_vmkname(DpEsxconf *conf, const DpAddr *addr, const char *name)
{
    return dp_esxconf_name_valid(name) && set_device(conf, DP_ESXCONF_VMKNAME, addr, name);
}

bool
dp_esxconf_remove_owner(DpEsxconf *conf, const DpAddr *addr)
{
    bool found = false;

    for (guint i = conf->lines->len; i > 0; i--) {
        const DpEsxconfLine *line = conf->lines->pdata[i - 1];

        if (line->kind == DP_ESXCONF_OWNER && dp_addr_compare(&line->addr, addr) == 0) {
            g_ptr_array_remove_index(conf->lines, i - 1);
            found = true;
        }
    }
    if (found) {
        dp_esxconf_reindex(conf);
    }
    return found;
}

/* The 32 hex digits of @uuid in lower case, without dashes and white space; NULL if it is not that.
 */
static char *
uuid_digits(const char *uuid)
{
    char digits[33];
    size_t n = 0;

    for (const char *p = uuid; *p != '\0'; p++) {
        if (*p == '-' || g_ascii_isspace(*p)) {
            continue;
        }
        if (!g_ascii_isxdigit(*p) || n == 32) {
            return NULL;
        }
        digits[n++] = g_ascii_tolower(*p);
    }
    return n == 32 ? g_strndup(digits, n) : NULL;
}

/* 8-8-4-12: ESX's way to write it in esx.conf. */
static char *
uuid_esx(const char *digits)
{
    return g_strdup_printf("%.8s-%.8s-%.4s-%.12s", digits, digits + 8, digits + 16, digits + 20);
}

const char *
dp_esxconf_system_uuid(const DpEsxconf *conf)
{
    g_autofree char *digits = conf->system != NULL ? uuid_digits(conf->system->shown_value) : NULL;

    return digits != NULL ? conf->system->shown_value : NULL;
}

bool
dp_esxconf_set_system_uuid(DpEsxconf *conf, const char *uuid)
{
    g_autofree char *digits = uuid_digits(uuid), *value = NULL;
    const char *now = dp_esxconf_system_uuid(conf);

    if (digits == NULL || (now != NULL && dp_system_uuid_equal(now, uuid))) {
        return false;
    }
    value = uuid_esx(digits);
    if (conf->system != NULL) {
        return replace(conf->system, value);
    }
    append(conf, g_strdup_printf("/system/uuid = \"%s\"", value));
    return true;
}

char *
dp_esxconf_make_system_uuid(void)
{
    g_autofree char *uuid = g_uuid_string_random();
    g_autofree char *digits = uuid_digits(uuid);

    return uuid_esx(digits);
}

bool
dp_system_uuid_equal(const char *a, const char *b)
{
    g_autofree char *x = uuid_digits(a), *y = uuid_digits(b);

    return x != NULL && y != NULL && strcmp(x, y) == 0;
}

char *
dp_system_uuid_to_vmx(const char *uuid)
{
    g_autofree char *digits = uuid_digits(uuid);

    return digits == NULL ? NULL
                          : g_strdup_printf("%.8s-%.4s-%.4s-%.4s-%.12s", digits, digits + 8,
                                            digits + 12, digits + 16, digits + 20);
}
