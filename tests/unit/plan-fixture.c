/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan-fixture.h"

#include "vm/run.h"
#include "vm/vmdk.h"

#include <string.h>

#define SYSTEM_ID "48c4619b-6d58-18db-2a0e-000423d1e6f6"

/* What an interface is connected to that names no network. */
#define NETWORKS "bridged = none\n"

static GHashTable *current_files;

static char *
fake_head(const char *path, size_t max, size_t *ret_len, GError **error)
{
    g_autofree char *name = g_path_get_basename(path);
    GBytes *bytes = g_hash_table_lookup(current_files, name);

    if (bytes == NULL) {
        return dp_fail(error, DP_ERROR_NOT_FOUND, "%s is not there", path), NULL;
    }
    *ret_len = MIN(g_bytes_get_size(bytes), max);
    return g_memdup2(g_bytes_get_data(bytes, NULL), *ret_len);
}

/* A hosted sparse disk: header in sector 0, descriptor in sector 1. */
static GBytes *
sparse_disk(void)
{
    static const char descriptor[] =
        "# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\n"
        "createType=\"monolithicSparse\"\nRW 131072 SPARSE \"passthru.vmdk\"\n";
    char *head = g_malloc0(21 * 512);

    memcpy(head, "KDMV\1\0\0\0\3\0\0\0\0\0\2", 15);
    head[28] = 1;
    head[36] = 20;
    memcpy(head + 512, descriptor, sizeof descriptor - 1);
    return g_bytes_new_take(head, 21 * 512);
}

static GBytes *
iso_image(void)
{
    char *head = g_malloc0(0x9000);

    memcpy(head + 0x8001, "CD001", 5);
    return g_bytes_new_take(head, 0x9000);
}

/* What is bound to vfio-pci has no interface. */
static void
forget_nets(DpHost *host, const char *name)
{
    for (guint i = host->nets->len; i > 0; i--) {
        const DpNet *net = g_ptr_array_index(host->nets, i - 1);

        if (g_strv_contains((const char *const *)net->functions, name)) {
            g_ptr_array_remove_index(host->nets, i - 1);
        }
    }
}

static void
enable(PlanFixture *fixture, const char *name)
{
    DpFunction *fn = dp_host_find_name(fixture->host, name);

    g_assert_nonnull(fn);
    forget_nets(fixture->host, name);
    g_free(fn->driver);
    fn->driver = g_strdup("vfio-pci");
    (void)dp_esxconf_set_owner(fixture->conf, &fn->addr, DP_OWNER_PASSTHRU);
}

PlanFixture *
plan_fixture_new(void)
{
    PlanFixture *fixture = g_new0(PlanFixture, 1);
    g_autofree char *path = g_build_filename(g_getenv("DP_TREES"), "lab", NULL);
    g_autoptr(GError) error = NULL;

    fixture->root = dp_root_open(path, &error);
    g_assert_no_error(error);
    fixture->host = dp_host_scan(fixture->root, &error);
    g_assert_no_error(error);
    fixture->host->platform.mem_available = (uint64_t)4 << 30;
    fixture->conf = dp_esxconf_new();
    (void)dp_esxconf_set_system_uuid(fixture->conf, SYSTEM_ID);
    enable(fixture, DISK);
    enable(fixture, NIC);
    fixture->map = dp_map_new();
    fixture->policy = dp_policy_new(fixture->host, fixture->map);
    fixture->files =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);
    g_hash_table_insert(fixture->files, g_strdup("passthru.vmdk"), sparse_disk());
    g_hash_table_insert(fixture->files, g_strdup("guest.iso"), iso_image());
    fixture->networks = dp_aliases_new(DP_ALIAS_NETWORKS);
    g_assert_true(
        dp_aliases_read(fixture->networks, "networks", NETWORKS, strlen(NETWORKS), NULL, NULL));
    fixture->input = (DpPlanInput){
        .networks = fixture->networks,
        .host = fixture->host,
        .policy = fixture->policy,
        .conf = fixture->conf,
        .file_head = fake_head,
    };
    return fixture;
}

