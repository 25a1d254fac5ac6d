/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verbs.h"

#include "base/text.h"

#include <string.h>

static const DpVerb verbs[] = {
    {"host check", "", 0, 0, 0, 0, "is this host capable of passthrough",
     "Looks at CPU virtualization, IOMMU, interrupt remapping, kernel VFIO, KVM and\n"
     "the engine (QEMU), and says what is missing, why, and what to do about it.\n"
     "Then a table: every function that could be passed through against every rule,\n"
     "and below it what the numbers in it mean.\n"
     "Exit status 0: capable; 1: not. Nothing is changed.\n",
     "directpath host check", dp_cmd_host_check},
    {"host status", "", 0, 0, 0, 0, "what is stored, what is real, what is pending",
     "Compares the stored owner of each device with the driver that has it now, lists\n"
     "the VMs that run, and says what waits for a reboot and why. It never waits for\n"
     "another command, so it answers even while something is stuck.\n",
     "directpath host status", dp_cmd_host_status},
    {"host drift", "", 0, 0, 0, 0, "what changed since the last good boot",
     "Compares functions, their cards, IOMMU groups and drivers with what\n"
     "'device apply' wrote down when all was as stored: added, gone, moved, replaced,\n"
     "in a group with others, with another driver; and which VMX files name them. A\n"
     "driver that 'device enable' or 'device disable' changed is no drift.\n",
     "directpath host drift", dp_cmd_host_drift},
    {"host capture", "FILE.tar", 1, 1, 0, 0, "everything --root needs from this machine",
     "Writes what a scan of this host reads into a tar. Serial numbers, MAC addresses\n"
     "and other secrets are left out. Unpacked anywhere, it can be looked at and\n"
     "decided about with --root, on any machine, by any user.\n",
     "directpath host capture /tmp/host.tar", dp_cmd_host_capture},
    {"host support", "FILE.tar", 1, 1, 0, 0, "what a helper needs, and no secrets",
     "A capture of this host, what this program keeps, what its commands that look\n"
     "print, the VMX files and the ends of their logs, and what the kernel said about\n"
     "IOMMU and VFIO. Serial numbers, MAC and IP addresses, passwords, and names of\n"
     "hosts, users and VMs are left out or become stand-ins such as host1. Look\n"
     "through it before you give it away. Nothing is changed.\n",
     "directpath host support /tmp/support.tar", dp_cmd_host_support},
    {"device list", "", 0, 0, DP_OPT_ALL, 0, "functions that could be passed through",
     "One line a function: address, state, driver, IOMMU group, reset, name; below it\n"
     "why a function may not be passed through. States: available (can be enabled),\n"
     "active (enabled, ready for a VM), reboot-required (stored and real owner\n"
     "differ), in-use (a running VM has it), unavailable. With --all: bridges too.\n",
     "directpath device list --all", dp_cmd_device_list},
    {"device show", "ADDR", 1, 1, 0, 0, "everything about one function",
     "Path from the root bus, capabilities, unit and why each member is in it, reset\n"
     "methods, BARs, interrupt line, who uses it, and the verdict with its reasons.\n"
     "ADDR as lspci has it (03:00.0, 0000:03:00.0: hexadecimal) or as ESX has it\n"
     "(003:00.0, 00000:003:00.0: three-digit bus, decimal).\n",
     "directpath device show 0000:03:00.0", dp_cmd_device_show},
    {"device enable", "ADDR...", 1, -1,
     DP_OPT_WITH_UNIT | DP_OPT_OVERRIDE | DP_OPT_CONFIRM | DP_OPT_DRY_RUN, DP_VERB_ROOT,
     "mark functions for passthrough",
     "Checks verdict and unit, moves the functions to vfio-pci, and stores the owner,\n"
     "so that it holds after a reboot. Refused with the reasons where a rule says no;\n"
     "nothing is changed then. With --root only the store of that folder is written.\n"
     "With --confirm-within (1 to 3600) nothing is stored: a process that outlives the\n"
     "session takes the change back after that time, and so does a reboot, unless\n"
     "'device confirm' was run. What the host's network hangs on needs it.\n",
     "directpath device enable 03:00.0 03:00.1", dp_cmd_device_enable},
    {"device disable", "ADDR...", 1, -1, DP_OPT_WITH_UNIT | DP_OPT_DRY_RUN, DP_VERB_ROOT,
     "give functions back to the host",
     "Stores the host as the owner and lets the kernel choose the driver again. A\n"
     "function that a running VM uses is refused. Says at the end whether a reboot\n"
     "has to come before the card is taken out, and which VMX files still name it.\n",
     "directpath device disable 03:00.0", dp_cmd_device_disable},
    {"device confirm", "", 0, 0, DP_OPT_DRY_RUN, DP_VERB_ROOT | DP_VERB_LIVE,
     "keep a change that was armed",
     "Stores what 'device enable --confirm-within' has bound, and ends the process\n"
     "that would take it back. Exit status 1: too late, or the function is gone.\n",
     "directpath device confirm", dp_cmd_device_confirm},
    {"device reset", "ADDR", 1, 1, DP_OPT_POWER_CYCLED | DP_OPT_DRY_RUN,
     DP_VERB_ROOT | DP_VERB_LIVE, "reset a function, and say how",
     "Uses the method that policy chose (see 'device show'), checks that the device\n"
     "came back as what it was, and says which functions were reset. The function\n"
     "must be enabled and no VM may use it. If it fails, the function is quarantined:\n"
     "it stays with vfio-pci until a reset succeeds. With --power-cycled nothing is\n"
     "reset: you say that the host was without power since, which ends the quarantine\n"
     "too.\n",
     "directpath device reset 03:00.0", dp_cmd_device_reset},
    {"device forget", "ADDR...", 1, -1, DP_OPT_DRY_RUN, DP_VERB_ROOT,
     "drop what is stored of devices that are gone",
     "For a card that was taken out, or has moved: its line and its identity leave the\n"
     "store. 'host status' names such devices with all that is known of them. Refused\n"
     "where the card is still there. No binding is changed.\n",
     "directpath device forget 0000:03:00.0", dp_cmd_device_forget},
    {"device test", "ADDR", 1, 1, DP_OPT_WITH_UNIT | DP_OPT_DRY_RUN, DP_VERB_ROOT | DP_VERB_LIVE,
     "rehearse giving a function to a VM",
     "Binds it to vfio-pci, opens it, resets it, checks that it came back, maps each\n"
     "BAR, counts the interrupts, and gives everything back as it was. Nothing is\n"
     "stored, and nothing is read from the device's memory. What 'device enable'\n"
     "refuses is refused here too. A function whose reset fails is not given back: it\n"
     "is quarantined, as after 'device reset'. Exit status 0: all went well; 1:\n"
     "refused, or a step failed; 3: it could not be given back.\n",
     "directpath device test 03:00.0", dp_cmd_device_test},
    {"device apply", "", 0, 0, DP_OPT_EARLY | DP_OPT_RELEASE | DP_OPT_DRY_RUN,
     DP_VERB_ROOT | DP_VERB_LIVE, "make the bindings as stored",
     "Moves each function to the driver that its stored owner asks for. Meant for\n"
     "boot time; repeating it changes nothing. One failure does not stop the rest:\n"
     "then the exit status is 4. Functions that a VM uses are left alone.\n"
     "With --early, for the initramfs and udev: only sets the driver override of what\n"
     "was judged before and no driver has yet, so that no other takes it.\n"
     "With --release everything is given back to the host, until the next boot or the\n"
     "next 'device apply'; what is stored stays. For the removal of this program.\n",
     "directpath device apply", dp_cmd_device_apply},
    {"map check", "[FILE]", 0, 1, 0, 0, "what each line of a passthru.map means here",
     "Explains each entry: whose ids they are, how such a device is reset, whether its\n"
     "functions may be split, which functions of this host it decides and whether they\n"
     "can do it, and which other line counts instead. A line that is left out is named\n"
     "with the word that was probably meant. With FILE: as if it were the\n"
     "administrator's map; without: the map in effect. Nothing is changed.\n",
     "directpath map check /etc/vmware/passthru.map", dp_cmd_map_check},
    {"import esx-conf", "FILE", 1, 1, DP_OPT_YES | DP_OPT_TAKE_SYSTEM_ID,
     DP_VERB_ROOT | DP_VERB_YES, "take over what an ESX host's esx.conf enables",
     "Shows what is at each address that the file gives away, and whether the rules of\n"
     "'device enable' allow it here. With --yes it stores systemId and names, and\n"
     "enables what is accepted; what is refused or absent is never touched. Of the\n"
     "file's other lines nothing is taken. Where this host has another systemId, it is\n"
     "kept, since VMX files that were made here name it, unless --take-system-id says\n"
     "otherwise.\n",
     "directpath import esx-conf /mnt/esx/etc/vmware/esx.conf", dp_cmd_import_esxconf},
    {"vm validate", "FILE.vmx", 1, 1, DP_OPT_ACCEL | DP_OPT_HOST, 0,
     "what becomes of each key of a VMX",
     "For every key: honoured, substituted (by what), ignored (why nothing is lost)\n"
     "or unknown; then the passed-through devices and where the guest sees them; then\n"
     "every problem. Exit status 0: this host can power it on; 1: it cannot. With\n"
     "--host another host answers before anything is moved, out of what 'host capture'\n"
     "wrote there (the archive, or a folder that it was unpacked into): device by\n"
     "device, memory, addresses, firmware and processor. Disks are not looked at then.\n",
     "directpath vm validate /vmfs/volumes/vm/vm.vmx", dp_cmd_vm_validate},
    {"vm create", "FILE.vmx [KEY=VALUE...]", 1, -1, DP_OPT_DRY_RUN, 0, "a new VMX",
     "Writes a VMX of hardware version 11 with one processor, 1024 MB, an SMBIOS UUID\n"
     "of its own and the bridges for passed-through devices, and on top of it what is\n"
     "said: disks, networks, any key. Refused where it would not be valid. A file that\n"
     "is there is never replaced.\n",
     "directpath vm create web.vmx memsize=2048 guestOS=debian12-64", dp_cmd_vm_create},
    {"vm add-device", "FILE.vmx ADDR", 2, 2, DP_OPT_DRY_RUN, 0, "give a VM a device of this host",
     "Writes the next free pciPassthruN: address, ids, systemId, and the place where\n"
     "the guest sees it. Adds the bridges that are missing and reserves all of the\n"
     "VM's memory. Every other key stays. Refused while the VM is on, for a device\n"
     "that is not enabled, in use or in this VMX under another systemId, and beyond\n"
     "what the hardware version takes. One that is in it already is not added again.\n",
     "directpath vm add-device vm.vmx 0000:03:00.0", dp_cmd_vm_add_device},
    {"vm remove-device", "FILE.vmx N", 2, 2, DP_OPT_DRY_RUN, 0, "take a device from a VM",
     "Removes the lines of pciPassthruN and nothing else: bridges and the reservation\n"
     "of memory stay. Refused while the VM is on. The device stays enabled.\n",
     "directpath vm remove-device vm.vmx 0", dp_cmd_vm_remove_device},
    {"vm set", "FILE.vmx KEY=VALUE...", 2, -1, DP_OPT_DRY_RUN, 0, "change keys of a VMX",
     "Each key keeps its line, spelling and comment; a new one goes beside those of\n"
     "the same device. Every other byte stays as it is, but for the reservation of a\n"
     "VM with devices: it follows memsize. Values are UTF-8 here and are written in\n"
     "the file's encoding. Refused while the VM is on.\n",
     "directpath vm set vm.vmx pciPassthru0.msiEnabled=FALSE", dp_cmd_vm_set},
    {"vm upgrade", "FILE.vmx", 1, 1, DP_OPT_DRY_RUN, 0,
     "what passthrough needs of the virtual hardware",
     "Raises a hardware version below 7 to 7 and adds the pciBridge lines that are\n"
     "missing, also to a file whose version was raised by hand. What stands there\n"
     "stays. Refused while the VM is on.\n",
     "directpath vm upgrade vm.vmx", dp_cmd_vm_upgrade},
    {"vm relocate", "FILE.vmx", 1, 1, DP_OPT_YES | DP_OPT_HOST, 0,
     "point a VM's devices at those of this host",
     "For each entry whose address, ids or systemId are not this host's, proposes the\n"
     "device here that it would mean: the same model, enabled, healthy and free. With\n"
     "--yes address and systemId of all that are proposed are written together; at a\n"
     "terminal each is asked for. Exit status 1 or 4: none, or not all, has one here.\n"
     "With --host: the devices of another host, out of its capture.\n",
     "directpath vm relocate --yes vm.vmx", dp_cmd_vm_relocate},
    {"vm power-on", "FILE.vmx", 1, 1, DP_OPT_ACCEL | DP_OPT_DRY_RUN, DP_VERB_ROOT | DP_VERB_LIVE,
     "start a VM with its devices",
     "Plans everything first, then does it; a failure in the middle undoes the steps\n"
     "before it. QEMU runs as a user of its own, which may open only the devices of\n"
     "this VM. With --dry-run: prints the plan. Without KVM: refused, unless --accel\n"
     "tcg asks for emulation.\n",
     "directpath vm power-on --dry-run vm.vmx", dp_cmd_vm_power_on},
    {"vm shut-down", "FILE.vmx | --all", 0, 1, DP_OPT_TIMEOUT | DP_OPT_ALL,
     DP_VERB_ROOT | DP_VERB_LIVE, "ask the guest to shut down",
     "Presses the guest's power button and waits until its devices are back. A guest\n"
     "that does not comply in time keeps running, and the exit status says so.\n"
     "With --all, as the host does when it shuts down: every VM that runs, in reverse\n"
     "order of their starts (see 'vm autostart'), and who has not ended in his time is\n"
     "powered off.\n",
     "directpath vm shut-down --timeout 60 vm.vmx", dp_cmd_vm_shut_down},
    {"vm power-off", "FILE.vmx", 1, 1, 0, DP_VERB_ROOT | DP_VERB_LIVE, "end a VM, hard, at once",
     "The guest is not asked; what it had not written is lost. Returns when its\n"
     "devices are back.\n",
     "directpath vm power-off vm.vmx", dp_cmd_vm_power_off},
    {"vm reset", "FILE.vmx", 1, 1, 0, DP_VERB_ROOT | DP_VERB_LIVE, "the reset button of a VM",
     "The guest is not asked; what it had not written is lost, and it boots again. The\n"
     "VM stays powered on with its devices, which QEMU resets by its own choice and\n"
     "not by passthru.map: what it does to each is printed.\n",
     "directpath vm reset vm.vmx", dp_cmd_vm_reset},
    {"vm console", "FILE.vmx", 1, 1, 0, 0, "where a VM's screen is",
     "Prints where the display of a VM that runs is offered over VNC, how to get there\n"
     "from another host, and the files that its serial ports are written to.\n",
     "directpath vm console vm.vmx", dp_cmd_vm_console},
    {"vm status", "FILE.vmx", 1, 1, 0, 0, "how a VM does, live",
     "State of the guest, processes and their user, memory, and for each device its\n"
     "interrupt mode and how many interrupts have come.\n",
     "directpath vm status vm.vmx", dp_cmd_vm_status},
    {"vm list", "", 0, 0, 0, 0, "VMs that are powered on, and those of this host",
     "One line a VM: name, state, process, devices, file. Below it the registered\n"
     "ones, whether they run or not: which of them start with the host, in which\n"
     "order, and how long each is waited for when the host shuts down.\n",
     "directpath vm list", dp_cmd_vm_list},
    {"vm register", "FILE.vmx", 1, 1, 0, DP_VERB_ROOT, "make a VM one of this host's",
     "It is listed from now on, whether it runs or not, and can start with the host. A\n"
     "file that was moved keeps what was said of it at its old place. Nothing is\n"
     "started and the file is not changed.\n",
     "directpath vm register vm.vmx", dp_cmd_vm_register},
    {"vm unregister", "FILE.vmx", 1, 1, 0, DP_VERB_ROOT, "drop it from this host's VMs",
     "It is not listed any more and does not start with the host; its files are left\n"
     "as they are. Refused while it runs.\n",
     "directpath vm unregister vm.vmx", dp_cmd_vm_unregister},
    {"vm autostart", "FILE.vmx on|off | --all", 0, 2, DP_OPT_ORDER | DP_OPT_TIMEOUT | DP_OPT_ALL,
     DP_VERB_ROOT, "does a registered VM start with the host",
     "With on, it starts when the host has booted, those of a lower --order first; the\n"
     "last of all unless said. When the host shuts down its guest is asked first, in\n"
     "reverse order, and has --timeout seconds before it is powered off. With --all,\n"
     "as the host does when it has booted: starts them, in their order.\n",
     "directpath vm autostart vm.vmx on --order 1", dp_cmd_vm_autostart},
    {"vm log", "FILE.vmx", 1, 1, 0, 0, "the log of the last run",
     "Prints the end of directpath.log beside the VMX: the plan, the resets, the\n"
     "engine's words, and why the run ended.\n",
     "directpath vm log vm.vmx", dp_cmd_vm_log},
    {"vm export", "FILE.vmx", 1, 1, DP_OPT_FORMAT | DP_OPT_HOST, 0,
     "the VM as another tool wants it",
     "Prints libvirt's domain XML of what power-on would start: devices that are\n"
     "passed through, controllers and disks at the addresses that the guest sees\n"
     "here. What libvirt has no words for is said. Refused where power-on would be.\n",
     "directpath vm export vm.vmx --format libvirt", dp_cmd_vm_export},
    {"vm suspend", "FILE.vmx", 1, 1, 0, 0, "refused: keep a VM's state and stop it",
     "Refused with the reason where a device is passed through; where none is, not\n"
     "offered by this version. Nothing is changed. Exit status 1.\n",
     "directpath vm suspend vm.vmx", dp_cmd_vm_refused},
    {"vm resume", "FILE.vmx", 1, 1, 0, 0, "refused: go on from a kept state",
     "Refused with the reason where a device is passed through; where none is, not\n"
     "offered by this version. Nothing is changed. Exit status 1.\n",
     "directpath vm resume vm.vmx", dp_cmd_vm_refused},
    {"vm snapshot", "FILE.vmx ...", 1, -1, 0, 0, "refused: a state to come back to",
     "Refused with the reason where a device is passed through; where none is, not\n"
     "offered by this version. Nothing is changed. Exit status 1.\n",
     "directpath vm snapshot vm.vmx", dp_cmd_vm_refused},
    {"vm migrate", "FILE.vmx ...", 1, -1, 0, 0, "refused: move a VM, or its disks, while it runs",
     "Refused with the reason where a device is passed through; where none is, not\n"
     "offered by this version. Nothing is changed. Exit status 1.\n",
     "directpath vm migrate vm.vmx", dp_cmd_vm_refused},
    {"vm hot-add", "FILE.vmx ...", 1, -1, 0, 0, "refused: give a running VM a device",
     "Refused with the reason where a device is passed through; where none is, not\n"
     "offered by this version. Nothing is changed. Exit status 1.\n",
     "directpath vm hot-add vm.vmx", dp_cmd_vm_refused},
    {"vm hot-remove", "FILE.vmx ...", 1, -1, 0, 0, "refused: take a device from a running VM",
     "Refused with the reason where a device is passed through; where none is, not\n"
     "offered by this version. Nothing is changed. Exit status 1.\n",
     "directpath vm hot-remove vm.vmx", dp_cmd_vm_refused},
    {"esxcli hardware pci list", "", 0, 0, 0, 0, "every PCI function, in ESXi's words",
     "The fields of ESXi's command of this name, from what this host knows. A field\n"
     "that Linux has nothing for is empty, or holds what ESXi shows for none.\n",
     "directpath esxcli hardware pci list", dp_cmd_esxcli_pci_list},
    {"esxcli hardware pci pcipassthru list", "", 0, 0, 0, 0, "what is enabled, as on ESXi",
     "Every function that may be passed through, and whether it is stored as passthru.\n",
     "directpath esxcli hardware pci pcipassthru list", dp_cmd_esxcli_passthru_list},
    {"esxcli hardware pci pcipassthru set", "", 0, 0,
     DP_OPT_DEVICE_ID | DP_OPT_ENABLE | DP_OPT_APPLY_NOW | DP_OPT_WITH_UNIT | DP_OPT_OVERRIDE |
         DP_OPT_DRY_RUN,
     DP_VERB_ROOT, "enable or disable, as on ESXi",
     "The same as 'device enable' and 'device disable', with the same rules. As on\n"
     "ESXi it takes effect at the next boot; with --apply-now it takes effect now.\n"
     "Until then the function is shown as reboot-required, and no VM gets it.\n",
     "directpath esxcli hardware pci pcipassthru set -d 0000:03:00.0 -e true -a",
     dp_cmd_esxcli_passthru_set},
    {"esxcli system uuid get", "", 0, 0, 0, 0, "the systemId that a VMX of this host names",
     "Prints /system/uuid of the store in the form that a VMX has.\n",
     "directpath esxcli system uuid get", dp_cmd_esxcli_uuid},
    {"esxcfg-module", "", 0, 0, DP_OPT_LIST, 0, "with --list: is the IOMMU enabled, as on ESX",
     "On ESX the list of modules shows whether VT-d or AMD IOMMU is enabled. This\n"
     "prints what stands for them here: the IOMMU's driver, VFIO and KVM, each only if\n"
     "it is there, and says it in a sentence.\n",
     "directpath esxcfg-module --list", dp_cmd_esxcfg_module},
    {"vsish -e cat", "PATH", 1, 1, 0, 0, "/system/systemUuid, as on ESX",
     "Prints the systemId. No other path is known here.\n",
     "directpath vsish -e cat /system/systemUuid", dp_cmd_vsish_cat},
    {"explain", "ID | --all", 0, 1, DP_OPT_ALL, 0, "what a diagnostic means, and what to do",
     "Each problem that Directpath reports has an id, such as DP1203, which never\n"
     "changes its meaning. This prints what it is, why it matters, how it is seen,\n"
     "what to do, and where the rule comes from. With --all: every one there is.\n",
     "directpath explain DP1203", dp_cmd_explain},
    {"help", "[COMMAND]", 0, 5, 0, 0, "this list, or the help of one command",
     "The same as COMMAND --help.\n", "directpath help explain", dp_cmd_help},
};

