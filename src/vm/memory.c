/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM with passed-through devices has all its memory reserved and pinned: limits, room, the lock
 * limit. */
#include "build.h"

#include <stdlib.h>

/* Beside the guest's memory VFIO maps what the guest sees as memory: display, firmware, ROMs. */
#define LOCK_SLACK ((uint64_t)256 << 20)
/* QEMU itself. */
#define PROCESS_BYTES ((uint64_t)96 << 20)

static void
check_limit(DpBuild *build)
{
    const char *limit = dp_vmx_get(build->vmx, "sched.mem.max");
    int64_t mb;

    if (limit == NULL || limit[0] == '\0' || g_ascii_strcasecmp(limit, "unlimited") == 0) {
        return;
    }
    if (!dp_vmx_get_int(build->vmx, "sched.mem.max", -1, G_MAXINT64, &mb, build->plan->diags) ||
        mb < 0) {
        return;
    }
    if ((uint64_t)mb >= build->plan->memory >> 20) {
        return;
    }
    if (!build->wants_passthru) {
        dp_build_effect(build, "sched.mem.max", DP_EFFECT_SUBSTITUTED,
                        "not applied: the guest may use all of its memory");
        return;
    }
    dp_build_diag(build, DP_DIAG_VMX_MEM_LIMIT, "sched.mem.max",
                  "the limit of %" G_GINT64_FORMAT " MB is below memsize, %" G_GUINT64_FORMAT
                  " MB, and passthrough needs all of it",
                  mb, build->plan->memory >> 20);
}

static void
check_room(DpBuild *build)
{
    const DpHost *host = build->input->host;
    uint64_t need = build->plan->memory + PROCESS_BYTES;

    if (host == NULL || !build->wants_passthru || host->platform.mem_available == 0 ||
        need <= host->platform.mem_available) {
        return;
    }
    dp_build_diag(build, DP_DIAG_VM_MEMORY_SHORT, "memsize",
                  "%" G_GUINT64_FORMAT
                  " MiB must be pinned for the VM and its engine, and %" G_GUINT64_FORMAT
                  " MiB of this host's memory are available",
                  need >> 20, host->platform.mem_available >> 20);
}

void
dp_build_memory(DpBuild *build)
{
    check_limit(build);
    check_room(build);
    build->plan->memlock =
        build->wants_passthru ? build->plan->memory + build->bar_bytes + LOCK_SLACK : 0;
}
