/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The records by function, of any bytes: the first one chooses whether they are that of quarantined
 * functions, of narrowed lists of resets, or of power settings. Nothing is written but the
 * attributes that the record is of, of functions with a proper name. */
#include "assign/outcome.h"
#include "assign/power.h"
#include "assign/quarantine.h"
#include "assign/reset-list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FUNCTION   "sys/bus/pci/devices/0000:03:00.0/"
#define QUARANTINE "etc/directpath/quarantine.json"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
    if (!holds) {
        __builtin_trap();
    }
}

/* The kernel: takes what it may be given, and nothing else may be given to it. */
static int
take(DpRoot *root G_GNUC_UNUSED, const char *path, const char *value)
{
    g_auto(GStrv) parts = g_strsplit(path, "/", 6);
    const char *attr;
    DpAddr addr;

    must(g_str_has_prefix(path, "sys/bus/pci/devices/") && g_strv_length(parts) == 6);
    must(dp_addr_parse_sysfs(parts[4], &addr));
    attr = parts[5];
    must(strcmp(attr, "reset_method") == 0 ||
         (strcmp(attr, "power/control") == 0 &&
          (strcmp(value, "on") == 0 || strcmp(value, "auto") == 0)) ||
         (strcmp(attr, "d3cold_allowed") == 0 &&
          (strcmp(value, "0") == 0 || strcmp(value, "1") == 0)));
    return 0;
}

static void
put(const char *folder, const char *path, const void *bytes, size_t len)
{
    g_autofree char *file = g_build_filename(folder, path, NULL);
    g_autofree char *above = g_path_get_dirname(file);
    dp_autofd int fd = -1;

    must(g_mkdir_with_parents(above, 0700) == 0);
    fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    must(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
}

static char *scratch;

static void
remove_scratch(void)
{
    char *argv[] = {(char *)"rm", (char *)"-rf", (char *)"--", scratch, NULL};

    (void)g_spawn_sync(NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
}

/* A host with one function, in memory where there is such a folder; made once. */
static DpRoot *
host(void)
{
    static DpRoot root = {.fd = -1, .write = take};
    g_autofree char *folder = NULL;

    if (root.fd < 0) {
        folder = g_strdup_printf("%s/directpath-fuzz-XXXXXX",
                                 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : g_get_tmp_dir());
        must(g_mkdtemp(folder) != NULL);
        put(folder, FUNCTION "reset_method", "flr\n", 4);
        put(folder, FUNCTION "power/control", "on\n", 3);
        put(folder, FUNCTION "d3cold_allowed", "0\n", 2);
        root.path = scratch = g_steal_pointer(&folder);
        must(atexit(remove_scratch) == 0);
        root.fd = open(scratch, O_DIRECTORY | O_CLOEXEC);
    }
    return &root;
}

static void
forget(const DpRoot *root, const char *path)
{
    g_autofree char *file = g_build_filename(root->path, path, NULL);

    must(unlink(file) == 0 || errno == ENOENT);
}

static void
check_quarantine(DpRoot *root, const uint8_t *data, size_t size)
{
    g_autofree char *why = NULL;
    json_t *functions = dp_quarantine_parse((const char *)data, size, &why), *entry;
    const char *name;
    DpAddr addr;

    must((functions == NULL) == (why != NULL));
    json_object_foreach(functions, name, entry)
    {
        must(dp_addr_parse_sysfs(name, &addr) && json_is_object(entry));
    }
    put(root->path, QUARANTINE, data, size);
    must(dp_quarantine_has(root, "0000:03:00.0") ==
         (json_object_get(functions, "0000:03:00.0") != NULL));
    json_decref(functions);
}

static void
check_reset_lists(DpRoot *root, const uint8_t *data, size_t size)
{
    g_autoptr(DpOutcome) outcome = dp_outcome_new();

    put(root->path, "run/directpath/reset-lists", data, size);
    must(dp_reset_list_recover(root, outcome, NULL));
    forget(root, "run/directpath/reset-lists");
}

static void
check_power(DpRoot *root, const uint8_t *data, size_t size)
{
    g_autoptr(DpOutcome) outcome = dp_outcome_new();

    put(root->path, "run/directpath/power", data, size);
    dp_power_hold(root, "0000:03:00.0", outcome);
    dp_power_recover(root, outcome);
    forget(root, "run/directpath/power");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const checks[])(DpRoot * root, const uint8_t *data,
                                  size_t size) = {check_quarantine, check_reset_lists, check_power};

    if (size > 0) {
        checks[data[0] % G_N_ELEMENTS(checks)](host(), data + 1, size - 1);
    }
    return 0;
}
