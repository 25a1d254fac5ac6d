/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the VM is as a whole: version, name, identity, processors, firmware. */
#include "machine.h"

#include "base/text.h"
#include "build.h"

#include <string.h>

#define MAX_MEMORY_MB (6 * 1024 * 1024)
#define MAX_CPUS      255 /* of q35 with its interrupts unremapped */

static void
read_version(DpBuild *build)
{
    (void)dp_vmx_get_int(build->vmx, "virtualHW.version", 1, 999, &build->hw_version,
                         build->plan->diags);
}

static void
read_name(DpBuild *build)
{
    const DpVmxEntry *entry = dp_vmx_lookup(build->vmx, "displayName");
    g_autofree char *base = g_path_get_basename(build->plan->vmx_path);
    const char *dot = strrchr(base, '.');

    if (entry != NULL && entry->shown[0] != '\0') {
        build->plan->name = dp_text_visible(entry->shown, -1);
    } else {
        build->plan->name = dp_text_visible(base, dot != NULL && dot != base ? dot - base : -1);
    }
}

static void
read_memory(DpBuild *build)
{
    int64_t mb = DP_VM_DEFAULT_MEMORY_MB;

    (void)dp_vmx_get_int(build->vmx, "memsize", 4, MAX_MEMORY_MB, &mb, build->plan->diags);
    if (mb % 4 != 0) {
        DpDiag *diag = dp_build_diag(build, DP_DIAG_VMX_MEMSIZE, "memsize",
                                     "memsize = \"%" G_GINT64_FORMAT "\" is no multiple of 4", mb);

        dp_diag_set_remedy(diag, "directpath vm set FILE.vmx memsize=%" G_GINT64_FORMAT,
                           (mb + 3) / 4 * 4);
    }
    build->plan->memory = (uint64_t)mb << 20;
}

static void
read_suspended(DpBuild *build)
{
    const char *state = dp_vmx_get(build->vmx, "checkpoint.vmState");

    if (state != NULL && state[0] != '\0') {
        dp_build_diag(build, DP_DIAG_VMX_SUSPENDED, "checkpoint.vmState",
                      "the VM was suspended; its memory lies in a file of VMware's that cannot be "
                      "resumed here");
    }
}

static void
read_processors(DpBuild *build)
{
    int64_t cpus = 1, cores = 1;

    (void)dp_vmx_get_int(build->vmx, "numvcpus", 1, MAX_CPUS, &cpus, build->plan->diags);
    (void)dp_vmx_get_int(build->vmx, "cpuid.coresPerSocket", 1, MAX_CPUS, &cores,
                         build->plan->diags);
    if (cpus % cores != 0) {
        dp_build_diag(build, DP_DIAG_VMX_CPUS, "cpuid.coresPerSocket",
                      "%" G_GINT64_FORMAT
                      " processors cannot be divided into sockets of %" G_GINT64_FORMAT " cores",
                      cpus, cores);
        cores = 1;
    }
    dp_build_argf(build, "-smp", "cpus=%d,sockets=%d,cores=%d,threads=1,maxcpus=%d", (int)cpus,
                  (int)(cpus / cores), (int)cores, (int)cpus);
}

/* VMware writes the sixteen bytes as they lie in the SMBIOS table; QEMU takes the text form, whose
 * first three fields the table holds with their bytes reversed (SMBIOS 2.6, 7.2.1). */
bool
dp_machine_uuid(const char *text, char *ret_uuid)
{
    static const unsigned char order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    unsigned char bytes[16];
    size_t n = 0, out = 0;

    for (; *text != '\0'; text++) {
        if (*text == ' ' || *text == '-') {
            continue;
        }
        if (n == 16 || !g_ascii_isxdigit(text[0]) || !g_ascii_isxdigit(text[1])) {
            return false;
        }
        bytes[n++] =
            (unsigned char)(g_ascii_xdigit_value(text[0]) * 16 + g_ascii_xdigit_value(text[1]));
        text++;
    }
    if (n != 16) {
        return false;
    }
    for (size_t i = 0; i < 16; i++) {
        g_snprintf(ret_uuid + out, 4, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x",
                   bytes[order[i]]);
        out += i == 4 || i == 6 || i == 8 || i == 10 ? 3 : 2;
    }
    return true;
}

static void
read_uuid(DpBuild *build)
{
    const DpVmxEntry *entry = dp_vmx_lookup(build->vmx, "uuid.bios");
    char uuid[DP_UUID_LEN];

    if (entry == NULL || entry->value[0] == '\0') {
        return;
    }
    if (dp_machine_uuid(entry->value, uuid)) {
        dp_build_arg(build, "-uuid", uuid);
    } else {
        g_autofree char *shown = dp_text_visible(entry->shown, -1);

        dp_build_diag(build, DP_DIAG_VMX_UUID, "uuid.bios",
                      "uuid.bios = \"%s\" is not sixteen bytes in hex", shown);
    }
}

