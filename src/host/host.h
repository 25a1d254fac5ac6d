/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One immutable snapshot of a host: every PCI function with its facts, the tree of bridges, who
 * uses what, and what the platform offers. Made by one scan, without a single write and without
 * waking a sleeping device. What an ordinary user may not read is unknown (DP_TRI_UNKNOWN, or the
 * field's own unknown value), never absent.
 */
#pragma once

#include "base/diag.h"
#include "formats/address.h"
#include "root.h"

typedef enum { DP_TRI_UNKNOWN = -1, DP_TRI_NO = 0, DP_TRI_YES = 1 } DpTri;

#define DP_N_BARS                                                                                  \
    7 /* six and the expansion ROM, as sysfs `resource` lists them; bridges' windows are left out  \
       */

/* linux/ioport.h: the bits of the third column of `resource`. */
#define DP_BAR_IO       0x00000100u
#define DP_BAR_MEM      0x00000200u
#define DP_BAR_PREFETCH 0x00002000u
#define DP_BAR_64       0x00100000u
#define DP_BAR_UNSET    0x20000000u /* the kernel found no address for it */

typedef struct {
    uint64_t start; /* 0 with size 0: not there */
    uint64_t size;  /* bytes */
    uint64_t flags;
} DpBar;

/* Memory that the firmware wants a device to reach at the same address whoever owns it: the kernel
 * maps it one to one, and does not let the device go for that. */
typedef struct {
    uint64_t start, last; /* addresses, both included */
    bool relaxable;       /* only used while the firmware runs (USB, graphics): no hindrance */
} DpReserved;

/* Device/port type of the PCI Express capability (PCIe 7.5.3.2), -1: no such capability or unknown.
 */
typedef enum {
    DP_PCIE_NONE = -1,
    DP_PCIE_ENDPOINT = 0,
    DP_PCIE_LEGACY_ENDPOINT = 1,
    DP_PCIE_ROOT_PORT = 4,
    DP_PCIE_UPSTREAM = 5,
    DP_PCIE_DOWNSTREAM = 6,
    DP_PCIE_TO_PCI_BRIDGE = 7,
    DP_PCIE_FROM_PCI_BRIDGE = 8,
    DP_PCIE_RC_ENDPOINT = 9,
    DP_PCIE_RC_EVENT_COLLECTOR = 10,
} DpPcieType;

/* Capabilities; offsets are in bytes of configuration space, 0: absent (only if `*_known`), counts
 * are in their unit. */
typedef struct {
    DpTri readable; /* YES: the standard list (first 256 bytes) was read; NO: all ones; UNKNOWN:
                       only 64 bytes may be read */
    DpTri extended_readable; /* YES: bytes 256 to 4095 were read too (or the function has none:
                                conventional) */
    DpTri pcie;
    DpPcieType pcie_type;
    DpTri slot_implemented;
    DpTri flr;    /* PCIe device capabilities, bit 28 */
    DpTri af_flr; /* Advanced Features with FLR and transactions-pending (conventional PCI) */
    DpTri pm;     /* power management capability */
    DpTri no_soft_reset; /* PMCSR bit 3: D3hot to D0 does not reset */
    DpTri msi, msi_maskable;
    unsigned msi_vectors; /* 1 to 32 */
    DpTri msix;
    unsigned msix_vectors; /* 1 to 2048 */
    DpTri acs;             /* Access Control Services, extended capability 0x000d */
    unsigned acs_caps;     /* its capability register */
    unsigned acs_ctrl;
    DpTri sriov;
    DpTri ari;
    DpTri ats;
    uint64_t serial;    /* Device Serial Number; 0: none, not readable, or left out of a capture */
    DpTri intx_disable; /* command bit 10 or status tells that INTx can be masked: unknown without a
                           test */
} DpCaps;

typedef enum {
    DP_POWER_UNKNOWN,
    DP_POWER_D0,
    DP_POWER_D1,
    DP_POWER_D2,
    DP_POWER_D3HOT,
    DP_POWER_D3COLD,
} DpPower;

typedef struct DpFunction DpFunction;

struct DpFunction {
    DpAddr addr;
    char name[DP_ADDR_LEN]; /* "0000:03:00.0" */
    DpTri ids_known; /* NO: `vendor` or `device` unreadable or strange; the ids are then 0xffff */
    uint16_t vendor, device, subvendor, subdevice;
    uint32_t class_code; /* 24 bits: class, subclass, programming interface */
    uint8_t revision;
    int header_type; /* 0, 1, 2; -1 unknown */
    DpBar bars[DP_N_BARS];
    uint64_t window;        /* bytes of a bridge's larger memory window; 0: none, or no bridge */
    GArray *group_reserved; /* DpReserved: what the kernel says of its IOMMU group
                               (reserved_regions), shared within the group; NULL: unknown */
    GArray *table_reserved; /* DpReserved: what DMAR or IVRS say of it; NULL: nothing, or unknown */
    DpCaps caps;
    DpTri dead; /* YES: configuration reads all ones while the device is not asleep */
    DpPower power_state;
    char *runtime_status;  /* power/runtime_status: "active", "suspended", NULL */
    char *driver;          /* bound driver, NULL: none */
    char *driver_override; /* NULL: none */
    int iommu_group;       /* -1: none */
    int numa_node;         /* -1: none */
    int irq;               /* INTx line or 0 */
    int irq_pin;           /* 1 to 4 = INTA to INTD, 0: none, -1: unknown */
    unsigned n_msi_irqs;   /* entries of msi_irqs: vectors in use now */
    char **reset_methods; /* words of reset_method, a hint only; NULL: no such file (none, or an old
                             kernel) */
    DpTri reset_file;     /* the `reset` attribute exists */
    DpTri boot_vga;
    DpTri sriov_pf;
    int sriov_numvfs, sriov_totalvfs;
    char *place;        /* where the link in sys/bus/pci/devices leads; NULL: there is a folder */
    char *physfn_name;  /* where its link `physfn` leads, NULL: no such link */
    DpFunction *physfn; /* this is a VF of that PF; NULL otherwise */
    char **host_names;  /* NULL-terminated: network interfaces, block devices ("eth0", "nvme0n1"),
                           empty if none */
    char *mac; /* permanent address of its first network interface, as sysfs writes it; NULL:
                  none, or unknown since no driver of the host has it */
    DpFunction *parent;         /* the bridge above; NULL: on a root bus */
    GPtrArray *children;        /* DpFunction below this bridge, borrowed, by address */
    int secondary, subordinate; /* bus numbers of a bridge; -1: not a bridge or unknown */
    bool is_bridge;             /* header type 1 or 2, or class 0604/0607 */
    DpDiagList *diags;          /* what was strange about this function */
};

/* Another machine that the host reaches over its network, and how. */
typedef struct {
    char *address; /* "10.0.0.5", "fe80::1"; a captured host has another one in its place */
    char **nets;   /* names of the interfaces that its route leads out of; empty: there is no route
                    */
} DpPeer;

/* What is mounted, swapped on, or routed through, and what it stands on. */
typedef struct {
    char *device;     /* "259:1" major:minor, or "0:NN" for those without a block device */
    char *mountpoint; /* unescaped */
    char *fstype;
    char *source; /* "/dev/nvme0n1p1" */
    DpPeer *peer; /* the server of a network file system; NULL: none, or its address is unknown */
} DpMount;

/* A block device; what it is made of (device-mapper, md: `slaves`; partition: its disk) leads down
 * to functions. */
typedef struct {
    char *name;       /* "nvme0n1p1" */
    char *devno;      /* "259:1" */
    char **below;     /* names of the devices it is made of, NULL-terminated, empty for a disk */
    char **functions; /* names ("0000:03:00.0") of functions in its sysfs path, nearest first;
                         empty: virtual */
    char *path; /* what lies between function and disk, for people: "usb 2-1", "ata1", "nvme0"; may
                   be NULL */
    bool swap;  /* listed in /proc/swaps */
    bool multipath;   /* `below` are ways to one and the same disk: each of them is enough */
    char *pool;       /* the imported ZFS pool that it is a member of; NULL: none */
    char *controller; /* path of the NVMe controller that this stands for, one of several ways to a
                         disk; NULL: a block device */
    DpPeer *peer;     /* a disk of another machine (iSCSI, NVMe over fabrics, RBD); NULL: it is not,
                         or its address is not known */
    const char *remote; /* "NBD", "DRBD", "RBD": a kind whose blocks come over a network, static;
                           NULL: another */
    bool esp;           /* an EFI system partition, as udev has read its type */
} DpBlock;

/* A file system or swap space that /etc/fstab names and that is not in use now. */
typedef struct {
    char *mountpoint; /* unescaped; "none" for swap space */
    char *fstype;
    char *device; /* name of its block device */
    bool by_hand; /* noauto: neither the next start nor a look into the folder mounts it */
} DpAwaited;

typedef struct {
    char *name;       /* "eth0" */
    char **functions; /* names of functions in its sysfs path, nearest first */
    char **below;     /* interfaces it is made of: bridge ports, bond slaves, a VLAN's parent, those
                         that a tunnel leaves by */
    bool default_route; /* a default route of IPv4 or IPv6 leads out of it */
    const char *tunnel; /* "GRE", "WireGuard": what goes in comes out of another interface, static;
                           with nothing `below` it is not known of which; NULL: no tunnel */
} DpNet;

/* What still shows the firmware's picture (proc/iomem). */
typedef struct {
    uint64_t start, last; /* addresses, both included */
    const char *driver;   /* "efifb", static */
} DpFramebuffer;

/* What a person at the machine sits at: a keyboard, or a terminal that the kernel's console is on.
 */
typedef struct {
    char *name;       /* "input5", "ttyS4" */
    char **functions; /* names of functions in its sysfs path, nearest first */
    char *path;       /* what lies between function and it, for people: "usb 1-3"; may be NULL */
} DpSeat;

/* Where the kernel that is loaded for a crash would write its dump: one of the three. */
typedef struct {
    bool armed;   /* such a kernel is loaded */
    char *folder; /* "/var/crash" */
    char *device; /* name of a block device */
    DpPeer *peer;
} DpCrash;

/* Huge pages of one size, as the administrator has reserved them. */
typedef struct {
    uint64_t page; /* bytes of one */
    uint64_t free; /* bytes that nobody has mapped */
} DpHugePool;

#define DP_N_HUGE 2 /* 1 GiB, 2 MiB: in this order */

typedef enum { DP_IOMMU_NONE, DP_IOMMU_VTD, DP_IOMMU_AMDVI, DP_IOMMU_OTHER } DpIommuKind;

typedef struct {
    DpIommuKind iommu;          /* from /sys/class/iommu: dmar* or ivhd*; NONE: no unit is active */
    DpTri iommu_in_firmware;    /* a DMAR or IVRS table exists (sys/firmware/acpi/tables) */
    DpTri intel_in_firmware;    /* it is DMAR */
    DpTri intremap_in_firmware; /* DMAR: the platform can remap interrupts; unknown to an ordinary
                                   user */
    DpTri x2apic_opt_out;       /* DMAR: the firmware asks for no x2APIC */
    DpTri interrupt_remapping;  /* unknown to an ordinary user on some kernels */
    DpTri cpu_virtualization;   /* vmx or svm in /proc/cpuinfo */
    DpTri hypervisor;           /* the flag of that name there: this host is itself a VM */
    char *cpu_vendor;           /* "GenuineIntel" */
    unsigned address_bits;      /* of physical addresses (proc/cpuinfo); 0 unknown */
    DpTri kvm;  /* /dev/kvm exists (char device), or module kvm_intel/kvm_amd in /proc/modules or
                   /sys/module for a captured tree */
    DpTri vfio; /* driver vfio-pci present, or its module loadable (modules.dep names it) */
    DpTri vfio_iommu_type1;
    DpTri
        unsafe_interrupts; /* module parameter allow_unsafe_interrupts is Y: somebody else set it */
    DpTri no_intx_masking; /* module parameter nointxmask of vfio_pci is Y */
    char *lockdown;     /* "none", "integrity", "confidentiality"; NULL: unknown or not built in */
    DpTri efi_firmware; /* Debian's OVMF for guests, with and without secure boot */
    bool efi;           /* the firmware that started it is EFI (sys/firmware/efi) */
    char *kernel;       /* release */
    char *cmdline;      /* /proc/cmdline */
    uint64_t mem_total, mem_available; /* bytes; 0 unknown */
    DpHugePool huge[DP_N_HUGE];
    DpTri transparent;   /* who asks for transparent huge pages gets them */
    unsigned iommu_bits; /* of the addresses that every VT-d unit translates; 0 unknown */
} DpPlatform;

typedef struct {
    DpPlatform platform;
    GPtrArray *functions;  /* DpFunction, sorted by address; owned */
    GPtrArray *mounts;     /* DpMount */
    GPtrArray *awaited;    /* DpAwaited */
    GPtrArray *blocks;     /* DpBlock */
    GPtrArray *nets;       /* DpNet */
    GPtrArray *swap_files; /* char *: paths of the files among the swap space in use */
    GPtrArray *logins;     /* DpPeer: from where somebody is logged in */
    GPtrArray *keyboards;  /* DpSeat; those without a function (PS/2) too */
    GPtrArray *consoles;   /* DpSeat; those with a function only */
    DpCrash crash;
    GArray *group_ids;    /* int, sorted: IOMMU groups that exist */
    GArray *framebuffers; /* DpFramebuffer; empty also where an ordinary user sees no addresses */
    DpDiagList *diags;    /* about the scan as a whole */
} DpHost;

/* Scans what lies beneath @root. Fails only if there is no sys/bus/pci at all to be read;
 * everything else becomes diagnostics. */
DpHost *dp_host_scan(DpRoot *root, GError **error);

/* Is @driver, which has a PCI function, built into the kernel that runs (modules.builtin)? */
DpTri dp_host_is_builtin(DpRoot *root, const DpHost *host, const char *driver);

/* In @list, the text of modules.builtin ("kernel/drivers/ata/ahci.ko", one a line), in either
 * spelling of @module ("vfio-pci", "vfio_pci"). For its fuzzer. */
bool dp_module_is_listed(const char *list, const char *module);

/* A host of which nothing can be seen: the root of a system that does not run. */
DpHost *dp_host_unseen(void);
void dp_host_free(DpHost *host);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpHost, dp_host_free)