const DpVerb *
dp_verbs(size_t *ret_n)
{
    *ret_n = G_N_ELEMENTS(verbs);
    return verbs;
}

/* True if @words begins with the words of @text. */
static bool
begins_with(const GPtrArray *words, const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, " ", -1);
    guint i = 0;

    for (; parts[i] != NULL; i++) {
        if (i >= words->len || strcmp(words->pdata[i], parts[i]) != 0) {
            return false;
        }
    }
    return true;
}

/* True if @text, one word or more, begins commands that have further words. */
static bool
is_group(const char *text)
{
    for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++) {
        if (g_str_has_prefix(verbs[i].words, text) && verbs[i].words[strlen(text)] == ' ') {
            return true;
        }
    }
    return false;
}

static bool
fail_unknown(const GPtrArray *words, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *shown = NULL;

    for (guint i = 0; i < words->len; i++) {
        g_string_append_printf(text, "%s%s", i > 0 ? " " : "", (const char *)words->pdata[i]);
        if (i + 1 == words->len && is_group(text->str)) {
            return dp_fail(error, DP_ERROR_USAGE, "which of them? 'directpath help %s' lists them",
                           text->str);
        }
        if (i > 0 && !is_group(text->str)) {
            break; /* the rest are its arguments, or are wrong because this is */
        }
    }
    shown = dp_text_visible(text->str, -1);
    return dp_fail(error, DP_ERROR_USAGE, "there is no command '%s'", shown);
}

const DpVerb *
dp_verb_find(const GPtrArray *words, guint *ret_used, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++) {
        if (begins_with(words, verbs[i].words)) {
            *ret_used = dp_verb_n_words(&verbs[i]);
            return &verbs[i];
        }
    }
    (void)fail_unknown(words, error);
    return NULL;
}

const char *
dp_cli_arg(const DpCli *cli, guint index)
{
    return index < dp_cli_n_args(cli)
               ? cli->options->words->pdata[dp_verb_n_words(cli->verb) + index]
               : NULL;
}

guint
dp_cli_n_args(const DpCli *cli)
{
    return cli->options->words->len - dp_verb_n_words(cli->verb);
}
