/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BIOS or EFI. EFI is OVMF of the host's package: its code is the package's file, its variables a
 * file of this project beside the VMX, made from the package's template. VMware's .nvram is in a
 * format of VMware's; it is never opened.
 */
#include "firmware.h"

#include "base/text.h"
#include "build.h"

#include <string.h>

#define CODE_NODE "firmware-code"
#define VARS_NODE "firmware-vars"

/* What firmware reserves for 64-bit BARs unless told otherwise (OVMF's PlatformInitLib). */
#define WINDOW_DEFAULT ((uint64_t)32 << 30)
#define WINDOW_MAX     ((uint64_t)16 << 40)

const DpEfiFirmware dp_efi_firmware[2] = {
    [false] = {DP_EFI_FOLDER "/OVMF_CODE_4M.fd", DP_EFI_FOLDER "/OVMF_VARS_4M.fd", ".ovmf-vars.fd"},
    /* Microsoft's certificates, and variables that only firmware can write (SMM). */
    [true] = {DP_EFI_FOLDER "/OVMF_CODE_4M.ms.fd", DP_EFI_FOLDER "/OVMF_VARS_4M.ms.fd",
              ".ovmf-vars-secure.fd"},
};

/* Beside the VMX, named after it: two VMs of one folder have each their own. */
static char *
vars_path(const DpBuild *build, const DpEfiFirmware *efi)
{
    const char *path = build->plan->vmx_path;
    size_t len = strlen(path) - (g_str_has_suffix(path, ".vmx") ? strlen(".vmx") : 0);

    return g_strdup_printf("%.*s%s", (int)len, path, efi->suffix);
}

bool
dp_efi_is_vars(const char *head, size_t len)
{
    /* PI 1.7 volume 3, 3.2.1: a firmware volume has its signature behind vector, GUID, length. */
    return len >= DP_EFI_VARS_HEAD && memcmp(head + 40, "_FVH", 4) == 0;
}

/* True: there, and of this firmware. What is there and something else is said. */
static bool
vars_there(DpBuild *build)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *head = NULL, *shown = NULL;
    size_t len = 0;

    if (build->input->file_head == NULL) {
        return false;
    }
    head = build->input->file_head(build->plan->efi_vars, DP_EFI_VARS_HEAD, &len, &error);
    if (head == NULL && g_error_matches(error, DP_ERROR, DP_ERROR_NOT_FOUND)) {
        return false;
    }
    if (head == NULL || !dp_efi_is_vars(head, len)) {
        shown = dp_text_visible(head == NULL ? error->message : build->plan->efi_vars, -1);
        dp_build_diag(build, DP_DIAG_VMX_EFI_VARS, "firmware", "%s%s", shown,
                      head == NULL ? "" : " holds no variables of this firmware");
    }
    return true;
}

/* The first power-on here: firmware knows of no system on any disk. */
static void
report_new_vars(DpBuild *build)
{
    const char *nvram = dp_vmx_get(build->vmx, "nvram");
    bool named = nvram != NULL && nvram[0] != '\0';

    dp_build_diag(build, DP_DIAG_VMX_EFI_NEW_VARS, named ? "nvram" : "firmware",
                  "%s; firmware starts what its disks have as \\EFI\\BOOT\\BOOTX64.EFI",
                  named ? "boot entries of the old host's nvram are not carried over"
                        : "firmware begins without boot entries");
}

static void
add_flash(DpBuild *build, const char *node, DpVmFile file)
{
    DpImage image = {.driver = "raw", .read_only = !file.writable};

    image.fdset = dp_build_add_file(build, file);
    dp_build_blockdev(build, node, &image, file.writable);
}

static void
add_efi(DpBuild *build)
{
    const DpEfiFirmware *efi = &dp_efi_firmware[build->plan->secure_boot];
    const DpHost *host = build->input->host;

    build->plan->efi_vars = vars_path(build, efi);
    if (host != NULL && host->platform.efi_firmware == DP_TRI_NO) {
        dp_build_diag(build, DP_DIAG_VMX_EFI_ABSENT, "firmware",
                      "firmware = \"efi\", and %s or its template of variables is not on this host",
                      efi->code);
    }
    if (!vars_there(build)) {
        report_new_vars(build);
    }
    add_flash(build, CODE_NODE,
              (DpVmFile){.path = g_strdup(efi->code),
                         .kind = DP_VM_FILE_FIRMWARE,
                         .inside = g_strdup(DP_EFI_FOLDER)});
    add_flash(build, VARS_NODE,
              (DpVmFile){.path = g_strdup(build->plan->efi_vars),
                         .kind = DP_VM_FILE_EFI_VARS,
                         .writable = true,
                         .made_from = efi->vars});
    dp_build_effect(build, "nvram", DP_EFFECT_SUBSTITUTED,
                    "VMware's format, never touched; EFI keeps its variables in a file *%s beside "
                    "the VMX",
                    efi->suffix);
    if (build->plan->secure_boot) {
        dp_build_arg(build, "-global", "driver=cfi.pflash01,property=secure,value=on");
        /* 64-bit firmware with SMM cannot wake from S3, and stops where it is offered. */
        dp_build_arg(build, "-global", "ICH9-LPC.disable_s3=1");
    }
}

void
dp_build_firmware(DpBuild *build)
{
    static const char *const secure_key = "uefi.secureBoot.enabled";
    const char *firmware = dp_vmx_get(build->vmx, "firmware");
    bool secure = dp_build_bool(build, "uefi.secureBoot", "enabled", false);

    if (firmware == NULL || g_ascii_strcasecmp(firmware, "bios") == 0) {
        dp_build_effect(build, secure_key, DP_EFFECT_IGNORED,
                        "without firmware = \"efi\" there is no secure boot, on ESX neither");
        return;
    }
    if (g_ascii_strcasecmp(firmware, "efi") != 0) {
        g_autofree char *shown = dp_text_visible(firmware, -1);

        dp_build_diag(build, DP_DIAG_VMX_FIRMWARE, "firmware",
                      "firmware = \"%s\" is neither bios nor efi", shown);
        return;
    }
    build->plan->efi = true;
    build->plan->secure_boot = secure;
    add_efi(build);
}

const char *
dp_build_firmware_machine(const DpBuild *build)
{
    static const char flash[] = ",pflash0=" CODE_NODE ",pflash1=" VARS_NODE;
    static const char secure[] = ",pflash0=" CODE_NODE ",pflash1=" VARS_NODE ",smm=on";

    return !build->plan->efi ? "" : build->plan->secure_boot ? secure : flash;
}

/* Firmware places BARs by itself and is told how much that is; more it takes by itself where the
 * processor has room. */
void
dp_build_firmware_window(DpBuild *build)
{
    uint64_t window = WINDOW_DEFAULT;

    if (!build->plan->efi) {
        return;
    }
    while (window < build->plan->window && window < WINDOW_MAX) {
        window *= 2;
    }
    if (window > WINDOW_DEFAULT) {
        dp_build_argf(build, "-fw_cfg", "name=opt/ovmf/X-PciMmio64Mb,string=%" G_GUINT64_FORMAT,
                      window >> 20);
    }
}
