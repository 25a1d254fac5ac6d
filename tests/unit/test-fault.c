/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose fault it is that the kernel's log tells of, and what is kept of it. The log is a FIFO. */
#include "vm/fault.h"
#include "vm/run.h"

#include "base/diag.h"
#include "scratch-root.h"

#include <fcntl.h>
#include <string.h>

#define ID "0123456789abcdef"

typedef struct {
    Fixture place;
    DpRunState *state;
    DpFaultWatch *watch;
    int log;
} Bench;

static void
add_device(Bench *bench, const char *name, int group)
{
    g_autofree char *all = g_strdup_printf("sys/bus/pci/devices/%s/vendor", name);
    g_autofree char *member =
        g_strdup_printf("sys/kernel/iommu_groups/%d/devices/%s/x", group, name);

    put(&bench->place, all, "0x8086\n");
    put(&bench->place, member, "");
}

static void
give(Bench *bench, const char *name, int group)
{
    DpRunFunction fn = {.group = group};

    g_strlcpy(fn.name, name, sizeof fn.name);
    g_array_append_val(bench->state->functions, fn);
}

static void
say(const Bench *bench, unsigned prefix, uint64_t number, const char *text)
{
    g_assert_cmpint(dprintf(bench->log, "%u,%" G_GUINT64_FORMAT ",77,-;%s\n", prefix, number, text),
                    >, 0);
}

static void
say_fault(const Bench *bench, uint64_t number, const char *requester)
{
    g_autofree char *text = g_strdup_printf("DMAR: [DMA Write NO_PASID] Request device [%s] fault "
                                            "addr 0x40000000 [fault reason 0x05] PTE",
                                            requester);

    say(bench, 3, number, text);
}

static void
watch(Bench *bench)
{
    g_autoptr(GError) error = NULL;

    bench->watch = dp_fault_watch_new(bench->place.root, bench->state, &error);
    g_assert_no_error(error);
}

static void
bench_set_up(Bench *bench, gconstpointer unused)
{
    g_autofree char *path = NULL;

    set_up(&bench->place, unused);
    bench->state = dp_run_state_new();
    put(&bench->place, "dev/.keep", "");
    path = g_build_filename(bench->place.path, "dev/kmsg", NULL);
    g_assert_cmpint(mkfifo(path, 0600), ==, 0);
    bench->log = open(path, O_RDWR | O_CLOEXEC);
    g_assert_cmpint(bench->log, >=, 0);
    add_device(bench, "0000:02:00.0", 2);
    add_device(bench, "0000:03:00.0", 3);
    add_device(bench, "0000:06:00.0", 6); /* a bridge, and what is behind it */
    add_device(bench, "0000:07:01.0", 6);
    add_device(bench, "0000:07:02.0", 6);
    give(bench, "0000:02:00.0", 2);
    give(bench, "0000:07:01.0", 6);
}

static void
bench_tear_down(Bench *bench, gconstpointer unused)
{
    dp_fault_watch_free(bench->watch);
    dp_run_state_free(bench->state);
    (void)close(bench->log);
    tear_down(&bench->place, unused);
}

static bool
next(Bench *bench, DpVmFault *ret_fault)
{
    bool more, ended;
    bool found = dp_fault_watch_next(bench->watch, ret_fault, &more, &ended);

    g_assert_false(more || ended);
    return found;
}

static void
expect(Bench *bench, const char *name, bool by_group)
{
    DpVmFault fault;

    g_assert_true(next(bench, &fault));
    g_assert_cmpstr(fault.name, ==, name);
    g_assert_cmpint(fault.by_group, ==, by_group);
    g_assert_true(fault.certain);
    g_assert_cmpuint(fault.fault.address, ==, 0x40000000);
}

static void
expect_none(Bench *bench)
{
    DpVmFault fault;

    g_assert_false(next(bench, &fault));
}

