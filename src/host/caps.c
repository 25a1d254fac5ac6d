/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "caps.h"

#include "scan.h"

#include <linux/pci_regs.h>
#include <string.h>

/* The standard chain has room for at most 48 capabilities of 4 bytes, the extended one for 480 of
 * 8. */
#define STANDARD_MAX 48
#define EXTENDED_MAX 480

/* Header and serial number. */
#define PCI_DSN_SIZEOF 12

typedef struct {
    const uint8_t *bytes;
    size_t len;
    DpCaps *caps;
    unsigned faults;
} Space;

static bool
fits(Space *space, size_t at, size_t width)
{
    if (at <= space->len && width <= space->len - at) {
        return true;
    }
    space->faults |= DP_CAPS_CUT;
    return false;
}

static unsigned
get16(const Space *space, size_t at)
{
    return space->bytes[at] | (unsigned)space->bytes[at + 1] << 8;
}

static uint32_t
get32(const Space *space, size_t at)
{
    return get16(space, at) | (uint32_t)get16(space, at + 2) << 16;
}

static DpTri
tri(bool yes)
{
    return yes ? DP_TRI_YES : DP_TRI_NO;
}

/* PCI PM 3.2 */
static void
take_pm(Space *space, size_t at)
{
    DpCaps *caps = space->caps;

    caps->pm = DP_TRI_YES;
    caps->no_soft_reset = tri(get16(space, at + PCI_PM_CTRL) & PCI_PM_CTRL_NO_SOFT_RESET);
}

/* PCI 3.0, 6.8.1.3 */
static void
take_msi(Space *space, size_t at)
{
    unsigned flags = get16(space, at + PCI_MSI_FLAGS);
    unsigned log2 = (flags & PCI_MSI_FLAGS_QMASK) >> 1;

    space->caps->msi = DP_TRI_YES;
    space->caps->msi_maskable = tri(flags & PCI_MSI_FLAGS_MASKBIT);
    space->caps->msi_vectors = 1u << MIN(log2, 5u); /* 6 and 7 are reserved */
}

