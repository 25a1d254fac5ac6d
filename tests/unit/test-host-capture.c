/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A capture, unpacked, scans as the host did, and holds no secrets. */
#include "host-dump.h"
#include "host/capture.h"
#include "host/scrub.h"
#include "host/tar.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>

typedef struct {
    char *folder, *archive, *out;
} Place;

static void
set_up(Place *place, gconstpointer unused G_GNUC_UNUSED)
{
    place->folder = g_dir_make_tmp("directpath-XXXXXX", NULL);
    place->archive = g_build_filename(place->folder, "capture.tar", NULL);
    place->out = g_build_filename(place->folder, "out", NULL);
    g_assert_cmpint(g_mkdir(place->out, 0700), ==, 0);
}

static void
run(const char *const *command)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *errors = NULL;
    int status = -1;

    (void)g_spawn_sync(NULL, (char **)command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, &errors,
                       &status, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(errors, ==, "");
    g_assert_cmpint(status, ==, 0);
}

static void
tear_down(Place *place, gconstpointer unused G_GNUC_UNUSED)
{
    const char *command[] = {"rm", "-rf", place->folder, NULL};

    run(command);
    g_free(place->folder);
    g_free(place->archive);
    g_free(place->out);
}

static json_t *
scan(const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DpRoot) root = dp_root_open(path, &error);
    g_autoptr(DpHost) host = NULL;

    g_assert_no_error(error);
    host = dp_host_scan(root, &error);
    g_assert_no_error(error);
    return dp_host_dump(host);
}

static void
capture(const char *path, const char *archive)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DpRoot) root = dp_root_open(path, &error);
    dp_autofd int fd = open(archive, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    g_assert_no_error(error);
    g_assert_true(dp_host_capture(root, fd, &error));
    g_assert_no_error(error);
}

static void
unpack(const Place *place)
{
    const char *command[] = {"tar", "-C", place->out, "-xf", place->archive, NULL};

    run(command);
}

static void
test_same(Place *place, gconstpointer name)
{
    g_autofree char *tree = g_build_filename(g_getenv("DP_TREES"), name, NULL);
    json_auto_t *before = scan(tree), *after = NULL;
    g_autofree char *first = NULL, *second = NULL;

    capture(tree, place->archive);
    unpack(place);
    after = scan(place->out);
    json_object_del(json_object_get(before, "platform"), "cmdline");
    json_object_del(json_object_get(after, "platform"), "cmdline");
    first = json_dumps(before, JSON_INDENT(1) | JSON_SORT_KEYS);
    second = json_dumps(after, JSON_INDENT(1) | JSON_SORT_KEYS);
    g_assert_cmpstr(first, ==, second);
}

static bool
contains(const char *bytes, size_t len, const char *what)
{
    return memmem(bytes, len, what, strlen(what)) != NULL;
}

/* The made hosts write 5ec7e7 into every serial number, address and password. */
static void
test_secrets(Place *place, gconstpointer name)
{
    g_autofree char *tree = g_build_filename(g_getenv("DP_TREES"), name, NULL);
    g_autofree char *bytes = NULL;
    size_t len = 0;

    capture(tree, place->archive);
    g_assert_true(g_file_get_contents(place->archive, &bytes, &len, NULL));
    g_assert_cmpuint(len, >, 10240);
    g_assert_false(contains(bytes, len, "5ec7e7"));
    g_assert_false(contains(bytes, len, "5EC7E7"));
    g_assert_false(contains(bytes, len, "5e:c7:e7"));
    g_assert_false(contains(bytes, len, "\xe7\xc7\x5e"));
    g_assert_false(contains(bytes, len, "198.18.9.9"));
    g_assert_true(contains(bytes, len, ":04.0/config") || contains(bytes, len, ":04:00.0/config") ||
                  contains(bytes, len, ":14.0/config"));
    g_assert_true(contains(bytes, len, "intel_iommu=on"));
}

static void
test_hostile(Place *place, gconstpointer unused G_GNUC_UNUSED)
{
    g_autofree char *tree = g_build_filename(g_getenv("DP_TREES"), "hostile", NULL);
    json_auto_t *before = scan(tree), *after = NULL;

    capture(tree, place->archive);
    unpack(place);
    after = scan(place->out);
    /* The link without a folder is kept, the plain file in a function's place is not. */
    g_assert_cmpuint(json_array_size(json_object_get(after, "functions")), ==,
                     json_array_size(json_object_get(before, "functions")));
    g_assert_true(json_equal(json_object_get(before, "mounts"), json_object_get(after, "mounts")));
}

