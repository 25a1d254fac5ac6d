/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The domain as a whole: what it is, its bridges, its screen. Everything is read from the plan's
 * arguments for QEMU, so that both say the same; addresses are those that the guest sees.
 */
#include "export.h"

#include "base/text.h"
#include "firmware.h"

#include <stdlib.h>
#include <string.h>

#define QEMU_NAMESPACE "http://libvirt.org/schemas/domain/qemu/1.0"

const char *
dp_export_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

void
dp_export_line(DpExport *export, unsigned indent, const char *fmt, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, fmt);
    text = g_markup_vprintf_escaped(fmt, args);
    va_end(args);
    g_string_append_printf(export->xml, "%*s%s\n", (int)(2 * indent), "", text);
}

const char *
dp_export_option(const DpPlan *plan, const char *name, const char *start)
{
    for (guint i = 0; i + 1 < plan->argv->len; i++) {
        if (g_strcmp0(plan->argv->pdata[i], name) == 0 &&
            g_str_has_prefix(plan->argv->pdata[i + 1], start)) {
            return plan->argv->pdata[i + 1];
        }
    }
    return NULL;
}

/* "NAME=12" in a list of options with commas. */
static unsigned
number_in(const char *list, const char *name)
{
    g_autofree char *start = g_strdup_printf("%s=", name);
    g_auto(GStrv) words = g_strsplit(list != NULL ? list : "", ",", -1);

    for (size_t i = 0; words[i] != NULL; i++) {
        if (g_str_has_prefix(words[i], start)) {
            return (unsigned)strtoul(words[i] + strlen(start), NULL, 10);
        }
    }
    return 1;
}

/* QEMU's "15.1": device and function, both in hexadecimal. */
static unsigned
slot_of(const json_t *device, unsigned *ret_function)
{
    const char *addr = dp_export_text(device, "addr");
    char *end;
    unsigned slot = (unsigned)strtoul(addr, &end, 16);

    *ret_function = *end == '.' ? (unsigned)strtoul(end + 1, NULL, 16) : 0;
    return slot;
}

static bool
is_bridge(const json_t *device)
{
    const char *driver = dp_export_text(device, "driver");

    return strcmp(driver, "pcie-root-port") == 0 || strcmp(driver, "pci-bridge") == 0;
}

static int
compare_bridges(gconstpointer a, gconstpointer b)
{
    unsigned fn_a, fn_b;
    unsigned slot_a = slot_of(*(const json_t *const *)a, &fn_a);
    unsigned slot_b = slot_of(*(const json_t *const *)b, &fn_b);

    return (int)(slot_a * 8 + fn_a) - (int)(slot_b * 8 + fn_b);
}

/* libvirt's index of the bus, which is its number in the guest too; 0: the root bus. */
static unsigned
bus_of(const DpExport *export, const char *bus)
{
    for (guint i = 0; i < export->bridges->len; i++) {
        if (strcmp(dp_export_text(export->bridges->pdata[i], "id"), bus) == 0) {
            return i + 1;
        }
    }
    return 0;
}

void
dp_export_address(DpExport *export, unsigned indent, const json_t *device)
{
    unsigned function, slot = slot_of(device, &function);
    unsigned bus = bus_of(export, dp_export_text(device, "bus"));

    if (json_is_true(json_object_get(device, "multifunction"))) {
        dp_export_line(export, indent,
                       "<address type='pci' domain='0x0000' bus='0x%02x' slot='0x%02x' "
                       "function='0x%x' multifunction='on'/>",
                       bus, slot, function);
    } else {
        dp_export_line(export, indent,
                       "<address type='pci' domain='0x0000' bus='0x%02x' slot='0x%02x' "
                       "function='0x%x'/>",
                       bus, slot, function);
    }
}

