/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Owners and states: the store against the running kernel. */
#include "fake-host.h"
#include "policy/policy.h"

#include <string.h>

static DpEsxconf *
make_conf(const char *text)
{
    g_autoptr(GError) error = NULL;
    DpEsxconf *conf = dp_esxconf_parse("esx.conf", text, strlen(text), NULL, &error);

    g_assert_no_error(error);
    g_assert_nonnull(conf);
    return conf;
}

typedef struct {
    const char *name;
    const char *conf;
    const char *driver;
    const char *used_by;
    bool refused; /* the function is dead */
    DpState state;
    DpDiagId diag; /* 0: none */
    const DpWait *wait;
    const char *told; /* in cause and remedy */
} StateCase;

static const DpWait held = {"fio (pid 12)", true};
static const DpWait held_by_others = {"fio (pid 12)", false};
static const DpWait claims_off = {.claims_off = true};
static const DpWait nobody_known = {NULL, true};

#define PASSTHRU "/device/003:00.0/owner = \"passthru\"\n"
#define VMKERNEL "/device/003:00.0/owner = \"vmkernel\"\n"
#define BRIDGE   "/device/000:01.0/owner = \"passthru\"\n"

static const StateCase state_cases[] = {
    {"available", "", "ixgbe", NULL, false, DP_STATE_AVAILABLE, 0},
    {"available-by-line", VMKERNEL, "ixgbe", NULL, false, DP_STATE_AVAILABLE, 0},
    {"available-without-driver", "", NULL, NULL, false, DP_STATE_AVAILABLE, 0},
    {"unavailable", "", "ixgbe", NULL, true, DP_STATE_UNAVAILABLE, 0},
    {"active", PASSTHRU, "vfio-pci", NULL, false, DP_STATE_ACTIVE, 0},
    {"active-variant", PASSTHRU, "mlx5_vfio_pci", NULL, false, DP_STATE_ACTIVE, 0},
    {"in-use", PASSTHRU, "vfio-pci", "RHEL3", false, DP_STATE_IN_USE, 0},
    {"in-use-though-disabled", VMKERNEL, "vfio-pci", "RHEL3", false, DP_STATE_IN_USE, 0},
    {"pending-enable", PASSTHRU, "ixgbe", NULL, false, DP_STATE_REBOOT_REQUIRED,
     DP_DIAG_PENDING_ENABLE},
    {"pending-enable-without-driver", PASSTHRU, NULL, NULL, false, DP_STATE_REBOOT_REQUIRED,
     DP_DIAG_PENDING_ENABLE},
    {"pending-enable-refused", PASSTHRU, "ixgbe", NULL, true, DP_STATE_REBOOT_REQUIRED,
     DP_DIAG_PENDING_ENABLE},
    {"pending-disable", VMKERNEL, "vfio-pci", NULL, false, DP_STATE_REBOOT_REQUIRED,
     DP_DIAG_PENDING_DISABLE},
    {"pending-disable-by-absence", "", "vfio-pci", NULL, false, DP_STATE_REBOOT_REQUIRED,
     DP_DIAG_PENDING_DISABLE},
    {"waits-for-a-holder", VMKERNEL, "vfio-pci", NULL, false, DP_STATE_REBOOT_REQUIRED,
     DP_DIAG_PENDING_DISABLE, &held, "fio (pid 12)"},
    {"waits-for-a-holder-of-others", VMKERNEL, "vfio-pci", NULL, false, DP_STATE_REBOOT_REQUIRED,
     DP_DIAG_PENDING_DISABLE, &held_by_others, "fio (pid 12)"},
    /* A driver that does not come to the end of its removal has lost its link already. */
    {"waits-in-the-kernel", "", NULL, NULL, false, DP_STATE_REBOOT_REQUIRED,
     DP_DIAG_PENDING_DISABLE, &nobody_known, "has not let go"},
    {"waits-no-more", VMKERNEL, "ixgbe", NULL, false, DP_STATE_AVAILABLE, 0, &held, NULL},
    {"enable-waits", PASSTHRU, NULL, NULL, false, DP_STATE_REBOOT_REQUIRED, DP_DIAG_PENDING_ENABLE,
     &held, "fio (pid 12)"},
    {"claims-off", PASSTHRU, "ixgbe", NULL, false, DP_STATE_REBOOT_REQUIRED, DP_DIAG_PENDING_ENABLE,
     &claims_off, "directpath=off"},
    {"enable-waits-no-more", PASSTHRU, "vfio-pci", NULL, false, DP_STATE_ACTIVE, 0, &held, NULL},
    {"in-use-and-waits", VMKERNEL, "vfio-pci", "RHEL3", false, DP_STATE_IN_USE, 0, &held, NULL},
    {"bridge", BRIDGE, "vfio-pci", NULL, false, DP_STATE_ACTIVE, 0},
    {"bridge-wins", VMKERNEL BRIDGE, "vfio-pci", NULL, false, DP_STATE_ACTIVE,
     DP_DIAG_OWNED_BY_BRIDGE},
};

