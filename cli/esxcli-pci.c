/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * esxcli hardware pci list: ESXi 7's fields in ESXi's order, one row a field. What Linux has
 * nothing for is shown as ESXi shows none, or is empty; which is which stands beside the row.
 */
#include "document.h"
#include "output.h"
#include "verbs.h"

#include "base/text.h"

#include <string.h>

typedef struct {
    DpContext *context;
    const DpVerdict *verdict;
    const DpFunction *fn;
} Subject;

/* A new string. */
typedef char *(*FieldFunc)(const Subject *subject);

static char *
address(const Subject *subject)
{
    return g_strdup(subject->fn->name);
}

static char *
segment(const Subject *subject)
{
    return g_strdup_printf("0x%04x", subject->fn->addr.domain);
}

static char *
bus(const Subject *subject)
{
    return g_strdup_printf("0x%02x", subject->fn->addr.bus);
}

static char *
slot(const Subject *subject)
{
    return g_strdup_printf("0x%02x", subject->fn->addr.device);
}

static char *
function(const Subject *subject)
{
    return g_strdup_printf("0x%x", subject->fn->addr.function);
}

/* The store's name if it has one, else the host's. */
static char *
vmkernel_name(const Subject *subject)
{
    const char *name = dp_esxconf_vmkname(subject->context->conf, &subject->fn->addr);
    char **host_names = subject->fn->host_names;

    if (name == NULL && host_names != NULL) {
        name = host_names[0];
    }
    return g_strdup(name != NULL ? name : "");
}

static char *
vendor_name(const Subject *subject)
{
    return dp_names_vendor(dp_context_names(subject->context), subject->fn);
}

static char *
device_name(const Subject *subject)
{
    return dp_names_device(dp_context_names(subject->context), subject->fn);
}

static const char *
owner_name(bool passthru)
{
    return passthru ? "VM Passthru" : "VMkernel";
}

static char *
configured_owner(const Subject *subject)
{
    const DpEsxconf *conf = subject->context->conf;
    bool present = false;

    if (dp_policy_stored_owner(conf, subject->fn, NULL) == DP_OWNER_PASSTHRU) {
        return g_strdup(owner_name(true));
    }
    (void)dp_esxconf_owner(conf, &subject->fn->addr, &present);
    return g_strdup(present ? owner_name(false) : "Unknown");
}

static char *
current_owner(const Subject *subject)
{
    return g_strdup(owner_name(dp_policy_on_vfio(subject->fn)));
}

static char *
id_text(const Subject *subject, unsigned id)
{
    return subject->fn->ids_known == DP_TRI_NO ? g_strdup("") : g_strdup_printf("0x%04x", id);
}

static char *
vendor_id(const Subject *subject)
{
    return id_text(subject, subject->fn->vendor);
}

static char *
device_id(const Subject *subject)
{
    return id_text(subject, subject->fn->device);
}

static char *
subvendor_id(const Subject *subject)
{
    return id_text(subject, subject->fn->subvendor);
}

static char *
subdevice_id(const Subject *subject)
{
    return id_text(subject, subject->fn->subdevice);
}

static char *
device_class(const Subject *subject)
{
    return g_strdup_printf("0x%04x", subject->fn->class_code >> 8);
}

static char *
class_name(const Subject *subject)
{
    return dp_names_class(dp_context_names(subject->context), subject->fn);
}

static char *
interface(const Subject *subject)
{
    return g_strdup_printf("0x%02x", subject->fn->class_code & 0xff);
}

static char *
revision(const Subject *subject)
{
    return g_strdup_printf("0x%02x", subject->fn->revision);
}

/* 255 is ESXi's for none. */
static char *
irq(const Subject *subject)
{
    return g_strdup_printf("%d", subject->fn->irq > 0 ? subject->fn->irq : 255);
}

/* INTA is 0x00. */
static char *
pin(const Subject *subject)
{
    int number = subject->fn->irq_pin;

    return number > 0 ? g_strdup_printf("0x%02x", (unsigned)number - 1) : g_strdup("");
}

static char *
spawned_bus(const Subject *subject)
{
    return g_strdup_printf("0x%02x", (unsigned)MAX(subject->fn->secondary, 0));
}

static char *
module_name(const Subject *subject)
{
    return g_strdup(subject->fn->driver != NULL ? subject->fn->driver : "");
}

static char *
truth(bool value)
{
    return g_strdup(value ? "true" : "false");
}

static char *
capable(const Subject *subject)
{
    return truth(subject->verdict->assignable && subject->verdict->allowed);
}