/* The kind that @word of bios.bootOrder means; DP_BOOT_N: none that a guest starts from here. */
static DpBootKind
boot_kind(const char *word)
{
    static const char *const names[] = {
        [DP_BOOT_DISK] = "hdd", [DP_BOOT_CDROM] = "cdrom", [DP_BOOT_FLOPPY] = "floppy"};
    DpBootKind kind = 0;

    while (kind < DP_BOOT_N && g_ascii_strcasecmp(word, names[kind]) != 0) {
        kind++;
    }
    return kind;
}

/* @words: "ethernet0, usb". */
static void
report_no_boot(DpBuild *build, const char *words)
{
    dp_build_effect(build, "bios.bootOrder", DP_EFFECT_SUBSTITUTED,
                    "without %s: the guest starts from hdd, cdrom and floppy only", words);
    dp_build_diag(
        build, DP_DIAG_VMX_LEFT_OUT, "bios.bootOrder",
        "bios.bootOrder: the guest does not start from %s; hdd, cdrom and floppy are what "
        "is tried, and no network",
        words);
}

/* "cdrom,hdd,floppy" in any order; network boot is not offered. */
static void
read_boot_order(DpBuild *build)
{
    const DpVmxEntry *entry = dp_vmx_lookup(build->vmx, "bios.bootOrder");
    g_auto(GStrv) words = g_strsplit_set(entry != NULL ? entry->shown : "", ", ", 16);
    g_autoptr(GString) strange = g_string_new(NULL);
    bool used[DP_BOOT_N] = {false};
    size_t n = 0;

    for (size_t i = 0; words[i] != NULL; i++) {
        DpBootKind kind = boot_kind(words[i]);

        if (kind == DP_BOOT_N && words[i][0] != '\0') {
            g_autofree char *word = dp_text_visible_max(words[i], -1, 32);

            g_string_append_printf(strange, "%s%s", strange->len > 0 ? ", " : "", word);
        } else if (kind < DP_BOOT_N && !used[kind]) {
            used[kind] = true;
            build->order[n++] = kind;
        }
    }
    for (DpBootKind kind = 0; n > 0 && kind < DP_BOOT_N; kind++) {
        if (!used[kind]) {
            build->order[n++] = kind;
        }
    }
    if (strange->len > 0) {
        report_no_boot(build, strange->str);
    }
}

static void
read_cpu_model(DpBuild *build)
{
    bool hide = !dp_build_bool(build, "hypervisor.cpuid", "v0", true);
    /*
     * No virtualization within: as on ESX with passed-through devices (KB 437651). TCG emulates no
     * VMX, and without its SVM the programs of a guest die at random (seen with QEMU 7.2).
     */
    const char *model = build->plan->tcg ? "max" : "host,vmx=off,svm=off";

    dp_build_argf(build, "-cpu", "%s%s", model, hide ? ",hypervisor=off,kvm=off" : "");
}

/* Text of a QemuOpts value: a comma is doubled, so that it cannot end the value. */
char *
dp_machine_escape(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, ",", -1);

    return g_strjoinv(",,", parts);
}

void
dp_build_machine(DpBuild *build)
{
    g_autofree char *name = NULL;
    bool hpet;

    read_version(build);
    read_name(build);
    read_memory(build);
    read_suspended(build);
    read_boot_order(build);
    hpet = dp_build_bool(build, "hpet0", "present", false);
    name = dp_machine_escape(build->plan->name);
    dp_build_arg(build, "qemu-system-x86_64", NULL);
    dp_build_arg(build, "-nodefaults", NULL);
    dp_build_arg(build, "-no-user-config", NULL);
    dp_build_arg(build, "-sandbox",
                 "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
    dp_build_argf(build, "-name", "guest=%s,debug-threads=on", name);
    dp_build_firmware(build);
    dp_build_argf(build, "-machine",
                  "q35,accel=%s,hpet=%s,sata=off,smbus=off,vmport=off,usb=off,mem-merge=off,dump-"
                  "guest-core=off%s",
                  build->plan->tcg ? "tcg" : "kvm", hpet ? "on" : "off",
                  dp_build_firmware_machine(build));
    read_cpu_model(build);
    read_processors(build);
    dp_build_argf(build, "-m", "%" G_GUINT64_FORMAT "M", build->plan->memory >> 20);
    read_uuid(build);
    dp_build_arg(build, "-rtc", "base=utc");
    dp_build_arg(build, "-boot", "strict=on");
    dp_build_arg(build, "-S", NULL);
    dp_build_display(build);
}
