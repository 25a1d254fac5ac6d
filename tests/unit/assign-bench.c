/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "assign-bench.h"

#include "assign/import.h"
#include "assign/quarantine.h"
#include "assign/stored.h"

#include <string.h>

Bench *
bench_new(const char *tree)
{
    Bench *bench = g_new0(Bench, 1);

    bench->kernel = fake_kernel_new(tree);
    return bench;
}

static void
forget(Bench *bench)
{
    g_clear_pointer(&bench->outcome, dp_outcome_free);
    g_clear_error(&bench->error);
}

void
bench_free(Bench *bench)
{
    if (bench == NULL) {
        return;
    }
    forget(bench);
    fake_kernel_free(bench->kernel);
    g_free(bench);
}

static const char *
used_by(const DpAddr *addr, void *user)
{
    const Bench *bench = user;
    char name[DP_ADDR_LEN];

    return g_strcmp0(dp_addr_format(addr, name), bench->in_use) == 0 ? "the vm" : NULL;
}

static bool
run(Bench *bench, BenchAct act, void *user)
{
    DpRoot *root = bench->kernel->root;
    g_autoptr(GError) error = NULL;
    g_autoptr(DpHost) host = dp_host_scan(root, &error);
    g_autoptr(DpMap) map = dp_map_new();
    g_autoptr(GPtrArray) quarantine = NULL;
    g_autoptr(DpPolicy) policy = NULL;
    g_autoptr(DpEsxconf) conf = dp_store_load(root, NULL, &error);
    DpChange change;

    g_assert_no_error(error);
    quarantine = dp_quarantine_load(root, host, NULL);
    policy = dp_policy_new_with(host, map, NULL, quarantine);
    change = (DpChange){.root = root,
                        .host = host,
                        .policy = policy,
                        .conf = conf,
                        .dry_run = bench->dry_run,
                        .with_unit = bench->with_unit,
                        .take_system_id = bench->take_system_id,
                        .store_only = bench->store_only,
                        .overrides = bench->overrides,
                        .n_overrides = bench->n_overrides,
                        .confirm_within_s = bench->confirm_within_s,
                        .until_us = bench->until_us,
                        .release = bench->release,
                        .used_by = used_by,
                        .used_by_user = bench};
    forget(bench);
    bench->outcome = dp_outcome_new();
    if (bench->before_act != NULL) {
        bench->before_act();
    }
    return act(&change, user, bench->outcome, &bench->error);
}

static GArray *
take_addrs(va_list names)
{
    GArray *addrs = g_array_new(false, false, sizeof(DpAddr));
    const char *name;

    while ((name = va_arg(names, const char *)) != NULL) {
        DpAddr addr;

        g_assert_true(dp_addr_parse_sysfs(name, &addr));
        g_array_append_val(addrs, addr);
    }
    return addrs;
}

static bool
act_enable(const DpChange *change, void *user, DpOutcome *outcome, GError **error)
{
    const GArray *addrs = user;

    return dp_assign_enable(change, (const DpAddr *)(void *)addrs->data, addrs->len, outcome,
                            error);
}

static bool
act_disable(const DpChange *change, void *user, DpOutcome *outcome, GError **error)
{
    const GArray *addrs = user;

    return dp_assign_disable(change, (const DpAddr *)(void *)addrs->data, addrs->len, outcome,
                             error);
}

static bool
act_forget(const DpChange *change, void *user, DpOutcome *outcome, GError **error)
{
    const GArray *addrs = user;

    return dp_assign_forget(change, (const DpAddr *)(void *)addrs->data, addrs->len, outcome,
                            error);
}

static bool
act_import(const DpChange *change, void *user, DpOutcome *outcome, GError **error)
{
    const char *text = user;
    g_autoptr(DpEsxconf) from = dp_esxconf_parse("file", text, strlen(text), NULL, NULL);
    g_autoptr(DpImport) import = dp_import_new(change, from);
    bool stored = false;

    return dp_assign_import(change, import, outcome, &stored, error);
}

