/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a disk is, from its first bytes; and that nothing but its own folder is ever believed. */
#include "vm/vmdk.h"

#include <string.h>

typedef struct {
    const char *name;
    const char *descriptor;
    DpDiagId id; /* 0: accepted */
    const char *says;
} Case;

#define HEAD(kind)                                                                                 \
    "# Disk DescriptorFile\nversion=1\nCID=123a\nparentCID=ffffffff\ncreateType=\"" kind "\"\n"

static const Case texts[] = {
    {"flat", HEAD("monolithicFlat") "RW 2048 FLAT \"a-flat.vmdk\" 0\n", 0, NULL},
    {"vmfs", HEAD("vmfs") "RW 2048 VMFS \"a-flat.vmdk\"\n", 0, NULL},
    {"crlf",
     "# Disk DescriptorFile\r\nparentCID=ffffffff\r\ncreateType = \"vmfs\"\r\nRW 2048 VMFS "
     "\"a-flat.vmdk\"\r\n",
     0, NULL},
    {"absolute", HEAD("monolithicFlat") "RW 2048 FLAT \"/etc/shadow\" 0\n", DP_DIAG_VMX_DISK_EXTENT,
     "/etc/shadow"},
    {"upwards", HEAD("monolithicFlat") "RW 2048 FLAT \"../b.vmdk\" 0\n", DP_DIAG_VMX_DISK_EXTENT,
     "../b.vmdk"},
    {"hidden", HEAD("monolithicFlat") "RW 2048 FLAT \"..\" 0\n", DP_DIAG_VMX_DISK_EXTENT, NULL},
    {"empty-name", HEAD("monolithicFlat") "RW 2048 FLAT \"\" 0\n", DP_DIAG_VMX_DISK_EXTENT, NULL},
    {"offset", HEAD("monolithicFlat") "RW 2048 FLAT \"a-flat.vmdk\" 512\n", DP_DIAG_VMX_DISK_KIND,
     NULL},
    {"read-only", HEAD("monolithicFlat") "RDONLY 2048 FLAT \"a-flat.vmdk\" 0\n",
     DP_DIAG_VMX_DISK_KIND, NULL},
    {"too-large", HEAD("monolithicFlat") "RW 99999999999999999999 FLAT \"a-flat.vmdk\" 0\n",
     DP_DIAG_VMX_DISK_KIND, NULL},
    {"no-size", HEAD("monolithicFlat") "RW 0 FLAT \"a-flat.vmdk\" 0\n", DP_DIAG_VMX_DISK_KIND,
     NULL},
    {"no-extent", HEAD("monolithicFlat"), DP_DIAG_VMX_DISK_KIND, "0 extents"},
    {"two-extents", HEAD("monolithicFlat") "RW 2048 FLAT \"a\" 0\nRW 2048 FLAT \"b\" 0\n",
     DP_DIAG_VMX_DISK_KIND, "2 extents"},
    {"split-outside", HEAD("twoGbMaxExtentSparse") "RW 2048 SPARSE \"../a-s001.vmdk\"\n",
     DP_DIAG_VMX_DISK_EXTENT, "../a-s001.vmdk"},
    {"split-mixed", HEAD("twoGbMaxExtentFlat") "RW 2048 SPARSE \"a-s001.vmdk\"\n",
     DP_DIAG_VMX_DISK_KIND, NULL},
    {"split-none", HEAD("twoGbMaxExtentFlat"), DP_DIAG_VMX_DISK_KIND, "0 extents"},
    {"snapshot", "# Disk DescriptorFile\nparentCID=123a\ncreateType=\"vmfs\"\nRW 1 VMFS \"a\"\n",
     DP_DIAG_VMX_DISK_PARENT, NULL},
    {"hint", HEAD("vmfs") "parentFileNameHint=\"b.vmdk\"\nRW 1 VMFS \"a\"\n",
     DP_DIAG_VMX_DISK_PARENT, NULL},
    {"sesparse", HEAD("seSparse") "RW 1 SESPARSE \"a\"\n", DP_DIAG_VMX_DISK_PARENT, NULL},
    {"rdm", HEAD("vmfsRawDeviceMap") "RW 1 VMFSRDM \"a\"\n", DP_DIAG_VMX_DISK_RAW, NULL},
    {"device", HEAD("fullDevice") "RW 1 FLAT \"/dev/sda\" 0\n", DP_DIAG_VMX_DISK_RAW, NULL},
    {"encrypted", HEAD("vmfs") "encryptionKeys = \"vmware:key/list\"\nRW 1 VMFS \"a\"\n",
     DP_DIAG_VMX_DISK_ENCRYPTED, NULL},
    {"no-kind", "# Disk DescriptorFile\nversion=1\n", DP_DIAG_VMX_DISK_KIND, "createType"},
    {"unknown-kind", HEAD("custom") "RW 1 FLAT \"a\" 0\n", DP_DIAG_VMX_DISK_KIND, "custom"},
    {"esx-delta", "COWD\1\0\0\0", DP_DIAG_VMX_DISK_PARENT, NULL},
    {"nothing", "", DP_DIAG_VMX_FILE_KIND, NULL},
    {"passwords", "root:$6$abc:19000:0:99999:7:::\n", DP_DIAG_VMX_FILE_KIND, NULL},
};

