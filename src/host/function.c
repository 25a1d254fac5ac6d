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

static void
report_unreadable(DpFunction *fn, const char *attr, int err)
{
    dp_diags_add(fn->diags, DP_DIAG_SYSFS_UNREADABLE, fn->name, "%s: '%s' cannot be read: %s",
                 fn->name, attr, g_strerror(err));
}

static void
report_strange(DpFunction *fn, const char *attr, const char *value)
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
        report_unreadable(reader->fn, attr, err);
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
        report_strange(reader->fn, number->attr, text);
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
        report_strange(fn, "modalias", text);
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
            report_strange(reader->fn, "resource", lines[i] == NULL ? "(too few lines)" : lines[i]);
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
        report_strange(reader->fn, "power_state", state);
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
        report_strange(reader->fn, "iommu_group", group);
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
        report_unreadable(fn, path, -dir_fd);
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

static bool
in_transition(const DpFunction *fn)
{
    return g_strcmp0(fn->runtime_status, "suspending") == 0 ||
           g_strcmp0(fn->runtime_status, "resuming") == 0;
}

static bool
suspended(const DpFunction *fn)
{
    return g_strcmp0(fn->runtime_status, "suspended") == 0 || in_transition(fn);
}

/*
 * drivers/pci/pci-sysfs.c: a read of `config` resumes the bridges above, and the function itself
 * only from D3cold. One parked in D3hot below bridges that are awake answers as it is.
 */
bool
dp_function_sleeps(const DpFunction *fn)
{
    if (fn->power_state == DP_POWER_D3COLD || in_transition(fn)) {
        return true;
    }
    if (suspended(fn) && fn->power_state == DP_POWER_UNKNOWN) {
        return true;
    }
    for (const DpFunction *up = fn->parent; up != NULL; up = up->parent) {
        if (up->power_state == DP_POWER_D3COLD || suspended(up)) {
            return true;
        }
    }
    return false;
}

static void
take_death(DpFunction *fn)
{
    /* In D3hot the link may be down; that is sleep, not death. */
    if (fn->power_state == DP_POWER_D3HOT || suspended(fn)) {
        return;
    }
    fn->dead = DP_TRI_YES; /* policy says what that means */
}

static void
take_header(DpFunction *fn, const uint8_t *config)
{
    unsigned type = config[PCI_HEADER_TYPE] & 0x7f;

    fn->dead = DP_TRI_NO;
    fn->irq_pin = config[PCI_INTERRUPT_PIN] <= 4 ? config[PCI_INTERRUPT_PIN] : -1;
    if (type > PCI_HEADER_TYPE_CARDBUS) {
        g_autofree char *text = g_strdup_printf("header type %u", type);

        report_strange(fn, "config", text);
        return;
    }
    fn->header_type = (int)type;
    if (type != PCI_HEADER_TYPE_NORMAL) {
        fn->secondary = config[PCI_SECONDARY_BUS];
        fn->subordinate = config[PCI_SUBORDINATE_BUS];
    }
}

static void
report_faults(DpFunction *fn, unsigned faults)
{
    if (faults != DP_CAPS_OK) {
        dp_diags_add(fn->diags, DP_DIAG_CAPS_MALFORMED, fn->name,
                     "%s: the list of its capabilities is broken%s%s%s", fn->name,
                     faults & DP_CAPS_LOOP ? ", one comes twice" : "",
                     faults & DP_CAPS_POINTER ? ", a pointer leads out of the list" : "",
                     faults & DP_CAPS_CUT ? ", one is cut off by the end of the space" : "");
    }
}

