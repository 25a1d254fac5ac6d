/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vm relocate: entries of another host, or of cards that moved, pointed at this host's devices. */
#include "base/text.h"
#include "output.h"
#include "verbs.h"
#include "vm/relocate.h"
#include "vmxedit.h"

#include <stdio.h>

/* Words of the result, in JSON and in the table. */
typedef enum { SHOW_KEPT, SHOW_PROPOSED, SHOW_MOVED, SHOW_DECLINED, SHOW_NONE } Show;

static const struct {
    const char *word;
    DpColour colour;
} shows[] = {
    [SHOW_KEPT] = {"kept", DP_PLAIN},    [SHOW_PROPOSED] = {"proposed", DP_YELLOW},
    [SHOW_MOVED] = {"moved", DP_GREEN},  [SHOW_DECLINED] = {"declined", DP_YELLOW},
    [SHOW_NONE] = {"none here", DP_RED},
};

/* Free, enabled and healthy is what `device list` calls active. */
static DpCandidate
judge(const DpFunction *fn, void *user)
{
    const DpContext *context = user;
    const DpVerdict *verdict = dp_policy_verdict(context->policy, &fn->addr);
    DpState state;

    if (verdict == NULL || !verdict->assignable) {
        return DP_CANDIDATE_NO;
    }
    state = dp_context_state(context, verdict, NULL);
    return state == DP_STATE_ACTIVE      ? DP_CANDIDATE_YES
           : state == DP_STATE_AVAILABLE ? DP_CANDIDATE_DISABLED
                                         : DP_CANDIDATE_NO;
}

/* Another card is where the one was that the entry means. */
static DpDiag *
report_exchanged(DpCli *cli, const DpVmx *vmx, const DpRelocation *move)
{
    const DpFunction *found = move->to_enable != NULL ? move->to_enable : move->refused;
    g_autofree char *id = dp_text_visible(move->id, -1);
    g_autofree char *card = dp_card_describe(move->exchanged->card);
    g_autofree char *where = found != NULL ? g_strdup_printf("at %s, and not ready", found->name)
                                           : g_strdup("nowhere on this host");
    DpDiag *diag = dp_diags_add(cli->diags, DP_DIAG_VMX_RELOCATE_NONE, dp_vmx_name(vmx),
                                "pciPassthru%u (%s) means another card than the one that is there "
                                "now; it is %s: %s",
                                move->index, id, where, card);

    dp_diag_set_cause(diag, "the card at %s is another one than was enabled",
                      move->exchanged->name);
    dp_diag_set_remedy(diag,
                       "put the card back; or if the one that is there now is meant: directpath "
                       "device enable %s",
                       move->exchanged->name);
    return diag;
}

static void
report_none(DpCli *cli, const DpVmx *vmx, const DpRelocation *move)
{
    g_autofree char *id = dp_text_visible(move->id, -1);
    DpDiag *diag;

    if (move->vendor == 0 && move->exchanged == NULL) {
        diag = dp_diags_add(cli->diags, DP_DIAG_VMX_RELOCATE_NONE, dp_vmx_name(vmx),
                            "pciPassthru%u (%s): without vendorId and deviceId nobody knows which "
                            "device it means",
                            move->index, id);
        dp_diag_set_remedy(diag, "remove it and add the device that is meant: directpath vm "
                                 "remove-device, then vm add-device");
        return;
    }
    diag = move->exchanged != NULL
               ? report_exchanged(cli, vmx, move)
               : dp_diags_add(cli->diags, DP_DIAG_VMX_RELOCATE_NONE, dp_vmx_name(vmx),
                              "pciPassthru%u (%s) means a %04x:%04x, and no free one is enabled "
                              "here",
                              move->index, id, move->vendor, move->device);
    if (move->to_enable != NULL) {
        dp_diag_set_remedy(diag, "directpath device enable %s, and then the same again",
                           move->to_enable->name);
    } else if (move->refused != NULL) {
        dp_diag_set_cause(diag, "%s is of that model and will not do", move->refused->name);
        dp_diag_set_remedy(diag, "see why: directpath device show %s", move->refused->name);
    }
}

