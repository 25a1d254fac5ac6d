/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mask-forms.h"

#include <stdlib.h>
#include <string.h>

#define HEX "0123456789abcdefABCDEF"
/* As long as a Device Serial Number, half as long as a UUID or a hash. */
#define HEX_LEAST 16

static const DpMaskForm none = {0, 0, DP_MASK_HEX, false};

static bool
ends_word(char c)
{
    return !g_ascii_isalnum(c) && (c & 0x80) == 0;
}

static size_t
hex_run(const char *at)
{
    return strspn(at, HEX);
}

/* "00:0c:29:ab:cd:ef": a MAC; with more pairs a serial number or a WWN. */
static DpMaskForm
form_pairs(const char *at)
{
    size_t pairs = 0;
    char mark = at[0] == '\0' || at[1] == '\0' ? '\0' : at[2];
    const char *end = at;

    if (mark != ':' && mark != '-') {
        return none;
    }
    while (hex_run(end) == 2 && (end[2] == mark || ends_word(end[2]))) {
        pairs++;
        end += 2;
        if (*end != mark || hex_run(end + 1) != 2) {
            break;
        }
        end++;
    }
    if (pairs < 6 || !ends_word(*end)) {
        return none;
    }
    return (DpMaskForm){0, (size_t)(end - at), pairs == 6 ? DP_MASK_MAC : DP_MASK_SERIAL, false};
}

/* Groups of hexadecimal digits with dashes: the two ways to divide 32 of them. */
static DpMaskForm
form_uuid(const char *at)
{
    static const size_t groups[2][5] = {{8, 4, 4, 4, 12}, {8, 8, 4, 12, 0}};

    for (size_t i = 0; i < 2; i++) {
        const char *end = at;
        size_t k = 0;

        while (k < 5 && groups[i][k] != 0 && hex_run(end) == groups[i][k]) {
            end += groups[i][k++];
            if (k < 5 && groups[i][k] != 0) {
                if (*end != '-') {
                    break;
                }
                end++;
            }
        }
        if ((k == 5 || groups[i][k] == 0) && ends_word(*end)) {
            return (DpMaskForm){0, (size_t)(end - at), DP_MASK_UUID, false};
        }
    }
    return none;
}

/* uuid.bios of a VMX: sixteen pairs with blanks, and a dash in the middle. */
static DpMaskForm
form_bios_uuid(const char *at)
{
    const char *end = at;

    for (int pairs = 1; hex_run(end) == 2; pairs++) {
        end += 2;
        if (pairs == 16) {
            return ends_word(*end) ? (DpMaskForm){0, (size_t)(end - at), DP_MASK_SERIAL, false}
                                   : none;
        }
        if (*end != ' ' && *end != '-') {
            break;
        }
        end++;
    }
    return none;
}

static DpMaskForm
form_hex(const char *at)
{
    size_t run = hex_run(at);

    return run >= HEX_LEAST && ends_word(at[run]) ? (DpMaskForm){0, run, DP_MASK_HEX, false} : none;
}

/* Four numbers up to 255; those of this machine, and masks, are nobody's. */
static DpMaskForm
form_ipv4(const char *at)
{
    const char *end = at;
    long first = strtol(at, NULL, 10);

    for (int i = 0; i < 4; i++) {
        size_t digits = strspn(end, "0123456789");

        if (digits == 0 || digits > 3 || strtol(end, NULL, 10) > 255 ||
            (i < 3 && end[digits] != '.')) {
            return none;
        }
        end += digits + (i < 3 ? 1 : 0);
    }
    if (!ends_word(*end) || (*end == '.' && g_ascii_isdigit(end[1])) || first == 0 ||
        first == 127 || first == 255) {
        return none;
    }
    return (DpMaskForm){0, (size_t)(end - at), DP_MASK_IP, false};
}

/* Eight groups of up to four digits, or fewer and "::". An address of PCI has two colons. */
static DpMaskForm
form_ipv6(const char *at)
{
    size_t len = strspn(at, HEX ":"), colons = 0, run = 0;
    bool gap = false;

    for (size_t i = 0; i < len; i++) {
        run = at[i] == ':' ? 0 : run + 1;
        colons += at[i] == ':' ? 1 : 0;
        gap = gap || (at[i] == ':' && at[i + 1] == ':');
        if (run > 4) {
            return none;
        }
    }
    if (!g_ascii_isxdigit(at[0]) || colons > 7 || (colons < 7 && !gap) || colons < 2 ||
        !ends_word(at[len])) {
        return none;
    }
    return (DpMaskForm){0, len, DP_MASK_IP, false};
}

/* systemd.net-naming-scheme(7): two letters, "x", and the address. */
static DpMaskForm
form_net(const char *at)
{
    if (g_ascii_islower(at[0]) && g_ascii_islower(at[1]) && at[2] == 'x' && hex_run(at + 3) == 12 &&
        ends_word(at[15])) {
        return (DpMaskForm){0, 15, DP_MASK_MAC, true};
    }
    return none;
}

