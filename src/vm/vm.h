/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One VM: read the VMX, plan everything before anything is done, launch QEMU, supervise it, give
 * the devices back.
 */
#pragma once

#include "assign/identity.h"
#include "formats/aliases.h"
#include "formats/vmx.h"

/* VMware's, where memsize is absent. */
#define DP_VM_DEFAULT_MEMORY_MB 32

/* What became of one key. */
typedef enum {
    DP_EFFECT_HONOURED,
    DP_EFFECT_SUBSTITUTED,
    DP_EFFECT_IGNORED,
    DP_EFFECT_UNKNOWN
} DpEffect;

typedef struct {
    char *key;   /* as spelt */
    char *value; /* shown */
    unsigned line;
    DpEffect effect;
    char *note; /* by what, why nothing is lost; NULL for honoured */
} DpKeyReport;

const char *dp_effect_name(DpEffect effect);

/* One pciPassthruN that is present. */
typedef struct {
    unsigned index;
    bool resolved; /* a function of this host was found for it */
    DpAddr addr;
    DpFunction *fn; /* borrowed from the host; NULL unless resolved */
    const DpVerdict *verdict;
    bool dynamic; /* allowedDevices: the first free function of these models */
    bool pcie;    /* virtualDev */
    bool msi_enabled;
    int slot;                /* pciSlotNumber, -1: to be chosen */
    const char *guest_reset; /* what QEMU does to it at a reboot of the guest: "flr", "none"; NULL:
                                unknown */
    char *guest_address; /* "0000:03:00.0"-like is the guest firmware's choice; this names the fixed
                            part: "pciBridge4 (00:15.0) device 00.0" */
} DpVmDevice;

/* A network interface as a Linux guest names it after its place. */
typedef struct {
    char *device;    /* "ethernet0", "pciPassthru1" */
    char *mac;       /* NULL: unknown */
    char *esx_name;  /* "ens33"; NULL: the file names no place */
    char *name;      /* here: "enp2s1" */
    char *link_file; /* where the guest wants the next; NULL: the name stays */
    char *link_text; /* for systemd-udevd: brings the old name back */
} DpVmInterface;

typedef struct {
    char *vmx_path; /* absolute */
    char *name;     /* displayName or the file's base name */
    char *
        id; /* stable short id of the VM: hex of a hash of the real path; names its run directory */
    GPtrArray *keys;       /* DpKeyReport, in file order */
    GPtrArray *devices;    /* DpVmDevice */
    GPtrArray *interfaces; /* DpVmInterface; empty for Windows */
    GPtrArray *argv;       /* char *: QEMU's arguments, secrets never among them */
    GPtrArray *steps;      /* DpStep: everything that power-on will do */
    GArray *files;         /* DpVmFile: disks and images QEMU gets as descriptors */
    GArray *taps;          /* DpVmTap: interfaces that are ports of a bridge of the host */
    bool tcg;              /* --accel tcg */
    bool efi;              /* the firmware is OVMF; false: SeaBIOS */
    bool secure_boot;      /* of EFI: nothing starts but what Microsoft's certificates vouch for */
    char *efi_vars;        /* path of EFI's variables, beside the VMX; NULL: BIOS */
    char *run_dir;         /* the folder of this VM's run: "/run/directpath/vm/ID" */
    char *vnc;             /* "127.0.0.1:5900"; NULL: no display is offered */
    char *vnc_password;    /* secret: set over the monitor, never an argument; NULL: none */
    uint64_t memory;       /* bytes of guest RAM */
    uint64_t memlock;      /* RLIMIT_MEMLOCK for the process */
    uint64_t reserved;     /* bytes that the host must have left for it, and keeps for it */
    uint64_t window;       /* bytes above its memory for BARs; 0: QEMU's usual 32 GiB */
    uint64_t page;         /* of the huge pages that hold its memory; 0: ordinary pages */
    bool runs_on_at_fault; /* DMA that the IOMMU refuses is reported, and does not power it off */
    GArray *chosen;        /* DpChosenSlot: what the file names no place for */
    char *vmx_sum;         /* dp_vm_vmx_sum of the file that this was made of */
    DpDiagList *diags;
} DpPlan;

/* A pciSlotNumber that power-on writes into the file, as ESX does, so that the guest finds the
 * device at the same place ever after. */
typedef struct {
    char prefix[24]; /* "ethernet0" */
    int slot;
} DpChosenSlot;

/* Names the content of a VMX: a hash of its bytes. The caller frees it. */
char *dp_vm_vmx_sum(const DpVmx *vmx);

/* A file that is opened for QEMU and handed over as a descriptor, so that its user needs no right
 * on the path. */
typedef enum {
    DP_VM_FILE_VMDK,     /* one file: hosted sparse or stream-optimized, no parent */
    DP_VM_FILE_FLAT,     /* the raw extent of a VMDK */
    DP_VM_FILE_EXTENT,   /* a sparse extent of a VMDK of several files */
    DP_VM_FILE_TEXT,     /* no file: the descriptor of such a VMDK as QEMU is to read it */
    DP_VM_FILE_ISO,      /* ISO 9660 or UDF image */
    DP_VM_FILE_FLOPPY,   /* raw image of a floppy */
    DP_VM_FILE_OUTPUT,   /* a serial port's text, appended to */
    DP_VM_FILE_FIRMWARE, /* the code of EFI firmware: a file of the host's package */
    DP_VM_FILE_EFI_VARS, /* its variables, beside the VMX; made from @made_from where absent */
} DpVmFileKind;