static void
take_config(DpFunction *fn, const DpSlow *slow)
{
    size_t len = slow->config_len > 0 ? (size_t)slow->config_len : 0;

    if (!slow->want_config) {
        dp_diags_add(fn->diags, DP_DIAG_CONFIG_ASLEEP, fn->name,
                     "%s: it or a bridge above it sleeps, so its capabilities were not read",
                     fn->name);
        return;
    }
    if (len < DP_CONFIG_USER) {
        report_unreadable(fn, "config", slow->config_len < 0 ? -slow->config_len : ENODATA);
        return;
    }
    report_faults(fn, dp_caps_parse(slow->config, len, &fn->caps));
    if (dp_caps_all_ones(slow->config, len)) {
        take_death(fn);
    } else {
        take_header(fn, slow->config);
    }
}

/* The text of a slow attribute, or NULL. */
static char *
slow_text(DpFunction *fn, const DpSlow *slow, DpSlowAttr attr)
{
    if (!slow->have[attr]) {
        return NULL;
    }
    if (slow->len[attr] < 0) {
        if (slow->len[attr] != -ENOENT) {
            report_unreadable(fn, dp_slow_attrs[attr], -slow->len[attr]);
        }
        return NULL;
    }
    return g_strchomp(g_strndup(slow->text[attr], (gsize)MIN(slow->len[attr], DP_SLOW_TEXT - 1)));
}

static void
take_reset_methods(DpFunction *fn, char *text)
{
    g_autofree char *words = dp_scan_visible(text);
    g_autoptr(GPtrArray) list = g_ptr_array_new();
    g_auto(GStrv) all = words == NULL ? NULL : g_strsplit_set(words, " \t\n", -1);

    for (char **word = all; word != NULL && *word != NULL; word++) {
        if (**word != '\0') {
            g_ptr_array_add(list, g_strdup(*word));
        }
    }
    if (all != NULL) {
        g_ptr_array_add(list, NULL);
        fn->reset_methods = (char **)g_ptr_array_steal(list, NULL);
    }
}

static void
take_texts(DpFunction *fn, const DpSlow *slow)
{
    g_autofree char *override = dp_scan_visible(slow_text(fn, slow, DP_SLOW_OVERRIDE));
    g_autofree char *numvfs = slow_text(fn, slow, DP_SLOW_NUMVFS);
    int64_t value;

    if (override != NULL && *override != '\0' && strcmp(override, "(null)") != 0) {
        fn->driver_override = g_steal_pointer(&override);
    }
    if (numvfs != NULL) {
        if (dp_scan_number(numvfs, 0, 0xffff, &value)) {
            fn->sriov_numvfs = (int)value;
        } else {
            report_strange(fn, "sriov_numvfs", numvfs);
        }
    }
    take_reset_methods(fn, slow_text(fn, slow, DP_SLOW_RESET_METHOD));
}

static void
report_stuck(DpFunction *fn, const DpSlow *slow)
{
    g_autoptr(GString) missing = g_string_new(slow->have_config ? NULL : "'config'");

    for (size_t i = 0; i < DP_N_SLOW; i++) {
        if (!slow->have[i]) {
            g_string_append_printf(missing, "%s'%s'", missing->len > 0 ? ", " : "",
                                   dp_slow_attrs[i]);
        }
    }
    dp_diags_add(fn->diags, DP_DIAG_SYSFS_STUCK, fn->name,
                 "%s: the kernel did not answer; unknown are %s", fn->name, missing->str);
}

static bool
class_is_bridge(const DpFunction *fn)
{
    unsigned class = fn->class_code >> 8;

    return class == 0x0604 || class == 0x0607; /* PCI and CardBus bridges */
}

void
dp_function_take_slow(DpFunction *fn, const DpSlow *slow)
{
    if (slow->state == DP_SLOW_SKIP) {
        return;
    }
    if (slow->state != DP_SLOW_READ) {
        report_stuck(fn, slow);
    }
    take_texts(fn, slow);
    if (slow->have_config) {
        take_config(fn, slow);
    }
    if (fn->caps.sriov == DP_TRI_YES && fn->sriov_pf == DP_TRI_NO) {
        fn->sriov_pf = DP_TRI_YES; /* the kernel was built without SR-IOV */
    }
    fn->is_bridge = fn->header_type > 0 || class_is_bridge(fn);
}