static void
add_bridges(DpExport *export)
{
    if (export->plan->window == 0) {
        dp_export_line(export, 2, "<controller type='pci' index='0' model='pcie-root'/>");
    } else {
        dp_export_line(export, 2, "<controller type='pci' index='0' model='pcie-root'>");
        dp_export_line(export, 3, "<pcihole64 unit='KiB'>%" G_GUINT64_FORMAT "</pcihole64>",
                       export->plan->window >> 10);
        dp_export_line(export, 2, "</controller>");
    }
    for (guint i = 0; i < export->bridges->len; i++) {
        const json_t *bridge = export->bridges->pdata[i];
        bool port = strcmp(dp_export_text(bridge, "driver"), "pcie-root-port") == 0;
        unsigned function, slot = slot_of(bridge, &function);

        dp_export_line(export, 2, "<controller type='pci' index='%u' model='%s'>", i + 1,
                       port ? "pcie-root-port" : "dmi-to-pci-bridge");
        if (port) {
            dp_export_line(export, 3, "<target chassis='%d' port='0x%x'/>",
                           (int)json_integer_value(json_object_get(bridge, "chassis")),
                           slot * 8 + function);
        }
        dp_export_address(export, 3, bridge);
        dp_export_line(export, 2, "</controller>");
    }
}

/* What libvirt has no words for: the slot numbers after which a guest names its interfaces, and the
 * speed with which a bus can be reset. */
static void
add_overrides(DpExport *export)
{
    const char *window = dp_export_option(export->plan, "-fw_cfg", "");

    dp_export_line(export, 1, "<qemu:commandline>");
    if (window != NULL) {
        dp_export_line(export, 2, "<qemu:arg value='-fw_cfg'/>");
        dp_export_line(export, 2, "<qemu:arg value='%s'/>", window);
    }
    dp_export_line(export, 2, "<qemu:arg value='-global'/>");
    dp_export_line(export, 2,
                   "<qemu:arg value='ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off'/>");
    dp_export_line(export, 1, "</qemu:commandline>");
    dp_export_line(export, 1, "<qemu:override>");
    for (guint i = 0; i < export->bridges->len; i++) {
        const json_t *slot = json_object_get(export->bridges->pdata[i], "slot");

        if (slot != NULL) {
            dp_export_line(export, 2, "<qemu:device alias='pci.%u'>", i + 1);
            dp_export_line(export, 3, "<qemu:frontend>");
            dp_export_line(export, 4, "<qemu:property name='slot' type='unsigned' value='%d'/>",
                           (int)json_integer_value(slot));
            dp_export_line(export, 4, "<qemu:property name='x-speed' type='string' value='%s'/>",
                           dp_export_text(export->bridges->pdata[i], "x-speed"));
            dp_export_line(export, 3, "</qemu:frontend>");
            dp_export_line(export, 2, "</qemu:device>");
        }
    }
    dp_export_line(export, 1, "</qemu:override>");
}

/* libvirt takes no slash in a name. */
static void
add_name(DpExport *export)
{
    g_autofree char *name = g_strdelimit(g_strdup(export->plan->name), "/", '-');

    dp_export_line(export, 1, "<name>%s</name>", name);
    if (strcmp(name, export->plan->name) != 0) {
        dp_export_line(export, 1, "<title>%s</title>", export->plan->name);
    }
}

/* libvirt makes the file of variables from the template, as power-on does. */
static void
add_firmware(DpExport *export)
{
    const DpEfiFirmware *efi = &dp_efi_firmware[export->plan->secure_boot];

    if (!export->plan->efi) {
        dp_export_line(export, 1, "<os><type arch='x86_64' machine='q35'>hvm</type></os>");
        return;
    }
    dp_export_line(export, 1, "<os>");
    dp_export_line(export, 2, "<type arch='x86_64' machine='q35'>hvm</type>");
    dp_export_line(export, 2, "<loader readonly='yes' secure='%s' type='pflash'>%s</loader>",
                   export->plan->secure_boot ? "yes" : "no", efi->code);
    dp_export_line(export, 2, "<nvram template='%s'>%s</nvram>", efi->vars, export->plan->efi_vars);
    dp_export_line(export, 1, "</os>");
}

