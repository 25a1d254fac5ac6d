/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a command is about to do to bindings, in run/directpath/intent before its first write, so
 * that the next command finds it if this one dies; everybody may read it. Written and read under
 * the store's lock: an intent that is found belongs to nobody alive.
 */
#pragma once

#include "binding.h"

typedef struct {
    char *command;       /* "enable", "disable", "apply" */
    char *boot_id;       /* of the kernel that ran then; "" if unknown */
    pid_t pid;           /* for people */
    bool pending;        /* the command ended; what is named here waits for a driver to let go */
    GPtrArray *bindings; /* DpBinding, as they were before */
} DpIntent;

/* @bindings: DpBinding, borrowed. */
DpIntent *dp_intent_new(DpRoot *root, const char *command, const GPtrArray *bindings);
void dp_intent_free(DpIntent *intent);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpIntent, dp_intent_free)

bool dp_intent_write(DpRoot *root, const DpIntent *intent, GError **error);

/* NULL without error: there is none, or it is of an earlier boot, whose bindings are gone anyway. A
 * broken one is a warning in @diags. */
DpIntent *dp_intent_read(DpRoot *root, DpDiagList *diags, GError **error);

/* What is said of function @name in it, or NULL. */
const DpBinding *dp_intent_find(const DpIntent *intent, const char *name);

bool dp_intent_remove(DpRoot *root, GError **error);
