/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs: one table from which dispatch, help, completion and the check of the man page come. */
#pragma once

#include "cli.h"

typedef enum {
    /* It changes or opens what only root may, unless --dry-run or --root. */
    DP_VERB_ROOT = 1 << 0,
    /* It acts on the running machine and refuses another --root, unless --dry-run. */
    DP_VERB_LIVE = 1 << 1,
    /* It only looks unless --yes is given; the other needs count with --yes. */
    DP_VERB_YES = 1 << 2,
} DpVerbNeeds;

struct DpVerb {
    const char *words; /* "device list" */
    const char *args;  /* "ADDR..."; "" for none */
    int min_args;
    int max_args;        /* -1: any number */
    unsigned options;    /* DpOptBit beyond the common ones */
    unsigned needs;      /* DpVerbNeeds */
    const char *summary; /* one line */
    const char *help;    /* what it does, what it never does; lines of at most 80 columns */
    const char *example; /* a command line and what it is for */
    DpVerbRun run;
};

const DpVerb *dp_verbs(size_t *ret_n);

/* Finds the verb whose words @words begins with; @ret_used receives how many there are. With NULL,
 * @error (DP_ERROR_USAGE) says what is wrong. */
const DpVerb *dp_verb_find(const GPtrArray *words, guint *ret_used, GError **error);

/* The arguments behind the verb's words. */
static inline guint
dp_verb_n_words(const DpVerb *verb)
{
    guint n = 1;

    for (const char *p = verb->words; *p != '\0'; p++) {
        n += *p == ' ' ? 1 : 0;
    }
    return n;
}

/* Argument @index (from 0) of the verb in @cli; NULL if it is not there. */
const char *dp_cli_arg(const DpCli *cli, guint index);
guint dp_cli_n_args(const DpCli *cli);

/* The commands. */
bool dp_cmd_host_check(DpCli *cli, GError **error);
bool dp_cmd_host_drift(DpCli *cli, GError **error);
bool dp_cmd_host_status(DpCli *cli, GError **error);
bool dp_cmd_host_capture(DpCli *cli, GError **error);
bool dp_cmd_host_support(DpCli *cli, GError **error);
bool dp_cmd_device_list(DpCli *cli, GError **error);
bool dp_cmd_device_show(DpCli *cli, GError **error);
bool dp_cmd_device_enable(DpCli *cli, GError **error);
bool dp_cmd_device_disable(DpCli *cli, GError **error);
bool dp_cmd_device_confirm(DpCli *cli, GError **error);
bool dp_cmd_device_forget(DpCli *cli, GError **error);
bool dp_cmd_device_reset(DpCli *cli, GError **error);
bool dp_cmd_device_test(DpCli *cli, GError **error);
bool dp_cmd_device_apply(DpCli *cli, GError **error);
bool dp_cmd_import_esxconf(DpCli *cli, GError **error);
bool dp_cmd_vm_validate(DpCli *cli, GError **error);
bool dp_cmd_vm_create(DpCli *cli, GError **error);
bool dp_cmd_vm_set(DpCli *cli, GError **error);
bool dp_cmd_vm_add_device(DpCli *cli, GError **error);
bool dp_cmd_vm_remove_device(DpCli *cli, GError **error);
bool dp_cmd_vm_upgrade(DpCli *cli, GError **error);
bool dp_cmd_vm_relocate(DpCli *cli, GError **error);
bool dp_cmd_vm_power_on(DpCli *cli, GError **error);
bool dp_cmd_vm_shut_down(DpCli *cli, GError **error);
bool dp_cmd_vm_power_off(DpCli *cli, GError **error);
bool dp_cmd_vm_reset(DpCli *cli, GError **error);
bool dp_cmd_vm_console(DpCli *cli, GError **error);
bool dp_cmd_vm_status(DpCli *cli, GError **error);
bool dp_cmd_vm_list(DpCli *cli, GError **error);
bool dp_cmd_vm_register(DpCli *cli, GError **error);
bool dp_cmd_vm_unregister(DpCli *cli, GError **error);
bool dp_cmd_vm_autostart(DpCli *cli, GError **error);
bool dp_cmd_vm_log(DpCli *cli, GError **error);
bool dp_cmd_vm_refused(DpCli *cli, GError **error);
bool dp_cmd_vm_export(DpCli *cli, GError **error);
bool dp_cmd_esxcli_pci_list(DpCli *cli, GError **error);
bool dp_cmd_esxcli_passthru_list(DpCli *cli, GError **error);
bool dp_cmd_esxcli_passthru_set(DpCli *cli, GError **error);
bool dp_cmd_esxcli_uuid(DpCli *cli, GError **error);
bool dp_cmd_esxcfg_module(DpCli *cli, GError **error);
bool dp_cmd_vsish_cat(DpCli *cli, GError **error);
bool dp_cmd_map_check(DpCli *cli, GError **error);
bool dp_cmd_explain(DpCli *cli, GError **error);
bool dp_cmd_help(DpCli *cli, GError **error);

/* Help: of one verb, or of all whose words begin with @prefix (NULL: all). */
void dp_help_verb(DpCli *cli, const DpVerb *verb);
void dp_help_list(DpCli *cli, const char *prefix);