static void
test_owners(Bench *bench, gconstpointer unused G_GNUC_UNUSED)
{
    watch(bench);
    expect_none(bench);
    say_fault(bench, 1, "02:00.0");
    say_fault(bench, 2, "03:00.0"); /* of another VM */
    say_fault(bench, 3, "07:02.0"); /* goes with 07:01.0 */
    say_fault(bench, 4, "06:00.0"); /* the bridge */
    say_fault(bench, 5, "07:00.0"); /* what the bridge calls them; no function */
    say_fault(bench, 6, "02:00.1"); /* a second function that there is not */
    say_fault(bench, 7, "09:00.0"); /* nobody's */
    expect(bench, "0000:02:00.0", false);
    expect(bench, "0000:07:01.0", true);
    expect(bench, "0000:07:01.0", true);
    expect(bench, "0000:07:01.0", true);
    expect(bench, "0000:02:00.0", true);
    expect_none(bench);
    g_assert_cmpint(bench->state->kmsg_number, ==, 7);
}

static void
test_words_of_processes(Bench *bench, gconstpointer unused G_GNUC_UNUSED)
{
    watch(bench);
    say(bench, 11, 1, "DMAR: [DMA Write NO_PASID] Request device [02:00.0] fault addr 0x40000000");
    say(bench, 3, 2, "usb 1-1: Product: DMAR: [DMA Write] Request device [02:00.0] fault addr 0");
    g_assert_cmpint(dprintf(bench->log, " SUBSYSTEM=pci\n\nnonsense\n"), >, 0);
    expect_none(bench);
}

/* The same id in two segments: VT-d's log does not say which. */
static void
test_segments(Bench *bench, gconstpointer unused G_GNUC_UNUSED)
{
    DpVmFault fault;

    add_device(bench, "0001:02:00.0", 9);
    watch(bench);
    say_fault(bench, 1, "02:00.0");
    g_assert_true(next(bench, &fault));
    g_assert_cmpstr(fault.name, ==, "0000:02:00.0");
    g_assert_false(fault.certain);
    say(bench, 3, 2,
        "vfio-pci 0001:02:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x1 address=0x1 "
        "flags=0x0]");
    expect_none(bench);
}

static void
test_the_past(Bench *bench, gconstpointer unused G_GNUC_UNUSED)
{
    say_fault(bench, 41, "02:00.0");
    watch(bench);
    g_assert_cmpint(bench->state->kmsg_number, ==, 41);
    expect_none(bench);
    say_fault(bench, 42, "02:00.0");
    expect(bench, "0000:02:00.0", false);

    /* Another supervisor, to which the kernel gives the whole log again. */
    g_clear_pointer(&bench->watch, dp_fault_watch_free);
    watch(bench);
    say_fault(bench, 41, "02:00.0");
    say_fault(bench, 42, "02:00.0");
    say_fault(bench, 43, "07:01.0"); /* while nobody looked */
    expect(bench, "0000:07:01.0", false);
    expect_none(bench);
}

/* A log that grows faster than it is read keeps nobody in it. */
static void
test_flood(Bench *bench, gconstpointer unused G_GNUC_UNUSED)
{
    bool more = false, ended = false;
    unsigned n = 0;
    DpVmFault fault;

    watch(bench);
    for (uint64_t i = 1; i <= 1000; i++) {
        say(bench, 3, i, "x");
    }
    say_fault(bench, 1001, "02:00.0");
    do {
        g_assert_false(dp_fault_watch_next(bench->watch, &fault, &more, &ended));
        g_assert_true(more);
        g_assert_cmpint(bench->state->kmsg_number, <=, (int64_t)(++n * 512));
    } while (bench->state->kmsg_number < 512);
    g_assert_true(dp_fault_watch_next(bench->watch, &fault, &more, &ended));
    expect_none(bench);
}

static void
test_a_log_that_ends(Bench *bench, gconstpointer unused G_GNUC_UNUSED)
{
    bool more = false, ended = false;
    DpVmFault fault;

    watch(bench);
    say_fault(bench, 1, "03:00.0");
    dp_close_fd(&bench->log);
    g_assert_false(dp_fault_watch_next(bench->watch, &fault, &more, &ended));
    g_assert_true(ended);
    bench->log = -1;
}

static void
test_no_log(Bench *bench, gconstpointer unused G_GNUC_UNUSED)
{
    g_autofree char *path = g_build_filename(bench->place.path, "dev/kmsg", NULL);
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(g_unlink(path), ==, 0);
    g_assert_null(dp_fault_watch_new(bench->place.root, bench->state, &error));
    g_assert_error(error, DP_ERROR, DP_ERROR_NOT_FOUND);
    g_assert_nonnull(strstr(error->message, "/dev/kmsg"));
}