static bool
act_apply(const DpChange *change, void *user G_GNUC_UNUSED, DpOutcome *outcome, GError **error)
{
    return dp_assign_apply(change, outcome, error);
}

static bool
act_recover(const DpChange *change, void *user G_GNUC_UNUSED, DpOutcome *outcome, GError **error)
{
    return dp_assign_recover(change, outcome, error);
}

static bool
act_confirm(const DpChange *change, void *user G_GNUC_UNUSED, DpOutcome *outcome, GError **error)
{
    return dp_assign_confirm(change, outcome, error);
}

static bool
act_tend(const DpChange *change, void *user G_GNUC_UNUSED, DpOutcome *outcome, GError **error)
{
    return dp_assign_recover(change, outcome, error) && dp_assign_tend(change, outcome, error);
}

/* Counts the writes of this command alone. */
static void
restart_count(Bench *bench)
{
    bench->kernel->plan->n = 0;
}

bool
bench_enable(Bench *bench, ...)
{
    g_autoptr(GArray) addrs = NULL;
    va_list names;

    va_start(names, bench);
    addrs = take_addrs(names);
    va_end(names);
    restart_count(bench);
    return run(bench, act_enable, addrs);
}

bool
bench_disable(Bench *bench, ...)
{
    g_autoptr(GArray) addrs = NULL;
    va_list names;

    va_start(names, bench);
    addrs = take_addrs(names);
    va_end(names);
    restart_count(bench);
    return run(bench, act_disable, addrs);
}

bool
bench_forget(Bench *bench, ...)
{
    g_autoptr(GArray) addrs = NULL;
    va_list names;

    va_start(names, bench);
    addrs = take_addrs(names);
    va_end(names);
    restart_count(bench);
    return run(bench, act_forget, addrs);
}

bool
bench_import(Bench *bench, const char *text)
{
    restart_count(bench);
    return run(bench, act_import, (char *)text);
}

bool
bench_apply(Bench *bench)
{
    restart_count(bench);
    return run(bench, act_apply, NULL);
}

bool
bench_recover(Bench *bench)
{
    restart_count(bench);
    return run(bench, act_recover, NULL);
}

bool
bench_confirm(Bench *bench)
{
    restart_count(bench);
    return run(bench, act_confirm, NULL);
}

bool
bench_tend(Bench *bench)
{
    restart_count(bench);
    return run(bench, act_tend, NULL);
}

bool
bench_do(Bench *bench, BenchAct act, void *user)
{
    restart_count(bench);
    return run(bench, act, user);
}

void
bench_store(Bench *bench, const char *text)
{
    fake_kernel_put(bench->kernel, "etc/directpath/esx.conf", text);
}

void
bench_expect(Bench *bench, const char *name, const char *driver, const char *override)
{
    g_autofree char *real_driver = fake_kernel_driver(bench->kernel, name);
    g_autofree char *real_override = fake_kernel_override(bench->kernel, name);

    g_assert_cmpstr(real_driver, ==, driver);
    g_assert_cmpstr(real_override, ==, override);
}

void
bench_diag(Bench *bench, DpDiagId id, DpSeverity severity)
{
    for (guint i = 0; i < bench->outcome->diags->len; i++) {
        const DpDiag *diag = bench->outcome->diags->pdata[i];

        if (diag->row->id == id) {
            g_assert_cmpint(diag->severity, ==, severity);
            return;
        }
    }
    g_error("DP%d was not reported", (int)id);
}

void
bench_refused(Bench *bench, bool done, DpDiagId id)
{
    g_assert_false(done);
    g_assert_error(bench->error, DP_ERROR, DP_ERROR_REFUSED);
    g_assert_false(bench->outcome->changed);
    bench_diag(bench, id, DP_ERROR_SEVERITY);
}