static void
add_processor(DpExport *export)
{
    const char *smp = dp_export_option(export->plan, "-smp", "");
    const char *cpu = dp_export_option(export->plan, "-cpu", "");
    bool hidden = cpu != NULL && strstr(cpu, "hypervisor=off") != NULL;

    dp_export_line(export, 1, "<vcpu>%u</vcpu>", number_in(smp, "cpus"));
    add_firmware(export);
    dp_export_line(export, 1, "<features>");
    dp_export_line(export, 2, "<acpi/>");
    dp_export_line(export, 2, "<apic/>");
    if (hidden) {
        dp_export_line(export, 2, "<kvm><hidden state='on'/></kvm>");
    }
    if (export->plan->secure_boot) {
        dp_export_line(export, 2, "<smm state='on'/>");
    }
    dp_export_line(export, 2, "<vmport state='off'/>");
    dp_export_line(export, 1, "</features>");
    dp_export_line(export, 1, "<cpu mode='%s'>",
                   export->plan->tcg ? "maximum" : "host-passthrough");
    dp_export_line(export, 2, "<topology sockets='%u' dies='1' cores='%u' threads='1'/>",
                   number_in(smp, "sockets"), number_in(smp, "cores"));
    for (size_t i = 0; i < 3; i++) {
        static const char *const features[] = {"vmx", "svm", "hypervisor"};

        if (i < 2 || hidden) {
            dp_export_line(export, 2, "<feature policy='disable' name='%s'/>", features[i]);
        }
    }
    dp_export_line(export, 1, "</cpu>");
}

/* As the plan has them: an anonymous file of huge pages, or ordinary memory. */
static void
add_pages(DpExport *export)
{
    dp_export_line(export, 1, "<memoryBacking>");
    if (export->plan->page != 0) {
        dp_export_line(export, 2,
                       "<hugepages><page size='%" G_GUINT64_FORMAT "' unit='KiB'/></hugepages>",
                       export->plan->page >> 10);
    }
    dp_export_line(export, 2, "<nosharepages/>");
    if (export->plan->page != 0) {
        dp_export_line(export, 2, "<source type='memfd'/>");
    }
    dp_export_line(export, 1, "</memoryBacking>");
}

/* Unless told, libvirt leaves the HPET to QEMU, which has one. */
static void
add_clock(DpExport *export)
{
    const char *machine = dp_export_option(export->plan, "-machine", "q35,");
    bool hpet = machine != NULL && strstr(machine, ",hpet=on") != NULL;

    dp_export_line(export, 1, "<clock offset='utc'>");
    dp_export_line(export, 2, "<timer name='hpet' present='%s'/>", hpet ? "yes" : "no");
    dp_export_line(export, 1, "</clock>");
}

static void
add_machine(DpExport *export)
{
    const char *uuid = dp_export_option(export->plan, "-uuid", "");

    add_name(export);
    if (uuid != NULL) {
        dp_export_line(export, 1, "<uuid>%s</uuid>", uuid);
    }
    dp_export_line(export, 1, "<memory unit='MiB'>%u</memory>",
                   (unsigned)(export->plan->memory >> 20));
    add_pages(export);
    add_processor(export);
    if (export->plan->secure_boot) {
        dp_export_line(export, 1, "<pm><suspend-to-mem enabled='no'/></pm>");
    }
    add_clock(export);
    dp_export_line(export, 1, "<on_poweroff>destroy</on_poweroff>");
    dp_export_line(export, 1, "<on_reboot>restart</on_reboot>");
    dp_export_line(export, 1, "<on_crash>destroy</on_crash>");
}

