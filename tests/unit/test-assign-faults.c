/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every step of enable, disable and apply refused, blocked, or the last thing the command did. */
#include "assign-bench.h"
#include "assign/finish.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/wait.h>

#define NVME  "0000:03:00.0"
#define E1000 "0000:05:01.0"
#define RTL   "0000:05:02.0"
#define EDU   "0000:06:00.1" /* a function without a driver */

#define INTENT "run/directpath/intent"

typedef enum { ENABLE, DISABLE, APPLY_PASSTHRU, APPLY_HOST, N_COMMANDS } Command;

static bool
act(Bench *bench, Command command)
{
    switch (command) {
    case ENABLE:
        return bench_enable(bench, NVME, E1000, RTL, EDU, NULL);
    case DISABLE:
        return bench_disable(bench, NVME, E1000, RTL, EDU, NULL);
    default:
        return bench_apply(bench);
    }
}

static const char all_passthru[] = "/system/uuid = \"473027ac-5705f21d-6d09-000c2918f3dd\"\n"
                                   "/device/003:00.0/owner = \"passthru\"\n"
                                   "/device/005:01.0/owner = \"passthru\"\n"
                                   "/device/005:02.0/owner = \"passthru\"\n"
                                   "/device/006:00.1/owner = \"passthru\"\n";
static const char all_host[] = "/system/uuid = \"473027ac-5705f21d-6d09-000c2918f3dd\"\n";

/* The host as @command finds it. */
static void
make_ready(Bench *bench, Command command)
{
    fake_kernel_restart(bench->kernel);
    bench_store(bench, all_host);
    if (command == DISABLE || command == APPLY_HOST) {
        g_assert_true(act(bench, ENABLE));
    }
    if (command == APPLY_HOST) {
        bench_store(bench, all_host);
    }
    if (command == APPLY_PASSTHRU) {
        bench_store(bench, all_passthru);
    }
}

static Bench *
ready_for(Command command)
{
    Bench *bench = bench_new("lab");

    make_ready(bench, command);
    return bench;
}

static unsigned
count_writes(Bench *bench, Command command)
{
    make_ready(bench, command);
    g_assert_true(act(bench, command));
    g_assert_true(bench->outcome->changed);
    return bench->kernel->plan->n;
}

/* No function between two owners: each is with vfio-pci exactly if the store says so. */
static void
expect_agreement(Bench *bench)
{
    static const struct {
        const char *name, *esx, *native;
    } functions[] = {
        {NVME, "003:00.0", "nvme"},
        {E1000, "005:01.0", "e1000"},
        {RTL, "005:02.0", "8139cp"},
        {EDU, "006:00.1", "none"},
    };
    g_autofree char *conf = fake_kernel_read(bench->kernel, "etc/directpath/esx.conf");

    for (size_t i = 0; i < G_N_ELEMENTS(functions); i++) {
        g_autofree char *line =
            g_strdup_printf("/device/%s/owner = \"passthru\"\n", functions[i].esx);
        bool passthru = strstr(conf, line) != NULL;

        bench_expect(bench, functions[i].name, passthru ? "vfio-pci" : functions[i].native,
                     passthru ? "vfio-pci" : "none");
    }
}

static void
expect_no_intent(Bench *bench)
{
    g_autofree char *intent = fake_kernel_read(bench->kernel, INTENT);

    g_assert_null(intent);
}

/* Refused: enable and disable are as if they had not been, and say so. */
static void
test_refused(gconstpointer data)
{
    Command command = (Command)GPOINTER_TO_INT(data);
    g_autoptr(Bench) bench = bench_new("lab");
    unsigned n = count_writes(bench, command);

    for (unsigned at = 1; at <= n; at++) {
        g_autofree char *before = NULL;
        g_autofree char *after = NULL;

        make_ready(bench, command);
        before = fake_kernel_state(bench->kernel);
        fake_kernel_plan(bench->kernel, FAKE_REFUSE, at);
        if (act(bench, command)) {
            /* A probe that reports an error although no driver is wanted harms nothing. */
            expect_agreement(bench);
            continue;
        }
        g_assert_error(bench->error, DP_ERROR, DP_ERROR_IO);
        bench_diag(bench, DP_DIAG_MOVE_FAILED, DP_ERROR_SEVERITY);
        g_assert_false(bench->outcome->changed);
        expect_no_intent(bench);
        after = fake_kernel_state(bench->kernel);
        g_assert_cmpstr(after, ==, before);
        fake_kernel_plan(bench->kernel, FAKE_OBEY, 0);
        g_assert_true(act(bench, command));
        expect_agreement(bench);
    }
}