typedef struct {
    char *path; /* absolute, or relative to the VMX's folder resolved */
    bool writable;
    int fdset; /* /dev/fdset/N */
    DpVmFileKind kind;
    char *key;             /* of the VMX that names it; NULL: none does */
    uint64_t least;        /* of a disk: bytes that it must have, or it is cut off */
    uint64_t size;         /* DP_VM_FILE_FLAT: bytes that the descriptor says; else 0 */
    char *descriptor;      /* DP_VM_FILE_FLAT: name of the file beside it that says so; else NULL */
    char *text;            /* DP_VM_FILE_TEXT: its content; else NULL */
    char *inside;          /* the datastore's folder that the file lies in; NULL: the VM's folder */
    const char *made_from; /* DP_VM_FILE_EFI_VARS: the template; static; else NULL */
} DpVmFile;

/* An interface of the guest that becomes a port of a bridge: QEMU gets it as a descriptor, after
 * those of the files. */
typedef struct {
    char interface[16]; /* "ethernet0" */
    char bridge[DP_BRIDGE_LEN];
    char mac[18]; /* of the guest's side */
} DpVmTap;

/* How a plan looks at the first bytes of a disk: at most @max of them, so that what QEMU would open
 * by itself is known before it does. */
typedef char *(*DpVmFileHead)(const char *path, size_t max, size_t *ret_len, GError **error);

/* The one that reads the machine's files: regular files only. */
char *dp_vm_file_head(const char *path, size_t max, size_t *ret_len, GError **error);

/* What a file of a VM is beside its content. */
typedef struct {
    uint64_t size;          /* bytes */
    uint64_t device, inode; /* which one it is, by whatever name */
    uint64_t links;         /* names that it has */
    bool held;              /* another QEMU has it, and does not share it */
} DpVmFileFacts;

/* False if @path is no regular file that can be opened. @writable: the VM is to write to it. */
typedef bool (*DpVmFileLook)(const char *path, bool writable, DpVmFileFacts *ret_facts);

/* The one that looks at the machine's files. Who holds a file is known of QEMU and its tools, which
 * lock what they have open. */
bool dp_vm_file_look(const char *path, bool writable, DpVmFileFacts *ret_facts);

typedef struct DpRun DpRun; /* run.h: a VM that runs */

/* Memory that another VM was given at power-on. */
typedef struct {
    const char *name;
    uint64_t bytes;
    uint64_t missing; /* of them: what it has not taken, so that the host shows it as available */
    uint64_t page;    /* of huge pages; 0: ordinary ones */
} DpPromise;

typedef struct {
    const DpHost *host;     /* NULL: none to compare with (validate of a file alone) */
    const DpPolicy *policy; /* NULL with @host */
    const DpEsxconf *conf;  /* NULL with @host */
    const DpIdentities
        *identities;             /* what was overridden when a function was enabled; may be NULL */
    const DpAliases *datastores; /* NULL: none is known */
    const DpAliases *networks;   /* NULL: none is known */
    bool tcg;                    /* --accel tcg */
    const char *run_dir; /* "/run/directpath/vm/ID" is made from this base: "/run/directpath" */
    /* The running VM that uses a function, or NULL. Names say nothing: two VMs may have the same,
     * and that of a file may change while its VM runs. */
    const DpRun *(*used_by)(const DpAddr *addr, void *user);
    void *used_by_user;
    const GArray *promises; /* DpPromise of other VMs; NULL: none */
    bool running;           /* this VM itself runs */
    DpVmFileHead file_head; /* dp_vm_file_head; NULL: disks are not looked at, and power-on is left
                               to do it */
    DpVmFileLook file_look; /* dp_vm_file_look; NULL: as above */
    /* Name of the running VM that has a file open, or NULL; the caller frees it. */
    char *(*holder)(const DpVmFileFacts *facts, void *user);
    void *holder_user;
} DpPlanInput;

/* What the administrator wrote down about datastores and networks beneath @root; files that are not
 * there are empty. Either is NULL where its file cannot be read, with a diagnostic. */
typedef struct {
    DpAliases *datastores, *networks;
} DpSites;

void dp_sites_load(DpSites *sites, DpRoot *root, DpDiagList *diags);
void dp_sites_clear(DpSites *sites);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DpSites, dp_sites_clear)

/* Pure: VMX and host in, plan out; problems are diagnostics in the plan (dp_diags_have_error means
 * power-on is refused). */
DpPlan *dp_plan_new(const char *vmx_path, const DpVmx *vmx, const DpPlanInput *input);
void dp_plan_free(DpPlan *plan);
/* The id of the VM whose file is @vmx_path, in any spelling: 16 hex digits. */
char *dp_vm_id(const char *vmx_path);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpPlan, dp_plan_free)

typedef enum { DP_VM_OFF, DP_VM_STARTING, DP_VM_RUNNING, DP_VM_STOPPING } DpVmState;
const char *dp_vm_state_name(DpVmState state);
