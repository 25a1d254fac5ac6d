/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `device reset` and `device test` tell of a visit to a function. */
#pragma once

#include "context.h"

#include "assign/session.h"

/* One line: the step, how it went, how long it took, what was found. */
void dp_out_stage(const DpCli *cli, const char *step, const DpStepMark *mark, const char *detail);
json_t *dp_stage_json(const char *step, const DpStepMark *mark, const char *detail);

/* The steps of a visit that were reached, printed, or appended to the array @stages. */
void dp_out_visit(const DpCli *cli, const DpVerdict *verdict, const DpSessionReport *report);
void dp_visit_stages(json_t *stages, const DpVerdict *verdict, const DpSessionReport *report);

/* "reset", "affected" and "read_back" of @doc. */
void dp_visit_reset_json(json_t *doc, const DpSessionReport *report);

/* False with diagnostics if a running VM has what the reset of @verdict's function reaches. */
bool
dp_check_resettable(DpCli *cli, const DpContext *context, const DpVerdict *verdict, GError **error);
