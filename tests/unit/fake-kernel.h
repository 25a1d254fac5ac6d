/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel for tests: a copy of a made host whose driver links follow what is written to
 * driver_override, unbind, bind and drivers_probe, and which can refuse, block or die at write n.
 */
#pragma once

#include "assign/assign.h"

typedef enum {
    FAKE_OBEY,
    FAKE_REFUSE,    /* write n fails with -EIO, nothing happens */
    FAKE_BLOCK,     /* write n and all later ones to its device time out */
    FAKE_DIE,       /* the process ends before write n, as by SIGKILL */
    FAKE_DIE_AFTER, /* the process ends after write n took effect */
} FakeMode;

/* Shared with children. */
typedef struct {
    FakeMode mode;
    unsigned at; /* n, from 1 */
    unsigned n;  /* writes so far */
    char blocked[DP_ADDR_LEN];
} FakePlan;

typedef struct {
    DpRoot *root; /* its write is this kernel's */
    char *path;
    GHashTable *native; /* driver that the kernel would choose, by function */
    FakePlan *plan;
    bool in_child; /* writes are done by a child, as on the live machine */
} FakeKernel;

FakeKernel *fake_kernel_new(const char *tree);
void fake_kernel_free(FakeKernel *kernel);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FakeKernel, fake_kernel_free)

/* The host boots: overrides are forgotten, native drivers bind, run/ is empty. */
void fake_kernel_boot(FakeKernel *kernel);
/* The same with nothing stored. */
void fake_kernel_restart(FakeKernel *kernel);

/* From the next write on. */
void fake_kernel_plan(FakeKernel *kernel, FakeMode mode, unsigned at);

/* "nvme", or "none"; the caller frees it. */
char *fake_kernel_driver(FakeKernel *kernel, const char *name);
char *fake_kernel_override(FakeKernel *kernel, const char *name);

/* File beneath the root; NULL if absent. */
char *fake_kernel_read(FakeKernel *kernel, const char *path);
void fake_kernel_put(FakeKernel *kernel, const char *path, const char *text);

/* Everything that a change of drivers can change: one line a function, then the store. For
 * comparing before and after. */
char *fake_kernel_state(FakeKernel *kernel);