static void
add_screen(DpExport *export)
{
    const char *vnc = export->plan->vnc;
    const char *colon = vnc != NULL ? strrchr(vnc, ':') : NULL;
    g_autofree char *host = NULL;

    if (colon == NULL) {
        return;
    }
    host = vnc[0] == '[' ? g_strndup(vnc + 1, (gsize)(colon - vnc - 2))
                         : g_strndup(vnc, (gsize)(colon - vnc));
    dp_export_line(export, 2, "<graphics type='vnc' port='%s' autoport='no' listen='%s'/>",
                   colon + 1, host);
    if (export->plan->vnc_password != NULL) {
        dp_diags_add(export->diags, DP_DIAG_VM_EXPORT_CHANGED, export->plan->name,
                     "the password of the remote display is not written into the XML");
    }
}

static void
add_devices(DpExport *export)
{
    dp_export_line(export, 1, "<devices>");
    add_bridges(export);
    for (guint i = 0; i < export->devices->len; i++) {
        if (!is_bridge(export->devices->pdata[i])) {
            dp_export_device(export, export->devices->pdata[i]);
        }
    }
    if (export->n_usb == 0) {
        dp_export_line(export, 2, "<controller type='usb' index='0' model='none'/>");
    }
    add_screen(export);
    dp_export_line(export, 2, "<audio id='1' type='none'/>");
    dp_export_line(export, 2, "<memballoon model='none'/>");
    dp_export_line(export, 1, "</devices>");
}

/* The JSON behind each @option. */
static GPtrArray *
objects(const DpPlan *plan, const char *option)
{
    GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)json_decref);

    for (guint i = 0; i + 1 < plan->argv->len; i++) {
        if (g_strcmp0(plan->argv->pdata[i], option) == 0) {
            json_t *object = json_loads(plan->argv->pdata[i + 1], JSON_REJECT_DUPLICATES, NULL);

            if (object != NULL) {
                g_ptr_array_add(list, object);
            }
        }
    }
    return list;
}

/* XML 1.0 has no control characters, not even escaped, and no U+FFFE and U+FFFF. */
static bool
fits_xml(const char *text)
{
    if (!g_utf8_validate(text, -1, NULL)) {
        return false;
    }
    for (; *text != '\0'; text = g_utf8_next_char(text)) {
        gunichar c = g_utf8_get_char(text);

        if (c < 0x20 || c == 0xfffe || c == 0xffff) {
            return false;
        }
    }
    return true;
}

static bool
check_texts(const DpPlan *plan, GError **error)
{
    for (guint i = 0; i < plan->files->len; i++) {
        const char *path = g_array_index(plan->files, DpVmFile, i).path;

        if (!fits_xml(path)) {
            g_autofree char *shown = dp_text_visible(path, -1);

            return dp_fail(error, DP_ERROR_REFUSED, "%s: this name cannot stand in XML", shown);
        }
    }
    return fits_xml(plan->name) ||
           dp_fail(error, DP_ERROR_REFUSED, "the name of the VM cannot stand in XML");
}

char *
dp_export_libvirt(const DpPlan *plan, DpDiagList *diags, GError **error)
{
    DpExport export = {.plan = plan, .diags = diags};
    g_autoptr(GPtrArray) devices = objects(plan, "-device");
    g_autoptr(GPtrArray) blockdevs = objects(plan, "-blockdev");
    g_autoptr(GPtrArray) bridges = g_ptr_array_new();

    if (!check_texts(plan, error)) {
        return NULL;
    }
    for (guint i = 0; i < devices->len; i++) {
        if (is_bridge(devices->pdata[i])) {
            g_ptr_array_add(bridges, devices->pdata[i]);
        }
    }
    g_ptr_array_sort(bridges, compare_bridges);
    export.devices = devices;
    export.blockdevs = blockdevs;
    export.bridges = bridges;
    export.xml = g_string_new(NULL);
    dp_export_line(&export, 0, "<domain type='%s' xmlns:qemu='" QEMU_NAMESPACE "'>",
                   plan->tcg ? "qemu" : "kvm");
    add_machine(&export);
    add_devices(&export);
    add_overrides(&export);
    dp_export_line(&export, 0, "</domain>");
    return g_string_free(export.xml, FALSE);
}
