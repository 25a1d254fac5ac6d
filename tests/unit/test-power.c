/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sample's power-on with both devices on a fake kernel and fake devices: everything is real but
 * the two arguments for vfio-pci. Who owns the nodes, which resets, what is given back, by whom,
 * after what. */
#include "assign-bench.h"
#include "vfio/fake.h"
#include "vm/engine.h"
#include "vm/run.h"
#include "vm/state.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#define DISK "0000:03:00.0"
#define NIC  "0000:02:00.0"
#define ROUTE_HEAD                                                                                 \
    "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"

typedef struct {
    Bench *bench;
    DpVfioFake *disk, *nic;
    DpVfioOps ops;
    DpHost *host;
    DpMap *map;
    DpPolicy *policy;
    DpEsxconf *conf;
    DpIdentities *identities;
    DpOutcome *outcome;
    char *vmx_path;
    GError *error;
} Fixture;

static Fixture *current;

static int
open_by_name(const DpVfioOps *ops, int group, const char *name, DpVfioDevice **ret_device)
{
    DpVfioFake *fake = strcmp(name, DISK) == 0 ? current->disk : current->nic;

    (void)ops;
    return fake->ops.open(&fake->ops, group, name, ret_device);
}

static void
put_node(Fixture *f, const char *name, mode_t mode)
{
    g_autofree char *path = g_build_filename(f->bench->kernel->path, "dev/vfio", name, NULL);
    g_autofree char *folder = g_path_get_dirname(path);

    g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
    g_assert_true(g_file_set_contents(path, "", 0, NULL));
    g_assert_cmpint(g_chmod(path, mode), ==, 0);
}

static GStatBuf
node(Fixture *f, const char *function)
{
    g_autofree char *path = g_strdup_printf("%s/dev/vfio/%d", f->bench->kernel->path,
                                            dp_host_find_name(f->host, function)->iommu_group);
    GStatBuf st;

    g_assert_cmpint(g_stat(path, &st), ==, 0);
    return st;
}

static void
scan(Fixture *f)
{
    g_clear_pointer(&f->policy, dp_policy_free);
    g_clear_pointer(&f->host, dp_host_free);
    g_clear_pointer(&f->conf, dp_esxconf_free);
    g_clear_pointer(&f->identities, dp_identities_free);
    f->identities = dp_identities_load(f->bench->kernel->root, NULL, NULL);
    f->host = dp_host_scan(f->bench->kernel->root, NULL);
    f->policy = dp_policy_new(f->host, f->map);
    f->conf = dp_store_load(f->bench->kernel->root, NULL, NULL);
    g_assert_nonnull(f->conf);
    /* The made host does not say how much is free, or says little. */
    f->host->platform.mem_available = (uint64_t)8 << 30;
}

/* The sample with its own folder, a disk of its own, and no port that another test may have. */
static void
put_vm(Fixture *f)
{
    g_autofree char *source =
        g_build_filename(g_getenv("DP_TEST_DATA"), "vm", "passthru.vmx", NULL);
    g_autofree char *text = NULL;
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(DpVmx) vmx = NULL;

    g_assert_true(g_file_get_contents(source, &text, NULL, NULL));
    vmx = dp_vmx_parse("passthru.vmx", text, strlen(text), NULL, NULL);
    g_assert_true(dp_vmx_set(vmx, "RemoteDisplay.vnc.enabled", "FALSE", NULL));
    g_assert_true(dp_vmx_set(vmx, "scsi0:0.present", "FALSE", NULL));
    g_assert_true(dp_vmx_set(vmx, "ide0:0.startConnected", "FALSE", NULL));
    g_assert_true(dp_vmx_set(vmx, "memsize", "16", NULL));
    g_assert_true(dp_vmx_set(vmx, "sched.mem.max", "unlimited", NULL));
    bytes = dp_vmx_bytes(vmx);
    f->vmx_path = g_build_filename(f->bench->kernel->path, "passthru.vmx", NULL);
    g_assert_true(g_file_set_contents(f->vmx_path, g_bytes_get_data(bytes, NULL),
                                      (gssize)g_bytes_get_size(bytes), NULL));
}

static void
append_line(Fixture *f, const char *line)
{
    g_autofree char *text = NULL, *more = NULL;

    g_assert_true(g_file_get_contents(f->vmx_path, &text, NULL, NULL));
    more = g_strconcat(text, line, NULL);
    g_assert_true(g_file_set_contents(f->vmx_path, more, -1, NULL));
}