/* By address or by sysfs name; NULL if there is none. */
DpFunction *dp_host_find(const DpHost *host, const DpAddr *addr);
DpFunction *dp_host_find_name(const DpHost *host, const char *name);

/* Where @fn sits, told so that it outlives another numbering of the buses: its root bus, then
 * device and function of each bridge down to it: "0000:00:04.0/00.0". The caller frees it. */
char *dp_function_path(const DpFunction *fn);

/* Functions of IOMMU group @group: a new GPtrArray of borrowed DpFunction. */
GPtrArray *dp_host_group(const DpHost *host, int group);

/* "Vendor Device" from the machine's pci.ids, which is read at the first question; never NULL. The
 * caller frees the string. Any thread may ask. */
typedef struct DpNames DpNames;
DpNames *dp_names_new(void);
void dp_names_free(DpNames *names);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpNames, dp_names_free)
char *dp_names_function(DpNames *names, const DpFunction *fn);
/* The two by themselves; "" where the ids are unknown. */
char *dp_names_vendor(DpNames *names, const DpFunction *fn);
char *dp_names_device(DpNames *names, const DpFunction *fn);
/* The same for ids of a list of devices, of which 0xffff stands for any: "Intel Corporation, any
 * device". */
char *dp_names_ids(DpNames *names, uint16_t vendor, uint16_t device);
/* "Network controller" and the like. */
char *dp_names_class(DpNames *names, const DpFunction *fn);
