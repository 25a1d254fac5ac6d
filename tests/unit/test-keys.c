/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of keys: each row can be reached, no key of a disk or of what the guest sees is passed
 * over, and the files of the field are known (../shared/corpus, or DIRECTPATH_CORPUS, where it
 * lies beside the project).
 */
#include "test-data.h"
#include "vm/keys.h"

/* A key that @pattern takes. */
static char *
sample_of(const char *pattern)
{
    GString *key = g_string_new(NULL);

    for (; *pattern != '\0'; pattern++) {
        if (*pattern == '\\') {
            g_string_append_c(key, *++pattern);
        } else {
            g_string_append(key, *pattern == '#' ? "0" : *pattern == '*' ? "zz" : "");
            if (*pattern != '#' && *pattern != '*') {
                g_string_append_c(key, *pattern);
            }
        }
    }
    return g_string_free(key, FALSE);
}

/* A row behind a more general one would never hold. */
static void
test_rows_are_reached(void)
{
    size_t n;
    const DpKeyRow *rows = dp_key_rows(&n);

    for (size_t i = 0; i < n; i++) {
        g_autofree char *key = sample_of(rows[i].pattern);

        if (dp_key_lookup(key) != &rows[i]) {
            g_error("%s: the row %s hides it", rows[i].pattern, dp_key_lookup(key)->pattern);
        }
        g_assert_cmpuint(strlen(rows[i].note), >, 3);
    }
}

/* What decides which data is touched or what the guest sees. */
static void
test_never_ignored(void)
{
    static const char *const keys[] = {
        "virtualHW.version",
        "guestOS",
        "uuid.bios",
        "numvcpus",
        "cpuid.coresPerSocket",
        "memsize",
        "memSize",
        "firmware",
        "uefi.secureBoot.enabled",
        "nvram",
        "svga.present",
        "svga.vramSize",
        "RemoteDisplay.vnc.enabled",
        "RemoteDisplay.vnc.ip",
        "RemoteDisplay.vnc.password",
        "scsi0.present",
        "scsi0.virtualDev",
        "scsi0.sharedBus",
        "scsi0.pciSlotNumber",
        "scsi0:0.present",
        "scsi0:0.fileName",
        "scsi0:0.deviceType",
        "scsi0:0.mode",
        "scsi0:0.redo",
        "scsi0:0.sharing",
        "scsi0:0.virtualSSD",
        "sata0:1.fileName",
        "sata0:1.mode",
        "ide1:0.fileName",
        "ide1:0.deviceType",
        "ide1:0.startConnected",
        "nvme0:0.fileName",
        "nvme0:0.mode",
        "disk.enableUUID",
        "ethernet0.virtualDev",
        "ethernet0.address",
        "ethernet0.generatedAddress",
        "ethernet0.networkName",
        "ethernet0.connectionType",
        "ethernet0.startConnected",
        "ethernet0.pciSlotNumber",
        "serial0.fileName",
        "usb.present",
        "hypervisor.cpuid.v0",
        "SMBIOS.reflectHost",
        "hpet0.present",
        "rtc.startTime",
        "bios.bootOrder",
        "pciBridge0.pciSlotNumber",
        "sched.mem.min",
        "sched.mem.max",
        "pciPassthru0.id",
        "pciPassthru0.virtualDev",
        "pciPassthru0.msiEnabled",
        "pciPassthru0.allowedDevices",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        const DpKeyRow *row = dp_key_lookup(keys[i]);

        if (row == NULL || row->effect == DP_EFFECT_IGNORED) {
            g_error("%s is passed over", keys[i]);
        }
    }
}

/* A key of a disk that nobody knows stays unknown: it could be one that matters. */
static void
test_strange_keys_are_unknown(void)
{
    static const char *const keys[] = {"scsi0:0.newThing", "scsi0.newThing", "ethernet0.newThing",
                                       "nvme0:0.newThing", "disk.newThing",  "newThing"};

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_assert_null(dp_key_lookup(keys[i]));
    }
}

typedef struct {
    guint all, known;
    GHashTable *missing; /* key -> how often */
} Count;

static void
count_file(const char *path, Count *count)
{
    g_autofree char *bytes = NULL;
    g_autoptr(DpVmx) vmx = NULL;
    gsize len = 0;

    g_assert_true(g_file_get_contents(path, &bytes, &len, NULL));
    vmx = dp_vmx_parse(path, bytes, len, NULL, NULL);
    g_assert_nonnull(vmx);
    for (size_t i = 0; i < dp_vmx_n_entries(vmx); i++) {
        const char *key = dp_vmx_entry(vmx, i)->key;

        count->all++;
        if (dp_key_lookup(key) != NULL) {
            count->known++;
        } else {
            gpointer old = g_hash_table_lookup(count->missing, key);

            g_hash_table_insert(count->missing, g_strdup(key),
                                GUINT_TO_POINTER(GPOINTER_TO_UINT(old) + 1));
        }
    }
}

static void
count_folder(const char *path, Count *count)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    g_assert_nonnull(dir);
    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *file = g_build_filename(path, name, NULL);

        if (g_str_has_suffix(name, ".vmx")) {
            count_file(file, count);
        }
    }
}

static void
check_folder(const char *path)
{
    Count count = {.missing = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};
    GHashTableIter iter;
    gpointer key, n;

    count_folder(path, &count);
    g_hash_table_iter_init(&iter, count.missing);
    while (g_hash_table_iter_next(&iter, &key, &n)) {
        g_test_message("no row: %s, %u times", (const char *)key, GPOINTER_TO_UINT(n));
    }
    g_hash_table_unref(count.missing);
    g_test_message("%s: %u keys, %u of them have a row", path, count.all, count.known);
    g_assert_cmpuint(count.all, >, 0);
    g_assert_cmpuint(count.known * 100, >=, count.all * 95);
}

static void
test_field(void)
{
    g_autofree char *path = g_build_filename(g_getenv("DIRECTPATH_CORPUS"), "vmx", NULL);

    check_folder(path);
}

int
main(int argc, char **argv)
{
    g_autofree char *beside =
        g_build_filename(g_getenv("DP_TEST_DATA"), "../../../shared/corpus", NULL);

    g_test_init(&argc, &argv, NULL);
    (void)g_setenv("DIRECTPATH_CORPUS", beside, false);
    g_test_add_func("/keys/rows-are-reached", test_rows_are_reached);
    g_test_add_func("/keys/never-ignored", test_never_ignored);
    g_test_add_func("/keys/strange-keys-are-unknown", test_strange_keys_are_unknown);
    if (g_file_test(g_getenv("DIRECTPATH_CORPUS"), G_FILE_TEST_IS_DIR)) {
        g_test_add_func("/keys/field", test_field);
    }
    return g_test_run();
}