static void
set_up(Fixture *f, gconstpointer unused)
{
    (void)unused;
    current = f;
    f->bench = bench_new("lab");
    f->disk = dp_vfio_fake_new(0x1b36, 0x0010);
    f->nic = dp_vfio_fake_new(0x8086, 0x10d3);
    f->ops = f->disk->ops;
    f->ops.open = open_by_name;
    f->map = dp_map_new();
    f->outcome = dp_outcome_new();
    bench_store(f->bench, "/system/uuid = \"48c4619b-6d58-18db-2a0e-000423d1e6f6\"\n");
    /* Nothing of the host's goes through the network card. */
    fake_kernel_put(f->bench->kernel, "proc/net/route", ROUTE_HEAD);
    g_assert_true(bench_enable(f->bench, NIC, DISK, NULL));
    scan(f);
    for (guint i = 0; i < f->host->group_ids->len; i++) {
        g_autofree char *name = g_strdup_printf("%d", g_array_index(f->host->group_ids, int, i));

        put_node(f, name, 0600);
    }
    put_node(f, "vfio", 0666);
    put_vm(f);
}

static void
tear_down(Fixture *f, gconstpointer unused)
{
    (void)unused;
    g_clear_error(&f->error);
    g_clear_pointer(&f->policy, dp_policy_free);
    g_clear_pointer(&f->host, dp_host_free);
    g_clear_pointer(&f->conf, dp_esxconf_free);
    g_clear_pointer(&f->identities, dp_identities_free);
    dp_map_free(f->map);
    dp_outcome_free(f->outcome);
    g_free(f->vmx_path);
    dp_vfio_fake_free(f->disk);
    dp_vfio_fake_free(f->nic);
    bench_free(f->bench);
}

static DpVmEnv
env(Fixture *f)
{
    return (DpVmEnv){.root = f->bench->kernel->root,
                     .vfio = &f->ops,
                     .host = f->host,
                     .policy = f->policy,
                     .conf = f->conf};
}

/* What QEMU cannot have here. */
static void
drop_vfio(DpPlan *plan)
{
    for (guint i = 1; i < plan->argv->len;) {
        if (strstr(g_ptr_array_index(plan->argv, i), "\"vfio-pci\"") != NULL) {
            g_ptr_array_remove_range(plan->argv, i - 1, 2);
        } else {
            i++;
        }
    }
}

static bool
power_on(Fixture *f, const char *more)
{
    g_autofree char *text = NULL;
    g_autoptr(DpVmx) vmx = NULL;
    g_autoptr(DpPlan) plan = NULL;
    DpPlanInput input = {.host = f->host,
                         .policy = f->policy,
                         .conf = f->conf,
                         .identities = f->identities,
                         .tcg = true,
                         .file_head = dp_vm_file_head};
    DpVmEnv vm_env = env(f);
    /* The store's lock, as the command holds it. */
    dp_autofd int lock = dp_store_lock(f->bench->kernel->root, 1000, NULL);

    g_assert_cmpint(lock, >=, 0);
    g_assert_true(g_file_get_contents(f->vmx_path, &text, NULL, NULL));
    vmx = dp_vmx_parse("passthru.vmx", text, strlen(text), NULL, NULL);
    plan = dp_plan_new(f->vmx_path, vmx, &input);
    drop_vfio(plan);
    plan->memlock = 0; /* nothing is pinned, and a container may not raise the limit */
    if (more != NULL) {
        g_ptr_array_add(plan->argv, g_strdup("-device"));
        g_ptr_array_add(plan->argv, g_strdup(more));
    }
    for (guint i = 0; i < plan->diags->len; i++) {
        const DpDiag *diag = g_ptr_array_index(plan->diags, i);

        if (diag->severity == DP_ERROR_SEVERITY) {
            g_test_message("DP%d: %s", (int)diag->row->id, diag->message);
        }
    }
    g_clear_error(&f->error);
    if (!dp_vm_power_on(plan, &vm_env, f->outcome, &f->error)) {
        g_test_message("%s", f->error->message);
        for (guint i = 0; i < f->outcome->diags->len; i++) {
            g_test_message("%s", ((DpDiag *)f->outcome->diags->pdata[i])->message);
        }
        return false;
    }
    return true;
}

static DpRun *
find(Fixture *f)
{
    return dp_run_find(f->bench->kernel->root, f->vmx_path);
}

