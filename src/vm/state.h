/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is on disk about a VM that runs: run/directpath/vm/ID/state.json, replaced as a whole before
 * each thing that is done, so that whoever comes after a crash knows what to take back.
 */
#pragma once

#include "run.h"

#include <sys/stat.h>

#define DP_STATE_NAME       "state.json"
#define DP_STATE_QMP        "qmp.sock"
#define DP_STATE_EVENTS     "events.sock"
#define DP_STATE_SUPERVISOR "supervisor.lock"
#define DP_STATE_SUCCESSOR  "successor.sock"

/* A process, safe against its number being used again. */
typedef struct {
    pid_t pid;      /* 0: none */
    uint64_t start; /* field 22 of /proc/PID/stat */
} DpProcess;

/* @process.start of a process that is alive, 0 if there is none of that number (or only a zombie).
 */
uint64_t dp_process_start(pid_t pid);
bool dp_process_alive(const DpProcess *process);

/* One passed-through function, and who owned its VFIO group's node before. */
typedef struct {
    char name[DP_ADDR_LEN];
    unsigned index; /* pciPassthruN */
    int slot;
    int group;
    bool msi_enabled;
    char reset[24]; /* what was really done at power-on; "" before */
    bool saved;     /* the node's owner is known: */
    uint32_t node_uid, node_gid, node_mode;
} DpRunFunction;

typedef struct {
    char *id, *name, *vmx_path, *accel, *started, *vnc;
    char *vmx_sum; /* of the file at power-on; NULL: not known */
    uint32_t uid;
    DpVmState phase;
    DpProcess starter, supervisor, engine;
    uint64_t memory, memlock;
    uint64_t reserved, page; /* DpPlan */
    bool runs_on_at_fault;   /* refused DMA is reported only */
    int64_t kmsg_number; /* the kernel's log is looked through up to this record; -1: not known */
    GArray *functions;   /* DpRunFunction */
} DpRunState;

/* What pinning, or giving back, @memlock bytes may take beyond any deadline: 3.5 s a GiB under
 * emulation, a tenth of that on hardware. */
int dp_run_pinning_ms(uint64_t memlock);

DpRunState *dp_run_state_new(void);
void dp_run_state_free(DpRunState *state);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpRunState, dp_run_state_free)

/* The folder of all VMs beneath @root; -1 if there is none (errno is set). */
int dp_run_folder_all(DpRoot *root);
/* The folder of VM @id; -1 if there is none. @id must be 16 hex digits. */
int dp_run_folder(DpRoot *root, const char *id);
bool dp_run_id_valid(const char *id);

DpRunState *dp_run_state_load(int folder, GError **error);
bool dp_run_state_save(const DpRunState *state, int folder, GError **error);

/* Removes the folder of @id with all that is in it. */
bool dp_run_folder_remove(DpRoot *root, const char *id, GError **error);

/* Text and structure, for tests. */
json_t *dp_run_state_to_json(const DpRunState *state);
DpRunState *dp_run_state_from_json(const json_t *document);
