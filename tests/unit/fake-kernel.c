/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake-kernel.h"

#include "base/child.h"
#include "base/file.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>

#define DEVICES "sys/bus/pci/devices/"
#define DRIVERS "sys/bus/pci/drivers/"

static char *
beneath(FakeKernel *kernel, const char *path)
{
    return g_build_filename(kernel->path, path, NULL);
}

char *
fake_kernel_read(FakeKernel *kernel, const char *path)
{
    return dp_file_read(kernel->root->fd, path, DP_FILE_MAX, NULL, NULL);
}

void
fake_kernel_put(FakeKernel *kernel, const char *path, const char *text)
{
    g_autofree char *file = beneath(kernel, path);
    g_autofree char *folder = g_path_get_dirname(file);

    g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
    g_assert_true(g_file_set_contents(file, text, -1, NULL));
    if (g_str_has_suffix(path, "/device")) { /* another model: its alias goes with the old one */
        g_autofree char *alias = g_build_filename(folder, "modalias", NULL);

        (void)unlink(alias);
    }
}

static char *
attribute(const char *name, const char *attr)
{
    return g_strdup_printf(DEVICES "%s/%s", name, attr);
}

char *
fake_kernel_driver(FakeKernel *kernel, const char *name)
{
    g_autofree char *path = attribute(name, "driver");
    g_autofree char *target = dp_file_read_link(kernel->root->fd, path);

    return target == NULL ? g_strdup("none") : g_path_get_basename(target);
}

char *
fake_kernel_override(FakeKernel *kernel, const char *name)
{
    g_autofree char *path = attribute(name, "driver_override");
    char *text = dp_file_read_line(kernel->root->fd, path, NULL);

    if (text != NULL && strcmp(text, "(null)") == 0) {
        g_free(text);
        text = NULL;
    }
    return text == NULL ? g_strdup("none") : text;
}

/* What the kernel does to a function's power when vfio-pci takes it or lets it go (vfio_pci_core.c:
 * pm_runtime_allow, pm_runtime_forbid). */
static void
set_control(FakeKernel *kernel, const char *name, const char *word)
{
    g_autofree char *path = attribute(name, "power/control");

    fake_kernel_put(kernel, path, word);
}

static bool
driver_exists(FakeKernel *kernel, const char *driver)
{
    g_autofree char *path = g_strconcat(kernel->path, "/" DRIVERS, driver, NULL);

    return g_file_test(path, G_FILE_TEST_IS_DIR);
}

static int
bind_to(FakeKernel *kernel, const char *name, const char *driver)
{
    g_autofree char *attr = attribute(name, "driver");
    g_autofree char *link = beneath(kernel, attr);
    g_autofree char *target = g_strconcat("../../../../bus/pci/drivers/", driver, NULL);

    if (!driver_exists(kernel, driver)) {
        return -ENODEV;
    }
    if (symlink(target, link) < 0) {
        return -errno;
    }
    if (strcmp(driver, "vfio-pci") == 0) {
        set_control(kernel, name, "auto\n");
    }
    return 0;
}

static int
probe(FakeKernel *kernel, const char *name)
{
    g_autofree char *driver = fake_kernel_driver(kernel, name);
    g_autofree char *override = fake_kernel_override(kernel, name);
    const char *wanted =
        strcmp(override, "none") != 0 ? override : g_hash_table_lookup(kernel->native, name);

    if (strcmp(driver, "none") == 0 && wanted != NULL) {
        (void)bind_to(kernel, name, wanted);
    }
    return 0;
}

static int
unbind(FakeKernel *kernel, const char *name)
{
    g_autofree char *attr = attribute(name, "driver");
    g_autofree char *link = beneath(kernel, attr);
    g_autofree char *driver = fake_kernel_driver(kernel, name);

    if (unlink(link) < 0) {
        return -ENODEV;
    }
    if (strcmp(driver, "vfio-pci") == 0) {
        set_control(kernel, name, "on\n");
    }
    return 0;
}

static int
put_attribute(FakeKernel *kernel, const char *path, const char *value)
{
    bool none = strcmp(value, "\n") == 0;
    g_autofree char *line = g_strdup_printf("%s\n", none ? "(null)" : value);
    g_autofree char *file = beneath(kernel, path);

    if (!g_file_test(file, G_FILE_TEST_EXISTS)) {
        return -ENOENT;
    }
    return g_file_set_contents(file, line, -1, NULL) ? 0 : -EIO;
}