static void
wait_off(Fixture *f)
{
    for (int i = 0; i < 6000; i++) {
        g_autoptr(DpRun) run = find(f);

        if (run == NULL) {
            return;
        }
        g_usleep(10000);
    }
    g_assert_not_reached();
}

static void
wait_dead(pid_t pid)
{
    for (int i = 0; i < 6000 && dp_process_start(pid) != 0; i++) {
        g_usleep(10000);
    }
    g_assert_cmpuint(dp_process_start(pid), ==, 0);
}

static void
expect_nodes(Fixture *f, uid_t uid)
{
    g_assert_cmpuint(node(f, DISK).st_uid, ==, uid);
    g_assert_cmpuint(node(f, NIC).st_uid, ==, uid);
    g_assert_cmpuint(node(f, DISK).st_mode & 0777, ==, 0600);
    /* Nobody else's. */
    g_assert_cmpuint(node(f, "0000:04:00.0").st_uid, ==, geteuid());
}

static void
test_whole_life(Fixture *f, gconstpointer unused)
{
    g_autoptr(DpRun) run = NULL;
    g_autoptr(GPtrArray) runs = NULL;
    g_autofree char *log = NULL;
    g_autofree char *known = NULL;
    DpAddr addr;

    (void)unused;
    g_assert_true(power_on(f, NULL));
    g_assert_no_error(f->error);
    run = find(f);
    g_assert_nonnull(run);
    known = fake_kernel_read(f->bench->kernel, "var/lib/directpath/vms");
    g_assert_true(g_str_has_prefix(known, run->vmx_path));
    g_assert_cmpuint(g_strv_length(run->functions), ==, 2);
    expect_nodes(f, run->uid);
    g_assert_cmpuint(f->disk->state->n_resets, ==, 1);
    g_assert_cmpuint(f->nic->state->n_hot_resets, ==, 1);
    runs = dp_run_list(f->bench->kernel->root);
    g_assert_true(dp_addr_parse_sysfs(DISK, &addr));
    g_assert_cmpstr(dp_run_used_by(&addr, runs), ==, "RHEL3");
    g_assert_true(dp_addr_parse_sysfs("0000:04:00.0", &addr));
    g_assert_null(dp_run_used_by(&addr, runs));

    g_assert_true(dp_vm_power_off(f->bench->kernel->root, run, f->outcome, &f->error));
    g_assert_no_error(f->error);
    expect_nodes(f, geteuid());
    g_assert_cmpuint(f->disk->state->n_resets, ==, 2);
    g_assert_cmpuint(f->nic->state->n_hot_resets, ==, 2);
    bench_expect(f->bench, DISK, "vfio-pci", "vfio-pci");
    log = dp_vm_log_read(f->vmx_path, 1 << 20, NULL);
    g_assert_nonnull(strstr(log, DISK ": reset by flr"));
    g_assert_nonnull(strstr(log, NIC ": reset by bus"));
}

/* While the VM ran, somebody wrote that the disk is the host's again. */
static void
test_the_store_decides_at_the_end(Fixture *f, gconstpointer unused)
{
    g_autoptr(DpRun) run = NULL;
    DpAddr addr;

    (void)unused;
    g_assert_true(power_on(f, NULL));
    run = find(f);
    g_assert_true(dp_addr_parse_sysfs(DISK, &addr));
    (void)dp_esxconf_set_owner(f->conf, &addr, DP_OWNER_HOST);
    g_assert_true(dp_store_save(f->bench->kernel->root, f->conf, NULL));
    g_assert_cmpint(kill(run->qemu_pid, SIGKILL), ==, 0);
    wait_off(f);
    wait_dead(run->supervisor_pid);
    bench_expect(f->bench, DISK, "nvme", "none");
    bench_expect(f->bench, NIC, "vfio-pci", "vfio-pci");
    expect_nodes(f, geteuid());
}

static void
test_both_killed(Fixture *f, gconstpointer unused)
{
    g_autoptr(DpRun) run = NULL;
    DpVmEnv vm_env;

    (void)unused;
    g_assert_true(power_on(f, NULL));
    run = find(f);
    (void)kill(run->supervisor_pid, SIGKILL);
    (void)kill(run->qemu_pid, SIGKILL);
    wait_dead(run->supervisor_pid);
    wait_dead(run->qemu_pid);
    if (geteuid() == 0) {
        expect_nodes(f, run->uid);
    }
    scan(f);
    vm_env = env(f);
    g_assert_true(dp_vm_recover(&vm_env, f->outcome, &f->error));
    g_assert_no_error(f->error);
    g_assert_true(dp_diags_have(f->outcome->diags, DP_DIAG_VM_DIED));
    expect_nodes(f, geteuid());
    g_assert_cmpuint(f->disk->state->n_resets, ==, 2);
}