static void
report_choice(DpCli *cli, const DpVmx *vmx, const DpRelocation *move)
{
    if (move->n_others > 0 && !move->same_address) {
        dp_diags_add(cli->diags, DP_DIAG_VMX_RELOCATE_CHOICE, dp_vmx_name(vmx),
                     "pciPassthru%u: beside %s %u more of the same model would do", move->index,
                     move->fn->name, move->n_others);
    }
}

static void
show_entry(const DpRelocation *move, Show show, DpTable *table, json_t *array)
{
    const char *name = move->fn != NULL ? move->fn->name : NULL;

    dp_table_cellf(table, "pciPassthru%u", move->index);
    dp_table_cell(table, move->id, DP_PLAIN);
    dp_table_cell(table, shows[show].word, shows[show].colour);
    dp_table_cell(table, name, DP_PLAIN);
    json_array_append_new(
        array, dp_json_pack("{s:i, s:o, s:o, s:s, s:o, s:i}", "index", (int)move->index, "id",
                            dp_json_text(move->id), "system_id", dp_json_text(move->system_id),
                            "result", show == SHOW_NONE ? "none" : shows[show].word, "address",
                            dp_json_text(name), "others", (int)move->n_others));
}

/* A person at a terminal is asked for each; anybody else said it by --yes, or did not. */
static bool
can_ask(const DpCli *cli)
{
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) &&
           !dp_options_have(cli->options, DP_OPT_JSON) &&
           !dp_options_have(cli->options, DP_OPT_YES);
}

