/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pieces that JSON documents share; docs/json.md has their schemas. */
#pragma once

#include "context.h"

/* true, false, or null for what is unknown. */
json_t *dp_json_tri(DpTri value);
/* "yes", "no", "unknown". */
const char *dp_tri_text(DpTri value);

/* "vt-d", "amd-vi", "none", "other". */
const char *dp_iommu_name(DpIommuKind kind);
/* VFIO as a whole: its PCI driver and its IOMMU backend. */
DpTri dp_platform_vfio(const DpPlatform *platform);

/* What waits for its confirmation: {"devices","seconds","seconds_left","overrides"}, or null. */
json_t *dp_armed_json(const DpContext *context);
/* The same for people, behind an empty line; nothing if there is none. */
void dp_out_armed(const DpCli *cli, const DpContext *context);

/* The "host" object of `device list`. */
json_t *dp_host_json(const DpContext *context);
/* One entry of "devices" of `device list`. */
json_t *dp_device_json(DpContext *context, const DpVerdict *verdict);
/* What `device show` adds to it. */
void dp_device_json_more(DpContext *context, const DpVerdict *verdict, json_t *device);

/* All that is to be said about one function: from the scan, the verdict and its state. */
DpDiagList *dp_device_diags(const DpContext *context, const DpVerdict *verdict, DpState *ret_state);

/* "steps": an array of {"action","subject","detail","undo"}. */
json_t *dp_steps_json(const GPtrArray *steps);
/* The same for people, one line a step. */
void dp_out_steps(const DpCli *cli, const GPtrArray *steps);

/* Names of the methods in DpResetChoice.available, in the order of preference. */
json_t *dp_reset_available_json(const DpResetChoice *reset);
/* NAMES joined by ", "; "none" if there is none. */
char *dp_reset_available_text(const DpResetChoice *reset);
/* A bridge's or function's power state: "D0", "D3cold", "unknown". */
const char *dp_power_name(DpPower power);
/* "endpoint", "root port"...; NULL if it has no PCI Express capability or that is unknown. */
const char *dp_pcie_type_name(DpPcieType type);

/* "changed", "reboot_required", "dry_run" and "steps" of a changing command, and its diagnostics.
 */
void dp_report_outcome(DpCli *cli, const DpOutcome *outcome);
/* Says how a change over @root ended: @done if it was made, or the steps of a dry run. */
void
dp_say_outcome(const DpCli *cli, const DpRoot *root, const DpOutcome *outcome, const char *done);

/* What is known of a card, null for what is not; null for NULL. */
json_t *dp_card_json(const DpCard *card);

/* One powered-on VM, all of them, and all of them for people. */
json_t *dp_run_json(const DpRun *run);
json_t *dp_runs_json(const DpContext *context);
void dp_out_runs(const DpCli *cli, const DpContext *context);

/* "system_id", for people as well: the host's systemId as a VMX writes it. False where it has none.
 */
bool dp_out_system_id(DpCli *cli, GError **error);

/* "survey" of `host check`, for people as a table with a legend. */
void dp_survey_show(DpCli *cli, const DpContext *context);
