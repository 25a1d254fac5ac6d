/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The unit that a VM is to systemd: the words of the call, which no value of a VMX can change. */
#include "scratch-root.h"

#include "vm/scope.h"

#include <string.h>

static DpRunState *
state_of(const char *name)
{
    DpRunState *state = dp_run_state_new();

    state->id = g_strdup("0123456789abcdef");
    state->name = g_strdup(name);
    state->engine.pid = 11;
    state->supervisor.pid = 12;
    return state;
}

static void
test_call(Fixture *f G_GNUC_UNUSED, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(DpRunState) state = state_of("web");
    g_auto(GStrv) words = dp_scope_call(state);
    g_autofree char *line = g_strjoinv(" ", words);

    g_assert_true(g_str_has_prefix(
        line, "/usr/bin/systemd-run --unit=directpath-vm-0123456789abcdef.scope "
              "--description=Virtual machine web --quiet --scope --collect --slice=machine.slice "
              "--property=Before=directpath-vms.service --property=Wants=directpath-vms.service "
              "-- /bin/sh -c "));
    g_assert_true(g_str_has_suffix(line, " sh 11 12"));
}

/* A name is one word behind words of our own, whatever is in it. */
static void
test_hostile_name(Fixture *f G_GNUC_UNUSED, gconstpointer data G_GNUC_UNUSED)
{
    static const char *const names[] = {"--host=evil", "a b\n0 c", "\xff\xfe", ""};
    g_autoptr(DpRunState) plain = state_of("web");
    g_auto(GStrv) usual = dp_scope_call(plain);

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(DpRunState) state = state_of(names[i]);
        g_auto(GStrv) words = dp_scope_call(state);

        g_assert_cmpuint(g_strv_length(words), ==, g_strv_length(usual));
        for (size_t k = 0; words[k] != NULL; k++) {
            g_assert_true(g_utf8_validate(words[k], -1, NULL) && strchr(words[k], '\n') == NULL);
            g_assert_true(strcmp(words[k], usual[k]) == 0 ||
                          g_str_has_prefix(words[k], "--description=Virtual machine "));
        }
    }
}

/* Hosts of both hierarchies have more lines than one (cgroups(7)). */
static void
test_procs(Fixture *f G_GNUC_UNUSED, gconstpointer data G_GNUC_UNUSED)
{
    static const struct {
        const char *text, *procs;
    } rows[] = {
        {"0::/machine.slice/directpath-vm-0123.scope\n",
         "sys/fs/cgroup/machine.slice/directpath-vm-0123.scope/cgroup.procs"},
        {"2:cpu:/\n1:name=systemd:/x\n0::/machine.slice/directpath-vm-0123.scope\n",
         "sys/fs/cgroup/machine.slice/directpath-vm-0123.scope/cgroup.procs"},
        {"0::/user.slice/user-0.slice/session-1.scope\n", NULL},
        {"0::/../directpath-vm-0123.scope\n", NULL},
        {"1:name=systemd:/machine.slice/directpath-vm-0123.scope\n", NULL},
        {"", NULL},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *procs = dp_scope_procs(rows[i].text);

        g_assert_cmpstr(procs, ==, rows[i].procs);
    }
}

/* On a host that is not the running one, and where systemd is not the init, nobody is asked. */
static void
test_captured(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(DpRunState) state = state_of("web");
    g_autoptr(GError) error = NULL;

    put(f, "run/systemd/system/x", "");
    g_assert_true(dp_scope_make(f->root, state, &error));
    g_assert_no_error(error);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, func) g_test_add("/scope/" name, Fixture, NULL, set_up, func, tear_down)
    ADD("call", test_call);
    ADD("hostile-name", test_hostile_name);
    ADD("procs", test_procs);
    ADD("captured", test_captured);
#undef ADD
    return g_test_run();
}
