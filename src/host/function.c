/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/file.h"
#include "base/text.h"
#include "caps.h"
#include "scan.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <string.h>

/* Six BARs, the ROM, six of SR-IOV, four windows of a bridge; and what is behind the last newline.
 */
#define RESOURCES_MAX 18

/* One function's folder, open while it is read. */
typedef struct {
    DpFunction *fn;
    int dir_fd;
} Reader;

DpFunction *
dp_function_new(const DpAddr *addr)
{
    DpFunction *fn = g_new0(DpFunction, 1);

    fn->addr = *addr;
    (void)dp_addr_format(addr, fn->name);
    fn->vendor = fn->device = 0xffff;
    fn->header_type = -1;
    dp_caps_init(&fn->caps);
    fn->dead = fn->sriov_pf = fn->boot_vga = fn->reset_file = DP_TRI_UNKNOWN;
    fn->iommu_group = fn->numa_node = fn->irq_pin = -1;
    fn->secondary = fn->subordinate = -1;
    fn->host_names = g_new0(char *, 1);
    fn->children = g_ptr_array_new();
    fn->diags = dp_diags_new();
    return fn;
}

void
dp_function_free(DpFunction *fn)
{
    if (fn == NULL) {
        return;
    }
    g_free(fn->place);
    g_free(fn->physfn_name);
    g_free(fn->runtime_status);
    g_free(fn->driver);
    g_free(fn->driver_override);
    g_strfreev(fn->reset_methods);
    g_strfreev(fn->host_names);
    g_clear_pointer(&fn->group_reserved, g_array_unref);
    g_clear_pointer(&fn->table_reserved, g_array_unref);
    g_free(fn->mac);
    g_ptr_array_unref(fn->children);
    g_ptr_array_unref(fn->diags);
    g_free(fn);
}

void
dp_function_unreadable(DpFunction *fn, const char *attr, int err)
{
    dp_diags_add(fn->diags, DP_DIAG_SYSFS_UNREADABLE, fn->name, "%s: '%s' cannot be read: %s",
                 fn->name, attr, g_strerror(err));
}

void
dp_function_strange(DpFunction *fn, const char *attr, const char *value)
{
    g_autofree char *shown = dp_text_visible(value, -1);

    dp_diags_add(fn->diags, DP_DIAG_SYSFS_STRANGE, fn->name, "%s: '%s' holds '%s'", fn->name, attr,
                 shown);
}

/* NULL and no diagnostic if the attribute does not exist and need not. */
static char *
read_attr(Reader *reader, const char *attr, bool required)
{
    int err = 0;
    char *text = dp_file_read_line(reader->dir_fd, attr, &err);

    if (text == NULL && (required || err != ENOENT)) {
        dp_function_unreadable(reader->fn, attr, err);
    }
    return text;
}

/* Attributes that are one number. What cannot be read keeps the value of dp_function_new. */
typedef struct {
    const char *attr;
    size_t offset, size;
    int64_t min, max;
    bool required;
} Number;

#define NUMBER(attr, field, min, max, required)                                                    \
    {                                                                                              \
        attr, offsetof(DpFunction, field), sizeof(((DpFunction *)NULL)->field), min, max, required \
    }

/* Where there is no `modalias`. */
static const Number identity[] = {
    NUMBER("vendor", vendor, 0, 0xffff, true),
    NUMBER("device", device, 0, 0xffff, true),
    NUMBER("subsystem_vendor", subvendor, 0, 0xffff, false),
    NUMBER("subsystem_device", subdevice, 0, 0xffff, false),
    NUMBER("class", class_code, 0, 0xffffff, true),
};

static const Number numbers[] = {
    NUMBER("numa_node", numa_node, -1, INT32_MAX, false),
    NUMBER("irq", irq, 0, INT32_MAX, false),
};