/* Apply leaves the one that is refused, and makes the others as stored. */
static void
test_apply_refused(gconstpointer data)
{
    Command command = (Command)GPOINTER_TO_INT(data);
    g_autoptr(Bench) bench = bench_new("lab");
    unsigned n = count_writes(bench, command);

    for (unsigned at = 1; at <= n; at++) {
        make_ready(bench, command);
        fake_kernel_plan(bench->kernel, FAKE_REFUSE, at);
        if (!act(bench, command)) {
            g_assert_error(bench->error, DP_ERROR, DP_ERROR_IO);
            g_assert_cmpuint(bench->outcome->n_failed, ==, 1);
            g_assert_cmpuint(bench->outcome->n_done, ==, 3);
            g_assert_true(bench->outcome->changed);
        }
        expect_no_intent(bench);
        fake_kernel_plan(bench->kernel, FAKE_OBEY, 0);
        g_assert_true(act(bench, command));
        expect_agreement(bench);
        g_assert_true(act(bench, command));
        g_assert_false(bench->outcome->changed);
    }
}

static bool
is_about_power(Bench *bench)
{
    return dp_diags_have(bench->outcome->diags, DP_DIAG_POWER_NOT_HELD) ||
           dp_diags_have(bench->outcome->diags, DP_DIAG_POWER_NOT_RESTORED);
}

/* Blocked: stored, pending, and finished by the next command once the driver lets go. */
static void
test_blocked(gconstpointer data)
{
    Command command = (Command)GPOINTER_TO_INT(data);
    g_autoptr(Bench) bench = bench_new("lab");
    unsigned n = count_writes(bench, command);

    for (unsigned at = 1; at <= n; at++) {
        g_autofree char *intent = NULL;

        make_ready(bench, command);
        fake_kernel_plan(bench->kernel, FAKE_BLOCK, at);
        g_assert_true(act(bench, command));
        if (is_about_power(bench)) {
            expect_agreement(bench);
            continue; /* the driver did change */
        }
        g_assert_true(bench->outcome->reboot_required);
        bench_diag(bench, DP_DIAG_DRIVER_STUCK, DP_WARNING);
        intent = fake_kernel_read(bench->kernel, INTENT);
        g_assert_nonnull(intent);

        /* Still blocked: said, nothing lost, no other device minds. */
        g_assert_true(bench_recover(bench));
        g_assert_true(bench->outcome->reboot_required);
        bench_diag(bench, DP_DIAG_DRIVER_STUCK, DP_NOTE);

        memset(bench->kernel->plan, 0, sizeof *bench->kernel->plan);
        g_assert_true(bench_recover(bench));
        g_assert_false(bench->outcome->reboot_required);
        bench_diag(bench, DP_DIAG_INTERRUPTED, DP_NOTE);
        expect_agreement(bench);
        expect_no_intent(bench);
    }
}

static void
die_in_child(Bench *bench, Command command)
{
    int status = 0;
    pid_t pid = fork();

    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        (void)act(bench, command);
        _exit(0);
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 9);
}

