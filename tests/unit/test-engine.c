/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine as a process: its record, its start, what is read about it. */
#include "vm/engine.h"
#include "vm/interrupts.h"
#include "vm/state.h"

#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>

static void
test_state_round_trip(void)
{
    g_autoptr(DpRunState) state = dp_run_state_new();
    g_autoptr(DpRunState) copy = NULL;
    DpRunFunction fn = {.name = "0000:03:00.0",
                        .index = 1,
                        .slot = 160,
                        .group = 7,
                        .saved = true,
                        .node_uid = 0,
                        .node_mode = 0600,
                        .reset = "flr"};
    json_t *document;
    const DpRunFunction *back;

    state->id = g_strdup("0123456789abcdef");
    state->name = g_strdup("RHEL3");
    state->vmx_path = g_strdup("/vms/a.vmx");
    state->accel = g_strdup("kvm");
    state->started = g_strdup("2020-01-01T00:00:00Z");
    state->phase = DP_VM_STOPPING;
    state->uid = 0x70D00001;
    state->engine = (DpProcess){.pid = 12, .start = 1234567890123};
    g_array_append_val(state->functions, fn);
    document = dp_run_state_to_json(state);
    copy = dp_run_state_from_json(document);
    json_decref(document);
    g_assert_nonnull(copy);
    g_assert_cmpuint(copy->uid, ==, state->uid);
    g_assert_cmpint(copy->phase, ==, DP_VM_STOPPING);
    g_assert_cmpuint(copy->engine.start, ==, 1234567890123);
    back = &g_array_index(copy->functions, DpRunFunction, 0);
    g_assert_cmpstr(back->name, ==, fn.name);
    g_assert_cmpstr(back->reset, ==, "flr");
    g_assert_cmpint(back->group, ==, 7);
    g_assert_true(back->saved);
}

static void
test_process_numbers_are_not_trusted_alone(void)
{
    DpProcess self = {.pid = getpid(), .start = dp_process_start(getpid())};
    DpProcess other = {.pid = getpid(), .start = self.start + 1};
    DpProcess none = {0};

    g_assert_true(dp_process_alive(&self));
    g_assert_false(dp_process_alive(&other));
    g_assert_false(dp_process_alive(&none));
}

/* A terabyte takes its minutes; a deadline for it must not be that of a small VM. */
static void
test_pinning_has_its_time(void)
{
    g_assert_cmpint(dp_run_pinning_ms(0), ==, 0);
    g_assert_cmpint(dp_run_pinning_ms((uint64_t)2 << 30), >=, 7000);
    g_assert_cmpint(dp_run_pinning_ms((uint64_t)1 << 40), >=, 1024 * 350);
    g_assert_cmpint(dp_run_pinning_ms(G_MAXUINT64), <, G_MAXINT / 2);
}

static void
test_verify_text(void)
{
    static const char good[] =
        "Name:\tqemu\nUid:\t7\t7\t7\t7\nGid:\t7\t7\t7\t7\nCapInh:\t0000000000000000\n"
        "CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t000001ffffffffff\n"
        "CapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n";
    static const char *const bad[][2] = {
        {"Uid:\t7\t7", "Uid:\t7\t0"},
        {"CapEff:\t0000000000000000", "CapEff:\t0000000000000001"},
        {"NoNewPrivs:\t1", "NoNewPrivs:\t0"},
        {"Seccomp:\t2", "Seccomp:\t0"},
    };
    g_autoptr(GError) error = NULL;

    g_assert_true(dp_engine_verify_text(good, 7, &error));
    g_assert_no_error(error);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GString) text = g_string_new(good);

        g_assert_cmpuint(g_string_replace(text, bad[i][0], bad[i][1], 1), ==, 1);
        g_assert_false(dp_engine_verify_text(text->str, 7, NULL));
    }
    g_assert_false(dp_engine_verify_text("", 7, NULL));
}

/* "sh" in the engine's place; the exit status, -1 where a signal ended it. */
static int
status_behind_gate(bool opened)
{
    static const char *const argv[] = {"sh", "-c", "exit 3", NULL};
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int gate[2], status;
    pid_t pid;

    g_assert_cmpint(pipe2(gate, O_CLOEXEC), ==, 0);
    {
        DpEngineSpec spec = {
            .path = "/bin/sh",
            .argv = (char *const *)(uintptr_t)argv,
            .uid = geteuid() == 0 ? DP_VM_UID_BASE : geteuid(),
            .fds = &null,
            .n_fds = 1,
            .output = null,
            .gate = {gate[0], gate[1]},
        };

        pid = dp_engine_start(&spec, NULL);
    }
    g_assert_cmpint(pid, >, 0);
    (void)close(gate[0]);
    if (opened) {
        g_assert_cmpint(write(gate[1], "", 1), ==, 1);
    }
    (void)close(gate[1]);
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    (void)close(null);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
test_no_engine_without_a_record(void)
{
    g_assert_cmpint(status_behind_gate(true), ==, 3);
    g_assert_cmpint(status_behind_gate(false), ==, 127);
}

static void
test_interrupts(void)
{
    static const char text[] =
        "            CPU0       CPU1\n"
        "  16:          0          5   IO-APIC  16-fasteoi   i801_smbus, vfio-intx(0000:00:1d.0)\n"
        "  45:        100         11   IR-PCI-MSIX-0000:03:00.0    0-edge      "
        "vfio-msix[0](0000:03:00.0)\n"
        "  46:          2          0   IR-PCI-MSIX-0000:03:00.0    1-edge      "
        "vfio-msix[1](0000:03:00.0)\n"
        "  47:          9          0   IR-PCI-MSI-0000:02:00.0    0-edge      "
        "vfio-msi[0](0000:02:00.0)\n"
        " NMI:          0          0   Non-maskable interrupts\n";
    char mode[DP_STATUS_MODE];
    json_t *found = dp_status_interrupts(text, "0000:03:00.0", mode);

    g_assert_cmpstr(mode, ==, "msix");
    g_assert_cmpuint(json_array_size(found), ==, 2);
    g_assert_cmpint(json_integer_value(json_object_get(json_array_get(found, 0), "count")), ==,
                    111);
    g_assert_cmpint(json_integer_value(json_object_get(json_array_get(found, 1), "irq")), ==, 46);
    json_decref(found);
    json_decref(dp_status_interrupts(text, "0000:02:00.0", mode));
    g_assert_cmpstr(mode, ==, "msi");
    json_decref(dp_status_interrupts(text, "0000:00:1d.0", mode));
    g_assert_cmpstr(mode, ==, "intx");
    json_decref(dp_status_interrupts(text, "0000:09:00.0", mode));
    g_assert_cmpstr(mode, ==, "none");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/engine/state/round-trip", test_state_round_trip);
    g_test_add_func("/engine/state/process", test_process_numbers_are_not_trusted_alone);
    g_test_add_func("/engine/pinning", test_pinning_has_its_time);
    g_test_add_func("/engine/verify", test_verify_text);
    g_test_add_func("/engine/gate", test_no_engine_without_a_record);
    g_test_add_func("/engine/interrupts", test_interrupts);
    return g_test_run();
}