void
plan_fixture_free(PlanFixture *fixture)
{
    g_hash_table_unref(fixture->files);
    dp_aliases_free(fixture->networks);
    dp_policy_free(fixture->policy);
    dp_map_free(fixture->map);
    dp_esxconf_free(fixture->conf);
    dp_host_free(fixture->host);
    dp_root_free(fixture->root);
    g_free(fixture);
}

char *
plan_fixture_text(const char *name)
{
    g_autofree char *path = g_build_filename(g_getenv("DP_TEST_DATA"), "vm", name, NULL);
    g_autoptr(GError) error = NULL;
    char *text = NULL;

    g_file_get_contents(path, &text, NULL, &error);
    g_assert_no_error(error);
    return text;
}

char *
plan_fixture_sample(const char *const *changes)
{
    g_autofree char *text = plan_fixture_text("passthru.vmx");
    g_autoptr(GError) error = NULL;
    g_autoptr(DpVmx) vmx = dp_vmx_parse("passthru.vmx", text, strlen(text), NULL, &error);
    g_autoptr(GBytes) bytes = NULL;

    g_assert_no_error(error);
    for (size_t i = 0; changes != NULL && changes[i] != NULL; i++) {
        g_auto(GStrv) pair = g_strsplit(changes[i], "=", 2);

        if (pair[1] == NULL) {
            g_assert_true(dp_vmx_remove(vmx, pair[0]));
        } else {
            g_assert_true(dp_vmx_set(vmx, pair[0], pair[1], &error));
        }
    }
    bytes = dp_vmx_bytes(vmx);
    return g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
}

DpPlan *
plan_fixture_vmx(PlanFixture *fixture, const DpVmx *vmx)
{
    current_files = fixture->files;
    return dp_plan_new("/nowhere/vms/passthru.vmx", vmx, &fixture->input);
}

DpPlan *
plan_fixture_plan(PlanFixture *fixture, const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DpVmx) vmx = dp_vmx_parse("passthru.vmx", text, strlen(text), NULL, &error);

    g_assert_no_error(error);
    return plan_fixture_vmx(fixture, vmx);
}

DpPlan *
plan_fixture_changed(PlanFixture *fixture, const char *const *changes)
{
    g_autofree char *text = plan_fixture_sample(changes);

    return plan_fixture_plan(fixture, text);
}

static const DpRun *
in_use(const DpAddr *addr, void *user)
{
    static const DpRun other = {.id = (char *)"0123456789abcdef", .name = (char *)"Other"};
    const char *name = user;
    char buf[DP_ADDR_LEN];

    return strcmp(dp_addr_format(addr, buf), name) == 0 ? &other : NULL;
}

void
plan_fixture_in_use(PlanFixture *fixture, const char *name)
{
    fixture->input.used_by = in_use;
    fixture->input.used_by_user = (void *)(uintptr_t)name;
}

const DpDiag *
plan_diag(const DpPlan *plan, DpDiagId id)
{
    for (guint i = 0; i < plan->diags->len; i++) {
        const DpDiag *diag = g_ptr_array_index(plan->diags, i);

        if (diag->row->id == id) {
            return diag;
        }
    }
    return NULL;
}

char *
plan_argv(const DpPlan *plan)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < plan->argv->len; i++) {
        g_string_append_printf(text, "%s\n", (const char *)g_ptr_array_index(plan->argv, i));
    }
    return g_string_free(text, FALSE);
}

char *
plan_diags(const DpPlan *plan)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < plan->diags->len; i++) {
        const DpDiag *diag = g_ptr_array_index(plan->diags, i);

        g_string_append_printf(text, "%s DP%d %s: %s\n", dp_severity_name(diag->severity),
                               (int)diag->row->id, diag->subject, diag->message);
    }
    return g_string_free(text, FALSE);
}

const DpKeyReport *
plan_key(const DpPlan *plan, const char *key)
{
    for (guint i = 0; i < plan->keys->len; i++) {
        const DpKeyReport *report = g_ptr_array_index(plan->keys, i);

        if (g_ascii_strcasecmp(report->key, key) == 0) {
            return report;
        }
    }
    return NULL;
}