static DpVmFault
a_fault(bool by_group, bool certain, int reason)
{
    DpVmFault fault = {.fault = {.any_domain = true,
                                 .access = DP_DMA_WRITE,
                                 .address = 0xe0041000,
                                 .reason = reason},
                       .name = "0000:0d:00.0",
                       .by_group = by_group,
                       .certain = certain};

    g_assert_true(
        dp_addr_parse_sysfs(by_group ? "0000:0c:00.0" : "0000:0d:00.0", &fault.fault.requester));
    return fault;
}

static void
test_record(Bench *bench, gconstpointer unused G_GNUC_UNUSED)
{
    DpRoot *root = bench->place.root;
    g_auto(DpVmFaults) faults = {.powered_off = true};
    g_auto(DpVmFaults) again = {0};
    DpVmFault fault = a_fault(true, false, 5);
    g_autofree char *text = NULL;

    dp_vm_faults_add(&faults, &fault);
    fault = a_fault(false, true, -1);
    dp_vm_faults_add(&faults, &fault);
    text = dp_vm_faults_text(&faults);
    g_assert_cmpstr(
        text, ==,
        "PCI passthru device 0000:0d:00.0 caused an IOMMU fault type 5 at address "
        "0xe0041000 (DMA write, by the id 0000:0c:00.0 of its IOMMU group, or a function "
        "of another segment with the same id)");
    g_assert_false(dp_vm_faults_load(&again, root, ID));
    g_assert_true(dp_vm_faults_save(&faults, root, ID, NULL));
    g_assert_true(dp_vm_faults_load(&again, root, ID));
    g_assert_cmpuint(again.count, ==, 2);
    g_assert_true(again.powered_off);
    g_assert_cmpstr(again.time, ==, faults.time);
    g_clear_pointer(&text, g_free);
    text = dp_vm_faults_text(&again);
    g_assert_nonnull(strstr(text, "0000:0c:00.0"));
    g_assert_nonnull(strstr(text, "another segment"));
    dp_vm_faults_forget(root, ID);
    g_assert_false(dp_vm_faults_load(&again, root, ID));
}

static void
test_report(Bench *bench, gconstpointer unused G_GNUC_UNUSED)
{
    DpRoot *root = bench->place.root;
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_auto(DpVmFaults) faults = {.powered_off = true};
    DpVmFault fault = a_fault(false, true, -1);
    const DpDiag *diag;
    json_t *said = dp_vm_faults_report(root, ID, "web", diags);

    g_assert_true(json_is_null(said));
    g_assert_cmpuint(diags->len, ==, 0);
    dp_vm_faults_add(&faults, &fault);
    g_assert_true(dp_vm_faults_save(&faults, root, ID, NULL));
    said = dp_vm_faults_report(root, ID, "web", diags);
    g_assert_cmpstr(json_string_value(json_object_get(said, "address")), ==, "0xe0041000");
    g_assert_true(json_is_null(json_object_get(said, "reason")));
    json_decref(said);
    g_assert_cmpuint(diags->len, ==, 1);
    diag = g_ptr_array_index(diags, 0);
    g_assert_cmpint(diag->row->id, ==, DP_DIAG_VM_DMA_FAULT);
    g_assert_cmpstr(diag->subject, ==, "web");
    g_assert_nonnull(strstr(diag->message, "The virtual machine was powered off"));
    g_assert_nonnull(strstr(diag->remedy, "directpath.dmaFaultPowersOff=FALSE"));
    put(&bench->place, "run/directpath/dma-faults/" ID, "{\"count\": 1, \"device\": \"../x\"}");
    g_assert_true(json_is_null(dp_vm_faults_report(root, ID, "web", NULL)));
}

#define ADD(path, func) g_test_add(path, Bench, NULL, bench_set_up, func, bench_tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/fault/owners", test_owners);
    ADD("/fault/processes", test_words_of_processes);
    ADD("/fault/segments", test_segments);
    ADD("/fault/past", test_the_past);
    ADD("/fault/flood", test_flood);
    ADD("/fault/end", test_a_log_that_ends);
    ADD("/fault/no-log", test_no_log);
    ADD("/fault/record", test_record);
    ADD("/fault/report", test_report);
    return g_test_run();
}