/* PCI 3.0, 6.8.2.3 */
static void
take_msix(Space *space, size_t at)
{
    space->caps->msix = DP_TRI_YES;
    space->caps->msix_vectors = (get16(space, at + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_QSIZE) + 1;
}

/* PCIe 7.5.3 */
static void
take_pcie(Space *space, size_t at)
{
    DpCaps *caps = space->caps;
    unsigned flags = get16(space, at + PCI_EXP_FLAGS);

    caps->pcie = DP_TRI_YES;
    caps->pcie_type = (DpPcieType)((flags & PCI_EXP_FLAGS_TYPE) >> 4);
    caps->slot_implemented = tri(flags & PCI_EXP_FLAGS_SLOT);
    caps->flr = tri(get32(space, at + PCI_EXP_DEVCAP) & PCI_EXP_DEVCAP_FLR);
}

/* PCI Advanced Features ECN; the kernel resets only with both bits (pci_af_flr). */
static void
take_af(Space *space, size_t at)
{
    unsigned bits = space->bytes[at + PCI_AF_CAP];

    space->caps->af_flr = tri((bits & PCI_AF_CAP_TP) && (bits & PCI_AF_CAP_FLR));
}

/* PCIe 7.7.11 */
static void
take_acs(Space *space, size_t at)
{
    space->caps->acs = DP_TRI_YES;
    space->caps->acs_caps = get16(space, at + PCI_ACS_CAP);
    space->caps->acs_ctrl = get16(space, at + PCI_ACS_CTRL);
}

static void
take_ari(Space *space, size_t at G_GNUC_UNUSED)
{
    space->caps->ari = DP_TRI_YES;
}

static void
take_ats(Space *space, size_t at G_GNUC_UNUSED)
{
    space->caps->ats = DP_TRI_YES;
}

/* PCIe 7.9.3. In a capture its eight bytes are zero, or behind the end of what was kept. */
static void
take_dsn(Space *space, size_t at)
{
    if (at + PCI_DSN_SIZEOF <= space->len) {
        space->caps->serial = get32(space, at + 4) | (uint64_t)get32(space, at + 8) << 32;
    }
}

static void
take_sriov(Space *space, size_t at G_GNUC_UNUSED)
{
    space->caps->sriov = DP_TRI_YES;
}

typedef struct {
    unsigned id;
    size_t length; /* bytes that are read */
    void (*take)(Space *space, size_t at);
} Cap;

static const Cap standard_caps[] = {
    {PCI_CAP_ID_PM, 8, take_pm},     {PCI_CAP_ID_MSI, 4, take_msi}, {PCI_CAP_ID_EXP, 8, take_pcie},
    {PCI_CAP_ID_MSIX, 4, take_msix}, {PCI_CAP_ID_AF, 4, take_af},
};

static const Cap extended_caps[] = {
    {PCI_EXT_CAP_ID_ACS, 8, take_acs}, {PCI_EXT_CAP_ID_ARI, 4, take_ari},
    {PCI_EXT_CAP_ID_ATS, 4, take_ats}, {PCI_EXT_CAP_ID_SRIOV, 4, take_sriov},
    {PCI_EXT_CAP_ID_DSN, 4, take_dsn},
};

static void
take(Space *space, const Cap *table, size_t n, unsigned id, size_t at)
{
    for (size_t i = 0; i < n; i++) {
        if (table[i].id == id && fits(space, at, table[i].length)) {
            table[i].take(space, at);
        }
    }
}

/* The chain of the first 256 bytes; the space is cut to them for it. */
static void
walk_standard(Space *space)
{
    bool seen[DP_CONFIG_STANDARD] = {false};
    unsigned header = space->bytes[PCI_HEADER_TYPE] & 0x7f;
    size_t start = header == PCI_HEADER_TYPE_CARDBUS ? PCI_CB_CAPABILITY_LIST : PCI_CAPABILITY_LIST;
    size_t at = space->bytes[start] & ~3u;

    if (!(get16(space, PCI_STATUS) & PCI_STATUS_CAP_LIST)) {
        return;
    }
    for (unsigned n = 0; at != 0; n++) {
        if (at < PCI_STD_HEADER_SIZEOF || !fits(space, at, 2)) {
            space->faults |= DP_CAPS_POINTER;
            return;
        }
        if (seen[at] || n >= STANDARD_MAX) {
            space->faults |= DP_CAPS_LOOP;
            return;
        }
        if (space->bytes[at] == 0xff) { /* as the kernel: the end of a chain that went silent */
            return;
        }
        seen[at] = true;
        take(space, standard_caps, G_N_ELEMENTS(standard_caps), space->bytes[at], at);
        at = space->bytes[at + 1] & ~3u;
    }
}

static void
walk_extended(Space *space)
{
    g_autofree bool *seen = g_new0(bool, DP_CONFIG_EXTENDED);
    size_t at = DP_CONFIG_STANDARD;

    for (unsigned n = 0; at != 0; n++) {
        uint32_t header;

        if (at < DP_CONFIG_STANDARD || !fits(space, at, 4)) {
            space->faults |= DP_CAPS_POINTER;
            return;
        }
        if (seen[at] || n >= EXTENDED_MAX) {
            space->faults |= DP_CAPS_LOOP;
            return;
        }
        seen[at] = true;
        header = get32(space, at);
        if (header == 0 || header == UINT32_MAX) { /* no capability here (PCIe 7.6.1) */
            return;
        }
        take(space, extended_caps, G_N_ELEMENTS(extended_caps), PCI_EXT_CAP_ID(header), at);
        at = PCI_EXT_CAP_NEXT(header);
    }
}

void
dp_caps_init(DpCaps *caps)
{
    *caps = (DpCaps){
        .readable = DP_TRI_UNKNOWN,
        .extended_readable = DP_TRI_UNKNOWN,
        .pcie = DP_TRI_UNKNOWN,
        .pcie_type = DP_PCIE_NONE,
        .slot_implemented = DP_TRI_UNKNOWN,
        .flr = DP_TRI_UNKNOWN,
        .af_flr = DP_TRI_UNKNOWN,
        .pm = DP_TRI_UNKNOWN,
        .no_soft_reset = DP_TRI_UNKNOWN,
        .msi = DP_TRI_UNKNOWN,
        .msi_maskable = DP_TRI_UNKNOWN,
        .msix = DP_TRI_UNKNOWN,
        .acs = DP_TRI_UNKNOWN,
        .sriov = DP_TRI_UNKNOWN,
        .ari = DP_TRI_UNKNOWN,
        .ats = DP_TRI_UNKNOWN,
        .intx_disable = DP_TRI_UNKNOWN,
    };
}

/* What a chain that was read to its end did not name is absent. */
static void
set_standard_absent(DpCaps *caps)
{
    caps->pcie = caps->slot_implemented = caps->flr = caps->af_flr = DP_TRI_NO;
    caps->pm = caps->no_soft_reset = DP_TRI_NO;
    caps->msi = caps->msi_maskable = caps->msix = DP_TRI_NO;
}

static void
parse_extended(Space *space)
{
    DpCaps *caps = space->caps;
    bool there = space->len >= DP_CONFIG_STANDARD + 4;

    /* PCI Express without more than 256 bytes: the machine cannot reach the rest, or the capture
     * does not hold it. */
    if (!there && caps->pcie == DP_TRI_YES) {
        return;
    }
    caps->extended_readable = DP_TRI_YES;
    caps->acs = caps->sriov = caps->ari = caps->ats = DP_TRI_NO;
    /* Bridges that ignore the upper address bits show the first 256 bytes again
     * (pci_ext_cfg_is_aliased). */
    if (there && get32(space, DP_CONFIG_STANDARD) != get32(space, 0)) {
        walk_extended(space);
    }
}

bool
dp_caps_all_ones(const uint8_t *config, size_t len)
{
    for (size_t i = 0; i < MIN(len, DP_CONFIG_USER); i++) {
        if (config[i] != 0xff) {
            return false;
        }
    }
    return len >= DP_CONFIG_USER;
}

unsigned
dp_caps_parse(const uint8_t *config, size_t len, DpCaps *ret_caps)
{
    Space space = {.bytes = config, .len = MIN(len, DP_CONFIG_EXTENDED), .caps = ret_caps};

    dp_caps_init(ret_caps);
    if (len < DP_CONFIG_USER) {
        return DP_CAPS_OK;
    }
    if (dp_caps_all_ones(config, len)) {
        ret_caps->readable = DP_TRI_NO;
        return DP_CAPS_OK;
    }
    if (get16(&space, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE) {
        ret_caps->intx_disable = DP_TRI_YES;
    }
    if (len < DP_CONFIG_STANDARD) {
        return DP_CAPS_OK;
    }
    ret_caps->readable = DP_TRI_YES;
    set_standard_absent(ret_caps);
    space.len = DP_CONFIG_STANDARD;
    walk_standard(&space);
    space.len = MIN(len, DP_CONFIG_EXTENDED);
    parse_extended(&space);
    return space.faults;
}
