/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the host room: the parts of one scan. Each fills its share of the snapshot and turns what
 * is strange into diagnostics; none of them fails. */
#pragma once

#include "host.h"

#define DP_PCI_DEVICES "sys/bus/pci/devices"
#define DP_ZFS_POOLS   "proc/spl/kstat/zfs" /* a folder for each imported pool */
#define DP_UDEV        "run/udev/data"      /* "b259:3": what udev knows of that block device */
#define DP_EFI         "sys/firmware/efi"
#define DP_IOMMU_UNITS "sys/class/iommu"
#define DP_VTD_CAP     "intel-iommu/cap" /* of a unit: its capability register */
#define DP_HUGE_PAGES  "sys/kernel/mm/hugepages"
#define DP_TRANSPARENT "sys/kernel/mm/transparent_hugepage/enabled"

/* Debian's package ovmf: firmware of guests, and templates of its variables. */
#define DP_OVMF "usr/share/OVMF"
extern const char *const dp_ovmf_files[4];

/* UEFI 5.3.3: the type of an EFI system partition. */
#define DP_ESP_TYPE "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"

/* PCIe 7.2: 256 bytes of conventional, 4096 of extended configuration space; ordinary users read
 * the first 64. */
#define DP_CONFIG_USER     64u
#define DP_CONFIG_STANDARD 256u
#define DP_CONFIG_EXTENDED 4096u

/* Attributes whose read can wait for a lock of the device (driver_override, sriov_numvfs: the
 * device lock, which a blocked unbind holds; config: a reset that does not end). */
typedef enum { DP_SLOW_RESET_METHOD, DP_SLOW_NUMVFS, DP_SLOW_OVERRIDE, DP_N_SLOW } DpSlowAttr;
extern const char *const dp_slow_attrs[DP_N_SLOW];

#define DP_SLOW_TEXT 256

typedef struct {
    enum { DP_SLOW_UNREAD, DP_SLOW_READING, DP_SLOW_READ, DP_SLOW_STUCK, DP_SLOW_SKIP } state;
    bool want_config, want_numvfs;
    bool captured; /* `config` is a file: no read of it reaches a device */
    bool locked;   /* what needs the device's lock is not asked for: it stays stuck */
    bool have_config,
        have[DP_N_SLOW]; /* read, or refused: one that is stuck has what came before */
    int config_len;      /* bytes, or -errno */
    int len[DP_N_SLOW];  /* bytes, or -errno */
    char text[DP_N_SLOW][DP_SLOW_TEXT];
    uint8_t config[DP_CONFIG_EXTENDED];
} DpSlow;

/* Reads the slow facts of one function into @slow; may block. @dir_fd: its folder, or -errno. */
typedef void (*DpSlowReader)(int root_fd, const char *name, DpSlow *slow);
void dp_slow_read_folder(int dir_fd, DpSlow *slow);
void dp_slow_read_one(int root_fd, const char *name, DpSlow *slow);

/*
 * Slots for the functions of a host, in its order; where @shared, with the children that fill them
 * under a deadline: a function whose read does not end becomes DP_SLOW_STUCK. NULL: out of memory.
 */
typedef struct {
    size_t n;
    DpSlow *slots;
    int blocked_ms; /* DpRoot.blocked_ms */
} DpSlowTable;
DpSlowTable *dp_slow_table_new(size_t n, bool shared);
void dp_slow_table_free(DpSlowTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpSlowTable, dp_slow_table_free)
void
dp_slow_table_read(DpSlowTable *table, int root_fd, const char *const *names, DpSlowReader reader);

/* function.c: everything about one function that sysfs tells at once; slow facts come after, unless
 * @slow says where they go (of a captured host, where no read blocks or wakes anything). */
DpFunction *dp_function_new(const DpAddr *addr);
void dp_function_free(DpFunction *fn);
/* @devices_fd is DP_PCI_DEVICES. False: it has no folder; that is reported, and there is nothing
 * more to read. */
bool dp_function_read(DpRoot *root, int devices_fd, DpFunction *fn, DpSlow *slow);
void dp_function_take_slow(DpFunction *fn, const DpSlow *slow);
/* True if reading its configuration would wake it or a bridge above it. */
bool dp_function_sleeps(const DpFunction *fn);
/* Says of attribute @attr that it cannot be read, or holds what it cannot. */
void dp_function_unreadable(DpFunction *fn, const char *attr, int err);
void dp_function_strange(DpFunction *fn, const char *attr, const char *value);

/* topology.c */
/* The addresses among the components of a path, outermost first. */
GPtrArray *dp_path_functions(const char *path);
/* Parents as the links of sysfs tell; before the slow facts are read. */
void dp_topology_from_links(DpHost *host);
/* Parents of those without a link, from bus numbers; then children, missing bus numbers, PFs. */
void dp_topology_finish(DpHost *host);

/* parse.c: lines of the kernel, bytes in and numbers out. Each ends at NUL or newline. */
/* "0xSTART 0xEND 0xFLAGS" of `resource`. */
bool dp_parse_bar(const char *line, DpBar *ret_bar);
/* "pci:v00008086d00001572sv00008086sd00000001bc02sc00i00" of `modalias`: what the kernel holds the
 * function for, in one line. */
