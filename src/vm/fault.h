/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DMA of a VM's functions that the IOMMU has refused: found in the kernel's log by the VM's
 * supervisor, kept in run/directpath/dma-faults/ID, beyond the VM's end and until its next
 * power-on.
 */
#pragma once

#include "base/diag.h"
#include "formats/dma-fault.h"
#include "state.h"

typedef struct DpFaultWatch DpFaultWatch;

/* The kernel's log beneath @root, for the functions of @state, which must outlive it. Faults are
 * told from the record after @state->kmsg_number on; if that is not known, from now on. */
DpFaultWatch *dp_fault_watch_new(DpRoot *root, DpRunState *state, GError **error);
/* The same, with a log that another supervisor of the VM has opened: @fd becomes the watch's. */
DpFaultWatch *dp_fault_watch_take(DpRoot *root, DpRunState *state, int fd);
void dp_fault_watch_free(DpFaultWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpFaultWatch, dp_fault_watch_free)

int dp_fault_watch_fd(const DpFaultWatch *watch);

/* A fault of one of the VM's functions. */
typedef struct {
    DpDmaFault fault;
    char name[DP_ADDR_LEN]; /* the function */
    bool by_group;          /* the requester is another id of its IOMMU group, as of a bridge */
    bool certain;           /* no other segment has a function with this id */
} DpVmFault;

/* The next fault in what the log has, without waiting. False: none; @ret_more says that reading
 * stopped before the log's end, and @ret_ended that there will be none ever. Moves
 * state->kmsg_number. */
bool
dp_fault_watch_next(DpFaultWatch *watch, DpVmFault *ret_fault, bool *ret_more, bool *ret_ended);

/* What is kept of a VM's faults: how many the log told of, the first, and what was done. */
typedef struct {
    uint64_t count;
    DpVmFault first;
    char *time; /* of the first: ISO 8601, UTC */
    bool powered_off;
} DpVmFaults;

void dp_vm_faults_clear(DpVmFaults *faults);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DpVmFaults, dp_vm_faults_clear)

/* Counts @fault in; the first is remembered. */
void dp_vm_faults_add(DpVmFaults *faults, const DpVmFault *fault);

/* Text for the log: "PCI passthru device ... caused an IOMMU fault ...". The caller frees it. */
char *dp_vm_faults_text(const DpVmFaults *faults);

bool dp_vm_faults_save(const DpVmFaults *faults, DpRoot *root, const char *id, GError **error);
bool dp_vm_faults_load(DpVmFaults *faults, DpRoot *root, const char *id);
/* At power-on. */
void dp_vm_faults_forget(DpRoot *root, const char *id);

/* dp_vm_faults_report: run.h. */