static void
test_state(gconstpointer data)
{
    const StateCase *row = data;
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpMap) map = fake_map("");
    g_autoptr(DpEsxconf) conf = make_conf(row->conf);
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autoptr(DpPolicy) policy = NULL;
    DpFunction *port = fake_bridge(fake, "0000:00:01.0", NULL, 1, DP_PCIE_ROOT_PORT);
    DpFunction *fn = fake_function(fake, "0000:03:00.0", port, 2);
    const DpVerdict *verdict;

    if (row->driver != NULL) {
        fake_driver(fake, fn, row->driver);
    }
    fn->dead = row->refused ? DP_TRI_YES : DP_TRI_NO;
    policy = dp_policy_new(&fake->host, map);
    verdict = dp_policy_verdict(policy, &fn->addr);
    g_assert_cmpstr(dp_state_name(dp_policy_state(verdict, conf, row->used_by, row->wait, diags)),
                    ==, dp_state_name(row->state));
    g_assert_cmpuint(diags->len, ==, row->diag != 0 ? 1 : 0);
    if (row->diag != 0) {
        const DpDiag *diag = diags->pdata[0];

        g_assert_cmpint(diag->row->id, ==, row->diag);
        g_assert_cmpint(strstr(diag->message, "DP1220") != NULL, ==, row->refused);
        g_assert_true(row->told == NULL || strstr(diag->cause, row->told) != NULL);
        g_assert_true(row->wait == NULL ||
                      (strstr(diag->remedy, "by itself") != NULL) == row->wait->finishes);
    }
    g_assert_cmpint(dp_policy_state(verdict, conf, row->used_by, row->wait, NULL), ==, row->state);
    g_assert_cmpint(dp_policy_state(dp_policy_verdict(policy, &port->addr), conf, NULL, NULL, NULL),
                    ==, DP_STATE_UNAVAILABLE);
}

/* Sample 1 of the passthru configuration samples: its esx.conf and the tree of its lspci output,
 * written in hex. Owned is what the sample says was enabled. */
static const char sample1_conf[] = "/device/000:03.2/owner = \"vmkernel\"\n"
                                   "   /device/000:25.0/vmkname = \"vmnic0\"\n"
                                   "   /device/000:26.0/owner = \"vmkernel\"\n"
                                   "   /device/000:26.7/owner = \"vmkernel\"\n"
                                   "   /device/000:27.0/owner = \"passthru\"\n"
                                   "   /device/000:29.0/owner = \"vmkernel\"\n"
                                   "   /device/000:30.0/owner = \"passthru\"\n"
                                   "   /device/000:31.2/owner = \"vmkernel\"\n"
                                   "   /device/000:31.2/vmkname = \"vmhba0\"\n"
                                   "   /device/000:31.5/owner = \"vmkernel\"\n"
                                   "   /device/000:31.5/vmkname = \"vmhba1\"\n"
                                   "   /device/001:00.0/owner = \"passthru\"\n"
                                   "   /device/002:00.0/owner = \"vmkernel\"\n"
                                   "   /device/002:00.1/owner = \"vmkernel\"\n"
                                   "   /device/002:00.2/owner = \"vmkernel\"\n";