/* Killed: the next command finds it, says so, and bindings agree with the store again. */
static void
test_killed(gconstpointer data)
{
    Command command = (Command)GPOINTER_TO_INT(data);
    g_autoptr(Bench) bench = bench_new("lab");
    unsigned n = count_writes(bench, command);

    for (unsigned at = 1; at <= 2 * n; at++) {
        FakeMode mode = at <= n ? FAKE_DIE : FAKE_DIE_AFTER;

        make_ready(bench, command);
        fake_kernel_plan(bench->kernel, mode, (at - 1) % n + 1);
        die_in_child(bench, command);
        fake_kernel_plan(bench->kernel, FAKE_OBEY, 0);
        g_assert_true(bench_recover(bench));
        bench_diag(bench, DP_DIAG_INTERRUPTED, DP_WARNING);
        expect_agreement(bench);
        expect_no_intent(bench);
        g_assert_true(bench_recover(bench));
        g_assert_cmpuint(bench->outcome->diags->len, ==, 0);
        g_assert_true(act(bench, command));
        expect_agreement(bench);
    }
}

/* The store cannot be written: bindings go back. */
static void
test_store_fails(gconstpointer data)
{
    Command command = (Command)GPOINTER_TO_INT(data);
    g_autoptr(Bench) bench = ready_for(command);
    g_autofree char *before = fake_kernel_state(bench->kernel);
    g_autofree char *after = NULL;

    /* A folder where the temporary file has to be. */
    fake_kernel_put(bench->kernel, "etc/directpath/.esx.conf.new/x", "");
    g_assert_false(act(bench, command));
    g_assert_error(bench->error, DP_ERROR, DP_ERROR_IO);
    g_assert_false(bench->outcome->changed);
    after = fake_kernel_state(bench->kernel);
    g_assert_cmpstr(after, ==, before);
    expect_no_intent(bench);
}

/* Between the store and the end of the intent. */
static void
test_killed_after_store(void)
{
    g_autoptr(Bench) bench = ready_for(DISABLE);

    fake_kernel_put(bench->kernel, INTENT,
                    "{\"version\": 1, \"command\": \"enable\", \"pid\": 77, \"pending\": false,"
                    " \"boot_id\": \"one-boot\", \"functions\": [{\"address\": \"" NVME "\","
                    " \"driver\": \"nvme\", \"override\": null, \"vendor\": \"0x1b36\","
                    " \"device\": \"0x0010\"}]}");
    g_assert_true(bench_recover(bench));
    bench_diag(bench, DP_DIAG_INTERRUPTED, DP_WARNING);
    g_assert_cmpuint(bench->kernel->plan->n, ==, 0);
    expect_agreement(bench);
    expect_no_intent(bench);
}

/* Damaged, of another boot, or hostile: never a crash, never a write. */
static void
test_strange_intents(void)
{
    static const struct {
        const char *text;
        bool said;
    } rows[] = {
        {"", true},
        {"{", true},
        {"[]", true},
        {"{\"version\": 2}", true},
        {"{\"version\": 1, \"command\": \"enable\", \"boot_id\": \"one-boot\","
         " \"functions\": [{\"address\": \"../../../etc\"}]}",
         true},
        {"{\"version\": 1, \"command\": \"enable\", \"boot_id\": \"other\","
         " \"functions\": [{\"address\": \"" NVME "\"}]}",
         false},
        {"{\"version\": 1, \"command\": \"enable\", \"boot_id\": \"one-boot\","
         " \"functions\": []}",
         false},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Bench) bench = ready_for(ENABLE);

        fake_kernel_put(bench->kernel, INTENT, rows[i].text);
        g_assert_true(bench_recover(bench));
        g_assert_cmpint(dp_diags_have(bench->outcome->diags, DP_DIAG_INTENT_BROKEN), ==,
                        rows[i].said);
        g_assert_cmpuint(bench->kernel->plan->n, ==, 0);
        expect_no_intent(bench);
    }
}