static void
store(DpFunction *fn, const Number *number, int64_t value)
{
    char *field = (char *)fn + number->offset;
    uint16_t half = (uint16_t)value;
    uint32_t word = (uint32_t)value;

    if (number->size == 1) {
        *field = (char)(uint8_t)value;
    } else if (number->size == sizeof half) {
        memcpy(field, &half, sizeof half);
    } else {
        g_assert(number->size == sizeof word);
        memcpy(field, &word, sizeof word);
    }
}

/* DP_TRI_YES: read; NO: there is none; UNKNOWN: there is one, but it could not be read. */
static DpTri
read_number(Reader *reader, const Number *number)
{
    unsigned before = reader->fn->diags->len;
    g_autofree char *text = read_attr(reader, number->attr, number->required);
    int64_t value;

    if (text == NULL) {
        return reader->fn->diags->len == before ? DP_TRI_NO : DP_TRI_UNKNOWN;
    }
    if (!dp_scan_number(text, number->min, number->max, &value)) {
        dp_function_strange(reader->fn, number->attr, text);
        return DP_TRI_UNKNOWN;
    }
    store(reader->fn, number, value);
    return DP_TRI_YES;
}

/* The kernel's word on the identity in one read instead of five. */
static bool
read_modalias(Reader *reader)
{
    DpFunction *fn = reader->fn;
    g_autofree char *text = read_attr(reader, "modalias", false);
    DpIds ids;

    if (text == NULL) {
        return false;
    }
    if (!dp_parse_modalias(text, &ids)) {
        dp_function_strange(fn, "modalias", text);
        return false;
    }
    fn->vendor = ids.vendor;
    fn->device = ids.device;
    fn->subvendor = ids.subvendor;
    fn->subdevice = ids.subdevice;
    fn->class_code = ids.class_code;
    return true;
}

static void
read_identity(Reader *reader)
{
    DpFunction *fn = reader->fn;

    fn->ids_known = DP_TRI_YES;
    if (read_modalias(reader)) {
        return;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(identity); i++) {
        DpTri known = read_number(reader, &identity[i]);

        if (known != DP_TRI_YES && (identity[i].offset == offsetof(DpFunction, vendor) ||
                                    identity[i].offset == offsetof(DpFunction, device))) {
            fn->ids_known = DP_TRI_NO;
        }
    }
    if (fn->ids_known == DP_TRI_NO) {
        fn->vendor = fn->device = 0xffff;
    }
}

static void
read_numbers(Reader *reader)
{
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        (void)read_number(reader, &numbers[i]);
    }
}

/* The kernel's own note of the revision, where configuration space was not read, which has it. */
static void
read_revision(Reader *reader, const DpSlow *slow)
{
    static const Number revision = NUMBER("revision", revision, 0, 0xff, false);

    if (slow != NULL && slow->config_len >= (int)DP_CONFIG_USER &&
        !dp_caps_all_ones(slow->config, (size_t)slow->config_len)) {
        reader->fn->revision = slow->config[PCI_REVISION_ID];
    } else {
        (void)read_number(reader, &revision);
    }
}

/* A virtual function has none of its own. */
static void
read_sriov(Reader *reader)
{
    static const Number total = NUMBER("sriov_totalvfs", sriov_totalvfs, 0, 0xffff, false);
    DpFunction *fn = reader->fn;

    fn->physfn_name = dp_scan_link_name(reader->dir_fd, "physfn");
    fn->sriov_pf = fn->physfn_name != NULL ? DP_TRI_NO : read_number(reader, &total);
}

/* A bridge's last four lines are its windows: ports, memory, prefetchable memory, CardBus. */
static void
take_windows(DpFunction *fn, char **lines)
{
    unsigned n = g_strv_length(lines);
    DpBar window;

    n -= n > 0 && *lines[n - 1] == '\0'; /* behind the last newline */
    for (unsigned i = n; n >= DP_N_BARS + 4 && i > n - 4; i--) {
        if (dp_parse_bar(lines[i - 1], &window) && (window.flags & DP_BAR_MEM) != 0 &&
            window.start > 0) {
            fn->window = MAX(fn->window, window.size);
        }
    }
}