typedef struct {
    uint16_t vendor, device, subvendor, subdevice;
    uint32_t class_code; /* 24 bits */
} DpIds;
bool dp_parse_modalias(const char *line, DpIds *ret_ids);
/* "0xSTART 0xEND TYPE" of `reserved_regions`; *ret_direct: it is one that the firmware's device
 * goes on using. */
bool dp_parse_region(const char *line, DpReserved *ret_region, bool *ret_direct);
/* "  START-END : NAME" of iomem: true if NAME is one of a driver of the firmware's picture. */
bool dp_parse_framebuffer(const char *line, DpFramebuffer *ret_framebuffer);

/* firmware.c: DMAR, IVRS and what they reserve; functions and their tree must be there.
 * framebuffer.c: proc/iomem. */
#define DP_ACPI_TABLES "sys/firmware/acpi/tables"
#define DP_IOMEM       "proc/iomem"
void dp_scan_firmware(DpRoot *root, DpHost *host);
void dp_scan_framebuffers(DpRoot *root, DpHost *host);

/* iommu.c, platform.c, mounts.c, blocks.c, nets.c; @routes: DpRoute. */
void dp_scan_groups(DpRoot *root, DpHost *host);
void dp_scan_platform(DpRoot *root, DpHost *host);
/* pages.c: huge pages. */
void dp_scan_pages(DpRoot *root, DpHost *host);
void dp_scan_blocks(DpRoot *root, DpHost *host, const GPtrArray *routes);
void dp_scan_mounts(DpRoot *root, DpHost *host, const GPtrArray *routes);
/* members.c: what file systems without a device number of their own stand on; called by
 * dp_scan_mounts. */
void dp_scan_members(DpRoot *root, DpHost *host);
/* awaited.c; mounts and swaps must be there. */
void dp_scan_awaited(DpRoot *root, DpHost *host);
void dp_scan_nets(DpRoot *root, DpHost *host, const GPtrArray *routes);

/* peers.c: other machines. */
GPtrArray *dp_scan_routes(DpRoot *root, DpHost *host);
/* NULL: @address is none that can be read, or of this machine itself. */
DpPeer *dp_peer_new(const GPtrArray *routes, const char *address);
void dp_peer_free(gpointer peer);
/* The server that a mount's options ("addr=") or its source ("10.0.0.5:/srv") name. */
DpPeer *dp_peer_of_mount(const GPtrArray *routes, const char *source, const char *options);
/* The other end of the iSCSI session in sysfs path @link, or of NVMe controller folder @path. */
DpPeer *dp_peer_of_session(DpRoot *root, const GPtrArray *routes, const char *link);
DpPeer *dp_peer_of_controller(DpRoot *root, const GPtrArray *routes, const char *path);

/* Fills remote and, where its client's address tells the interfaces, peer of a disk that a client
 * in the kernel brings over a network (remote.c). */
void dp_scan_remote_disk(DpRoot *root, const GPtrArray *routes, DpBlock *block);

/* Fills tunnel of each interface that is one, and what it leaves by (tunnels.c). */
void dp_scan_tunnels(DpRoot *root, DpHost *host, const GPtrArray *routes);
void dp_net_add_below(DpNet *net, const char *name);
/* logins.c, seats.c, crash.c; blocks must be there. */
void dp_scan_logins(DpRoot *root, DpHost *host, const GPtrArray *routes);
void dp_scan_seats(DpRoot *root, DpHost *host);
/* True for capabilities/ev and capabilities/key of a keyboard with letters on it. */
bool dp_seat_is_keyboard(const char *ev, const char *key);
void dp_scan_crash(DpRoot *root, DpHost *host, const GPtrArray *routes);

/* host.c: the whole scan, and the slow facts as they were read. */
DpHost *dp_scan_with_slow(DpRoot *root, DpSlowTable **ret_slow, GError **error);

/* Adds to the host's names for @fn, once. */
void dp_host_name_add(DpFunction *fn, const char *name);
/* The block device that "/dev/..." names, or NULL. */
DpBlock *dp_blocks_find_source(DpRoot *root, DpHost *host, const char *source);

/* What lies between function and disk in the sysfs path @link, in the words people use ("usb 2-1",
 * "ata1"); NULL: nothing, or there is no function in it. */
char *dp_scan_describe_link(const char *link);

/* Helpers that several parts need. */
/* A foreign name made safe to show, whole up to 4096 bytes; NULL stays NULL. Takes @bytes. */
char *dp_scan_visible(char *bytes);
/* \040 and its like undone, as the kernel writes them in tables of mounts and swaps. */
char *dp_scan_unescape(const char *text);
/* The other way: backslash, space, tab and newline. */
char *dp_scan_escape(const char *text);
/* The last component of the link @path, or NULL. */
char *dp_scan_link_name(int root_fd, const char *path);
bool dp_scan_exists(int root_fd, const char *path);
/* A whole file in lines (NULL: unreadable, and a diagnostic unless it does not exist). */
char **dp_scan_lines(DpRoot *root, DpHost *host, const char *path);
/* The words between white space. */
char **dp_scan_words(const char *line);
/* Decimal or 0x-number, nothing else around it. */
bool dp_scan_number(const char *text, int64_t min, int64_t max, int64_t *ret_value);
/* Names of the functions in @path that @host has, nearest first; NULL-terminated. */
char **dp_scan_path_functions(const DpHost *host, const char *path);