static const struct {
    const char *name;
    const char *parent; /* NULL: root bus */
    bool bridge;
    DpOwner owner;
    const char *by;      /* the bridge that decides */
    const char *vmkname; /* what esx.conf calls it */
} sample1[] = {
    {"0000:00:02.0", NULL, false, DP_OWNER_HOST, NULL, NULL},
    {"0000:00:03.2", NULL, false, DP_OWNER_HOST, NULL, NULL},
    {"0000:00:19.0", NULL, false, DP_OWNER_HOST, NULL, "vmnic0"},
    {"0000:00:1a.0", NULL, false, DP_OWNER_HOST, NULL, NULL},
    {"0000:00:1a.7", NULL, false, DP_OWNER_HOST, NULL, NULL},
    {"0000:00:1b.0", NULL, false, DP_OWNER_PASSTHRU, NULL, NULL},
    {"0000:00:1c.0", NULL, true, DP_OWNER_HOST, NULL, NULL},
    {"0000:00:1d.0", NULL, false, DP_OWNER_HOST, NULL, NULL},
    {"0000:00:1e.0", NULL, true, DP_OWNER_PASSTHRU, NULL, NULL},
    {"0000:00:1f.2", NULL, false, DP_OWNER_HOST, NULL, "vmhba0"},
    {"0000:00:1f.5", NULL, false, DP_OWNER_HOST, NULL, "vmhba1"},
    {"0000:01:00.0", "0000:00:1c.0", true, DP_OWNER_PASSTHRU, NULL, NULL},
    {"0000:02:00.0", "0000:01:00.0", false, DP_OWNER_PASSTHRU, "0000:01:00.0", NULL},
    {"0000:02:00.1", "0000:01:00.0", false, DP_OWNER_PASSTHRU, "0000:01:00.0", NULL},
    {"0000:02:00.2", "0000:01:00.0", false, DP_OWNER_PASSTHRU, "0000:01:00.0", NULL},
    {"0000:03:00.0", "0000:00:1e.0", false, DP_OWNER_PASSTHRU, "0000:00:1e.0", NULL},
    {"0000:03:01.0", "0000:00:1e.0", false, DP_OWNER_PASSTHRU, "0000:00:1e.0", NULL},
};

static DpFunction *
find(const FakeHost *fake, const char *name)
{
    for (guint i = 0; name != NULL && i < fake->host.functions->len; i++) {
        DpFunction *fn = fake->host.functions->pdata[i];

        if (strcmp(fn->name, name) == 0) {
            return fn;
        }
    }
    return NULL;
}

static FakeHost *
make_sample1(void)
{
    FakeHost *fake = fake_host_new();

    for (size_t i = 0; i < G_N_ELEMENTS(sample1); i++) {
        DpFunction *parent = find(fake, sample1[i].parent);

        if (sample1[i].bridge) {
            fake_bridge(fake, sample1[i].name, parent, (int)i, DP_PCIE_NONE);
        } else {
            fake_function(fake, sample1[i].name, parent, (int)i);
        }
    }
    return fake;
}

static void
test_sample1_owners(void)
{
    g_autoptr(FakeHost) fake = make_sample1();
    g_autoptr(DpEsxconf) conf = make_conf(sample1_conf);

    for (size_t i = 0; i < G_N_ELEMENTS(sample1); i++) {
        const DpFunction *fn = find(fake, sample1[i].name);
        const DpFunction *bridge = NULL;

        g_test_message("%s", fn->name);
        g_assert_cmpint(dp_policy_stored_owner(conf, fn, &bridge), ==, sample1[i].owner);
        g_assert_cmpstr(bridge != NULL ? bridge->name : NULL, ==, sample1[i].by);
        g_assert_cmpstr(dp_esxconf_vmkname(conf, &fn->addr), ==, sample1[i].vmkname);
        g_assert_cmpint(dp_policy_stored_owner(conf, fn, NULL), ==, sample1[i].owner);
    }
}

/* The three functions whose own lines say vmkernel get the note; the cards behind 00:1e.0 have no
 * lines, so nothing is overruled. */
static void
test_sample1_notes(void)
{
    g_autoptr(FakeHost) fake = make_sample1();
    g_autoptr(DpMap) map = fake_map("");
    g_autoptr(DpEsxconf) conf = make_conf(sample1_conf);
    g_autoptr(DpPolicy) policy = dp_policy_new(&fake->host, map);

    for (size_t i = 0; i < G_N_ELEMENTS(sample1); i++) {
        g_autoptr(DpDiagList) diags = dp_diags_new();
        const DpFunction *fn = find(fake, sample1[i].name);

        dp_policy_state(dp_policy_verdict(policy, &fn->addr), conf, NULL, NULL, diags);
        g_assert_cmpint(dp_diags_have(diags, DP_DIAG_OWNED_BY_BRIDGE), ==,
                        fn->addr.bus == 2 ? 1 : 0);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(state_cases); i++) {
        g_autofree char *path = g_strdup_printf("/policy/state/%s", state_cases[i].name);

        g_test_add_data_func(path, &state_cases[i], test_state);
    }
    g_test_add_func("/policy/state/sample1-owners", test_sample1_owners);
    g_test_add_func("/policy/state/sample1-notes", test_sample1_notes);
    return g_test_run();
}
