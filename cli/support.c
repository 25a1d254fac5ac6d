/* SPDX-License-Identifier: GPL-2.0-or-later */
/* host support. */
#include "support.h"

#include "base/file.h"
#include "base/text.h"
#include "engine-probe.h"
#include "host/capture.h"
#include "newfile.h"
#include "output.h"
#include "verbs.h"
#include "vm/known.h"
#include "vm/registry.h"
#include "vm/vmx-mask.h"

#include <string.h>

static const char readme[] =
    "What `directpath host support` has put together.\n"
    "\n"
    "Unpacked into a folder it can be looked at with `directpath --root FOLDER`: it is a\n"
    "capture of the host, with what this program keeps on it. In support/ are\n"
    "\n"
    "  about.json      versions, and which folder is which VM's\n"
    "  *.json          what the commands of these names printed\n"
    "  kernel.log      lines of the kernel about IOMMU, VFIO, KVM and resets\n"
    "  vm/N/           a VM's VMX, the ends of its logs, and its status if it runs\n"
    "\n"
    "Serial numbers, MAC and IP addresses, passwords, and names of hosts, users and VMs are\n"
    "left out, or have become stand-ins such as host1, the same for the same. Look through it\n"
    "before you give it away: a name that nothing on the host says is one is not known as such.\n";

/* PRETTY_NAME of os-release(5). */
static char *
distribution(const DpRoot *root)
{
    g_autofree char *text = dp_file_read(root->fd, "etc/os-release", 64u << 10, NULL, NULL);
    const char *name = text == NULL ? NULL : strstr(text, "PRETTY_NAME=\"");
    const char *start = name == NULL ? NULL : name + strlen("PRETTY_NAME=\"");

    return start == NULL ? NULL : g_strndup(start, strcspn(start, "\"\n"));
}

static json_t *
about(const DpBundle *bundle)
{
    const DpContext *context = bundle->context;
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *time = g_date_time_format(now, "%Y-%m-%dT%H:%M:%SZ");
    g_autofree char *os = distribution(context->root);
    g_autoptr(DpEngine) engine = dp_engine_probe(context->root, NULL);

    return dp_json_pack("{s:s, s:s, s:b, s:b, s:o, s:o, s:o}", "version", DP_VERSION, "made", time,
                        "live", (int)context->root->live, "root", (int)(geteuid() == 0), "kernel",
                        dp_json_text(context->host->platform.kernel), "distribution",
                        dp_json_text(os), "engine", dp_engine_json(engine));
}

static void
add_about(const DpBundle *bundle)
{
    json_t *masked = dp_mask_json(bundle->mask, bundle->about);
    char *text = json_dumps(masked, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    g_autofree char *line = g_strconcat(text, "\n", NULL);

    dp_tar_add_file(bundle->tar, "support/about.json", line, strlen(line));
    dp_tar_add_file(bundle->tar, "support/README", readme, strlen(readme));
    free(text);
    json_decref(masked);
}

/* Those that run or were powered on here, and those that are only registered. */
static GPtrArray *
find_vms(const DpContext *context, const DpRegistry *registry)
{
    GPtrArray *vms = dp_known_vms(context->root, context->runs);
    g_autoptr(GPtrArray) paths = g_ptr_array_new();
    g_autoptr(GPtrArray) more = NULL;

    for (guint i = 0; registry != NULL && i < registry->vms->len; i++) {
        char *path = ((const DpRegistered *)registry->vms->pdata[i])->vmx;
        guint at = 0;

        while (at < vms->len && strcmp(((const DpKnownVm *)vms->pdata[at])->path, path) != 0) {
            at++;
        }
        if (at == vms->len) {
            g_ptr_array_add(paths, path);
        }
    }
    more = dp_known_read(context->root, paths);
    g_ptr_array_extend_and_steal(vms, g_steal_pointer(&more));
    return vms;
}

/* Of one whose file is gone the entry still says what it is called. */
static void
learn_registered(const DpRegistry *registry, DpMask *mask)
{
    for (guint i = 0; registry != NULL && i < registry->vms->len; i++) {
        const DpRegistered *vm = registry->vms->pdata[i];

        dp_mask_learn(mask, DP_MASK_VM, vm->name);
        dp_vmx_mask_learn(NULL, vm->vmx, mask);
    }
}

static void
learn(const DpBundle *bundle)
{
    dp_mask_learn_host(bundle->mask, bundle->context->root, bundle->context->host);
    for (guint i = 0; i < bundle->vms->len; i++) {
        const DpKnownVm *vm = bundle->vms->pdata[i];

        dp_vmx_mask_learn(vm->vmx, vm->path, bundle->mask);
    }
}

/* Records first: which words stay is known then. */
static bool
write_parts(int fd, void *data, GError **error)
{
    DpBundle *bundle = data;
    g_autoptr(DpTar) tar = dp_tar_new(fd, DP_CAPTURE_MAX);

    bundle->tar = tar;
    dp_support_records(bundle);
    dp_support_documents(bundle);
    dp_support_kernel(bundle);
    dp_support_vms(bundle);
    add_about(bundle);
    dp_tar_set_filter(tar, dp_mask_capture, bundle->mask);
    return dp_host_capture_add(bundle->context->root, tar, error) && dp_tar_finish(tar, error);
}

bool
dp_cmd_host_support(DpCli *cli, GError **error)
{
    g_autoptr(DpProgress) progress G_GNUC_UNUSED = dp_progress_begin(cli, "collecting");
    g_autoptr(DpContext) context = dp_context_new(cli, DP_LOOK, error);
    g_autoptr(DpMask) mask = dp_mask_new();
    g_autoptr(DpRegistry) registry =
        context == NULL ? NULL : dp_registry_load(context->root, NULL, NULL);
    g_autoptr(GPtrArray) vms = context == NULL ? NULL : find_vms(context, registry);
    json_auto_t *facts = NULL;
    DpBundle bundle = {.cli = cli, .context = context, .mask = mask, .vms = vms};

    if (context == NULL) {
        return false;
    }
    learn(&bundle);
    learn_registered(registry, mask);
    bundle.about = facts = about(&bundle);
    if (!dp_newfile_write(cli, context->root, write_parts, &bundle, error)) {
        return false;
    }
    json_object_set_new(cli->doc, "vms",
                        json_integer((json_int_t)json_array_size(json_object_get(facts, "vms"))));
    dp_out(cli, "Look through it before you give it away; support/README says what is in it.");
    return true;
}