/* "PCI 0:3:0:0": decimal, a colon before the function. */
static char *
esx_name(const DpFunction *fn)
{
    return g_strdup_printf("PCI %u:%u:%u:%u", fn->addr.domain, fn->addr.bus, fn->addr.device,
                           fn->addr.function);
}

static char *
parent_device(const Subject *subject)
{
    return subject->fn->parent != NULL ? esx_name(subject->fn->parent) : g_strdup("");
}

/* What must leave the host for the reset: the bridge where the bus is reset, else the function. */
static char *
dependent_device(const Subject *subject)
{
    bool bus_reset = subject->verdict->reset.method == DP_RESET_BUS;

    return esx_name(bus_reset && subject->fn->parent != NULL ? subject->fn->parent : subject->fn);
}

/* The first two are ESXi's; its word for the power transition was not found. */
static char *
reset_method(const Subject *subject)
{
    static const char *const words[] = {
        [DP_RESET_NONE] = "",
        [DP_RESET_DEVICE_SPECIFIC] = "Function reset",
        [DP_RESET_FLR] = "Function reset",
        [DP_RESET_BUS] = "Bridge reset",
        [DP_RESET_PM] = "D3 to D0 reset",
    };

    return g_strdup(words[subject->verdict->reset.method]);
}

static char *
sharable(const Subject *subject)
{
    return truth(subject->verdict->reset.shareable);
}

static char *
numa_node(const Subject *subject)
{
    return g_strdup_printf("%d", subject->fn->numa_node);
}

static const struct {
    const char *name;
    FieldFunc text;   /* NULL: the same for all */
    const char *same; /* what then */
} fields[] = {
    {"Address", address, NULL},
    {"Segment", segment, NULL},
    {"Bus", bus, NULL},
    {"Slot", slot, NULL},
    {"Function", function, NULL},
    {"VMkernel Name", vmkernel_name, NULL},
    {"Vendor Name", vendor_name, NULL},
    {"Device Name", device_name, NULL},
    {"Configured Owner", configured_owner, NULL},
    {"Current Owner", current_owner, NULL},
    {"Vendor ID", vendor_id, NULL},
    {"Device ID", device_id, NULL},
    {"SubVendor ID", subvendor_id, NULL},
    {"SubDevice ID", subdevice_id, NULL},
    {"Device Class", device_class, NULL},
    {"Device Class Name", class_name, NULL},
    {"Programming Interface", interface, NULL},
    {"Revision ID", revision, NULL},
    {"Interrupt Line", NULL, ""}, /* the firmware's; Linux shows its own number only */
    {"IRQ", irq, NULL},
    {"Interrupt Vector", NULL, ""}, /* of the VMkernel */
    {"PCI Pin", pin, NULL},
    {"Spawned Bus", spawned_bus, NULL},
    {"Flags", NULL, ""},     /* of the VMkernel */
    {"Module ID", NULL, ""}, /* of the VMkernel */
    {"Module Name", module_name, NULL},
    {"Chassis", NULL, "0"},
    {"Physical Slot", NULL, "4294967295"}, /* ESXi's for none */
    {"Slot Description", NULL, ""},
    {"Device Layer Bus Address", NULL, ""}, /* of the VMkernel */
    {"Passthru Capable", capable, NULL},
    {"Parent Device", parent_device, NULL},
    {"Dependent Device", dependent_device, NULL},
    {"Reset Method", reset_method, NULL},
    {"FPT Sharable", sharable, NULL},
    {"NUMA Node", numa_node, NULL},
    {"Extended Device ID", NULL, ""},
};

static void
list_one(DpCli *cli, json_t *devices, const Subject *subject)
{
    json_t *device = json_object();

    dp_out(cli, "%s", subject->fn->name);
    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
        g_autofree char *text =
            fields[i].text != NULL ? fields[i].text(subject) : g_strdup(fields[i].same);
        g_autofree char *shown = dp_text_visible(text, -1);

        /* Never folded: whoever reads this reads lines. */
        dp_out(cli, "   %s: %s", fields[i].name, shown);
        json_object_set_new(device, fields[i].name, dp_json_text(text));
    }
    json_array_append_new(devices, device);
}

bool
dp_cmd_esxcli_pci_list(DpCli *cli, GError **error)
{
    g_autoptr(DpContext) context = dp_context_new(cli, DP_LOOK, error);
    json_t *devices = json_array();

    json_object_set_new(cli->doc, "devices", devices);
    if (context == NULL) {
        return false;
    }
    for (guint i = 0; i < context->policy->verdicts->len; i++) {
        const DpVerdict *verdict = context->policy->verdicts->pdata[i];
        Subject subject = {context, verdict, verdict->fn};

        if (i > 0) {
            dp_out(cli, "%s", "");
        }
        list_one(cli, devices, &subject);
    }
    return true;
}
