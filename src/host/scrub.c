/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scrub.h"

#include "scan.h"

#include <linux/pci_regs.h>
#include <string.h>

/* Bytes of a capability that are kept; others keep their first two (four), which link the chain. */
typedef struct {
    unsigned id;
    size_t length;
} Kept;

static const Kept standard_kept[] = {
    {PCI_CAP_ID_PM, 8},   {PCI_CAP_ID_MSI, 4},   {PCI_CAP_ID_SSVID, 8},
    {PCI_CAP_ID_EXP, 20}, {PCI_CAP_ID_MSIX, 12}, {PCI_CAP_ID_AF, 6},
};

static const Kept extended_kept[] = {
    {PCI_EXT_CAP_ID_ACS, 8},
    {PCI_EXT_CAP_ID_ARI, 8},
    {PCI_EXT_CAP_ID_ATS, 8},
    {PCI_EXT_CAP_ID_SRIOV, 8},
};

static size_t
kept_length(const Kept *table, size_t n, unsigned id, size_t least)
{
    for (size_t i = 0; i < n; i++) {
        if (table[i].id == id) {
            return table[i].length;
        }
    }
    return least;
}

static void
keep(const uint8_t *config, size_t limit, size_t at, size_t length, uint8_t *out)
{
    memcpy(out + at, config + at, MIN(length, limit - at));
}

/* Chains are followed as far as they make sense; a loop ends at the number of steps. */
static void
keep_standard(const uint8_t *config, uint8_t *out)
{
    unsigned header = config[PCI_HEADER_TYPE] & 0x7f;
    size_t at =
        config[header == PCI_HEADER_TYPE_CARDBUS ? PCI_CB_CAPABILITY_LIST : PCI_CAPABILITY_LIST] &
        ~3u;

    for (unsigned n = 0; at >= PCI_STD_HEADER_SIZEOF && n < 64; n++) {
        keep(config, DP_CONFIG_STANDARD, at,
             kept_length(standard_kept, G_N_ELEMENTS(standard_kept), config[at], 2), out);
        at = config[at + 1] & ~3u;
    }
}

static size_t
keep_extended(const uint8_t *config, size_t len, uint8_t *out)
{
    size_t at = DP_CONFIG_STANDARD, end = at + 8;

    for (unsigned n = 0; at >= DP_CONFIG_STANDARD && at + 4 <= len && n < 512; n++) {
        uint32_t header = config[at] | (uint32_t)config[at + 1] << 8 |
                          (uint32_t)config[at + 2] << 16 | (uint32_t)config[at + 3] << 24;
        size_t length =
            kept_length(extended_kept, G_N_ELEMENTS(extended_kept), PCI_EXT_CAP_ID(header), 4);

        keep(config, len, at, length, out);
        end = MAX(end, at + 8);
        at = PCI_EXT_CAP_NEXT(header);
    }
    return MIN(end, len);
}

size_t
dp_scrub_config(const uint8_t *config, size_t len, uint8_t *out)
{
    memset(out, 0, DP_CONFIG_EXTENDED);
    if (len < DP_CONFIG_STANDARD) {
        size_t header = MIN(len, DP_CONFIG_USER);

        if (header > 0) {
            memcpy(out, config, header); /* of nothing there may be no address either */
        }
        return header;
    }
    memcpy(out, config, DP_CONFIG_USER);
    keep_standard(config, out);
    if (len < DP_CONFIG_STANDARD + 8) {
        return DP_CONFIG_STANDARD;
    }
    return keep_extended(config, MIN(len, DP_CONFIG_EXTENDED), out);
}

/* Words of the command line that decide about passthrough; a word of any other meaning could be a
 * secret. */
static const char *const cmdline_words[] = {
    "intel_iommu", "amd_iommu",
    "iommu",       "intremap",
    "nointremap",  "initcall_blacklist=sysfb",
    "video=",      "x2apic",
    "nox2apic",    "pci",
    "pcie_",       "vfio",
    "kvm",         "directpath",
    "lockdown",    "default_hugepagesz",
    "hugepages",   "root=/dev/",
};

