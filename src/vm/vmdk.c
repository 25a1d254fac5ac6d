/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmdk.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define SECTOR            512u
#define DESCRIPTOR_MAX    (20u << 10) /* VMware reserves 20 sectors; tools write up to 20 KiB */
#define MAX_SECTORS       ((uint64_t)1 << 44)
#define FLAG_COMPRESSED   (1u << 16)
#define HEADER_FLAGS      8
#define HEADER_CAPACITY   12
#define HEADER_DESCRIPTOR 28
#define HEADER_GRAINS     64 /* where the first grain begins */
#define HEADER_SIZE       79

typedef struct {
    DpDiagId id;
    char *why;
} Problem;

static bool fail(Problem *problem, DpDiagId id, const char *fmt, ...) G_GNUC_PRINTF(3, 4);

static bool
fail(Problem *problem, DpDiagId id, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    problem->id = id;
    problem->why = g_strdup_vprintf(fmt, args);
    va_end(args);
    return false;
}

static uint64_t
le(const char *bytes, size_t offset, size_t n)
{
    uint64_t value = 0;

    for (size_t i = n; i > 0; i--) {
        value = value << 8 | (unsigned char)bytes[offset + i - 1];
    }
    return value;
}

/* The value of `name` in a descriptor's line, unquoted, or NULL; the caller frees it. */
static char *
line_value(const char *line, const char *name)
{
    size_t n = strlen(name);
    g_autofree char *value = NULL;

    line += strspn(line, " \t");
    if (g_ascii_strncasecmp(line, name, n) != 0) {
        return NULL;
    }
    line += n;
    line += strspn(line, " \t");
    if (*line != '=') {
        return NULL;
    }
    value = g_strstrip(g_strdup(line + 1));
    if (value[0] == '"') {
        return g_strndup(value + 1, strcspn(value + 1, "\""));
    }
    return g_steal_pointer(&value);
}

/* Kinds that are known and not offered, with what to do about them. */
static const struct {
    const char *name;
    DpDiagId id;
} refused_kinds[] = {
    {"vmfsRawDeviceMap", DP_DIAG_VMX_DISK_RAW},
    {"vmfsPassthroughRawDeviceMap", DP_DIAG_VMX_DISK_RAW},
    {"fullDevice", DP_DIAG_VMX_DISK_RAW},
    {"partitionedDevice", DP_DIAG_VMX_DISK_RAW},
    {"vmfsRaw", DP_DIAG_VMX_DISK_RAW},
    {"vmfsSparse", DP_DIAG_VMX_DISK_PARENT},
    {"seSparse", DP_DIAG_VMX_DISK_PARENT},
};

typedef struct {
    char *kind;   /* createType */
    char *extent; /* the first extent's line */
    unsigned extents;
    GPtrArray *lines; /* of all extents */
} Descriptor;

static void
descriptor_clear(Descriptor *descriptor)
{
    g_free(descriptor->kind);
    g_free(descriptor->extent);
    g_clear_pointer(&descriptor->lines, g_ptr_array_unref);
}

static bool
is_extent(const char *line)
{
    line += strspn(line, " \t");
    return g_str_has_prefix(line, "RW ") || g_str_has_prefix(line, "RDONLY ") ||
           g_str_has_prefix(line, "NOACCESS ");
}

static bool
read_line(const char *line, Descriptor *descriptor, Problem *problem)
{
    g_autofree char *parent = line_value(line, "parentCID");
    g_autofree char *hint = line_value(line, "parentFileNameHint");
    g_autofree char *keys = line_value(line, "encryptionKeys");
    char *kind = line_value(line, "createType");

    if (kind != NULL) {
        g_free(descriptor->kind);
        descriptor->kind = kind;
    }
    if (is_extent(line)) {
        if (descriptor->extents++ == 0) {
            descriptor->extent = g_strdup(line);
            descriptor->lines = g_ptr_array_new_with_free_func(g_free);
        }
        g_ptr_array_add(descriptor->lines, g_strdup(line));
    }
    if (hint != NULL || (parent != NULL && g_ascii_strcasecmp(parent, "ffffffff") != 0)) {
        return fail(problem, DP_DIAG_VMX_DISK_PARENT,
                    "it is a snapshot: what it lacks is in a parent disk");
    }
    if (keys != NULL) {
        return fail(problem, DP_DIAG_VMX_DISK_ENCRYPTED, "it is encrypted");
    }
    return true;
}

static bool
read_descriptor(const char *bytes, size_t len, Descriptor *descriptor, Problem *problem)
{
    g_autofree char *text = g_strndup(bytes, MIN(len, DESCRIPTOR_MAX));
    g_auto(GStrv) lines = g_strsplit_set(text, "\r\n", -1);

    for (size_t i = 0; lines[i] != NULL; i++) {
        if (!read_line(lines[i], descriptor, problem)) {
            return false;
        }
    }
    if (descriptor->kind == NULL) {
        return fail(problem, DP_DIAG_VMX_DISK_KIND, "its descriptor has no createType");
    }
    for (size_t i = 0; i < G_N_ELEMENTS(refused_kinds); i++) {
        if (g_ascii_strcasecmp(descriptor->kind, refused_kinds[i].name) == 0) {
            return fail(problem, refused_kinds[i].id, "its kind is %s", refused_kinds[i].name);
        }
    }
    return true;
}