static void
test_the_engine_refuses(Fixture *f, gconstpointer unused)
{
    g_autoptr(DpRun) run = NULL;

    (void)unused;
    g_assert_false(power_on(f, "{\"driver\":\"no-such-device\"}"));
    g_assert_true(dp_diags_have(f->outcome->diags, DP_DIAG_VM_ENGINE_FAILED));
    run = find(f);
    g_assert_null(run);
    expect_nodes(f, geteuid());
    bench_expect(f->bench, DISK, "vfio-pci", "vfio-pci");
}

static void
test_a_reset_fails_before(Fixture *f, gconstpointer unused)
{
    g_autoptr(DpRun) run = NULL;

    (void)unused;
    f->nic->state->hot_reset_error = -EIO;
    g_assert_false(power_on(f, NULL));
    g_assert_nonnull(strstr(f->error->message, NIC));
    run = find(f);
    g_assert_null(run);
    expect_nodes(f, geteuid());
}

/* A device that was not reset is not handed to the host. */
static void
test_a_reset_fails_after(Fixture *f, gconstpointer unused)
{
    g_autoptr(DpRun) run = NULL;
    g_autofree char *log = NULL;
    DpAddr addr;

    (void)unused;
    g_assert_true(power_on(f, NULL));
    run = find(f);
    f->disk->state->reset_error = -EIO;
    g_assert_true(dp_addr_parse_sysfs(DISK, &addr));
    (void)dp_esxconf_set_owner(f->conf, &addr, DP_OWNER_HOST);
    g_assert_true(dp_store_save(f->bench->kernel->root, f->conf, NULL));
    g_assert_false(dp_vm_power_off(f->bench->kernel->root, run, f->outcome, &f->error));
    g_assert_error(f->error, DP_ERROR, DP_ERROR_IO);
    g_assert_true(f->outcome->changed);
    g_assert_true(dp_diags_have(f->outcome->diags, DP_DIAG_VM_NOT_RESET));
    bench_expect(f->bench, DISK, "vfio-pci", "vfio-pci");
    log = dp_vm_log_read(f->vmx_path, 1 << 20, NULL);
    g_assert_nonnull(strstr(log, "DP4013"));
}

static void
test_nodes_without_rights(Fixture *f, gconstpointer unused)
{
    (void)unused;
    put_node(f, "vfio", 0600);
    g_assert_false(power_on(f, NULL));
    g_assert_error(f->error, DP_ERROR, DP_ERROR_REFUSED);
    g_assert_true(dp_diags_have(f->outcome->diags, DP_DIAG_VM_VFIO_NODE));
}

/* The kernel's log as a FIFO; the descriptor keeps it open. */
static int
make_log(Fixture *f)
{
    g_autofree char *path = g_build_filename(f->bench->kernel->path, "dev/kmsg", NULL);
    int fd;

    g_assert_cmpint(mkfifo(path, 0600), ==, 0);
    fd = open(path, O_RDWR | O_CLOEXEC);
    g_assert_cmpint(fd, >=, 0);
    return fd;
}

static void
say_fault(int log, unsigned number, const char *requester)
{
    g_assert_cmpint(dprintf(log,
                            "3,%u,1,-;DMAR: [DMA Write NO_PASID] Request device [%s] fault addr "
                            "0x40000000 [fault reason 0x05] PTE Write access is not set\n",
                            number, requester),
                    >, 0);
}

/* What vm status says of a VM that may be off; null, or NULL after a while. */
static json_t *
wait_faults(Fixture *f, json_int_t count)
{
    g_autofree char *id = dp_vm_id(f->vmx_path);

    for (int i = 0; i < 6000; i++) {
        json_t *said = dp_vm_faults_report(f->bench->kernel->root, id, "RHEL3", NULL);

        if (json_integer_value(json_object_get(said, "count")) >= count) {
            return said;
        }
        json_decref(said);
        g_usleep(10000);
    }
    return NULL;
}

