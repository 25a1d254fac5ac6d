/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The whole way from a VMX of any bytes to QEMU's arguments, on a host with two functions. What
 * follows a line
 * "--- disk ---" is the head of every disk of the VM. */
#include "unit/fake-host.h"
#include "unit/plan-check.h"
#include "vm/edit.h"
#include "vm/export.h"

#include <string.h>

#define DISK_MARK "\n--- disk ---\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *disk_head;
static size_t disk_len;

static char *
fake_head(const char *path, size_t max, size_t *ret_len, GError **error)
{
    if (g_str_has_suffix(path, "missing")) {
        return dp_fail(error, DP_ERROR_NOT_FOUND, "missing"), NULL;
    }
    *ret_len = MIN(disk_len, max);
    return *ret_len > 0 ? g_memdup2(disk_head, *ret_len) : g_strdup("");
}

/* What a file is like follows from its name, so that every case is met. */
static bool
fake_look(const char *path, bool writable, DpVmFileFacts *ret_facts)
{
    guint sum = g_str_hash(path);

    *ret_facts = (DpVmFileFacts){.size = sum % 5 == 0 ? 0 : disk_len,
                                 .inode = sum % 7,
                                 .links = 1 + sum % 2,
                                 .held = writable && sum % 3 == 0};
    return sum % 11 != 0;
}

static char *
fake_holder(const DpVmFileFacts *facts, void *user)
{
    (void)user;
    return facts->inode % 2 == 0 ? g_strdup("a \"VM\"\n") : NULL;
}

static void
add_function(FakeHost *fake, const char *name, int group, DpEsxconf *conf)
{
    DpFunction *fn = fake_function(fake, name, NULL, group);

    fake_driver(fake, fn, "vfio-pci");
    fake_reset_method(fake, fn, "flr");
    (void)dp_esxconf_set_owner(conf, &fn->addr, DP_OWNER_PASSTHRU);
}

/* What is exported is well-formed, whatever the strings of the VM hold. */
static void
try_export(const DpPlan *plan)
{
    static const GMarkupParser parser = {NULL};
    g_autoptr(DpDiagList) diags = dp_diags_new();
    g_autofree char *xml = dp_export_libvirt(plan, diags, NULL);
    GMarkupParseContext *context = g_markup_parse_context_new(&parser, 0, NULL, NULL);

    if (xml != NULL && (!g_markup_parse_context_parse(context, xml, -1, NULL) ||
                        !g_markup_parse_context_end_parse(context, NULL))) {
        __builtin_trap();
    }
    g_markup_parse_context_free(context);
}

static void
try_plan(const DpVmx *vmx, const DpPlanInput *input)
{
    g_autoptr(DpPlan) plan = dp_plan_new("/nowhere/a.vmx", vmx, input);

    if (plan_check_argv(plan) != NULL || plan->keys->len != dp_vmx_n_entries(vmx)) {
        __builtin_trap();
    }
    try_export(plan);
}

/* What upgrade and reservation write is read back as it was meant: a second time changes nothing.
 */
static void
try_edits(DpVmx *vmx)
{
    g_autoptr(GBytes) once = NULL;
    g_autoptr(GBytes) twice = NULL;

    if (!dp_edit_upgrade(vmx, NULL) || !dp_edit_reserve(vmx, NULL)) {
        return; /* it would be too large */
    }
    once = dp_vmx_bytes(vmx);
    if (!dp_edit_upgrade(vmx, NULL) || !dp_edit_reserve(vmx, NULL)) {
        __builtin_trap();
    }
    twice = dp_vmx_bytes(vmx);
    if (!g_bytes_equal(once, twice)) {
        __builtin_trap();
    }
}

/* A plan changes nothing of what it is made from, so one host serves all inputs. */
static const DpPlanInput *
the_host(void)
{
    static DpPlanInput input;
    static FakeHost *fake; /* static, too: all of these live as long as the process */
    static DpEsxconf *conf;
    static DpMap *map __attribute__((used)); /* or gcc forgets it, and it leaks */

    if (input.host == NULL) {
        fake = fake_host_new();
        conf = dp_esxconf_new();
        (void)dp_esxconf_set_system_uuid(conf, "48c4619b-6d58-18db-2a0e-000423d1e6f6");
        add_function(fake, "0000:02:00.0", 1, conf);
        add_function(fake, "0000:03:00.0", 2, conf);
        map = dp_map_new();
        input.host = &fake->host;
        input.policy = dp_policy_new(&fake->host, map);
        input.conf = conf;
        input.file_head = fake_head;
        input.file_look = fake_look;
        input.holder = fake_holder;
    }
    return &input;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *mark = g_strstr_len((const char *)data, (gssize)size, DISK_MARK);
    size_t len = mark != NULL ? (size_t)(mark - (const char *)data) : size;
    g_autoptr(DpVmx) vmx = dp_vmx_parse("a.vmx", (const char *)data, len, NULL, NULL);
    static const DpPlanInput nothing;

    if (vmx == NULL) {
        return 0;
    }
    disk_head = mark != NULL ? mark + strlen(DISK_MARK) : "";
    disk_len = mark != NULL ? size - len - strlen(DISK_MARK) : 0;
    /* Nothing known of the host is the rarer case, and costs as much. */
    try_plan(vmx, size % 8 == 0 ? &nothing : the_host());
    if (size % 16 == 1) {
        try_edits(vmx);
    }
    return 0;
}
