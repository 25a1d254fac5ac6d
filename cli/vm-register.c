/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vm register, unregister and autostart FILE.vmx on|off: what is stored about a VM of this host. */
#include "base/text.h"
#include "output.h"
#include "registered.h"
#include "verbs.h"
#include "vm/known.h"
#include "vmall.h"
#include "vmxfile.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    DpContext *context;
    DpRegistry *registry;
    char *path;  /* of the file, beneath the root; NULL: it is in no place of that host */
    char *shown; /* the same, visible */
} Registering;

static void
clear(Registering *reg)
{
    g_clear_pointer(&reg->registry, dp_registry_free);
    g_clear_pointer(&reg->context, dp_context_free);
    g_free(reg->path);
    g_free(reg->shown);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Registering, clear)

/* Without links and dots, as far as it is there: a file that is gone has to be found, too. */
static char *
real_path(const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *base = g_path_get_basename(path);
    char *whole = realpath(path, NULL);
    char *parent = whole == NULL ? realpath(folder, NULL) : NULL;
    char *real = whole != NULL    ? g_strdup(whole)
                 : parent != NULL ? g_build_filename(parent, base, NULL)
                                  : g_canonicalize_filename(path, NULL);

    free(whole);
    free(parent);
    return real;
}

/* @path as the host beneath @root sees it; NULL: it is outside. */
static char *
path_beneath(const DpRoot *root, const char *path)
{
    g_autofree char *real = real_path(path);
    g_autofree char *above = root->live ? NULL : real_path(root->path);
    size_t len = above != NULL ? strlen(above) : 0;

    if (above == NULL) {
        return g_steal_pointer(&real);
    }
    return strncmp(real, above, len) == 0 && real[len] == '/' ? g_strdup(real + len) : NULL;
}

static bool
begin(Registering *reg, DpCli *cli, GError **error)
{
    reg->shown = dp_text_visible(dp_cli_arg(cli, 0), -1);
    reg->context = dp_context_new(cli, DP_CHANGE, error);
    if (reg->context == NULL) {
        return false;
    }
    reg->registry = dp_registry_load(reg->context->root, cli->diags, error);
    if (reg->registry == NULL) {
        return false;
    }
    reg->path = path_beneath(reg->context->root, dp_cli_arg(cli, 0));
    if (reg->path == NULL) {
        return dp_fail(error, DP_ERROR_REFUSED, "%s does not lie beneath --root", reg->shown);
    }
    g_free(reg->shown);
    reg->shown = dp_text_visible(reg->path, -1);
    return true;
}

/* Stored in any case: what was written before may not be durable yet. */
static bool
finish(DpCli *cli, const Registering *reg, const DpRegistered *vm, bool changed, GError **error)
{
    json_t *vms = json_array();

    if (vm != NULL) {
        json_array_append_new(vms, dp_registered_json(reg->context, vm, NULL));
    }
    json_object_set_new(cli->doc, "vms", vms);
    json_object_set_new(cli->doc, "changed", json_false());
    if ((changed || vm != NULL) && !dp_registry_save(reg->context->root, reg->registry, error)) {
        return false;
    }
    json_object_set_new(cli->doc, "changed", json_boolean(changed));
    return true;
}

/* The entry of the same VM at another place: it has moved, or this one is a copy of it. What only
 * cannot be read now may be there again tomorrow, and is not taken for moved. */
static DpRegistered *
find_moved(DpCli *cli, const Registering *reg, const char *uuid)
{
    DpRegistered *twin = dp_registry_twin(reg->registry, reg->path, uuid);
    g_autofree char *old = twin != NULL ? dp_text_visible(twin->vmx, -1) : NULL;

    if (twin == NULL) {
        return NULL;
    }
    if (!dp_known_gone(reg->context->root, twin->vmx)) {
        dp_diags_add(cli->diags, DP_DIAG_VM_REGISTERED_COPY, reg->shown,
                     "it has the uuid.bios of %s, which is registered too", old);
        return NULL;
    }
    if (dp_registered_run(reg->context, twin->vmx) != NULL) {
        return NULL; /* it runs from a file that is gone, and is found by that path */
    }
    dp_diags_add(cli->diags, DP_DIAG_VM_REGISTERED_MOVED, reg->shown,
                 "it was registered as %s, which is not there any more", old);
    return twin;
}

/* True if that is new. */
static bool
replace(char **text, const char *by)
{
    if (g_strcmp0(*text, by) == 0) {
        return false;
    }
    g_free(*text);
    *text = g_strdup(by);
    return true;
}

/* Takes what the file says now; true if that is new. */
static bool
take(DpRegistered *vm, const char *path, const char *name, const char *uuid)
{
    bool new = replace(&vm->vmx, path);

    new |= replace(&vm->name, name);
    new |= replace(&vm->uuid, uuid);
    return new;
}