static void
test_text(gconstpointer data)
{
    const Case *c = data;
    g_autofree char *why = NULL;
    DpVmdk vmdk = {0};
    DpDiagId id = 0;
    bool ok = dp_vmdk_parse(c->descriptor, strlen(c->descriptor), &vmdk, &id, &why);

    g_assert_cmpint(id, ==, c->id);
    g_assert_cmpint(ok, ==, c->id == 0);
    if (ok) {
        g_assert_cmpint(vmdk.kind, ==, DP_VMDK_FLAT);
        g_assert_cmpstr(vmdk.extent, ==, "a-flat.vmdk");
        g_assert_cmpuint(vmdk.size, ==, 2048 * 512);
    } else {
        g_assert_nonnull(why);
        g_assert_true(c->says == NULL || strstr(why, c->says) != NULL);
    }
}

/* A hosted sparse file whose fields can be bent. */
static GByteArray *
sparse(uint32_t flags, uint64_t capacity, uint64_t where, uint64_t size, const char *descriptor)
{
    GByteArray *bytes = g_byte_array_new();

    g_byte_array_set_size(bytes, 512 * 21);
    memset(bytes->data, 0, bytes->len);
    memcpy(bytes->data, "KDMV\1", 5);
    flags = GUINT32_TO_LE(flags);
    capacity = GUINT64_TO_LE(capacity);
    where = GUINT64_TO_LE(where);
    size = GUINT64_TO_LE(size);
    memcpy(bytes->data + 8, &flags, sizeof flags);
    memcpy(bytes->data + 12, &capacity, sizeof capacity);
    memcpy(bytes->data + 28, &where, sizeof where);
    memcpy(bytes->data + 36, &size, sizeof size);
    memcpy(bytes->data + 512, descriptor, strlen(descriptor));
    return bytes;
}

static void
test_sparse(void)
{
    static const char mono[] = HEAD("monolithicSparse") "RW 2048 SPARSE \"a.vmdk\"\n";
    static const char stream[] = HEAD("streamOptimized") "RDONLY 2048 SPARSE \"a.vmdk\"\n";
    static const char flat[] = HEAD("monolithicFlat") "RW 2048 FLAT \"/etc/shadow\" 0\n";
    static const char child[] =
        "# Disk DescriptorFile\nparentCID=1\ncreateType=\"monolithicSparse\"\n";
    static const struct {
        uint32_t flags;
        uint64_t capacity, where, size;
        const char *descriptor;
        DpDiagId id;
        DpVmdkKind kind;
    } rows[] = {
        {3, 2048, 1, 20, mono, 0, DP_VMDK_SPARSE},
        {0x30001, 2048, 1, 20, stream, 0, DP_VMDK_STREAM},
        /* Without a capacity QEMU would take extents from the descriptor inside. */
        {3, 0, 1, 20, flat, DP_DIAG_VMX_DISK_KIND, 0},
        {3, 2048, 1, 20, flat, DP_DIAG_VMX_DISK_KIND, 0},
        {3, 2048, 1, 20, child, DP_DIAG_VMX_DISK_PARENT, 0},
        {3, 2048, 0, 0, mono, DP_DIAG_VMX_DISK_KIND, 0},
        {3, 2048, 1, 21, mono, DP_DIAG_VMX_DISK_KIND, 0},
        {3, 2048, G_MAXUINT64, 20, mono, DP_DIAG_VMX_DISK_KIND, 0},
        {3, 2048, 1, G_MAXUINT64, mono, DP_DIAG_VMX_DISK_KIND, 0},
        {3, 2048, 0x0080000000000001, 1, mono, DP_DIAG_VMX_DISK_KIND, 0},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GByteArray) bytes = sparse(rows[i].flags, rows[i].capacity, rows[i].where,
                                             rows[i].size, rows[i].descriptor);
        g_autofree char *why = NULL;
        DpVmdk vmdk = {0};
        DpDiagId id = 0;

        (void)dp_vmdk_parse((const char *)bytes->data, bytes->len, &vmdk, &id, &why);
        g_assert_cmpint(id, ==, rows[i].id);
        g_assert_cmpint(vmdk.kind, ==, rows[i].kind);
    }
}

/* Every truncation of a good disk is refused or read without a step outside (for the sanitizers).
 */
static void
test_truncated(void)
{
    g_autoptr(GByteArray) bytes = sparse(3, 2048, 1, 20, HEAD("monolithicSparse"));

    for (guint len = 0; len < bytes->len; len += len < 600 ? 1 : 97) {
        g_autofree char *copy = g_memdup2(bytes->data, len);
        g_autofree char *why = NULL;
        DpVmdk vmdk;
        DpDiagId id;

        g_assert_false(dp_vmdk_parse(copy, len, &vmdk, &id, &why));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *path = g_strdup_printf("/vmdk/text/%s", texts[i].name);

        g_test_add_data_func(path, &texts[i], test_text);
    }
    g_test_add_func("/vmdk/sparse", test_sparse);
    g_test_add_func("/vmdk/truncated", test_truncated);
    return g_test_run();
}
