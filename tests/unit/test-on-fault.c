/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a supervisor does about a fault: while the engine lives, and when it has ended by itself.
 * The kernel's log is a FIFO. */
#include "scratch-root.h"

#include "vm/on-fault.h"
#include "vm/run.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define ID "0123456789abcdef"
#define FAULT                                                                                      \
    "3,1,77,-;DMAR: [DMA Write NO_PASID] Request device [02:00.0] fault addr 0x40000000 [fault "   \
    "reason 0x05] PTE\n"

typedef struct {
    Fixture place;
    char *vmx;
    DpRunState *state;
    DpSupervisor supervisor;
    pid_t process; /* of the engine's number */
    int kmsg;
} Bench;

static void
make_log(Bench *bench)
{
    g_autofree char *path = g_build_filename(bench->place.path, "dev/kmsg", NULL);

    put(&bench->place, "dev/.keep", "");
    g_assert_cmpint(mkfifo(path, 0600), ==, 0);
    bench->kmsg = open(path, O_RDWR | O_CLOEXEC);
    g_assert_cmpint(bench->kmsg, >=, 0);
    put(&bench->place, "sys/bus/pci/devices/0000:02:00.0/vendor", "0x8086\n");
    put(&bench->place, "sys/kernel/iommu_groups/2/devices/0000:02:00.0/x", "");
}

static void
bench_set_up(Bench *bench, gconstpointer unused)
{
    set_up(&bench->place, unused);
    make_log(bench);
    put(&bench->place, "run/directpath/vm/" ID "/x", "");
    bench->vmx = g_build_filename(bench->place.path, "vm.vmx", NULL);
    bench->state = dp_run_state_new();
    bench->state->id = g_strdup(ID);
    bench->state->name = g_strdup("web");
    bench->state->vmx_path = g_strdup(bench->vmx);
    bench->state->accel = g_strdup("kvm");
    bench->state->started = g_strdup("2020-01-01T00:00:00Z");
    bench->state->phase = DP_VM_RUNNING;
    bench->supervisor = (DpSupervisor){.root = bench->place.root,
                                       .state = bench->state,
                                       .log = dp_log_start(bench->vmx, NULL),
                                       .folder = dp_run_folder(bench->place.root, ID),
                                       .child = true,
                                       .output = -1,
                                       .kmsg = -1,
                                       .successor = -1};
    bench->supervisor.lock = dp_supervisor_lock(bench->supervisor.folder);
    g_assert_nonnull(bench->supervisor.log);
}

/* True if the process of the engine's number has ended; waits a while where it is to. */
static bool
has_ended(Bench *bench, int wait_ms)
{
    for (int waited = 0;; waited += 10) {
        if (waitpid(bench->process, NULL, WNOHANG) == bench->process) {
            bench->process = 0;
            return true;
        }
        if (waited >= wait_ms) {
            return false;
        }
        g_usleep(10000);
    }
}

static void
bench_tear_down(Bench *bench, gconstpointer unused)
{
    if (bench->process > 0) {
        (void)kill(bench->process, SIGKILL);
        (void)waitpid(bench->process, NULL, 0);
    }
    dp_close_fd(&bench->supervisor.lock);
    dp_close_fd(&bench->supervisor.folder);
    dp_close_fd(&bench->kmsg);
    dp_log_free(bench->supervisor.log);
    dp_run_state_free(bench->state);
    g_free(bench->vmx);
    tear_down(&bench->place, unused);
}

static void
start_process(Bench *bench, bool ends)
{
    bench->process = fork();
    if (bench->process == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (!ends) {
            (void)pause();
        }
        _exit(0);
    }
    bench->state->engine.pid = bench->process;
}

static void
watch(Bench *bench)
{
    DpRunFunction fn = {.name = "0000:02:00.0", .group = 2};

    g_array_append_val(bench->state->functions, fn);
    dp_on_fault_begin(&bench->supervisor);
    g_assert_nonnull(bench->supervisor.duty.watch);
    g_assert_cmpint(write(bench->kmsg, FAULT, strlen(FAULT)), ==, strlen(FAULT));
}

/* What status shows, and the log. */
static void
expect_told(const Bench *bench, bool powered_off)
{
    g_autofree char *log = dp_vm_log_read(bench->vmx, 1 << 16, NULL);
    g_auto(DpVmFaults) faults = {0};

    g_assert_true(dp_vm_faults_load(&faults, bench->place.root, ID));
    g_assert_cmpuint(faults.count, ==, 1);
    g_assert_cmpint(faults.powered_off, ==, powered_off);
    g_assert_nonnull(strstr(log, "caused an IOMMU fault type 5 at address 0x40000000"));
    g_assert_cmpint(strstr(log, "Powering off") != NULL, ==, powered_off);
}

static void
test_while_it_lives(Bench *bench, gconstpointer unused G_GNUC_UNUSED)
{
    start_process(bench, false);
    watch(bench);
    dp_on_fault_look(&bench->supervisor);
    expect_told(bench, true);
    g_assert_true(has_ended(bench, 20000));
    dp_on_fault_end(&bench->supervisor);
}

/* The engine was waited for, and its number is another process's by now. */
static void
test_when_it_has_ended(Bench *bench, gconstpointer unused G_GNUC_UNUSED)
{
    start_process(bench, false);
    watch(bench);
    dp_on_fault_end(&bench->supervisor);
    expect_told(bench, false);
    g_assert_false(has_ended(bench, 200));
}

static void
test_waited_for(Bench *bench, gconstpointer unused G_GNUC_UNUSED)
{
    start_process(bench, true);
    dp_supervisor_run(&bench->supervisor);
    bench->process = 0;
    g_assert_false(bench->supervisor.child);
    g_assert_cmpint(bench->state->phase, ==, DP_VM_STOPPING);
}

static void
test_killed(Bench *bench, gconstpointer unused G_GNUC_UNUSED)
{
    start_process(bench, false);
    dp_supervisor_kill(&bench->supervisor);
    bench->process = 0;
    g_assert_false(bench->supervisor.child);
}

#define ADD(path, func) g_test_add(path, Bench, NULL, bench_set_up, func, bench_tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/on-fault/living", test_while_it_lives);
    ADD("/on-fault/ended", test_when_it_has_ended);
    ADD("/on-fault/waited-for", test_waited_for);
    ADD("/on-fault/killed", test_killed);
    return g_test_run();
}