/* A process that has the group open keeps the function; others go their way. */
static void
test_holder_keeps_function(void)
{
    g_autoptr(Bench) bench = ready_for(DISABLE);
    g_autofree char *node = g_build_filename(bench->kernel->path, "proc/4711/fd/5", NULL);
    bool named = false;

    fake_kernel_put(bench->kernel, "proc/4711/comm", "holder\n");
    fake_kernel_put(bench->kernel, "proc/4711/fd/0", "");
    g_assert_cmpint(symlink("/dev/vfio/6", node), ==, 0);
    g_assert_true(act(bench, DISABLE));
    g_assert_true(bench->outcome->reboot_required);
    bench_expect(bench, NVME, "vfio-pci", "none");
    bench_expect(bench, E1000, "e1000", "none");
    for (guint i = 0; i < bench->outcome->diags->len; i++) {
        const DpDiag *diag = bench->outcome->diags->pdata[i];

        named |= diag->row->id == DP_DIAG_DRIVER_STUCK && strcmp(diag->subject, NVME) == 0 &&
                 strstr(diag->cause, "holder (pid 4711)") != NULL;
    }
    g_assert_true(named);

    g_assert_cmpint(g_remove(node), ==, 0);
    g_assert_true(bench_recover(bench));
    expect_agreement(bench);
    expect_no_intent(bench);
}

/* Lets go after a while, as a process that ends does. */
static pid_t
let_go_later(const char *node)
{
    pid_t pid = fork();

    if (pid == 0) {
        g_usleep(300000);
        _exit(g_remove(node) == 0 ? 0 : 1);
    }
    return pid;
}

/* What waits is finished without another command. */
static void
test_finished_later(void)
{
    g_autoptr(Bench) bench = ready_for(DISABLE);
    g_autofree char *node = g_build_filename(bench->kernel->path, "proc/4711/fd/5", NULL);
    int status = 1;
    pid_t pid;

    fake_kernel_put(bench->kernel, "proc/4711/comm", "holder\n");
    fake_kernel_put(bench->kernel, "proc/4711/fd/0", "");
    g_assert_cmpint(symlink("/dev/vfio/6", node), ==, 0);
    g_assert_true(act(bench, DISABLE));
    g_assert_cmpint(dp_finish_wait(bench->kernel->root, 10, 100), ==, -ETIMEDOUT);
    bench_expect(bench, NVME, "vfio-pci", "none");
    pid = let_go_later(node);
    g_assert_cmpint(dp_finish_wait(bench->kernel->root, 10, 60000), ==, 0);
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_cmpint(status, ==, 0);
    expect_agreement(bench);
    expect_no_intent(bench);
    g_assert_cmpint(dp_finish_wait(bench->kernel->root, 10, 60000), ==, 0);
}

/* A driver that never lets go is left to people after a few tries. */
static void
test_finishing_gives_up(void)
{
    g_autoptr(Bench) bench = ready_for(ENABLE);

    fake_kernel_plan(bench->kernel, FAKE_BLOCK, 1);
    g_assert_true(act(bench, ENABLE));
    g_assert_cmpint(dp_finish_wait(bench->kernel->root, 1, 60000), ==, -ETIMEDOUT);
    fake_kernel_plan(bench->kernel, FAKE_OBEY, 0);
    g_assert_true(bench_recover(bench));
    expect_agreement(bench);
}

static void
add(const char *format, const char *name, Command command, GTestDataFunc test)
{
    g_autofree char *path = g_strdup_printf("/assign-faults/%s/%s", name, format);

    g_test_add_data_func(path, GINT_TO_POINTER((int)command), test);
}

int
main(int argc, char **argv)
{
    static const char *const names[] = {"enable", "disable", "apply-passthru", "apply-host"};

    g_test_init(&argc, &argv, NULL);
    for (Command command = ENABLE; command < N_COMMANDS; command++) {
        bool whole = command == ENABLE || command == DISABLE;

        add("refused", names[command], command, whole ? test_refused : test_apply_refused);
        add("blocked", names[command], command, test_blocked);
        add("killed", names[command], command, test_killed);
        if (whole) {
            add("store", names[command], command, test_store_fails);
        }
    }
    g_test_add_func("/assign-faults/killed-after-store", test_killed_after_store);
    g_test_add_func("/assign-faults/strange-intents", test_strange_intents);
    g_test_add_func("/assign-faults/holder", test_holder_keeps_function);
    g_test_add_func("/assign-faults/finished-later", test_finished_later);
    g_test_add_func("/assign-faults/finishing-gives-up", test_finishing_gives_up);
    return g_test_run();
}