static void
read_bars(Reader *reader)
{
    g_autofree char *text = read_attr(reader, "resource", true);
    g_auto(GStrv) lines = text == NULL ? NULL : g_strsplit(text, "\n", RESOURCES_MAX);

    for (unsigned i = 0; lines != NULL && i < DP_N_BARS; i++) {
        if (lines[i] == NULL || !dp_parse_bar(lines[i], &reader->fn->bars[i])) {
            dp_function_strange(reader->fn, "resource",
                                lines[i] == NULL ? "(too few lines)" : lines[i]);
            return;
        }
    }
    if (lines != NULL) {
        take_windows(reader->fn, lines);
    }
}

static const struct {
    const char *word;
    DpPower state;
} power_words[] = {
    {"D0", DP_POWER_D0},         {"D1", DP_POWER_D1},         {"D2", DP_POWER_D2},
    {"D3hot", DP_POWER_D3HOT},   {"D3cold", DP_POWER_D3COLD}, {"unknown", DP_POWER_UNKNOWN},
    {"error", DP_POWER_UNKNOWN},
};

static void
read_power(Reader *reader)
{
    g_autofree char *state = read_attr(reader, "power_state", false);
    size_t i = 0;

    reader->fn->runtime_status = dp_scan_visible(read_attr(reader, "power/runtime_status", false));
    if (state == NULL) {
        return;
    }
    while (i < G_N_ELEMENTS(power_words) && strcmp(state, power_words[i].word) != 0) {
        i++;
    }
    if (i == G_N_ELEMENTS(power_words)) {
        dp_function_strange(reader->fn, "power_state", state);
        return;
    }
    reader->fn->power_state = power_words[i].state;
}

static void
read_group(Reader *reader)
{
    g_autofree char *group = dp_scan_link_name(reader->dir_fd, "iommu_group");
    int64_t value;

    if (group == NULL) {
        return;
    }
    if (dp_scan_number(group, 0, INT32_MAX, &value)) {
        reader->fn->iommu_group = (int)value;
    } else {
        dp_function_strange(reader->fn, "iommu_group", group);
    }
}

static void
read_presence(Reader *reader)
{
    DpFunction *fn = reader->fn;
    bool display = fn->class_code == 0 || fn->class_code >> 16 == 0x03;
    g_autofree char *vga = display ? read_attr(reader, "boot_vga", false) : NULL;
    g_autoptr(GPtrArray) vectors = dp_file_list(reader->dir_fd, "msi_irqs", NULL);

    fn->driver = dp_scan_visible(dp_scan_link_name(reader->dir_fd, "driver"));
    fn->reset_file = dp_scan_exists(reader->dir_fd, "reset") ? DP_TRI_YES : DP_TRI_NO;
    fn->boot_vga = vga != NULL && strcmp(vga, "1") == 0 ? DP_TRI_YES : DP_TRI_NO;
    fn->n_msi_irqs = vectors == NULL ? 0 : vectors->len;
}

bool
dp_function_read(DpRoot *root, int devices_fd, DpFunction *fn, DpSlow *slow)
{
    g_autofree char *path = g_strdup_printf(DP_PCI_DEVICES "/%s", fn->name);
    dp_autofd int dir_fd = dp_file_open(root->fd, path, O_RDONLY | O_DIRECTORY);
    Reader reader = {.fn = fn, .dir_fd = dir_fd};

    fn->place = dp_file_read_link(devices_fd, fn->name);
    if (dir_fd < 0) {
        dp_function_unreadable(fn, path, -dir_fd);
        return false;
    }
    read_identity(&reader);
    read_numbers(&reader);
    read_sriov(&reader);
    read_bars(&reader);
    read_power(&reader);
    read_group(&reader);
    read_presence(&reader);
    if (slow != NULL) {
        slow->want_config = slow->captured = true;
        slow->want_numvfs = fn->sriov_pf != DP_TRI_NO;
        dp_slow_read_folder(dir_fd, slow);
        slow->state = DP_SLOW_READ;
    }
    read_revision(&reader, slow);
    return true;
}
