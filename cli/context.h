/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What most commands stand on: the root, the store, one scan, the verdicts, the running VMs. */
#pragma once

#include "assign/armed.h"
#include "assign/intent.h"
#include "assign/stored.h"
#include "cli.h"
#include "vm/run.h"

typedef struct {
    DpRoot *root;
    DpEsxconf *conf;
    DpMap *map;
    DpCompat *compat;
    DpHost *host;
    DpPolicy *policy;
    GPtrArray *runs;   /* DpRun */
    DpIntent *intent;  /* a change that waits for a driver to let go, or that a dead command left */
    GPtrArray *locked; /* const char *: DpRoot.locked */
    DpArmed *armed;    /* a change that waits for its confirmation, or NULL */
    GPtrArray *gone;   /* DpStoredGone: stored, and not there, or not the card that was meant */
    DpNames *names;    /* made at first use: dp_context_names */
    bool unseen;       /* the root of a system that does not run: it has a store and no devices */
    int lock;          /* held by a command that changes something; -1 */
    int64_t begun_us;  /* when it had the lock, before the scan (clock of g_get_monotonic_time) */
    DpDiagList *diags; /* about store, map and host as a whole; the verb decides whether to tell */
} DpContext;

typedef enum {
    DP_LOOK,   /* never waits for another command */
    DP_GLANCE, /* as DP_LOOK, and what is blocked in the kernel is unknown at once */
    DP_CHANGE, /* takes the lock first, unless --dry-run */
} DpContextMode;

/* Opens, loads, scans, decides. As root on the running machine it also puts right what a command or
 * VM that died has left, and says so in cli->diags. */
DpContext *dp_context_new(DpCli *cli, DpContextMode mode, GError **error);
void dp_context_free(DpContext *context);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpContext, dp_context_free)

/* Reads the records of what is under way: of changes that wait, for a driver or to be confirmed. */
void dp_context_load_pending(DpContext *context);

DpNames *dp_context_names(DpContext *context);

/* Name of the running VM that has @addr, or NULL. */
const char *dp_context_used_by(const DpContext *context, const DpAddr *addr);

/* True if @fn is enabled only until its time is over, or the change is confirmed. */
bool dp_context_armed(const DpContext *context, const DpFunction *fn);

/* State of one function; reasons that are not among the verdict's go to @diags (may be NULL). */
DpState dp_context_state(const DpContext *context, const DpVerdict *verdict, DpDiagList *diags);

/* True if the stored owner and the running one of any function differ. */
bool dp_context_reboot_required(const DpContext *context);

/* The change that @cli asks for, over this host. */
DpChange dp_context_change(DpContext *context, const DpCli *cli);
DpVmEnv dp_context_vm_env(const DpContext *context);

/* The verdict of the device that argument @index names. */
const DpVerdict *dp_context_arg(const DpContext *context, DpCli *cli, guint index, GError **error);