static int
obey(FakeKernel *kernel, const char *path, const char *value)
{
    if (strcmp(path, "sys/bus/pci/drivers_probe") == 0) {
        return probe(kernel, value);
    }
    if (g_str_has_prefix(path, DRIVERS) && g_str_has_suffix(path, "/bind")) {
        g_autofree char *folder = g_path_get_dirname(path);
        g_autofree char *driver = g_path_get_basename(folder);

        return bind_to(kernel, value, driver);
    }
    if (g_str_has_suffix(path, "/driver/unbind")) {
        return unbind(kernel, value);
    }
    if (g_str_has_suffix(path, "/driver_override") || g_str_has_suffix(path, "/reset_method") ||
        g_str_has_suffix(path, "/power/control") || g_str_has_suffix(path, "/d3cold_allowed")) {
        return put_attribute(kernel, path, value);
    }
    /* Whatever else is written (new_id!) is a mistake. */
    g_error("unexpected write to %s", path);
}

typedef struct {
    FakeKernel *kernel;
    const char *path;
    const char *value;
} Write;

static int
obey_write(void *data)
{
    const Write *job = data;

    return obey(job->kernel, job->path, job->value);
}

static int
carry_out(FakeKernel *kernel, const char *path, const char *value)
{
    Write job = {kernel, path, value};

    return kernel->in_child
               ? dp_child_run_apart(obey_write, &job, DP_SYSFS_TIMEOUT_MS, kernel->root->fd, NULL)
               : obey(kernel, path, value);
}

/* Which function a write is about. */
static const char *
subject(const char *path, const char *value, char *buf)
{
    if (!g_str_has_prefix(path, DEVICES)) {
        return value;
    }
    (void)g_strlcpy(buf, path + strlen(DEVICES), DP_ADDR_LEN);
    buf[strcspn(buf, "/")] = '\0';
    return buf;
}

static int
fake_write(DpRoot *root, const char *path, const char *value)
{
    FakeKernel *kernel = root->user;
    FakePlan *plan = kernel->plan;
    char buf[DP_ADDR_LEN];
    const char *name = subject(path, value, buf);
    bool now = ++plan->n == plan->at;
    int r;

    if (now && plan->mode == FAKE_BLOCK) {
        (void)g_strlcpy(plan->blocked, name, sizeof plan->blocked);
    }
    if (plan->blocked[0] != '\0' && strcmp(plan->blocked, name) == 0) {
        return -ETIMEDOUT;
    }
    if (now && plan->mode == FAKE_REFUSE) {
        return -EIO;
    }
    if (now && plan->mode == FAKE_DIE) {
        _exit(9);
    }
    r = carry_out(kernel, path, value);
    if (now && plan->mode == FAKE_DIE_AFTER) {
        _exit(9);
    }
    return r;
}

void
fake_kernel_plan(FakeKernel *kernel, FakeMode mode, unsigned at)
{
    memset(kernel->plan, 0, sizeof *kernel->plan);
    kernel->plan->mode = mode;
    kernel->plan->at = at;
}

static void
run_command(char *const *argv)
{
    g_autoptr(GError) error = NULL;
    int status = 1;

    g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status,
                 &error);
    g_assert_no_error(error);
    g_assert_cmpint(status, ==, 0);
}

static void
learn_native(FakeKernel *kernel)
{
    g_autoptr(GPtrArray) names = dp_file_list(kernel->root->fd, "sys/bus/pci/devices", NULL);

    kernel->native = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    for (guint i = 0; i < names->len; i++) {
        char *driver = fake_kernel_driver(kernel, names->pdata[i]);

        if (strcmp(driver, "none") == 0) {
            g_free(driver);
            continue;
        }
        g_hash_table_insert(kernel->native, g_strdup(names->pdata[i]), driver);
    }
}

/* As drivers/pci/pci.c leaves each function at boot. */
static void
wake_all(FakeKernel *kernel)
{
    g_autoptr(GPtrArray) names = dp_file_list(kernel->root->fd, "sys/bus/pci/devices", NULL);

    for (guint i = 0; i < names->len; i++) {
        g_autofree char *d3cold = attribute(names->pdata[i], "d3cold_allowed");
        g_autofree char *device = attribute(names->pdata[i], "");
        g_autofree char *folder = beneath(kernel, device);

        if (!g_file_test(folder, G_FILE_TEST_IS_DIR)) {
            continue; /* a test has taken the card out */
        }
        set_control(kernel, names->pdata[i], "on\n");
        fake_kernel_put(kernel, d3cold, "1\n");
    }
}

