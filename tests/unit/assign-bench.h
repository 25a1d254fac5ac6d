/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One command after the other on a fake kernel: each scans, decides and acts as the program does.
 */
#pragma once

#include "fake-kernel.h"

typedef struct {
    FakeKernel *kernel;
    /* For the next commands. */
    bool dry_run, with_unit, store_only, take_system_id;
    const int *overrides;
    size_t n_overrides;
    int confirm_within_s;
    int64_t until_us;
    bool release;
    const char *in_use;       /* function that a VM has */
    void (*before_act)(void); /* called when the host has been scanned */
    /* Of the last command. */
    DpOutcome *outcome;
    GError *error;
} Bench;

Bench *bench_new(const char *tree);
void bench_free(Bench *bench);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Bench, bench_free)

/* The names of functions, then NULL. */
bool bench_enable(Bench *bench, ...) G_GNUC_NULL_TERMINATED;
bool bench_disable(Bench *bench, ...) G_GNUC_NULL_TERMINATED;
bool bench_forget(Bench *bench, ...) G_GNUC_NULL_TERMINATED;
/* Takes over what the esx.conf @text gives away. */
bool bench_import(Bench *bench, const char *text);
bool bench_apply(Bench *bench);
bool bench_recover(Bench *bench);
bool bench_confirm(Bench *bench);
/* Recovery, and what every command does then about an armed change. */
bool bench_tend(Bench *bench);

/* Anything else that is done with a change. */
typedef bool (*BenchAct)(const DpChange *change, void *user, DpOutcome *outcome, GError **error);
bool bench_do(Bench *bench, BenchAct act, void *user);

/* The file as it was handed to us. */
void bench_store(Bench *bench, const char *text);

void bench_expect(Bench *bench, const char *name, const char *driver, const char *override);
/* The last command has reported @id, this grave. */
void bench_diag(Bench *bench, DpDiagId id, DpSeverity severity);
/* It failed by a rule, and says which. */
void bench_refused(Bench *bench, bool done, DpDiagId id);
