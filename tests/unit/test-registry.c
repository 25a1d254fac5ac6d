/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The registered VMs on disk: what is written comes back, what cannot be read is refused. */
#include "scratch-root.h"

#include "vm/registry.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static DpRegistry *
three(void)
{
    DpRegistry *registry = dp_registry_new();

    dp_registry_add(registry, "/vmfs/volumes/a/one.vmx", "one", "56 4d aa")->order = 2;
    dp_registry_add(registry, "/vmfs/volumes/a/two \"2\".vmx", "z\xc3\xbcrich", NULL);
    dp_registry_add(registry, "/vmfs/volumes/b/three.vmx", "three", "56 4d cc")->order = 1;
    return registry;
}

static void
test_missing_is_empty(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(DpRegistry) registry = dp_registry_load(f->root, NULL, NULL);

    g_assert_nonnull(registry);
    g_assert_cmpuint(registry->vms->len, ==, 0);
    g_assert_cmpint(dp_registry_next_order(registry), ==, 1);
}

static void
test_comes_back(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(DpRegistry) written = three();
    g_autoptr(DpRegistry) registry = NULL;
    const DpRegistered *vm;

    g_assert_true(dp_registry_save(f->root, written, NULL));
    registry = dp_registry_load(f->root, NULL, NULL);
    g_assert_nonnull(registry);
    g_assert_cmpuint(registry->vms->len, ==, 3);
    vm = dp_registry_find(registry, "/vmfs/volumes/a/two \"2\".vmx");
    g_assert_nonnull(vm);
    g_assert_cmpstr(vm->name, ==, "z\xc3\xbcrich");
    g_assert_null(vm->uuid);
    g_assert_cmpint(vm->order, ==, 0);
    g_assert_cmpint(vm->timeout_s, ==, DP_STOP_TIMEOUT_S);
    vm = dp_registry_find(registry, "/vmfs/volumes/a/one.vmx");
    g_assert_cmpstr(vm->uuid, ==, "56 4d aa");
    g_assert_null(dp_registry_find(registry, "/vmfs/volumes/a/two"));
}

static void
test_order(Fixture *f G_GNUC_UNUSED, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(DpRegistry) registry = three();
    g_autoptr(GPtrArray) ordered = NULL;
    g_autoptr(GPtrArray) again = NULL;

    g_assert_cmpint(dp_registry_next_order(registry), ==, 3);
    ordered = dp_registry_in_order(registry);
    g_assert_cmpuint(ordered->len, ==, 2);
    g_assert_cmpstr(((const DpRegistered *)ordered->pdata[0])->name, ==, "three");
    g_assert_cmpstr(((const DpRegistered *)ordered->pdata[1])->name, ==, "one");
    /* Of one order, as they were registered. */
    dp_registry_add(registry, "/d.vmx", "four", NULL)->order = 1;
    dp_registry_add(registry, "/0.vmx", "five", NULL)->order = 1;
    again = dp_registry_in_order(registry);
    g_assert_cmpstr(((const DpRegistered *)again->pdata[1])->name, ==, "four");
    g_assert_cmpstr(((const DpRegistered *)again->pdata[2])->name, ==, "five");
    ((DpRegistered *)again->pdata[0])->order = DP_ORDER_MAX;
    g_assert_cmpint(dp_registry_next_order(registry), ==, DP_ORDER_MAX);
}

static void
test_twin(Fixture *f G_GNUC_UNUSED, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(DpRegistry) registry = three();

    g_assert_nonnull(dp_registry_twin(registry, "/elsewhere.vmx", "56 4d aa"));
    g_assert_null(dp_registry_twin(registry, "/vmfs/volumes/a/one.vmx", "56 4d aa"));
    g_assert_null(dp_registry_twin(registry, "/elsewhere.vmx", "56 4d bb"));
    g_assert_null(dp_registry_twin(registry, "/elsewhere.vmx", NULL));
}

static void
expect_broken(Fixture *f, const char *why)
{
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autoptr(GError) error = NULL;
    const DpDiag *diag;

    g_assert_null(dp_registry_load(f->root, diags, &error));
    g_assert_error(error, DP_ERROR, DP_ERROR_REFUSED);
    g_assert_cmpuint(diags->len, ==, 1);
    diag = diags->pdata[0];
    g_assert_cmpint(diag->row->id, ==, DP_DIAG_VM_REGISTRY_BROKEN);
    g_assert_cmpstr(diag->subject, ==, DP_REGISTRY_PATH);
    g_assert_nonnull(strstr(diag->message, why));
    g_assert_nonnull(strstr(diag->remedy, "mend /etc/directpath/vms.json"));
}

/* Not a list that is wrong, but nothing that could be read as one. */
static void
test_unreadable(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *path = g_build_filename(f->path, DP_REGISTRY_PATH, NULL);

    put(f, DP_REGISTRY_PATH, "");
    g_assert_cmpint(truncate(path, DP_REGISTRY_MAX_BYTES + 1), ==, 0);
    expect_broken(f, "larger than");
    g_assert_cmpint(g_unlink(path), ==, 0);
    g_assert_cmpint(g_mkdir(path, 0755), ==, 0);
    expect_broken(f, g_strerror(EISDIR));
}

/* Nobody writes over what he could not read. */
static void
test_broken(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    static const char *const texts[] = {
        "",
        "[]",
        "{\"version\": 2, \"vms\": []}",
        "{\"version\": 1}",
        "{\"version\": 1, \"vms\": {}}",
        "{\"version\": 1, \"vms\": [{}]}",
        "{\"version\": 1, \"vms\": [{\"vmx\": \"a.vmx\"}]}",
        "{\"version\": 1, \"vms\": [{\"vmx\": \"/a/../b.vmx\"}]}",
        "{\"version\": 1, \"vms\": [{\"vmx\": \"/a.vmx\"}, {\"vmx\": \"/a.vmx\"}]}",
        "{\"version\": 1, \"vms\": [{\"vmx\": \"/a.vmx\", \"order\": -1}]}",
        "{\"version\": 1, \"vms\": [{\"vmx\": \"/a.vmx\", \"order\": \"1\"}]}",
        "{\"version\": 1, \"vms\": [{\"vmx\": \"/a.vmx\", \"timeout\": 86401}]}",
        "{\"version\": 1, \"vms\": [{\"vmx\": \"/a.vmx\", \"vmx\": \"/b.vmx\"}]}",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        put(f, DP_REGISTRY_PATH, texts[i]);
        expect_broken(f, "cannot be read: ");
    }
}

static void
test_limit(Fixture *f G_GNUC_UNUSED, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(DpRegistry) registry = dp_registry_new();

    for (unsigned i = 0; i < DP_REGISTRY_MAX; i++) {
        g_autofree char *path = g_strdup_printf("/%u.vmx", i);

        g_assert_nonnull(dp_registry_add(registry, path, "vm", NULL));
    }
    g_assert_null(dp_registry_add(registry, "/more.vmx", "vm", NULL));
    dp_registry_remove(registry, dp_registry_find(registry, "/7.vmx"));
    g_assert_null(dp_registry_find(registry, "/7.vmx"));
    g_assert_nonnull(dp_registry_add(registry, "/more.vmx", "vm", NULL));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, func) g_test_add("/registry/" name, Fixture, NULL, set_up, func, tear_down)
    ADD("missing-is-empty", test_missing_is_empty);
    ADD("comes-back", test_comes_back);
    ADD("order", test_order);
    ADD("twin", test_twin);
    ADD("broken", test_broken);
    ADD("unreadable", test_unreadable);
    ADD("limit", test_limit);
#undef ADD
    return g_test_run();
}