/* Capacity 0 would make QEMU believe the descriptor inside, extents and all. */
static bool
parse_sparse(const char *bytes, size_t len, DpVmdk *vmdk, Problem *problem)
{
    Descriptor descriptor = {0};
    uint64_t sector, size;
    bool ok;

    if (len < HEADER_SIZE || le(bytes, HEADER_CAPACITY, 8) == 0) {
        return fail(problem, DP_DIAG_VMX_DISK_KIND, "its header is broken: it has no capacity");
    }
    vmdk->kind =
        (le(bytes, HEADER_FLAGS, 4) & FLAG_COMPRESSED) != 0 ? DP_VMDK_STREAM : DP_VMDK_SPARSE;
    sector = le(bytes, HEADER_DESCRIPTOR, 8);
    size = le(bytes, HEADER_DESCRIPTOR + 8, 8);
    if (sector == 0) {
        return fail(problem, DP_DIAG_VMX_DISK_KIND,
                    "it is one extent of a disk, not the disk: its descriptor is another file");
    }
    if (sector > len / SECTOR || size > (len - sector * SECTOR) / SECTOR) {
        return fail(problem, DP_DIAG_VMX_DISK_KIND,
                    "its descriptor does not lie in its first %zu bytes", len);
    }
    ok = read_descriptor(bytes + sector * SECTOR, (size_t)(size * SECTOR), &descriptor, problem);
    if (ok && g_ascii_strcasecmp(descriptor.kind, "monolithicSparse") != 0 &&
        g_ascii_strcasecmp(descriptor.kind, "streamOptimized") != 0) {
        g_autofree char *shown = dp_text_visible(descriptor.kind, -1);

        ok = fail(problem, DP_DIAG_VMX_DISK_KIND, "its kind is %s", shown);
    }
    descriptor_clear(&descriptor);
    return ok;
}

/* A name within the folder: no path, no protocol. */
static bool
check_name(const char *name, Problem *problem)
{
    g_autofree char *shown = NULL;

    if (name[0] != '\0' && strlen(name) < sizeof((DpVmdk *)NULL)->extent && name[0] != '.' &&
        strchr(name, '/') == NULL) {
        return true;
    }
    shown = dp_text_visible(name, -1);
    return fail(problem, DP_DIAG_VMX_DISK_EXTENT,
                "its extent \"%s\" is not in the folder of the disk", shown);
}

/* RW 4192256 SPARSE "name-s001.vmdk", or RW 4192256 FLAT "name-f001.vmdk" 0 */
static bool
parse_split_extent(const char *line, bool flat, DpVmdkExtent *extent, Problem *problem)
{
    g_auto(GStrv) words = g_strsplit_set(line, "\"", 3);
    char access[16], kind[16];
    unsigned long long sectors, offset = 0;

    if (words[0] == NULL || words[1] == NULL || words[2] == NULL ||
        sscanf(words[0], " %15s %20llu %15s", access, &sectors, kind) != 3 || sectors == 0 ||
        sectors > MAX_SECTORS) {
        return fail(problem, DP_DIAG_VMX_DISK_KIND, "an extent of it cannot be read");
    }
    (void)sscanf(words[2], " %20llu", &offset);
    if (strcmp(access, "RW") != 0 || offset != 0 || strcmp(kind, flat ? "FLAT" : "SPARSE") != 0) {
        return fail(problem, DP_DIAG_VMX_DISK_KIND, "an extent of it is no whole file of its kind");
    }
    if (!check_name(words[1], problem)) {
        return false;
    }
    g_strlcpy(extent->name, words[1], sizeof extent->name);
    extent->sectors = sectors;
    extent->flat = flat;
    return true;
}

static bool
is_split(const Descriptor *descriptor, bool *ret_flat)
{
    *ret_flat = g_ascii_strcasecmp(descriptor->kind, "twoGbMaxExtentFlat") == 0;
    return *ret_flat || g_ascii_strcasecmp(descriptor->kind, "twoGbMaxExtentSparse") == 0;
}

static bool
parse_split(
    const Descriptor *descriptor, bool flat, DpVmdk *vmdk, GArray *extents, Problem *problem)
{
    DpVmdkExtent extent = {0};

    if (descriptor->extents == 0 || descriptor->extents > DP_VMDK_EXTENTS_MAX) {
        return fail(problem, DP_DIAG_VMX_DISK_KIND, "it has %u extents, and 1 to %u can be used",
                    descriptor->extents, DP_VMDK_EXTENTS_MAX);
    }
    for (guint i = 0; i < descriptor->lines->len; i++) {
        if (!parse_split_extent(descriptor->lines->pdata[i], flat, &extent, problem)) {
            return false;
        }
        if (extents != NULL) {
            g_array_append_val(extents, extent);
        }
    }
    vmdk->kind = DP_VMDK_SPLIT;
    return true;
}