static bool
ask(const DpRelocation *move)
{
    g_autofree char *id = dp_text_visible(move->id, -1);
    char answer[16] = "";

    (void)fprintf(stdout, "pciPassthru%u (%s) becomes %s of this host? [y/N] ", move->index, id,
                  move->fn->name);
    (void)fflush(stdout);
    return fgets(answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

typedef struct {
    DpCli *cli;
    DpVmxEdit *edit;
    char *system_id; /* as a VMX has it */
    bool asks;
    unsigned n_moved, n_open, n_none; /* open: proposed and not accepted */
} Relocate;

/* What becomes of one entry; the accepted ones are edited. */
static bool
settle(Relocate *run, const DpRelocation *move, Show *ret_show, GError **error)
{
    bool yes = dp_options_have(run->cli->options, DP_OPT_YES);

    *ret_show = move->result == DP_RELOCATE_KEPT ? SHOW_KEPT : SHOW_NONE;
    if (move->result == DP_RELOCATE_NONE) {
        run->n_none++;
        report_none(run->cli, run->edit->file->vmx, move);
    }
    if (move->result != DP_RELOCATE_MOVE) {
        return true;
    }
    report_choice(run->cli, run->edit->file->vmx, move);
    if (!yes && !(run->asks && ask(move))) {
        *ret_show = run->asks ? SHOW_DECLINED : SHOW_PROPOSED;
        run->n_open++;
        return true;
    }
    *ret_show = SHOW_MOVED;
    run->n_moved++;
    return dp_relocate_write(run->edit->file->vmx, move, run->system_id, error);
}

static bool
settle_all(Relocate *run, const GPtrArray *moves, Show *ret_shows, GError **error)
{
    for (guint i = 0; i < moves->len; i++) {
        if (!settle(run, moves->pdata[i], &ret_shows[i], error)) {
            return false;
        }
    }
    return true;
}

static void
show_all(DpCli *cli, const GPtrArray *moves, const Show *shown)
{
    static const DpColumn columns[] = {
        {"DEVICE", 0}, {"IN THE FILE", 16}, {"RESULT", 0}, {"HERE", 0}};
    g_autoptr(DpTable) table = dp_table_new(columns, G_N_ELEMENTS(columns));
    json_t *array = json_array();

    for (guint i = 0; i < moves->len; i++) {
        show_entry(moves->pdata[i], shown[i], table, array);
    }
    dp_table_print(cli, table, "The file has no passed-through device.");
    json_object_set_new(cli->doc, "entries", array);
}

/* Nothing is accepted, or nothing is to be done. */
static void
report_unchanged(const Relocate *run)
{
    json_object_update_new(run->cli->doc, dp_json_pack("{s:b, s:o, s:o}", "changed", 0, "vmx",
                                                       dp_json_text(run->edit->file->path), "edits",
                                                       json_array()));
    if (run->n_open == 0 && run->n_none == 0) {
        dp_out(run->cli, "Nothing to do: it is so already.");
    }
}

/* What cannot be re-pointed is told by exit status too: the answer is no, or it was done partly. */
static void
finish_status(Relocate *run)
{
    if (run->n_none > 0) {
        run->cli->exit = run->n_moved > 0 ? DP_EXIT_PARTLY : DP_EXIT_NO;
    } else if (run->n_open > 0 && !run->asks) {
        dp_out(run->cli, "With --yes the proposed ones are written.");
    }
}

/* Errors of the edit itself refuse it; an entry that has no device here is no reason not to do the
 * others. */
static bool
check_edit(Relocate *run, const DpContext *context, GError **error)
{
    g_autoptr(DpDiagList) told = run->cli->diags;
    g_autoptr(DpPlan) plan = NULL;

    run->cli->diags = dp_diags_new();
    plan = run->n_moved > 0 ? dp_vmx_edit_check(run->cli, context, run->edit, error) : NULL;
    dp_diags_extend(told, run->cli->diags);
    g_ptr_array_unref(run->cli->diags);
    run->cli->diags = g_steal_pointer(&told);
    return plan != NULL || run->n_moved == 0;
}

static bool
relocate(Relocate *run, DpContext *context, GError **error)
{
    const char *own = dp_esxconf_system_uuid(context->conf);
    g_autoptr(DpPlan) plan = dp_cli_plan(run->cli, context, run->edit->file);
    g_autoptr(GPtrArray) moves = dp_relocate_propose(run->edit->file->vmx, plan, context->host, own,
                                                     context->gone, judge, context);
    g_autofree Show *shown = NULL;

    if (own == NULL) {
        dp_diags_add(run->cli->diags, DP_DIAG_VMX_NO_SYSTEM_ID, "host",
                     "this host has no systemId, which the entries would name");
        return dp_fail(error, DP_ERROR_REFUSED, "this host has no systemId");
    }
    run->system_id = dp_system_uuid_to_vmx(own);
    shown = g_new0(Show, moves->len + 1);
    if (!settle_all(run, moves, shown, error) || !check_edit(run, context, error)) {
        return false;
    }
    show_all(run->cli, moves, shown);
    if (run->n_moved == 0) {
        report_unchanged(run);
    } else if (!dp_vmx_edit_finish(run->cli, run->edit, error)) {
        return false;
    }
    json_object_set_new(
        run->cli->doc, "dry_run",
        json_boolean(!run->asks && !dp_options_have(run->cli->options, DP_OPT_YES)));
    json_object_set_new(run->cli->doc, "system_id", dp_json_text(run->system_id));
    finish_status(run);
    return true;
}

bool
dp_cmd_vm_relocate(DpCli *cli, GError **error)
{
    g_autoptr(DpContext) context = dp_context_new(cli, DP_LOOK, error);
    g_autoptr(DpVmxEdit) edit = context != NULL ? dp_vmx_edit_begin(cli, error) : NULL;
    Relocate run = {.cli = cli, .edit = edit, .asks = can_ask(cli)};
    bool ok = edit != NULL && relocate(&run, context, error);

    g_free(run.system_id);
    return ok;
}
