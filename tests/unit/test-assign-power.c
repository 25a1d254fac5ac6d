/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The power fails: every operation of enable and disable on the store is recorded as the kernel
 * sees it, and after each of them every state that the disk may be in then is looked at. It is the
 * old or the new store, never a mix, and after exit status 0 the new one, also of a command that
 * found its work done by one that was killed.
 */
#include "assign-bench.h"
#include "disk-model.h"
#include "tracer.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define E1000 "0000:05:01.0"
#define RTL   "0000:05:02.0"

#define CONF "directpath/esx.conf"
#define IDS  "directpath/devices.json"

static const char before_enable[] = "/system/uuid = \"473027ac-5705f21d-6d09-000c2918f3dd\"\n"
                                    "  # kept as it is\n";

/* What the state of one file must be. */
typedef struct {
    GBytes *old, *new; /* NULL: no such file */
} File;

typedef struct Power Power;
struct Power {
    Bench *bench;
    DiskModel *model;
    bool (*act)(Power *power);
    bool enable;
    File conf, ids;
    unsigned at, n; /* kill -9 at the entry of call @at to the store; 0: not at all */
    bool only_new;  /* nothing but the new state will do now */
    bool counting;  /* count what is wrong in place of failing */
    unsigned n_states, n_wrong;
};

static bool
equal(GBytes *a, GBytes *b)
{
    return a == NULL || b == NULL ? a == b : g_bytes_equal(a, b);
}

/* What is stored must have its identity beside it, whichever file was written first. */
static void
check(GBytes *conf, GBytes *ids, void *user)
{
    Power *power = user;
    bool is_old = equal(conf, power->conf.old), is_new = equal(conf, power->conf.new);
    bool passthru = power->enable ? is_new : is_old;
    GBytes *with_passthru = power->enable ? power->ids.new : power->ids.old;
    bool right = is_new || (is_old && !power->only_new);

    if (!power->counting) {
        right = right && (equal(ids, power->ids.old) || equal(ids, power->ids.new)) &&
                (!passthru || equal(ids, with_passthru));
    }
    power->n_wrong += right ? 0 : 1;
    if (!right && !power->counting) {
        g_autoptr(GString) shown = g_string_new(NULL);

        g_string_append_len(shown, conf == NULL ? "(none)" : g_bytes_get_data(conf, NULL),
                            conf == NULL ? 6 : (gssize)g_bytes_get_size(conf));
        g_error("after a power failure the store would be: %s", shown->str);
    }
}

static void
look(Power *power)
{
    power->n_states += disk_model_states(power->model, CONF, IDS, check, power);
}

/* The path that a call like renameat(2) names by a descriptor and a string. */
static char *
path_at(pid_t pid, guint64 fd, guint64 address)
{
    g_autofree char *name = trace_string(pid, address);
    g_autofree char *folder =
        name == NULL || g_path_is_absolute(name) ? NULL : trace_fd_path(pid, (int)fd);

    return name == NULL || folder == NULL ? g_steal_pointer(&name)
                                          : g_build_filename(folder, name, NULL);
}

/* What was asked at the entry; at the exit only the answer is told. */
typedef struct {
    guint64 nr, args[6];
    char *path, *path_to;
    size_t offset;
} Asked;

static bool
writes_at(guint64 nr)
{
    return nr == SYS_write || nr == SYS_pwrite64;
}

static size_t
position(pid_t pid, const Asked *asked)
{
    g_autofree char *file = g_strdup_printf("/proc/%d/fdinfo/%d", (int)pid, (int)asked->args[0]);
    g_autofree char *text = NULL;

    if (asked->nr == SYS_pwrite64) {
        return (size_t)asked->args[3];
    }
    g_assert_true(g_file_get_contents(file, &text, NULL, NULL));
    g_assert_true(g_str_has_prefix(text, "pos:"));
    return (size_t)g_ascii_strtoull(text + 4, NULL, 10);
}

static void
ask(Asked *asked, pid_t pid, const struct __ptrace_syscall_info *info)
{
    g_clear_pointer(&asked->path, g_free);
    g_clear_pointer(&asked->path_to, g_free);
    asked->nr = info->entry.nr;
    for (size_t i = 0; i < G_N_ELEMENTS(asked->args); i++) {
        asked->args[i] = info->entry.args[i];
    }
    switch (asked->nr) {
    case SYS_openat:
    case SYS_mkdirat:
    case SYS_unlinkat:
        asked->path = path_at(pid, asked->args[0], asked->args[1]);
        break;
    case SYS_renameat:
    case SYS_renameat2:
        asked->path = path_at(pid, asked->args[0], asked->args[1]);
        asked->path_to = path_at(pid, asked->args[2], asked->args[3]);
        break;
    case SYS_write:
    case SYS_pwrite64:
    case SYS_fsync:
    case SYS_fdatasync:
    case SYS_ftruncate:
        asked->path = trace_fd_path(pid, (int)asked->args[0]);
        asked->offset = writes_at(asked->nr) ? position(pid, asked) : 0;
        break;
    default:
        break;
    }
}