/* In memory where possible: a test makes hundreds of trees, and the store's fsync waits for disks.
 */
static char *
make_folder(void)
{
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : g_get_tmp_dir();
    char *path = g_build_filename(base, "directpath-test-XXXXXX", NULL);

    g_assert_nonnull(g_mkdtemp(path));
    return path;
}

FakeKernel *
fake_kernel_new(const char *tree)
{
    FakeKernel *kernel = g_new0(FakeKernel, 1);
    g_autofree char *from = g_build_filename(g_getenv("DP_TREES"), tree, ".", NULL);
    g_autofree char *vfio = NULL;
    g_autoptr(GError) error = NULL;

    kernel->path = make_folder();
    run_command((char *const[]){(char *)"cp", (char *)"-a", from, kernel->path, NULL});
    vfio = beneath(kernel, DRIVERS "vfio-pci");
    g_assert_cmpint(g_mkdir_with_parents(vfio, 0755), ==, 0);
    kernel->root = dp_root_open(kernel->path, &error);
    g_assert_no_error(error);
    kernel->root->write = fake_write;
    kernel->root->user = kernel;
    kernel->plan =
        mmap(NULL, sizeof *kernel->plan, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    g_assert(kernel->plan != MAP_FAILED);
    learn_native(kernel);
    wake_all(kernel);
    fake_kernel_put(kernel, "proc/sys/kernel/random/boot_id", "one-boot\n");
    return kernel;
}

void
fake_kernel_free(FakeKernel *kernel)
{
    if (kernel == NULL) {
        return;
    }
    run_command((char *const[]){(char *)"rm", (char *)"-rf", (char *)"--", kernel->path, NULL});
    (void)munmap(kernel->plan, sizeof *kernel->plan);
    g_hash_table_unref(kernel->native);
    dp_root_free(kernel->root);
    g_free(kernel->path);
    g_free(kernel);
}

static void
remove_folder(FakeKernel *kernel, const char *name)
{
    g_autofree char *path = beneath(kernel, name);

    run_command((char *const[]){(char *)"rm", (char *)"-rf", (char *)"--", path, NULL});
}

void
fake_kernel_restart(FakeKernel *kernel)
{
    remove_folder(kernel, "etc");
    fake_kernel_boot(kernel);
}

void
fake_kernel_boot(FakeKernel *kernel)
{
    g_autoptr(GPtrArray) names = dp_file_list(kernel->root->fd, "sys/bus/pci/devices", NULL);

    fake_kernel_plan(kernel, FAKE_OBEY, 0);
    remove_folder(kernel, "run");
    wake_all(kernel);
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *override = attribute(names->pdata[i], "driver_override");
        g_autofree char *driver = fake_kernel_driver(kernel, names->pdata[i]);

        (void)put_attribute(kernel, override, "\n");
        if (strcmp(driver, "vfio-pci") == 0) {
            (void)unbind(kernel, names->pdata[i]);
        }
        (void)probe(kernel, names->pdata[i]);
    }
}

static char *
read_attr(FakeKernel *kernel, const char *name, const char *attr)
{
    g_autofree char *path = attribute(name, attr);

    return dp_file_read_line(kernel->root->fd, path, NULL);
}

char *
fake_kernel_state(FakeKernel *kernel)
{
    g_autoptr(GPtrArray) names = dp_file_list(kernel->root->fd, "sys/bus/pci/devices", NULL);
    g_autofree char *conf = fake_kernel_read(kernel, "etc/directpath/esx.conf");
    GString *state = g_string_new(NULL);

    for (guint i = 0; i < names->len; i++) {
        g_autofree char *driver = fake_kernel_driver(kernel, names->pdata[i]);
        g_autofree char *override = fake_kernel_override(kernel, names->pdata[i]);

        g_autofree char *control = read_attr(kernel, names->pdata[i], "power/control");
        g_autofree char *d3cold = read_attr(kernel, names->pdata[i], "d3cold_allowed");

        g_string_append_printf(state, "%s %s %s %s %s\n", (const char *)names->pdata[i], driver,
                               override, control, d3cold);
    }
    g_string_append(state, conf == NULL ? "no store\n" : conf);
    return g_string_free(state, false);
}