static void
test_full(Place *place G_GNUC_UNUSED, gconstpointer unused G_GNUC_UNUSED)
{
    g_autofree char *tree = g_build_filename(g_getenv("DP_TREES"), "lab", NULL);
    g_autoptr(DpRoot) root = dp_root_open(tree, NULL);
    g_autoptr(GError) error = NULL;
    dp_autofd int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

    g_assert_false(dp_host_capture(root, full, &error));
    g_assert_error(error, DP_ERROR, DP_ERROR_IO);
}

static void
test_tar_names(Place *place, gconstpointer unused G_GNUC_UNUSED)
{
    dp_autofd int fd = open(place->archive, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    g_autoptr(DpTar) tar = dp_tar_new(fd, 1 << 20);
    g_autofree char *part = g_strnfill(60, 'n'), *component = g_strnfill(180, 'c');
    g_autofree char *split = g_strdup_printf("%s/%s/%s", part, part, part);
    g_autofree char *deep = g_strdup_printf("%s/%s/file", split, component);
    g_autofree char *target = g_strdup_printf("%s/%s", part, part);
    g_autofree char *deep_path = g_build_filename(place->out, deep, NULL);
    g_autofree char *link_path = g_build_filename(place->out, "link", NULL);
    g_autofree char *split_path = g_build_filename(place->out, split, "file", NULL);
    g_autofree char *split_file = g_strdup_printf("%s/file", split);
    g_autofree char *text = NULL, *split_text = NULL, *link = NULL;
    g_autoptr(GError) error = NULL;

    dp_tar_add_file(tar, deep, "deep", 4);
    dp_tar_add_file(tar, split_file, "split", 5);
    dp_tar_add_file(tar, split_file, "again", 5);
    dp_tar_add_file(tar, "../out", "x", 1);
    dp_tar_add_file(tar, "/absolute", "x", 1);
    dp_tar_add_file(tar, "a//b", "x", 1);
    dp_tar_add_file(tar, "", "x", 1);
    dp_tar_add_link(tar, "link", target);
    g_assert_true(dp_tar_finish(tar, &error));
    g_assert_no_error(error);
    unpack(place);
    g_assert_true(g_file_get_contents(deep_path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "deep");
    g_assert_true(g_file_get_contents(split_path, &split_text, NULL, NULL));
    g_assert_cmpstr(split_text, ==, "split");
    link = g_file_read_link(link_path, NULL);
    g_assert_cmpstr(link, ==, target);
}

static void
test_tar_limit(Place *place, gconstpointer unused G_GNUC_UNUSED)
{
    dp_autofd int fd = open(place->archive, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    g_autoptr(DpTar) tar = dp_tar_new(fd, 2000);
    g_autoptr(GError) error = NULL;
    char bytes[1024] = "";

    dp_tar_add_file(tar, "a", bytes, sizeof bytes);
    dp_tar_add_file(tar, "b", bytes, sizeof bytes);
    g_assert_false(dp_tar_finish(tar, &error));
    g_assert_cmpint(lseek(fd, 0, SEEK_END), <=, 2000);
}

static void
test_resolve(Place *place G_GNUC_UNUSED, gconstpointer unused G_GNUC_UNUSED)
{
    static const char *const cases[][3] = {
        {"sys/bus/pci/devices/x", "../../../devices/a/x", "sys/devices/a/x"},
        {"sys/bus/x", "./y//z", "sys/bus/y/z"},
        {"sys/x", "/etc/passwd", "etc/passwd"},
        {"sys/x", "../../etc", NULL},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *got = dp_tar_resolve(cases[i][0], cases[i][1]);

        g_assert_cmpstr(got, ==, cases[i][2]);
    }
}

static void
test_scrub(Place *place G_GNUC_UNUSED, gconstpointer unused G_GNUC_UNUSED)
{
    g_autoptr(GHashTable) numbers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autofree char *line = dp_scrub_cmdline(
        "quiet root=/dev/sda1 rd.luks.key=abc iommu=pt secret nointremap root=UUID=77 pci=noaer\n");
    g_autofree char *mac = dp_scrub_net(numbers, "enx525400123456");
    g_autofree char *other = dp_scrub_net(numbers, "wlx0123456789ab");
    g_autofree char *vlan = dp_scrub_net(numbers, "enx525400123456.7");
    g_autofree char *plain = dp_scrub_net(numbers, "enp3s0");
    g_autofree char *source = dp_scrub_source("https://me:pw@x@host/share");
    g_autofree char *disk = dp_scrub_source("/dev/sda1");
    g_autofree char *conf = dp_scrub_esxconf("/device/000:27.0/owner = \"passthru\"\n"
                                             "/net/pnic/child[0000]/mac = \"00:01\"\n"
                                             " /system/uuid = \"4\"\n/adv/password = \"x\"\n");
    g_autofree char *map = dp_scrub_source("/dev/mapper/3600508b400105e210000900000490000-part1");
    g_autofree char *volume = dp_scrub_volume("vg0-abcdef");
    g_autofree char *share = dp_scrub_source("//files.example.org/private");
    g_autofree char *export = dp_scrub_source("me@files.example.org:/home/me");
    g_autofree char *first = dp_scrub_address(numbers, "10.0.0.5");
    g_autofree char *again = dp_scrub_address(numbers, "10.0.0.5");

    g_assert_cmpstr(map, ==, "/dev/mapper/wwid-part1");
    g_assert_cmpstr(volume, ==, "vg0-abcdef");
    g_assert_cmpstr(share, ==, "//server/share");
    g_assert_cmpstr(export, ==, "server:/share");
    g_assert_true(g_str_has_prefix(first, "198.18.0."));
    g_assert_cmpstr(again, ==, first);
    g_assert_cmpstr(line, ==, "root=/dev/sda1 iommu=pt nointremap pci=noaer");
    g_assert_cmpstr(mac, ==, "enx1");
    g_assert_cmpstr(other, ==, "wlx2");
    g_assert_cmpstr(vlan, ==, "enx1.7");
    g_assert_cmpstr(plain, ==, "enp3s0");
    g_assert_cmpstr(source, ==, "https://host/share");
    g_assert_cmpstr(disk, ==, "/dev/sda1");
    g_assert_cmpstr(conf, ==, "/device/000:27.0/owner = \"passthru\"\n /system/uuid = \"4\"\n");
}

int
main(int argc, char **argv)
{
    static const char *const same[] = {"lab",
                                       "no-iommu",
                                       "no-intremap",
                                       "ordinary-user",
                                       "esx-q35",
                                       "two-functions",
                                       "no-acs",
                                       "vmd",
                                       "sriov-one-group",
                                       "usb-root",
                                       "pools",
                                       "lab-enabled",
                                       "sleeping",
                                       "dead",
                                       "conventional",
                                       "rmrr",
                                       "rmrr-off",
                                       "ivmd",
                                       "big-bars",
                                       "intremap-firmware",
                                       "san",
                                       "seats"};

    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(same); i++) {
        g_autofree char *path = g_strdup_printf("/host-capture/same/%s", same[i]);

        g_test_add(path, Place, same[i], set_up, test_same, tear_down);
    }
    g_test_add("/host-capture/secrets/lab", Place, "lab", set_up, test_secrets, tear_down);
    g_test_add("/host-capture/secrets/san", Place, "san", set_up, test_secrets, tear_down);
    g_test_add("/host-capture/secrets/seats", Place, "seats", set_up, test_secrets, tear_down);
    g_test_add("/host-capture/secrets/lvm", Place, "lvm", set_up, test_secrets, tear_down);
    g_test_add("/host-capture/hostile", Place, NULL, set_up, test_hostile, tear_down);
    g_test_add("/host-capture/full", Place, NULL, set_up, test_full, tear_down);
    g_test_add("/host-capture/tar-names", Place, NULL, set_up, test_tar_names, tear_down);
    g_test_add("/host-capture/tar-limit", Place, NULL, set_up, test_tar_limit, tear_down);
    g_test_add("/host-capture/resolve", Place, NULL, set_up, test_resolve, tear_down);
    g_test_add("/host-capture/scrub", Place, NULL, set_up, test_scrub, tear_down);
    return g_test_run();
}