static void
write_bytes(DiskModel *model, pid_t pid, const Asked *asked, size_t len)
{
    g_autofree char *bytes = g_malloc(len + 1);

    g_assert_true(trace_read(pid, asked->args[1], bytes, len));
    disk_model_write(model, asked->path, asked->offset, bytes, len);
}

/* False if the call changes nothing. */
static bool
record(DiskModel *model, pid_t pid, const Asked *asked, gint64 answer)
{
    switch (asked->nr) {
    case SYS_openat:
        if ((asked->args[2] & O_CREAT) != 0) {
            disk_model_make(model, asked->path, false);
        }
        if ((asked->args[2] & O_TRUNC) != 0) {
            disk_model_truncate(model, asked->path, 0);
        }
        return (asked->args[2] & (O_CREAT | O_TRUNC)) != 0;
    case SYS_mkdirat:
        disk_model_make(model, asked->path, true);
        return true;
    case SYS_unlinkat:
        disk_model_unlink(model, asked->path);
        return true;
    case SYS_renameat:
    case SYS_renameat2:
        disk_model_rename(model, asked->path, asked->path_to);
        return true;
    case SYS_write:
    case SYS_pwrite64:
        write_bytes(model, pid, asked, (size_t)answer);
        return true;
    case SYS_ftruncate:
        disk_model_truncate(model, asked->path, (size_t)asked->args[1]);
        return true;
    default:
        disk_model_sync(model, asked->path);
        return true;
    }
}

/* Calls that change a folder in a way that is not recorded would be missed in silence. */
static void
expect_known(pid_t pid, const struct __ptrace_syscall_info *info)
{
    static const guint64 unknown[] = {
        SYS_rename, SYS_unlink, SYS_mkdir,  SYS_creat,    SYS_link,    SYS_linkat,   SYS_symlink,
        SYS_rmdir,  SYS_open,   SYS_writev, SYS_truncate, SYS_pwritev, SYS_fallocate};

    for (size_t i = 0; i < G_N_ELEMENTS(unknown); i++) {
        g_autofree char *path = NULL;

        if (info->entry.nr == unknown[i]) {
            path = trace_string(pid, info->entry.args[0]);
            g_assert_true(path == NULL || strstr(path, "/etc/") == NULL);
        }
    }
}

static TraceAnswer
see(pid_t pid, bool main, const struct __ptrace_syscall_info *info, void *user)
{
    static Asked asked;
    static bool touches;
    Power *power = user;

    if (!main) {
        return TRACE_ON;
    }
    if (info->op == PTRACE_SYSCALL_INFO_ENTRY) {
        expect_known(pid, info);
        ask(&asked, pid, info);
        touches = asked.path != NULL && disk_model_has(power->model, asked.path);
        return power->at != 0 && touches && ++power->n == power->at ? TRACE_KILL : TRACE_ON;
    }
    if (info->exit.rval >= 0 && touches && record(power->model, pid, &asked, info->exit.rval)) {
        look(power);
    }
    return TRACE_ON;
}

static void
work(void *data)
{
    Power *power = data;

    power->bench->before_act = trace_begin;
    _exit(power->act(power) ? 0 : 1);
}

/* True if it said that it was done. */
static bool
run(Power *power)
{
    int status = trace_run(work, power, false, see, power);

    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool
change(Power *power)
{
    return power->enable ? bench_enable(power->bench, E1000, RTL, NULL)
                         : bench_disable(power->bench, E1000, RTL, NULL);
}

static bool
recover(Power *power)
{
    return bench_recover(power->bench);
}

static GBytes *
content(Bench *bench, const char *name)
{
    g_autofree char *path = g_build_filename("etc", name, NULL);
    char *text = fake_kernel_read(bench->kernel, path);

    return text == NULL ? NULL : g_bytes_new_take(text, strlen(text));
}

/* The host as the command finds it; with @fresh nothing was ever stored there. */
static void
prepare(Power *power, bool fresh)
{
    g_autofree char *folder = g_build_filename(power->bench->kernel->path, "etc", NULL);

    power->bench->before_act = NULL;
    fake_kernel_restart(power->bench->kernel);
    g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
    if (!fresh) {
        bench_store(power->bench, before_enable);
    }
    if (!power->enable) {
        g_assert_true(bench_enable(power->bench, E1000, RTL, NULL));
    }
    g_clear_pointer(&power->model, disk_model_free);
    power->model = disk_model_new(folder);
}

/* Old and new, learnt by doing it once with nobody looking. The systemId of a host that had no
 * store is made up anew each time; so only the first command's can be compared. */
static void
learn(Power *power)
{
    prepare(power, false);
    power->conf.old = content(power->bench, CONF);
    power->ids.old = content(power->bench, IDS);
    g_assert_true(change(power));
    power->conf.new = content(power->bench, CONF);
    power->ids.new = content(power->bench, IDS);
    g_assert_false(equal(power->conf.old, power->conf.new));
}

static void
forget(Power *power)
{
    File *files[] = {&power->conf, &power->ids};

    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_clear_pointer(&files[i]->old, g_bytes_unref);
        g_clear_pointer(&files[i]->new, g_bytes_unref);
    }
    g_clear_pointer(&power->model, disk_model_free);
}