static bool
register_file(DpCli *cli, Registering *reg, const DpVmxFile *file, GError **error)
{
    const DpVmxEntry *title = dp_vmx_lookup(file->vmx, "displayName");
    const DpVmxEntry *identity = dp_vmx_lookup(file->vmx, "uuid.bios");
    const char *name = title != NULL ? title->shown : dp_vmx_name(file->vmx);
    const char *uuid = identity != NULL && identity->shown[0] != '\0' ? identity->shown : NULL;
    g_autofree char *visible = dp_text_visible(name, -1);
    DpRegistered *vm = dp_registry_find(reg->registry, reg->path);
    bool changed = vm == NULL;

    if (!g_utf8_validate(reg->path, -1, NULL) || dp_text_has_control(reg->path)) {
        return dp_fail(error, DP_ERROR_PARSE, "%s: a path that is no text cannot be registered",
                       reg->shown);
    }
    if (vm == NULL) {
        vm = find_moved(cli, reg, uuid);
    }
    if (vm == NULL) {
        vm = dp_registry_add(reg->registry, reg->path, name, uuid);
    }
    if (vm == NULL) {
        return dp_fail(error, DP_ERROR_REFUSED, "%u VMs are registered, which is the limit",
                       DP_REGISTRY_MAX);
    }
    changed |= take(vm, reg->path, name, uuid);
    if (!finish(cli, reg, vm, changed, error)) {
        return false;
    }
    dp_out(cli, changed ? "Registered: %s." : "It is registered already: %s.", visible);
    return true;
}

bool
dp_cmd_vm_register(DpCli *cli, GError **error)
{
    g_autoptr(DpVmxFile) file = dp_vmx_file_load(dp_cli_arg(cli, 0), cli->diags, error);
    g_auto(Registering) reg = {0};

    return file != NULL && begin(&reg, cli, error) && register_file(cli, &reg, file, error);
}

bool
dp_cmd_vm_unregister(DpCli *cli, GError **error)
{
    g_auto(Registering) reg = {0};
    DpRegistered *vm;
    const DpRun *run;

    if (!begin(&reg, cli, error)) {
        return false;
    }
    vm = dp_registry_find(reg.registry, reg.path);
    run = vm != NULL ? dp_registered_run(reg.context, vm->vmx) : NULL;
    if (run != NULL) {
        dp_diags_add(cli->diags, DP_DIAG_VM_UNREGISTER_RUNNING, reg.shown,
                     "\"%s\" is powered on and stays registered", run->name);
        json_object_set_new(cli->doc, "changed", json_false());
        return dp_fail(error, DP_ERROR_REFUSED, "%s is powered on", reg.shown);
    }
    if (vm != NULL) {
        dp_registry_remove(reg.registry, vm);
    }
    if (!finish(cli, &reg, NULL, vm != NULL, error)) {
        return false;
    }
    dp_out(cli, vm != NULL ? "Not registered any more; its files are left as they are."
                           : "It is not registered.");
    return true;
}

/* What the options say of @vm; true if that is new. */
static bool
set_autostart(const DpCli *cli, const DpRegistry *registry, DpRegistered *vm, bool on)
{
    int order = !on                       ? 0
                : cli->options->order > 0 ? cli->options->order
                : vm->order > 0           ? vm->order
                                          : dp_registry_next_order(registry);
    int timeout_s = cli->options->timeout_s >= 0 ? cli->options->timeout_s : vm->timeout_s;
    bool new = order != vm->order || timeout_s != vm->timeout_s;

    vm->order = order;
    vm->timeout_s = timeout_s;
    return new;
}

static bool
autostart(DpCli *cli, bool on, GError **error)
{
    g_auto(Registering) reg = {0};
    DpRegistered *vm;
    bool changed;

    if (!begin(&reg, cli, error)) {
        return false;
    }
    vm = dp_registry_find(reg.registry, reg.path);
    if (vm == NULL) {
        dp_diags_add(cli->diags, DP_DIAG_VM_NOT_REGISTERED, reg.shown,
                     "%s is not among the VMs of this host", reg.shown);
        return dp_fail(error, DP_ERROR_REFUSED, "%s is not registered", reg.shown);
    }
    changed = set_autostart(cli, reg.registry, vm, on);
    if (!finish(cli, &reg, vm, changed, error)) {
        return false;
    }
    if (on) {
        dp_out(cli, "It starts with the host, as number %d, and has %d s to shut down.", vm->order,
               vm->timeout_s);
    } else {
        dp_out(cli, "It does not start with the host.");
    }
    return true;
}

static bool
start_all(DpCli *cli, GError **error)
{
    if (dp_cli_n_args(cli) > 0 || (cli->options->given & (DP_OPT_ORDER | DP_OPT_TIMEOUT)) != 0) {
        return dp_fail(error, DP_ERROR_USAGE, "--all starts all of them, and takes nothing else");
    }
    if (strcmp(cli->options->root, "/") != 0) {
        dp_diags_add(cli->diags, DP_DIAG_LIVE_ONLY, "directpath",
                     "'vm autostart --all' acts on the running machine and refuses --root");
        return dp_fail(error, DP_ERROR_REFUSED, "refused");
    }
    return dp_cli_start_all(cli, error);
}

bool
dp_cmd_vm_autostart(DpCli *cli, GError **error)
{
    const char *word = dp_cli_arg(cli, 1);
    bool on = g_strcmp0(word, "on") == 0;

    if (dp_options_have(cli->options, DP_OPT_ALL)) {
        return start_all(cli, error);
    }
    if (!on && g_strcmp0(word, "off") != 0) {
        return dp_fail(error, DP_ERROR_USAGE,
                       "'vm autostart' needs its arguments: FILE.vmx on|off, or --all");
    }
    if (!on && dp_options_have(cli->options, DP_OPT_ORDER)) {
        return dp_fail(error, DP_ERROR_USAGE, "--order goes with 'on' only");
    }
    return autostart(cli, on, error);
}