/* Names of disks that are serial numbers. */
static DpMaskForm
form_wwn(const char *at)
{
    static const char *const prefixes[] = {"iqn.", "nqn.", "eui.",  "naa.",
                                           "t10.", "wwn-", "mpath-"};

    for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++) {
        size_t before = strlen(prefixes[i]);

        if (g_ascii_strncasecmp(at, prefixes[i], before) == 0) {
            return (DpMaskForm){before, strcspn(at + before, " \t\n\"',;)]}"), DP_MASK_SERIAL,
                                false};
        }
    }
    return none;
}

/* The part of a path behind which a name or a serial number follows. */
static DpMaskForm
form_path(const char *at)
{
    static const struct {
        const char *prefix;
        DpMaskKind kind;
    } prefixes[] = {{"/home/", DP_MASK_USER},      {"/run/media/", DP_MASK_USER},
                    {"/media/", DP_MASK_USER},     {"/run/user/", DP_MASK_USER},
                    {"/Users/", DP_MASK_USER},     {"/by-id/", DP_MASK_SERIAL},
                    {"/by-label/", DP_MASK_SECRET}};

    for (size_t i = 0; *at == '/' && i < G_N_ELEMENTS(prefixes); i++) {
        size_t before = strlen(prefixes[i].prefix);

        if (g_str_has_prefix(at, prefixes[i].prefix)) {
            return (DpMaskForm){before, strcspn(at + before, "/ \t\n\"',;:)]}"), prefixes[i].kind,
                                false};
        }
    }
    return none;
}

static const struct {
    const char *word;
    DpMaskKind kind;
} secrets[] = {
    {"password", DP_MASK_SECRET}, {"passwd", DP_MASK_SECRET},       {"passphrase", DP_MASK_SECRET},
    {"secret", DP_MASK_SECRET},   {"token", DP_MASK_SECRET},        {"psk", DP_MASK_SECRET},
    {"serial", DP_MASK_SERIAL},   {"serialnumber", DP_MASK_SERIAL}, {"wwn", DP_MASK_SERIAL},
    {"wwid", DP_MASK_SERIAL},     {"username", DP_MASK_USER},       {"user", DP_MASK_USER},
    {"login", DP_MASK_USER},      {"hostname", DP_MASK_HOST},
};

/* The bytes from behind the word to its value: "=", ": ", "\": \""; 0: no value follows. */
static size_t
to_value(const char *at)
{
    size_t quote = *at == '"' || *at == '\'' ? 1 : 0;
    size_t mark = quote + strspn(at + quote, " ");
    size_t end = mark + 1;

    if (at[mark] != '=' && at[mark] != ':') {
        return 0;
    }
    end += strspn(at + end, " ");
    end += at[end] == '"' || at[end] == '\'' ? 1 : 0;
    return end;
}

static DpMaskForm
form_assigned(const char *at)
{
    for (size_t i = 0; i < G_N_ELEMENTS(secrets); i++) {
        size_t word = strlen(secrets[i].word);

        if (g_ascii_strncasecmp(at, secrets[i].word, word) == 0) {
            size_t before = word + to_value(at + word);
            char quote = at[before - 1];
            size_t len = quote == '"' || quote == '\''
                             ? strcspn(at + before, (char[]){quote, '\n', '\0'})
                             : strcspn(at + before, " \t\n,;\"'}])");

            if (before > word && len > 0 && strncmp(at + before, "null", 4) != 0) {
                return (DpMaskForm){before, len, secrets[i].kind, false};
            }
        }
    }
    return none;
}

/* "://user:password@": of the host that follows the next look finds what it can. */
static DpMaskForm
form_url(const char *at)
{
    size_t len = strncmp(at, "://", 3) == 0 ? strcspn(at + 3, "/ \t\n\"'") : 0;
    const char *sign = len == 0 ? NULL : g_strrstr_len(at + 3, (gssize)len, "@");

    return sign == NULL ? none : (DpMaskForm){3, (size_t)(sign - at - 3), DP_MASK_SECRET, false};
}

/* "@host" behind a name. */
static DpMaskForm
form_at_host(const char *text, const char *at)
{
    size_t len = *at == '@' ? strspn(at + 1, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS ".-") : 0;

    if (len < 2 || at == text || ends_word(at[-1]) || !g_ascii_isalpha(at[1])) {
        return none;
    }
    while (len > 0 && !g_ascii_isalnum(at[len])) {
        len--;
    }
    return (DpMaskForm){1, len, DP_MASK_HOST, false};
}

/* "name@" in front of a host. */
static DpMaskForm
form_user_at(const char *at)
{
    size_t len = strspn(at, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "._-");

    return len > 0 && at[len] == '@' && g_ascii_isalpha(at[len + 1])
               ? (DpMaskForm){0, len, DP_MASK_USER, false}
               : none;
}

DpMaskForm
dp_mask_form(const char *text, const char *at)
{
    static DpMaskForm (*const forms[])(const char *at) = {
        form_url,   form_bios_uuid, form_path, form_wwn, form_assigned, form_uuid,
        form_pairs, form_ipv4,      form_hex,  form_net, form_ipv6,     form_user_at,
    };
    DpMaskForm form = form_at_host(text, at);

    for (size_t i = 0; form.length == 0 && i < G_N_ELEMENTS(forms); i++) {
        form = forms[i](at);
    }
    return form;
}
