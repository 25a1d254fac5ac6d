/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * directpath-supervisor ID: what directpath-vm@.service runs. It succeeds the supervisor that
 * `vm power-on` has left behind for the VM of that id (vm/successor.h), and ends with the VM. It is
 * no command for people, and does nothing that power-on has not prepared.
 */
#include "assign/quarantine.h"
#include "assign/store.h"
#include "host/host.h"
#include "vm/run.h"
#include "vm/successor.h"

#include <stdio.h>
#include <stdlib.h>

/* What resets and bindings are decided by, as every command reads it. */
typedef struct {
    DpRoot *root;
    DpMap *map;
    DpCompat *compat;
    DpHost *host;
    GPtrArray *quarantine;
    DpPolicy *policy;
} Base;

static bool
load(Base *base, DpDiagList *diags, GError **error)
{
    base->root = dp_root_open("/", error);
    base->map = base->root != NULL ? dp_store_load_map(base->root, diags, error) : NULL;
    base->compat = base->map != NULL ? dp_store_load_compat(base->root, diags, error) : NULL;
    base->host = base->compat != NULL ? dp_host_scan(base->root, error) : NULL;
    if (base->host == NULL) {
        return false;
    }
    base->quarantine = dp_quarantine_load(base->root, base->host, diags);
    base->policy = dp_policy_new_with(base->host, base->map, base->compat, base->quarantine);
    return true;
}

static void
clear(Base *base)
{
    g_clear_pointer(&base->policy, dp_policy_free);
    g_clear_pointer(&base->quarantine, g_ptr_array_unref);
    g_clear_pointer(&base->host, dp_host_free);
    g_clear_pointer(&base->compat, dp_compat_free);
    g_clear_pointer(&base->map, dp_map_free);
    g_clear_pointer(&base->root, dp_root_free);
}

int
main(int argc, char **argv)
{
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autoptr(GError) error = NULL;
    Base base = {0};
    bool ok = false;

    if (argc != 2) {
        (void)fprintf(stderr, "usage: directpath-supervisor ID (run by systemd, not by hand)\n");
        return 2;
    }
    if (load(&base, diags, &error)) {
        const DpVmEnv env = {
            .root = base.root, .vfio = dp_vfio_kernel(), .host = base.host, .policy = base.policy};

        ok = dp_successor_run(&env, argv[1], &error);
    }
    clear(&base);
    if (!ok) {
        (void)fprintf(stderr, "directpath-supervisor %s: %s\n", argv[1], error->message);
    }
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
