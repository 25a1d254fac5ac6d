/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The seeds' procedure: the configuration first, then the host off, the card last. */
#include "removal.h"

#include "assign/binding.h"
#include "assign/select.h"
#include "base/text.h"
#include "output.h"
#include "vm/known.h"

typedef enum { NEXT_POWER_OFF, NEXT_REBOOT, NEXT_GONE } Next;

static const struct {
    const char *word;
    const char *sentence;
    const char *remedy; /* NULL: the row's */
} nexts[] = {
    [NEXT_POWER_OFF] = {"power-off", "the card can be removed after power-off", NULL},
    [NEXT_REBOOT] = {"reboot", "reboot first: the running kernel has it with vfio-pci still",
                     "reboot the host, then power it off and take the card out"},
    [NEXT_GONE] = {"gone", NULL, NULL},
};

typedef struct {
    DpCli *cli;
    DpContext *context;
    GPtrArray *vms; /* DpKnownVm */
    json_t *array;
} Removal;

static Next
next_of(const Removal *removal, const DpFunction *fn)
{
    g_autoptr(DpBinding) now = NULL;

    if (fn == NULL) {
        return NEXT_GONE;
    }
    now = dp_binding_read(removal->context->root, fn->name, NULL);
    return now != NULL && (now->stuck || dp_binding_is_vfio(now)) ? NEXT_REBOOT : NEXT_POWER_OFF;
}

static const DpStoredGone *
find_gone(const DpContext *context, const DpAddr *addr)
{
    for (guint i = 0; i < context->gone->len; i++) {
        const DpStoredGone *gone = context->gone->pdata[i];

        if (dp_addr_compare(&gone->addr, addr) == 0) {
            return gone;
        }
    }
    return NULL;
}

/* The card that the VM files mean: the stored one where another has taken its place. */
static DpCard *
card_of(const DpStoredGone *gone, const DpFunction *fn)
{
    DpCard *card;

    if (gone == NULL && fn != NULL) {
        return dp_card_of(fn);
    }
    card = dp_card_new();
    if (gone != NULL && gone->card != NULL) {
        (void)dp_card_learn(card, gone->card);
    }
    return card;
}

json_t *
dp_report_still_named(DpCli *cli,
                      const DpContext *context,
                      const GPtrArray *vms,
                      const DpAddr *addr)
{
    const DpStoredGone *gone = find_gone(context, addr);
    g_autoptr(DpCard) card = card_of(gone, dp_host_find(context->host, addr));
    json_t *paths = json_array();
    char name[DP_ADDR_LEN];

    (void)dp_addr_format(addr, name);
    for (guint i = 0; i < vms->len; i++) {
        const DpKnownVm *vm = vms->pdata[i];
        int index = dp_known_names(vm, addr, card);
        g_autofree char *shown = dp_text_visible(vm->path, -1);
        DpDiag *diag;

        if (index < 0) {
            continue;
        }
        json_array_append_new(paths, dp_json_text(vm->path));
        diag = dp_diags_add(cli->diags, DP_DIAG_VMX_STILL_NAMES, shown,
                            "%s still names %s (pciPassthru%d)", shown, name, index);
        if (gone != NULL) {
            dp_diag_set_cause(diag, "the card that the file means is not at %s any more", name);
        }
        dp_diag_set_remedy(diag,
                           "write pciPassthru%d.present = \"FALSE\" in it, or take its "
                           "pciPassthru%d lines out",
                           index, index);
    }
    return paths;
}

static void
report_one(const Removal *removal, const DpAddr *addr)
{
    const DpFunction *fn = dp_host_find(removal->context->host, addr);
    Next next = next_of(removal, fn);
    char name[DP_ADDR_LEN];

    (void)dp_addr_format(addr, name);
    if (nexts[next].sentence != NULL) {
        DpDiag *diag = dp_diags_add(removal->cli->diags, DP_DIAG_REMOVE_NEXT, name, "%s: %s", name,
                                    nexts[next].sentence);

        if (nexts[next].remedy != NULL) {
            dp_diag_set_remedy(diag, "%s", nexts[next].remedy);
        }
    }
    json_array_append_new(
        removal->array,
        dp_json_pack("{s:s, s:s, s:o}", "address", name, "next", nexts[next].word, "vms",
                     dp_report_still_named(removal->cli, removal->context, removal->vms, addr)));
}

void
dp_report_removal(DpCli *cli, DpContext *context, const GArray *addrs)
{
    g_autoptr(GPtrArray) vms = dp_known_vms(context->root, context->runs);
    Removal removal = {cli, context, vms, json_array()};
    DpChange change = dp_context_change(context, cli);

    /* Of a system that does not run it is not known whether the card is there. */
    for (guint i = 0; !context->unseen && i < addrs->len; i++) {
        const DpAddr *addr = &g_array_index(addrs, DpAddr, i);
        const DpFunction *fn = dp_host_find(context->host, addr);
        g_autoptr(GPtrArray) below =
            fn != NULL && fn->is_bridge ? dp_functions_below(&change, fn) : NULL;

        if (below == NULL) {
            report_one(&removal, addr);
        }
        for (guint k = 0; below != NULL && k < below->len; k++) {
            report_one(&removal, &((const DpFunction *)below->pdata[k])->addr);
        }
    }
    json_object_set_new(cli->doc, "next", removal.array);
}
