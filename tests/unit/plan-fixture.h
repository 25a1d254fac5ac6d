/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plans made from texts, over the made host `lab` whose two devices are enabled. */
#pragma once

#include "vm/vm.h"

typedef struct {
    DpRoot *root;
    DpHost *host;
    DpMap *map;
    DpPolicy *policy;
    DpEsxconf *conf;
    DpAliases *networks;
    DpPlanInput input;
    GHashTable *files; /* path -> GBytes: what the plan sees of the disks */
} PlanFixture;

#define DISK "0000:03:00.0"
#define NIC  "0000:02:00.0"

PlanFixture *plan_fixture_new(void);
void plan_fixture_free(PlanFixture *fixture);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PlanFixture, plan_fixture_free)

/* The text of tests/data/vm/NAME. */
char *plan_fixture_text(const char *name);

/* The sample with each "KEY=VALUE" of @changes (NULL-terminated) replaced or added; "KEY" alone
 * removes the line. */
char *plan_fixture_sample(const char *const *changes);

DpPlan *plan_fixture_vmx(PlanFixture *fixture, const DpVmx *vmx);
DpPlan *plan_fixture_plan(PlanFixture *fixture, const char *text);
DpPlan *plan_fixture_changed(PlanFixture *fixture, const char *const *changes);

/* A running VM, "Other", has the function @name, which is borrowed. */
void plan_fixture_in_use(PlanFixture *fixture, const char *name);

/* The diagnostic of @id, or NULL. */
const DpDiag *plan_diag(const DpPlan *plan, DpDiagId id);
/* One argument a line. */
char *plan_argv(const DpPlan *plan);
/* All diagnostics, for messages of failed tests. */
char *plan_diags(const DpPlan *plan);
const DpKeyReport *plan_key(const DpPlan *plan, const char *key);