static void
test_every_prefix(gconstpointer data)
{
    g_autoptr(Bench) bench = bench_new("lab");
    Power power = {.bench = bench, .act = change, .enable = GPOINTER_TO_INT(data)};

    learn(&power);
    prepare(&power, false);
    look(&power);
    g_assert_true(run(&power));
    power.only_new = true;
    look(&power);
    g_assert_cmpuint(power.n_states, >, 15);
    g_test_message("%u states after a power failure", power.n_states);
    forget(&power);
}

/* Killed at each call to the store (at the others it is as it was at the one before); the next
 * command finishes it or takes it back, and the same command again says that it is done only when
 * that is durable. */
static void
test_killed_before(gconstpointer data)
{
    g_autoptr(Bench) bench = bench_new("lab");
    Power power = {.bench = bench, .enable = GPOINTER_TO_INT(data)};
    bool killed = true;

    learn(&power);
    for (unsigned at = 1; killed; at++) {
        power.only_new = false;
        power.act = change;
        prepare(&power, false);
        power.at = at;
        power.n = 0;
        killed = !run(&power);
        power.at = 0;
        power.act = recover;
        g_assert_true(run(&power));
        power.act = change;
        g_assert_true(run(&power));
        power.only_new = true;
        look(&power);
    }
    g_test_message("%u states after a power failure, of %u killed commands", power.n_states,
                   power.n);
    g_assert_cmpuint(power.n, >, 10);
    forget(&power);
}

/* The first command on a host makes the folder: what it said is there too. */
static void
check_first(GBytes *conf, GBytes *ids, void *user G_GNUC_UNUSED)
{
    g_assert_true(conf != NULL && ids != NULL);
    g_assert_nonnull(g_strstr_len(g_bytes_get_data(conf, NULL), (gssize)g_bytes_get_size(conf),
                                  "/device/005:02.0/owner = \"passthru\"\n"));
}

static void
test_first_command(void)
{
    g_autoptr(Bench) bench = bench_new("lab");
    Power power = {.bench = bench, .act = change, .enable = true, .counting = true};

    prepare(&power, true);
    g_assert_true(run(&power));
    g_assert_cmpuint(disk_model_states(power.model, CONF, IDS, check_first, NULL), ==, 1);
    forget(&power);
}

/* Ways to write a file that are wrong, each for another reason. */
typedef enum { IN_PLACE, NO_SYNC, NO_FOLDER_SYNC } Wrong;

static Wrong wrong;

static bool
write_wrong(Power *power)
{
    g_autofree char *folder = g_build_filename(power->bench->kernel->path, "etc/directpath", NULL);
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    size_t len;
    const char *bytes = g_bytes_get_data(power->conf.new, &len);
    int fd;

    trace_begin();
    fd = openat(dir, wrong == IN_PLACE ? "esx.conf" : ".new", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (write(fd, bytes, len) != (ssize_t)len || (wrong != NO_SYNC && fsync(fd) < 0)) {
        return false;
    }
    if (wrong != IN_PLACE && renameat(dir, ".new", dir, "esx.conf") < 0) {
        return false;
    }
    return wrong == NO_FOLDER_SYNC || fsync(dir) == 0;
}

static void
work_wrong(void *data)
{
    _exit(write_wrong(data) ? 0 : 1);
}

/* What the model is worth: it finds each mistake that a writer of files can make. */
static void
test_finds_mistakes(void)
{
    g_autoptr(Bench) bench = bench_new("lab");
    Power power = {.bench = bench, .enable = true, .counting = true};

    learn(&power);
    for (wrong = IN_PLACE; wrong <= NO_FOLDER_SYNC; wrong++) {
        power.only_new = false;
        power.n_wrong = 0;
        prepare(&power, false);
        g_assert_cmpint(trace_run(work_wrong, &power, false, see, &power), ==, 0);
        /* A rename that is not synced is no mix: it is only not there. */
        g_assert_true((power.n_wrong > 0) == (wrong != NO_FOLDER_SYNC));
        power.only_new = true;
        look(&power);
        g_assert_true(power.n_wrong > 0);
    }
    forget(&power);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/assign-power/finds-mistakes", test_finds_mistakes);
    g_test_add_data_func("/assign-power/enable", GINT_TO_POINTER(true), test_every_prefix);
    g_test_add_data_func("/assign-power/disable", GINT_TO_POINTER(false), test_every_prefix);
    g_test_add_func("/assign-power/first-command", test_first_command);
    g_test_add_data_func("/assign-power/enable-killed-before", GINT_TO_POINTER(true),
                         test_killed_before);
    g_test_add_data_func("/assign-power/disable-killed-before", GINT_TO_POINTER(false),
                         test_killed_before);
    return g_test_run();
}
