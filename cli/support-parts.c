/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/file.h"
#include "host/kernel-log.h"
#include "output.h"
#include "support.h"
#include "verbs.h"
#include "vm/known.h"
#include "vm/log.h"
#include "vm/state.h"
#include "vm/vmx-mask.h"

#include <string.h>

#define RECORD_MAX (4u << 20)
/* More than anybody reads; those that run come first. */
#define VMS_MAX 32u

static void
add_text(const DpBundle *bundle, const char *name, const char *text)
{
    dp_tar_add_file(bundle->tar, name, text, strlen(text));
}

/* Takes @document. */
static void
add_json(const DpBundle *bundle, const char *name, json_t *document)
{
    json_t *masked = dp_mask_json(bundle->mask, document);
    char *text = json_dumps(masked, JSON_INDENT(2) | JSON_ENSURE_ASCII);

    if (text != NULL) {
        g_autofree char *line = g_strconcat(text, "\n", NULL);

        add_text(bundle, name, line);
    }
    free(text);
    json_decref(masked);
    json_decref(document);
}

#define N_WORDS 5

/* The document of the command of @words, as it would print it. */
static json_t *
document_of(const DpBundle *bundle, const char *const *words)
{
    char *argv[4 + N_WORDS] = {(char *)"directpath", (char *)"--root", bundle->cli->options->root,
                               (char *)"--json"};
    g_autoptr(GError) error = NULL;
    g_autoptr(DpCli) cli = NULL;
    int argc = 4;
    guint used;

    for (int i = 0; i < N_WORDS && words[i] != NULL; i++) {
        argv[argc++] = (char *)words[i];
    }
    cli = dp_cli_new(dp_options_parse(argc, argv, &error));
    cli->verb = error != NULL ? NULL : dp_verb_find(cli->options->words, &used, &error);
    if (cli->verb != NULL) {
        (void)cli->verb->run(cli, &error);
    }
    return dp_cli_document(cli, error);
}

static const struct {
    const char *name;
    const char *words[N_WORDS];
} documents[] = {
    {"support/host-check.json", {"host", "check"}},
    {"support/host-status.json", {"host", "status"}},
    {"support/host-drift.json", {"host", "drift"}},
    {"support/device-list.json", {"device", "list", "--all"}},
    {"support/map-check.json", {"map", "check"}},
    {"support/vm-list.json", {"vm", "list"}},
};

void
dp_support_documents(const DpBundle *bundle)
{
    for (size_t i = 0; i < G_N_ELEMENTS(documents); i++) {
        add_json(bundle, documents[i].name, document_of(bundle, documents[i].words));
    }
}

/* At its own place, so that --root finds it in the bundle. */
static void
add_record(const DpBundle *bundle, const char *path)
{
    size_t len = 0;
    g_autofree char *text = dp_file_read(bundle->context->root->fd, path, RECORD_MAX, &len, NULL);
    json_t *document = text == NULL ? NULL : json_loadb(text, len, 0, NULL);

    if (document != NULL) {
        add_json(bundle, path, document);
    } else if (text != NULL && strlen(text) == len) {
        g_autofree char *masked = dp_mask_text(bundle->mask, text);

        add_text(bundle, path, masked);
    }
}

void
dp_support_records(const DpBundle *bundle)
{
    static const char *const paths[] = {
        "etc/directpath/devices.json", "etc/directpath/quarantine.json",
        "etc/directpath/datastores",   "etc/directpath/networks",
        "etc/directpath/vms.json",     "var/lib/directpath/last-good.json",
        "var/lib/directpath/vms",      "run/directpath/intent",
        "run/directpath/armed",        "run/directpath/reset-lists",
        "run/directpath/power"};
    static const char runs[] = "run/directpath/vm";
    g_autoptr(GPtrArray) ids = dp_file_list(bundle->context->root->fd, runs, NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        add_record(bundle, paths[i]);
    }
    for (guint i = 0; ids != NULL && i < ids->len; i++) {
        const char *id = ids->pdata[i];
        g_autofree char *path = g_strdup_printf("%s/%s/state.json", runs, id);

        /* A hash of the path, by which logs and states belong together. */
        if (dp_run_id_valid(id)) {
            dp_mask_keep(bundle->mask, id);
            add_record(bundle, path);
        }
    }
}

void
dp_support_kernel(const DpBundle *bundle)
{
    int err = 0;
    g_autofree char *text = dp_kernel_log(bundle->context->root, &err);
    g_autofree char *masked = text == NULL ? NULL : dp_mask_text(bundle->mask, text);

    if (masked != NULL) {
        add_text(bundle, "support/kernel.log", masked);
    } else {
        dp_diags_add(bundle->cli->diags, DP_DIAG_SUPPORT_NO_KERNEL_LOG, "host",
                     "what the kernel has said is not in the bundle: dev/kmsg: %s",
                     g_strerror(err));
    }
}

typedef struct {
    const DpBundle *bundle;
    const char *folder;
} Logs;

static void
take_log(void *data, const char *path, const char *bytes, size_t len)
{
    const Logs *logs = data;
    g_autofree char *text = g_strndup(bytes, len);
    g_autofree char *base = g_path_get_basename(path);
    g_autofree char *name = g_strdup_printf("%s/%s", logs->folder, base);
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    g_autofree char *masked = dp_mask_text(logs->bundle->mask, valid);

    add_text(logs->bundle, name, masked);
}

/* What `vm status` says, of one that runs on this machine. */
static void
add_status(const DpBundle *bundle, const char *folder, const char *path)
{
    const char *const words[N_WORDS] = {"vm", "status", path};
    g_autoptr(DpRun) run = dp_run_find(bundle->context->root, path);
    g_autofree char *name = g_strdup_printf("%s/status.json", folder);

    if (bundle->context->root->live && run != NULL) {
        add_json(bundle, name, document_of(bundle, words));
    }
}

static void
add_vm(const DpBundle *bundle, guint number, const DpKnownVm *vm)
{
    g_autofree char *folder = g_strdup_printf("support/vm/%u", number);
    g_autofree char *name = g_strdup_printf("%s/vm.vmx", folder);
    g_autofree char *text = dp_vmx_masked(vm->vmx, bundle->mask);
    g_autofree char *path = dp_mask_text(bundle->mask, vm->path);
    Logs logs = {bundle, folder};

    add_text(bundle, name, text);
    add_status(bundle, folder, vm->path);
    dp_log_read_all(bundle->context->root, vm->path, take_log, &logs);
    json_array_append_new(json_object_get(bundle->about, "vms"),
                          dp_json_pack("{s:s, s:o}", "folder", folder, "file", dp_json_text(path)));
}

static bool
runs_now(const DpBundle *bundle, const DpKnownVm *vm)
{
    for (guint i = 0; i < bundle->context->runs->len; i++) {
        if (strcmp(((const DpRun *)bundle->context->runs->pdata[i])->vmx_path, vm->path) == 0) {
            return true;
        }
    }
    return false;
}

void
dp_support_vms(const DpBundle *bundle)
{
    guint number = 0;

    json_object_set_new(bundle->about, "vms", json_array());
    for (int running = 1; running >= 0; running--) {
        for (guint i = 0; i < bundle->vms->len && number < VMS_MAX; i++) {
            const DpKnownVm *vm = bundle->vms->pdata[i];

            if (runs_now(bundle, vm) == (running == 1)) {
                add_vm(bundle, ++number, vm);
            }
        }
    }
}