char *
dp_scrub_cmdline(const char *cmdline)
{
    g_auto(GStrv) words = g_strsplit_set(cmdline, " \t\n", -1);
    GString *out = g_string_new(NULL);

    for (char **word = words; *word != NULL; word++) {
        for (size_t i = 0; i < G_N_ELEMENTS(cmdline_words); i++) {
            if (g_str_has_prefix(*word, cmdline_words[i])) {
                g_string_append_printf(out, "%s%s", out->len > 0 ? " " : "", *word);
                break;
            }
        }
    }
    return g_string_free(out, false);
}

/* systemd.net-naming-scheme(7): two letters, "x", and the address in hexadecimal. */
static bool
names_mac(const char *name)
{
    for (int i = 0; i < 2; i++) {
        if (!g_ascii_islower(name[i])) {
            return false;
        }
    }
    return name[2] == 'x' && strspn(name + 3, "0123456789abcdef") >= 12;
}

char *
dp_scrub_net(GHashTable *numbers, const char *name)
{
    g_autofree char *mac = NULL;
    guint number;

    if (!names_mac(name)) {
        return g_strdup(name);
    }
    mac = g_strndup(name, 15);
    number = GPOINTER_TO_UINT(g_hash_table_lookup(numbers, mac));
    if (number == 0) {
        number = g_hash_table_size(numbers) + 1;
        g_hash_table_insert(numbers, g_strdup(mac), GUINT_TO_POINTER(number));
    }
    return g_strdup_printf("%.3s%u%s", name, number, name + 15);
}

#define SERIAL_LEAST 16

char *
dp_scrub_volume(const char *name)
{
    GString *out = g_string_new(NULL);

    while (*name != '\0') {
        size_t digits = strspn(name, "0123456789abcdefABCDEF");

        if (digits >= SERIAL_LEAST) {
            g_string_append(out, "wwid");
        } else {
            g_string_append_len(out, name, (gssize)MAX(digits, 1));
        }
        name += MAX(digits, 1);
    }
    return g_string_free(out, false);
}

/* 198.18.0.0/15 */
#define TEST_NET_BITS 17u

char *
dp_scrub_address(GHashTable *addresses, const char *address)
{
    guint number = GPOINTER_TO_UINT(g_hash_table_lookup(addresses, address));

    if (number == 0) {
        number = g_hash_table_size(addresses) + 1;
        g_hash_table_insert(addresses, g_strdup(address), GUINT_TO_POINTER(number));
    }
    number &= (1u << TEST_NET_BITS) - 1;
    return g_strdup_printf("198.%u.%u.%u", 18 + (number >> 16), number >> 8 & 0xff, number & 0xff);
}

char *
dp_scrub_source(const char *source)
{
    const char *scheme = strstr(source, "://");
    const char *at = scheme == NULL ? NULL : strrchr(scheme, '@');

    if (g_str_has_prefix(source, "/dev/mapper/")) {
        return dp_scrub_volume(source);
    }
    if (scheme == NULL && g_str_has_prefix(source, "//")) {
        return g_strdup("//server/share");
    }
    if (scheme == NULL && *source != '/' && strstr(source, ":/") != NULL) {
        return g_strdup("server:/share");
    }
    if (at == NULL) {
        return g_strdup(source);
    }
    return g_strdup_printf("%.*s%s", (int)(scheme + 3 - source), source, at + 1);
}

char *
dp_scrub_esxconf(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    GString *out = g_string_new(NULL);

    for (char **line = lines; *line != NULL; line++) {
        const char *start = *line + strspn(*line, " \t");

        if (g_str_has_prefix(start, "/device/") || g_str_has_prefix(start, "/system/uuid")) {
            g_string_append_printf(out, "%s\n", *line);
        }
    }
    return g_string_free(out, false);
}