static void
test_a_fault_powers_off(Fixture *f, gconstpointer unused)
{
    dp_autofd int kernel_log = make_log(f);
    g_autofree char *id = dp_vm_id(f->vmx_path);
    g_autoptr(DpRun) run = NULL;
    g_autofree char *log = NULL;
    json_t *said;

    (void)unused;
    g_assert_true(power_on(f, NULL));
    run = find(f);
    say_fault(kernel_log, 7, "04:00.0"); /* no function of this VM */
    say_fault(kernel_log, 8, "03:00.0");
    wait_off(f);
    wait_dead(run->supervisor_pid);
    said = wait_faults(f, 1);
    g_assert_cmpstr(json_string_value(json_object_get(said, "device")), ==, DISK);
    g_assert_true(json_is_true(json_object_get(said, "powered_off")));
    json_decref(said);
    expect_nodes(f, geteuid());
    g_assert_cmpuint(f->disk->state->n_resets, ==, 2);
    log = dp_vm_log_read(f->vmx_path, 1 << 20, NULL);
    g_assert_nonnull(strstr(log, "PCI passthru device " DISK " caused an IOMMU fault type 5 at "
                                 "address 0x40000000 (DMA write).  Powering off the virtual "
                                 "machine."));

    /* The next life begins without it. */
    g_clear_pointer(&run, dp_run_free);
    g_assert_true(power_on(f, NULL));
    run = find(f);
    g_assert_true(json_is_null(dp_vm_faults_report(f->bench->kernel->root, id, "RHEL3", NULL)));
    g_assert_true(dp_vm_power_off(f->bench->kernel->root, run, f->outcome, &f->error));
}

/* The supervisor that comes after the one that was killed tells of what happened meanwhile only. */
static void
test_a_fault_is_reported(Fixture *f, gconstpointer unused)
{
    dp_autofd int kernel_log = make_log(f);
    g_autoptr(DpRun) run = NULL;
    DpVmEnv vm_env;
    json_t *said, *status;

    (void)unused;
    append_line(f, "directpath.dmaFaultPowersOff = \"FALSE\"\n");
    g_assert_true(power_on(f, NULL));
    run = find(f);
    say_fault(kernel_log, 8, "02:00.0");
    said = wait_faults(f, 1);
    g_assert_cmpstr(json_string_value(json_object_get(said, "device")), ==, NIC);
    g_assert_true(json_is_false(json_object_get(said, "powered_off")));
    json_decref(said);
    (void)kill(run->supervisor_pid, SIGKILL);
    wait_dead(run->supervisor_pid);
    say_fault(kernel_log, 8, "02:00.0"); /* the kernel gives the new reader its whole log */
    say_fault(kernel_log, 9, "02:00.0");
    say_fault(kernel_log, 10, "03:00.0");
    g_clear_pointer(&run, dp_run_free);
    scan(f);
    vm_env = env(f);
    g_assert_true(dp_vm_recover(&vm_env, f->outcome, &f->error));
    said = wait_faults(f, 3);
    g_assert_cmpint(json_integer_value(json_object_get(said, "count")), ==, 3);
    g_assert_cmpstr(json_string_value(json_object_get(said, "device")), ==, NIC);
    json_decref(said);
    run = find(f);
    g_assert_true(dp_run_is_on(run, NULL));
    status = dp_vm_status_json(f->bench->kernel->root, run, f->outcome->diags);
    g_assert_true(json_is_true(json_object_get(status, "dma_faults_watched")));
    g_assert_true(json_is_object(json_object_get(status, "dma_faults")));
    g_assert_true(dp_diags_have(f->outcome->diags, DP_DIAG_VM_DMA_FAULT));
    json_decref(status);
    g_assert_true(dp_vm_power_off(f->bench->kernel->root, run, f->outcome, &f->error));
}

#define ADD(path, func) g_test_add(path, Fixture, NULL, set_up, func, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/power/life", test_whole_life);
    ADD("/power/store", test_the_store_decides_at_the_end);
    ADD("/power/both-killed", test_both_killed);
    ADD("/power/engine", test_the_engine_refuses);
    ADD("/power/reset/before", test_a_reset_fails_before);
    ADD("/power/reset/after", test_a_reset_fails_after);
    ADD("/power/nodes", test_nodes_without_rights);
    ADD("/power/fault/off", test_a_fault_powers_off);
    ADD("/power/fault/on", test_a_fault_is_reported);
    return g_test_run();
}