/* RW 204800 FLAT "name-flat.vmdk" 0 */
static bool
parse_extent(const char *line, DpVmdk *vmdk, Problem *problem)
{
    g_auto(GStrv) words = g_strsplit_set(line, "\"", 3);
    char access[16], kind[16];
    unsigned long long sectors, offset = 0;
    int used = 0;

    if (words[0] == NULL || words[1] == NULL || words[2] == NULL ||
        sscanf(words[0], " %15s %20llu %15s %n", access, &sectors, kind, &used) != 3 ||
        sectors == 0 || sectors > MAX_SECTORS) {
        return fail(problem, DP_DIAG_VMX_DISK_KIND, "its extent cannot be read");
    }
    (void)sscanf(words[2], " %20llu", &offset);
    if (strcmp(access, "RW") != 0 || offset != 0 ||
        (strcmp(kind, "FLAT") != 0 && strcmp(kind, "VMFS") != 0)) {
        return fail(problem, DP_DIAG_VMX_DISK_KIND, "its extent is no whole raw file");
    }
    if (!check_name(words[1], problem)) {
        return false;
    }
    g_strlcpy(vmdk->extent, words[1], sizeof vmdk->extent);
    vmdk->size = (uint64_t)sectors * SECTOR;
    vmdk->kind = DP_VMDK_FLAT;
    return true;
}

static bool
parse_text(const char *bytes, size_t len, DpVmdk *vmdk, GArray *extents, Problem *problem)
{
    Descriptor descriptor = {0};
    bool ok = read_descriptor(bytes, len, &descriptor, problem);
    bool flat;

    if (ok && is_split(&descriptor, &flat)) {
        ok = parse_split(&descriptor, flat, vmdk, extents, problem);
        descriptor_clear(&descriptor);
        return ok;
    }
    if (ok && g_ascii_strcasecmp(descriptor.kind, "monolithicFlat") != 0 &&
        g_ascii_strcasecmp(descriptor.kind, "vmfs") != 0 &&
        g_ascii_strcasecmp(descriptor.kind, "vmfsThin") != 0 &&
        g_ascii_strcasecmp(descriptor.kind, "vmfsEagerZeroedThick") != 0) {
        g_autofree char *shown = dp_text_visible(descriptor.kind, -1);

        ok = fail(problem, DP_DIAG_VMX_DISK_KIND, "its kind is %s", shown);
    }
    if (ok && descriptor.extents != 1) {
        ok = fail(problem, DP_DIAG_VMX_DISK_KIND, "it has %u extents", descriptor.extents);
    }
    ok = ok && parse_extent(descriptor.extent, vmdk, problem);
    descriptor_clear(&descriptor);
    return ok;
}

bool
dp_vmdk_is_extent(const char *bytes, size_t len)
{
    return len >= HEADER_SIZE && memcmp(bytes, "KDMV", 4) == 0 &&
           le(bytes, HEADER_CAPACITY, 8) != 0;
}

bool
dp_vmdk_parse(const char *bytes, size_t len, DpVmdk *ret_vmdk, DpDiagId *ret_id, char **ret_why)
{
    return dp_vmdk_parse_extents(bytes, len, ret_vmdk, NULL, ret_id, ret_why);
}

bool
dp_vmdk_parse_extents(const char *bytes,
                      size_t len,
                      DpVmdk *ret_vmdk,
                      GArray *extents,
                      DpDiagId *ret_id,
                      char **ret_why)
{
    Problem problem = {0};
    DpVmdk vmdk = {0};
    bool ok;

    if (len >= 4 && memcmp(bytes, "KDMV", 4) == 0) {
        ok = parse_sparse(bytes, len, &vmdk, &problem);
    } else if (len >= 4 && memcmp(bytes, "COWD", 4) == 0) {
        ok = fail(&problem, DP_DIAG_VMX_DISK_PARENT, "it is the data of an ESX snapshot");
    } else if (len >= 21 && memcmp(bytes, "# Disk DescriptorFile", 21) == 0) {
        ok = parse_text(bytes, len, &vmdk, extents, &problem);
    } else {
        ok = fail(&problem, DP_DIAG_VMX_FILE_KIND, "it is no VMDK");
    }
    if (!ok) {
        *ret_id = problem.id;
        *ret_why = problem.why;
        return false;
    }
    *ret_vmdk = vmdk;
    return true;
}

uint64_t
dp_vmdk_least(const char *bytes, size_t len)
{
    uint64_t sectors = len >= HEADER_SIZE ? le(bytes, HEADER_GRAINS, 8) : 0;

    /* As QEMU reads it; a number that would not fit is no size of a file. */
    return MIN(sectors, (uint64_t)INT64_MAX / SECTOR) * SECTOR;
}
